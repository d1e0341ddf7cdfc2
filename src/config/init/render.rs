//! The configuration as text, with what each key is for.

use std::fmt::Write as _;

use super::discover::Discovery;
use crate::config::defaults::WATCHED;

/// A commented `secloop.toml` for what was found. It loads as it is.
pub fn render(found: &Discovery) -> String {
    let mut out = String::from(
        "# secloop's configuration, written by `secloop init` from a look at this repository.\n\
         # Keys that are commented out show their defaults, but for those marked as examples.\n\
         # Relative paths begin at this file's directory, ~ is the home directory.\n\n",
    );
    playbook(&mut out, found);
    ansible(&mut out, found);
    repo(&mut out, found);
    out.push_str(REST);
    wiki(&mut out, found);
    out
}

fn playbook(out: &mut String, found: &Discovery) {
    out.push_str("[playbook]\n# The playbook that is hardened, relative to repo.path.\n");
    let _ = writeln!(
        out,
        "file = {}",
        quoted(&found.playbook.display().to_string())
    );
    for other in &found.others {
        let _ = writeln!(
            out,
            "# also there: {}",
            one_line(&other.display().to_string())
        );
    }
    match &found.said_in {
        Some(file) => {
            let file = one_line(&file.display().to_string());
            let _ = writeln!(out, "# How it is run; {file} says so.");
        }
        None => out.push_str("# Arguments with which it is run: tags, limits, extra variables.\n"),
    }
    let _ = writeln!(out, "args = {}", list(&found.args));
    for note in &found.notes {
        let _ = writeln!(out, "# {}", one_line(note));
    }
    out.push_str(
        "# Files and directories that are snapshotted before an apply and compared after it,\n\
         # besides those that the playbook's tasks name: the agent's settings and hooks, and the\n\
         # shells', git's and SSH's files in the home directory.\n\
         # watch = [\n",
    );
    for path in WATCHED {
        let _ = writeln!(out, "#   {},", quoted(&format!("~/{path}")));
    }
    out.push_str(
        "# ]\n\
         # Where the playbook runs as root: the system's own trees (/etc and others), services,\n\
         # packages, kernel settings, mounts and firewall too.\n\
         # system = true\n\
         # The machine is put back when an apply is not proven within this time, even if secloop is\n\
         # gone. By default two runs of Ansible (ansible.deadline) and 15 minutes.\n\
         # deadman = \"75m\"\n\n",
    );
}

fn ansible(out: &mut String, found: &Discovery) {
    out.push_str(
        "[ansible]\n\
         # \"managed\": a pinned Ansible of secloop's own; \"path\": the one on PATH.\n\
         # runtime = \"managed\"\n\
         # Variables of secloop's environment that the playbook reads. One that is not set when\n\
         # secloop starts is an error, since the playbook would write an empty value.\n",
    );
    let names: Vec<String> = found.reads_env.iter().cloned().collect();
    let _ = writeln!(out, "pass_env = {}", list(&names));
    out.push_str("# Time limit of a single run.\n# deadline = \"30m\"\n\n");
}

fn repo(out: &mut String, found: &Discovery) {
    out.push_str(
        "[repo]\n\
         # The checkout; it is only read. secloop works in a worktree of its own.\n\
         # path = \".\"\n\
         # The branch that secloop commits to, for you to merge.\n\
         # branch = \"secloop/hardening\"\n\
         # Push it to origin after each commit.\n\
         # push = false\n\
         # What a proposal may touch, and what it may not even there (beginnings of paths).\n",
    );
    let _ = writeln!(out, "allowed = {}", list(&found.allowed));
    out.push_str(
        "# off_limits = []\n\
         # Lines of comments, names, formatting and documentation that may come along with an\n\
         # improvement; a change of nothing else is none.\n\
         # idle_lines = 40\n\n",
    );
}

fn wiki(out: &mut String, found: &Discovery) {
    out.push_str(
        "[wiki]\n\
         # The page. Left out, it lies in secloop's state directory.\n",
    );
    match &found.wiki {
        Some(dir) => {
            let page = dir
                .join("security-improvement-log.md")
                .display()
                .to_string();
            out.push_str(
                "# This one lies in your wiki; secloop then writes this one file in your checkout,\n\
                 # and never commits it.\n",
            );
            let _ = writeln!(out, "# example: path = {}", one_line(&quoted(&page)));
        }
        None => out.push_str("# example: path = \"wiki/security-improvement-log.md\"\n"),
    }
    out.push_str(
        "# title = \"Security improvement log\"\n\
         # newest_first = true\n\
         # Refused and open findings, too; leave it off where the page is public.\n\
         # include_open = false\n",
    );
}

const REST: &str = r#"[policy]
# What no rule of the playbook gate knows waits for a person ("hold") or is refused ("refuse").
# unknown = "hold"

[loop]
# From one wake to the next.
# interval = "30m"
# Iterations in a row that must say "nothing material" before the loop ends; they begin from
# different prompts. At least 2: one call's word ends nothing.
# confirmations = 2
# Improvements in a row that are only P2, defence in depth, before it ends.
# diminishing = 5
# Failed turns in a row, turns without a commit, and turns in all, that end it otherwise.
# max_failures = 5
# dry_spell = 12
# max_turns = 500

[spend]
# The cap on a day's Claude Code use on this machine, all sessions together, in US dollars.
# daily_cap_usd = 150
# What one iteration may cost.
# per_iteration_usd = 5
# What a call is booked at whose run was ended before anything of its answer came.
# unanswered_call_usd = 1
# Whose midnight begins a day: an IANA name, or "system".
# zone = "system"
# More directories with transcripts than ~/.claude, ~/.config/claude and CLAUDE_CONFIG_DIR.
# roots = []

