//! The scanners, as they are configured.

use std::path::PathBuf;
use std::time::Duration;

use super::raw::{RawScan, RawTool, Span};
use super::resolved::{ScanConfig, ScanFormat, ScanTool};
use super::validate::word;
use crate::scan::Fields;

/// Where Lynis leaves its report.
const LYNIS_REPORT: &str = "/var/log/lynis-report.dat";
const HOUR: Duration = Duration::from_hours(1);

/// Reads the section.
///
/// # Errors
/// Names the key and the cure.
pub(super) fn resolve(raw: RawScan, path: impl Fn(&str) -> PathBuf) -> Result<ScanConfig, String> {
    let span = |value: Option<Span>, default| value.map_or(default, |s| s.0);
    let config = ScanConfig {
        lynis_asked: raw
            .lynis_report
            .as_deref()
            .is_some_and(|at| at != LYNIS_REPORT),
        lynis_report: match raw.lynis_report.as_deref() {
            Some("") => None,
            Some(text) => Some(path(text)),
            None => Some(PathBuf::from(LYNIS_REPORT)),
        },
        lynis_audit: raw.lynis_audit.unwrap_or(false),
        mscp_rules: raw.mscp_rules.as_deref().map(&path),
        max_age: span(raw.max_age, 24 * 30 * HOUR),
        refresh: span(raw.refresh, 6 * HOUR),
        tokens: raw.tokens.unwrap_or(1_500),
        tools: raw.tools.into_iter().map(tool).collect::<Result<_, _>>()?,
    };
    if let Some(dir) = config.mscp_rules.as_ref().filter(|dir| !dir.is_dir()) {
        return Err(format!(
            "scan.mscp_rules: {} is no directory; name the one that holds the project's rules, or \
             leave the key out",
            dir.display()
        ));
    }
    if !(200..=10_000).contains(&config.tokens) {
        return Err(
            "scan.tokens must be from 200 to 10000; leave it out for the default of 1500"
                .to_owned(),
        );
    }
    for (key, value) in [
        ("scan.max_age", config.max_age),
        ("scan.refresh", config.refresh),
    ] {
        if value.is_zero() {
            return Err(format!(
                "{key} must be longer than 0s, such as \"6h\"; leave it out for the default"
            ));
        }
    }
    Ok(config)
}

fn tool(raw: RawTool) -> Result<ScanTool, String> {
    let name = raw.name.unwrap_or_default();
    if name.trim().is_empty() || ["lynis", "mscp"].contains(&name.as_str()) {
        return Err(format!(
            "scan.tools: \"{name}\" is no name for a tool; give each one of its own, such as \
             name = \"trivy\""
        ));
    }
    if raw
        .command
        .first()
        .is_none_or(|program| program.trim().is_empty())
    {
        return Err(format!(
            "scan.tools: {name} has no command; give it as a list, such as command = [\"{name}\", \
             \"--format\", \"sarif\"]"
        ));
    }
    let default = Fields::default();
    let fields = Fields {
        items: raw.items.unwrap_or(default.items),
        id: raw.id.unwrap_or(default.id),
        title: raw.title.unwrap_or(default.title),
        severity: raw.severity.unwrap_or(default.severity),
        target: raw.target.unwrap_or(default.target),
        status: raw.status.unwrap_or(default.status),
    };
    if !fields.items.is_empty() && !fields.items.starts_with('/') {
        return Err(format!(
            "scan.tools: {name}: items = \"{}\" is no JSON pointer such as \"/results\"",
            fields.items
        ));
    }
    let json = word(
        &format!("scan.tools: {name}: format"),
        raw.format.as_deref(),
        "sarif",
        &[("sarif", false), ("json", true)],
    )?;
    let deadline = raw.deadline.map_or(2 * Duration::from_mins(1), |s| s.0);
    if deadline.is_zero() {
        return Err(format!(
            "scan.tools: {name}: deadline must be longer than 0s, such as \"2m\""
        ));
    }
    Ok(ScanTool {
        name,
        command: raw.command,
        deadline,
        format: if json {
            ScanFormat::Json(fields)
        } else {
            ScanFormat::Sarif
        },
    })
}
