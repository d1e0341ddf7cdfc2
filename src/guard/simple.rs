//! One simple command: its assignments, redirections and words, and then who runs.

use brush_parser::ast::{
    self, AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem as Item, IoFileRedirectKind,
    IoFileRedirectTarget, IoRedirect,
};

use super::marks::{SPLIT, has_hole, is_known};
use super::paths::Place;
use super::walk::{Flow, Walk, Written, quoted};
use super::{Stop, environment, program, reads};

/// Judges a simple command where every variable has one value; what it writes, where known.
pub(super) fn judge(walk: &mut Walk, command: &ast::SimpleCommand) -> Result<Flow, Stop> {
    walk.step()?;
    let mut assigned = Vec::new();
    let mut argv = Vec::new();
    let kept = walk.scope.stdin.clone();
    let (mut target, mut replaced) = (None, Vec::new());
    let mut redirected = |walk: &mut Walk, given: &IoRedirect| {
        let to = redirect(walk, given)?;
        replaced.extend(to.clone().filter(|_| replaces(given)));
        target = to.or(target.take());
        Ok::<(), Stop>(())
    };
    for item in command.prefix.iter().flat_map(|p| &p.0) {
        match item {
            Item::AssignmentWord(assignment, _) => assigned.push(assignment_of(walk, assignment)?),
            Item::IoRedirect(r) => redirected(walk, r)?,
            Item::ProcessSubstitution(kind, inner) => {
                substitution(walk, kind, inner)?;
            }
            Item::Word(word) => argv.extend(walk.fields(&word.value)?),
        }
    }
    if let Some(word) = &command.word_or_name {
        argv.extend(walk.fields(&word.value)?);
    }
    for item in command.suffix.iter().flat_map(|s| &s.0) {
        match item {
            Item::Word(word) => argv.extend(walk.fields(&word.value)?),
            Item::AssignmentWord(assignment, _) => {
                let (name, value) = assignment_of(walk, assignment)?;
                argv.push(format!("{name}={value}"));
            }
            Item::IoRedirect(r) => redirected(walk, r)?,
            Item::ProcessSubstitution(kind, inner) => {
                argv.push(substitution(walk, kind, inner)?);
            }
        }
    }
    if target.is_none() {
        shows_credential(walk, command, &argv)?;
    }
    let flow = if argv.is_empty() {
        for (name, value) in assigned {
            environment::check(walk, &name, &value, false)?;
            walk.assign(&name, value);
        }
        Flow::Text(String::new())
    } else {
        with_environment(walk, &assigned, |walk| {
            let empty = without_holes(&argv);
            if empty != argv {
                // What is not known may be nothing: `git push --force$X`.
                walk.apart(|walk| program::run(walk, &empty))?;
            }
            program::run(walk, &argv)
        })?
    };
    walk.scope.stdin = kept;
    for path in &replaced {
        overwrites(walk, path, &flow)?;
    }
    match target {
        Some(path) => {
            keep_file(walk, &path, &flow);
            Ok(Flow::Text(String::new()))
        }
        None => Ok(flow),
    }
}

/// Whether a redirection takes what was in its file away.
pub(super) fn replaces(redirect: &IoRedirect) -> bool {
    match redirect {
        IoRedirect::File(_, kind, _) => matches!(
            kind,
            IoFileRedirectKind::Write
                | IoFileRedirectKind::Clobber
                | IoFileRedirectKind::DuplicateOutput
        ),
        IoRedirect::OutputAndError(_, append) => !append,
        IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => false,
    }
}

/// Refuses to put nothing in the place of what is somebody's, and anything in that of keys.
pub(super) fn overwrites(walk: &Walk, path: &str, by: &Flow) -> Result<(), Stop> {
    let place = Place::of(path, &walk.scope.cwd);
    let first = place.parts.first().map_or("", String::as_str);
    let home = place.base == super::paths::Base::Home;
    let secret = home && place.secret().is_some();
    let nothing = *by == Flow::Text(String::new());
    if nothing {
        super::emptying::check_emptying(walk, path)?;
    }
    let keys = [".gnupg", ".password-store"].contains(&first);
    if secret && (keys || nothing && first.starts_with('.')) {
        let what = format!("overwriting {}", quoted(path));
        return Err(Stop::deny("file-destroy", what));
    }
    Ok(())
}

/// The words with nothing where they are not known. Paths are left: their rules know what a part that
/// is not known may be.
fn without_holes(argv: &[String]) -> Vec<String> {
    let part = |w: &String| has_hole(w) && w.chars().count() > 1 && !w.contains('/');
    let filled = |(at, w): (usize, &String)| {
        if at > 0 && part(w) {
            w.replace(super::marks::HOLE, "")
        } else {
            w.clone()
        }
    };
    argv.iter().enumerate().map(filled).collect()
}

