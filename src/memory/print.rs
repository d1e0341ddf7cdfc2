//! The fingerprint of a hole: its places and its control, not the words for them.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{places, words};
use crate::turn::hex;

/// What makes a hole the same hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    places: BTreeSet<String>,
    /// A property that each place has one of, or the words that count.
    control: BTreeSet<String>,
    /// All words that count, for likeness.
    words: BTreeSet<String>,
}

impl Print {
    /// Of a target and a control, as they are named.
    pub fn of(target: &str, control: &str) -> Self {
        let (mut at, target_words) = places::split(target);
        let (named, control_words) = places::split(control);
        at.extend(named);
        // A playbook is where a hole is closed, not where it is.
        let playbook = |p: &String| {
            let name = p.rsplit_once('.').map_or("", |(_, ending)| ending);
            !p.starts_with(['/', '~']) && ["yml", "yaml"].contains(&name)
        };
        if !at.iter().all(playbook) {
            at.retain(|p| !playbook(p));
        }
        let mut all = words::control(&format!("{target_words} {control_words}"));
        // What the place says already.
        for place in &at {
            for part in place.split(|c: char| !c.is_alphanumeric()) {
                all.remove(part);
            }
        }
        let control = match words::property(&all) {
            Some(property) if !at.is_empty() => BTreeSet::from([property.to_owned()]),
            _ => all.clone(),
        };
        Self {
            places: at,
            control,
            words: all,
        }
    }

    /// Sixteen hexadecimal digits: what is equal in them is the same hole. The reverse is not so, see
    /// [`Print::covers`].
    pub fn key(&self) -> String {
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join("\n");
        let text = format!("{}\n\n{}", join(&self.places), join(&self.control));
        hex(&Sha256::digest(text.as_bytes()))[..16].to_owned()
    }

    /// Whether `other` is no more than this: the same control, of none but these places.
    pub fn covers(&self, other: &Self) -> bool {
        let known = |place: &String| self.places.iter().any(|p| places::same_place(p, place));
        self.places.is_empty() == other.places.is_empty()
            && self.control == other.control
            && other.places.iter().all(known)
            && !(other.places.is_empty() && other.control.is_empty())
    }

