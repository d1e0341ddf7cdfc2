//! The agent's network and credential, as they stand in the file.

use std::path::{Path, PathBuf};

use super::load::Env;
use super::raw::{RawAgent, RawEgress};
use super::resolved::EgressConfig;
use crate::egress::{Limits, Pattern, Rules, Source};

/// Variables that may hold the credential, where no key says otherwise.
const VARIABLES: [&str; 3] = [
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
];

/// Where the credential comes from: the one key that is set, or the environment.
pub(super) fn source(
    raw: &RawAgent,
    env: &Env,
    home: &Path,
    path: impl Fn(&str) -> PathBuf,
) -> Result<Source, String> {
    let mut given = Vec::new();
    if let Some(names) = &raw.credential_env {
        given.push(("credential_env", Source::Environment(names.clone())));
    }
    if let Some(file) = &raw.credential_file {
        given.push(("credential_file", Source::File(path(file))));
    }
    if let Some(words) = &raw.credential_command {
        if words
            .first()
            .is_none_or(|program| program.trim().is_empty())
        {
            let example = "[\"op\", \"read\", \"op://Private/Anthropic/credential\"]";
            return Err(format!(
                "agent.credential_command names no program, such as {example}"
            ));
        }
        given.push(("credential_command", Source::Command(words.clone())));
    }
    if let Some(service) = &raw.credential_keychain {
        if service.is_empty() || service.starts_with('-') {
            return Err("agent.credential_keychain names no item's service".to_owned());
        }
        given.push(("credential_keychain", Source::Keychain(service.clone())));
    }
    if raw.credential_login == Some(true) {
        let config_dir = env.get("CLAUDE_CONFIG_DIR").map_or("", String::as_str);
        // What the variable names comes before the places that are there without it.
        let mut dirs = crate::spend::roots(config_dir, home, &[]);
        let named = dirs.split_off(dirs.len().min(2));
        dirs.splice(0..0, named);
        given.push(("credential_login", Source::Login(dirs)));
    }
    match given.as_slice() {
        [] => Ok(Source::Environment(VARIABLES.map(str::to_owned).to_vec())),
        [(_, source)] => Ok(source.clone()),
        [(one, _), (other, _), ..] => Err(format!(
            "agent.{one} and agent.{other}: the credential comes from one place; leave one of them \
             out"
        )),
    }
}

