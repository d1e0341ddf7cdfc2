//! Which files a proposal may touch.

use std::path::Path;

use secloop::gates::scope;
use secloop::repo::Change;

use super::{EXECUTABLE, FILE, assert_says, change, changes, repo_config};

fn judge(allowed: &[&str], all: Vec<Change>) -> secloop::turn::Verdict {
    let config = repo_config(Path::new("/repo"), allowed);
    scope(&changes(all), &config, Path::new("ansible/playbook.yml"))
}

#[test]
fn paths() {
    for (path, says) in [
        ("ansible/playbook.yml", ""),
        ("ansible/roles/r/tasks/main.yml", ""),
        ("ansible/roles/r/files/guard.sh", ""),
        ("ansible/roles/r/templates/settings.json.j2", ""),
        ("ansible/roles/r/files/hosts.txt", ""),
        ("ansible/librarian.yml", ""),
        ("ansible2/playbook.yml", "refused: repo.allowed"),
        (
            "other.yml",
            "refused: outside of what may be changed (ansible/)",
        ),
        ("ansible/vault/x.yml", "refused: repo.off_limits"),
        ("ansible/Vault/x.yml", "refused: off limits"),
        (
            "ansible/library/x.sh",
            "refused: ansible/library/x.sh: code that Ansible loads",
        ),
        (
            "ansible/roles/r/Library/x.sh",
            "refused: code that Ansible loads",
        ),
        (
            "ansible/filter_plugins/x.txt",
            "refused: use the modules that Ansible brings",
        ),
        ("ansible/module_utils/basic.txt", "refused: code"),
        ("ansible/collections/a.yml", "refused: code"),
        ("ansible/ansible.cfg", "refused: configures Ansible"),
        ("ansible/inventory.yml", "refused: inventory"),
        ("ansible/inventory/a.yml", "refused: inventory"),
        ("ansible/hosts", "refused: inventory"),
        ("ansible/requirements.yml", "refused: download"),
        ("ansible/galaxy.yml", "refused: download"),
        ("ansible/.gitattributes", "refused: git's"),
        ("ansible/.github/workflows/a.yml", "refused: git's"),
        (
            "ansible/.circleci/config.yml",
            "refused: continuous integration",
        ),
        (
            "ansible/.claude/settings.json",
            "refused: settings of a tool",
        ),
        ("ansible/.mcp.json", "refused: settings of a tool"),
        (
            "ansible/.v\u{17f}code/tasks.json",
            "refused: settings of a tool",
        ),
        (
            "ansible/.CLAUDE/settings.json",
            "refused: settings of a tool",
        ),
        (
            "ansible/.claude\u{200c}/settings.json",
            "refused: settings of a tool",
        ),
        (
            "ansible/roles/r/.mcp.j\u{17f}on",
            "refused: settings of a tool",
        ),
        (
            "ansible/.git\u{200c}/hooks/pre-commit",
            "refused: git's own",
        ),
        ("ansible/GIT~1/config", "refused: git's own"),
        ("ansible/.gitmodules", "refused: git's own"),
        ("ansible/.husky/pre-commit", "refused: hooks"),
        (
            "ansible/.devcontainer/a.json",
            "refused: settings of a tool",
        ),
        ("ansible/.vscode/tasks.json", "refused: settings of a tool"),
        ("ansible/secloop.toml", "refused: secloop's own"),
        ("ansible/CLAUDE.md", "held: instructions to agents"),
        ("ansible/tool.py", "held: no rule knows this kind"),
        ("ansible/Makefile", "held: no rule knows this kind"),
        (
            "ansible/x\u{202e}.yml",
            "refused: hidden character in the name",
        ),
    ] {
        assert_says(
            path,
            &judge(&[], vec![change(path, None, Some("a\n"))]),
            says,
        );
        if !says.contains("name") {
            let gone = judge(&[], vec![change(path, Some("a\n"), None)]);
            assert_says(&format!("{path} deleted"), &gone, says);
        }
    }
}

