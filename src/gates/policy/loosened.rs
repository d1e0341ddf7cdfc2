//! What a changed hook does not look at any more, or answers otherwise than by its patterns: no list of
//! calls has every call that gets through by it.

use std::collections::BTreeSet;

use super::issue::Issue;
use super::scripts::masked;

/// Lines that are new and by which what is behind them never denies, whatever a list of calls tries: an
/// end with success where a variable of the environment or a file says so, and a constant in place of
/// what is looked at.
pub(super) fn ends_early(old: &str, new: &str) -> Vec<Issue> {
    let shell = |text: &str| masked(text).map_or_else(|| text.to_owned(), |(shell, _)| shell);
    let (old, new) = (&shell(old), &shell(new));
    let count = |text: &str, line: &str| text.lines().filter(|l| l.trim() == line).count();
    let known: BTreeSet<&str> = old.lines().map(str::trim).collect();
    let deniers = deniers(new);
    let denies = |line: &str| denies(&deniers, line);
    let (were, are) = (assigned(old), assigned(new));
    let mut issues = Vec::new();
    let mut before = "";
    for (at, line) in new.lines().enumerate() {
        let text = line.trim();
        let context = format!("{before} {text}");
        before = text;
        // Of a hook that only writes a log, the log is what counts.
        let logs = |line: &str| line.contains(">>");
        let more = new.lines().skip(at + 1).any(|l| denies(l) || logs(l));
        let same = known.contains(text) && count(new, text) <= count(old, text);
        if text.is_empty() || text.starts_with('#') || same || !more {
            continue;
        }
        let mut words = text
            .split([' ', ';', '{', '}', '\t'])
            .filter(|w| !w.is_empty());
        let ends = words.any(|word| word == "exit") && !text.contains("exit 2");
        let plain = only_asks(text);
        if ends && !asks_outside(&context, &are) && !plain && !text.contains("exit 1") {
            let what =
                "it ends with success for some calls, and what is behind it does not deny them";
            issues.push(Issue::held("script-ends", at + 1, what));
        }
        if ends && asks_outside(&context, &are) {
            let what = "it ends with success where a variable of the environment or a file says so, \
                        and what is behind it does not deny then";
            issues.push(Issue::held("script-ends", at + 1, what));
        }
        let constant = assignment(text).filter(|(name, value)| {
            were.contains(name) && !value.is_empty() && !value.contains(['$', '`', '(', ' '])
        });
        if let Some((name, _)) = constant {
            let what =
                format!("{name} becomes a constant, and what is behind it sees nothing else");
            issues.push(Issue::held("script-ends", at + 1, what));
        }
    }
    issues
}

/// Whether a line denies, given the functions that do.
pub(super) fn denies(deniers: &BTreeSet<&str>, line: &str) -> bool {
    let mut words = line.split([' ', ';', '{', '}', '\t', '(', ')']);
    line.contains("exit 2") || words.any(|word| deniers.contains(word))
}

/// The functions of a script that deny, by what stands between their name and the end of their body.
pub(super) fn deniers(script: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::from(["deny"]);
    for (at, _) in script.match_indices("()") {
        let (before, behind) = script.split_at(at);
        let name = before
            .rsplit([' ', '\n', ';', '\t'])
            .next()
            .unwrap_or_default();
        let body = behind.split("\n}").next().unwrap_or_default();
        let one_line = body
            .lines()
            .next()
            .is_some_and(|line| line.trim_end().ends_with('}'));
        let body = if one_line {
            body.lines().next().unwrap_or_default()
        } else {
            body
        };
        if !name.is_empty() && body.contains("exit 2") {
            found.insert(name);
        }
    }
    found
}

