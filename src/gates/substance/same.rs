//! Whether two versions of a file do the same.

use crate::playbook::yaml::{Node, Value, parse};
use crate::repo::{Change, Kind};

/// Keys of a play or task under which there are more tasks.
const TASKS: [&str; 7] = [
    "tasks",
    "pre_tasks",
    "post_tasks",
    "handlers",
    "block",
    "rescue",
    "always",
];

/// Whether the new version does what the old one did. What can't be told does something.
pub(super) fn is_cosmetic(change: &Change) -> bool {
    let (Kind::Modified, Some(old), Some(new)) = (change.kind, &change.old, &change.new) else {
        return false;
    };
    if change.old_mode != change.new_mode {
        return false;
    }
    let (Ok(old), Ok(new)) = (std::str::from_utf8(old), std::str::from_utf8(new)) else {
        return false;
    };
    let ending = change.path.extension().unwrap_or_default();
    match ending.to_string_lossy().to_lowercase().as_str() {
        "yml" | "yaml" => match (parse(old), parse(new)) {
            (Ok(old), Ok(new)) => meaning(&old.root, true) == meaning(&new.root, true),
            _ => false,
        },
        "json" => {
            let read = serde_json::from_str::<serde_json::Value>;
            matches!((read(old), read(new)), (Ok(old), Ok(new)) if old == new)
        }
        _ => code(old).eq(code(new)),
    }
}

/// What a YAML document says to Ansible. `tasks`: these items may be plays or tasks, whose names say
/// nothing.
fn meaning(node: &Node, tasks: bool) -> String {
    match &node.value {
        Value::Scalar { text, plain: true } => match (node.boolean(), text.parse::<i64>()) {
            // `1` is no truth but a number.
            (Some(truth), Err(_)) => truth.to_string(),
            _ => node.canonical(),
        },
        Value::Scalar { .. } => node.canonical(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| meaning(item, tasks)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(pairs) => {
            // A name alone is an item with a name, such as a package.
            let names_it = |key: &str| tasks && key == "name" && pairs.len() > 1;
            let mut pairs: Vec<String> = pairs
                .iter()
                .filter(|(key, ..)| !names_it(key))
                .map(|(key, _, value)| {
                    let key = key.strip_prefix("ansible.builtin.").unwrap_or(key);
                    let more = tasks && TASKS.contains(&key);
                    format!("{key:?}:{}", meaning(value, more))
                })
                .collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

/// The lines of a text that do something: without comments, white space at the ends, and empty lines.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .enumerate()
        .map(|(at, line)| (at, line.trim()))
        .filter(|(at, line)| !idle(line) || (*at == 0 && line.starts_with("#!")))
        .map(|(_, line)| line)
}

/// Whether a line does nothing, in any of the kinds of files that there are.
fn idle(line: &str) -> bool {
    let comment = ["#", ";", "//", "{#"]
        .iter()
        .any(|mark| line.starts_with(mark));
    line.is_empty() || (comment && !line.starts_with("#!"))
}

/// How many lines a change adds and takes away, and how many of these do nothing.
pub(super) fn lines(change: &Change) -> (usize, usize) {
    let text = |side: &Option<Vec<u8>>| {
        String::from_utf8_lossy(side.as_deref().unwrap_or_default()).into_owned()
    };
    let (old, new) = (text(&change.old), text(&change.new));
    let yaml = change
        .path
        .extension()
        .is_some_and(|e| e == "yml" || e == "yaml");
    let diff = similar::TextDiff::configure()
        .timeout(std::time::Duration::from_secs(1))
        .diff_lines(&old, &new);
    let changed = diff
        .iter_all_changes()
        .filter(|line| line.tag() != similar::ChangeTag::Equal);
    changed.fold((0, 0), |(all, idly), line| {
        let line = line.value().trim();
        let name = yaml && line.trim_start_matches("- ").starts_with("name:");
        (all + 1, idly + usize::from(idle(line) || name))
    })
}
