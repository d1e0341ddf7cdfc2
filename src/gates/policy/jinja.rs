//! What a template may ask for: variables, filters and harmless methods.

use std::collections::BTreeSet;

use super::issue::Issue;

/// Filters that only compute.
const FILTERS: &str = " abs basename bool capitalize combine count d default dict2items difference \
    dirname e escape expanduser first flatten float from_json from_yaml indent int intersect \
    items2dict join last length list lower map mandatory max min path_join quote regex_escape \
    regex_findall regex_replace regex_search reject rejectattr relpath replace reverse round \
    select selectattr sort split splitext string sum symmetric_difference ternary title to_json \
    to_nice_json to_nice_yaml to_yaml trim type_debug union unique upper version wordcount zip ";
/// Methods and functions that only compute.
const CALLS: &str = " dict endswith find get items join keys lower namespace range replace split \
    splitlines startswith strip title upper values ";
/// Statements of templates.
const STATEMENTS: &str = " if elif else endif for endfor set raw endraw ";
const WORDS: &str = " and or not in is if else true false none True False None ";

/// Judges a text with `{{ … }}` and `{% … %}` in it.
pub(super) fn text(text: &str, line: usize) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (at, kind, body) in pieces(text) {
        let line = line + at;
        match kind {
            Piece::Expression => issues.extend(expression(body, line)),
            Piece::Statement => {
                let body = body.trim_matches(['-', '+']).trim();
                let word = body
                    .split(|c: char| !c.is_alphanumeric())
                    .next()
                    .unwrap_or_default();
                if !listed(STATEMENTS, word) {
                    issues.push(Issue::held(
                        "template-unknown",
                        line,
                        format!("the template statement {word}"),
                    ));
                }
                let rest = body.strip_prefix(word).unwrap_or_default();
                issues.extend(expression(rest, line));
            }
            Piece::Unfinished => {
                issues.push(Issue::held(
                    "template-unknown",
                    line,
                    "a template expression that does not end",
                ));
            }
        }
    }
    if text
        .lines()
        .next()
        .is_some_and(|l| l.trim_start().starts_with("#jinja2:"))
    {
        issues.push(Issue::refused(
            "template-inner",
            line,
            "it changes what a template expression looks like",
        ));
    }
    issues
}

/// The expressions and statements of a text as they are written, to tell new ones from old ones.
pub(super) fn parts(text: &str) -> Vec<String> {
    pieces(text)
        .into_iter()
        .map(|(_, _, body)| body.trim().to_owned())
        .collect()
}

/// The names that an expression uses.
pub(super) fn names(expression: &str) -> BTreeSet<String> {
    tokens(expression)
        .into_iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word.split('.').next().unwrap_or_default().to_owned()),
            Token::Text(_) | Token::Sign(_) => None,
        })
        .filter(|w| {
            !w.is_empty() && !listed(WORDS, w) && !w.starts_with(|c: char| c.is_ascii_digit())
        })
        .collect()
}

/// A text with its expressions replaced where `by` knows what they are.
pub(super) fn replace(text: &str, by: impl Fn(&str) -> Option<String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("{{") {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let body = behind.get(2..).unwrap_or_default();
        let Some(end) = end(body, "}}") else {
            return out + behind;
        };
        let inner = body.get(..end).unwrap_or_default();
        match by(inner.trim_matches('-').trim()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&format!("{{{{{inner}}}}}")),
        }
        rest = body.get(end + 2..).unwrap_or_default();
    }
    out + rest
}

/// Whether a text has a template in it.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

#[derive(Clone, Copy)]
enum Piece {
    Expression,
    Statement,
    Unfinished,
}

/// The templates in a text: lines before them, kind, body.
fn pieces(text: &str) -> Vec<(usize, Piece, &str)> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(open) = text.get(from..).and_then(|rest| rest.find('{')) {
        let open = from + open;
        from = open + 1;
        let (kind, close) = match text.get(open..open + 2) {
            Some("{{") => (Piece::Expression, "}}"),
            Some("{%") => (Piece::Statement, "%}"),
            _ => continue,
        };
        let lines = text.get(..open).unwrap_or_default().matches('\n').count();
        let body = text.get(open + 2..).unwrap_or_default();
        match end(body, close) {
            Some(at) => {
                pieces.push((lines, kind, body.get(..at).unwrap_or_default()));
                from = open + 2 + at + 2;
            }
            None => pieces.push((lines, Piece::Unfinished, body)),
        }
    }
    pieces
}