/// The agent's network.
pub(super) fn resolve(raw: RawEgress) -> Result<EgressConfig, String> {
    let default = EgressConfig::default();
    let list = |key: &str, list: Option<Vec<String>>| -> Result<Vec<Pattern>, String> {
        let entries = list.unwrap_or_default();
        let read = |text: &String| {
            Pattern::parse(text).map_err(|why| {
                format!(
                    "egress.{key}: \"{}\" is no host such as \"pypi.org\" or \"*.pypi.org\": {why}",
                    text.escape_debug()
                )
            })
        };
        entries.iter().map(read).collect()
    };
    let limits = default.limits;
    let config = EgressConfig {
        proxy: raw.proxy.unwrap_or(default.proxy),
        rules: Rules {
            deny: list("deny", raw.deny)?,
            allow: list("allow", raw.allow)?,
            ports: raw.ports.unwrap_or(default.rules.ports),
        },
        limits: Limits {
            connections: raw.connections.map_or(limits.connections, usize::from),
            per_minute: raw.per_minute.unwrap_or(limits.per_minute),
            bytes: raw.megabytes.map_or(limits.bytes, |mb| u64::from(mb) << 20),
            idle: raw.idle.map_or(limits.idle, |span| span.0),
        },
        server_tools: raw.server_tools.unwrap_or(default.server_tools),
    };
    for (key, nothing) in [
        ("connections", config.limits.connections == 0),
        ("per_minute", config.limits.per_minute == 0),
        ("idle", config.limits.idle.is_zero()),
        ("ports", config.rules.ports.contains(&0)),
    ] {
        if nothing {
            return Err(format!("egress.{key} must be more than 0"));
        }
    }
    if !config.proxy && !config.rules.allow.is_empty() {
        return Err(
            "egress.allow says nothing where egress.proxy = false: the agent has the host's \
             network then; leave one of them out"
                .to_owned(),
        );
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::super::load::resolve as load;
    use super::super::{Config, Overrides};
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        let text = format!("[playbook]\nfile = \"p.yml\"\n{text}");
        let raw = toml::from_str(&text).map_err(|e| e.to_string())?;
        let env = Env::from([
            ("HOME".to_owned(), "/home/kyle".to_owned()),
            ("CLAUDE_CONFIG_DIR".to_owned(), "/srv/claude".to_owned()),
        ]);
        load(
            raw,
            "secloop.toml",
            Path::new("/repo"),
            &env,
            &Overrides::default(),
        )
    }

    fn why(text: &str) -> String {
        parsed(text).map(|_| ()).unwrap_err()
    }

    #[test]
    fn without_a_key_nothing_gets_out_but_the_model() {
        let config = parsed("").unwrap();
        assert_eq!(config.egress, EgressConfig::default());
        assert!(config.egress.proxy && config.egress.rules.allow.is_empty());
        let names = VARIABLES.map(str::to_owned).to_vec();
        assert_eq!(config.agent.credential, Source::Environment(names));
    }

    #[test]
    fn every_key_is_read() {
        let config = parsed(
            "[egress]\nallow = [\"*.PyPI.org\"]\ndeny = [\"evil.pypi.org\"]\nports = [443, 8443]\n\
             connections = 2\nper_minute = 3\nmegabytes = 1\nidle = \"1m\"\nserver_tools = true",
        );
        let egress = config.unwrap().egress;
        assert_eq!(egress.rules.allow[0].to_string(), "*.pypi.org");
        assert_eq!(egress.rules.deny[0].to_string(), "evil.pypi.org");
        assert_eq!(egress.rules.ports, [443, 8443]);
        let limits = Limits {
            connections: 2,
            per_minute: 3,
            bytes: 1 << 20,
            idle: std::time::Duration::from_mins(1),
        };
        assert_eq!((egress.limits, egress.server_tools), (limits, true));
    }

    #[test]
    fn one_place_for_the_credential() {
        for (key, source) in [
            (
                "credential_file = \"~/key\"",
                Source::File("/home/kyle/key".into()),
            ),
            (
                "credential_command = [\"op\", \"read\"]",
                Source::Command(vec!["op".to_owned(), "read".to_owned()]),
            ),
            (
                "credential_keychain = \"secloop\"",
                Source::Keychain("secloop".to_owned()),
            ),
            (
                "credential_login = true",
                Source::Login(
                    [
                        "/srv/claude",
                        "/home/kyle/.claude",
                        "/home/kyle/.config/claude",
                    ]
                    .map(PathBuf::from)
                    .to_vec(),
                ),
            ),
            (
                "credential_env = [\"MINE\"]",
                Source::Environment(vec!["MINE".to_owned()]),
            ),
        ] {
            let config = parsed(&format!("[agent]\n{key}")).unwrap();
            assert_eq!(config.agent.credential, source, "{key}");
        }
        let both = why("[agent]\ncredential_file = \"/k\"\ncredential_login = true");
        assert!(
            both.contains("credential_file and agent.credential_login"),
            "{both}"
        );
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for (text, says) in [
            ("[egress]\nallow = [\"*\"]", "egress.allow"),
            ("[egress]\nallow = [\"localhost\"]", "egress.allow"),
            ("[egress]\nallow = [\"https://pypi.org\"]", "egress.allow"),
            ("[egress]\ndeny = [\"a b\"]", "egress.deny"),
            ("[egress]\nports = [0]", "egress.ports"),
            ("[egress]\nconnections = 0", "egress.connections"),
            ("[egress]\nper_minute = 0", "egress.per_minute"),
            ("[egress]\nidle = \"0s\"", "egress.idle"),
            (
                "[egress]\nproxy = false\nallow = [\"pypi.org\"]",
                "egress.proxy",
            ),
            ("[egress]\nmode = \"x\"", "mode"),
            ("[agent]\ncredential_command = []", "credential_command"),
            (
                "[agent]\ncredential_command = \"op read x\"",
                "credential_command",
            ),
            (
                "[agent]\ncredential_keychain = \"-w\"",
                "credential_keychain",
            ),
        ] {
            let why = why(text);
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
