//! Inputs made of other inputs: what a fuzzer does, with seeds that are commands already.

use super::random::Random;
use super::scripts::script;

/// Pieces that make parsers work.
const PIECES: &[&str] = &[
    "$(",
    ")",
    "`",
    "${",
    "}",
    "$((",
    "))",
    "((",
    "[[",
    "]]",
    "'",
    "\"",
    "$'",
    "\\",
    "\n",
    "\\\n",
    ";",
    "|",
    "&",
    "<<E\n",
    "\nE\n",
    "<<'E'\n",
    "case x in x) ",
    "esac",
    "if ",
    "then ",
    "fi",
    "for i in ",
    "do ",
    "done",
    "{",
    "{a,b}",
    "{1..9}",
    "{1..99999999}",
    "(",
    "#",
    " ",
    "\t",
    "=",
    "+=",
    "[0]=",
    "~",
    "*",
    "?",
    "[",
    "!",
    "<(",
    ">(",
    "<<<",
    ">&",
    "2>",
    "%",
    "@",
    ",",
    ":",
    "/",
    "..",
    "\u{e9}",
    "\u{1f600}",
    "\u{0}",
    "\r",
    "\u{200b}",
    "\u{202e}",
    "\u{f0000}",
    "\u{7f}",
    "\u{feff}",
    "eval ",
    "bash -c ",
    "sudo ",
    "xargs ",
    "env -S ",
    "printf '%s' ",
    "function f ",
    "f() ",
    "coproc ",
    "select i in ",
    "time ",
    "$x",
    "${x[@]}",
    "${!x}",
    "${x//a/b}",
    "${x:1:2}",
    "\\x41",
    "$[",
    "select",
    "trap ",
    "alias a=",
    "python3 -c ",
    "find . -exec ",
];

/// One input.
pub(crate) fn mutated(random: &mut Random, seeds: &[String]) -> String {
    let mut text = match random.below(4) {
        0 => script(random),
        _ => seeds[random.below(seeds.len())].clone(),
    };
    for _ in 0..random.below(6) {
        text = once(random, &text, seeds);
    }
    text
}

fn once(random: &mut Random, text: &str, seeds: &[String]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = random.below(chars.len() + 1);
    let span = random.below(12);
    let end = (at + span).min(chars.len());
    match random.below(9) {
        0 => {
            chars.drain(at..end);
        }
        1 | 2 => {
            let piece = random.pick(PIECES);
            chars.splice(at..at, piece.chars());
        }
        3 => {
            let some: Vec<char> = chars[at..end].to_vec();
            chars.splice(at..at, some);
        }
        4 => {
            // Much of the same: what parsers take long for.
            let piece = random.pick(PIECES);
            let many = 1 + random.below(60);
            chars.splice(at..at, piece.repeat(many).chars());
        }
        5 => {
            let other = &seeds[random.below(seeds.len())];
            chars.splice(at..at, other.chars());
        }
        6 => {
            let (open, close) = [
                ("$(", ")"),
                ("(", ")"),
                ("{ ", "; }"),
                ("`", "`"),
                ("\"", "\""),
            ][random.below(5)];
            let deep = 1 + random.below(20);
            let inner: String = chars.into_iter().collect();
            return format!("{}{inner}{}", open.repeat(deep), close.repeat(deep));
        }
        7 => {
            if let Some(c) = chars.get_mut(at) {
                let swapped = char::from_u32(u32::from(*c) ^ (1 << random.below(7)));
                *c = swapped.unwrap_or('x');
            }
        }
        _ => {
            let inner: String = chars.into_iter().collect();
            let quoted = inner.replace('\'', "'\\''");
            return format!(
                "{} '{quoted}'",
                random.pick(&["eval", "bash -c", "sudo sh -c", "echo"])
            );
        }
    }
    chars.into_iter().collect()
}
