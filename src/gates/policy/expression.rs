//! The value of a simple expression: a name, its parts, and filters that only compute.

use super::env::View;
use crate::playbook::yaml::{Node, Value};

/// The value of an expression, where the files alone tell it.
pub(super) fn value(view: &View<'_>, text: &str, depth: usize) -> Option<Node> {
    // `ONE if CONDITION else OTHER`
    if let Some((one, rest)) = word(text, " if ") {
        let (condition, other) = word(rest, " else ").unwrap_or((rest, "''"));
        if depth > super::env::DEEPEST {
            return None;
        }
        let taken = if truth(view, condition, depth + 1)? {
            one
        } else {
            other
        };
        return value(view, taken.trim(), depth + 1);
    }
    // A filter belongs to the one part in front of it: `a ~ b | lower` is `a ~ (b | lower)`.
    for sign in ['~', '+'] {
        let parts = split(text, sign);
        if parts.len() > 1 {
            let all = parts.iter().map(|part| filtered(view, part, depth));
            return joined(sign, &all.collect::<Option<Vec<Node>>>()?);
        }
    }
    filtered(view, text, depth)
}

/// The value of `HEAD | FILTER | FILTER`.
fn filtered(view: &View<'_>, text: &str, depth: usize) -> Option<Node> {
    let mut parts = split(text, '|').into_iter();
    let head = parts.next()?;
    let filters: Vec<&str> = parts.map(str::trim).collect();
    // What decides by a value needs to know what kind of value it is.
    let name = |filter: &&str| {
        let name = filter.split('(').next().unwrap_or_default().trim();
        name.trim_start_matches("ansible.builtin.").to_owned()
    };
    let decides = |filter: &&str| {
        let name = name(filter);
        name == "ternary" || ["default", "d"].contains(&name.as_str()) && filter.contains(',')
    };
    let plain = [
        "bool", "default", "d", "int", "lower", "upper", "trim", "string", "ternary",
    ];
    let certain = filters.iter().all(|f| plain.contains(&name(f).as_str()));
    if filters.iter().any(decides) && !certain {
        return None;
    }
    let mut now = sum(view, head.trim(), depth);
    for filter in filters {
        now = Ok(apply(view, now, filter, depth)?);
    }
    now.ok()
}

/// The name under which a template's loop is known.
pub(super) const LOOP: &str = "loop";

/// Whether a condition holds, as Python takes its value: a name, its negation, or a comparison with a
/// literal of the same kind.
pub(super) fn truth(view: &View<'_>, text: &str, depth: usize) -> Option<bool> {
    if depth > super::env::DEEPEST {
        return None;
    }
    let text = text.trim();
    if text.contains(" and ") || text.contains(" or ") {
        return None;
    }
    if let Some(rest) = text.strip_prefix("not ") {
        return truth(view, rest, depth + 1).map(|t| !t);
    }
    for (sign, same) in [("==", true), ("!=", false)] {
        if let Some((left, right)) = text.split_once(sign) {
            let (left, right) = (value(view, left, depth)?, value(view, right, depth)?);
            let alike = kind(&left)? == kind(&right)?;
            let equal = match kind(&left)? {
                Kind::Truth => left.boolean() == right.boolean(),
                _ => left.text() == right.text(),
            };
            return alike.then_some(equal == same);
        }
    }
    let found = value(view, text, depth)?;
    let by_filter = split(text, '|').last().is_some_and(|f| f.trim() == "bool");
    if by_filter {
        return found.boolean();
    }
    is_true(&found)
}

/// Whether Python takes a value for true.
fn is_true(found: &Node) -> Option<bool> {
    match (found.list(), found.map()) {
        (Some(items), _) => return Some(!items.is_empty()),
        (_, Some(pairs)) => return Some(!pairs.is_empty()),
        _ => {}
    }
    match kind(found)? {
        Kind::Truth => found.boolean(),
        // Some versions of Ansible make a text of what an expression computes, and "0" is true.
        Kind::Number => (found.text()?.parse::<i64>() != Ok(0)).then_some(true),
        Kind::Text => found.text().map(|t| !t.is_empty()),
    }
}

/// What a scalar is once YAML has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Truth,
    Number,
    Text,
}

