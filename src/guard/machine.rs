//! Processes and the power of the machine.

use super::Stop;
use super::options::{operands, short};
use super::walk::quoted;

/// Judges them.
pub(super) fn check(name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule: &'static str| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    let words = operands(args);
    let word = |i: usize| words.get(i).map_or("", |w| w.as_str());
    let has = |w: &str| args.iter().any(|a| a == w);
    match name {
        "kill"
            if args.iter().any(|a| a == "-1")
                && args.len() > 1
                && args.last().is_some_and(|a| a == "-1") =>
        {
            deny("process-kill")
        }
        "kill" if words.iter().any(|w| w.as_str() == "1") => deny("process-kill"),
        "killall" | "pkill"
            if words
                .iter()
                .any(|w| w.as_str() == "." || w.as_str() == ".*" || w.is_empty())
                || has("-u") =>
        {
            deny("process-kill")
        }
        "killall5" => deny("process-kill"),
        "shutdown" | "reboot" | "halt" | "poweroff" if !short(args, 'c') => deny("system-power"),
        "init" | "telinit" if matches!(word(0), "0" | "6" | "1") => deny("system-power"),
        _ => Ok(()),
    }
}