/// Where `close` is, outside of quotes.
fn end(body: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(q) if q == c => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if body.get(at..).is_some_and(|rest| rest.starts_with(close)) => return Some(at),
            Some(_) | None => {}
        }
    }
    None
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Judges a bare expression, as in `when`.
pub(super) fn expression(body: &str, line: usize) -> Vec<Issue> {
    let tokens = tokens(body);
    let mut issues = Vec::new();
    let sign = |at: Option<usize>, c: char| {
        at.and_then(|at| tokens.get(at))
            .is_some_and(|t| *t == Token::Sign(c))
    };
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1);
        match token {
            Token::Text(text) if text.contains("__") => {
                issues.push(Issue::refused(
                    "template-inner",
                    line,
                    format!("the inner name \"{text}\""),
                ));
            }
            Token::Text(text) if is_template(text) => {
                issues.push(Issue::held(
                    "template-unknown",
                    line,
                    "a template within a template",
                ));
            }
            Token::Word(_) if is_environment(&tokens, at) => {
                let what = "every variable of the environment, secrets among them";
                issues.push(Issue::held("secret", line, what));
            }
            Token::Word(word) => {
                let call = sign(Some(at + 1), '(');
                let filter = sign(before, '|');
                let is = |at: Option<usize>, name: &str| matches!(at.and_then(|at| tokens.get(at)), Some(Token::Word(w)) if w == name);
                // `is name` and `is not name` are tests, and tests only compute.
                let test = is(before, "is") || is(before, "not") && is(at.checked_sub(2), "is");
                let found = word_issue(word, call, filter, test).or_else(|| {
                    // `map` takes the name of a filter as a text.
                    match tokens.get(at + 2) {
                        Some(Token::Text(name)) if filter && call && word == "map" => {
                            word_issue(name, false, true, false)
                        }
                        _ => None,
                    }
                });
                issues.extend(found.map(|(bad, what)| {
                    if bad {
                        Issue::refused(rule_of(&what), line, what)
                    } else {
                        Issue::held("template-unknown", line, what)
                    }
                }));
            }
            _ => {}
        }
    }
    issues
}

/// Which rule refuses a word.
fn rule_of(what: &str) -> &'static str {
    if what.contains("ansible_check_mode") {
        "gate-aware"
    } else if what.contains("inner name") || what.contains("attr") {
        "template-inner"
    } else {
        "template-lookup"
    }
}

fn word_issue(word: &str, call: bool, filter: bool, test: bool) -> Option<(bool, String)> {
    let last = word.rsplit('.').next().unwrap_or(word);
    if word.contains("__") {
        return Some((true, format!("the inner name {word}")));
    }
    if filter {
        let known = word == last || word == format!("ansible.builtin.{last}");
        return match last {
            "attr" | "pipe" | "lookup" | "query" => Some((true, format!("the filter {word}"))),
            _ if known && listed(FILTERS, last) => None,
            _ => Some((false, format!("the filter {word}, which no rule knows"))),
        };
    }
    match word {
        "lookup" | "query" | "q" if call => {
            return Some((
                true,
                format!("{word}(…), which reads files or runs programs"),
            ));
        }
        "ansible_check_mode" => {
            return Some((
                true,
                "ansible_check_mode: it acts otherwise while it is judged".into(),
            ));
        }
        "lipsum" | "cycler" | "joiner" | "self" | "caller" => {
            return Some((true, format!("the inner name {word}")));
        }
        "hostvars" | "vars" | "varnames" | "ansible_date_time" | "ansible_play_hosts" => {
            return Some((
                false,
                format!("{word}, whose value nobody can tell beforehand"),
            ));
        }
        _ => {}
    }
    if call && !test && !listed(WORDS, word) && !listed(CALLS, last) {
        return Some((false, format!("the call {word}(…), which no rule knows")));
    }
    None
}

fn listed(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|w| w == word)
}

/// Whether a name stands for all variables of the environment, and not for one of them.
fn is_environment(tokens: &[Token], at: usize) -> bool {
    let text = |at: usize, wanted: &str| match tokens.get(at) {
        Some(Token::Text(text) | Token::Word(text)) => text == wanted,
        Some(Token::Sign(sign)) => wanted.chars().eq([*sign]),
        None => false,
    };
    let end = if text(at, "ansible_env") || text(at, "ansible_facts.env") {
        at + 1
    } else if text(at, "ansible_facts") && text(at + 1, "[") && text(at + 2, "env") {
        at + 4
    } else if text(at, "ansible_facts") && text(at + 1, ".env") {
        at + 2
    } else if text(at, "ansible_facts") && !text(at + 1, "[") {
        at + 1
    } else {
        return false;
    };
    let one = matches!(tokens.get(end), Some(Token::Word(more)) if more.starts_with('.'));
    let asks = text(end, "is") || at.checked_sub(1).is_some_and(|before| text(before, "in"));
    !one && !text(end, "[") && !asks
}