/// The name of such a thing has to stand in the configuration itself, and lifts nothing else.
#[test]
fn what_a_person_names_may_be_touched() {
    let allowed = [
        "ansible/",
        ".github/workflows/",
        ".mcp.json",
        ".git/",
        "ansible/library/",
    ];
    for (path, says) in [
        (".github/workflows/a.yml", ""),
        (
            ".github/Workflows/a.yml",
            "refused: outside of what may be changed",
        ),
        (".github/a.yml", "refused: outside of what may be changed"),
        (".mcp.json", ""),
        ("ansible/.mcp.json", "refused: settings of a tool"),
        (
            ".github/workflows/.claude/settings.json",
            "refused: settings of a tool",
        ),
        ("ansible/.github/workflows/a.yml", "refused: git's"),
        (".git/config", "refused: git's own"),
        ("ansible/library/x.sh", "refused: code that Ansible loads"),
    ] {
        let all = vec![change(path, None, Some("a\n"))];
        assert_says(path, &judge(&allowed, all), says);
    }
}

#[test]
fn prefixes_are_whole_names() {
    for (allowed, path, says) in [
        (&["roles"][..], "roles/a.yml", ""),
        (&["./roles/"], "roles/a.yml", ""),
        (&["roles/a.yml"], "roles/a.yml", ""),
        (&[""], "anything.yml", ""),
        (&["roles"], "roles2/a.yml", "refused: (roles)"),
        (&["a/", "b/"], "c.yml", "refused: (a/, b/)"),
    ] {
        assert_says(
            path,
            &judge(allowed, vec![change(path, None, Some("a\n"))]),
            says,
        );
    }
}

#[test]
fn modes() {
    for (path, old, new, says) in [
        ("ansible/a.sh", 0, EXECUTABLE, ""),
        ("ansible/a.sh", FILE, EXECUTABLE, ""),
        ("ansible/a.yml", EXECUTABLE, EXECUTABLE, ""),
        ("ansible/a.yml", EXECUTABLE, FILE, ""),
        ("ansible/a.yml", 0, EXECUTABLE, "refused: only *.sh"),
        ("ansible/a.json", FILE, EXECUTABLE, "refused: only *.sh"),
        ("ansible/a.yml", 0, 0o120_000, "refused: a link"),
        ("ansible/a.yml", 0o120_000, FILE, "refused: a link"),
        ("ansible/a.yml", 0, 0o160_000, "refused: submodule"),
    ] {
        let mut change = change(path, Some("a\n"), Some("b\n"));
        (change.old_mode, change.new_mode) = (old, new);
        assert_says(
            &format!("{path} {old:o} {new:o}"),
            &judge(&[], vec![change]),
            says,
        );
    }
}

#[test]
fn characters() {
    let path = "ansible/a.yml";
    for (old, new, says) in [
        ("", "a: é ü 漢 ⚠️\n\tb\r\n", ""),
        ("a: \u{1b}[0m\n", "a: \u{1b}[0m\nb: 1\n", ""),
        (
            "",
            "a\nb\u{202e}\n",
            "refused: ansible/a.yml:2: the hidden character U+202E",
        ),
        ("", "a\u{200b}b", "refused: U+200B"),
        ("", "\u{feff}a", "refused: U+FEFF"),
        ("", "a\rb", "refused: U+000D"),
        ("", "a\u{1b}[2K", "refused: U+001B"),
        ("", "a\0", "refused: U+0000"),
        ("", "a\u{e0041}", "refused: U+E0041"),
        ("", "a\u{2028}b", "refused: U+2028"),
    ] {
        assert_says(
            new,
            &judge(&[], vec![change(path, Some(old), Some(new))]),
            says,
        );
    }
    let mut binary = change(path, None, Some("a"));
    binary.new = Some(vec![0xff, 0xfe]);
    assert_says("binary", &judge(&[], vec![binary]), "refused: not UTF-8");
}

#[test]
fn a_refusal_outranks_an_earlier_hold() {
    let all = vec![
        change("ansible/a.py", None, Some("a")),
        change("ansible/b.cfg", None, Some("a\0")),
        change("ansible/c.cfg", None, Some("a\0")),
    ];
    assert_says("both", &judge(&[], all), "refused: (and 1 more)");
}
