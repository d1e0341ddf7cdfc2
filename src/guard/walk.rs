//! Follows a script in the order in which it would run, and stops at the first thing refused.

use std::collections::HashMap;

use brush_parser::ast::{self, CommandPrefixOrSuffixItem as Item, CompoundCommand};

use super::marks::{HOLE, shown};
use super::parse;
use super::paths::Place;
use super::{Stop, simple};

/// Commands judged at most, nested scripts, calls and loops included.
const MOST_STEPS: usize = 4_000;
/// Scripts within scripts at most.
const DEEPEST: usize = 24;
/// How often a function may have called itself at most.
const MOST_CALLS: usize = 6;
/// Combinations of values tried for one command at most.
const MOST_CHOICES: usize = 64;

/// What a command reads, or has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flow {
    /// The script's own input: nothing.
    None,
    /// Exactly this text, up to its unknown parts.
    Text(String),
    /// Something that only running tells; whether it may hold secrets.
    Unknown {
        /// Such as the environment.
        secret: bool,
    },
}

impl Flow {
    /// Nothing is known of it.
    pub(super) const UNKNOWN: Self = Self::Unknown { secret: false };
}

/// What a script knows at one point.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The values that a variable can have here.
    pub(super) vars: HashMap<String, Vec<String>>,
    /// The arguments of the function or script.
    pub(super) positional: Vec<String>,
    /// Where it works.
    pub(super) cwd: Place,
    /// What its commands read.
    pub(super) stdin: Flow,
}

/// A file that the script itself has written.
#[derive(Debug, Clone)]
pub(super) enum Written {
    /// With this text.
    Text(String),
    /// With something from elsewhere.
    Foreign,
}

/// A call of a function that has not returned, with all that decides what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    name: String,
    body: String,
    arguments: Vec<String>,
    vars: HashMap<String, Vec<String>>,
}

