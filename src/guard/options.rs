//! Arguments as programs read them: short flags together, long ones abbreviated, `--` as the end.

/// The words before `--`.
pub(super) fn before_end(args: &[String]) -> &[String] {
    let end = args.iter().position(|a| a == "--").unwrap_or(args.len());
    &args[..end]
}

/// Words that are no options, those behind `--` included. Values of options count too.
pub(super) fn operands(args: &[String]) -> Vec<&String> {
    without_values(args, &[])
}

/// The same without the values of these options.
pub(super) fn without_values<'a>(args: &'a [String], valued: &[&str]) -> Vec<&'a String> {
    let (mut ended, mut value, mut found) = (false, false, Vec::new());
    for arg in args {
        let of_option = std::mem::replace(&mut value, !ended && valued.contains(&arg.as_str()));
        if ended || !of_option && (!arg.starts_with('-') || arg == "-") {
            found.push(arg);
        } else if !of_option && arg == "--" {
            ended = true;
        }
    }
    found
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
