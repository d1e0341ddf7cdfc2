//! Where a dry run says that the tasks of a change write.

use std::path::Path;

use secloop::gates::resolved;
use secloop::playbook::{AnsibleRun, Events};
use sha2::{Digest as _, Sha256};

use super::{assert_says, change, changes};

const FILE: &str = "r/tasks/main.yml";
const OLD: &str = "- name: Standing
  ansible.builtin.lineinfile: {path: \"{{ h }}/.zprofile\", line: a}
";

/// The events of one task that changed something, as the plugin seals them.
fn run_in(tree: &str, name: &str, path: &str) -> AnsibleRun {
    let hex = |text: String| {
        let bytes = Sha256::digest(text.as_bytes());
        bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
    };
    let rows = [
        serde_json::json!({"n": 1, "event": "task", "id": "a", "name": name,
                           "action": "copy", "where": format!("{tree}/{FILE}:1")}),
        serde_json::json!({"n": 2, "event": "result", "id": "a", "status": "ok",
                           "changed": true, "paths": [path]}),
    ];
    let (mut last, mut text) = (String::new(), String::new());
    for row in rows {
        last = hex(format!("k{}", hex(format!("k{last}{row}"))));
        text.push_str(&format!("{last} {row}\n"));
    }
    let events = Events::parse(&text, "k", Path::new("/tree"));
    assert_eq!(events.strange, 0);
    AnsibleRun {
        command: String::new(),
        exit: Some(0),
        ended: String::new(),
        survived: false,
        millis: 0,
        events,
        tail: Vec::new(),
    }
}

fn run(name: &str, path: &str) -> AnsibleRun {
    run_in("/tree", name, path)
}

#[test]
fn a_dry_run_shows_where_the_tasks_of_a_change_write() {
    let new = format!(
        "{OLD}- name: New\n  ansible.builtin.copy: {{src: a.sh, dest: \"{{{{ x }}}}/a\"}}\n\
         - ansible.builtin.file: {{path: \"{{{{ x }}}}/a\"}}\n"
    );
    let made = changes(vec![change(FILE, Some(OLD), Some(&new))]);
    for (name, path, says) in [
        ("New", "/home/kyle/.claude/hooks/a.sh", ""),
        ("New", "/home/kyle/.config/known.toml", ""),
        ("New", "/etc/x", "refused: not below the home directory"),
        ("New", "/home/kyle/../x", "refused: not below the home"),
        ("New", "/home/kyle2/x", "refused: not below the home"),
        ("New", "/home/kyle/.bashrc", "refused: starts programs"),
        (
            "New",
            "/home/kyle/.local/state/secloop/ansible/plugins/x.py",
            "refused: belongs to the supervisor",
        ),
        ("", "/etc/x", "refused: \"copy\" writes to /etc/x"),
        ("Standing", "/home/kyle/.zprofile", ""),
    ] {
        let verdict = resolved(&made, &run(name, path), Path::new("/home/kyle"));
        assert_says(&format!("{name} {path}"), &verdict, says);
    }
    // Where the tree has another name, as behind a symbolic link.
    let linked = run_in("/private/tree", "New", "/etc/x");
    let verdict = resolved(&made, &linked, Path::new("/home/kyle"));
    assert_says("linked", &verdict, "refused: not below the home directory");
    // A standing task that goes elsewhere is one of the change.
    let moved = OLD.replace(".zprofile", ".zshrc");
    let made = changes(vec![change(FILE, Some(OLD), Some(&moved))]);
    let moved = run("Standing", "/home/kyle/.zshrc");
    let verdict = resolved(&made, &moved, Path::new("/home/kyle"));
    assert_says("moved", &verdict, "refused: starts programs");
}