/// The walk over one script and all that it runs.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) scope: Scope,
    pub(super) functions: HashMap<String, ast::FunctionBody>,
    pub(super) aliases: HashMap<String, String>,
    pub(super) files: HashMap<Place, Written>,
    /// The functions being called, outermost first.
    calls: Vec<Call>,
    /// How many conditions must hold for what is walked now.
    pub(super) conditional: usize,
    /// In a pipeline or in the background.
    pub(super) multiplied: bool,
    steps: usize,
    depth: usize,
    /// Programs that run one another.
    pub(super) nested: usize,
    /// The words of the outermost command being judged, as characters of the script.
    pub(super) span: Option<std::ops::Range<usize>>,
    /// Every program that was judged, by its words, and every file that is written.
    pub(super) ran: Vec<Vec<String>>,
    pub(super) written: Vec<String>,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self {
            scope: Scope {
                vars: HashMap::new(),
                positional: Vec::new(),
                cwd: Place::here(),
                stdin: Flow::None,
            },
            functions: HashMap::new(),
            aliases: HashMap::new(),
            files: HashMap::new(),
            calls: Vec::new(),
            conditional: 0,
            multiplied: false,
            steps: 0,
            depth: 0,
            nested: 0,
            span: None,
            ran: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Counts one more command.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(Stop::unprovable("more commands than are followed"));
        }
        Ok(())
    }

    /// Judges a text as a script in the present shell; what it writes, where that is known.
    pub(super) fn script(&mut self, text: &str) -> Result<Flow, Stop> {
        if self.depth >= DEEPEST {
            return Err(Stop::unprovable(
                "scripts within scripts, too deep to follow",
            ));
        }
        let program = parse::program(text).map_err(Stop::Unprovable)?;
        self.depth += 1;
        let written = self.program(&program)?;
        self.depth -= 1;
        Ok(written)
    }

    /// Judges a program that is parsed already.
    pub(super) fn program(&mut self, program: &ast::Program) -> Result<Flow, Stop> {
        let mut written = Flow::Text(String::new());
        for list in &program.complete_commands {
            let flow = self.list(list)?;
            join(&mut written, flow);
        }
        Ok(written)
    }

    /// Judges a text that may be a script, without its leaving anything behind.
    pub(super) fn attempt(&mut self, text: &str) -> Result<Flow, Stop> {
        let (depth, nested) = (self.depth, self.nested);
        let kept = (self.calls.clone(), self.multiplied);
        let ran = self.ran.len();
        let done = self.apart(|walk| walk.script(text));
        // What is only tried does not run.
        self.ran.truncate(ran);
        (self.depth, self.nested) = (depth, nested);
        (self.calls, self.multiplied) = kept;
        done
    }

    /// Runs something in a shell of its own: what it sets is gone afterwards.
    pub(super) fn apart<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let kept = (
            self.scope.clone(),
            self.functions.clone(),
            self.aliases.clone(),
            self.conditional,
        );
        let done = inner(self);
        (self.scope, self.functions, self.aliases, self.conditional) = kept;
        done
    }

    fn list(&mut self, list: &ast::CompoundList) -> Result<Flow, Stop> {
        let mut written = Flow::Text(String::new());
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            let kept = self.multiplied;
            self.multiplied |= matches!(separator, ast::SeparatorOperator::Async);
            for (operator, pipeline) in and_or {
                let or = matches!(operator, ast::PipelineOperator::Or);
                self.conditional += usize::from(or);
                let flow = self.pipeline(pipeline)?;
                self.conditional -= usize::from(or);
                join(&mut written, flow);
            }
            self.multiplied = kept;
        }
        Ok(written)
    }

    fn pipeline(&mut self, pipeline: &ast::Pipeline) -> Result<Flow, Stop> {
        if let [only] = pipeline.seq.as_slice() {
            return self.command(only);
        }
        let kept = std::mem::replace(&mut self.multiplied, true);
        let mut flow = self.scope.stdin.clone();
        for command in &pipeline.seq {
            flow = self.apart(|walk| {
                walk.scope.stdin = flow;
                walk.command(command)
            })?;
        }
        self.multiplied = kept;
        Ok(flow)
    }

    fn command(&mut self, command: &ast::Command) -> Result<Flow, Stop> {
        match command {
            ast::Command::Simple(simple) => self.choices(simple),
            ast::Command::Compound(compound, redirects) => {
                self.redirected(redirects.as_ref(), |walk| walk.compound(compound))
            }
            ast::Command::Function(function) => {
                let name = function.fname.value.clone();
                self.functions.insert(name.clone(), function.body.clone());
                if name == "command_not_found_handle" || name == "command_not_found_handler" {
                    self.call(&name, &[])?;
                }
                Ok(Flow::Text(String::new()))
            }
            ast::Command::ExtendedTest(test, redirects) => {
                self.redirected(redirects.as_ref(), |walk| walk.test(&test.expr))
            }
        }
    }

    fn redirected(
        &mut self,
        redirects: Option<&ast::RedirectList>,
        inner: impl FnOnce(&mut Self) -> Result<Flow, Stop>,
    ) -> Result<Flow, Stop> {
        let kept = self.scope.stdin.clone();
        let (mut target, mut replaced) = (None, Vec::new());
        for redirect in redirects.iter().flat_map(|r| &r.0) {
            let to = simple::redirect(self, redirect)?;
            replaced.extend(to.clone().filter(|_| simple::replaces(redirect)));
            target = to.or(target);
        }
        let flow = inner(self)?;
        for path in &replaced {
            simple::overwrites(self, path, &flow)?;
        }
        self.scope.stdin = kept;
        match target {
            Some(path) => {
                simple::keep_file(self, &path, &flow);
                Ok(Flow::Text(String::new()))
            }
            None => Ok(flow),
        }
    }

    fn test(&mut self, expr: &ast::ExtendedTestExpr) -> Result<Flow, Stop> {
        match expr {
            ast::ExtendedTestExpr::And(a, b) | ast::ExtendedTestExpr::Or(a, b) => {
                self.test(a)?;
                self.test(b)?;
            }
            ast::ExtendedTestExpr::Not(a) | ast::ExtendedTestExpr::Parenthesized(a) => {
                self.test(a)?;
            }
            ast::ExtendedTestExpr::UnaryTest(asks, a) => {
                let word = self.text(&a.value)?;
                if matches!(asks, ast::UnaryPredicate::ShellVariableIsSetAndAssigned) {
                    super::builtins::check_name(&word)?;
                }
            }
            ast::ExtendedTestExpr::BinaryTest(asks, a, b) => {
                for word in [a, b] {
                    let text = self.text(&word.value)?;
                    if compares_numbers(asks) {
                        self.arithmetic(&word.value)?;
                        super::builtins::check_name(&text)?;
                    }
                }
            }
        }
        Ok(Flow::Text(String::new()))
    }

    fn compound(&mut self, compound: &CompoundCommand) -> Result<Flow, Stop> {
        match compound {
            CompoundCommand::Arithmetic(c) => {
                self.arithmetic(&c.expr.value)?;
                Ok(Flow::Text(String::new()))
            }
            CompoundCommand::ArithmeticForClause(c) => {
                for part in [&c.initializer, &c.condition, &c.updater]
                    .into_iter()
                    .flatten()
                {
                    self.arithmetic(&part.value)?;
                }
                self.repeatedly(|walk| walk.list(&c.body.list))
            }
            CompoundCommand::BraceGroup(c) => self.list(&c.list),
            CompoundCommand::Subshell(c) => self.apart(|walk| walk.list(&c.list)),
            CompoundCommand::ForClause(c) => {
                let mut values = Vec::new();
                match &c.values {
                    Some(words) => {
                        for word in words {
                            values.extend(self.fields(&word.value)?);
                        }
                    }
                    None => values.push(HOLE.to_string()),
                }
                if values.len() > MOST_CHOICES {
                    return Err(Stop::unprovable("a loop over more words than are followed"));
                }
                self.scope.vars.insert(c.variable_name.clone(), values);
                self.repeatedly(|walk| walk.list(&c.body.list))
            }
            CompoundCommand::CaseClause(c) => {
                self.text(&c.value.value)?;
                for item in &c.cases {
                    for pattern in &item.patterns {
                        self.text(&pattern.value)?;
                    }
                    if let Some(list) = &item.cmd {
                        self.sometimes(|walk| walk.list(list))?;
                    }
                }
                Ok(Flow::UNKNOWN)
            }
            CompoundCommand::IfClause(c) => {
                self.list(&c.condition)?;
                self.sometimes(|walk| walk.list(&c.then))?;
                for part in c.elses.iter().flatten() {
                    self.sometimes(|walk| {
                        if let Some(condition) = &part.condition {
                            walk.list(condition)?;
                        }
                        walk.list(&part.body)
                    })?;
                }
                Ok(Flow::UNKNOWN)
            }
            CompoundCommand::WhileClause(c) | CompoundCommand::UntilClause(c) => {
                self.repeatedly(|walk| {
                    walk.list(&c.0)?;
                    walk.list(&c.1.list)
                })
            }
            CompoundCommand::Coprocess(c) => {
                let kept = std::mem::replace(&mut self.multiplied, true);
                self.apart(|walk| {
                    walk.scope.stdin = Flow::UNKNOWN;
                    walk.command(&c.body)
                })?;
                self.multiplied = kept;
                Ok(Flow::UNKNOWN)
            }
        }
    }

    fn sometimes(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Flow, Stop>,
    ) -> Result<(), Stop> {
        self.conditional += 1;
        let cwd = self.scope.cwd.clone();
        inner(self)?;
        if self.scope.cwd != cwd {
            self.scope.cwd = super::paths::Place::top(super::paths::Base::Unknown);
        }
        self.conditional -= 1;
        Ok(())
    }

    /// Twice, so that what the end of a body sets is seen at its beginning.
    fn repeatedly(
        &mut self,
        inner: impl Fn(&mut Self) -> Result<Flow, Stop>,
    ) -> Result<Flow, Stop> {
        self.sometimes(&inner)?;
        self.sometimes(&inner)?;
        Ok(Flow::UNKNOWN)
    }

    /// Calls a function that the script has defined.
    pub(super) fn call(&mut self, name: &str, arguments: &[String]) -> Result<Flow, Stop> {
        let Some(body) = self.functions.get(name).cloned() else {
            return Ok(Flow::UNKNOWN);
        };
        let call = Call {
            name: name.to_owned(),
            body: body.to_string(),
            arguments: arguments.to_vec(),
            vars: self.scope.vars.clone(),
        };
        let again = |c: &&Call| c.name == call.name && c.body == call.body;
        let calls = self.calls.iter().filter(again).count();
        if calls > 0 && self.multiplied {
            return Err(Stop::deny("fork-bomb", name));
        }
        if self.calls.contains(&call) {
            return Ok(Flow::UNKNOWN);
        }
        if calls >= MOST_CALLS {
            return Err(Stop::unprovable(
                "a function that calls itself more often than is followed",
            ));
        }
        self.calls.push(call);
        let kept = std::mem::replace(&mut self.scope.positional, arguments.to_vec());
        let flow = self.redirected(body.1.as_ref(), |walk| walk.compound(&body.0));
        self.scope.positional = kept;
        self.calls.pop();
        flow
    }

    /// Judges a simple command once for every combination of values of the variables it names.
    fn choices(&mut self, command: &ast::SimpleCommand) -> Result<Flow, Stop> {
        if self.depth == 1 {
            self.span = span_of(command);
        }
        let raw = raw_text(command);
        let open: Vec<(String, Vec<String>)> = self
            .scope
            .vars
            .iter()
            .filter(|(name, values)| values.len() > 1 && names(&raw, name))
            .map(|(name, values)| (name.clone(), values.clone()))
            .collect();
        if open.is_empty() {
            return simple::judge(self, command);
        }
        let total = open
            .iter()
            .fold(1_usize, |n, (_, v)| n.saturating_mul(v.len()));
        if total > MOST_CHOICES + 1 {
            return Err(Stop::unprovable(
                "more combinations of values than are followed",
            ));
        }
        self.conditional += 1;
        let mut flow = Flow::UNKNOWN;
        for choice in 0..total {
            let mut rest = choice;
            for (name, values) in &open {
                let value = values[rest % values.len()].clone();
                rest /= values.len();
                self.scope.vars.insert(name.clone(), vec![value]);
            }
            flow = simple::judge(self, command)?;
        }
        for (name, values) in open {
            let now = self.scope.vars.entry(name).or_default();
            let new: Vec<String> = now
                .iter()
                .filter(|v| !values.contains(v))
                .cloned()
                .collect();
            *now = values;
            now.extend(new);
        }
        self.conditional -= 1;
        Ok(if total > 1 { Flow::UNKNOWN } else { flow })
    }

    /// Gives a variable a value; where that is not certain to happen, one value more.
    pub(super) fn assign(&mut self, name: &str, value: String) {
        let values = self.scope.vars.entry(name.to_owned()).or_default();
        if self.conditional == 0 {
            *values = vec![value];
        } else if !values.contains(&value) {
            values.push(value);
        }
    }
}

