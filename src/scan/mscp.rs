//! The rules of the macOS Security Compliance Project: each has a getter, whose output tells whether
//! the machine keeps to it.

use std::path::Path;

use super::Candidate;
use crate::playbook::yaml::{Node, parse as yaml};
use crate::turn::{Expect, Probe, ProbeRun, Severity};

const SOURCE: &str = "mscp";

/// A rule with what it takes to check it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What is wrong where it is not kept.
    pub candidate: Candidate,
    /// Its getter as a probe, or why it can't be checked.
    pub check: Result<Probe, String>,
}

/// Reads a rule.
///
/// # Errors
/// When it is none.
pub fn parse(text: &str) -> Result<Rule, String> {
    let parsed = yaml(text).map_err(|(line, why)| format!("line {line}: {why}"))?;
    let root = &parsed.root;
    let field = |name: &str| root.get(name).and_then(Node::text).map(str::trim);
    let id = field("id")
        .filter(|id| !id.is_empty())
        .ok_or("it has no id")?;
    let title = field("title").unwrap_or(id);
    let severity = match field("severity")
        .unwrap_or_default()
        .to_lowercase()
        .as_str()
    {
        "critical" => Severity::P0,
        "high" => Severity::P1,
        _ => Severity::P2,
    };
    let check = check(root, id);
    Ok(Rule {
        candidate: Candidate {
            probe: check.as_ref().ok().cloned(),
            ..Candidate::new(SOURCE, id, title, severity, "")
        },
        check,
    })
}

fn check(root: &Node, id: &str) -> Result<Probe, String> {
    let script = root
        .get("check")
        .and_then(Node::text)
        .unwrap_or_default()
        .trim();
    if script.is_empty() {
        return Err("it has no getter".to_owned());
    }
    let result = root
        .get("result")
        .and_then(Node::map)
        .and_then(|result| {
            let known = |(key, ..): &&(String, usize, Node)| {
                ["integer", "string", "boolean"].contains(&key.as_str())
            };
            result.iter().find(known)
        })
        .and_then(|(.., value)| value.text())
        .ok_or("it does not say what its getter has to give")?;
    let odv = root
        .get("odv")
        .and_then(|odv| odv.get("recommended"))
        .and_then(Node::text);
    let filled = |text: &str| match (text.contains("$ODV"), odv) {
        (false, _) => Ok(text.to_owned()),
        (true, Some(odv)) => Ok(text.replace("$ODV", odv.trim())),
        (true, None) => Err("it depends on a value that the organisation defines".to_owned()),
    };
    let (script, result) = (filled(script)?, filled(result)?);
    if let Some(word) = ["sudo", "launchctl asuser"]
        .into_iter()
        .find(|w| script.contains(w))
    {
        return Err(format!("its getter needs {word}"));
    }
    Ok(Probe {
        name: format!("{SOURCE} {id}"),
        // What a getter ends with says nothing, unless it could not be run.
        run: ProbeRun::Script(format!(
            "(\n{script}\n)\nended=$?\n[ \"$ended\" -le 125 ] || exit \"$ended\"\n"
        )),
        expect: Expect {
            exit: 0,
            stdout: Some(result.trim().to_owned()),
        },
        red: None,
    })
}

/// The programs that a getter names by their whole path and that are not there: without them it would
/// give nothing, which could be taken for an answer.
pub(super) fn missing(probe: &Probe, there: impl Fn(&Path) -> bool) -> Option<String> {
    let ProbeRun::Script(script) = &probe.run else {
        return None;
    };
    let apart = |c: char| c.is_whitespace() || "'\"`$(){}|;&<>=".contains(c);
    script
        .split(apart)
        .filter(|word| {
            [
                "/bin/",
                "/sbin/",
                "/usr/bin/",
                "/usr/sbin/",
                "/usr/libexec/",
            ]
            .iter()
            .any(|dir| word.starts_with(dir) && word.len() > dir.len())
        })
        .find(|word| !there(Path::new(word)))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "id: os_logs_mode\ntitle: \"Keep logs to 640\"\ndiscussion: |\n  They _MUST_ be so.\n\
        check: |\n  /usr/bin/stat -f %A /var/log | /usr/bin/grep -c 640\nresult:\n  integer: 1\n\
        fix: |\n  chmod\nmacOS:\n  - \"13.0\"\ntags:\n  - stig\nseverity: \"high\"\nmobileconfig: false\n\
        mobileconfig_info:\n";

    #[test]
    fn a_getter_is_a_probe() {
        let rule = parse(RULE).unwrap();
        let candidate = &rule.candidate;
        assert_eq!(
            (candidate.id.as_str(), candidate.severity),
            ("os_logs_mode", Severity::P1)
        );
        assert_eq!(candidate.title, "Keep logs to 640");
        let probe = rule.check.unwrap();
        assert_eq!(probe.expect.stdout.as_deref(), Some("1"));
        assert_eq!(probe.expect.exit, 0);
        assert_eq!(candidate.probe.as_ref(), Some(&probe));
        let there = |path: &Path| path != Path::new("/usr/bin/stat");
        assert_eq!(missing(&probe, there), Some("/usr/bin/stat".to_owned()));
        assert_eq!(missing(&probe, |_| true), None);
    }

    #[test]
    fn what_can_not_be_checked_says_why() {
        for (change, with, why) in [
            (
                "check: |\n  /usr/bin/stat -f %A /var/log | /usr/bin/grep -c 640\n",
                "check: \" \"\n",
                "no getter",
            ),
            ("result:\n  integer: 1\n", "", "does not say what"),
            ("integer: 1", "base64: 1", "does not say what"),
            ("/usr/bin/grep", "/usr/bin/sudo /usr/bin/grep", "needs sudo"),
            ("-c 640", "-c $ODV", "organisation defines"),
        ] {
            let rule = parse(&RULE.replace(change, with)).unwrap();
            let said = rule.check.unwrap_err();
            assert!(said.contains(why), "{with}: {said}");
            assert_eq!(rule.candidate.probe, None);
        }
        let odv = format!("{}odv:\n  recommended: 600\n", RULE.replace("640", "$ODV"));
        let rule = parse(&odv).unwrap().check.unwrap();
        assert!(matches!(rule.run, ProbeRun::Script(s) if s.contains("-c 600")));
        for none in ["title: x\n", "- [", "id: ''\n"] {
            assert!(parse(none).is_err(), "{none}");
        }
    }
}
