//! A small YAML tree with line numbers, and what is odd about its text.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

/// Deepest nesting and most nodes; beyond, nobody wrote it by hand.
const MAX_DEPTH: usize = 40;
const MAX_NODES: usize = 50_000;

/// A value at its line.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// `plain`: written without quotes, so that it may be a number or a boolean.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// Keys with their lines, in their order.
    Map(Vec<(String, usize, Node)>),
}

/// Something that is no plain YAML.
#[derive(Debug, Clone)]
pub(crate) struct Oddity {
    pub(crate) line: usize,
    /// Known bad, and not only unknown.
    pub(crate) bad: bool,
    pub(crate) what: String,
}

/// A document.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) root: Node,
    pub(crate) oddities: Vec<Oddity>,
}

impl Node {
    /// A quoted scalar.
    pub(crate) fn quoted(line: usize, text: impl Into<String>) -> Self {
        Self {
            line,
            value: Value::Scalar {
                text: text.into(),
                plain: false,
            },
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.value, Value::Scalar { plain: true, .. })
    }

    pub(crate) fn is_null(&self) -> bool {
        self.is_plain() && matches!(self.text(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// As Ansible takes booleans, quoted ones included.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.text()?.trim().to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "t" | "1" => Some(true),
            "false" | "no" | "off" | "n" | "f" | "0" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&[(String, usize, Node)]> {
        match &self.value {
            Value::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|(k, ..)| k == key).map(|(.., v)| v)
    }

    /// Every scalar below, with its line.
    pub(crate) fn scalars(&self) -> Vec<(usize, &str)> {
        match &self.value {
            Value::Scalar { text, .. } => vec![(self.line, text)],
            Value::List(items) => items.iter().flat_map(Node::scalars).collect(),
            Value::Map(pairs) => pairs
                .iter()
                .flat_map(|(key, line, node)| {
                    std::iter::once((*line, key.as_str())).chain(node.scalars())
                })
                .collect(),
        }
    }

    /// A text that is the same for what means the same, without lines and the order of keys.
    pub(crate) fn canonical(&self) -> String {
        match &self.value {
            // In these spellings, and in no other.
            Value::Scalar { text, plain: true } => match text.as_str() {
                "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
                    "true".to_owned()
                }
                "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
                    "false".to_owned()
                }
                _ => format!("{text:?}"),
            },
            Value::Scalar { text, .. } => format!("s{text:?}"),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(Node::canonical).collect();
                format!("[{}]", items.join(","))
            }
            Value::Map(pairs) => {
                let mut pairs: Vec<String> = pairs
                    .iter()
                    .map(|(k, _, v)| format!("{k:?}:{}", v.canonical()))
                    .collect();
                pairs.sort();
                format!("{{{}}}", pairs.join(","))
            }
        }
    }
}

/// Reads one document.
///
/// # Errors
/// The line and what is wrong, when it is no single document.
pub(crate) fn parse(text: &str) -> Result<Parsed, (usize, String)> {
    let head = text
        .lines()
        .enumerate()
        .take_while(|(_, l)| !l.starts_with("---"));
    if let Some((at, _)) = head.into_iter().find(|(_, l)| l.starts_with('%')) {
        return Err((
            at + 1,
            "a YAML directive, which changes how the rest is read".to_owned(),
        ));
    }
    let mut reader = Reader::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|e| (e.marker().line(), format!("it is no YAML: {}", e.info())))?;
        let line = span.start.line();
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                return Err((line, "several documents in one file".to_owned()));
            }
        }
        reader.take(event, line)?;
    }
    let empty = Node {
        line: 1,
        value: Value::Scalar {
            text: String::new(),
            plain: true,
        },
    };
    Ok(Parsed {
        root: reader.root.unwrap_or(empty),
        oddities: reader.oddities,
    })
}

