//! The tripwire: deeds that no honest iteration comes near. It is no wall, which is the sandbox; who
//! runs into it is told apart by it. The list is data (`tripwire.txt`), to which an operator adds
//! (`guard.tripwire`); what is added is refused as well.

use std::sync::OnceLock;

use super::Stop;
use super::options::{before_end, operands};
use super::table::{is_harmless, starts_with};
use super::walk::quoted;

const LIST: &str = include_str!("tripwire.txt");

static ADDED: OnceLock<Vec<String>> = OnceLock::new();

/// Adds an operator's own entries; once, before anything is judged.
pub fn add(entries: Vec<String>) {
    let _ = ADDED.set(entries);
}

/// The entries that come with secloop.
pub fn entries() -> impl Iterator<Item = &'static str> {
    LIST.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Why an entry of an operator's can't be one.
///
/// # Errors
/// What is wrong with it.
pub fn check_entry(entry: &str) -> Result<(), String> {
    let words = shlex::split(entry).unwrap_or_default();
    let plain = |word: &String| {
        let odd = |c: char| c.is_control() || c.is_whitespace() || "'\"\\$`;&|<>".contains(c);
        !word.is_empty() && !word.contains(odd)
    };
    let named = words
        .first()
        .is_some_and(|w| !w.starts_with('-') && !w.contains('/'));
    if named && words.iter().all(plain) {
        return Ok(());
    }
    Err(format!(
        "guard.tripwire: \"{}\" must be a program's name and words or options that follow it, such as \
         \"terraform apply\"",
        entry.escape_debug()
    ))
}

/// Refuses what is on the list and what an operator added.
pub(super) fn check(name: &str, args: &[String]) -> Result<(), Stop> {
    let dry = name == "git" && super::git::only_says(args);
    if is_caught(name, args) && !is_harmless(args) && !dry {
        let what = format!("{name} {}", quoted(&args.join(" ")));
        return Err(Stop::deny("tripwire", what));
    }
    Ok(())
}

fn is_caught(name: &str, args: &[String]) -> bool {
    let added = ADDED.get().map_or(&[][..], Vec::as_slice);
    let mut all = entries().chain(added.iter().map(String::as_str));
    all.any(|entry| caught(name, args, entry))
}

/// Whether a refusal's line tells of an entry of the list or of the operator's.
pub fn trips(refusal: &str) -> bool {
    let line = refusal.rsplit("secloop guard: ").next().unwrap_or(refusal);
    let (rule, rest) = line.split_once(": ").unwrap_or((line, ""));
    let what = rest
        .split(": ")
        .next()
        .unwrap_or_default()
        .replace(['`', '"', '\''], "");
    let words: Vec<String> = what.split_whitespace().map(str::to_owned).collect();
    let Some((name, args)) = words.split_first() else {
        return false;
    };
    rule == "tripwire" || is_caught(name, args)
}

/// Whether a program with these arguments is what an entry says.
fn caught(name: &str, args: &[String], entry: &str) -> bool {
    let mut wanted = entry.split_whitespace();
    let program = wanted.next().is_some_and(|program| program == name);
    let (options, wanted): (Vec<&str>, Vec<&str>) = wanted.partition(|word| word.starts_with('-'));
    let args = before_end(args);
    let words: Vec<String> = operands(args).iter().map(|w| w.to_lowercase()).collect();
    program
        && options
            .iter()
            .all(|option| args.iter().any(|arg| arg == option))
        && starts_with(name, &words, &wanted)
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, judge};
    use super::*;

    #[test]
    fn every_entry_is_refused_and_told_from_other_refusals() {
        let count = entries()
            .map(|entry| {
                check_entry(entry).unwrap();
                let command = format!("{entry} something");
                let verdict = judge(&command);
                assert!(
                    matches!(verdict, Verdict::Denied(_)),
                    "{command}: {verdict:?}"
                );
                let line = format!("secloop guard: {}", verdict.line().unwrap());
                assert!(trips(&line), "{line}");
            })
            .count();
        assert!((8..=14).contains(&count), "{count}");
        for other in [
            "rm -rf /",
            "git reset --hard",
            "git push origin :old",
            "cat .env",
        ] {
            let line = judge(other).line().unwrap();
            assert!(!trips(&line), "{line}");
        }
        for passed in [
            "gh secret list",
            "git push --force-with-lease",
            "git push -- --force",
            "cargo publish --dry-run",
        ] {
            assert_eq!(judge(passed), Verdict::Allowed, "{passed}");
        }
    }

    #[test]
    fn the_reference_shows_the_list() {
        let list: Vec<&str> = entries().collect();
        assert!(include_str!("../../docs/reference.md").contains(&list.join("\n")));
    }

    #[test]
    fn an_entry_is_a_program_with_its_words_in_their_place() {
        let caught = |command: &str, entry| {
            let words = shlex::split(command).unwrap();
            caught(&words[0], &words[1..], entry)
        };
        assert!(caught("terraform apply -auto-approve", "terraform apply"));
        assert!(caught("terraform -chdir=x apply", "terraform apply"));
        assert!(!caught("terraform plan apply.tf", "terraform apply"));
        assert!(!caught("gh issue create --title secret", "gh secret set"));
        assert!(caught("git push origin main --force", "git push --force"));
        assert!(!caught("git push origin main", "git push --force"));
        for odd in ["", "-x", "/bin/x", "a; b", "a $(b)", "a \"b\nc\"", "'a"] {
            assert!(check_entry(odd).is_err(), "{odd:?}");
        }
    }
}
