//! What a value has to be. Each error names the key and the cure.

use std::path::{Component, Path};
use std::time::Duration;

use super::load::Env;
use super::resolved::{AgentKind, Config, Level, Secret};

/// Checks what has been resolved, as far as one value alone or the disk tells.
pub(super) fn check(config: &Config) -> Result<(), String> {
    positive(config)?;
    limits(config)?;
    convergence(config)?;
    if config.r#loop.interval < Duration::from_secs(1) {
        return Err("loop.interval (or --interval) must be at least 1s".to_owned());
    }
    for (key, value) in [
        ("agent.deadline", config.agent.deadline),
        ("agent.silence", config.agent.silence),
        ("ansible.deadline", config.ansible.deadline),
        ("playbook.deadman", config.playbook.deadman),
        ("prove.hook_budget", config.prove.hook_budget),
        ("prove.replay", config.prove.replay),
        ("coordinate.wait", config.coordinate.wait),
        ("coordinate.overdue", config.coordinate.overdue),
        ("coordinate.silent", config.coordinate.silent),
    ] {
        if value.is_zero() {
            return Err(format!(
                "{key} must be longer than 0s, such as \"10m\"; leave it out for the default"
            ));
        }
    }
    if config.spend.per_iteration > config.spend.daily_cap {
        return Err(
            "spend.per_iteration_usd is above spend.daily_cap_usd; lower it, or raise the cap"
                .to_owned(),
        );
    }
    confinement(config)?;
    branch(&config.repo.branch)?;
    for (key, list) in [
        ("repo.allowed", &config.repo.allowed),
        ("repo.off_limits", &config.repo.off_limits),
    ] {
        list.iter().try_for_each(|entry| inside(key, entry))?;
    }
    if config.agent.model.trim().is_empty() {
        return Err(
            "agent.model is empty; name a model such as \"sonnet\", or leave it out".to_owned(),
        );
    }
    if !config.agent.base_url.is_empty() {
        url(
            "agent.base_url (or ANTHROPIC_BASE_URL)",
            &config.agent.base_url,
        )?;
    }
    url("discord.base_url", &config.discord.base_url)?;
    if !config
        .discord
        .channel_id
        .chars()
        .all(|c| c.is_ascii_digit())
    {
        return Err(
            "DISCORD_STATUS_CHANNEL_ID is no channel id, which is a number; correct or unset it"
                .to_owned(),
        );
    }
    let prompts = &config.agent.prompts;
    if !prompts.as_os_str().is_empty() && !prompts.is_dir() {
        return Err(format!(
            "agent.prompts: {} is no directory; make it, or leave the key out for the prompts \
             that come with secloop",
            prompts.display()
        ));
    }
    if config.wiki.path.is_dir() {
        return Err(format!(
            "wiki.path: {} is a directory; name the page, such as {}",
            config.wiki.path.display(),
            config
                .wiki
                .path
                .join("security-improvement-log.md")
                .display()
        ));
    }
    Ok(())
}

