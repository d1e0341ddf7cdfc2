//! What a kernel is started with: `/etc/default/grub`.

use std::collections::BTreeSet;

use super::table::Word;

/// Words of a kernel's command line that only harden, or only look.
const WORDS: &str = " quiet splash apparmor=1 security=apparmor security=selinux selinux=1 enforcing=1 \
    slab_nomerge init_on_alloc=1 init_on_free=1 page_poison=1 page_alloc.shuffle=1 pti=on \
    randomize_kstack_offset=on randomize_kstack_offset=1 vsyscall=none debugfs=off oops=panic \
    module.sig_enforce=1 lockdown=integrity lockdown=confidentiality mitigations=auto \
    mitigations=auto,nosmt spectre_v2=on spec_store_bypass_disable=on l1tf=full,force mds=full,nosmt \
    tsx=off tsx_async_abort=full,nosmt kvm.nx_huge_pages=force audit=1 random.trust_cpu=off \
    random.trust_bootloader=off intel_iommu=on amd_iommu=on amd_iommu=force_isolation iommu=force \
    iommu.passthrough=0 iommu.strict=1 efi=disable_early_pci_dma ipv6.disable=1 nosmt=force \
    kernel.yama.ptrace_scope=1 slub_debug=FZ ";
/// Beginnings of words that switch a protection off or start something else.
const OPENING: [&str; 12] = [
    "init=",
    "rdinit=",
    "rd.break",
    "single",
    "systemd.debug",
    "systemd.unit=",
    "apparmor=0",
    "selinux=0",
    "enforcing=0",
    "mitigations=off",
    "nokaslr",
    "audit=0",
];

/// A setting as a shell reads it: `KEY="words"`, and nothing in the words that it would read otherwise.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c));
    let inner = match quote {
        Some(quote) => value.strip_prefix(quote)?.strip_suffix(quote)?,
        None => Some(value).filter(|value| !value.contains(char::is_whitespace))?,
    };
    let plain = !inner.contains(['"', '\'', '$', '`', '\\', ';', '&', '|', '#']);
    let named = key.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    (plain && named).then_some((key, inner))
}

const LINES: [&str; 2] = ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"];

/// Judges a line of grub's settings.
pub(super) fn grub(line: &str) -> Word {
    let Some((key, value)) = setting(line) else {
        return Word::Held("a line of grub's settings that a shell may read otherwise".to_owned());
    };
    let named = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = value.split_whitespace().map(named).collect();
    names.sort();
    match key {
        key if LINES.contains(&key) && names.windows(2).any(|two| two[0] == two[1]) => {
            Word::Held("a word of the kernel's that is there twice".to_owned())
        }
        key if LINES.contains(&key) => value
            .split_whitespace()
            .map(word)
            .find(|said| *said != Word::Good)
            .unwrap_or(Word::Good),
        "GRUB_DISABLE_RECOVERY" | "GRUB_DISABLE_OS_PROBER" if value == "true" => Word::Good,
        "GRUB_TIMEOUT" if value.parse::<u32>().is_ok_and(|seconds| seconds <= 10) => Word::Good,
        key => Word::Held(format!("the setting {key} of grub, which no rule knows")),
    }
}

fn word(word: &str) -> Word {
    if WORDS.split_whitespace().any(|known| known == word) {
        return Word::Good;
    }
    if OPENING.iter().any(|front| word.starts_with(front)) {
        return Word::Refused(format!("the kernel is started with {word}, which opens it"));
    }
    let number = |name: &str, most: u32| {
        let given = word
            .strip_prefix(name)
            .and_then(|value| value.parse::<u32>().ok());
        given.is_some_and(|value| value <= most)
    };
    if number("loglevel=", 4) || number("audit_backlog_limit=", 65_536) {
        return Word::Good;
    }
    match word.strip_prefix("lsm=") {
        Some(list) => {
            let named: Vec<&str> = list.split(',').collect();
            let keeps = ["lockdown", "yama"].iter().all(|one| named.contains(one));
            if keeps && (named.contains(&"apparmor") || named.contains(&"selinux")) {
                Word::Good
            } else {
                Word::Refused(format!("{word} leaves a protection of the kernel's away"))
            }
        }
        None => Word::Held(format!("the kernel's word {word}, which no rule knows")),
    }
}