/// A list or map that is not complete yet.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<(String, usize)>,
    anchor: usize,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Node>,
    oddities: Vec<Oddity>,
    nodes: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), (usize, String)> {
        self.count(1, line)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.tagged(tag.as_deref(), line);
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let text = text.into_owned();
                self.done(
                    Node {
                        line,
                        value: Value::Scalar { text, plain },
                    },
                    anchor,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                self.tagged(tag.as_deref(), line);
                self.begin(Value::List(Vec::new()), anchor, line)
            }
            Event::MappingStart(anchor, tag) => {
                self.tagged(tag.as_deref(), line);
                self.begin(Value::Map(Vec::new()), anchor, line)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.done(open.node, open.anchor),
                None => Err((line, "it is no YAML: an end without a beginning".to_owned())),
            },
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or((line, "an alias of something unfinished".to_owned()))?;
                self.count(node.scalars().len(), line)?;
                self.done(Node { line, ..node }, 0)
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), (usize, String)> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err((line, format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn begin(&mut self, value: Value, anchor: usize, line: usize) -> Result<(), (usize, String)> {
        if self.open.len() >= MAX_DEPTH {
            return Err((line, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open {
            node: Node { line, value },
            key: None,
            anchor,
        });
        Ok(())
    }

    fn done(&mut self, node: Node, anchor: usize) -> Result<(), (usize, String)> {
        if anchor != 0 {
            self.odd(
                node.line,
                false,
                "an anchor; write the text out where it is used",
            );
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(pairs), Some((key, line))) => pairs.push((key, line, node)),
            (Value::Map(pairs), None) => {
                let Value::Scalar { text, .. } = node.value else {
                    return Err((node.line, "a key that is no text".to_owned()));
                };
                let twice = pairs.iter().any(|(key, ..)| *key == text);
                open.key = Some((text.clone(), node.line));
                if twice {
                    let what = format!("the key {text} a second time; the last one would win");
                    self.odd(node.line, true, &what);
                } else if text == "<<" {
                    self.odd(node.line, false, "a merge key; write the keys out");
                }
            }
            (Value::Scalar { .. }, _) => {}
        }
        Ok(())
    }

    fn tagged(&mut self, tag: Option<&Tag>, line: usize) {
        let Some(tag) = tag else { return };
        let core = tag.is_yaml_core_schema();
        if core && ["str", "int", "bool", "float", "null", "seq", "map"].contains(&&*tag.suffix) {
            return;
        }
        let name = if core {
            format!("!!{}", tag.suffix)
        } else {
            format!("!{}", tag.suffix)
        };
        let what = format!("the tag {name}, whose content can't be judged; write plain text");
        self.odd(line, core, &what);
    }

    fn odd(&mut self, line: usize, bad: bool, what: &str) {
        self.oddities.push(Oddity {
            line,
            bad,
            what: crate::text::plain(what, 200),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> String {
        match parse(text) {
            Ok(parsed) => parsed.root.canonical(),
            Err((line, why)) => format!("{line}: {why}"),
        }
    }

    #[test]
    fn documents_become_trees() {
        for (text, want) in [
            ("", "\"\""),
            ("a: 1\nb: 'x'\n", r#"{"a":"1","b":s"x"}"#),
            ("b: 1\na: [x, {y: }]\n", r#"{"a":["x",{"y":"~"}],"b":"1"}"#),
            ("a: &x 1\nb: *x\n", r#"{"a":"1","b":"1"}"#),
            ("- a: |\n    x\n    y\n", r#"[{"a":s"x\ny\n"}]"#),
            ("? [a]\n: b\n", "1: a key that is no text"),
            ("a: 1\n---\nb: 2\n", "2: several documents in one file"),
            (
                "%YAML 1.1\n---\na: 1\n",
                "1: a YAML directive, which changes how the rest is read",
            ),
        ] {
            assert_eq!(tree(text), want, "{text}");
        }
        assert!(tree("a: [1\nb: 2\n").contains("it is no YAML"));
        assert!(tree(&"[".repeat(100)).contains("nested deeper"));
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                    e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
        assert!(tree(bomb).contains("more than"), "{}", tree(bomb));
    }

    #[test]
    fn oddities_name_their_line() {
        for (text, line, bad, what) in [
            ("a: 1\nb: 2\na: 3\n", 3, true, "the key a a second time"),
            ("a: &x 1\n", 1, false, "an anchor"),
            ("a:\n  <<: {b: 1}\n", 2, false, "a merge key"),
            ("a: 1\nb: !vault x\n", 2, false, "the tag !vault"),
            ("a: !unsafe x\n", 1, false, "the tag !unsafe"),
            (
                "a: !!python/object:os.system x\n",
                1,
                true,
                "the tag !!python/object",
            ),
            ("a: !!binary eA==\n", 1, true, "the tag !!binary"),
        ] {
            let odd = parse(text).unwrap().oddities;
            let [odd] = odd.as_slice() else {
                panic!("{text}: {odd:?}")
            };
            assert_eq!((odd.line, odd.bad), (line, bad), "{text}");
            assert!(odd.what.contains(what), "{text}: {}", odd.what);
        }
        assert!(parse("a: !!str 1\n").unwrap().oddities.is_empty());
    }
}
