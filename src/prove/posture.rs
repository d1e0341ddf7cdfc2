//! What a workstation's agent and its operator rely on besides hooks: rights, remote access, git, MCP
//! servers, and that nobody is asked for a password. Read before a change and after it, by getters that
//! change nothing; only the difference counts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::config::Env;
use crate::process::{self, Finished, Spec, effective_uid, find_on_path};
use crate::text::{one_line, redact};
use crate::turn::hex;

/// How long a getter may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// Facts that a summary names.
const NAMED: usize = 5;
/// Words of launchd services that let others in.
const REMOTE: [&str; 6] = [
    "sshd",
    "screensharing",
    "RemoteDesktop",
    "smbd",
    "AppleFileServer",
    "tailscale",
];

/// Where it is read.
#[derive(Debug, Clone)]
pub struct Place {
    /// The workstation's home directory.
    pub home: PathBuf,
    /// The playbook's checkout, from which the agent pushes.
    pub checkout: PathBuf,
    /// The environment of whoever started secloop.
    pub env: Env,
    /// The value of `PATH`.
    pub path: OsString,
    /// Whether this is the machine that is hardened, and not a home directory in it.
    pub system: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posture {
    /// By name.
    facts: BTreeMap<String, Fact>,
    /// What could not be found out, and why.
    unknown: Vec<String>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// As it should be for the agent; `None`: there is no better or worse, only the same.
    pub good: Option<bool>,
    /// What was found, without credentials.
    pub says: String,
}

/// What is worse, or not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The fact's name.
    pub name: String,
    /// What it costs, in words.
    pub says: String,
    /// It can't be right, whatever it is for.
    pub broken: bool,
}

/// Reads everything.
pub async fn take(place: &Place, cancel: &CancellationToken) -> Posture {
    let mut found = Posture::default();
    if place.system {
        sudo(place, cancel, &mut found).await;
        sshd(place, cancel, &mut found).await;
        launchd(place, cancel, &mut found).await;
    }
    git(place, cancel, &mut found).await;
    files(place, &mut found);
    found
}

/// What a change costs.
pub fn losses(before: &Posture, after: &Posture) -> Vec<Loss> {
    let mut all = Vec::new();
    let names: std::collections::BTreeSet<&String> =
        before.facts.keys().chain(after.facts.keys()).collect();
    for name in names {
        let (was, is) = (before.facts.get(name), after.facts.get(name));
        let says = |fact: Option<&Fact>| {
            let text = fact.map_or("not known", |f| f.says.as_str());
            one_line(&redact(text), 160)
        };
        let good = |fact: Option<&Fact>| fact.and_then(|f| f.good);
        let lost = match (good(was), good(is)) {
            (Some(true), Some(true)) | (Some(false), _) => false,
            // Also what was not there before and is wrong now.
            (Some(true), _) | (None, Some(false)) => true,
            (None, _) => was.is_some() && was != is,
        };
        if lost {
            all.push(Loss {
                name: name.clone(),
                says: format!("{name}: was {}, is {}", says(was), says(is)),
                broken: name.starts_with(MCP) && good(is) == Some(false),
            });
        }
    }
    all
}

