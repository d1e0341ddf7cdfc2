//! Two readers for every script: what they don't agree on is not judged, it is refused.

use brush_parser::ast::{self, CommandPrefixOrSuffixItem as Item, CompoundCommand};
use brush_parser::{ParserOptions, Token, parse_tokens, uncached_tokenize_str};

use super::tree::{self, Reading};

/// More of one script than this is not read.
pub(super) const LARGEST: usize = 64 * 1024;
/// Open brackets and compound commands at once: the second reader recurses.
const DEEPEST: usize = 100;

/// Nested brackets and cases at most: a text that fails to parse costs the second reader twice the
/// time for each.
const MOST_AMBIGUOUS: usize = 14;

/// How the second reader reads: as `bash -c` does.
pub(super) fn options() -> ParserOptions {
    ParserOptions {
        enable_extended_globbing: false,
        ..ParserOptions::default()
    }
}

/// A script as both readers see it.
///
/// # Errors
/// What keeps it from being judged.
pub(super) fn program(script: &str) -> Result<ast::Program, &'static str> {
    if script.len() > LARGEST {
        return Err("a script of more than 64 KiB");
    }
    if let Some(odd) = odd(script) {
        return Err(odd);
    }
    if nesting(script) > DEEPEST {
        return Err("nesting that is too deep to follow");
    }
    let first = tree::read(script);
    if matches!(first, Reading::TooDeep) {
        return Err("nesting that is too deep to follow");
    }
    let unparsed = "text that does not parse as shell";
    let options = options();
    let tokens =
        uncached_tokenize_str(script, &options.tokenizer_options()).map_err(|_| unparsed)?;
    if !faithful(&tokens, script) {
        return Err("a text that can't be read with certainty");
    }
    if !certain(&tokens) {
        return Err("brackets that shells read differently");
    }
    let (brackets, cases) = ambiguity(&tokens);
    if brackets + cases > MOST_AMBIGUOUS {
        return Err("nesting that is too deep to follow");
    }
    let program = parse_tokens(&tokens, &options).map_err(|_| unparsed)?;
    if let Reading::Commands(theirs) = first {
        let mut ours = Vec::new();
        for list in &program.complete_commands {
            of_list(list, &mut ours);
        }
        let key = |w: &[String]| {
            let name = w.first().map_or("", String::as_str);
            (tree::tame(name).into_owned(), w.len())
        };
        let mut ours: Vec<_> = ours.iter().map(|w| key(w)).collect();
        let mut theirs: Vec<_> = theirs.iter().map(|w| key(w)).collect();
        ours.sort();
        theirs.sort();
        if ours != theirs {
            return Err("a text that two shell parsers read differently");
        }
    }
    Ok(program)
}

/// Whether every token is what stands at its place: behind a here-document on the same line the
/// second reader takes `${x}` apart. The bodies of here-documents are read by other rules.
fn faithful(tokens: &[Token], script: &str) -> bool {
    let chars: Vec<char> = script.chars().collect();
    let mut bodies = 0;
    for (at, token) in tokens.iter().enumerate() {
        if bodies > 0 {
            bodies -= 1;
            continue;
        }
        let (Token::Word(text, place) | Token::Operator(text, place)) = token;
        if at > 0
            && matches!(&tokens[at - 1], Token::Operator(op, _) if op.starts_with("<<") && op != "<<<")
        {
            bodies = 2;
        }
        if matches!(token, Token::Operator(..)) {
            continue;
        }
        let there = chars
            .get(place.start.index..place.end.index)
            .map(|c| c.iter().collect::<String>());
        let Some(there) = there else { return false };
        let plain = |text: &str| text.replace("\\\n", "").trim().to_owned();
        if plain(&there) != plain(text) {
            return false;
        }
    }
    true
}

/// Whether two brackets in a row are arithmetic, beyond doubt: bash takes `((a) )` and `( (a) )` for
/// two subshells, the readers here do not.
fn certain(tokens: &[Token]) -> bool {
    let is = |at: usize, text: &str| matches!(tokens.get(at), Some(Token::Operator(op, _)) if op == text);
    let adjoin = |at: usize| {
        let (first, second) = (tokens[at].location(), tokens[at + 1].location());
        first.end.index == second.start.index
    };
    let mut at = 0;
    while at < tokens.len() {
        if !is(at, "(") || !is(at + 1, "(") {
            at += 1;
            continue;
        }
        let mut open = 0_usize;
        let end = (at..tokens.len()).find(|i| {
            open += usize::from(is(*i, "("));
            open -= usize::from(is(*i, ")"));
            open == 0
        });
        match end {
            Some(end) if adjoin(at) && is(end - 1, ")") && adjoin(end - 1) => at = end,
            _ => return false,
        }
    }
    true
}