/// Names with their dots, quoted texts, and single signs.
fn tokens(body: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' || c == '"' {
            let mut text = String::new();
            let mut escaped = false;
            for t in chars.by_ref() {
                match t {
                    _ if escaped => {
                        // An escape such as \x5f could spell what is looked for.
                        text.push_str(if "xuUN01234567".contains(t) { "__" } else { "" });
                        escaped = false;
                        text.push(t);
                    }
                    '\\' => escaped = true,
                    t if t == c => break,
                    t => text.push(t),
                }
            }
            tokens.push(Token::Text(text));
        } else if c.is_alphanumeric() || c == '_' {
            let mut word = String::from(c);
            while let Some(next) = chars.next_if(|n| n.is_alphanumeric() || "_.".contains(*n)) {
                word.push(next);
            }
            tokens.push(Token::Word(word));
        } else if c == '.' {
            // `x['y'].z(` and `(…).z(` continue a name.
            let mut word = String::from('.');
            while chars.next_if(|n| n.is_whitespace()).is_some() {}
            while let Some(next) = chars.next_if(|n| n.is_alphanumeric() || "_.".contains(*n)) {
                word.push(next);
            }
            tokens.push(Token::Word(word));
        } else if !c.is_whitespace() {
            tokens.push(Token::Sign(c));
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for (body, says) in [
            ("agent_hooks_home", ""),
            ("agent_hooks_macos_settings | bool", ""),
            ("'changed=yes' in agent_hooks_lock.stdout", ""),
            ("ansible_facts['env']['HOME']", ""),
            ("x.rc == 0 and x.stdout | trim | int > 3", ""),
            ("x is defined and not (y is version('1.2', '>='))", ""),
            ("x.stdout.split('=')[0].strip()", ""),
            ("x is not match('^a\\.b')", ""),
            ("ansible_env.HOME ~ ansible_facts.env['PATH']", ""),
            ("'CI' in ansible_env and ansible_facts is defined", ""),
            ("ansible_facts['os_family'] == 'Debian'", ""),
            ("ansible_env", "held: every variable"),
            ("ansible_facts['env'] | to_json", "held: every variable"),
            ("ansible_facts.env | dict2items", "held: every variable"),
            ("ansible_facts | to_nice_json", "held: every variable"),
            ("items | map(attribute='name') | list", ""),
            ("x in ['lookup(', 'query']", ""),
            ("lookup('pipe', 'id')", "refused: lookup"),
            ("lookup ('pipe', 'id')", "refused: lookup"),
            ("query('env', 'X')", "refused: query"),
            ("q('env', 'X')", "refused: q(…)"),
            ("''.__class__", "refused: __class__"),
            ("x['__class__']", "refused: inner name"),
            ("x['_\\x5fclass']", "refused: inner name"),
            ("x | attr('y')", "refused: attr"),
            ("x|ansible.builtin.attr('y')", "refused: attr"),
            ("cycler", "refused: cycler"),
            ("not ansible_check_mode", "refused: ansible_check_mode"),
            ("x | map('lower') | list", ""),
            ("x | map('lookup', 'pipe')", "refused: filter lookup"),
            ("x | map('unvault')", "held: filter unvault"),
            ("x . y if lookup('a') else 1", "refused: lookup"),
            ("not open('x')", "held: call open"),
            ("x | random", "held: filter random"),
            ("x | community.general.json_query('a')", "held: filter"),
            ("now()", "held: call now"),
            ("x.open('y')", "held: call x.open"),
            ("(x).open('y')", "held: call .open"),
            ("hostvars['x']", "held: hostvars"),
        ] {
            super::super::issue::assert_issue(body, &expression(body, 1), says);
        }
    }

    #[test]
    fn templates() {
        for (body, says) in [
            ("plain lookup('pipe')", ""),
            ("{{ a }}/x/{{ b | quote }}", ""),
            ("{% if a %}x{% elif b %}{% endif %}", ""),
            ("{%- for a in b -%}{{ a }}{%+ endfor %}", ""),
            ("x ${#y} {z}", ""),
            ("a\n{{ lookup('env', 'X') }}", "refused: lookup"),
            ("{{ '}}' ~ lookup('env', 'X') }}", "refused: lookup"),
            ("{% set x = lookup('pipe', 'id') %}", "refused: lookup"),
            ("{% include 'x' %}", "held: statement include"),
            ("{{ x", "held: does not end"),
            ("{{ '{{ x }}' }}", "held: within a template"),
            (
                "#jinja2: variable_start_string:'[%'\n",
                "refused: changes what",
            ),
        ] {
            super::super::issue::assert_issue(body, &text(body, 1), says);
        }
        assert_eq!(text("a\n\n{{ now() }}", 5).first().map(|i| i.line), Some(7));
    }
}