/// Whether a line ends the script for calls that are not its business: another tool's, or without what
/// it looks at. Nothing else stands in it.
fn only_asks(line: &str) -> bool {
    let code = line.split(" #").next().unwrap_or(line).trim();
    let whole = code.strip_prefix("if ");
    let whole = whole.and_then(|c| c.strip_suffix("; then exit 0; fi"));
    let either = ["|| exit 0", "&& exit 0"]
        .iter()
        .find_map(|end| code.strip_suffix(end));
    let Some(test) = whole.or(either) else {
        return false;
    };
    let words: Vec<&str> = test.split_whitespace().collect();
    match words.as_slice() {
        ["[", "-n" | "-z", value, "]"] => {
            value.starts_with(['"', '$']) && code.contains("-n") == code.contains("||")
        }
        ["[", tool, "=" | "!=", name, "]"] => {
            tool.contains("tool")
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '"')
                && code.contains("||") == (words[2] == "=")
        }
        _ => false,
    }
}

/// Programs that leave something of a text away.
const FILTERS: [&str; 10] = [
    "cut", "head", "tail", "sed", "tr", "grep", "awk", "fold", "uniq", "perl",
];

/// What is looked at goes through one filter more than before, and the patterns behind it see what is
/// left: no list of calls has every call that a filter takes something from. And an arm of a `case`
/// that does nothing, in front of those that deny.
pub(super) fn sees_less(old: &str, new: &str) -> Vec<Issue> {
    let shell = |text: &str| masked(text).map_or_else(|| text.to_owned(), |(shell, _)| shell);
    let (old, new) = (&shell(old), &shell(new));
    let known: BTreeSet<&str> = old.lines().map(str::trim).collect();
    let now: BTreeSet<&str> = new.lines().map(str::trim).collect();
    let gone: BTreeSet<&str> = known.difference(&now).copied().collect();
    let mut issues = Vec::new();
    for (at, line) in new.lines().enumerate() {
        let text = line.trim();
        if known.contains(text) || text.starts_with('#') {
            continue;
        }
        let longer = assignment(text).and_then(|(name, value)| {
            let mut before = old.lines().filter_map(|l| assignment(l.trim()));
            before.find_map(|(was, start)| {
                let start = start.trim_end_matches([')', '"']);
                let added = value
                    .strip_prefix(start)
                    .filter(|_| was == name && start.len() > 4)?;
                let mut stages = added.split('|').skip(1).map(str::trim);
                stages.find_map(|s| FILTERS.iter().find(|f| s.split(' ').next() == Some(f)))
            })
        });
        if let Some(filter) = longer {
            let what =
                format!("what is looked at goes through {filter} first, and may lose what denies");
            issues.push(Issue::held("script-ends", at + 1, what));
        }
        // With 0 it has found what it looks for.
        let mut words = text.split([' ', ';', '{', '}']).filter(|w| !w.is_empty());
        let returns = words.any(|word| word == "return") && words.next() != Some("0");
        let within = new
            .lines()
            .take(at)
            .filter_map(|l| l.trim().split_once("()"))
            .last();
        let stood = |(name, _): (&str, &str)| old.contains(&format!("{name}()"));
        if returns && within.is_some_and(stood) {
            let what = "a function that looks returns for some calls before it has looked";
            issues.push(Issue::held("script-ends", at + 1, what));
        }
        if let Some(stage) = one_stage_more(text, &gone) {
            let what =
                format!("what is looked at goes through {stage} first, and may lose what denies");
            issues.push(Issue::held("script-ends", at + 1, what));
        }
        if let Some(what) = takes_away(text, old) {
            issues.push(Issue::held("script-ends", at + 1, what));
        }
        let arm = text
            .strip_suffix(";;")
            .map(str::trim_end)
            .and_then(|arm| arm.split_once(')'));
        let nothing = |action: &str| {
            ["", ":", "true", "return 1", "continue", "break"].contains(&action.trim())
        };
        let behind = new.lines().skip(at + 1).map(str::trim);
        let more = behind
            .take_while(|l| *l != "esac")
            .any(|l| l.contains(')') && l != text);
        let before = new.lines().take(at).map(str::trim);
        let stood = before
            .filter(|l| l.starts_with("case "))
            .last()
            .is_some_and(|l| known.contains(l));
        if arm.is_some_and(|(_, action)| nothing(action)) && more && stood {
            let what = "an arm that does nothing stands in front of others, which do not see what it takes";
            issues.push(Issue::held("script-ends", at + 1, what));
        }
    }
    issues
}