[agent]
# "claude": the Claude Code command line; "catalog": the embedded checks, without a model.
# kind = "claude"
# model = "sonnet"
# program = "claude"
# Limits of one iteration: turns of the agent's own loop, time, time without a sign of life.
# max_turns = 60
# deadline = "25m"
# silence = "6m"
# Where the credential comes from, one of these. Variables that may hold it; the first that is
# set is used.
# credential_env = ["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]
# A file with mode 0600; what a command says; an item of the Mac's keychain, by its service; the
# login that Claude Code has already.
# example: credential_file = "~/.config/secloop/key"
# example: credential_command = ["op", "read", "op://Private/Anthropic/credential"]
# example: credential_keychain = "secloop"
# example: credential_login = true
# Another address of the model's service; empty: ANTHROPIC_BASE_URL, or the client's own.
# base_url = ""
# What the agent is told to leave alone, in words: "SSH and Tailscale".
# off_limits = []
# Directory with prompts of your own (iteration.md, verify.md, opinion.md, smoke.md,
# coordinate.md).
# Left out, and for files missing there, those that come with secloop are used.
# example: prompts = "secloop-prompts"

[sandbox]
# "native": bubblewrap on Linux, Seatbelt on macOS; without it the loop refuses to start.
# "container": the agent in a container of podman, docker or Apple's `container` (`secloop image`
# writes what its image is built from); checks and probes as with "native".
# "none": not confined; every report says so.
# level = "native"
# The engine of containers, such as "podman"; empty: the first that is there.
# engine = ""
# image = "localhost/secloop-agent:0.1.0"
# The account that the agent is inside the sandbox where secloop runs as root.
# user = "nobody"

# Bounds on what is confined; they can't be raised from inside.
[sandbox.limits]
# Processes and threads, all together.
# processes = 512
# Open files of one process.
# files = 4096
# Memory of one process; the agent's client needs more than 640.
# memory_mib = 4096
# One file.
# file_mib = 256
# Each temporary place, and what the agent may add to its working copy.
# disk_mib = 256

[egress]
# The agent has no network but secloop's proxy, which holds the credential and reads along what
# calls cost. false: it has the host's network, and the credential in its environment.
# proxy = true
# Hosts that its tools may reach through the proxy, over TLS: "pypi.org", or "*.pypi.org" for what
# is below it. An empty list lets nothing through. What is in deny is refused all the same.
# allow = []
# deny = []
# ports = [443]
# Connections at a time, requests within a minute, megabytes through all tunnels of a run, and how
# long nothing may move in one.
# connections = 64
# per_minute = 600
# megabytes = 512
# idle = "5m"
# Tools that the model's service runs itself (web search, fetching, code, MCP): a way out around
# the lists.
# server_tools = false

[prove]
# Files with more tool calls that the deployed hooks have to let through, or to deny: one JSON object
# a line, {"wanted": "allow", "tool_name": "Bash", "tool_input": {"command": "make"}}.
# example: corpus = ["secloop-calls.jsonl"]
# How long a hook may take for a call, as a rule.
# hook_budget = "2s"
# Past tool calls of this workstation are given to the hooks before and after a change: for how long at
# most, and from how many days.
# replay = "1m"
# replay_days = 90
# Another run of the agent, with a prompt of its own and decoys only, tries to get round each change
# before it is committed. It can refuse a change; that it holds proves nothing.
# second_opinion = false
# What that may cost.
# second_opinion_usd = 1

[guard]
# Deeds that are refused and count as a strike, besides those that `secloop` has in its list
# (docs/reference.md): a program and the words that follow it, such as "terraform apply".
# tripwire = []

[coordinate]
# Who decides about an iteration that is still active: "rules" (a table), or "agent" (one short
# model call, with the table where it fails).
# decider = "rules"
# How long "wait" waits; after what time an iteration is taken over, and after what time without
# a sign of life.
# wait = "1m"
# overdue = "1h"
# silent = "10m"

[scan]
# What scanners that are installed have found is told to the agent, the worst first. Lynis's report;
# "": not looked at. Run an audit each time instead.
# lynis_report = "/var/log/lynis-report.dat"
# lynis_audit = false
# A directory with rules of the macOS Security Compliance Project, whose getters are run.
# example: mscp_rules = "macos_security/rules"
# A report that is older is not believed; what was found is told for so long before it is looked for
# again; how many tokens of a prompt it may take.
# max_age = "30days"
# refresh = "6h"
# tokens = 1500
# Any other tool that writes SARIF, or a list of JSON objects, to standard output; it is run confined,
# without network. For "json": where the list is, and what its fields are called.
# example: tools = [{ name = "trivy", command = ["trivy", "config", "--format", "sarif", "."] }]

[memory]
# How many tokens of a prompt may be spent on what earlier turns have taught.
# tokens = 2000

[discord]
# The channel's id; the bot's token comes from DISCORD_BOT_TOKEN. Without them posts are kept.
# DISCORD_STATUS_CHANNEL_ID, where it is set, is used instead of this key.
# channel_id = ""
# base_url = "https://discord.com"

"#;

fn quoted(text: &str) -> String {
    // A JSON string is a TOML string, but for the one control character that JSON leaves as it is.
    serde_json::Value::String(text.to_owned())
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|i| quoted(i)).collect();
    format!("[{}]", items.join(", "))
}

/// A file's name must not end a comment.
fn one_line(text: &str) -> String {
    crate::text::one_line(text, 300)
}
