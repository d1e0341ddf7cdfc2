//! The first reader: tree-sitter-bash, believed only where its tree is without error, made of known
//! kinds of nodes, and free of the shapes in which it is known to misread valid bash.

use tree_sitter::Node;

/// The named kinds whose meaning the walk knows. A grammar that grows a new one is not believed.
const KNOWN: &[&str] = &[
    "ansi_c_string",
    "arithmetic_expansion",
    "array",
    "binary_expression",
    "brace_expression",
    "c_style_for_statement",
    "case_item",
    "case_statement",
    "command",
    "command_name",
    "command_substitution",
    "comment",
    "compound_statement",
    "concatenation",
    "declaration_command",
    "do_group",
    "elif_clause",
    "else_clause",
    "expansion",
    "extglob_pattern",
    "file_descriptor",
    "file_redirect",
    "for_statement",
    "function_definition",
    "heredoc_body",
    "heredoc_content",
    "heredoc_end",
    "heredoc_redirect",
    "heredoc_start",
    "herestring_redirect",
    "if_statement",
    "list",
    "negated_command",
    "number",
    "parenthesized_expression",
    "pipeline",
    "postfix_expression",
    "process_substitution",
    "program",
    "raw_string",
    "redirected_statement",
    "regex",
    "simple_expansion",
    "special_variable_name",
    "string",
    "string_content",
    "subscript",
    "subshell",
    "ternary_expression",
    "test_command",
    "test_operator",
    "translated_string",
    "unary_expression",
    "unset_command",
    "variable_assignment",
    "variable_assignments",
    "variable_name",
    "while_statement",
    "word",
];

/// No deeper: what is judged afterwards recurses.
const DEEPEST: usize = 150;

/// What the first reader says of a script.
pub(super) enum Reading {
    /// The words of every command outside substitutions, in no order.
    Commands(Vec<Vec<String>>),
    /// It can't be relied on here; the second reader decides.
    Doubtful,
    /// Nested deeper than anything that is judged.
    TooDeep,
}

/// A text as the grammar may be given it. Its scanner, in C, looks a character behind `{1..` up in a table
/// of 384 entries without asking how large it is; one far behind the end kills the process. Nothing above
/// Latin-1 means anything to a shell, so that another letter can stand for it.
pub(super) fn tame(text: &str) -> std::borrow::Cow<'_, str> {
    let wild = |c: char| u32::from(c) > 0xff;
    if text.contains(wild) {
        text.chars()
            .map(|c| if wild(c) { 'ø' } else { c })
            .collect()
    } else {
        text.into()
    }
}

/// Reads a script.
pub(super) fn read(script: &str) -> Reading {
    let script = tame(script);
    let script = script.as_ref();
    let mut parser = tree_sitter::Parser::new();
    if parser
        .set_language(&tree_sitter_bash::LANGUAGE.into())
        .is_err()
    {
        return Reading::Doubtful;
    }
    let Some(tree) = parser.parse(script, None) else {
        return Reading::Doubtful;
    };
    let root = tree.root_node();
    let mut commands = Vec::new();
    let mut doubtful = root.has_error();
    // Never by recursion: the depth is the writer's to choose.
    let mut open = vec![(root, 0_usize, false)];
    while let Some((node, depth, substituted)) = open.pop() {
        if depth > DEEPEST {
            return Reading::TooDeep;
        }
        doubtful = doubtful || misread(node, script);
        if !substituted {
            commands.extend(words(node, script));
        }
        let inside = substituted
            || matches!(
                node.kind(),
                "command_substitution" | "process_substitution" | "arithmetic_expansion"
            );
        let mut cursor = node.walk();
        open.extend(node.children(&mut cursor).map(|c| (c, depth + 1, inside)));
    }
    if doubtful {
        Reading::Doubtful
    } else {
        Reading::Commands(commands)
    }
}

/// The shapes of a clean tree that bash reads otherwise.
fn misread(node: Node<'_>, script: &str) -> bool {
    if node.is_missing() || node.is_error() {
        return true;
    }
    if node.is_named() && !KNOWN.contains(&node.kind()) {
        return true;
    }
    let text = script.get(node.byte_range()).unwrap_or_default();
    match node.kind() {
        "command"
        | "concatenation"
        | "variable_assignment"
        | "file_redirect"
        | "herestring_redirect"
        | "declaration_command"
        | "unset_command" => {
            gaps(node, script).any(|gap| {
                gap.replace("\\\n", "")
                    .contains(|c: char| c != ' ' && c != '\t')
            }) || gaps(node, script).any(|gap| gap.contains("\n\\\n"))
        }
        // Of two in a row it makes one, which goes from the first mark to the last.
        "command_substitution" => text.starts_with('`') && marks(text) > 2,
        "simple_expansion" => gaps(node, script).any(|gap| !gap.is_empty()),
        "word" | "regex" | "extglob_pattern" => holds_separator(text),
        "comment" => misplaced(script.get(..node.start_byte()).unwrap_or_default()),
        _ => false,
    }
}

