//! Templates as the files alone write them out: values, loops over lists and conditions that are known.

use super::env::{View, shown};
use super::expand::Locals;
use super::expression;
use crate::playbook::yaml::{Node, Value};

/// Most lines that loops may make of a template.
const MOST_LINES: usize = 5_000;

/// A template's text with everything put in that is known; what is not stays as it is written.
pub(super) fn text(view: &View<'_>, template: &str) -> String {
    let lines: Vec<&str> = template.lines().collect();
    let mut out = Vec::new();
    block(view, &lines, &mut out);
    if out.len() > MOST_LINES {
        out = lines.iter().map(|l| line(view, l)).collect();
    }
    let mut text = out.join("\n");
    if template.ends_with('\n') && !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A statement that has a line for itself. With a dash it would also take away the line's ends.
enum Tag<'a> {
    For(&'a str, &'a str),
    If(&'a str),
    Elif,
    Else,
    End,
}

fn tag(line: &str) -> Option<Tag<'_>> {
    let body = line.trim().strip_prefix("{%")?.strip_suffix("%}")?;
    if body.contains("%}") || body.starts_with(['-', '+']) || body.ends_with(['-', '+']) {
        return None;
    }
    let body = body.trim();
    Some(match body {
        "else" => Tag::Else,
        "endif" | "endfor" => Tag::End,
        _ if body.starts_with("elif ") => Tag::Elif,
        _ => {
            if let Some(condition) = body.strip_prefix("if ") {
                return Some(Tag::If(condition));
            }
            let (name, list) = body.strip_prefix("for ")?.split_once(" in ")?;
            Tag::For(name.trim(), list.trim())
        }
    })
}

fn block(view: &View<'_>, lines: &[&str], out: &mut Vec<String>) {
    let mut at = 0;
    while let Some(now) = lines.get(at) {
        let done = match tag(now) {
            Some(Tag::For(name, list)) => repeated(view, lines, at, name, list, out),
            Some(Tag::If(condition)) => chosen(view, lines, at, condition, out),
            _ => None,
        };
        if let Some(end) = done {
            at = end + 1;
        } else {
            out.push(line(view, now));
            at += 1;
        }
        if out.len() > MOST_LINES {
            return;
        }
    }
}

/// Where the block ends that begins at `from`, and where its `else` is; none with an `elif`.
fn ends(lines: &[&str], from: usize) -> Option<(Option<usize>, usize)> {
    let (mut depth, mut other) = (0, None);
    for (at, line) in lines.iter().enumerate().skip(from) {
        match tag(line) {
            Some(Tag::For(..) | Tag::If(_)) => depth += 1,
            Some(Tag::Elif) if depth == 1 => return None,
            Some(Tag::Else) if depth == 1 => other = Some(at),
            Some(Tag::End) if depth == 1 => return Some((other, at)),
            Some(Tag::End) => depth -= 1,
            _ => {}
        }
    }
    None
}

fn repeated(
    view: &View<'_>,
    lines: &[&str],
    from: usize,
    name: &str,
    list: &str,
    out: &mut Vec<String>,
) -> Option<usize> {
    let (None, end) = ends(lines, from)? else {
        return None;
    };
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let names: Vec<&str> = name.split(',').map(str::trim).collect();
    if !names.iter().all(|n| plain(n)) || names.len() > 2 {
        return None;
    }
    let pairs = list.strip_suffix(".items()");
    let value = expression::value(view, pairs.unwrap_or(list), 0)?;
    let value = match pairs {
        Some(_) => expression::items(&value),
        None => value,
    };
    let items = value.list()?;
    let body = lines.get(from + 1..end)?;
    for (at, item) in items.iter().enumerate() {
        let mut locals: Locals = view.locals.clone();
        match names.as_slice() {
            [key, value] => {
                locals.insert((*key).to_owned(), item.get("key")?.clone());
                locals.insert((*value).to_owned(), item.get("value")?.clone());
            }
            _ => {
                locals.insert(name.to_owned(), item.clone());
            }
        }
        locals.insert("loop".to_owned(), counters(at, items.len()));
        let inner = View {
            locals: &locals,
            ..*view
        };
        block(&inner, body, out);
    }
    Some(end)
}

fn chosen(
    view: &View<'_>,
    lines: &[&str],
    from: usize,
    condition: &str,
    out: &mut Vec<String>,
) -> Option<usize> {
    let (other, end) = ends(lines, from)?;
    let body = if expression::truth(view, condition)? {
        lines.get(from + 1..other.unwrap_or(end))
    } else {
        lines.get(other.unwrap_or(end) + 1..end)
    };
    block(view, body.unwrap_or_default(), out);
    Some(end)
}

/// What Jinja tells within a loop.
fn counters(at: usize, of: usize) -> Node {
    let one = |text: String| Node {
        line: 0,
        value: Value::Scalar { text, plain: true },
    };
    let all = [
        ("index", (at + 1).to_string()),
        ("index0", at.to_string()),
        ("first", (at == 0).to_string()),
        ("last", (at + 1 == of).to_string()),
        ("length", of.to_string()),
    ];
    Node {
        line: 0,
        value: Value::Map(
            all.into_iter()
                .map(|(key, value)| (key.to_owned(), 0, one(value)))
                .collect(),
        ),
    }
}

/// One line: one that is an expression alone must not become a list.
fn line(view: &View<'_>, text: &str) -> String {
    // What takes the end of the line away is shown as it is.
    let joins = ["-}}", "-%}", "-#}"].iter().any(|mark| text.contains(mark));
    if joins || text.trim_start().starts_with('#') && text.contains("{%") {
        return text.to_owned();
    }
    let text = within(view, text);
    let node = view.put(&Node::quoted(1, text.clone()));
    shown(&node).unwrap_or(text)
}

/// Conditions within one line: `{% if not loop.last %},{% endif %}`.
fn within(view: &View<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(next) = once(view, &text) {
        text = next;
    }
    text
}

fn once(view: &View<'_>, text: &str) -> Option<String> {
    let (before, rest) = text.split_once("{% if ")?;
    let (condition, rest) = rest.split_once("%}")?;
    let (body, after) = rest.split_once("{% endif %}")?;
    if body.contains("{% if ") || body.contains("{% elif ") || condition.contains("{%") {
        return None;
    }
    let (yes, no) = body.split_once("{% else %}").unwrap_or((body, ""));
    let body = if expression::truth(view, condition)? {
        yes
    } else {
        no
    };
    Some(format!("{before}{body}{after}"))
}
