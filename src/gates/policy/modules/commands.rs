//! Commands: by the guard that reads every shell body, and then by what they are known to do.

mod reads;
mod writes;

use super::{BUILTIN, Call, Module};
use crate::gates::policy::issue::Issue;
use crate::gates::policy::known::{Known, Side};
use crate::gates::policy::{expand, jinja, tasks};
use crate::guard::{self, Trace, Verdict};
use crate::playbook::yaml::{Node, Value};

pub(super) const MODULES: &[Module] = &[Module {
    names: "command shell raw script",
    collection: BUILTIN,
    params: &[
        "cmd",
        "argv",
        "creates",
        "removes",
        "strip_empty_ends",
        "_raw_params",
    ],
    judge: command,
}];

/// Programs that only pass text on.
const FILTERS: &str = " grep egrep fgrep cut sort uniq head tail wc tr cat echo printf test true false : [ column nl rev jq basename dirname ";

/// What a body is, as the guard is given it.
fn script(call_given: &Node) -> Result<String, &'static str> {
    let text = match &call_given.value {
        Value::Scalar { text, .. } => text.clone(),
        Value::Map(_) => match (
            call_given.get("argv"),
            call_given
                .get("cmd")
                .or_else(|| call_given.get("_raw_params")),
        ) {
            (Some(argv), None) => {
                let words: Option<Vec<&str>> =
                    argv.list().and_then(|l| l.iter().map(Node::text).collect());
                let words = words.ok_or("whose argv is no list of words")?;
                shlex::try_join(words).map_err(|_| "whose argv is no list of words")?
            }
            (None, Some(cmd)) => cmd.text().ok_or("whose cmd is no text")?.to_owned(),
            _ => return Err("without one argv or cmd"),
        },
        Value::List(_) => return Err("without one argv or cmd"),
    };
    if text.trim().is_empty() {
        return Err("without one argv or cmd");
    }
    Ok(text)
}

/// Free text may carry `creates=` and the like in front.
fn without_options(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(after) = ["creates=", "removes=", "chdir=", "executable=", "warn="]
        .iter()
        .find_map(|k| rest.strip_prefix(k))
    {
        rest = after
            .split_once(char::is_whitespace)
            .map_or("", |(_, r)| r)
            .trim_start();
    }
    rest
}

/// The guard's word on a body; what only the run puts in stands as a variable.
fn traced(text: &str) -> Trace {
    let text = jinja::replace(text, |_| Some("${secloop_unknown}".to_owned()));
    guard::trace(&text)
}

/// What the guard refuses, or can't follow.
pub(super) fn guarded(call: &Call<'_>, text: &str) -> Vec<Issue> {
    issues(call.line, &traced(text))
}

/// A job without the log that its output goes to.
pub(super) fn without_log(job: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let rest = job
        .trim_end()
        .strip_suffix("2>&1")
        .unwrap_or(job)
        .trim_end();
    match rest.rsplit_once('>') {
        Some((front, to))
            if to.trim().starts_with("/var/log/")
                && to.trim().chars().all(plain)
                && !to.contains("..") =>
        {
            front.trim_end_matches(['>', ' ']).to_owned()
        }
        _ => job.to_owned(),
    }
}

fn issues(line: usize, trace: &Trace) -> Vec<Issue> {
    match &trace.verdict {
        Verdict::Allowed => Vec::new(),
        Verdict::Denied(denial) => {
            vec![Issue::refused(
                denial.rule,
                line,
                format!(
                    "{} {}",
                    denial.why, "; use a module that does it, or leave it out"
                )
                .replace(". ;", ";"),
            )]
        }
        Verdict::Unprovable(what) => {
            vec![Issue::held(
                "command-unprovable",
                line,
                format!("a command that has {what}"),
            )]
        }
    }
}

fn command(call: &Call<'_>) -> Vec<Issue> {
    let text = match script(call.given) {
        Ok(text) => text,
        Err(why) => {
            return vec![call.held("command", format!("{} {why}; a person decides", call.name))];
        }
    };
    let body = without_options(&text);
    if call.name == "raw" && issues(call.line, &traced(body)).is_empty() {
        return vec![call.held(
            "command",
            "raw text goes past every check of Ansible's; use command",
        )];
    }
    if call.name == "script" {
        return vec![call.held(
            "command",
            "a script of the repository runs; a person decides",
        )];
    }
    if body.len() != text.trim_start().len()
        && (text.contains("chdir=") || text.contains("executable="))
    {
        return vec![call.held(
            "command",
            "a command with chdir or executable; a person decides",
        )];
    }
    // Refused to an agent, and an improvement here.
    if writes::closes_a_service(body) {
        return Vec::new();
    }
    let trace = traced(body);
    let found = issues(call.line, &trace);
    if !found.is_empty() {
        return found;
    }
    if jinja::is_template(body) {
        return vec![call.held(
            "command-not-literal",
            format!(
                "{} whose arguments are not literal; write them out",
                call.name
            ),
        )];
    }
    let plain = call.name == "command";
    if plain && body.contains(['|', '>', '<', ';', '&', '`']) && call.given.get("argv").is_none() {
        return vec![call.held(
            "command",
            "signs of a shell in a command that has none; use argv",
        )];
    }
    if effect(&trace) == Effect::Reads {
        return Vec::new();
    }
    // A list of commands is judged one by one; what a pipe hands on is not.
    if trace.written.iter().any(|f| f != "/dev/null") {
        return vec![call.held("command", "it writes a file; use a module that does")];
    }
    trace
        .ran
        .iter()
        .filter(|argv| !reads::reads(argv) && !is_filter(argv))
        .flat_map(|argv| writes::judge(call, argv))
        .collect()
}

