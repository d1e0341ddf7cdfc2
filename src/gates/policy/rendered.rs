//! Templates as the files alone write them out: values, loops over lists and conditions that are known.
//!
//! Only what is beyond doubt is written out: where a template has any other statement than those read
//! here, in any other spelling or place, all of its statements stay as they are, and whoever judges the
//! text sees that they are there.

use std::cell::Cell;

use super::env::{View, shown};
use super::expand::Locals;
use super::expression;
use crate::playbook::yaml::{Node, Value};

/// Most lines that are looked at, in all turns of all loops.
const MOST_STEPS: usize = 5_000;
/// Statements within each other at most.
const DEEPEST: usize = 16;

/// A part of a template.
enum Part<'t> {
    Line(&'t str),
    /// Name, list, body.
    For(&'t str, &'t str, Vec<Part<'t>>),
    /// Condition, body, what is there instead.
    If(&'t str, Vec<Part<'t>>, Vec<Part<'t>>),
}

/// A template's text with everything put in that is known; what is not stays as it is written.
pub(super) fn text(view: &View<'_>, template: &str) -> String {
    let mut lines = template.lines();
    // A first line of this kind says how statements are read.
    let parts = body(&mut lines, 0)
        .filter(|(_, end)| end.is_none() && !template.trim_start().starts_with("#jinja2:"));
    let steps = Cell::new(0);
    let mut out = Vec::new();
    let done = parts.is_some_and(|(parts, _)| write(view, &parts, &steps, &mut out).is_some());
    if !done {
        out = template.lines().map(|l| line(view, l)).collect();
    }
    let mut text = out.join("\n");
    if template.ends_with('\n') && !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A statement that has a line for itself, from its beginning to its end: Ansible takes the line away,
/// and nothing but it.
enum Tag<'t> {
    For(&'t str, &'t str),
    If(&'t str),
    Else,
    EndIf,
    EndFor,
}

fn tag(line: &str) -> Option<Tag<'_>> {
    match line {
        "{% else %}" => return Some(Tag::Else),
        "{% endif %}" => return Some(Tag::EndIf),
        "{% endfor %}" => return Some(Tag::EndFor),
        _ => {}
    }
    let inner = line.strip_prefix("{% ")?.strip_suffix(" %}")?;
    if ["{%", "%}", "{{", "}}", "{#", "#}"]
        .iter()
        .any(|mark| inner.contains(mark))
    {
        return None;
    }
    if let Some(condition) = inner.strip_prefix("if ") {
        return Some(Tag::If(condition));
    }
    let (name, list) = inner.strip_prefix("for ")?.split_once(" in ")?;
    Some(Tag::For(name, list))
}

/// Whether a line without a tag of its own has no statement that does more than it shows.
fn is_plain(line: &str) -> bool {
    let comment =
        line.starts_with("{# ") && line.ends_with(" #}") && line.matches("#}").count() == 1;
    let marks =
        line.contains("{%") || line.contains("%}") || line.contains("{#") || line.contains("#}");
    // At its end a statement would take the line's end along.
    comment && !line.contains("{%") || !marks || whole(line).is_some() && !line.ends_with("%}")
}

/// `BEFORE{% if CONDITION %}YES{% else %}NO{% endif %}AFTER`, with no other statement.
fn whole(line: &str) -> Option<[&str; 5]> {
    let (before, rest) = line.split_once("{% if ")?;
    let (condition, rest) = rest.split_once(" %}")?;
    let (body, after) = rest.split_once("{% endif %}")?;
    let (yes, no) = body.split_once("{% else %}").unwrap_or((body, ""));
    let parts = [before, condition, yes, no, after];
    let bare = |part: &&str| {
        ["{%", "%}", "{#", "#}"]
            .iter()
            .any(|mark| part.contains(mark))
    };
    (!parts.iter().any(bare)).then_some(parts)
}

/// The parts up to the end of a block, and what ends it; none where a line is not beyond doubt.
fn body<'t>(
    lines: &mut std::str::Lines<'t>,
    depth: usize,
) -> Option<(Vec<Part<'t>>, Option<Tag<'t>>)> {
    if depth > DEEPEST {
        return None;
    }
    let mut parts = Vec::new();
    while let Some(line) = lines.next() {
        match tag(line) {
            Some(Tag::For(name, list)) => match body(lines, depth + 1)? {
                (inner, Some(Tag::EndFor)) => parts.push(Part::For(name, list, inner)),
                _ => return None,
            },
            Some(Tag::If(condition)) => {
                let (yes, no) = match body(lines, depth + 1)? {
                    (yes, Some(Tag::EndIf)) => (yes, Vec::new()),
                    (yes, Some(Tag::Else)) => match body(lines, depth + 1)? {
                        (no, Some(Tag::EndIf)) => (yes, no),
                        _ => return None,
                    },
                    _ => return None,
                };
                parts.push(Part::If(condition, yes, no));
            }
            Some(end) => return Some((parts, Some(end))),
            None if is_plain(line) => parts.push(Part::Line(line)),
            None => return None,
        }
    }
    Some((parts, None))
}

/// Writes parts out; none where that is too much, or something is only known in the run.
fn write(
    view: &View<'_>,
    parts: &[Part<'_>],
    steps: &Cell<usize>,
    out: &mut Vec<String>,
) -> Option<()> {
    for part in parts {
        steps.set(steps.get() + 1);
        if steps.get() > MOST_STEPS {
            return None;
        }
        match part {
            Part::Line(text) => out.push(line(view, &within(view, text)?)),
            Part::If(condition, yes, no) => {
                let taken = if expression::truth(view, condition, 0)? {
                    yes
                } else {
                    no
                };
                write(view, taken, steps, out)?;
            }
            Part::For(name, list, inner) => {
                for locals in turns(view, name, list)? {
                    steps.set(steps.get() + 1);
                    let view = View {
                        locals: &locals,
                        ..*view
                    };
                    write(&view, inner, steps, out)?;
                }
            }
        }
    }
    Some(())
}

/// The variables in each turn of a loop over a list that is known.
fn turns(view: &View<'_>, name: &str, list: &str) -> Option<Vec<Locals>> {
    let word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    // With a condition of its own a loop leaves items out.
    if list.contains(" if ") || list.contains(" recursive") {
        return None;
    }
    let pairs = list.strip_suffix(".items()");
    let names: Vec<&str> = name.split(',').map(str::trim).collect();
    let fits = match names.as_slice() {
        [only] => word(only) && pairs.is_none(),
        [key, value] => word(key) && word(value) && pairs.is_some(),
        _ => false,
    };
    let value = expression::value(view, pairs.unwrap_or(list), 0).filter(|_| fits)?;
    let value = match pairs {
        Some(_) => {
            value.map()?;
            expression::items(&value)
        }
        None => value,
    };
    let items = value.list()?;
    let one = |(at, item): (usize, &Node)| {
        let mut locals: Locals = view.locals.clone();
        if let [key, value] = names.as_slice() {
            locals.insert((*key).to_owned(), item.get("key")?.clone());
            locals.insert((*value).to_owned(), item.get("value")?.clone());
        } else {
            locals.insert(name.to_owned(), item.clone());
        }
        locals.insert(expression::LOOP.to_owned(), counters(at, items.len()));
        Some(locals)
    };
    items.iter().enumerate().map(one).collect()
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
    let node = view.put(&Node::quoted(1, text));
    let json = ["| to_json }}", "| to_nice_json }}"]
        .iter()
        .any(|filter| text.trim_end().ends_with(filter));
    if json && node.text().is_none() {
        return format!("{:#}", super::puts::as_json(&node));
    }
    shown(&node).unwrap_or_else(|| text.to_owned())
}

/// A condition within a line, written out; none where only the run knows it.
fn within(view: &View<'_>, text: &str) -> Option<String> {
    let Some([before, condition, yes, no, after]) = whole(text) else {
        return Some(text.to_owned());
    };
    let taken = if expression::truth(view, condition, 0)? {
        yes
    } else {
        no
    };
    Some(format!("{before}{taken}{after}"))
}

#[cfg(test)]
mod tests {
    use super::super::env::{Choice, Env};
    use super::*;

    fn written(vars: &str, template: &str) -> String {
        let root = crate::playbook::yaml::parse(vars).unwrap().root;
        let locals: Locals = root
            .map()
            .unwrap()
            .iter()
            .map(|(name, _, value)| (name.clone(), value.clone()))
            .collect();
        let view = View {
            env: &Env::default(),
            locals: &locals,
            choice: &Choice::new(),
        };
        text(&view, template)
    }

    const VARS: &str = "list: [a, b]\nmap: {k: v}\nyes_: true\nword: \"no\"\nodd: nO\nnone: []\nown: \"{{ 'a' if own else 'b' }}\"\n";

    #[test]
    fn loops_and_conditions_that_are_known_are_written_out() {
        for (template, out) in [
            (
                "{% for x in list %}\nuse {{ x }}\n{% endfor %}\nend\n",
                "use a\nuse b\nend\n",
            ),
            (
                "{% for k, v in map.items() %}\n{{ k }}={{ v }}\n{% endfor %}\n",
                "k=v\n",
            ),
            ("{% if yes_ %}\na\n{% else %}\nb\n{% endif %}\n", "a\n"),
            ("{% if not yes_ %}\na\n{% endif %}\nb\n", "b\n"),
            ("a{% if yes_ %} b{% else %} c{% endif %} d\n", "a b d\n"),
            (
                "{% for x in list %}\n{{ x }}{{ ',' if not loop.last else '' }}\n{% endfor %}\n",
                "a,\nb\n",
            ),
            // As Python takes it: a text that is not empty is true.
            ("{% if word %}\na\n{% endif %}\n", "a\n"),
            ("{% if word | bool %}\na\n{% endif %}\nb\n", "b\n"),
            ("{% for x in none %}\na\n{% endfor %}\nb\n", "b\n"),
        ] {
            assert_eq!(written(VARS, template), out, "{template}");
        }
    }

    #[test]
    fn filters_that_decide_are_as_ansible_has_them() {
        for (template, out) in [
            ("{{ yes_ | ternary('yes', 'no') }}\n", "yes\n"),
            ("{{ word | ternary('a', 'b') }}\n", "a\n"),
            ("{{ word | bool | ternary('a', 'b') }}\n", "b\n"),
            ("{{ none | default('x', true) }}\n", "x\n"),
            ("{{ word | default('x', true) }}\n", "no\n"),
            ("{{ nothing_here | default('x') }}\n", "x\n"),
            ("{{ yes_ | lower }}\n", "true\n"),
            // A filter belongs to the part in front of it.
            ("{{ 'ye' ~ 'S' | lower }}\n", "yes\n"),
            ("{{ 'A' ~ 'B' | lower }}\n", "Ab\n"),
            ("{{ ('A' ~ 'B') | lower }}\n", "ab\n"),
            // YAML takes it for a text, which is true.
            ("{{ odd | ternary('a', 'b') }}\n", "a\n"),
        ] {
            assert_eq!(written(VARS, template), out, "{template}");
        }
        for template in [
            "{{ '0' | int | ternary('a', 'b') }}\n",
            "{{ 2 | bool | ternary('a', 'b') }}\n",
            "{{ 't' | bool | ternary('a', 'b') }}\n",
            "{{ '' | to_json | ternary('a', 'b') }}\n",
            "{{ '' | quote | ternary('a', 'b') }}\n",
            "{{ yes_ | ternary('a', 'b', 'c') }}\n",
            "{{ word | default('x', none) }}\n",
        ] {
            assert_eq!(written(VARS, template), template);
        }
    }

    #[test]
    fn what_is_not_beyond_doubt_keeps_its_statements() {
        for template in [
            "{% if false %}\n{%- endif %}\nx\n{%- if false %}\n{% endif %}\n",
            "{% if false %}\nx{% endif %}\ny\n{% if false %}x\n{% endif %}\n",
            "{% if false %}\na\n{% elif(true) %}\nb\n{% endif %}\n",
            "{% if false %}\na\n{% else %}{# x #}\nb\n{% endif %}\n",
            "{% if false %}a{%else%}b{% endif %} c\n",
            "a{% if true %}{% endif %}\nb\n",
            "  {% if true %}\na\n{% endif %}\n",
            "{% set x = 'yes' %}\n{% if true %}\na\n{% endif %}\n",
            "{% for x in list if x != 'a' %}\n{{ x }}\n{% endfor %}\n",
            "{% for k, v in map %}\n{{ k }}\n{% endfor %}\n",
            "{% for x in list | sort %}\n{{ x }}\n{% endfor %}\n",
            "{% for x in list %}\n{{ loop.depth0 | default('') }}{{ x }}\n{% endfor %}\n",
            "{% for x in list %}\na\n{% endif %}\n",
            "{% if unknown_here %}\na\n{% endif %}\n",
            "{% if yes_ == 'true' %}\na\n{% endif %}\n",
            "{# a\n#}\n{% if true %}\nb\n{% endif %}\n",
            "# {% if true %}\na\n{% endif %}\n",
        ] {
            let out = written(VARS, template);
            assert!(
                out.contains("{%") || out.contains("{{ loop"),
                "{template}: {out}"
            );
        }
    }

    #[test]
    fn work_is_bounded() {
        let many = "{% for x in list %}\n".repeat(12) + "a\n" + &"{% endfor %}\n".repeat(12);
        // Two to the twelfth turns.
        assert!(written(VARS, &many).starts_with("{% for x in list %}"));
        let deep = "{% if true %}\n".repeat(2_000) + &"{% endif %}\n".repeat(2_000);
        assert!(written(VARS, &deep).starts_with("{% if true %}"));
        assert!(written(VARS, "{{ own }}\n").contains("own"));
    }
}