/// The parts of a line between the bars of its pipes.
fn stages(text: &str) -> Vec<&str> {
    let (mut from, mut all, mut before) = (0, Vec::new(), None);
    for (at, c) in super::patterns::outside(text) {
        let pair = text.get(at + 1..).is_some_and(|rest| rest.starts_with('|'));
        if c == '|' && !pair && before != at.checked_sub(1) {
            all.push(text.get(from..at).unwrap_or_default());
            from = at + 1;
        }
        if c == '|' {
            before = Some(at);
        }
    }
    all.push(text.get(from..).unwrap_or_default());
    all
}

/// The program of a pipe's stage without which a new line is an old one that is gone.
fn one_stage_more<'l>(text: &'l str, gone: &BTreeSet<&str>) -> Option<&'l str> {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let old: BTreeSet<String> = gone.iter().map(|line| squeezed(line)).collect();
    let stages = stages(text);
    (1..stages.len()).find_map(|at| {
        let rest = stages
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != at)
            .map(|(_, s)| *s);
        let without = squeezed(&rest.collect::<Vec<_>>().join("|"));
        let program = stages[at].split_whitespace().next()?;
        old.contains(&without).then_some(program)
    })
}

/// Whether a new line takes something from what an old one looked at: by a filter in a line that
/// begins as one that is there, by cutting a variable that is, by another place for programs.
fn takes_away(text: &str, old: &str) -> Option<String> {
    let head = |line: &str| -> String {
        let word = line.trim().split(['(', '=', ' ']).next();
        word.unwrap_or_default().to_owned()
    };
    // Also within quotes, which may hold a substitution.
    let programs = |line: &str| -> Vec<String> {
        let stages = line.split('|').skip(1).map(str::trim);
        let first = stages.filter_map(|s| s.split(' ').next().map(str::to_owned));
        first.collect()
    };
    let first = head(text);
    let alike = old
        .lines()
        .filter(|l| !first.is_empty() && head(l) == first);
    let added = |line: &str| {
        let before = programs(line);
        let filters = programs(text).into_iter();
        let mut filters = filters.filter(|s| FILTERS.contains(&s.as_str()) && !before.contains(s));
        filters.next()
    };
    if text.starts_with(&format!("{first}()"))
        && let Some(filter) = alike.into_iter().find_map(added)
    {
        return Some(format!(
            "what is looked at goes through {filter} first, and may lose what denies"
        ));
    }
    let names = assigned(old);
    let words: Vec<&str> = text.split_whitespace().collect();
    if let ["unset" | "read", rest @ ..] = words.as_slice()
        && rest.iter().any(|word| names.contains(word))
    {
        return Some("what is looked at is taken away or read anew".to_owned());
    }
    let defines = |line: &str, name: &str| line.trim_start().starts_with(&format!("{name}()"));
    if let Some((function, _)) = text.split_once("()")
        && text.contains('{')
        && text.contains('}')
        && old.lines().any(|line| defines(line, function))
    {
        return Some(format!(
            "{function} is made anew, and may do something else"
        ));
    }
    let (name, value) = assignment(text)?;
    let value = value.trim_matches('"');
    // What a variable that is looked at becomes must still have all of it.
    let own = [format!("${name}"), format!("${{{name}}}")];
    let filtered = value.starts_with("$(") && own.iter().any(|o| value.contains(o.as_str()));
    // With a default it has all of it, and its directory is a path as well.
    let rest = value.replace(&format!("${{{name}:-"), "");
    let rest = rest.replace(&format!("${{{name}%/*}}/"), "");
    let cut = ['%', '#', '/', ':', ',', '^']
        .iter()
        .any(|sign| rest.contains(&format!("${{{name}{sign}")));
    let cuts = cut || filtered && has_filter(value);
    if cuts && names.contains(name) {
        return Some(format!(
            "{name} is cut before it is looked at, and may lose what denies"
        ));
    }
    let places = [
        "$PATH",
        "${PATH}",
        "/usr/bin",
        "/bin",
        "/usr/sbin",
        "/sbin",
        "/usr/local/bin",
        "/opt/homebrew/bin",
    ];
    let other = name == "PATH" && value.split(':').any(|part| !places.contains(&part));
    other.then(|| "its programs come from a place that others may write to".to_owned())
}