/// A credential in the environment is a secret, too: printed it stands in the transcript, in an address
/// it is sent. Where it is handed to the program that needs it, nothing is said.
fn shows_credential(
    walk: &Walk,
    command: &ast::SimpleCommand,
    argv: &[String],
) -> Result<(), Stop> {
    let name = argv.first().map_or("", String::as_str);
    let prints = matches!(name, "echo" | "printf") && !walk.multiplied;
    let fetches = matches!(name, "curl" | "wget" | "http" | "https" | "xh");
    if name == "printenv"
        && let Some(variable) = argv[1..].iter().find(|v| is_credential(v))
    {
        return Err(Stop::deny("secret-read", quoted(variable)));
    }
    if !prints && !fetches {
        return Ok(());
    }
    for item in command.suffix.iter().flat_map(|s| &s.0) {
        let Item::Word(word) = item else { continue };
        let raw = word.value.as_str();
        let address = raw.trim_start_matches(['"', '\'']).starts_with("http");
        if raw.starts_with('\'') || fetches && !address {
            continue;
        }
        if let Some(variable) =
            expanded(raw).find(|v| is_credential(v) && !walk.scope.vars.contains_key(*v))
        {
            let rule = if fetches {
                "secret-send"
            } else {
                "secret-read"
            };
            return Err(Stop::deny(
                rule,
                format!("{name} with {}", quoted(variable)),
            ));
        }
    }
    Ok(())
}

/// Whether a variable's name says that it holds a credential.
fn is_credential(name: &str) -> bool {
    let lower = name.to_lowercase();
    let word = super::sends::CREDENTIAL_WORDS
        .iter()
        .any(|w| lower.ends_with(w));
    word && name.chars().any(|c| c.is_ascii_uppercase())
}

/// The variables of which a raw word shows the value.
fn expanded(raw: &str) -> impl Iterator<Item = &str> {
    raw.split('$').skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let shown = !rest[end..].starts_with([':', '+'])
            || !rest[end..].trim_start_matches(':').starts_with('+');
        (end > 0 && shown).then(|| &rest[..end])
    })
}

/// Runs something with variables that only it sees.
pub(super) fn with_environment(
    walk: &mut Walk,
    assigned: &[(String, String)],
    inner: impl FnOnce(&mut Walk) -> Result<Flow, Stop>,
) -> Result<Flow, Stop> {
    let mut kept = Vec::new();
    for (name, value) in assigned {
        environment::check(walk, name, value, true)?;
        let old = walk.scope.vars.insert(name.clone(), vec![value.clone()]);
        kept.push((name.clone(), old));
    }
    let flow = inner(walk)?;
    for (name, old) in kept.into_iter().rev() {
        match old {
            Some(old) => walk.scope.vars.insert(name, old),
            None => walk.scope.vars.remove(&name),
        };
    }
    Ok(flow)
}

fn assignment_of(walk: &mut Walk, given: &ast::Assignment) -> Result<(String, String), Stop> {
    let value = match &given.value {
        AssignmentValue::Scalar(word) => walk.text(&word.value)?,
        AssignmentValue::Array(items) => {
            let mut all = Vec::new();
            for (index, word) in items {
                if let Some(index) = index {
                    walk.text(&index.value)?;
                }
                all.extend(walk.fields(&word.value)?);
            }
            all.join(&SPLIT.to_string())
        }
    };
    let name = match &given.name {
        AssignmentName::VariableName(name) => name.clone(),
        AssignmentName::ArrayElementName(name, index) => {
            walk.text(index)?;
            // One element of several: what the whole is, nobody follows.
            return Ok((name.clone(), super::marks::HOLE.to_string()));
        }
    };
    let several = matches!(given.value, AssignmentValue::Array(_));
    let value = if given.append && several {
        format!("{}{SPLIT}{value}", walk.value(&name))
    } else if given.append && walk.scope.vars.contains_key(&name) {
        format!("{}{value}", walk.value(&name))
    } else if given.append {
        format!("{}{value}", super::marks::HOLE)
    } else {
        value
    };
    Ok((name, value))
}

/// Judges `<(…)` or `>(…)`; the name of the file that stands for it.
fn substitution(
    walk: &mut Walk,
    kind: &ast::ProcessSubstitutionKind,
    inner: &ast::SubshellCommand,
) -> Result<String, Stop> {
    let list = ast::Program {
        complete_commands: vec![inner.list.clone()],
    };
    let flow = walk.apart(|walk| {
        walk.scope.stdin = match kind {
            ast::ProcessSubstitutionKind::Read => Flow::None,
            ast::ProcessSubstitutionKind::Write => Flow::UNKNOWN,
        };
        walk.program(&list)
    })?;
    let name = format!("/dev/fd/s{}", walk.files.len());
    keep_file(walk, &name, &flow);
    Ok(name)
}

