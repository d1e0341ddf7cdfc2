//! Modules for the kernel, the firewall, schedules and other settings of the system.

use super::{BUILTIN, Call, GENERAL, Module, POSIX, commands};
use crate::gates::policy::issue::Issue;
use crate::gates::policy::schema::{self, Word};
use crate::playbook::yaml::Node;

pub(super) const MODULES: &[Module] = &[
    Module {
        names: "sysctl",
        collection: POSIX,
        params: &[
            "name",
            "key",
            "value",
            "val",
            "state",
            "reload",
            "sysctl_set",
            "sysctl_file",
            "ignoreerrors",
        ],
        judge: sysctl,
    },
    Module {
        names: "ufw",
        collection: GENERAL,
        params: &[
            "state",
            "policy",
            "default",
            "direction",
            "rule",
            "port",
            "to_port",
            "proto",
            "protocol",
            "name",
            "app",
            "logging",
            "comment",
            "interface",
            "from_ip",
            "from",
            "src",
            "route",
            "log",
        ],
        judge: ufw,
    },
    Module {
        names: "firewalld",
        collection: POSIX,
        params: &[
            "service",
            "state",
            "permanent",
            "immediate",
            "zone",
            "icmp_block",
            "icmp_block_inversion",
        ],
        judge: firewalld,
    },
    Module {
        names: "cron",
        collection: BUILTIN,
        params: &[
            "name",
            "job",
            "minute",
            "hour",
            "day",
            "month",
            "weekday",
            "special_time",
            "user",
            "state",
            "backup",
        ],
        judge: cron,
    },
    Module {
        names: "timezone",
        collection: GENERAL,
        params: &["name"],
        judge: plain,
    },
    Module {
        names: "locale_gen",
        collection: GENERAL,
        params: &["name", "state"],
        judge: plain,
    },
    Module {
        names: "hostname",
        collection: BUILTIN,
        params: &["name", "use"],
        judge: plain,
    },
    Module {
        names: "pam_limits",
        collection: GENERAL,
        params: &[
            "domain",
            "limit_type",
            "limit_item",
            "value",
            "dest",
            "comment",
            "use_max",
            "use_min",
            "backup",
        ],
        judge: limits,
    },
    Module {
        names: "modprobe",
        collection: GENERAL,
        params: &["name", "state", "persistent"],
        judge: modprobe,
    },
    Module {
        names: "mount",
        collection: POSIX,
        params: &[
            "path", "name", "src", "fstype", "opts", "state", "dump", "passno",
        ],
        judge: mount,
    },
    Module {
        names: "selinux",
        collection: POSIX,
        params: &["policy", "state"],
        judge: selinux,
    },
    Module {
        names: "reboot",
        collection: BUILTIN,
        params: &["msg", "reboot_timeout"],
        judge: reboot,
    },
    Module {
        names: "iptables",
        collection: BUILTIN,
        params: &[
            "chain",
            "policy",
            "jump",
            "protocol",
            "destination_port",
            "source",
            "ctstate",
            "in_interface",
            "comment",
            "action",
            "table",
            "state",
            "ip_version",
        ],
        judge: iptables,
    },
];

/// An issue for what a table says.
pub(super) fn said(call: &Call<'_>, rule: &'static str, word: Word) -> Option<Issue> {
    match word {
        Word::Good => None,
        Word::Refused(why) => Some(call.refused(rule, why)),
        Word::Held(why) => Some(call.held(rule, why)),
    }
}

fn sysctl(call: &Call<'_>) -> Vec<Issue> {
    let file = call.text("sysctl_file");
    let mut issues = Vec::new();
    if call.text("state") == "absent" {
        issues.push(call.held("removes", "a setting of the kernel is taken out"));
        return issues;
    }
    if !file.is_empty()
        && file != "/etc/sysctl.conf"
        && !(file.starts_with("/etc/sysctl.d/") && file.ends_with(".conf") && !file.contains(".."))
    {
        issues.push(call.held("destination", format!("{file} is no file of such settings")));
    }
    let value = call
        .first(&["value", "val"])
        .and_then(Node::text)
        .unwrap_or_default();
    let key = call
        .first(&["name", "key"])
        .and_then(Node::text)
        .unwrap_or_default();
    issues.extend(said(call, "schema-sysctl", schema::sysctl(key, value)));
    issues
}

