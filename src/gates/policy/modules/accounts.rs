//! Accounts and groups.

use super::{BUILTIN, Call, Module, POSIX};
use crate::gates::policy::issue::Issue;
use crate::playbook::yaml::Node;

pub(super) const MODULES: &[Module] = &[
    Module {
        names: "user",
        collection: BUILTIN,
        params: &[
            "name",
            "user",
            "comment",
            "shell",
            "home",
            "system",
            "create_home",
            "createhome",
            "state",
            "groups",
            "append",
            "group",
            "password",
            "password_lock",
            "uid",
            "password_expire_max",
            "password_expire_min",
            "password_expire_warn",
            "update_password",
            "remove",
            "move_home",
        ],
        judge: user,
    },
    Module {
        names: "group",
        collection: BUILTIN,
        params: &["name", "state", "system", "gid"],
        judge: group,
    },
    Module {
        names: "authorized_key",
        collection: POSIX,
        params: &[
            "user",
            "key",
            "state",
            "path",
            "manage_dir",
            "comment",
            "key_options",
            "exclusive",
        ],
        judge: key,
    },
];

/// Accounts that systems bring and nobody logs in to.
const SYSTEM: &str = " games lp news uucp proxy list irc gnats sync halt shutdown operator ftp nobody mail man backup www-data \
    daemon bin sys postfix nginx apache mysql postgres redis messagebus systemd-network ";
/// Groups that are as good as root, or read everything.
const STRONG: &str = " root sudo wheel admin adm docker lxd lxc incus disk shadow libvirt staff sys daemon kmem systemd-journal \
    podman com.apple.access_ssh _appserveradm ";

fn among(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|n| n == name)
}

fn user(call: &Call<'_>) -> Vec<Issue> {
    let name = call
        .first(&["name", "user"])
        .and_then(Node::text)
        .unwrap_or_default();
    let mut issues = Vec::new();
    let mut held =
        |what: String| issues.push(call.held("account", format!("{what}; a person decides")));
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || !name.chars().all(plain) && !name.contains("{{") {
        held("an account without a plain name".to_owned());
    }
    let system = call.get("system").and_then(Node::boolean) == Some(true);
    let known = among(SYSTEM, name);
    match call.text("state") {
        "" | "present" => {}
        "absent" if ["games", "news", "uucp", "gnats", "irc", "lp", "ftp"].contains(&name) => {}
        _ => held(format!("the account {name} is removed")),
    }
    if name == "root" {
        held("the account root is changed".to_owned());
    }
    for group in call.texts(&["groups", "group"]) {
        if among(STRONG, group) || group.contains("{{") {
            held(format!("{name} becomes a member of {group}"));
        }
    }
    if call.get("groups").is_some() && call.get("append").and_then(Node::boolean) != Some(true) {
        held(format!("{name} loses every group that is not named"));
    }
    let shell = call.text("shell");
    let none = [
        "/usr/sbin/nologin",
        "/sbin/nologin",
        "/bin/false",
        "/usr/bin/false",
    ];
    let shells = [
        "",
        "/bin/bash",
        "/bin/sh",
        "/bin/zsh",
        "/usr/bin/zsh",
        "/usr/bin/bash",
        "/usr/bin/fish",
    ];
    if none.contains(&shell) {
        if !system && !known {
            held(format!("{name} can no longer log in"));
        }
    } else if known && !shell.is_empty() {
        held(format!("{name}, an account of the system's, gets a shell"));
    } else if !shells.contains(&shell) {
        held(format!("the shell {}", crate::text::plain(shell, 60)));
    }
    let home = call.text("home");
    let homes = [
        "/home/",
        "/var/lib/",
        "/Users/",
        "/nonexistent",
        "/opt/",
        "/srv/",
    ];
    if !home.is_empty() && (!homes.iter().any(|h| home.starts_with(h)) || home.contains("..")) {
        held(format!(
            "the home directory {}",
            crate::text::plain(home, 60)
        ));
    }
    let password = call.text("password");
    if !["", "!", "*", "!!"].contains(&password) {
        held(format!("{name} gets a password"));
    } else if (!password.is_empty()
        || call.get("password_lock").and_then(Node::boolean) == Some(true))
        && !system
        && !known
    {
        held(format!("{name} can no longer log in"));
    }
    if call.get("uid").is_some() && !call.text("uid").parse::<u32>().is_ok_and(|n| n >= 100) {
        issues.push(call.refused("account", "an account with the rights of root"));
        return issues;
    }
    issues.extend(ages(call));
    issues
}

/// How long a password may be used.
fn ages(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (key, low, high) in [
        ("password_expire_max", 30, 365),
        ("password_expire_min", 0, 7),
        ("password_expire_warn", 1, 30),
    ] {
        if call.get(key).is_some()
            && !call
                .text(key)
                .parse::<u32>()
                .is_ok_and(|n| (low..=high).contains(&n))
        {
            issues.push(call.held(
                "account",
                format!("{key} that locks out or does not protect"),
            ));
        }
    }
    issues
}

fn group(call: &Call<'_>) -> Vec<Issue> {
    let name = call.text("name");
    if call.text("state") == "absent" {
        return vec![call.held(
            "account",
            format!("the group {name} is removed; a person decides"),
        )];
    }
    if call.get("gid").is_some() && !call.text("gid").parse::<u32>().is_ok_and(|n| n >= 100) {
        return vec![call.refused("account", "a group with the rights of root or the system")];
    }
    Vec::new()
}

fn key(call: &Call<'_>) -> Vec<Issue> {
    vec![call.held(
        "access",
        "a key that lets somebody in, or out; a person decides",
    )]
}
