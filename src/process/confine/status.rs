//! Whether the kernel says that a process is confined: its word counts, not that of the calls that
//! were made.

/// Checks the text of `/proc/self/status`.
///
/// # Errors
/// Everything that is missing.
pub(super) fn check(status: &str, root: bool) -> Result<(), String> {
    let field = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
        Some(lines.next()?.strip_prefix(':')?.trim())
    };
    let mut missing = Vec::new();
    for (name, wanted) in [("NoNewPrivs", "1"), ("Seccomp", "2")] {
        if field(name) != Some(wanted) {
            missing.push(format!("{name} is not {wanted}"));
        }
    }
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let none = field(name).is_some_and(|set| !set.is_empty() && set.bytes().all(|b| b == b'0'));
        if !none {
            missing.push(format!("{name} is not empty"));
        }
    }
    let user = |id: &str| id.parse().is_ok_and(|id: u32| id != 0);
    let users = field("Uid").is_some_and(|ids| {
        let ids: Vec<&str> = ids.split_whitespace().collect();
        ids.len() == 4 && ids.into_iter().all(user)
    });
    if !root && !users {
        missing.push("it is root".to_owned());
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("the kernel says: {}", missing.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Name:\tx\nUid:\t7\t7\t7\t7\nCapInh:\t0000000000000000\n\
                        CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
                        CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n\
                        Seccomp:\t2\nSeccomp_filters:\t3\n";

    #[test]
    fn whatever_is_missing_is_named() {
        assert_eq!(check(GOOD, false), Ok(()));
        for (from, to, says) in [
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "NoNewPrivs is not 1"),
            ("Seccomp:\t2\n", "Seccomp:\t1\n", "Seccomp is not 2"),
            ("Seccomp:\t2\n", "", "Seccomp is not 2"),
            ("CapEff:\t0000000000000000\n", "", "CapEff is not empty"),
            (
                "CapEff:\t0000000000000000",
                "CapEff:\t",
                "CapEff is not empty",
            ),
            (
                "CapBnd:\t0000000000000000",
                "CapBnd:\t0000000000000001",
                "CapBnd is not empty",
            ),
            (
                "CapPrm:\t0000000000000000",
                "CapPrm:\t0000002000000000",
                "CapPrm is not empty",
            ),
            ("Uid:\t7\t7\t7\t7", "Uid:\t7\t0\t7\t7", "it is root"),
            ("Uid:\t7\t7\t7\t7", "Uid:\t7\t7\t7", "it is root"),
            ("Uid:\t7\t7\t7\t7\n", "", "it is root"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let why = check(&GOOD.replace(from, to), false).unwrap_err();
            assert_eq!(why, format!("the kernel says: {says}"), "{from}");
        }
        let root = GOOD.replace("Uid:\t7\t7\t7\t7", "Uid:\t0\t0\t0\t0");
        assert_eq!(check(&root, true), Ok(()));
        assert!(check("", true).unwrap_err().contains("CapEff"));
    }
}