/// Ports that let people administer the machine.
const OWN_PORTS: [&str; 4] = ["22", "ssh", "OpenSSH", "22/tcp"];

fn ufw(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    match call.text("state") {
        "" | "enabled" | "reloaded" => {}
        _ => issues.push(call.refused("schema-firewall", "the firewall is switched off or reset")),
    }
    let policy = call
        .first(&["policy", "default"])
        .and_then(Node::text)
        .unwrap_or_default();
    let outgoing = call.text("direction") == "outgoing" || call.text("direction") == "out";
    let closes = ["deny", "reject"].contains(&policy);
    if policy == "allow" && !outgoing {
        issues.push(call.refused("schema-firewall", "everything that comes in is allowed"));
    } else if closes && outgoing || !closes && !["", "allow"].contains(&policy) {
        issues.push(call.held(
            "schema-firewall",
            "what goes out is blocked as well; a person decides",
        ));
    }
    let port = call
        .first(&["port", "to_port", "name", "app"])
        .and_then(Node::text)
        .unwrap_or_default();
    let own = OWN_PORTS.contains(&port);
    let inside = ["lo", "lo0"].contains(&call.text("interface"));
    let why = match call.text("rule") {
        "deny" | "reject" if outgoing || own || port.is_empty() => {
            Some("it can cut the machine off; a person decides".to_owned())
        }
        "" | "deny" | "reject" => None,
        "limit" if own => None,
        "allow" if own || outgoing || inside => None,
        _ => Some(format!(
            "port {} is opened; a person decides",
            crate::text::plain(port, 40)
        )),
    };
    issues.extend(why.map(|why| call.held("schema-firewall", why)));
    if ["off", "false", "no"].contains(&call.text("logging")) {
        issues.push(call.refused("schema-firewall", "the firewall's log is switched off"));
    }
    if call.get("route").and_then(Node::boolean) == Some(true) {
        issues.push(call.held("schema-firewall", "traffic of others is let through"));
    }
    issues
}

fn firewalld(call: &Call<'_>) -> Vec<Issue> {
    let closes = call.text("state") == "disabled";
    let admin = call.text("service") == "ssh";
    match (closes, admin) {
        (true, false) | (false, true) => Vec::new(),
        _ => vec![call.held(
            "schema-firewall",
            "the firewall is opened, or cuts the machine off; a person decides",
        )],
    }
}

fn iptables(call: &Call<'_>) -> Vec<Issue> {
    let drops = ["DROP", "REJECT"];
    let closes = drops.contains(&call.text("policy")) && ["FORWARD"].contains(&call.text("chain"));
    let related = call.text("jump") == "ACCEPT"
        && (call.text("ctstate").contains("ESTABLISHED")
            || call.texts(&["ctstate"]).contains(&"ESTABLISHED")
            || call.text("in_interface") == "lo")
        && !call.text("ctstate").contains("NEW")
        && !call.texts(&["ctstate"]).contains(&"NEW");
    if (closes || related) && call.text("state") != "absent" {
        return Vec::new();
    }
    vec![call.held(
        "schema-firewall",
        "a rule of the firewall; a person decides",
    )]
}

