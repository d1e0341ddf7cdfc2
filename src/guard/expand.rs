//! Words to the values that they have when they run, as far as the script says.

use brush_parser::word::{
    self, BraceExpressionMember, BraceExpressionOrText, Parameter, ParameterExpr,
    ParameterTransformOp, SpecialParameter, SubstringMatchKind, TildeExpr, WordPiece,
    WordPieceWithSource,
};

use super::Stop;
use super::marks::{HOLE, HOME, ONE, SPLIT, STAR, is_known};
use super::parse::{options, too_deep};
use super::walk::{Flow, Walk, quoted};

/// Words that one braced word becomes at most.
const MOST_BRACES: usize = 256;
/// The longest value that is followed.
const LONGEST: usize = 64 * 1024;

impl Walk {
    /// The words that one word becomes.
    pub(super) fn fields(&mut self, raw: &str) -> Result<Vec<String>, Stop> {
        let mut fields = Vec::new();
        for word in braces(raw)? {
            let pieces = pieces(&word)?;
            let mut quoted = false;
            let mut text = String::new();
            self.pieces(&pieces, false, &mut text, &mut quoted)?;
            let found = fields.len();
            fields.extend(
                text.split(SPLIT)
                    .filter(|f| !f.is_empty())
                    .map(str::to_owned),
            );
            if fields.len() == found && quoted {
                fields.push(String::new());
            }
        }
        Ok(fields)
    }

    /// One text, without splitting: a value, a redirection's target, a here-document.
    pub(super) fn text(&mut self, raw: &str) -> Result<String, Stop> {
        let pieces = pieces(raw)?;
        let mut text = String::new();
        self.pieces(&pieces, false, &mut text, &mut false)?;
        Ok(text.replace(SPLIT, " "))
    }

    /// The body of a here-document whose end is not quoted.
    pub(super) fn document(&mut self, raw: &str) -> Result<String, Stop> {
        bounded(raw)?;
        // Here single quotes are no quotes.
        bounded(&raw.replace('\'', ""))?;
        let pieces = word::parse_heredoc(raw, &options())
            .map_err(|_| Stop::unprovable("a here-document that can't be read"))?;
        let mut text = String::new();
        self.pieces(&pieces, true, &mut text, &mut false)?;
        Ok(text.replace(SPLIT, " "))
    }

    fn pieces(
        &mut self,
        pieces: &[WordPieceWithSource],
        quoted: bool,
        out: &mut String,
        seen_quotes: &mut bool,
    ) -> Result<(), Stop> {
        let separators = self.value("IFS");
        for piece in pieces {
            match &piece.piece {
                WordPiece::Text(text) if quoted => out.push_str(text),
                WordPiece::Text(text) => out.push_str(&globs(text)),
                WordPiece::SingleQuotedText(text) => {
                    *seen_quotes = true;
                    out.push_str(text);
                }
                WordPiece::AnsiCQuotedText(text) => {
                    *seen_quotes = true;
                    out.push_str(&escapes(text, true));
                }
                WordPiece::DoubleQuotedSequence(inner)
                | WordPiece::GettextDoubleQuotedSequence(inner) => {
                    *seen_quotes = true;
                    self.pieces(inner, true, out, &mut true)?;
                }
                WordPiece::TildeExpansion(TildeExpr::Home) => out.push_str(&self.value("HOME")),
                WordPiece::TildeExpansion(TildeExpr::UserHome(user)) => {
                    out.push_str("/home/");
                    out.push_str(user);
                }
                WordPiece::TildeExpansion(TildeExpr::WorkingDir) => out.push('.'),
                WordPiece::TildeExpansion(_) => out.push(HOLE),
                WordPiece::ParameterExpansion(expr) => {
                    let value = self.parameter(expr)?;
                    if quoted && keeps_words(expr) {
                        out.push_str(&value);
                        continue;
                    }
                    push_value(&value, quoted, &separators, out);
                }
                WordPiece::CommandSubstitution(script) => {
                    let value = self.substitution(script)?;
                    push_value(&value, quoted, &separators, out);
                }
                WordPiece::BackquotedCommandSubstitution(script) => {
                    let script = script
                        .replace("\\`", "`")
                        .replace("\\$", "$")
                        .replace("\\\\", "\\");
                    let value = self.substitution(&script)?;
                    push_value(&value, quoted, &separators, out);
                }
                WordPiece::EscapeSequence(text) => {
                    let text = text.strip_prefix('\\').unwrap_or(text);
                    if text != "\n" {
                        out.push_str(text);
                    }
                }
                WordPiece::ArithmeticExpression(expr) => {
                    self.arithmetic(&expr.value)?;
                    out.push(HOLE);
                }
            }
            if out.len() > LONGEST {
                return Err(Stop::unprovable("a value that is too long to follow"));
            }
        }
        Ok(())
    }

