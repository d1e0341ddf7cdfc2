//! The rules' names, why they are there, and what to do instead.

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, stable.
    pub id: &'static str,
    /// Why it is there.
    pub why: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// The rule of this name; of the guard's as well.
pub fn rule(id: &str) -> Option<Rule> {
    RULES
        .iter()
        .find(|(name, ..)| *name == id)
        .map(|(id, why, instead)| Rule { id, why, instead })
        .or_else(|| {
            crate::guard::rule(id).map(|r| Rule {
                id: r.id,
                why: r.why,
                instead: "use a module that does it, or leave it out",
            })
        })
}

/// Name, reason, remedy.
pub const RULES: &[(&str, &str, &str)] = &[
    // Files and text.
    (
        "path",
        "only what the operator named may be changed",
        "change files there only, or a person adds the place to repo.allowed",
    ),
    (
        "plugin",
        "Ansible loads such code by itself, also while it only checks",
        "use the modules that Ansible brings",
    ),
    (
        "control-file",
        "it steers Ansible, a check, a forge or a tool",
        "leave it to a person",
    ),
    (
        "agent-words",
        "instructions to agents steer what they do next",
        "leave them to a person",
    ),
    (
        "file-kind",
        "only kinds of files that can be judged may change",
        "use YAML, a template or a script",
    ),
    (
        "file-mode",
        "a link means another file, and an executable runs",
        "put the file itself in the repository, mode 0644",
    ),
    ("not-text", "what is no text can't be judged", "use text"),
    (
        "hidden-character",
        "it reads otherwise than it works",
        "write the text without it, or escape it",
    ),
    (
        "file-removed",
        "what the file protected goes with it",
        "leave it, or a person decides",
    ),
    (
        "layout",
        "what has another shape than a playbook's is not run as it is read",
        "keep to the layout that is there",
    ),
    (
        "yaml",
        "duplicate keys, anchors, merge keys and tags read otherwise than they look",
        "write plain YAML, each key once",
    ),
    (
        "opaque",
        "what nobody can read nobody can judge",
        "write plain text, and take secrets from the environment",
    ),
    (
        "lint-silenced",
        "a remark that silences a check hides what the check would say",
        "mend what it says",
    ),
    (
        "secret",
        "a secret does not belong into the repository or a result",
        "take it from the environment or a vault by a variable",
    ),
    // Plays and tasks.
    (
        "hosts",
        "this machine alone is managed",
        "use hosts: localhost",
    ),
    (
        "play-keyword",
        "it takes a play out of what can be judged",
        "leave it out",
    ),
    (
        "task-keyword",
        "it takes a task out of what can be judged, seen or taken back",
        "leave it out",
    ),
    (
        "become",
        "as whom a task runs decides what it can do",
        "leave it, or write become: true",
    ),
    (
        "environment",
        "a variable can load code into programs or send them elsewhere",
        "leave it out",
    ),
    (
        "hides-result",
        "a failure or change that is hidden proves nothing",
        "use a condition in changed_when or failed_when",
    ),
    (
        "gate-aware",
        "it acts otherwise while it is judged",
        "do the same in both",
    ),
    (
        "switched-off",
        "a task that never runs protects nothing",
        "leave it out, or let it run",
    ),
    (
        "task-removed",
        "a task that is removed leaves what it did to chance",
        "keep it, or a person decides",
    ),
    (
        "weakened",
        "a task that does less protects less",
        "keep what it did, and add to it",
    ),
    (
        "set-twice",
        "of two settings of one thing the weaker one may be what holds",
        "change the one that is there",
    ),
    (
        "protection-removed",
        "a setting that is taken out falls back to its default",
        "keep it",
    ),
    (
        "condition",
        "a condition has to be an expression",
        "write one",
    ),
    (
        "loop",
        "a loop over what is not known can do anything",
        "loop over a literal list",
    ),
    (
        "rollback",
        "it hinders the run, or what takes it back",
        "leave it out",
    ),
    (
        "unresolved",
        "what a name leads to has to be there, or the run fails half-way",
        "add it, or mend the name",
    ),
    (
        "include",
        "tasks and variables come from the repository alone, by a plain name",
        "name the file",
    ),
    (
        "role",
        "roles come from the repository alone, by a plain name",
        "name the role",
    ),
    // Templates and variables.
    (
        "template-lookup",
        "lookups read files and run programs, while the playbook is only parsed",
        "use a variable",
    ),
    (
        "template-inner",
        "inner names lead out of a template",
        "use a plain variable",
    ),
    (
        "template-unknown",
        "only plain variables and filters that compute can be judged",
        "write the value itself",
    ),
    (
        "value-unknown",
        "where a value matters it has to be in the files",
        "write the value itself",
    ),
    (
        "connection-variable",
        "variables of Ansible's own decide what runs and where",
        "choose another name",
    ),
    (
        "variable",
        "a variable reaches every task that uses it",
        "use one whose tasks are in the repository",
    ),
    (
        "overwrites",
        "what a whole file held before is gone, and what protected with it",
        "change the task that is there, or lines of the file",
    ),
    (
        "shadow",
        "a name that is in use reaches tasks that nobody judges again",
        "choose a new name",
    ),
    // Modules.
    (
        "module",
        "only modules that a rule knows are judged",
        "use one of those in the reference",
    ),
    (
        "module-parameter",
        "only parameters that a rule knows are judged",
        "leave it out",
    ),
    (
        "runs-program",
        "a parameter would run a program",
        "leave it out",
    ),
    (
        "command",
        "free text can do anything",
        "use a module, or a command that only reads",
    ),
    (
        "command-not-literal",
        "a value in a command becomes a part of it",
        "write the command out, or use a module",
    ),
    (
        "command-unprovable",
        "what a command does has to be clear from its text",
        "write it plainly, one command",
    ),
    (
        "package",
        "some programs let others in",
        "leave it out, or a person decides",
    ),
    (
        "package-source",
        "what is installed has to come from a source that is checked",
        "use the system's own packages",
    ),
    (
        "package-removed",
        "what a package protected goes with it",
        "leave it, or a person decides",
    ),
    (
        "service",
        "a service that no rule knows, or one whose restart cuts the machine off",
        "leave it out, or a person decides",
    ),
    ("service-off", "what protects stays on", "leave it on"),
    (
        "account",
        "accounts decide who is in",
        "leave it to a person",
    ),
    ("access", "keys decide who is in", "leave it to a person"),
    (
        "schedule",
        "what runs by itself later nobody watches",
        "use upkeep of the system's own",
    ),
    (
        "persistence",
        "it would start by itself",
        "leave it to a person",
    ),
    (
        "transfers",
        "what comes from elsewhere nobody here has read",
        "put it into the repository",
    ),
    ("sends", "what is sent can't be taken back", "leave it out"),
    (
        "removes",
        "what is taken away may have protected",
        "leave it, or a person decides",
    ),
    (
        "link",
        "a link makes one path mean another",
        "write the file itself",
    ),
    // Places and content.
    (
        "destination",
        "only places that a rule knows are written",
        "use one of those in the reference",
    ),
    (
        "destination-own",
        "the supervisor is not the playbook's to change",
        "leave it alone",
    ),
    (
        "destination-persistent",
        "a file there starts programs, decides what is trusted or grants access",
        "leave it to a person",
    ),
    (
        "destination-unresolved",
        "where a path leads has to be clear from its text",
        "write the path out",
    ),
    (
        "source",
        "what is deployed has to be a file of the repository, of the same kind",
        "name the file",
    ),
    (
        "part-of-file",
        "some files can only be judged as a whole",
        "write the whole file",
    ),
    (
        "pattern",
        "a pattern may change other lines than the one it is meant for",
        "match the setting's own name",
    ),
    (
        "mode",
        "others may not write, and nothing runs as its owner",
        "use 0644, 0755 or less",
    ),
    (
        "owner",
        "who owns a file can change it",
        "leave it to its usual owner",
    ),
    (
        "content",
        "a line grants, starts or weakens something",
        "leave it out, or a person decides",
    ),
    (
        "script-unprovable",
        "what a script does has to be clear from its text",
        "write it plainly",
    ),
    (
        "script-program",
        "hooks run few programs",
        "use those in the reference",
    ),
    (
        "script-ends",
        "what stands behind an end never runs",
        "take the exit out",
    ),
    (
        "script-shell",
        "a hook that fails lets everything pass",
        "write it for bash 3.2",
    ),
    (
        "script-shrinks",
        "a hook that shrinks may let through what it stopped",
        "keep what it stops",
    ),
    (
        "hook-loosens",
        "a changed hook must deny all that the old one denied",
        "keep what it stops",
    ),
    (
        "script-loosens",
        "a changed hook must deny all that the old one denied",
        "keep what it stops",
    ),
    (
        "script-blocks",
        "a changed hook must let ordinary work pass",
        "narrow what it stops",
    ),
    (
        "script-open",
        "a hook that fails lets everything pass",
        "exit 2 where something goes wrong",
    ),
    (
        "agent-settings",
        "registrations and rules of an agent may come, not go",
        "keep them",
    ),
    (
        "agent-hooks-off",
        "hooks that are switched off stop nothing",
        "leave them on",
    ),
    // Grammars.
    (
        "schema-sshd",
        "sshd's settings have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-ssh",
        "ssh's settings have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-sudoers",
        "who becomes root, and how",
        "use settings that ask for a password",
    ),
    (
        "schema-sysctl",
        "settings of the kernel have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-login-defs",
        "settings of logins have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-limits",
        "limits protect, and lock out",
        "use core 0, or generous limits",
    ),
    (
        "schema-pam",
        "PAM decides who is in",
        "use pam_faillock.conf, pwquality.conf or pwhistory.conf",
    ),
    (
        "schema-password",
        "rules for passwords have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-allowed-users",
        "lists of who may schedule jobs",
        "name root only",
    ),
    (
        "schema-auditd",
        "auditd's settings have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-apparmor",
        "profiles of AppArmor keep programs in",
        "add lines that deny",
    ),
    (
        "schema-grub",
        "what the kernel is started with switches its protections on and off",
        "add words that harden",
    ),
    (
        "schema-network",
        "NetworkManager's settings decide whom the machine asks and what it tells",
        "use one of the values that are named",
    ),
    (
        "schema-aide",
        "what is not watched changes unseen",
        "add paths with their group of checks",
    ),
    (
        "schema-audit-control",
        "what is not recorded or kept can't be looked into",
        "classes of events, expire-after, minfree, policy",
    ),
    (
        "schema-audit-rules",
        "audit rules record; none may keep something out",
        "add rules with -w or -a always,exit",
    ),
    (
        "schema-modprobe",
        "modules that are kept out",
        "use blacklist, or install with /bin/false",
    ),
    (
        "schema-apt",
        "updates come by themselves and checked",
        "use one of the settings in the reference",
    ),
    (
        "schema-logrotate",
        "logs are kept, and nothing runs when they turn",
        "leave scripts out, keep at least four",
    ),
    (
        "schema-rsyslog",
        "logs are written below /var/log",
        "write them there",
    ),
    (
        "schema-time",
        "time comes from known servers",
        "name servers only",
    ),
    (
        "schema-fail2ban",
        "fail2ban's settings have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-systemd",
        "systemd's settings have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-coredump",
        "core dumps hold secrets",
        "use Storage=none",
    ),
    (
        "schema-defaults-file",
        "settings of Debian's services have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-firewall",
        "a firewall closes",
        "close, and open ssh at most",
    ),
    (
        "schema-defaults",
        "settings of macOS have values that protect",
        "use one of the values that are named",
    ),
    (
        "schema-npm",
        "npm runs code of packages, from wherever it is told to",
        "the public registry, ignore-scripts, strict-ssl, audit",
    ),
    (
        "schema-pip",
        "pip runs code of packages, from wherever it is told to",
        "the public index, require-virtualenv, only-binary",
    ),
    (
        "schema-go",
        "go runs what its settings name, and takes code from where they say",
        "the public proxy and checksum database",
    ),
    (
        "schema-gpg",
        "they decide whose signatures count and who is given passphrases",
        "shorter times, stronger algorithms, no retrieval of keys",
    ),
    (
        "schema-docker",
        "who reaches docker's daemon is root",
        "icc, userland-proxy, no-new-privileges, live-restore, log-opts",
    ),
    (
        "schema-git",
        "git's settings can run programs",
        "use one of the settings in the reference",
    ),
    (
        "schema-shell-startup",
        "every shell runs it",
        "set variables that are known, or simple aliases",
    ),
    (
        "schema-editor",
        "settings of editors can run programs",
        "set options only",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_in_the_document_with_its_words() {
        let document = include_str!("../../../docs/playbook-gate.md");
        let mut seen = std::collections::BTreeSet::new();
        for (id, why, instead) in RULES {
            assert!(seen.insert(id), "{id} twice");
            assert!(
                document.contains(&format!("| `{id}` | {why} | {instead} |")),
                "docs/playbook-gate.md has no row for {id}"
            );
        }
    }
}