    /// Whether it is about something near: of every hundred words and places more than forty are
    /// shared, or they are about the same place.
    pub fn is_like(&self, other: &Self) -> bool {
        let near = |p: &String| other.places.iter().any(|q| places::same_place(p, q));
        let shared = self.words.intersection(&other.words).count();
        let all = self.words.union(&other.words).count();
        self.places.iter().any(near) || (all > 0 && shared * 100 > all * 40)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::memory::home_relative;

    const HOME: &str = "/home/kyle";

    fn print(target: &str, control: &str) -> Print {
        let home = std::path::Path::new(HOME);
        Print::of(&home_relative(target, home), &home_relative(control, home))
    }

    /// The mode that was fixed eight times.
    const EIGHT: [(&str, &str); 8] = [
        ("~/gh/multi/.mcp.json", "file mode 0600"),
        ("$HOME/gh/multi/.mcp.json", "permissions too open"),
        ("/home/kyle/gh/multi/.mcp.json", "world-readable"),
        ("~/gh/multi/.mcp.json/", "chmod 600"),
        ("{{ repo_dir }}/.mcp.json", "mode 0644"),
        (".mcp.json (MCP server tokens)", "restrict file permissions"),
        (
            "infra/mac-setup/playbook.yml: task that writes .mcp.json",
            "tighten the file's mode",
        ),
        (
            "playbook.yml",
            "${HOME}/gh/multi//.mcp.json is readable by group and others",
        ),
    ];

    #[test]
    fn eight_names_for_one_file_mode_are_one_hole() {
        let first = print(EIGHT[0].0, EIGHT[0].1);
        for (target, control) in EIGHT {
            let other = print(target, control);
            assert!(first.covers(&other), "{target}, {control}: {other:?}");
            assert!(first.is_like(&other));
        }
    }

    #[test]
    fn other_holes_are_other_holes() {
        let all = [
            ("~/.mcp.json", "mode"),
            ("~/.mcp.json", "owner"),
            ("~/exports.sh", "mode"),
            ("block-destructive.sh", "chmod 777 is let through"),
            ("block-destructive.sh", "rm in any spelling"),
            ("/etc/ssh/sshd_config: PermitRootLogin", "disabled"),
            ("/etc/ssh/sshd_config: PasswordAuthentication", "disabled"),
            ("Application Firewall", "enabled"),
            ("Application Firewall", "stealth mode"),
            ("screen lock", "delay"),
        ];
        for (i, a) in all.iter().enumerate() {
            for (k, b) in all.iter().enumerate() {
                let (x, y) = (print(a.0, a.1), print(b.0, b.1));
                assert_eq!(x.covers(&y), i == k, "{a:?} {b:?}");
                assert_eq!(x.key() == y.key(), i == k, "{a:?} {b:?}");
            }
        }
        // A repair of one place is no repair of two.
        assert!(!print("~/a.sh", "mode").covers(&print("~/a.sh and ~/b.sh", "mode")));
        assert!(print("~/a.sh and ~/b.sh", "mode").covers(&print("~/a.sh", "mode")));
        // Nothing is known of what has no name.
        assert!(!print("", "").covers(&print("", "")));
    }

    #[test]
    fn every_entry_of_the_catalogue_is_a_hole_of_its_own() {
        let entries = crate::agent::catalog::entries();
        for (i, a) in entries.iter().enumerate() {
            for (k, b) in entries.iter().enumerate() {
                let of = |f: &crate::turn::Finding| print(&f.target, &f.control);
                let same = of(&a.finding).covers(&of(&b.finding));
                assert_eq!(same, i == k, "{:?} {:?}", a.finding, b.finding);
            }
        }
    }

    fn part() -> impl Strategy<Value = String> {
        "[a-z]{1,8}(-[a-z]{1,4})?"
    }

    proptest! {
        #[test]
        fn spelling_changes_nothing(
            parts in proptest::collection::vec(part(), 1..4), name in "[a-z]{2,8}\\.(json|sh|conf)",
            spelling in 0_usize..6, doubled in any::<bool>(), end in 0_usize..3,
            control in "[a-zA-Z]{3,9}( [a-z]{3,9}){0,3}", upper in any::<bool>(),
        ) {
            let path = format!("{}/{name}", parts.join(if doubled { "//" } else { "/" }));
            let spelled = match spelling {
                0 => format!("~/{path}"),
                1 => format!("$HOME/{path}"),
                2 => format!("${{HOME}}/./{path}"),
                3 => format!("{HOME}/{path}"),
                4 => format!("{{{{ ansible_env.HOME }}}}/{path}"),
                _ => format!("`~/x/../{path}`"),
            };
            let spelled = format!("{spelled}{}", ["", "/", "."][end]);
            let plain = print(&format!("~/{}/{name}", parts.join("/")), &control);
            let other = if upper { control.to_uppercase() } else { format!("the {control}.") };
            let other = print(&spelled, &other);
            prop_assert_eq!(plain.key(), other.key());
            prop_assert!(plain.covers(&other) && other.covers(&plain));
        }

        #[test]
        fn the_order_of_words_changes_nothing(mut words in proptest::collection::vec("[a-z]{3,8}", 1..6)) {
            let a = print("/etc/x.conf", &words.join(" "));
            words.reverse();
            prop_assert_eq!(a.key(), print("/etc/x.conf", &words.join("-")).key());
        }

        #[test]
        fn another_place_is_another_hole(a in "/[a-z]{3,8}/[a-z]{3,8}", b in "/[a-z]{3,8}/[a-z]{3,8}") {
            prop_assume!(a != b);
            prop_assert!(!print(&a, "mode").covers(&print(&b, "mode")));
            prop_assert_ne!(print(&a, "mode").key(), print(&b, "mode").key());
        }

        #[test]
        fn any_text_has_one(target in "(?s).{0,80}", control in "(?s).{0,80}") {
            let print = print(&target, &control);
            prop_assert_eq!(print.key().len(), 16);
            prop_assert!(print.covers(&print) || (print.places.is_empty() && print.control.is_empty()));
        }
    }
}
