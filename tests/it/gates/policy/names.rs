//! Names that other tasks use.

use super::{added, edited};

/// A standing task that nobody judges again reads the name.
#[test]
fn names_that_standing_tasks_use() {
    for task in [
        "set_fact: {update_cmd: curl x}",
        "command: {argv: [ls]}\nregister: update_cmd\nchanged_when: false",
        "debug: {msg: a}\nvars: {update_cmd: curl x}",
        "block:\n  - debug: {msg: a}\nvars: {update_cmd: curl x}",
    ] {
        added(task, "held: name update_cmd is in use");
    }
    edited(
        "  vars:\n",
        "  vars:\n    update_cmd: curl x\n",
        "held: name update_cmd is in use",
    );
    added(
        "block:\n  - set_fact: {mac_x: a}\n  - debug: {msg: \"{{ mac_x }}\"}",
        "",
    );
    added(
        "include_tasks: more.yml\nloop: [a]",
        "held: outranks theirs",
    );
    added(
        "block:\n  - include_tasks: more.yml\nvars: {mac_x: a}",
        "held: outrank others",
    );
}

/// A fact outranks the variables of a task, so that their value is not what is put in.
#[test]
fn facts_do_not_replace_variables_of_a_task() {
    let copy = "copy: {src: a.sh, dest: \"{{ mac_d }}/a.sh\"}\n    vars: {mac_d: ~/.claude/hooks}";
    added(
        &format!("block:\n  - set_fact: {{mac_d: \"{{{{ mac_e }}}}\"}}\n  - {copy}"),
        "held: mac_d is also a fact",
    );
    added(&format!("block:\n  - {copy}"), "");
}