impl Posture {
    /// What could not be found out, and why: nobody looked whether a change takes it away.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    fn note(&mut self, name: &str, good: Option<bool>, says: &str) {
        let says = says.to_owned();
        self.facts.insert(name.to_owned(), Fact { good, says });
    }

    fn miss(&mut self, name: &str, why: &str) {
        self.unknown
            .push(format!("{name}: {}", one_line(&redact(why), 160)));
    }

    /// In one line.
    pub fn summary(&self) -> String {
        let names: Vec<&str> = self.facts.keys().map(String::as_str).collect();
        let more = names.len().saturating_sub(NAMED);
        let named = names
            .get(..NAMED.min(names.len()))
            .unwrap_or_default()
            .join(", ");
        match more {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

impl Place {
    async fn run(
        &self,
        program: &str,
        args: &[&str],
        cancel: &CancellationToken,
    ) -> Result<Finished, String> {
        let found = find_on_path(program, &self.path).or_else(|| {
            let sbin: OsString = "/usr/sbin:/sbin".into();
            find_on_path(program, &sbin)
        });
        let program = found.ok_or_else(|| format!("there is no {program}"))?;
        let mut spec = Spec::new(program, &self.checkout, DEADLINE)
            .args(args.iter().copied())
            .env("HOME", &self.home)
            .env("PATH", &self.path)
            .env("LC_ALL", "C")
            // Whoever asks for a password gets none: that it was asked for is what is to be seen.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "/bin/false")
            .env("SSH_ASKPASS", "/bin/false")
            .env("SSH_ASKPASS_REQUIRE", "force");
        let passed = [
            "SSH_AUTH_SOCK",
            "GIT_SSH_COMMAND",
            "USER",
            "LOGNAME",
            "XDG_CONFIG_HOME",
            "XDG_RUNTIME_DIR",
        ];
        spec = spec.envs(
            self.env
                .iter()
                .filter(|(k, _)| passed.contains(&k.as_str())),
        );
        spec.grace = Duration::from_secs(1);
        process::run(&spec, cancel, |_| ())
            .await
            .map_err(|e| e.to_string())
    }
}

/// Whether `become` tasks and unattended work get root without a password.
async fn sudo(place: &Place, cancel: &CancellationToken, found: &mut Posture) {
    if effective_uid() == 0 {
        return;
    }
    // -k with a command ignores what is cached, and takes nothing away from it.
    match place.run("sudo", &["-n", "-k", "true"], cancel).await {
        Ok(done) if done.ok() => found.note("sudo", Some(true), "without a password"),
        Ok(_) => found.note("sudo", Some(false), "not without a password"),
        Err(why) => found.miss("sudo", &why),
    }
}

/// The settings that sshd would start with; without the right to ask for them, its files.
async fn sshd(place: &Place, cancel: &CancellationToken, found: &mut Posture) {
    let asked = if effective_uid() == 0 {
        place.run("sshd", &["-T"], cancel).await
    } else {
        place.run("sudo", &["-n", "sshd", "-T"], cancel).await
    };
    if let Some(done) = asked.ok().filter(Finished::ok) {
        for line in done.out().lines() {
            if let Some((key, value)) = line.split_once(' ') {
                let name = format!("sshd {}", key.to_lowercase());
                let earlier = found.facts.get(&name).map(|f| format!("{}, ", f.says));
                let value = format!("{}{value}", earlier.unwrap_or_default());
                found.note(&name, None, &value);
            }
        }
        return;
    }
    let mut files = vec![PathBuf::from("/etc/ssh/sshd_config")];
    let more = std::fs::read_dir("/etc/ssh/sshd_config.d")
        .into_iter()
        .flatten();
    files.extend(more.flatten().map(|e| e.path()));
    files.sort();
    for file in files {
        let name = format!("sshd file {}", file.display());
        match digest(&file) {
            Ok(digest) => found.note(&name, None, &digest),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => (),
            Err(e) => found.miss(&name, &e.to_string()),
        }
    }
}

/// Which services that let others in are switched off, on a Mac.
async fn launchd(place: &Place, cancel: &CancellationToken, found: &mut Posture) {
    if std::env::consts::OS != "macos" {
        return;
    }
    match place
        .run("launchctl", &["print-disabled", "system"], cancel)
        .await
    {
        Ok(done) if done.ok() => {
            for (name, value) in disabled(&done.out()) {
                found.note(&format!("launchd {name}"), None, &value);
            }
        }
        Ok(done) => found.miss("launchd", &done.err()),
        Err(why) => found.miss("launchd", &why),
    }
    // It prints to standard error when the keychain locks by itself: then somebody is asked.
    match place.run("security", &["show-keychain-info"], cancel).await {
        Ok(done) => {
            let text = format!("{}{}", done.out(), done.err());
            let says = text
                .split_once("\" ")
                .map_or(text.as_str(), |(_, rest)| rest);
            found.note("login keychain", None, says.trim());
        }
        Err(why) => found.miss("login keychain", &why),
    }
}

/// `"com.openssh.sshd" => disabled`, or `=> true` of older systems.
fn disabled(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().split_once("\" => "));
    lines
        .map(|(name, value)| (name.trim_matches('"').to_owned(), value.trim().to_owned()))
        .filter(|(name, _)| REMOTE.iter().any(|word| name.contains(word)))
        .collect()
}

/// The fact whether the agent can push.
const PUSH: &str = "git push --dry-run";

/// Whether the agent can push, without anybody being asked.
async fn git(place: &Place, cancel: &CancellationToken, found: &mut Posture) {
    let remote = place
        .run("git", &["remote", "get-url", "origin"], cancel)
        .await;
    match remote {
        Err(why) => return found.miss("git", &why),
        Ok(done) if !done.ok() => {
            found.miss(PUSH, &format!("no remote origin: {}", done.err().trim()));
        }
        Ok(_) => {
            let push = [
                "push",
                "--dry-run",
                "--no-verify",
                "origin",
                "HEAD:refs/heads/secloop-dry-run",
            ];
            let mut done = place.run("git", &push, cancel).await;
            if done.as_ref().is_ok_and(|d| !d.ok()) {
                // A network has its moments.
                done = place.run("git", &push, cancel).await;
            }
            match done {
                Ok(done) if done.ok() => found.note(PUSH, Some(true), "works"),
                Ok(done) => {
                    let said = one_line(&redact(&done.err()), 120);
                    found.note(PUSH, Some(false), &format!("fails: {said}"));
                }
                Err(why) => found.miss(PUSH, &why),
            }
        }
    }
    for key in [
        "credential.helper",
        "core.sshCommand",
        "fetch.fsckObjects",
        "transfer.fsckObjects",
    ] {
        let name = format!("git {key}");
        match place
            .run("git", &["config", "--global", "--get-all", key], cancel)
            .await
        {
            Ok(done) if done.code() == Some(1) => found.note(&name, None, "not set"),
            Ok(done) if done.ok() => {
                let values = done.out().lines().collect::<Vec<_>>().join(", ");
                found.note(&name, None, &values);
            }
            Ok(done) => {
                let said = one_line(&redact(&done.err()), 120);
                found.note(&name, Some(false), &format!("git fails: {said}"));
            }
            Err(why) => found.miss(&name, &why),
        }
    }
}

/// Begins the names of facts about MCP configurations.
const MCP: &str = "MCP configuration ";

fn files(place: &Place, found: &mut Posture) {
    let keys = place.home.join(".ssh/authorized_keys");
    let name = "~/.ssh/authorized_keys";
    match digest(&keys) {
        Ok(digest) => found.note(name, None, &digest),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => found.note(name, None, "not there"),
        Err(e) => found.miss(name, &e.to_string()),
    }
    let candidates = [
        place.home.join(".claude.json"),
        place.home.join(".mcp.json"),
        place.checkout.join(".mcp.json"),
    ];
    for file in candidates.iter().filter(|f| f.exists()) {
        let name = format!("{MCP}{}", file.display());
        match mcp(file) {
            Ok(servers) => found.note(&name, Some(true), &servers),
            Err(why) => found.note(&name, Some(false), &why),
        }
    }
    let (good, says) = bypass(&place.home);
    found.note("bypass mode", Some(good), &says);
}

/// The servers of an MCP configuration; one whose variable has become empty counts as broken.
fn mcp(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|e| format!("does not parse: {e}"))?;
    let Some(servers) = value.get("mcpServers") else {
        return Ok("no servers".to_owned());
    };
    let servers = servers.as_object().ok_or("mcpServers is no object")?;
    for (name, server) in servers {
        let env = server.get("env").and_then(Value::as_object);
        let empty = env
            .into_iter()
            .flatten()
            .find(|(_, v)| v.as_str() == Some(""));
        if let Some((key, _)) = empty {
            return Err(format!("{key} of the server {name} is empty"));
        }
        if !["command", "url"]
            .iter()
            .any(|key| server.get(key).is_some())
        {
            return Err(format!("the server {name} has neither command nor url"));
        }
    }
    Ok(servers.keys().cloned().collect::<Vec<_>>().join(", "))
}