/// Judges a redirection. What becomes input is kept; the file that the output goes to is returned.
pub(super) fn redirect(walk: &mut Walk, given: &IoRedirect) -> Result<Option<String>, Stop> {
    match given {
        IoRedirect::File(fd, kind, target) => file_redirect(walk, *fd, kind, target),
        IoRedirect::HereDocument(fd, doc) => {
            let text = if doc.requires_expansion {
                walk.document(&doc.doc.value)?
            } else {
                doc.doc.value.clone()
            };
            set_input(walk, *fd, Flow::Text(text));
            Ok(None)
        }
        IoRedirect::HereString(fd, word) => {
            let text = walk.text(&word.value)? + "\n";
            set_input(walk, *fd, Flow::Text(text));
            Ok(None)
        }
        IoRedirect::OutputAndError(word, _) => {
            let path = walk.text(&word.value)?;
            walk.written.push(path.clone());
            reads::check_write(walk, &path)?;
            Ok(Some(path))
        }
    }
}

fn set_input(walk: &mut Walk, fd: Option<i32>, flow: Flow) {
    match fd {
        None | Some(0) => walk.scope.stdin = flow,
        Some(fd) => keep_file(walk, &format!("/dev/fd/{fd}"), &flow),
    }
}

fn file_redirect(
    walk: &mut Walk,
    fd: Option<i32>,
    kind: &IoFileRedirectKind,
    target: &IoFileRedirectTarget,
) -> Result<Option<String>, Stop> {
    let reading = matches!(
        kind,
        IoFileRedirectKind::Read | IoFileRedirectKind::DuplicateInput
    );
    match target {
        IoFileRedirectTarget::Filename(word) => {
            let path = walk.text(&word.value)?;
            if path.contains("/dev/tcp/") || path.contains("/dev/udp/") {
                return Err(Stop::deny("reverse-shell", quoted(&path)));
            }
            if reading {
                reads::check_read(walk, "<", &path)?;
                let flow = input_from(walk, &path);
                set_input(walk, fd, flow);
                return Ok(None);
            }
            walk.written.push(path.clone());
            reads::check_write(walk, &path)?;
            Ok(matches!(fd, None | Some(1)).then_some(path))
        }
        IoFileRedirectTarget::Fd(number) => {
            if reading && matches!(fd, None | Some(0)) && *number != 0 {
                walk.scope.stdin = input_from(walk, &format!("/dev/fd/{number}"));
                if walk.scope.stdin == Flow::None {
                    walk.scope.stdin = Flow::UNKNOWN;
                }
            }
            Ok(None)
        }
        IoFileRedirectTarget::Duplicate(word) => {
            let name = walk.text(&word.value)?;
            if reading {
                if name != "-" && name != "0" {
                    walk.scope.stdin = Flow::UNKNOWN;
                }
                return Ok(None);
            }
            let number = name
                .trim_end_matches('-')
                .chars()
                .all(|c| c.is_ascii_digit());
            if number || has_hole(&name) {
                return Ok(None);
            }
            if name.contains("/dev/tcp/") || name.contains("/dev/udp/") {
                return Err(Stop::deny("reverse-shell", quoted(&name)));
            }
            walk.written.push(name.clone());
            reads::check_write(walk, &name)?;
            Ok(Some(name))
        }
        IoFileRedirectTarget::ProcessSubstitution(kind, inner) => {
            let name = substitution(walk, kind, inner)?;
            if reading {
                let flow = input_from(walk, &name);
                set_input(walk, fd, flow);
            }
            Ok(None)
        }
    }
}

/// What reading this file gives, where the script itself has written it.
pub(super) fn input_from(walk: &Walk, path: &str) -> Flow {
    if path == "/dev/null" {
        return Flow::Text(String::new());
    }
    match walk.files.get(&Place::of(path, &walk.scope.cwd)) {
        Some(Written::Text(text)) => Flow::Text(text.clone()),
        Some(Written::Foreign) => Flow::UNKNOWN,
        None => Flow::None,
    }
}

/// Keeps what a script writes to a file.
pub(super) fn keep_file(walk: &mut Walk, path: &str, flow: &Flow) {
    if !is_known(path) {
        return;
    }
    let place = Place::of(path, &walk.scope.cwd);
    let now = match (flow, walk.files.get(&place)) {
        (Flow::Text(text), Some(Written::Text(old))) if old != text => {
            Written::Text(format!("{old}\n{text}"))
        }
        (Flow::Text(_), Some(Written::Foreign)) | (Flow::Unknown { .. } | Flow::None, _) => {
            Written::Foreign
        }
        (Flow::Text(text), _) => Written::Text(text.clone()),
    };
    walk.files.insert(place, now);
}
