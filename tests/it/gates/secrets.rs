//! No credential comes in. The samples are made up, and put together here so that no scanner
//! takes this file for a leak.

use secloop::gates::secrets;
use secloop::turn::Verdict;

use super::{assert_says, change, changes};

const MADE_UP: &str = "q7Zt2LmX9vKp4RwB8nYc3HsD6fJg1TaUeWxQ";

fn samples() -> Vec<(&'static str, String)> {
    let m = MADE_UP;
    vec![
        (
            "a private key",
            format!("-----BEGIN {} PRIVATE KEY-----\n{m}\n", "OPENSSH"),
        ),
        (
            "a private key",
            format!("key: \"-----BEGIN {}PRIVATE KEY-----\\n{m}\"\n", ""),
        ),
        (
            "an AWS access key",
            format!("id = AK{}\n", "IAQ7ZT2LMX9VKP4RWB"),
        ),
        ("a GitHub token", format!("gh{}_{m}\n", "p")),
        ("a GitHub token", format!("github_{}_{m}{m}\n", "pat")),
        ("a Slack token", format!("xox{}-{m}\n", "b")),
        (
            "a Slack webhook",
            format!("https://hooks.slack.com/{}/T0/B0/{m}\n", "services"),
        ),
        ("an Anthropic key", format!("sk-{}-{m}\n", "ant")),
        ("an OpenAI key", format!("sk-{}-{m}\n", "proj")),
        (
            "a Discord token",
            format!("M{}.{}.{m}\n", &m[..23], &m[..6]),
        ),
        (
            "a Discord webhook",
            format!(
                "https://discord.com/api/webhooks/{}/{m}{m}\n",
                "1".repeat(18)
            ),
        ),
        (
            "a password in a URL",
            format!("url: https://me:{}@example.org/\n", &m[..12]),
        ),
        (
            "a password, secret",
            format!("db_password: \"{}\"\n", &m[..20]),
        ),
        (
            "a password, secret",
            format!("export MY_TOKEN={}\n", &m[..20]),
        ),
        (
            "a password, secret",
            format!("{{\"client_secret\": \"{}\"}}\n", &m[..24]),
        ),
        (
            "a password, secret",
            format!("api_key: {}\n", "9f86d081884c7d659a2feaa0c55ad015"),
        ),
    ]
}

#[test]
fn credentials_are_refused_by_place_and_kind_and_never_shown() {
    for (kind, text) in samples() {
        let file = format!("one\n{text}");
        let verdict = secrets(&changes(vec![change("a/b.yml", None, Some(&file))]), &[]);
        assert_says(
            &text,
            &verdict,
            &format!("refused: a/b.yml:2: it looks like {kind}"),
        );
        let verdict = secrets(&changes(vec![]), &["fine".to_owned(), text.clone()]);
        assert_says(
            &text,
            &verdict,
            &format!("refused: the report: it holds {kind}"),
        );
        let Verdict::Refused(why) = verdict else {
            unreachable!()
        };
        assert!(!why.contains(&MADE_UP[..6]), "{why}");

        let same = change("a/b.yml", Some(&file), Some(&format!("{file}two\n")));
        assert_says("it was there", &secrets(&changes(vec![same]), &[]), "");
        let moved = vec![
            change("a/b.yml", Some(&file), None),
            change("a/c.yml", None, Some(&file)),
        ];
        assert_says("it moves", &secrets(&changes(moved), &[]), "");
    }
}

#[test]
fn variables_placeholders_and_rules_about_secrets_are_no_secrets() {
    for text in [
        "password: \"{{ vault_db_password }}\"",
        "token=$(security find-generic-password -w -s secloop)",
        "TOKEN=${GITHUB_TOKEN:-none}",
        "token: \"{{ lookup('env', 'DISCORD_BOT_TOKEN') }}\"",
        "api_key: your-api-key-goes-here-1234567",
        "password: changeme-changeme-1",
        "token: xxxxxxxxxxxxxxxxxxxxxxxx",
        "aws: AKIAIOSFODNN7EXAMPLE",
        "match 'ghp_[A-Za-z0-9]{36}' && deny \"it names a token\"",
        "grep -q -- '-----BEGIN [A-Z ]*PRIVATE KEY-----' \"$1\"",
        "header='-----BEGIN OPENSSH PRIVATE KEY-----'",
        "secrets_file: /etc/secloop/secrets/production-2024.yml",
        "token_path: ~/.config/gh/hosts.yml",
        "password_policy: minimum-length-of-passwords",
        "askForPassword=1 askForPasswordDelay=0",
        "checksum: sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
        "url: https://example.org:8443/path@here",
        "sk-learn and sk-short",
    ] {
        let verdict = secrets(
            &changes(vec![change("a", None, Some(text))]),
            &[text.to_owned()],
        );
        assert_says(text, &verdict, "");
    }
}