/// Whether the agent may still be started so that it asks nobody.
fn bypass(home: &Path) -> (bool, String) {
    let places = [
        home.join(".claude/settings.json"),
        PathBuf::from("/etc/claude-code/managed-settings.json"),
        PathBuf::from("/Library/Application Support/ClaudeCode/managed-settings.json"),
    ];
    let mut says = Vec::new();
    for file in places {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let Ok(value) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        let permissions = value.get("permissions");
        let off = permissions.and_then(|p| p.get("disableBypassPermissionsMode"));
        if off.and_then(Value::as_str) == Some("disable") {
            return (false, format!("switched off by {}", file.display()));
        }
        if let Some(mode) = permissions.and_then(|p| p.get("defaultMode")) {
            says.push(format!("default mode {mode}"));
        }
        if value.get("skipDangerousModePermissionPrompt") == Some(&Value::Bool(true)) {
            says.push("no question at the start".to_owned());
        }
    }
    (
        true,
        if says.is_empty() {
            "possible".to_owned()
        } else {
            says.join(", ")
        },
    )
}

fn digest(file: &Path) -> std::io::Result<String> {
    let bytes = std::fs::read(file)?;
    let mut digest = hex(&Sha256::digest(&bytes));
    digest.truncate(12);
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posture(facts: &[(&str, Option<bool>, &str)]) -> Posture {
        let mut found = Posture::default();
        for (name, good, says) in facts {
            found.note(name, *good, says);
        }
        found
    }

    #[test]
    fn only_what_a_change_makes_worse_or_other_is_a_loss() {
        let good = [("sudo", Some(true), "without"), ("sshd port", None, "22")];
        let before = posture(&good);
        for (name, after, lost) in [
            ("the same", good.to_vec(), 0),
            ("sudo asks", vec![("sudo", Some(false), "asks"), good[1]], 1),
            ("sudo is gone", vec![good[1]], 1),
            (
                "another port",
                vec![good[0], ("sshd port", None, "2222")],
                1,
            ),
            ("sshd is gone", vec![good[0]], 1),
            (
                "one more key",
                vec![good[0], good[1], ("sshd x", None, "1")],
                0,
            ),
            (
                "new and broken",
                vec![good[0], good[1], ("MCP configuration a", Some(false), "x")],
                1,
            ),
        ] {
            let losses = losses(&before, &posture(&after));
            assert_eq!(losses.len(), lost, "{name}: {losses:?}");
        }
        let was_bad = posture(&[("sudo", Some(false), "asks")]);
        assert!(losses(&was_bad, &was_bad).is_empty());
        assert!(losses(&was_bad, &posture(&[])).is_empty());
    }

    #[tokio::test]
    async fn what_can_not_be_found_out_is_named_and_a_broken_configuration_is_a_loss() {
        let dir = tempfile::tempdir().unwrap();
        let place = |path: OsString| Place {
            home: dir.path().to_owned(),
            checkout: dir.path().to_owned(),
            env: Env::default(),
            path,
            system: false,
        };
        let path = std::env::var_os("PATH").unwrap();
        let never = CancellationToken::new();
        let nowhere = take(&place("/nowhere".into()), &never).await;
        assert_eq!(nowhere.unknown(), ["git: there is no git"]);
        let before = take(&place(path.clone()), &never).await;
        let said = before.unknown().join("; ");
        assert!(
            said.starts_with("git push --dry-run: no remote origin"),
            "{said}"
        );
        std::fs::write(dir.path().join(".gitconfig"), "[core\n").unwrap();
        let after = take(&place(path), &never).await;
        let lost = losses(&before, &after);
        assert!(
            lost.iter().all(|l| l.says.contains("git fails")),
            "{lost:?}"
        );
        assert_eq!(lost.len(), 4, "{lost:?}");
    }

    #[test]
    fn an_mcp_configuration_without_its_token_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".mcp.json");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            mcp(&file)
        };
        let good = r#"{"mcpServers": {"discord": {"command": "x", "env": {"TOKEN": "abc"}}}}"#;
        assert_eq!(read(good), Ok("discord".to_owned()));
        for (text, why) in [
            ("{", "does not parse"),
            (r#"{"mcpServers": []}"#, "no object"),
            (
                r#"{"mcpServers": {"discord": {"command": "x", "env": {"TOKEN": ""}}}}"#,
                "is empty",
            ),
            (
                r#"{"mcpServers": {"discord": {}}}"#,
                "neither command nor url",
            ),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn launchd_says_who_is_let_in() {
        let text = "disabled services = {\n\t\t\"com.apple.screensharing\" => disabled\n\t\t\"com.openssh.sshd\" => enabled\n\t\t\"com.apple.other\" => disabled\n\t}\n";
        let found = disabled(text);
        let shown: Vec<String> = found.iter().map(|(n, v)| format!("{n} {v}")).collect();
        assert_eq!(
            shown,
            [
                "com.apple.screensharing disabled",
                "com.openssh.sshd enabled"
            ]
        );
    }
}
