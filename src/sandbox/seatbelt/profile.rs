//! A policy as a profile: denied is what no rule allows, and the last rule that matches holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::policy::{Network, Policy, View};
use super::rules::Rules;
use super::{canonical, system};

/// The profile's text, and the paths that its parameters stand for.
pub fn profile(policy: &Policy) -> (String, Vec<(String, PathBuf)>) {
    let mut rules = Rules::default();
    rules.add("(version 1)");
    rules.add("(deny default)");
    processes(&mut rules);
    match policy.view {
        View::WholeReadOnly => rules.add("(allow file-read*)"),
        View::Minimal => minimal(&mut rules),
    }
    for path in &policy.read {
        rules.allow("file-read*", "subpath", path);
    }
    for path in &policy.hide {
        rules.deny("file-read*", "subpath", path);
    }
    for cover in policy.covers() {
        rules.deny("file-read-data", "literal", &cover.path);
    }
    devices(&mut rules);
    writes(&mut rules, policy);
    network(&mut rules, &policy.network);
    rules.finish()
}

/// What every program does.
fn processes(rules: &mut Rules) {
    rules.add("(allow process-exec)");
    rules.add("(allow process-fork)");
    rules.add("(allow signal (target same-sandbox))");
    rules.add("(allow process-info* (target same-sandbox))");
    rules.each("allow sysctl-read", "sysctl-name", &system::SYSCTLS);
    rules.each(
        "allow sysctl-read",
        "sysctl-name-prefix",
        &system::SYSCTL_FAMILIES,
    );
    rules.each("allow mach-lookup", "global-name", &system::SERVICES);
    rules.add("(allow ipc-posix-sem)");
    // To find out where a path leads, its directories have to be looked at, though not listed.
    rules.add("(allow file-read-metadata (vnode-type DIRECTORY))");
    rules.each(
        "allow file-read*",
        "literal",
        &["/", "/etc", "/tmp", "/var"],
    );
}

fn minimal(rules: &mut Rules) {
    rules.each("allow file-read*", "subpath", &system::READ);
    rules.each("allow file-read*", "literal", &system::READ_FILES);
    rules.each("deny file-read*", "subpath", &system::PRIVATE);
}

fn devices(rules: &mut Rules) {
    rules.each("allow file-read*", "literal", &system::DEVICES);
    rules.add(
        "(allow file-write-data (require-all (literal \"/dev/null\") (vnode-type \
         CHARACTER-DEVICE)))",
    );
}

/// The places that may be written.
fn writable(policy: &Policy) -> impl Iterator<Item = &PathBuf> {
    // Nobody takes over what becomes of a working copy: it need not be copied once more.
    let work = policy.work.iter().map(|work| &work.from);
    policy.write.iter().chain(&policy.scratch).chain(work)
}

/// What may be written, and within it what may neither be read nor be moved out of the way.
fn writes(rules: &mut Rules, policy: &Policy) {
    for path in writable(policy) {
        rules.allow("file-read* file-write*", "subpath", path);
    }
    let mut held: BTreeSet<PathBuf> = BTreeSet::new();
    for path in writable(policy) {
        rules.deny("file-write-setugid", "subpath", path);
        held.insert(canonical(path));
    }
    let covers = policy.cover.iter().map(|c| &c.path);
    for path in policy.hide.iter().chain(covers) {
        let path = canonical(path);
        let Some(top) = writable(policy)
            .map(|w| canonical(w))
            .find(|w| is_below(&path, w))
        else {
            continue;
        };
        rules.deny("file-read* file-write*", "subpath", &path);
        held.extend(
            path.ancestors()
                .take_while(|p| p.starts_with(&top))
                .map(Path::to_owned),
        );
    }
    // Whoever moves a directory moves what is in it to another name, which no rule has.
    for path in &held {
        rules.deny("file-write-unlink file-write-create", "literal", path);
    }
}

fn is_below(path: &Path, top: &Path) -> bool {
    path != top && path.starts_with(top)
}

fn network(rules: &mut Rules, network: &Network) {
    match network {
        Network::None => (),
        Network::Proxy { port, .. } => {
            rules.add(format!(
                "(allow network-outbound (remote ip \"localhost:{port}\"))"
            ));
        }
        Network::Host => {
            rules.add("(allow network-outbound (remote tcp \"*:443\"))");
            rules.add("(allow network-outbound (remote ip \"localhost:*\"))");
            rules.add("(allow network-outbound (literal \"/private/var/run/mDNSResponder\"))");
        }
    }
}
