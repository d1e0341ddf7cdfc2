//! The login that Claude Code itself has on this machine. Its access token is used; its refresh
//! token is left where it is: renewing is the client's own business.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::credential::{Credential, Kind};
use super::source::private;

/// The keychain's item on macOS.
pub(super) const SERVICE: &str = "Claude Code-credentials";
/// A token that ends sooner is of no use.
const LEAST: TimeDelta = TimeDelta::minutes(1);

/// The file in a configuration directory of Claude Code.
pub(super) fn file(dir: &Path) -> PathBuf {
    dir.join(".credentials.json")
}

/// The first that is there.
pub(super) fn find(dirs: &[PathBuf]) -> Option<PathBuf> {
    dirs.iter().map(|dir| file(dir)).find(|file| file.is_file())
}

/// What is said where there is none.
pub(super) fn missing(dirs: &[PathBuf]) -> String {
    let dirs: Vec<String> = dirs.iter().map(|d| d.display().to_string()).collect();
    format!(
        "agent.credential_login: Claude Code is not logged in ({} has no .credentials.json): \
         start `claude` once and log in",
        dirs.join(", ")
    )
}

/// The access token of a file.
pub(super) fn read(file: &Path, now: DateTime<Utc>) -> Result<Credential, String> {
    let text = private(file).map_err(|why| format!("agent.credential_login: {why}"))?;
    parse(&text, &file.display().to_string(), now)
}

/// The access token of a login as Claude Code stores it; `place`: where it was.
pub(super) fn parse(text: &str, place: &str, now: DateTime<Utc>) -> Result<Credential, String> {
    // Nothing of the text may be said.
    let stored: Value = serde_json::from_str(text)
        .map_err(|_| format!("agent.credential_login: {place}: it is no JSON"))?;
    let login = &stored["claudeAiOauth"];
    let token = login["accessToken"].as_str().unwrap_or_default();
    let credential = Credential::new(Some(Kind::Oauth), token)
        .map_err(|why| format!("agent.credential_login: {place}: the access token: {why}"))?;
    let ends = login["expiresAt"]
        .as_i64()
        .and_then(DateTime::from_timestamp_millis);
    match ends {
        Some(ends) if ends <= now + LEAST => Err(format!(
            "agent.credential_login: {place}: the login ended at {}: start `claude` once, which \
             renews it, or use a long-lived token (`claude setup-token`)",
            ends.format("%Y-%m-%d %H:%M UTC")
        )),
        Some(_) => Ok(credential),
        None => Err(format!(
            "agent.credential_login: {place}: it does not say when it ends"
        )),
    }
}
