//! Modules that talk to others, or take files from the machine.

use super::{BUILTIN, Call, Module};
use crate::gates::policy::issue::Issue;
use crate::playbook::yaml::Node;

pub(super) const MODULES: &[Module] = &[
    Module {
        names: "uri",
        collection: BUILTIN,
        params: &[
            "url",
            "method",
            "status_code",
            "return_content",
            "timeout",
            "validate_certs",
            "headers",
            "body",
            "body_format",
            "src",
            "dest",
        ],
        judge: uri,
    },
    Module {
        names: "get_url unarchive git",
        collection: BUILTIN,
        params: &[
            "url",
            "dest",
            "checksum",
            "mode",
            "owner",
            "group",
            "src",
            "remote_src",
            "repo",
            "version",
            "depth",
            "update",
            "creates",
            "timeout",
            "validate_certs",
        ],
        judge: download,
    },
    Module {
        names: "slurp fetch",
        collection: BUILTIN,
        params: &["src", "path", "dest", "flat"],
        judge: take,
    },
    Module {
        names: "wait_for",
        collection: BUILTIN,
        params: &[
            "port",
            "host",
            "timeout",
            "delay",
            "state",
            "path",
            "search_regex",
            "sleep",
            "msg",
        ],
        judge: wait,
    },
    Module {
        names: "add_host",
        collection: BUILTIN,
        params: &["name", "groups"],
        judge: host,
    },
    Module {
        names: "pause",
        collection: BUILTIN,
        params: &["seconds", "minutes", "prompt"],
        judge: pause,
    },
];

fn is_local(host: &str) -> bool {
    ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host)
}

fn uri(call: &Call<'_>) -> Vec<Issue> {
    let rest = call.text("url").split("://").nth(1).unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(h, _)| h);
    let sends = ["body", "src", "headers"]
        .iter()
        .any(|k| call.get(k).is_some())
        || !["", "GET", "HEAD"].contains(&call.text("method"));
    if is_local(host) && !sends && call.get("dest").is_none() && !authority.contains('@') {
        return Vec::new();
    }
    if sends && !is_local(host) {
        return vec![call.refused(
            "sends",
            "it sends something to another machine; leave it out",
        )];
    }
    vec![call.held("transfers", "it talks to another machine; a person decides")]
}

fn download(call: &Call<'_>) -> Vec<Issue> {
    let from = ["url", "src", "repo"].map(|k| call.text(k)).join(" ");
    if from.contains("http://")
        || from.contains("ftp://")
        || from.contains("git://")
        || call.get("validate_certs").and_then(Node::boolean) == Some(false)
    {
        return vec![call.refused("transfers", "a download that anybody on the way can change")];
    }
    vec![call.held(
        "transfers",
        "it talks to others, and brings in what nobody here has read; a person decides",
    )]
}

fn take(call: &Call<'_>) -> Vec<Issue> {
    vec![call.held("secret", "it takes a file's content; a person decides")]
}

fn wait(call: &Call<'_>) -> Vec<Issue> {
    let long = |key: &str| {
        call.get(key).is_some() && !call.text(key).parse::<u32>().is_ok_and(|n| n <= 300)
    };
    if !call.text("host").is_empty() && !is_local(call.text("host")) {
        return vec![call.held("transfers", "it talks to another machine; a person decides")];
    }
    if long("timeout") || long("delay") {
        return vec![call.held("rollback", "it waits for longer than five minutes")];
    }
    Vec::new()
}

fn host(call: &Call<'_>) -> Vec<Issue> {
    vec![call.refused(
        "hosts",
        "another host comes in; this machine alone is managed",
    )]
}

fn pause(call: &Call<'_>) -> Vec<Issue> {
    if call.get("prompt").is_none()
        && call.text("minutes").is_empty()
        && call.text("seconds").parse::<u32>().is_ok_and(|n| n <= 60)
    {
        return Vec::new();
    }
    vec![call.refused(
        "rollback",
        "it waits for somebody who isn't there; leave it out",
    )]
}