/// Whether both sides are arithmetic.
fn compares_numbers(asks: &ast::BinaryPredicate) -> bool {
    matches!(
        asks,
        ast::BinaryPredicate::ArithmeticEqualTo
            | ast::BinaryPredicate::ArithmeticNotEqualTo
            | ast::BinaryPredicate::ArithmeticLessThan
            | ast::BinaryPredicate::ArithmeticLessThanOrEqualTo
            | ast::BinaryPredicate::ArithmeticGreaterThan
            | ast::BinaryPredicate::ArithmeticGreaterThanOrEqualTo
    )
}

/// Adds what one more command has written.
fn join(written: &mut Flow, more: Flow) {
    match (&mut *written, more) {
        (Flow::Text(all), Flow::Text(more)) => all.push_str(&more),
        (Flow::Unknown { secret }, Flow::Unknown { secret: more }) => *secret |= more,
        (_, Flow::Unknown { secret }) => *written = Flow::Unknown { secret },
        _ => *written = Flow::UNKNOWN,
    }
}

/// Whether a raw text expands this variable.
fn names(raw: &str, name: &str) -> bool {
    raw.match_indices(name).any(|(at, _)| {
        let before = raw[..at].trim_end_matches(['{', '!', '#']);
        before.ends_with('$')
            && !raw[at + name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn raw_text(command: &ast::SimpleCommand) -> String {
    command.to_string()
}

fn span_of(command: &ast::SimpleCommand) -> Option<std::ops::Range<usize>> {
    let items = command
        .prefix
        .iter()
        .flat_map(|p| &p.0)
        .chain(command.suffix.iter().flat_map(|s| &s.0));
    let locs: Vec<_> = items
        .filter_map(|item| match item {
            Item::Word(word) | Item::AssignmentWord(_, word) => word.loc.as_ref(),
            _ => None,
        })
        .chain(command.word_or_name.as_ref().and_then(|w| w.loc.as_ref()))
        .collect();
    let start = locs.iter().map(|l| l.start.index).min()?;
    let end = locs.iter().map(|l| l.end.index).max()?;
    Some(start..end)
}

/// A name for a message.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}