fn kind(node: &Node) -> Option<Kind> {
    let text = node.text()?;
    if !node.is_plain() {
        return Some(Kind::Text);
    }
    let folded = text.to_lowercase();
    let (first, rest) = text.split_at(text.len().min(1));
    // As YAML has them: no, No and NO, and not nO.
    let spelled = [&folded, &folded.to_uppercase()].contains(&&text.to_owned())
        || first == first.to_uppercase() && rest == rest.to_lowercase();
    if ["yes", "no", "true", "false", "on", "off"].contains(&folded.as_str()) && spelled {
        Some(Kind::Truth)
    } else if ["", "~", "null"].contains(&folded.as_str()) {
        None
    } else if text.parse::<i64>().is_ok() && !text.starts_with('0') || text == "0" {
        Some(Kind::Number)
    } else if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        // A number in another spelling, a date, or a text.
        None
    } else {
        Some(Kind::Text)
    }
}

/// What has no value: `true` where nothing defines it.
type Found = Result<Node, bool>;

fn sum(view: &View<'_>, text: &str, depth: usize) -> Found {
    let text = strip_parens(text);
    for sign in ['~', '+'] {
        let parts = split(text, sign);
        if parts.len() > 1 {
            let all: Result<Vec<Node>, bool> =
                parts.iter().map(|p| atom(view, p.trim(), depth)).collect();
            return joined(sign, &all?).ok_or(false);
        }
    }
    atom(view, text, depth)
}

fn joined(sign: char, all: &[Node]) -> Option<Node> {
    let line = all.first()?.line;
    // Numbers are added, and a truth counts as one.
    if sign == '+'
        && all
            .iter()
            .any(|n| n.text().is_some() && kind(n) != Some(Kind::Text))
    {
        return None;
    }
    if all.iter().all(|n| n.list().is_some()) {
        let items = all
            .iter()
            .flat_map(|n| n.list().unwrap_or_default().to_vec());
        return Some(Node {
            line,
            value: Value::List(items.collect()),
        });
    }
    let texts: Option<Vec<&str>> = all.iter().map(Node::text).collect();
    Some(Node::quoted(line, texts?.concat()))
}

fn atom(view: &View<'_>, text: &str, depth: usize) -> Found {
    let text = strip_parens(text);
    if let Some(quoted) = literal(text) {
        return Ok(Node::quoted(0, quoted));
    }
    if text == "[]" {
        return Ok(list(Vec::new()));
    }
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
        || ["true", "false", "True", "False"].contains(&text)
    {
        return Ok(Node {
            line: 0,
            value: Value::Scalar {
                text: text.to_owned(),
                plain: true,
            },
        });
    }
    if super::known::is_home_expression(text) {
        return Ok(Node::quoted(0, "~"));
    }
    if [
        "ansible_user_id",
        "ansible_facts['user_id']",
        "ansible_facts.user_id",
    ]
    .contains(&text)
    {
        return Ok(Node::quoted(0, "user"));
    }
    path(view, text, depth)
}

/// `name`, `name.key`, `name['key']`, `name[0]`.
fn path(view: &View<'_>, text: &str, depth: usize) -> Found {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !word(c)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return Err(false);
    }
    let mut now = view.put_at(view.get(name)?, depth);
    while !rest.is_empty() {
        let (key, after) = if let Some(inner) = rest.strip_prefix('.') {
            let end = inner.find(|c| !word(c)).unwrap_or(inner.len());
            inner.split_at(end)
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (key, after) = inner.split_once(']').ok_or(false)?;
            (key.trim_matches(['\'', '"']), after)
        } else {
            return Err(false);
        };
        let next = match &now.value {
            // Of a loop there is more than is followed here.
            Value::Map(_) => now.get(key).cloned().ok_or(name != LOOP)?,
            Value::List(items) => key
                .parse::<usize>()
                .ok()
                .and_then(|at| items.get(at).cloned())
                .ok_or(false)?,
            Value::Scalar { .. } => return Err(false),
        };
        now = view.put_at(&next, depth);
        rest = after;
    }
    if now.text().is_some_and(super::jinja::is_template) {
        return Err(false);
    }
    Ok(now)
}

