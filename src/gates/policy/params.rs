//! What modules are given: sources, modes, and the values of a loop in their place.

use std::collections::BTreeMap;

use super::Issue;
use crate::playbook::yaml::{Node, Value};

/// Judges a source in the repository.
pub(super) fn source(key: &str, value: &Node) -> Vec<Issue> {
    let text = value.text().unwrap_or_default();
    let inside = !text.is_empty()
        && !text.starts_with(['/', '~', '$'])
        && !text.contains("{{")
        && text.split('/').all(|part| part != "..");
    if inside {
        return Vec::new();
    }
    vec![Issue::held(
        value.line,
        format!("{key} {text} is no file of the repository by its name"),
    )]
}

/// Judges a file's mode.
pub(super) fn mode(value: &Node) -> Vec<Issue> {
    let line = value.line;
    let text = value.text().unwrap_or_default();
    if text == "preserve" {
        return Vec::new();
    }
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        if value.is_plain() && !text.starts_with('0') {
            return vec![Issue::refused(
                line,
                format!("mode {text} is read as a decimal number; write \"0{text}\" in quotes"),
            )];
        }
        return match u32::from_str_radix(text, 8) {
            Ok(bits) if bits & !0o7777 == 0 => of_bits(line, bits),
            _ => vec![Issue::refused(
                line,
                format!("mode {text} is no octal mode"),
            )],
        };
    }
    symbolic(line, text)
}

fn of_bits(line: usize, bits: u32) -> Vec<Issue> {
    let mut issues = Vec::new();
    if bits & 0o6000 != 0 {
        issues.push(Issue::refused(
            line,
            "a setuid or setgid mode; take the bit off",
        ));
    }
    if bits & 0o002 != 0 {
        issues.push(Issue::refused(
            line,
            "a mode that lets everybody write; take the bit off",
        ));
    }
    issues
}

/// `u=rw,g=r,o=` and the like.
fn symbolic(line: usize, text: &str) -> Vec<Issue> {
    let mut bits = 0;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '=']).unwrap_or(clause.len());
        let (who, rest) = clause.split_at(at);
        let good = |part: &str, known: &str| part.chars().all(|c| known.contains(c));
        if rest.is_empty() || !good(who, "ugoa") || !good(rest, "+-=rwxXst") {
            return vec![Issue::held(
                line,
                format!("mode {text}, which no rule can read"),
            )];
        }
        let mut gives = false;
        for c in rest.chars() {
            match c {
                '+' | '=' => gives = true,
                '-' => gives = false,
                's' if gives => bits |= 0o6000,
                'w' if gives && (who.is_empty() || who.contains(['o', 'a'])) => bits |= 0o002,
                _ => {}
            }
        }
    }
    of_bits(line, bits)
}

/// What a module is given in every turn of a literal loop, with literal `vars` put in.
/// `None` when there are too many.
pub(super) fn instances(params: &Node, task: &Node) -> Option<Vec<Node>> {
    let mut known = BTreeMap::new();
    for (name, _, value) in task.get("vars").and_then(Node::map).unwrap_or_default() {
        known.insert(name.clone(), value.clone());
    }
    let items = task
        .get("loop")
        .or_else(|| task.get("with_items"))
        .and_then(Node::list);
    let Some(items) = items else {
        return Some(vec![put(params, &known)]);
    };
    if items.len() > 200 {
        return None;
    }
    let name = task
        .get("loop_control")
        .and_then(|c| c.get("loop_var"))
        .and_then(Node::text);
    let name = name.unwrap_or("item");
    let one = |item: &Node| {
        let mut known = known.clone();
        known.insert(name.to_owned(), item.clone());
        for (key, _, value) in item.map().unwrap_or_default() {
            known.insert(format!("{name}.{key}"), value.clone());
            known.insert(format!("{name}['{key}']"), value.clone());
            known.insert(format!("{name}[\"{key}\"]"), value.clone());
        }
        put(params, &known)
    };
    Some(items.iter().map(one).collect())
}

fn put(node: &Node, known: &BTreeMap<String, Node>) -> Node {
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|i| put(i, known)).collect()),
        Value::Map(pairs) => Value::Map(
            pairs
                .iter()
                .map(|(k, line, v)| (k.clone(), *line, put(v, known)))
                .collect(),
        ),
        Value::Scalar { text, plain } => match whole(text).and_then(|name| known.get(name)) {
            Some(value) => value.value.clone(),
            None => Value::Scalar {
                text: within(text, known),
                plain: *plain,
            },
        },
    };
    Node {
        line: node.line,
        value,
    }
}

/// The name in a text that is `{{ name }}` and nothing else.
fn whole(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    (!name.contains("}}")).then_some(name)
}

/// A text with the known names in it put in.
fn within(text: &str, known: &BTreeMap<String, Node>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = behind.split_once("}}") else {
            return out + "{{" + behind;
        };
        match known.get(name.trim()).and_then(Node::text) {
            Some(value) => out.push_str(value),
            None => out.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::super::assert_issue;
    use super::*;
    use crate::playbook::yaml::parse;

    #[test]
    fn modes() {
        for (text, says) in [
            ("\"0755\"", ""),
            ("'0600'", ""),
            ("0644", ""),
            ("\"755\"", ""),
            ("preserve", ""),
            ("u=rw,g=r,o=", ""),
            ("u+x", ""),
            ("o-w", ""),
            ("755", "refused: decimal"),
            ("\"4755\"", "refused: setuid"),
            ("\"2755\"", "refused: setgid"),
            ("\"0777\"", "refused: everybody write"),
            ("\"1777\"", "refused: everybody write"),
            ("\"0666\"", "refused: everybody write"),
            ("u+s", "refused: setuid"),
            ("a+rw", "refused: everybody"),
            ("+w", "refused: everybody"),
            ("o=w", "refused: everybody"),
            ("u-w+r,o+w", "refused: everybody"),
            ("\"0999\"", "refused: no octal"),
            ("\"{{ mode }}\"", "held: no rule can read"),
        ] {
            assert_issue(text, &mode(&parse(text).unwrap().root), says);
        }
    }

    #[test]
    fn loops_and_variables_are_put_in() {
        let task = parse(
            "vars: {where: /etc}\nloop:\n  - {p: a, m: '0777'}\n  - {p: b, m: '0700'}\n\
             file: {path: '{{ where }}/{{ item.p }}/{{ x }}', mode: \"{{ item['m'] }}\"}\n",
        );
        let task = task.unwrap().root;
        let each = instances(task.get("file").unwrap(), &task).unwrap();
        let text = |at: usize, key: &str| each[at].get(key).unwrap().text().unwrap().to_owned();
        assert_eq!(each.len(), 2);
        assert_eq!(text(0, "path"), "/etc/a/{{ x }}");
        assert_eq!(text(0, "mode"), "0777");
        assert_eq!(text(1, "path"), "/etc/b/{{ x }}");
    }
}
