//! Asking every source that is configured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::tool::{self, Place};
use super::{Candidate, Coverage, Found, lynis, mscp};
use crate::config::{ScanConfig, ScanFormat, ScanTool};
use crate::prove::probe::{self, ProbeContext};
use crate::sandbox::Sandbox;
use crate::turn::Colour;

/// Longest report and rule, in bytes.
const REPORT: u64 = 8 << 20;
const RULE: u64 = 256 * 1024;
/// Most rules of a directory.
const RULES: usize = 2_000;

/// What all sources together gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// When.
    pub at: DateTime<Utc>,
    /// What they claim, in no order.
    pub candidates: Vec<Candidate>,
    /// How much each has looked at.
    pub coverage: Vec<Coverage>,
}

/// The machine that is scanned.
#[derive(Debug)]
pub struct Machine<'a> {
    /// The confinement of tools and getters.
    pub sandbox: &'a Sandbox,
    /// The workstation's home directory.
    pub home: &'a Path,
    /// The value of `PATH`.
    pub path: &'a std::ffi::OsStr,
    /// Where tools are run: the proposed tree, or another directory.
    pub dir: &'a Path,
    /// For getters.
    pub probes: &'a ProbeContext,
    /// The zone of the reports' times.
    pub zone: Tz,
}

/// Asks every source. None of them can make it fail.
pub async fn scan(
    config: &ScanConfig,
    machine: &Machine<'_>,
    now: DateTime<Utc>,
    cancel: &CancellationToken,
) -> Scan {
    let place = Place {
        sandbox: machine.sandbox,
        home: machine.home,
        path: machine.path,
        dir: machine.dir,
    };
    let mut scan = Scan {
        at: now,
        ..Scan::default()
    };
    let mut take = |(candidates, coverage): Found| {
        scan.candidates.extend(candidates);
        scan.coverage.push(coverage);
    };
    if let Some(found) = lynis_report(config, &place, machine.zone, now, cancel).await {
        take(found);
    }
    if let Some(dir) = &config.mscp_rules {
        take(rules(dir, machine.probes, cancel).await);
    }
    for tool in &config.tools {
        take(tool::run(tool, &place, cancel).await);
    }
    scan
}

/// Lynis's report: a new one where an audit is configured, else the one that is there. `None`: there is
/// no Lynis here, and nobody asked for it.
async fn lynis_report(
    config: &ScanConfig,
    place: &Place<'_>,
    zone: Tz,
    now: DateTime<Utc>,
    cancel: &CancellationToken,
) -> Option<Found> {
    let nothing = |why: &str| Some((Vec::new(), Coverage::nothing("lynis", why)));
    let text = if config.lynis_audit {
        match audit(place, cancel).await {
            Ok(text) => text,
            Err(why) => return nothing(&why),
        }
    } else {
        let path = config.lynis_report.as_ref()?;
        match read(path, REPORT) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !config.lynis_asked => {
                return None;
            }
            Err(e) => return nothing(&format!("{}: {e}", path.display())),
        }
    };
    match lynis::parse(&text, now, zone) {
        Ok((candidates, mut coverage)) => {
            let age = coverage.age.unwrap_or(i64::MAX).unsigned_abs();
            if age > config.max_age.as_secs() {
                // What was so long ago says little of what is.
                coverage.not_checked += std::mem::take(&mut coverage.passed);
                "too old to be believed: run `lynis audit system`, or raise scan.max_age"
                    .clone_into(&mut coverage.note);
                return Some((Vec::new(), coverage));
            }
            Some((candidates, coverage))
        }
        Err(why) => nothing(&why),
    }
}

/// Runs an audit. Its report goes to standard output, since it may write nowhere.
async fn audit(place: &Place<'_>, cancel: &CancellationToken) -> Result<String, String> {
    let script = "umask 077; cd /tmp || exit 126\n\
                  command -v lynis >/dev/null || exit 127\n\
                  lynis audit system --quick --quiet --no-colors --no-log --report-file /tmp/report.dat \
                  </dev/null >/dev/null 2>&1\n\
                  cat /tmp/report.dat\n";
    let tool = ScanTool {
        name: "lynis".to_owned(),
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        deadline: Duration::from_mins(15),
        format: ScanFormat::Sarif,
    };
    tool::output(&tool, place, cancel).await
}

/// The rules of a directory, each with its getter run.
async fn rules(dir: &Path, probes: &ProbeContext, cancel: &CancellationToken) -> Found {
    const SOURCE: &str = "mscp";
    let mut files = Vec::new();
    if let Err(e) = find_rules(dir, 4, &mut files) {
        return (
            Vec::new(),
            Coverage::nothing(SOURCE, &format!("{}: {e}", dir.display())),
        );
    }
    files.sort();
    let mut coverage = Coverage {
        source: SOURCE.to_owned(),
        ..Coverage::default()
    };
    if files.len() > RULES {
        coverage.not_checked += files.len() - RULES;
        files.truncate(RULES);
    }
    let mut candidates = Vec::new();
    let mut first = None;
    for file in files {
        let rule = read(&file, RULE)
            .map_err(|e| e.to_string())
            .and_then(|text| mscp::parse(&text));
        let checked = match &rule {
            Ok(rule) => rule.check.clone(),
            Err(why) => Err(why.clone()),
        };
        let result = match checked {
            Ok(probe) => match mscp::missing(&probe, Path::exists) {
                Some(program) => Err(format!("there is no {program}")),
                None if cancel.is_cancelled() => Err("stopped".to_owned()),
                None => Ok(probe::run(&probe, probes, cancel).await.colour),
            },
            Err(why) => Err(why),
        };
        match (result, rule) {
            (Ok(Colour::Green), _) => coverage.passed += 1,
            (Ok(Colour::Red), Ok(rule)) => {
                coverage.failed += 1;
                candidates.push(rule.candidate);
            }
            (Err(why), _) => {
                coverage.not_checked += 1;
                first.get_or_insert(why);
            }
            (Ok(_), _) => coverage.not_checked += 1,
        }
    }
    if let Some(why) = first {
        coverage.note = format!("for example: {}", crate::text::plain(&why, 120));
    }
    (candidates, coverage)
}

fn find_rules(dir: &Path, depth: u32, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        let ending = path.extension().unwrap_or_default();
        if kind.is_dir() && depth > 0 {
            find_rules(&path, depth - 1, files)?;
        } else if kind.is_file() && (ending == "yaml" || ending == "yml") && files.len() < RULES * 2
        {
            files.push(path);
        }
    }
    Ok(())
}

/// A plain file of at most so many bytes.
fn read(path: &Path, most: u64) -> std::io::Result<String> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() || found.len() > most {
        return Err(std::io::Error::other(format!(
            "it is no file of at most {most} bytes"
        )));
    }
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}