    /// Judges arithmetic. A variable's value is arithmetic too, subscripts in it are expanded, and
    /// what they substitute runs.
    pub(super) fn arithmetic(&mut self, expr: &str) -> Result<(), Stop> {
        only_arithmetic(expr)?;
        let mut texts = vec![expr.to_owned()];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(text) = texts.pop() {
            for name in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                let values = self
                    .scope
                    .vars
                    .get(name)
                    .filter(|_| seen.insert(name.to_owned()));
                for value in values.into_iter().flatten() {
                    if substitutes(value) {
                        return Err(Stop::deny("eval-data", quoted(value)));
                    }
                    texts.push(value.clone());
                }
            }
        }
        self.text(expr).map(|_| ())
    }

    /// What a command substitution leaves, after judging it.
    fn substitution(&mut self, script: &str) -> Result<String, Stop> {
        let flow = self.apart(|walk| walk.script(script))?;
        Ok(match flow {
            Flow::Text(text) => text.trim_end_matches('\n').to_owned(),
            _ => HOLE.to_string(),
        })
    }

    /// A variable's value here, or what it is by default.
    pub(super) fn value(&self, name: &str) -> String {
        match self.scope.vars.get(name).map(Vec::as_slice) {
            Some([only]) => only.clone(),
            Some(_) => HOLE.to_string(),
            None => match name {
                "HOME" => HOME.to_string(),
                "TMPDIR" => "/tmp".to_owned(),
                "PWD" => ".".to_owned(),
                "SHELL" | "BASH" => "/bin/bash".to_owned(),
                "IFS" => " ".to_owned(),
                _ => HOLE.to_string(),
            },
        }
    }

    fn known(&self, parameter: &Parameter) -> Option<String> {
        match parameter {
            Parameter::Named(name) => {
                let value = self.value(name);
                (value != HOLE.to_string()).then_some(value)
            }
            Parameter::Positional(n) => {
                let index = usize::try_from(*n).ok()?.checked_sub(1)?;
                self.scope.positional.get(index).cloned()
            }
            Parameter::Special(SpecialParameter::AllPositionalParameters { .. }) => {
                (!self.scope.positional.is_empty())
                    .then(|| self.scope.positional.join(&SPLIT.to_string()))
            }
            Parameter::NamedWithIndex { name, index } => {
                let all = self.value(name);
                let index: usize = index.parse().ok()?;
                all.split(SPLIT).nth(index).map(str::to_owned)
            }
            Parameter::NamedWithAllIndices { name, .. } => Some(self.value(name)),
            Parameter::Special(_) => None,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of expansion")]
    fn parameter(&mut self, expr: &ParameterExpr) -> Result<String, Stop> {
        let hole = HOLE.to_string();
        let optional = |walk: &mut Self, text: &Option<String>| match text {
            Some(text) => walk.text(text).map(Some),
            None => Ok(None),
        };
        Ok(match expr {
            ParameterExpr::Parameter {
                parameter,
                indirect,
            } => {
                let value = self.known(parameter);
                match value {
                    Some(name) if *indirect => self.value(&name),
                    Some(value) => value,
                    None => hole,
                }
            }
            ParameterExpr::UseDefaultValues {
                parameter,
                default_value,
                ..
            } => {
                let default = optional(self, default_value)?.unwrap_or_default();
                match self.known(parameter) {
                    Some(value) if !value.is_empty() => value,
                    _ => default,
                }
            }
            ParameterExpr::AssignDefaultValues {
                parameter,
                default_value,
                ..
            } => {
                let default = optional(self, default_value)?.unwrap_or_default();
                match self.known(parameter) {
                    Some(value) if !value.is_empty() => value,
                    _ => {
                        if let Parameter::Named(name) = parameter {
                            self.assign(name, default.clone());
                        }
                        default
                    }
                }
            }
            ParameterExpr::UseAlternativeValue {
                alternative_value, ..
            } => optional(self, alternative_value)?.unwrap_or_default(),
            ParameterExpr::IndicateErrorIfNullOrUnset {
                parameter,
                error_message,
                ..
            } => {
                optional(self, error_message)?;
                self.known(parameter).unwrap_or(hole)
            }
            ParameterExpr::RemoveSmallestSuffixPattern {
                parameter, pattern, ..
            }
            | ParameterExpr::RemoveLargestSuffixPattern {
                parameter, pattern, ..
            } => {
                let pattern = optional(self, pattern)?.unwrap_or_default();
                let large = matches!(expr, ParameterExpr::RemoveLargestSuffixPattern { .. });
                self.trimmed(parameter, &pattern, false, large)
            }
            ParameterExpr::RemoveSmallestPrefixPattern {
                parameter, pattern, ..
            }
            | ParameterExpr::RemoveLargestPrefixPattern {
                parameter, pattern, ..
            } => {
                let pattern = optional(self, pattern)?.unwrap_or_default();
                let large = matches!(expr, ParameterExpr::RemoveLargestPrefixPattern { .. });
                self.trimmed(parameter, &pattern, true, large)
            }
            ParameterExpr::Substring {
                parameter,
                offset,
                length,
                ..
            } => {
                self.arithmetic(&offset.value)?;
                if let Some(length) = length {
                    self.arithmetic(&length.value)?;
                }
                let number = |t: &str| t.trim().parse::<usize>().ok();
                let length = length.as_ref().map(|l| number(&l.value));
                match (self.known(parameter), number(&offset.value), length) {
                    (Some(value), Some(from), None) => value.chars().skip(from).collect(),
                    (Some(value), Some(from), Some(Some(length))) => {
                        value.chars().skip(from).take(length).collect()
                    }
                    _ => hole,
                }
            }
            ParameterExpr::UppercasePattern { parameter, .. } => {
                self.known(parameter).map_or(hole, |v| v.to_uppercase())
            }
            ParameterExpr::LowercasePattern { parameter, .. } => {
                self.known(parameter).map_or(hole, |v| v.to_lowercase())
            }
            ParameterExpr::ReplaceSubstring {
                parameter,
                pattern,
                replacement,
                match_kind,
                ..
            } => {
                let pattern = self.text(pattern)?;
                let by = optional(self, replacement)?.unwrap_or_default();
                match self.known(parameter) {
                    Some(value) if is_known(&pattern) => match match_kind {
                        SubstringMatchKind::Anywhere => value.replace(&pattern, &by),
                        SubstringMatchKind::FirstOccurrence => value.replacen(&pattern, &by, 1),
                        _ => hole,
                    },
                    _ => hole,
                }
            }
            // What the text substitutes would run.
            ParameterExpr::Transform {
                op: ParameterTransformOp::PromptExpand,
                ..
            } => return Err(Stop::unprovable("a text that is expanded as a prompt")),
            _ => hole,
        })
    }

    fn trimmed(&self, parameter: &Parameter, pattern: &str, front: bool, large: bool) -> String {
        // `${f%/*}`, `${f##*/}`: up to a text, or from it on.
        let star = |text: &str| text.is_empty() || !is_known(text) || text.contains(SPLIT);
        let until = if front {
            pattern.strip_prefix(STAR)
        } else {
            pattern.strip_suffix(STAR)
        };
        if let (Some(text), Some(value)) = (until.filter(|t| !star(t)), self.known(parameter)) {
            if !is_known(&value) {
                return HOLE.to_string();
            }
            let at = if front == large {
                value.rfind(text)
            } else {
                value.find(text)
            };
            return match at {
                Some(at) if front => value[at + text.len()..].to_owned(),
                Some(at) => value[..at].to_owned(),
                None => value,
            };
        }
        match self.known(parameter) {
            Some(value) if is_known(pattern) => {
                let rest = if front {
                    value.strip_prefix(pattern)
                } else {
                    value.strip_suffix(pattern)
                };
                rest.unwrap_or(&value).to_owned()
            }
            _ => HOLE.to_string(),
        }
    }
}

/// What is no arithmetic bash reads as a subshell in its place, though brackets are all there. Which
/// it is depends on its own idea of where they end, so that a script inside is not judged.
pub(super) fn only_arithmetic(expr: &str) -> Result<(), Stop> {
    let script = ["case", "<<", " #", "\n#", "\n", "'", "\"", "\\"]
        .iter()
        .any(|mark| expr.contains(mark));
    if substitutes(expr) && script {
        return Err(Stop::unprovable("arithmetic with a script in it"));
    }
    Ok(())
}

/// Whether a text in which everything is expanded once more would run something.
pub(super) fn substitutes(text: &str) -> bool {
    text.contains("$(") || text.contains('`')
}

/// `"$@"` and `"${a[@]}"` are as many words as there are.
fn keeps_words(expr: &ParameterExpr) -> bool {
    matches!(
        expr,
        ParameterExpr::Parameter {
            parameter: Parameter::Special(SpecialParameter::AllPositionalParameters {
                concatenate: false
            }) | Parameter::NamedWithAllIndices {
                concatenate: false,
                ..
            },
            ..
        }
    )
}

fn bounded(raw: &str) -> Result<(), Stop> {
    if too_deep(raw) {
        return Err(Stop::unprovable("nesting that is too deep to follow"));
    }
    Ok(())
}

fn pieces(raw: &str) -> Result<Vec<WordPieceWithSource>, Stop> {
    bounded(raw)?;
    word::parse(raw, &options()).map_err(|_| Stop::unprovable("a word that can't be read"))
}

/// A value as it goes into a word: unquoted, it is split and its patterns are live.
fn push_value(value: &str, quoted: bool, separators: &str, out: &mut String) {
    if quoted {
        out.push_str(&value.replace(SPLIT, " "));
        return;
    }
    let split: String = value
        .chars()
        .map(|c| {
            if c.is_ascii_whitespace() || separators.contains(c) {
                SPLIT
            } else {
                c
            }
        })
        .collect();
    out.push_str(&globs(&split));
}

/// Marks the wildcards of an unquoted text.
fn globs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push(STAR),
            '?' => out.push(ONE),
            '[' => match rest.as_str().find(']').filter(|at| *at > 0) {
                Some(at) => {
                    out.push(ONE);
                    rest = rest.as_str()[at + 1..].chars();
                }
                None => out.push(c),
            },
            c => out.push(c),
        }
    }
    out
}

