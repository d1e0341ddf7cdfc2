//! Settings of macOS and of git.

use super::{Call, GENERAL, Module, system};
use crate::gates::policy::issue::Issue;
use crate::gates::policy::schema;

pub(super) const MODULES: &[Module] = &[
    Module {
        names: "osx_defaults",
        collection: GENERAL,
        params: &[
            "domain",
            "key",
            "type",
            "value",
            "host",
            "state",
            "array_add",
            "check_type",
        ],
        judge: preference,
    },
    Module {
        names: "git_config",
        collection: GENERAL,
        params: &["name", "value", "scope", "state", "add_mode"],
        judge: git,
    },
];

fn preference(call: &Call<'_>) -> Vec<Issue> {
    if call.text("state") == "absent" {
        return vec![call.held("removes", "a setting is taken out; a person decides")];
    }
    if call.text("state") == "list" {
        return vec![call.held("weakened", "it sets nothing with state: list")];
    }
    let domain = if call.text("domain").is_empty() {
        "NSGlobalDomain"
    } else {
        call.text("domain")
    };
    let of_host = [
        "com.apple.screensaver",
        "com.apple.ImageCapture",
        "com.apple.controlcenter",
    ];
    let host = call.text("host");
    let own = host.is_empty() || host == "currentHost" && of_host.contains(&domain);
    if !own {
        return vec![call.held(
            "schema-defaults",
            "a setting for one host, which may not be where it is read; a person decides",
        )];
    }
    if call.get("value").is_some_and(|v| v.text().is_none()) {
        return vec![call.held(
            "schema-defaults",
            "a list as the value of a setting; a person decides",
        )];
    }
    let value = call.text("value");
    system::said(
        call,
        "schema-defaults",
        schema::defaults(domain, call.text("key"), value),
    )
    .into_iter()
    .collect()
}

fn git(call: &Call<'_>) -> Vec<Issue> {
    if ["absent", "list"].contains(&call.text("state")) || call.get("value").is_none() {
        return vec![call.held("removes", "a setting of git is taken out; a person decides")];
    }
    if !["global", "system"].contains(&call.text("scope")) {
        return vec![call.held("schema-git", "settings of one repository; a person decides")];
    }
    system::said(
        call,
        "schema-git",
        schema::git(call.text("name"), call.text("value")),
    )
    .into_iter()
    .collect()
}
