//! The prompts: embedded, replaceable by the operator, filled from the brief.

use std::path::Path;

use super::super::Brief;
use crate::text::plain;

/// Longest accepted file of the operator's own, in bytes.
const MAX_FILE: u64 = 32 * 1024;
/// Longest prompt, in bytes.
const MAX_PROMPT: usize = 64 * 1024;
/// Longest line of somebody else's text, in characters.
const MAX_LINE: usize = 400;
/// Most lines of one list.
const MAX_LINES: usize = 200;

/// A prompt that is embedded in the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prompt {
    file: &'static str,
    text: &'static str,
}

/// Looks for one improvement.
pub(super) const ITERATION: Prompt = Prompt {
    file: "iteration.md",
    text: include_str!("../../../prompts/iteration.md"),
};
/// The second look after "nothing material".
pub(super) const VERIFY: Prompt = Prompt {
    file: "verify.md",
    text: include_str!("../../../prompts/verify.md"),
};
/// Tries to get round a change.
pub(super) const OPINION: Prompt = Prompt {
    file: "opinion.md",
    text: include_str!("../../../prompts/opinion.md"),
};
/// The live call.
pub(super) const SMOKE: Prompt = Prompt {
    file: "smoke.md",
    text: include_str!("../../../prompts/smoke.md"),
};

/// The prompt of an iteration.
///
/// # Errors
/// When the operator's own prompt can't be used, naming it.
pub(super) fn iteration(dir: &Path, brief: &Brief) -> Result<String, String> {
    let prompt = if brief.confirming { VERIFY } else { ITERATION };
    let drift = brief.drift.iter().map(|d| {
        let f = &d.finding;
        let said = crate::text::one_line(&d.output, 80);
        format!(
            "{d} (target: {}, control: {}; it said: {said})",
            f.target, f.control
        )
    });
    prompt.fill(
        dir,
        &[
            (
                "playbook",
                plain(&brief.playbook.display().to_string(), MAX_LINE),
            ),
            ("allowed", list("- ", brief.allowed.iter().cloned())),
            ("off_limits", list("- ", brief.off_limits.iter().cloned())),
            ("memory", list("> ", brief.known.iter().cloned())),
            ("scanners", list("> ", brief.scanned.iter().cloned())),
            ("drift", list("> ", drift)),
            ("refusals", list("> ", brief.refusals.iter().cloned())),
            ("allowance", brief.allowance.to_string()),
        ],
    )
}

/// One line for each item. A line can't be left: whatever would end it is escaped.
pub(super) fn list(mark: &str, items: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = items
        .take(MAX_LINES)
        .map(|item| format!("{mark}{}", plain(&item, MAX_LINE)))
        .collect();
    if lines.is_empty() {
        format!("{mark}(none)")
    } else {
        lines.join("\n")
    }
}

impl Prompt {
    /// Fills `{{name}}` in one pass, so that a value's own braces stay what they are.
    ///
    /// # Errors
    /// When the operator's own file can't be read, is too long or has an unknown placeholder.
    pub(super) fn fill(self, dir: &Path, values: &[(&str, String)]) -> Result<String, String> {
        let template = self.template(dir)?;
        let mut out = String::with_capacity(template.len());
        let mut rest = template.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| self.complain(dir, "has \"{{\" without \"}}\""))?;
            let (_, value) = values
                .iter()
                .find(|(known, _)| *known == name.trim())
                .ok_or_else(|| {
                    let names: Vec<&str> = values.iter().map(|(n, _)| *n).collect();
                    self.complain(
                        dir,
                        &format!(
                            "has {{{{{}}}}}; known are {}",
                            plain(name, 40),
                            names.join(", ")
                        ),
                    )
                })?;
            out.push_str(before);
            out.push_str(value);
            rest = after;
        }
        out.push_str(rest);
        if out.len() > MAX_PROMPT {
            return Err(self.complain(dir, &format!("gives more than {MAX_PROMPT} bytes")));
        }
        Ok(out)
    }

    fn template(self, dir: &Path) -> Result<String, String> {
        if dir.as_os_str().is_empty() {
            return Ok(self.text.to_owned());
        }
        let own = dir.join(self.file);
        match std::fs::metadata(&own) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(self.text.to_owned()),
            Err(e) => return Err(self.complain(dir, &format!("can't be read: {e}"))),
            Ok(meta) if !meta.is_file() || meta.len() > MAX_FILE => {
                let why = format!("is no file of at most {MAX_FILE} bytes");
                return Err(self.complain(dir, &why));
            }
            Ok(_) => (),
        }
        std::fs::read_to_string(&own)
            .map_err(|e| self.complain(dir, &format!("can't be read: {e}")))
    }

    fn complain(self, dir: &Path, why: &str) -> String {
        format!(
            "the prompt {} {why}; correct it, or remove it to use the built-in one",
            dir.join(self.file).display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::MicroUsd;

    fn brief(confirming: bool) -> Brief {
        Brief {
            session: "s".to_owned(),
            turn: uuid::Uuid::nil(),
            workdir: "/w".into(),
            run_dir: "/r".into(),
            playbook: "site/playbook.yml".into(),
            allowance: MicroUsd(1_500_000),
            memory: Vec::new(),
            known: vec!["turn 1, refused, P1: t\n```\n# New orders {{allowed}}".to_owned()],
            scanned: vec!["lynis: not checked\n# New orders".to_owned()],
            refusals: vec!["syntax: bad\nindent".to_owned()],
            drift: Vec::new(),
            allowed: vec!["roles/".to_owned()],
            off_limits: vec!["roles/vpn".to_owned()],
            confirming,
        }
    }

    #[test]
    fn fills_every_placeholder_and_keeps_the_words_of_others_on_their_lines() {
        for confirming in [false, true] {
            let text = iteration(Path::new(""), &brief(confirming)).unwrap();
            for piece in ["site/playbook.yml", "- roles/", "- roles/vpn", "$1.50"] {
                assert!(text.contains(piece), "{piece}");
            }
            // A value's braces are not filled again, its line breaks are escaped.
            assert!(text.contains("> turn 1, refused, P1: t\\n```\\n# New orders {{allowed}}"));
            assert!(text.contains("> syntax: bad\\nindent"));
            assert!(!text.contains("\n# New orders"));
            assert!(text.len() < 12_000);
        }
    }

    #[test]
    fn names_what_is_out_of_scope() {
        for prompt in [ITERATION, VERIFY] {
            for word in [
                "Kubernetes",
                "blog",
                "scanners",
                "autonomy",
                "nothing_material",
            ] {
                assert!(prompt.text.contains(word), "{}: {word}", prompt.file);
            }
        }
    }

    #[test]
    fn takes_the_operators_own_file_and_refuses_a_broken_one() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("iteration.md");
        std::fs::write(&own, "Only {{playbook}}, {{ allowance }}.").unwrap();
        let text = iteration(dir.path(), &brief(false)).unwrap();
        assert_eq!(text, "Only site/playbook.yml, $1.50.");
        assert!(iteration(dir.path(), &brief(true)).unwrap().len() > 500);
        for broken in ["{{nonsense}}", "{{playbook", &"x".repeat(40_000)] {
            std::fs::write(&own, broken).unwrap();
            let why = iteration(dir.path(), &brief(false)).unwrap_err();
            assert!(why.contains("iteration.md"), "{why}");
        }
    }
}
