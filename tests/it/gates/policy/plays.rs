//! Plays, roles and variables.

use super::{OLD, PATH, edited, judge};
use crate::gates::assert_says;

#[test]
fn plays_and_variables() {
    edited(
        "hosts: localhost",
        "hosts: all",
        "refused: this machine alone",
    );
    edited(
        "connection: local",
        "connection: ssh",
        "refused: the play's connection",
    );
    edited("gather_facts: true", "gather_facts: false", "");
    edited(
        "gather_facts: true",
        "gather_facts: true\n  become: true",
        "held: the play's become",
    );
    edited("gather_facts: true", "strategy: free", "refused: strategy");
    edited("  vars:\n", "  vars:\n    mac_new: 1\n", "");
    edited(
        "  vars:\n",
        "  vars:\n    ansible_shell_executable: x\n",
        "refused: directs Ansible",
    );
    edited(
        "  vars:\n",
        "  vars:\n    mac_new: \"{{ lookup('pipe', 'id') }}\"\n",
        "refused: lookup",
    );
    edited(
        "[git, jq]",
        "[git, jq, 'https://evil.example']",
        "refused: no plain name of a package",
    );
    edited(
        "  vars:\n",
        "  roles: [hooks]\n  vars:\n",
        "held: nothing ran it before",
    );
    edited(
        "  vars:\n",
        "  roles: [hooks]\n  vars:\n    mac_new: 1\n",
        "held: nothing ran it before",
    );
    edited(
        "  vars:\n",
        "  roles: [{role: hooks, mac_x: 1}]\n  vars:\n",
        "held: nothing ran it before",
    );
    edited(
        "  vars:\n",
        "  roles: [a.b.c]\n  vars:\n",
        "held: plain word",
    );
    edited(
        "---\n",
        "---\n- import_playbook: x.yml\n",
        "refused: no file of the repository",
    );
    edited(
        "---\n",
        "---\n- {name: A, hosts: localhost, tasks: [raw: id]}\n",
        "held: raw text",
    );
    let defaults = "r/defaults/main.yml";
    for (path, old, new, says) in [
        (defaults, "a: 1\n", "a: 1\nb: 2\n", ""),
        (defaults, "a: 1\n", "b: 2\na: 1\n", ""),
        (
            defaults,
            "a: 1\n",
            "a: 2\n",
            "held: nothing in the repository uses",
        ),
        (defaults, "a: 1\nb: 1\n", "a: 1\n", "held: b is removed"),
        (defaults, "a: 1\n", "a: 1\nb: /etc\n", ""),
        (
            "group_vars/all.yml",
            "a: 1\n",
            "a: 1\nb: 2\n",
            "held: nothing in the repository uses",
        ),
        ("r/meta/main.yml", "a: 1\n", "a: 2\n", "held: metadata"),
        (PATH, OLD, "a: 1\n", "refused: neither plays nor tasks"),
        (PATH, OLD, "", "refused: neither plays nor tasks"),
        (
            "r/tasks/main.yml",
            "- debug: {msg: a}\n",
            "",
            "held: removed",
        ),
    ] {
        assert_says(new, &judge(path, Some(old), new), says);
    }
}
