//! What a changed playbook may say.

mod baseline;
mod files;
mod keywords;
mod modules;
mod names;
mod places;
mod plays;

use std::path::Path;

use secloop::config::Unknown;
use secloop::gates::policy;
use secloop::turn::Verdict;

use super::{assert_says, beside, change};

const PATH: &str = "infra/mac-setup/playbook.yml";
/// One play without roles, as a person's own playbook is.
const OLD: &str = "---
- name: Mac
  hosts: localhost
  connection: local
  gather_facts: true
  vars:
    repo_dir: \"{{ ansible_facts['env']['HOME'] }}/gh/multi\"
    homebrew_packages: [git, jq]
  tasks:
    - name: Hooks directory
      ansible.builtin.file:
        path: ~/.claude/hooks
        state: directory
        mode: \"0755\"
    - name: Tokens
      ansible.builtin.copy:
        content: \"{{ lookup('env', 'TOKEN') }}\"
        dest: \"{{ repo_dir }}/.mcp.json\"
        mode: \"0600\"
    - name: Firewall
      ansible.builtin.shell: firewall on
      become: true
      ignore_errors: true
    - name: Known
      ansible.builtin.copy:
        content: a=1
        dest: ~/.config/known.toml
        mode: \"0600\"
    - name: Update
      ansible.builtin.shell: \"{{ update_cmd }}\"
    - name: Block
      block:
        - name: Inner
          ansible.builtin.copy:
            dest: ~/.claude/hooks/guard.sh
            mode: \"0755\"
            content: |
              #!/bin/sh
              [ -n \"$1\" ] || exit 2
              exit 0
";

/// What the tasks below name.
const STANDING: &[(&str, &str)] = &[
    ("infra/mac-setup/files/a.sh", "#!/bin/sh\nexit 0\n"),
    ("infra/mac-setup/files/b.sh", "#!/bin/sh\nexit 0\n"),
    ("infra/mac-setup/files/x.sh", "#!/bin/sh\nexit 0\n"),
    ("infra/mac-setup/templates/a.sh.j2", "#!/bin/sh\nexit 0\n"),
    ("infra/mac-setup/files/a", "a\n"),
    ("infra/mac-setup/files/x", "a\n"),
    ("infra/mac-setup/files/a.txt", "a\n"),
    ("infra/mac-setup/files/notes.md", "a\n"),
    ("infra/mac-setup/more.yml", "- debug: {msg: a}\n"),
    (
        "infra/mac-setup/roles/hooks/tasks/main.yml",
        "- debug: {msg: a}\n",
    ),
];

#[track_caller]
fn edited(from: &str, to: &str, says: &str) {
    assert!(OLD.contains(from), "{from}");
    let new = OLD.replacen(from, to, 1);
    assert_says(to, &judge(PATH, Some(OLD), &new), says);
}

fn judge(path: &str, old: Option<&str>, new: &str) -> Verdict {
    policy(
        &beside(vec![change(path, old, Some(new))], STANDING),
        Path::new(PATH),
        Unknown::Hold,
    )
}

/// Adds a task, given without its indentation.
#[track_caller]
fn added(task: &str, says: &str) {
    let task: String = task.lines().map(|l| format!("      {l}\n")).collect();
    let task = format!("    - name: New\n{task}");
    let new = OLD.replace("    - name: Block\n", &format!("{task}    - name: Block\n"));
    assert_says(&task, &judge(PATH, Some(OLD), &new), says);
}