/// How deep brackets are nested in a word outside of single quotes, open ones included: the second
/// reader's time doubles with each.
pub(super) fn too_deep(word: &str) -> bool {
    let (mut open, mut quoted, mut double, mut escaped) = (0_usize, false, false, false);
    for c in word.chars() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' if !quoted => escaped = true,
            '\'' if !double => quoted = !quoted,
            '"' if !quoted => double = !double,
            '(' | '{' | '[' if !quoted => open += 1,
            ')' | '}' | ']' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MOST_AMBIGUOUS {
            return true;
        }
    }
    false
}

/// How deep brackets are nested, and how many cases there are.
fn ambiguity(tokens: &[Token]) -> (usize, usize) {
    let (mut deepest, mut open, mut cases) = (0_usize, 0_usize, 0);
    for token in tokens {
        match token {
            Token::Operator(text, _) => {
                open += text.matches('(').count();
                deepest = deepest.max(open);
                open = open.saturating_sub(text.matches(')').count());
            }
            Token::Word(text, _) => cases += usize::from(text == "case"),
        }
    }
    (deepest, cases)
}

/// Characters that no honest command has, or that show something else than they are.
fn odd(script: &str) -> Option<&'static str> {
    let bytes = script.as_bytes();
    if bytes.contains(&0) {
        return Some("a NUL character");
    }
    if (0..bytes.len()).any(|i| bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
        return Some("a carriage return inside a line");
    }
    script.chars().find_map(|c| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some("a character that turns the direction of text")
        }
        '\u{200b}' | '\u{2060}' | '\u{feff}' => Some("an invisible character"),
        '\u{f0010}'..='\u{10fffd}' => Some("a private character"),
        _ => None,
    })
}