/// What the kernel is not started with any more, or can't be told: of each line the last one counts.
pub(super) fn gone(old: &str, new: &str) -> Option<String> {
    let words = |text: &str, key: &str| -> Vec<BTreeSet<String>> {
        let lines = text.lines().filter_map(|line| setting(line.trim()));
        lines
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| value.split_whitespace().map(str::to_owned).collect())
            .collect()
    };
    LINES.iter().find_map(|key| {
        let (was, is) = (words(old, key), words(new, key));
        match (was.last(), is.last()) {
            (_, Some(_)) if is.len() > 1 && is.len() > was.len() => Some(format!("{key} once")),
            (None, Some(_)) => Some(format!("what stood in {key}")),
            (Some(was), is) => {
                let looks = ["quiet", "splash"];
                let mut gone = was.iter().filter(|word| {
                    !looks.contains(&word.as_str()) && is.is_none_or(|is| !is.contains(*word))
                });
                gone.next().cloned()
            }
            _ => None,
        }
    })
}

/// Judges a line of what is added to a profile of `AppArmor`: what is hidden in homes may be denied.
pub(super) fn apparmor(line: &str) -> Word {
    let rule = line.strip_prefix("audit ").unwrap_or(line);
    if rule.starts_with("deny @{HOME}/.") && rule.ends_with(',') && rule.matches(',').count() == 1 {
        return Word::Good;
    }
    Word::Held("a line of AppArmor's that does more than deny what is hidden in homes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_is_started_with() {
        for (line, good) in [
            (
                "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash init_on_free=1\"",
                true,
            ),
            (
                "GRUB_CMDLINE_LINUX='lsm=landlock,lockdown,yama,integrity,apparmor,bpf'",
                true,
            ),
            (
                "GRUB_CMDLINE_LINUX='lsm=landlock,lockdown,yama,integrity,bpf'",
                false,
            ),
            ("GRUB_CMDLINE_LINUX=\"quiet mitigations=off\"", false),
            ("GRUB_CMDLINE_LINUX=\"systemd.debug-shell=1\"", false),
            ("GRUB_CMDLINE_LINUX=\"loglevel=7\"", false),
            ("GRUB_CMDLINE_LINUX=apparmor=1 audit=1", false),
            ("GRUB_CMDLINE_LINUX =\"audit=1\"", false),
            ("GRUB_CMDLINE_LINUX=\"audit=1'", false),
            (
                "GRUB_CMDLINE_LINUX=\"mitigations=auto,nosmt mitigations=auto\"",
                false,
            ),
            ("GRUB_TIMEOUT=5", true),
            ("GRUB_TIMEOUT=-1", false),
            ("GRUB_PRELOAD_MODULES=x", false),
        ] {
            assert_eq!(grub(line) == Word::Good, good, "{line}");
        }
        let old = "GRUB_CMDLINE_LINUX=\"quiet apparmor=1 pti=on\"\n";
        assert_eq!(
            gone(old, "GRUB_CMDLINE_LINUX=\"apparmor=1\"\n"),
            Some("pti=on".to_owned())
        );
        assert_eq!(
            gone(old, "GRUB_CMDLINE_LINUX=\"pti=on apparmor=1\"\n"),
            None
        );
        let twice =
            "GRUB_CMDLINE_LINUX=\"quiet apparmor=1 pti=on\"\nGRUB_CMDLINE_LINUX=\"quiet\"\n";
        assert!(gone(old, twice).is_some());
        let moved = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet apparmor=1 pti=on\"\n";
        assert!(gone(old, moved).is_some());
        assert!(gone("", old).is_some());
        assert_eq!(apparmor("deny @{HOME}/.aws/** rw,"), Word::Good);
        assert_ne!(apparmor("deny /a r, /b rw,"), Word::Good);
        assert_ne!(apparmor("/b rw,"), Word::Good);
        assert_ne!(apparmor("deny /** rwx,"), Word::Good);
    }
}
