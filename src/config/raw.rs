//! The configuration file as it is written: every key optional, unknown keys refused.

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) r#loop: RawLoop,
    pub(super) spend: RawSpend,
    pub(super) agent: RawAgent,
    pub(super) sandbox: RawSandbox,
    pub(super) egress: RawEgress,
    pub(super) repo: RawRepo,
    pub(super) playbook: RawPlaybook,
    pub(super) policy: RawPolicy,
    pub(super) ansible: RawAnsible,
    pub(super) coordinate: RawCoordinate,
    pub(super) discord: RawDiscord,
    pub(super) wiki: RawWiki,
    pub(super) guard: RawGuard,
    pub(super) memory: RawMemory,
    pub(super) prove: RawProve,
    pub(super) scan: RawScan,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawGuard {
    pub(super) tripwire: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLoop {
    pub(super) interval: Option<Span>,
    pub(super) confirmations: Option<u32>,
    pub(super) max_failures: Option<u32>,
    pub(super) dry_spell: Option<u32>,
    pub(super) diminishing: Option<u32>,
    pub(super) max_turns: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawSpend {
    pub(super) daily_cap_usd: Option<Dollars>,
    pub(super) per_iteration_usd: Option<Dollars>,
    pub(super) unanswered_call_usd: Option<Dollars>,
    pub(super) zone: Option<String>,
    pub(super) roots: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAgent {
    pub(super) kind: Option<String>,
    pub(super) model: Option<String>,
    pub(super) program: Option<String>,
    pub(super) max_turns: Option<u32>,
    pub(super) deadline: Option<Span>,
    pub(super) silence: Option<Span>,
    pub(super) base_url: Option<String>,
    pub(super) credential_env: Option<Vec<String>>,
    pub(super) credential_file: Option<String>,
    pub(super) credential_command: Option<Vec<String>>,
    pub(super) credential_keychain: Option<String>,
    pub(super) credential_login: Option<bool>,
    pub(super) off_limits: Option<Vec<String>>,
    pub(super) prompts: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPolicy {
    pub(super) unknown: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawSandbox {
    pub(super) level: Option<String>,
    pub(super) user: Option<String>,
    pub(super) engine: Option<String>,
    pub(super) image: Option<String>,
    pub(super) limits: RawLimits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) processes: Option<u32>,
    pub(super) files: Option<u32>,
    pub(super) memory_mib: Option<u32>,
    pub(super) file_mib: Option<u32>,
    pub(super) disk_mib: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawEgress {
    pub(super) proxy: Option<bool>,
    pub(super) allow: Option<Vec<String>>,
    pub(super) deny: Option<Vec<String>>,
    pub(super) ports: Option<Vec<u16>>,
    pub(super) connections: Option<u16>,
    pub(super) per_minute: Option<u32>,
    pub(super) megabytes: Option<u32>,
    pub(super) idle: Option<Span>,
    pub(super) server_tools: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRepo {
    pub(super) path: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) push: Option<bool>,
    pub(super) idle_lines: Option<usize>,
    pub(super) allowed: Option<Vec<String>>,
    pub(super) off_limits: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPlaybook {
    pub(super) file: Option<String>,
    pub(super) args: Option<Vec<String>>,
    pub(super) watch: Option<Vec<String>>,
    pub(super) system: Option<bool>,
    pub(super) deadman: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAnsible {
    pub(super) runtime: Option<String>,
    pub(super) pass_env: Option<Vec<String>>,
    pub(super) deadline: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCoordinate {
    pub(super) decider: Option<String>,
    pub(super) wait: Option<Span>,
    pub(super) overdue: Option<Span>,
    pub(super) silent: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDiscord {
    pub(super) base_url: Option<String>,
    pub(super) channel_id: Option<ChannelId>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProve {
    pub(super) corpus: Option<Vec<String>>,
    pub(super) hook_budget: Option<Span>,
    pub(super) replay: Option<Span>,
    pub(super) replay_days: Option<u32>,
    pub(super) second_opinion: Option<bool>,
    pub(super) second_opinion_usd: Option<Dollars>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawScan {
    pub(super) lynis_report: Option<String>,
    pub(super) lynis_audit: Option<bool>,
    pub(super) mscp_rules: Option<String>,
    pub(super) max_age: Option<Span>,
    pub(super) refresh: Option<Span>,
    pub(super) tokens: Option<usize>,
    pub(super) tools: Vec<RawTool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTool {
    pub(super) name: Option<String>,
    pub(super) command: Vec<String>,
    pub(super) format: Option<String>,
    pub(super) deadline: Option<Span>,
    pub(super) items: Option<String>,
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) target: Option<String>,
    pub(super) status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMemory {
    pub(super) tokens: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawWiki {
    pub(super) path: Option<String>,
    pub(super) title: Option<String>,
    pub(super) newest_first: Option<bool>,
    pub(super) include_open: Option<bool>,
}

/// A duration as people write it: `"30m"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub(super) std::time::Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        humantime::parse_duration(&text).map(Self).map_err(|e| {
            serde::de::Error::custom(format!("\"{text}\" is no duration such as \"30m\": {e}"))
        })
    }
}

/// US dollars as a TOML integer, float or decimal string, read exactly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dollars(pub(super) crate::gate::MicroUsd);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Number {
            Integer(i64),
            Float(f64),
            Text(String),
        }
        let text = match Number::deserialize(from)? {
            Number::Integer(n) => n.to_string(),
            // Rust prints the shortest decimal that reads back as the same float.
            Number::Float(x) => x.to_string(),
            Number::Text(s) => s,
        };
        parse_dollars(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// Reads a positive decimal amount of dollars with at most six decimals and at most a million.
pub(super) fn parse_dollars(text: &str) -> Result<crate::gate::MicroUsd, String> {
    let bad = || {
        format!("{text} is no amount of US dollars above 0 and at most 1000000, such as 150 or 2.5")
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 7 || part.len() > 6 || !digits(whole) || !digits(part) {
        return Err(bad());
    }
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| bad())?;
    let micro = whole * 1_000_000 + part;
    if micro == 0 || micro > 1_000_000 * 1_000_000 {
        return Err(bad());
    }
    Ok(crate::gate::MicroUsd(micro))
}

/// A Discord channel id; TOML integers are taken too.
#[derive(Debug, Clone)]
pub(super) struct ChannelId(pub(super) String);

impl<'de> Deserialize<'de> for ChannelId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Id {
            Integer(u64),
            Text(String),
        }
        let text = match Id::deserialize(from)? {
            Id::Integer(n) => n.to_string(),
            Id::Text(s) => s,
        };
        if text.is_empty() || text.chars().all(|c| c.is_ascii_digit()) && text.len() <= 20 {
            Ok(Self(text))
        } else {
            Err(serde::de::Error::custom(format!(
                "\"{text}\" is no channel id, which is a number"
            )))
        }
    }
}