fn cron(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    if call.text("state") == "absent" {
        issues.push(call.held("removes", "a scheduled job is taken away; a person decides"));
        return issues;
    }
    if !call.text("special_time").is_empty()
        && !["daily", "weekly", "monthly", "hourly"].contains(&call.text("special_time"))
    {
        issues.push(call.held("schedule", "a job at every boot; a person decides"));
    }
    if !["", "root"].contains(&call.text("user")) {
        issues.push(call.held("schedule", "a job as somebody else; a person decides"));
    }
    let job = &commands::without_log(call.text("job"));
    let time = ["minute", "hour", "day", "month", "weekday"]
        .map(|k| call.text(k))
        .concat();
    let good = |c: char| c.is_ascii_alphanumeric() || "*,/-".contains(c);
    if !time.chars().all(good) || call.text("name").contains('\n') || job.contains(['%', '\n']) {
        issues.push(call.held("schedule", "a job that is more than one line"));
    }
    issues.extend(commands::guarded(call, job));
    if issues.is_empty() && !commands::is_upkeep(job) {
        issues.push(call.held(
            "schedule",
            format!(
                "the job \"{}\" is no upkeep that a rule knows; a person decides",
                crate::text::plain(job, 100)
            ),
        ));
    }
    issues
}

fn plain(call: &Call<'_>) -> Vec<Issue> {
    let good = |c: char| c.is_ascii_alphanumeric() || "/_+.- @".contains(c);
    let mut issues = Vec::new();
    if !call
        .texts(&["name"])
        .iter()
        .all(|n| n.chars().all(good) && !n.contains(".."))
        && !call.text("name").contains("{{")
    {
        issues.push(call.held("module-parameter", "a name that is no plain word"));
    }
    if call.text("state") == "absent" {
        issues.push(call.held("removes", "something is taken away"));
    }
    if call.name == "hostname" && call.text("name").contains('/') {
        issues.push(call.held("module-parameter", "a name that is no plain word"));
    }
    issues
}

fn limits(call: &Call<'_>) -> Vec<Issue> {
    let line = ["domain", "limit_type", "limit_item", "value"]
        .map(|k| call.text(k))
        .join(" ");
    let mut issues: Vec<Issue> = said(call, "schema-limits", schema::limits(&line))
        .into_iter()
        .collect();
    let dest = call.text("dest");
    if !dest.is_empty() && !dest.starts_with("/etc/security/limits.") {
        issues.push(call.held("destination", format!("{dest} is no file of limits")));
    }
    issues
}

fn modprobe(call: &Call<'_>) -> Vec<Issue> {
    if call.text("state") == "absent" {
        return Vec::new();
    }
    vec![call.held("module", "code is loaded into the kernel; a person decides")]
}

fn mount(call: &Call<'_>) -> Vec<Issue> {
    let path = call
        .first(&["path", "name"])
        .and_then(Node::text)
        .unwrap_or_default();
    let options: Vec<&str> = call.text("opts").split(',').collect();
    let known = [
        "defaults",
        "rw",
        "relatime",
        "noatime",
        "strictatime",
        "nodev",
        "nosuid",
        "noexec",
        "size=2G",
        "size=1G",
        "size=512M",
        "mode=1777",
        "hidepid=2",
        "hidepid=1",
        "bind",
    ];
    let places = ["/tmp", "/var/tmp", "/dev/shm", "/run/shm"];
    let strict = options.contains(&"nodev") && options.contains(&"nosuid");
    let good = places.contains(&path) && strict && call.text("fstype") == "tmpfs"
        || path == "/proc"
            && call.text("fstype") == "proc"
            && options.iter().any(|o| o.starts_with("hidepid="));
    if good
        && options.iter().all(|o| known.contains(o))
        && ["mounted", "present", "remounted"].contains(&call.text("state"))
    {
        return Vec::new();
    }
    vec![call.held(
        "module",
        "a file system is mounted or taken away; a person decides",
    )]
}

fn selinux(call: &Call<'_>) -> Vec<Issue> {
    if call.text("state") == "enforcing"
        && ["", "targeted", "strict", "mls"].contains(&call.text("policy"))
    {
        return Vec::new();
    }
    vec![call.refused("protection-off", "SELinux no longer enforces")]
}

fn reboot(call: &Call<'_>) -> Vec<Issue> {
    vec![call.refused(
        "rollback",
        "a restart ends the run that watches over the change; leave it out",
    )]
}
