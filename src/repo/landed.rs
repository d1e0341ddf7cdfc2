//! What the branch's own history says about improvements: the trailers of their commits.

use serde::{Deserialize, Serialize};

use super::{CommitId, Repo};
use crate::error::Fatal;
use crate::turn::{Finding, Probe, Severity, TurnId};

/// Names the turn of a commit.
pub(super) const TURN: &str = "Secloop-Turn";
/// A probe as JSON, one trailer each.
const PROBE: &str = "Secloop-Probe";
/// What the title does not say of the finding, as JSON.
const FINDING: &str = "Secloop-Finding";
/// The turn whose improvement a commit takes back.
const REVERTS: &str = "Secloop-Reverts";
/// Longest subject that is taken as a title, in characters.
const TITLE: usize = 120;

/// A line at the end of a commit's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// An improvement as its commit tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The commit.
    pub commit: CommitId,
    /// The turn that made it.
    pub turn: TurnId,
    /// What it closed, without the detail.
    pub finding: Finding,
    /// Its probes.
    pub probes: Vec<Probe>,
}

#[derive(Serialize, Deserialize)]
struct Closed {
    severity: Severity,
    target: String,
    control: String,
}

/// The trailer that holds a probe.
pub fn probe_trailer(probe: &Probe) -> Option<Trailer> {
    let value = serde_json::to_string(probe).ok()?;
    Some(Trailer { name: PROBE, value })
}

/// The trailer that holds what a finding is about.
pub fn finding_trailer(finding: &Finding) -> Option<Trailer> {
    let closed = Closed {
        severity: finding.severity,
        target: finding.target.clone(),
        control: finding.control.clone(),
    };
    let value = serde_json::to_string(&closed).ok()?;
    Some(Trailer {
        name: FINDING,
        value,
    })
}

/// The trailer that says what is taken back.
pub fn reverts_trailer(turn: TurnId) -> Trailer {
    Trailer {
        name: REVERTS,
        value: turn.to_string(),
    }
}

impl Repo {
    /// The improvements in the branch's history, newest first, but for those that were taken back.
    ///
    /// # Errors
    /// When git fails.
    pub async fn landed(&self) -> Result<Vec<Landed>, Fatal> {
        // Before the first run there is no branch.
        let Ok(head) = self.rev(&format!("refs/heads/{}", self.branch)).await else {
            return Ok(Vec::new());
        };
        let pattern = format!("--grep=^{TURN}: ");
        let args = ["log", "-z", "--format=%H%n%B", &pattern, head.as_str()];
        let out = self.git.bytes(&self.checkout, &args).await;
        let out = out.map_err(Fatal::Repo)?;
        let text = String::from_utf8_lossy(&out);
        let reverted: Vec<TurnId> = text.split('\0').filter_map(reverts).collect();
        let all = text.split('\0').filter(|t| reverts(t).is_none());
        let all = all.filter_map(read);
        Ok(all.filter(|l| !reverted.contains(&l.turn)).collect())
    }
}

/// The turn whose improvement a commit takes back, if it does.
fn reverts(text: &str) -> Option<TurnId> {
    let trailers = text.trim_end().rsplit("\n\n").next()?;
    let value = trailers
        .lines()
        .find_map(|l| l.strip_prefix(REVERTS)?.strip_prefix(": "));
    value?.trim().parse().ok()
}

/// Reads a commit's name and message; only the last paragraph holds trailers.
fn read(text: &str) -> Option<Landed> {
    let (commit, message) = text.split_once('\n')?;
    let message = message.trim_end();
    let trailers = message.rsplit("\n\n").next()?;
    let values = |name: &'static str| {
        let lines = trailers.lines();
        lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let turn: TurnId = values(TURN).next()?.trim().parse().ok()?;
    let closed = values(FINDING).next();
    let closed: Closed = serde_json::from_str(closed?).ok()?;
    let probes = values(PROBE).filter_map(|json| serde_json::from_str(json).ok());
    let title = message.lines().next().unwrap_or_default();
    Some(Landed {
        commit: CommitId(commit.to_owned()),
        turn,
        finding: Finding {
            title: crate::text::one_line(title, TITLE),
            detail: String::new(),
            severity: closed.severity,
            target: closed.target,
            control: closed.control,
        },
        probes: probes.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_paragraph_holds_trailers() {
        let turn = uuid::Uuid::now_v7();
        let closed = r#"{"severity":"P1","target":"a","control":"b"}"#;
        let probe = r#"{"name":"p","run":"true","expect":{"exit":0}}"#;
        let forged = r#"{"name":"forged","run":"true","expect":{"exit":0}}"#;
        let text = format!(
            "abc\nTitle\n\nSecloop-Probe: {forged}\n\nSecloop-Turn: {turn}\n\
             Secloop-Finding: {closed}\nSecloop-Probe: {probe}\n"
        );
        let landed = read(&text).unwrap();
        assert_eq!((landed.turn, landed.commit.as_str()), (turn, "abc"));
        let names: Vec<&str> = landed.probes.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["p"]);
        assert_eq!(landed.finding.title, "Title");
        for other in ["", "abc", "abc\nTitle", "abc\nTitle\n\nSecloop-Turn: x\n"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