/// Backslash escapes of `$'…'`, `echo -e` and `printf`.
pub(super) fn escapes(text: &str, ansi: bool) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut buffer = [0; 4];
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend(c.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        match chars.next() {
            None => out.push(b'\\'),
            Some('n') => out.push(b'\n'),
            Some('t') => out.push(b'\t'),
            Some('r') => out.push(b'\r'),
            Some('a') => out.push(7),
            Some('b') => out.push(8),
            Some('e' | 'E') => out.push(27),
            Some('f') => out.push(12),
            Some('v') => out.push(11),
            Some(c @ ('\\' | '\'' | '"' | '?')) => out.push(u8::try_from(c).unwrap_or(b'?')),
            Some(kind @ ('x' | 'u' | 'U' | '0'..='7')) => {
                let mut text = String::new();
                let (radix, most) = match kind {
                    'x' => (16, 2),
                    'u' => (16, 4),
                    'U' => (16, 8),
                    _ => {
                        text.push(kind);
                        (8, if ansi || kind != '0' { 3 } else { 4 })
                    }
                };
                while text.len() < most
                    && let Some(d) = chars.peek().filter(|d| d.is_digit(radix))
                {
                    text.push(*d);
                    chars.next();
                }
                match (u32::from_str_radix(&text, radix), kind) {
                    (Ok(code), 'u' | 'U') => {
                        let c = char::from_u32(code).unwrap_or('\u{fffd}');
                        out.extend(c.encode_utf8(&mut buffer).as_bytes());
                    }
                    (Ok(code), _) => out.push(u8::try_from(code & 255).unwrap_or(b'?')),
                    (Err(_), kind) => {
                        out.push(b'\\');
                        out.extend(kind.encode_utf8(&mut buffer).as_bytes());
                    }
                }
            }
            Some(c) => {
                out.push(b'\\');
                out.extend(c.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The words that braces make of one.
fn braces(raw: &str) -> Result<Vec<String>, Stop> {
    if !raw.contains('{') || !raw.contains(',') && !raw.contains("..") {
        return Ok(vec![raw.to_owned()]);
    }
    bounded(raw)?;
    let unread = || Stop::unprovable("braces that can't be read");
    match word::parse_brace_expansions(raw, &options()).map_err(|_| unread())? {
        None => Ok(vec![raw.to_owned()]),
        Some(parts) => product(&parts).ok_or_else(unread),
    }
}

fn product(parts: &[BraceExpressionOrText]) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    for part in parts {
        let choices = match part {
            BraceExpressionOrText::Text(text) => vec![text.clone()],
            BraceExpressionOrText::Expr(members) => {
                let mut choices = Vec::new();
                for member in members {
                    match member {
                        BraceExpressionMember::Child(parts) => choices.extend(product(parts)?),
                        BraceExpressionMember::NumberSequence { start, end, .. } => {
                            let (low, high) = (start.min(end), start.max(end));
                            // A long run of numbers is as good as any number.
                            if high.saturating_sub(*low) > 20 {
                                choices.push("[0-9]".to_owned());
                            } else {
                                choices.extend((*low..=*high).map(|n| n.to_string()));
                            }
                        }
                        BraceExpressionMember::CharSequence { start, end, .. } => {
                            let (low, high) = (*start.min(end), *start.max(end));
                            choices.extend((low..=high).take(64).map(String::from));
                        }
                    }
                }
                choices
            }
        };
        if all.len().saturating_mul(choices.len()) > MOST_BRACES {
            return None;
        }
        all = all
            .iter()
            .flat_map(|head| choices.iter().map(move |tail| format!("{head}{tail}")))
            .collect();
    }
    Some(all)
}