/// An upper bound of how deep brackets and compound commands are nested, without reading the text.
fn nesting(script: &str) -> usize {
    let (mut deepest, mut brackets) = (0_usize, 0_usize);
    for c in script.chars() {
        match c {
            '(' | '{' => brackets += 1,
            ')' | '}' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(brackets);
    }
    let mut words = 0_usize;
    for word in script.split(|c: char| c.is_whitespace() || c == ';') {
        match word {
            "if" | "while" | "until" | "for" | "case" | "select" => words += 1,
            "fi" | "done" | "esac" => words = words.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(words);
    }
    deepest
}

fn of_list(list: &ast::CompoundList, out: &mut Vec<Vec<String>>) {
    for ast::CompoundListItem(and_or, _) in &list.0 {
        for (_, pipeline) in and_or {
            for command in &pipeline.seq {
                of_command(command, out);
            }
        }
    }
}

fn of_command(command: &ast::Command, out: &mut Vec<Vec<String>>) {
    match command {
        ast::Command::Simple(simple) => out.extend(of_simple(simple)),
        ast::Command::Compound(compound, _) => of_compound(compound, out),
        ast::Command::Function(function) => of_compound(&function.body.0, out),
        ast::Command::ExtendedTest(..) => {}
    }
}

fn of_compound(compound: &CompoundCommand, out: &mut Vec<Vec<String>>) {
    match compound {
        CompoundCommand::Arithmetic(_) => {}
        CompoundCommand::ArithmeticForClause(c) => of_list(&c.body.list, out),
        CompoundCommand::BraceGroup(c) => of_list(&c.list, out),
        CompoundCommand::Subshell(c) => of_list(&c.list, out),
        CompoundCommand::ForClause(c) => of_list(&c.body.list, out),
        CompoundCommand::CaseClause(c) => {
            for item in &c.cases {
                if let Some(list) = &item.cmd {
                    of_list(list, out);
                }
            }
        }
        CompoundCommand::IfClause(c) => {
            of_list(&c.condition, out);
            of_list(&c.then, out);
            for part in c.elses.iter().flatten() {
                if let Some(condition) = &part.condition {
                    of_list(condition, out);
                }
                of_list(&part.body, out);
            }
        }
        CompoundCommand::WhileClause(c) | CompoundCommand::UntilClause(c) => {
            of_list(&c.0, out);
            of_list(&c.1.list, out);
        }
        CompoundCommand::Coprocess(c) => of_command(&c.body, out),
    }
}

/// The raw words of a simple command; none where it only assigns or tests.
fn of_simple(simple: &ast::SimpleCommand) -> Option<Vec<String>> {
    let name = simple.word_or_name.as_ref()?.value.replace("\\\n", "");
    if name == "[" {
        return None;
    }
    let mut words = vec![name];
    for item in simple.suffix.iter().flat_map(|s| &s.0) {
        match item {
            Item::Word(word) | Item::AssignmentWord(_, word) => words.push(word.value.clone()),
            Item::ProcessSubstitution(..) => words.push(String::new()),
            Item::IoRedirect(_) => {}
        }
    }
    words.retain(|w| w != "-");
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_the_parsers_long_is_refused_unread() {
        for script in [
            "(".repeat(100),
            "( ".repeat(60),
            "for (( ".repeat(60),
            "case a in b) ".repeat(60),
            "case a in b) echo esac; ".repeat(60),
            "( ')' ".repeat(60),
            "$(".repeat(400) + &")".repeat(400),
            "if a; then ".repeat(300),
            "a".repeat(LARGEST + 1),
        ] {
            assert!(program(&script).is_err(), "{}", &script[..20]);
        }
    }

    #[test]
    fn what_would_take_the_reader_of_words_long_is_refused_unread() {
        for script in [
            format!("cat <<E\n${}\nE", ">(".repeat(45)),
            format!(
                "cat <<E\n$( case x in a) x='a{}';; esac )\nE",
                "$[".repeat(45)
            ),
            format!("echo ${}", ">(".repeat(45)),
            format!("echo \"{}\"", "$(".repeat(45)),
            format!("echo {}", "{a,".repeat(45)),
        ] {
            assert!(
                !crate::guard::judge(&script).is_allowed(),
                "{}",
                &script[..12]
            );
        }
    }

    #[test]
    fn two_subshells_are_not_taken_for_arithmetic() {
        for hidden in [
            "((mkfs /dev/sda) )",
            "( (mkfs /dev/sda) )",
            "( ( mkfs /dev/sda ))",
            "f\n\\\n( ( mkfs /dev/sda ) )",
            "f\n\\\n((mkfs /dev/sda) )",
            "ls | ((mkfs /dev/sda); ls)",
            "echo \"$( ( (mkfs /dev/sda) ) )\"",
        ] {
            assert!(!crate::guard::judge(hidden).is_allowed(), "{hidden}");
        }
        for honest in [
            "((i++))",
            "(( (a + b) * c ))",
            "for ((i = 0; i < 3; i++)); do echo \"$i\"; done",
            "(ls; (pwd))",
            "diff <(sort a) <(sort b)",
        ] {
            assert!(crate::guard::judge(honest).is_allowed(), "{honest}");
        }
    }

    #[test]
    fn what_the_parsers_read_differently_is_refused_or_read_rightly() {
        // Valid bash in which tree-sitter-bash hides the second command, without an error.
        for hidden in [
            "ls | grep x | head -30\nrm -rf / && cd s",
            "ls\n\\\nrm -rf /",
            "echo ==\nrm -rf /",
            "grep -n =~\nrm -rf /",
            "echo ``\nrm -rf /",
            "echo a\\\n#b; rm -rf /",
            "echo \\ #; rm -rf /",
            "cat <<'E'; rm -rf /\nx\nE",
            "cat <<'E' 2>&1 | rm -rf /\nx\nE",
        ] {
            assert!(!crate::guard::judge(hidden).is_allowed(), "{hidden}");
        }
        for honest in [
            "ls | grep x | head -30\necho a && cd s",
            "cat <<'E'; echo done\nx\nE",
            "cat <<'E' 2>&1 | tail -5\nx\nE",
            "cat <> f",
            "x > f <<<\"$y\"",
        ] {
            assert!(crate::guard::judge(honest).is_allowed(), "{honest}");
        }
    }
}