/// When the loop ends, what it remembers, and who objects.
fn convergence(config: &Config) -> Result<(), String> {
    for (key, value) in [
        ("loop.confirmations", config.r#loop.confirmations),
        ("loop.diminishing", config.r#loop.diminishing),
    ] {
        if value < 2 {
            return Err(format!(
                "{key} must be at least 2: the word of one call ends nothing"
            ));
        }
    }
    if !(200..=10_000).contains(&config.memory.tokens) {
        return Err(
            "memory.tokens must be from 200 to 10000; leave it out for the default of 2000"
                .to_owned(),
        );
    }
    if config.prove.second_opinion && config.agent.kind == AgentKind::Catalog {
        return Err(
            "prove.second_opinion needs a model, and agent.kind is \"catalog\": set it to \
             \"claude\", or leave the second opinion out"
                .to_owned(),
        );
    }
    if config.prove.second_opinion && config.prove.second_opinion_cost > config.spend.daily_cap {
        return Err(
            "prove.second_opinion_usd is above spend.daily_cap_usd; lower it, or raise the cap"
                .to_owned(),
        );
    }
    Ok(())
}

/// What guards the agent.
fn confinement(config: &Config) -> Result<(), String> {
    config
        .guard
        .tripwire
        .iter()
        .try_for_each(|entry| crate::guard::tripwire::check_entry(entry))?;
    if config.sandbox.level == Level::Container && !config.egress.proxy {
        return Err(
            "sandbox.level is \"container\", which has no network but the proxy: leave egress.proxy out"
                .to_owned(),
        );
    }
    Ok(())
}

/// A path inside the repository, relative to its top.
pub(super) fn inside(key: &str, entry: &str) -> Result<(), String> {
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if Path::new(entry).components().all(plain) && !entry.starts_with('~') {
        return Ok(());
    }
    Err(format!(
        "{key}: \"{entry}\" must be relative to repo.path and stay inside it, such as \"roles/\""
    ))
}

/// A branch of secloop's own, by git's rules for names (`git check-ref-format`).
fn branch(name: &str) -> Result<(), String> {
    let Some(own) = name.strip_prefix("secloop/") else {
        return Err(format!(
            "repo.branch: \"{name}\" must begin with secloop/, such as \"secloop/hardening\""
        ));
    };
    let forbidden =
        |c: char| c.is_ascii_control() || [' ', '~', '^', ':', '?', '*', '[', '\\'].contains(&c);
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if own.contains(forbidden)
        || own.contains("..")
        || own.contains("@{")
        || own.ends_with('.')
        || own.split('/').any(bad_part)
    {
        return Err(format!(
            "repo.branch: git takes no branch named \"{}\"; use letters, digits and dashes, such \
             as \"secloop/hardening\"",
            name.escape_debug()
        ));
    }
    Ok(())
}

fn url(key: &str, text: &str) -> Result<(), String> {
    let usable = reqwest::Url::parse(text)
        .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    if usable {
        return Ok(());
    }
    Err(format!(
        "{key}: \"{text}\" is no http or https URL; correct it, or leave it out for the default"
    ))
}

/// The named variables with their values.
pub(super) fn pass_env(names: Vec<String>, env: &Env) -> Result<Vec<(String, Secret)>, String> {
    names
        .into_iter()
        .map(|name| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let steers = ["ANSIBLE_", "PYTHON", "LD_", "DYLD_", "SECLOOP_"];
            if name.is_empty() || !name.chars().all(plain) {
                return Err(format!(
                    "ansible.pass_env: \"{name}\" is no variable's name"
                ));
            }
            if let Some(start) = steers.iter().find(|s| name.starts_with(**s)) {
                return Err(format!(
                    "ansible.pass_env: {name} is not passed on: {start}… steers how Ansible runs, \
                     which is secloop's part"
                ));
            }
            let value = env.get(&name).cloned().unwrap_or_default();
            Ok((name, Secret::new(value)))
        })
        .collect()
}

/// One of the words that a key knows.
pub(super) fn word<T: Copy>(
    key: &str,
    value: Option<&str>,
    default: &str,
    known: &[(&str, T)],
) -> Result<T, String> {
    let value = value.unwrap_or(default);
    known
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, t)| *t)
        .ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(n, _)| *n).collect();
            format!(
                "{key}: \"{value}\" is unknown; known are {}",
                names.join(", ")
            )
        })
}

/// What the agent needs to start at all.
fn limits(config: &Config) -> Result<(), String> {
    for (key, value, least) in [
        ("processes", config.sandbox.limits.processes, 64),
        ("files", config.sandbox.limits.files, 256),
        ("memory_mib", config.sandbox.limits.memory_mib, 1024),
    ] {
        if value < least {
            return Err(format!(
                "sandbox.limits.{key} must be at least {least}: the agent does not start with less"
            ));
        }
    }
    Ok(())
}

/// What none is no bound of.
fn positive(config: &Config) -> Result<(), String> {
    for (key, value) in [
        ("loop.max_failures", config.r#loop.max_failures),
        ("loop.dry_spell", config.r#loop.dry_spell),
        ("loop.max_turns", config.r#loop.max_turns),
        ("agent.max_turns", config.agent.max_turns),
        ("sandbox.limits.file_mib", config.sandbox.limits.file_mib),
        ("sandbox.limits.disk_mib", config.sandbox.limits.disk_mib),
        ("prove.replay_days", config.prove.replay_days),
    ] {
        if value == 0 {
            return Err(format!("{key} must be at least 1"));
        }
    }
    Ok(())
}
