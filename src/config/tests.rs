//! What a file comes to, and what is refused.

use std::path::Path;
use std::time::Duration;

use super::load::resolve;
use super::raw::{Raw, parse_dollars};
use super::*;
use crate::gate::MicroUsd;

fn env() -> Env {
    Env::from([("HOME".to_owned(), "/home/kyle".to_owned())])
}

fn parsed(text: &str) -> Result<Config, String> {
    let raw: Raw = toml::from_str(text).map_err(|e| e.to_string())?;
    resolve(
        raw,
        "secloop.toml",
        Path::new("/repo"),
        &env(),
        &Overrides::default(),
    )
}

#[test]
fn the_smallest_file_gives_the_documented_defaults() {
    let config = parsed("[playbook]\nfile = \"infra/mac-setup/playbook.yml\"").unwrap();
    assert_eq!(config.spend.daily_cap, MicroUsd(150_000_000));
    assert_eq!(config.r#loop.interval, Duration::from_mins(30));
    assert_eq!(config.agent.model, "sonnet");
    assert_eq!(config.repo.path, Path::new("/repo"));
    assert_eq!(config.repo.allowed, ["infra/mac-setup/"]);
    assert!(!config.repo.push);
    assert_eq!(config.sandbox.level, Level::Native);
}

#[test]
fn bad_values_name_their_key() {
    let file = "[playbook]\nfile = \"p.yml\"\n";
    for (text, says) in [
        ("[spend]\ndaily_cap_usd = 0", "daily_cap_usd"),
        ("[spend]\ndaily_cap_usd = -1", "daily_cap_usd"),
        ("[spend]\ndaily_cap_usd = nan", "daily_cap_usd"),
        ("[spend]\ndaily_cap_usd = inf", "daily_cap_usd"),
        ("[spend]\ndaily_cap_usd = \"plenty\"", "daily_cap_usd"),
        ("[spend]\ndaily_cap = 1", "daily_cap"),
        ("[spend]\nper_iteration_usd = 200", "per_iteration_usd"),
        ("[spend]\nzone = \"Mars/Base\"", "spend.zone"),
        ("[loop]\ninterval = \"soon\"", "interval"),
        ("[loop]\nconfirmations = 0", "loop.confirmations"),
        ("[loop]\nconfirmations = 1", "the word of one call"),
        ("[loop]\ndiminishing = 1", "loop.diminishing"),
        ("[memory]\ntokens = 20", "memory.tokens"),
        ("[scan]\ntokens = 1", "scan.tokens"),
        ("[scan]\nmax_age = \"0s\"", "scan.max_age"),
        ("[scan]\nmscp_rules = \"no-such-dir\"", "scan.mscp_rules"),
        ("[[scan.tools]]\nname = \"lynis\"", "no name for a tool"),
        ("[[scan.tools]]\nname = \"x\"", "x has no command"),
        (
            "[[scan.tools]]\nname = \"x\"\ncommand = [\"x\"]\nformat = \"xml\"",
            "x: format",
        ),
        (
            "[[scan.tools]]\nname = \"x\"\ncommand = [\"x\"]\nitems = \"a\"",
            "no JSON pointer",
        ),
        (
            "[agent]\nkind = \"catalog\"\n[prove]\nsecond_opinion = true",
            "prove.second_opinion",
        ),
        (
            "[prove]\nsecond_opinion = true\nsecond_opinion_usd = 400",
            "spend.daily_cap_usd",
        ),
        ("[sandbox]\nlevel = \"some\"", "sandbox.level"),
        (
            "[sandbox.limits]\nmemory_mib = 640",
            "sandbox.limits.memory_mib",
        ),
        (
            "[sandbox.limits]\nprocesses = 1",
            "sandbox.limits.processes",
        ),
        ("[sandbox.limits]\nfiles = 3", "sandbox.limits.files"),
        ("[sandbox.limits]\nfile_mib = 0", "sandbox.limits.file_mib"),
        ("[sandbox.limits]\ndisk_mib = 0", "sandbox.limits.disk_mib"),
        ("[sandbox.limits]\ndisk = \"1 GiB\"", "disk"),
        ("[agent]\nkind = \"hal\"", "agent.kind"),
        ("[repo]\nbranch = \"main\"", "repo.branch"),
        ("[ansible]\npass_env = [\"A B\"]", "ansible.pass_env"),
        ("[ansible]\npass_env = [\"LD_PRELOAD\"]", "LD_PRELOAD"),
        ("[ansible]\nruntime = \"pip\"", "ansible.runtime"),
        ("[nonsense]\nx = 1", "nonsense"),
        ("[discord]\nchannel_id = \"#status\"", "channel"),
        ("[repo]\nallowed = [\"/etc\"]", "repo.allowed"),
        ("[repo]\nallowed = [\"roles/../../x\"]", "repo.allowed"),
        ("[repo]\nallowed = [\"~/x\"]", "repo.allowed"),
        ("[repo]\noff_limits = [\"/etc\"]", "repo.off_limits"),
        ("[agent]\nmax_turns = 0", "agent.max_turns"),
        ("[agent]\ndeadline = \"0s\"", "agent.deadline"),
        ("[agent]\nsilence = \"0s\"", "agent.silence"),
        ("[agent]\nmodel = \" \"", "agent.model"),
        ("[agent]\nprompts = \"nowhere\"", "agent.prompts"),
        ("[agent]\nbase_url = \"api.example.org\"", "agent.base_url"),
        ("[agent]\nbase_url = \"file:///x\"", "agent.base_url"),
        ("[discord]\nbase_url = \"\"", "discord.base_url"),
        ("[ansible]\ndeadline = \"0s\"", "ansible.deadline"),
        ("[coordinate]\nwait = \"0s\"", "coordinate.wait"),
        ("[coordinate]\noverdue = \"0s\"", "coordinate.overdue"),
        ("[coordinate]\nsilent = \"0s\"", "coordinate.silent"),
        ("[wiki]\npath = \"/\"", "wiki.path"),
    ] {
        let error = parsed(&format!("{file}{text}")).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
    assert!(parsed("").unwrap_err().contains("playbook.file"));
    assert!(
        parsed("[playbook]\nfile = \"../x.yml\"")
            .unwrap_err()
            .contains("inside")
    );
}

#[test]
fn dollars_are_read_exactly() {
    for (text, micro) in [
        ("150", 150_000_000),
        ("0.000001", 1),
        ("2.5", 2_500_000),
        ("1000000", 1_000_000_000_000),
    ] {
        assert_eq!(parse_dollars(text), Ok(MicroUsd(micro)), "{text}");
    }
    for text in ["", "0", "0.0000001", "1e3", "-1", "1.2.3", "1000001", "١"] {
        assert!(parse_dollars(text).is_err(), "{text}");
    }
}

#[test]
fn a_branch_is_one_that_git_takes() {
    let with = |name: &str| {
        // TOML wants this one escaped, JSON does not.
        let name = serde_json::Value::from(name)
            .to_string()
            .replace('\u{7f}', "\\u007f");
        parsed(&format!(
            "[playbook]\nfile = \"p.yml\"\n[repo]\nbranch = {name}"
        ))
    };
    for name in ["secloop/x", "secloop/a/b-1", "secloop/a.b", "secloop/@"] {
        assert!(with(name).is_ok(), "{name}");
    }
    for own in [
        "", "a b", "a..b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a\tb", "a\u{7f}b",
        "a.lock", "a.lock/b", "a/", "/a", "a//b", "a@{b", ".a", "a/.b", "a.",
    ] {
        let error = with(&format!("secloop/{own}")).unwrap_err();
        assert!(error.contains("repo.branch"), "{own}: {error}");
    }
}