fn is_filter(argv: &[String]) -> bool {
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let rest = argv.get(1..).unwrap_or_default();
    let operands = rest
        .iter()
        .filter(|a| !a.starts_with('-') || *a == "-")
        .count();
    let short = |flag: char| {
        let mut short = rest
            .iter()
            .filter(|a| a.starts_with('-') && !a.starts_with("--"));
        short.any(|a| a.contains(flag))
    };
    let more = match name {
        // Its second operand is what it writes.
        "uniq" => operands > 1,
        "sort" => short('o') || rest.iter().any(|a| a.starts_with("--o")),
        // Its variables are secrets of whoever starts it, or of root.
        "jq" => {
            let words = [
                "ENV",
                "env",
                "include",
                "import",
                "rawfile",
                "slurpfile",
                "from",
            ];
            let letters = |c: char| !c.is_ascii_alphanumeric();
            short('f')
                || rest
                    .iter()
                    .any(|a| a.split(letters).any(|word| words.contains(&word)))
        }
        // Whatever is below: also keys.
        "grep" | "egrep" | "fgrep" => {
            let deep = short('r') || short('R') || rest.iter().any(|a| a.ends_with("recursive"));
            let wide = |a: &String| {
                let place = a.trim_end_matches('/');
                ["", "~", "."].contains(&place)
                    || ["/root", "/home", "/Users", "/etc/ssh", "~/."]
                        .iter()
                        .any(|dir| place.starts_with(dir))
            };
            deep && (operands < 2 || rest.iter().skip(1).any(wide))
        }
        // Never ends.
        "tail" => short('f') || short('F') || rest.iter().any(|a| a.starts_with("--f")),
        _ => false,
    };
    let endless = rest.iter().any(|a| a == "/dev/zero");
    !more && !endless && FILTERS.split_whitespace().any(|f| f == name)
}

#[derive(Debug, PartialEq, Eq)]
enum Effect {
    Reads,
    Unknown,
}

/// Whether everything that runs only looks.
fn effect(trace: &Trace) -> Effect {
    let looks = trace
        .ran
        .iter()
        .all(|argv| reads::reads(argv) || is_filter(argv));
    let silent = trace.written.iter().all(|file| file == "/dev/null");
    if looks && silent && !trace.ran.is_empty() && trace.verdict == Verdict::Allowed {
        Effect::Reads
    } else {
        Effect::Unknown
    }
}

/// Whether a scheduled job is known upkeep: one program of the system, with its output to a log.
pub(super) fn is_upkeep(job: &str) -> bool {
    let trace = traced(job);
    let logs = trace
        .written
        .iter()
        .all(|f| f == "/dev/null" || f.starts_with("/var/log/") && !f.contains(".."));
    logs && !trace.ran.is_empty()
        && !job.contains("{{")
        && trace
            .ran
            .iter()
            .all(|argv| writes::is_upkeep(argv) || reads::reads(argv) || is_filter(argv))
}

/// Whether a task is a command that only reads, and never counts as a change.
pub(in super::super) fn is_read_only(
    known: &Known,
    side: &Side,
    locals: &expand::Locals,
    task: &Node,
) -> bool {
    let _ = known;
    let Some((name, ..)) = tasks::module(task) else {
        return false;
    };
    let short = super::short(name);
    let never = task.get("changed_when").and_then(Node::boolean) == Some(false);
    ["command", "shell"].contains(&short)
        && task.get("register").is_some()
        && never
        && expand::instances(&side.env, locals, task).is_ok_and(|each| {
            each.iter().all(|given| {
                let known = [
                    "_raw_params",
                    "cmd",
                    "argv",
                    "creates",
                    "removes",
                    "strip_empty_ends",
                ];
                let plain = given
                    .map()
                    .unwrap_or_default()
                    .iter()
                    .all(|(k, ..)| known.contains(&k.as_str()));
                plain
                    && script(given).is_ok_and(|s| {
                        effect(&traced(&s)) == Effect::Reads && !jinja::is_template(&s)
                    })
            })
        })
}