/// Whether a program that leaves something away stands in a pipe.
fn has_filter(text: &str) -> bool {
    text.split('|').skip(1).any(|stage| {
        let mut words = stage.split_whitespace().skip_while(|w| w.contains('='));
        // awk and perl are also how paths are brought into one spelling.
        words
            .next()
            .is_some_and(|word| FILTERS.contains(&word) && !["awk", "perl"].contains(&word))
    })
}

/// What makes a hook answer otherwise than by its patterns: the client's word for yes, and an end with
/// 1 where something fails, which a client takes for yes.
pub(super) fn answers_for_all(old: &str, new: &str) -> Vec<Issue> {
    let mut issues = Vec::new();
    let squeezed = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace() && *c != '\\')
            .collect::<String>()
    };
    let approves = |text: &str| {
        let text = squeezed(text);
        [
            "\"permissionDecision\":\"allow\"",
            "\"decision\":\"approve\"",
        ]
        .iter()
        .any(|mark| text.contains(mark))
    };
    let answers = |text: &str| text.contains("permissionDecision");
    if answers(new) && !answers(old) && !approves(new) {
        let at = new.lines().position(answers).unwrap_or_default();
        let what = "it answers otherwise than by how it ends, which only the run knows";
        issues.push(Issue::held("script-open", at + 1, what));
    }
    if approves(new) && !approves(old) {
        let at = new.lines().position(approves).unwrap_or_default();
        let what = "it approves calls, so that nobody is asked any more; a hook only denies";
        issues.push(Issue::refused("script-open", at + 1, what));
    }
    let strict = |line: &str| {
        let mut words = line.split_whitespace();
        let set = words.next() == Some("set");
        let exits =
            |word: &str| word.starts_with('-') && !word.starts_with("--") && word.contains('e');
        set && words.any(|word| exits(word) || ["errexit", "pipefail"].contains(&word))
    };
    let ends = |line: &str| {
        let mut words = line.split_whitespace();
        words.next() == Some("trap")
    };
    if new.lines().any(ends) && !old.lines().any(ends) {
        let at = new.lines().position(ends).unwrap_or_default();
        let what =
            "what a trap does at every end decides how the script ends, also where it denies";
        issues.push(Issue::held("script-open", at + 1, what));
    }
    let denies = new.contains("exit 2");
    if denies && new.lines().any(strict) && !old.lines().any(strict) {
        let at = new.lines().position(strict).unwrap_or_default();
        let what =
            "where a command fails the script would end with 1, which the client takes for yes";
        issues.push(Issue::held("script-open", at + 1, what));
    }
    issues
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some((name, value))
}

/// The names that a script gives values, by assignment, loop or `read`.
fn assigned(script: &str) -> BTreeSet<&str> {
    let words = script.split([' ', ';', '\n', '\t', '&', '|', '(', '{']);
    let mut names: BTreeSet<&str> = words.filter_map(assignment).map(|(name, _)| name).collect();
    for line in script.lines().map(str::trim) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("for") => names.extend(words.next()),
            _ if line.contains("read ") => names.extend(words),
            _ => {}
        }
    }
    names
}

/// Whether a condition is about a file, or a variable that the script gives no value.
fn asks_outside(text: &str, own: &BTreeSet<&str>) -> bool {
    let file = ["-f", "-e", "-d", "-r", "-s", "-x", "-w", "-L"];
    let tests = text.split_whitespace().any(|word| file.contains(&word)) && text.contains('[');
    let names = text.split('$').skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches('{');
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !plain(c)).unwrap_or(rest.len());
        rest.get(..end)
            .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
    });
    tests || names.into_iter().any(|name| !own.contains(name))
}