fn apply(view: &View<'_>, now: Found, filter: &str, depth: usize) -> Option<Node> {
    let (name, arguments) = match filter.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix(')')?),
        None => (filter, ""),
    };
    let name = name.trim_start_matches("ansible.builtin.");
    if ["default", "d"].contains(&name) {
        let given = split(arguments, ',');
        // With `true` behind it, also for what Python takes for false.
        let (first, empty) = match given.as_slice() {
            [first] => (*first, false),
            [first, how] => {
                let how = how.trim().trim_start_matches("boolean=").to_lowercase();
                (
                    *first,
                    ["true", "false"]
                        .contains(&how.as_str())
                        .then_some(how == "true")?,
                )
            }
            _ => return None,
        };
        return match now {
            Ok(node) if empty && !is_true(&node)? => value(view, first, depth + 1),
            Ok(node) => Some(node),
            Err(true) if first.trim() == "omit" => Some(Node::quoted(0, super::expand::OMIT)),
            Err(true) => value(view, first, depth + 1),
            Err(false) => None,
        };
    }
    let node = now.ok()?;
    // Of a truth, the text is what Python calls it.
    let text =
        |f: fn(&str) -> String| super::env::shown(&node).map(|t| Node::quoted(node.line, f(&t)));
    match name {
        // By an attribute they would take items out; in another order they would write another text.
        "unique" | "list" if !arguments.is_empty() => None,
        "int" => node
            .text()?
            .trim()
            .parse::<i64>()
            .ok()
            .map(|n| plain(&n.to_string())),
        "string" => (kind(&node)? != Kind::Truth)
            .then(|| Node::quoted(node.line, node.text().unwrap_or_default())),
        // Versions differ about anything else.
        "bool" if kind(&node).is_some_and(|kind| kind != Kind::Truth) => {
            match node.text()?.to_lowercase().as_str() {
                "yes" | "on" | "1" | "true" => Some(plain("true")),
                "no" | "off" | "0" | "false" => Some(plain("false")),
                _ => None,
            }
        }
        "bool" | "list" | "unique" | "quote" | "mandatory" | "to_json" | "to_nice_json"
        | "expanduser" => Some(node),
        // By Python's idea of truth: a text is true, whatever it says.
        "ternary" => match split(arguments, ',').as_slice() {
            [yes, no] => value(
                view,
                if is_true(&node)? { yes } else { no }.trim(),
                depth + 1,
            ),
            _ => None,
        },
        "trim" => text(|t| t.trim().to_owned()),
        "lower" => text(str::to_lowercase),
        "upper" => text(str::to_uppercase),
        "first" => node.list()?.first().cloned(),
        "last" => node.list()?.last().cloned(),
        "basename" => text(|t| t.rsplit('/').next().unwrap_or_default().to_owned()),
        "dirname" => text(|t| super::tree::parent(t).to_owned()),
        "join" => {
            let by = match arguments.trim() {
                "" => "",
                given => literal(given)?,
            };
            let items: Option<Vec<&str>> = node.list()?.iter().map(Node::text).collect();
            Some(Node::quoted(node.line, items?.join(by)))
        }
        "dict2items" => Some(items(&node)),
        _ => None,
    }
}

fn plain(text: &str) -> Node {
    Node {
        line: 0,
        value: Value::Scalar {
            text: text.to_owned(),
            plain: true,
        },
    }
}

/// Whether a text in quotes is the same text without: nothing that YAML takes for something else.
pub(super) fn is_text(text: &str) -> bool {
    kind(&plain(text)) == Some(Kind::Text)
}

/// A map as a list of keys and values.
pub(super) fn items(map: &Node) -> Node {
    let pairs = map.map().unwrap_or_default().iter();
    let one = |(key, line, value): &(String, usize, Node)| Node {
        line: *line,
        value: Value::Map(vec![
            ("key".to_owned(), *line, Node::quoted(*line, key.clone())),
            ("value".to_owned(), *line, value.clone()),
        ]),
    };
    list(pairs.map(one).collect())
}

fn list(items: Vec<Node>) -> Node {
    Node {
        line: 0,
        value: Value::List(items),
    }
}

/// A text in quotes, without anything in it that would change what it says.
fn literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains([quote, '\\'])).then_some(inner)
}

fn strip_parens(text: &str) -> &str {
    let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    match inner {
        Some(inner) if !inner.contains(['(', ')']) => inner.trim(),
        _ => text,
    }
}

/// What is in front of a word and behind it, outside of quotes and brackets.
fn word<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    text.match_indices(word).find_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + word.len()..)?);
        let open = |signs: &[char]| before.matches(|c| signs.contains(&c)).count();
        let even = |sign: char| before.matches(sign).count() % 2 == 0;
        let outside = even('\'') && even('"') && open(&['(', '[']) == open(&[')', ']']);
        outside.then_some((before, after))
    })
}

/// Splits at a sign outside of quotes and brackets.
fn split(text: &str, sign: char) -> Vec<&str> {
    let (mut depth, mut quote, mut from, mut parts) = (0_i32, None, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match quote {
            Some(q) if q == c => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' => quote = Some(c),
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                c if c == sign && depth == 0 => {
                    parts.push(text.get(from..at).unwrap_or_default());
                    from = at + c.len_utf8();
                }
                _ => {}
            },
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}