/// How many backquotes a text has that no backslash hides.
fn marks(text: &str) -> usize {
    let (mut count, mut escaped) = (0, false);
    for c in text.chars() {
        count += usize::from(c == '`' && !escaped);
        escaped = c == '\\' && !escaped;
    }
    count
}

/// The text between a node's children.
fn gaps<'a>(node: Node<'a>, script: &'a str) -> impl Iterator<Item = &'a str> {
    let mut cursor = node.walk();
    let ranges: Vec<_> = node.children(&mut cursor).map(|c| c.byte_range()).collect();
    (1..ranges.len()).filter_map(move |i| script.get(ranges[i - 1].end..ranges[i].start))
}

/// Whether a bare word holds what ends one.
fn holds_separator(text: &str) -> bool {
    let mut escaped = false;
    for c in text.chars() {
        if !escaped && (c == ';' || c == '\n') {
            return true;
        }
        escaped = c == '\\' && !escaped;
    }
    false
}

/// Whether bash reads no comment behind this text.
fn misplaced(before: &str) -> bool {
    if before.ends_with("\\\n") {
        return true;
    }
    match before.chars().next_back() {
        None | Some('\n') => false,
        Some(' ' | '\t') => {
            let escapes = before[..before.len() - 1]
                .chars()
                .rev()
                .take_while(|c| *c == '\\')
                .count();
            escapes % 2 == 1
        }
        Some(last) => !";&|()<>`".contains(last),
    }
}

/// The words of a node that is a command, the way the second reader counts them.
fn words(node: Node<'_>, script: &str) -> Option<Vec<String>> {
    let kind = node.kind();
    if !matches!(kind, "command" | "declaration_command" | "unset_command") {
        return None;
    }
    let text = |n: Node<'_>| {
        script
            .get(n.byte_range())
            .unwrap_or_default()
            .replace("\\\n", "")
    };
    let mut found = Vec::new();
    let mut named = kind != "command";
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        match child.kind() {
            "command_name" => {
                named = true;
                found.push(text(child));
            }
            "file_redirect" => found.extend(spilled(child, script).into_iter().map(text)),
            "herestring_redirect" | "heredoc_redirect" | "comment" => {}
            "variable_assignment" if !named => {}
            // `time (a; b)`: the commands within are nodes of their own.
            "subshell" if found == ["time"] => {}
            _ => found.push(text(child)),
        }
    }
    // Words behind a redirection belong to the command, wherever the tree puts them.
    if let Some(parent) = node.parent()
        && parent.kind() == "redirected_statement"
    {
        let mut cursor = parent.walk();
        for sibling in parent.children(&mut cursor) {
            match sibling.kind() {
                "file_redirect" => found.extend(spilled(sibling, script).into_iter().map(text)),
                "heredoc_redirect" => {
                    let mut inner = sibling.walk();
                    for child in sibling.children_by_field_name("argument", &mut inner) {
                        found.push(text(child));
                    }
                    let mut inner = sibling.walk();
                    for child in sibling.children_by_field_name("redirect", &mut inner) {
                        found.extend(spilled(child, script).into_iter().map(text));
                    }
                }
                _ => {}
            }
        }
    }
    // The grammar hides a lone `-`.
    found.retain(|w| w != "-");
    let mut group = false;
    while let Some(first) = found
        .first()
        .filter(|w| ["time", "coproc", "!"].contains(&w.as_str()))
    {
        let named = first == "coproc" && found.get(2).is_some_and(|w| w == "{");
        group |= first != "!";
        found.drain(..if named { 2 } else { 1 });
        if found.first().is_some_and(|w| w == "-p") {
            found.remove(0);
        }
    }
    // `time { a; b; }`: the grammar takes the brackets for words.
    if group && found.first().is_some_and(|w| w == "{") {
        found.remove(0);
    }
    if found == ["}"] {
        found.clear();
    }
    (!found.is_empty()).then_some(found)
}

/// All but the first destination of a redirection: the grammar takes what follows for more of them.
fn spilled<'a>(redirect: Node<'a>, script: &str) -> Vec<Node<'a>> {
    let mut cursor = redirect.walk();
    redirect
        .children_by_field_name("destination", &mut cursor)
        .skip(1)
        // `0>&1` behind a target: the number is the next redirection's.
        .filter(|n| {
            let next = script.as_bytes().get(n.end_byte());
            !(n.kind() == "number" && next.is_some_and(|b| matches!(b, b'<' | b'>')))
        })
        .collect()
}
