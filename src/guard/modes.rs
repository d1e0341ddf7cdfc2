//! Modes, owners and flags of files.

use super::Stop;
use super::options::{long, operands, short};
use super::paths::{Base, Place};
use super::walk::{Walk, quoted};

/// Judges what opens files up, or takes protection from them.
pub(super) fn check(walk: &Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let recursive = short(args, 'R') || long(args, "recursive", 3);
    // A mode that takes away begins like an option: `chmod -x f`.
    let is_mode = |a: &&String| {
        name == "chmod"
            && a.len() > 1
            && a.starts_with('-')
            && a[1..].chars().all(|c| "rwxXst".contains(c))
    };
    let taking = args.iter().find(is_mode);
    let words: Vec<&String> = taking.into_iter().chain(operands(args)).collect();
    let mode = words.first().map_or("", |m| m.as_str());
    let files = if long(args, "reference", 3) {
        &words[..]
    } else {
        words.get(1..).unwrap_or_default()
    };
    let octal = mode.trim_start_matches('0');
    let world = name == "chmod"
        && (matches!(octal, "777" | "666" | "776" | "767" | "1777")
            || mode.contains("o+w")
            || mode.contains("a+w")
            || mode.contains("a+rwx")
            || mode.contains("o+rwx")
            || mode.contains("ugo+w")
            || mode.contains("ugo+rwx")
            || mode == "+rwx");
    let setuid = name == "chmod"
        && (mode.contains("u+s")
            || mode.contains("g+s") && recursive
            || mode.contains("+s")
            || octal.len() == 4 && octal.starts_with(['4', '6', '2', '7']));
    if setuid {
        return Err(Stop::deny("permission-loosen", format!("{name} {mode}")));
    }
    if name == "chflags" && mode.contains("nouchg") || name == "chattr" && mode.contains("-i") {
        return Err(Stop::deny("protection-off", format!("{name} {mode}")));
    }
    if name == "chattr" && args.iter().any(|a| a == "-i" || a == "-a") {
        return Err(Stop::deny("protection-off", "chattr -i"));
    }
    for path in files {
        let place = Place::of(path, &walk.scope.cwd);
        let outside = !place.is_below() && !place.is_temporary();
        let away = place.base != Base::Here || place.parts.first().is_some_and(|p| p == ".git");
        let hook = place.switch().is_some_and(|s| s.contains("hooks"));
        let runs = octal
            .bytes()
            .any(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7'));
        let stops = mode.contains("-x") || mode.bytes().all(|b| b.is_ascii_digit()) && !runs;
        if name == "chmod" && hook && stops {
            return Err(Stop::deny(
                "protection-off",
                format!("{name} {mode} {}", quoted(path)),
            ));
        }
        if world && (outside || recursive) {
            return Err(Stop::deny(
                "permission-loosen",
                format!("{name} {mode} {}", quoted(path)),
            ));
        }
        if recursive
            && away
            && !place.is_temporary()
            && (place.base != Base::Home || place.parts.len() < 2)
        {
            return Err(Stop::deny(
                "permission-loosen",
                format!("{name} -R {}", quoted(path)),
            ));
        }
        if place.is_system() && !matches!(mode, "+x" | "a+x" | "u+x" | "755") {
            return Err(Stop::deny(
                "system-write",
                format!("{name} {mode} {}", quoted(path)),
            ));
        }
    }
    Ok(())
}
