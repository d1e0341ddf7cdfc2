//! The words of a control in one form, so that "tighten the permissions of" and "mode 0644 is too
//! open" are the same.

use std::collections::BTreeSet;

/// What a word says, where others say the same.
const SAME: [(&str, &[&str]); 12] = [
    (
        MODE,
        &[
            "mode",
            "chmod",
            "permission",
            "perm",
            "permissive",
            "readable",
            "writable",
            "writeable",
            "world",
            "octal",
            "rwx",
        ],
    ),
    (OWNER, &["owner", "ownership", "chown", "owned"]),
    (FLAG, &["immutable", "uchg", "schg", "chflags", "chattr"]),
    ("deny", &["deny", "block", "refuse", "reject", "stop"]),
    (
        "through",
        &[
            "through",
            "bypass",
            "miss",
            "evade",
            "escape",
            "gap",
            "unblocked",
            "pass",
        ],
    ),
    (
        "secret",
        &["secret", "credential", "token", "password", "key"],
    ),
    ("hook", &["hook", "guard"]),
    ("delay", &["delay", "timeout", "idle", "interval"]),
    ("log", &["log", "logging", "audit", "auditing"]),
    ("update", &["update", "upgrade", "patch"]),
    ("firewall", &["firewall", "alf", "socketfilterfw"]),
    ("encrypt", &["encrypt", "encryption", "filevault", "luks"]),
];

/// The mode of a file.
const MODE: &str = "mode";
/// Its owner.
const OWNER: &str = "owner";
/// That it can't be changed.
const FLAG: &str = "flag";

/// Properties that a place has one of: whoever names one has named the control.
const PROPERTIES: [&str; 3] = [MODE, OWNER, FLAG];

/// Words of a guard: with them a property is what the guard looks at, and not what a place has.
const GUARDING: [&str; 9] = [
    "deny", "through", "hook", "let", "allow", "spelling", "match", "pattern", "command",
];

/// Words that say nothing about what is controlled. Whether it is on or off is what a hole and its
/// cure differ in.
const EMPTY: &str = " a activate an and any are as at be been being by can could deactivate did disable do does enable ensure enforce \
    ensuring file directory false folder dir path fix fixed fixing for from group has harden hardened \
    hardening has have if improve in insecure is it its limit loose make may more must need new no not \
    of off on only open or other others our overly own proper properly protect reduce restrict \
    restricted restriction safe secure set setting should strict than that the their them this \
    tight tighten tightened to too true turn unsafe up use user users value was weak when which who will with yes ";

/// The words that count.
pub(super) fn control(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let word = stem(&word.to_lowercase());
        if word.is_empty() || EMPTY.contains(&format!(" {word} ")) {
            continue;
        }
        out.insert(if is_mode(&word) {
            MODE.to_owned()
        } else {
            SAME.iter()
                .find(|(_, words)| words.contains(&word.as_str()))
                .map_or(word, |(name, _)| (*name).to_owned())
        });
    }
    out
}

/// The property that these words are about, where they are about one of a place.
pub(super) fn property(words: &BTreeSet<String>) -> Option<&'static str> {
    let guarding = GUARDING.iter().any(|word| words.contains(*word));
    PROPERTIES
        .into_iter()
        .find(|name| !guarding && words.contains(*name))
}

/// `0644`, `600`, `1777`: three or four octal digits.
fn is_mode(word: &str) -> bool {
    (3..=5).contains(&word.len())
        && word
            .strip_prefix("0o")
            .unwrap_or(word)
            .chars()
            .all(|c| ('0'..='7').contains(&c))
        && word != "127"
}

/// Without the ends of plurals and of past and present participles.
fn stem(word: &str) -> String {
    let ends = [
        ("ies", "y", 5),
        ("sses", "ss", 6),
        ("ing", "", 7),
        ("ed", "", 6),
        ("s", "", 4),
    ];
    for (end, instead, least) in ends {
        if word.len() >= least
            && !word.ends_with("ss")
            && let Some(start) = word.strip_suffix(end)
        {
            let whole = format!("{start}e");
            // `disabled` is of `disable`, `blocked` of `block`.
            let known = |w: &str| {
                EMPTY.contains(&format!(" {w} "))
                    || SAME.iter().any(|(_, words)| words.contains(&w))
            };
            return match instead {
                "" if known(&whole) => whole,
                instead => format!("{start}{instead}"),
            };
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        control(text).into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn other_words_for_the_same_are_the_same() {
        for text in [
            "mode",
            "file mode",
            "Permissions too open",
            "chmod 600",
            "restrict the file's permissions to its owner",
            "world-readable (0644)",
            "tighten file permissions",
            "group/world readable",
        ] {
            assert_eq!(
                property(&control(text)),
                Some(MODE),
                "{text}: {}",
                words(text)
            );
        }
        for (a, b) in [
            ("AutoLogin disabled", "turn AutoLogin off"),
            ("Blocked by the hook", "deny hook"),
            ("automatic updates enabled", "enable automatic update"),
        ] {
            assert_eq!(words(a), words(b));
        }
    }

    #[test]
    fn what_a_guard_looks_at_is_no_property() {
        for text in [
            "chmod 777 is let through",
            "deny chmod -R",
            "hook misses chmod",
        ] {
            assert_eq!(property(&control(text)), None, "{text}");
        }
        assert_ne!(
            words("chmod 777 is let through"),
            words("rm -fr is let through")
        );
        assert_eq!(property(&control("PermitRootLogin")), None);
    }
}
