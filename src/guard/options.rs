//! Arguments as programs read them: short flags together, long ones abbreviated, `--` as the end.

/// The words before `--`.
pub(super) fn before_end(args: &[String]) -> &[String] {
    let end = args.iter().position(|a| a == "--").unwrap_or(args.len());
    &args[..end]
}

/// Words that are no options, those behind `--` included. Values of options count too.
pub(super) fn operands(args: &[String]) -> Vec<&String> {
    let mut ended = false;
    args.iter()
        .filter(|a| {
            if ended {
                return true;
            }
            if *a == "--" {
                ended = true;
                return false;
            }
            !a.starts_with('-') || a.as_str() == "-"
        })
        .collect()
}

/// Whether a short flag is given, alone or among others.
pub(super) fn short(args: &[String], flag: char) -> bool {
    before_end(args).iter().any(|a| {
        a.strip_prefix('-')
            .is_some_and(|rest| !rest.starts_with('-') && rest.contains(flag))
    })
}

/// Whether a long option is given, in full or abbreviated to at least `least` letters.
pub(super) fn long(args: &[String], name: &str, least: usize) -> bool {
    before_end(args).iter().any(|a| {
        a.strip_prefix("--").is_some_and(|rest| {
            let rest = rest.split('=').next().unwrap_or_default();
            rest.len() >= least && name.starts_with(rest)
        })
    })
}

/// The value of an option, as its own word or behind `=`.
pub(super) fn value<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().enumerate().find_map(|(i, a)| {
        if a == name {
            return args.get(i + 1).map(String::as_str);
        }
        let rest = a.strip_prefix(name)?;
        if name.starts_with("--") {
            rest.strip_prefix('=')
        } else {
            (name.len() == 2 && !rest.is_empty()).then_some(rest)
        }
    })
}

/// The operands without the values of options.
pub(super) fn without_values<'a>(args: &'a [String], valued: &[&str]) -> Vec<&'a String> {
    let value = |at: usize| at > 0 && valued.contains(&args[at - 1].as_str());
    let kept = args.iter().enumerate().filter(|(at, _)| !value(*at));
    kept.map(|(_, arg)| arg)
        .filter(|arg| !arg.starts_with('-'))
        .collect()
}
