//! What a task may say besides its module.

use super::added;

#[test]
fn keywords() {
    let debug = "debug: {msg: a}\n";
    for (keyword, says) in [
        (
            "when: x is defined and ansible_facts['os_family'] == 'Darwin'",
            "",
        ),
        ("when: [a, b | bool]", ""),
        ("loop: [a, b]", ""),
        ("loop: [{a: b}]\nloop_control: {label: x}", ""),
        ("register: mac_x", ""),
        ("notify: Restart", "refused: no handler of that name"),
        ("become: false", ""),
        ("vars: {x: \"{{ y }}\"}", ""),
        ("changed_when: false", ""),
        ("failed_when: x.rc not in [0, 1]", ""),
        ("tags: [a, b]", ""),
        ("ignore_errors: false", ""),
        ("become: true", ""),
        ("become: \"{{ x }}\"", "held: as root"),
        ("become: true\nbecome_user: root", ""),
        ("become: true\nbecome_user: other", "held: as somebody else"),
        ("become_exe: /tmp/x", "refused: become_exe"),
        ("environment: {PYTHONPATH: /tmp}", "refused: loads code"),
        ("delegate_to: elsewhere", "refused: delegate_to"),
        ("connection: ssh", "refused: connection"),
        ("async: 10", "refused: async"),
        ("ignore_errors: true", "refused: ignore_errors"),
        ("ignore_errors: \"{{ x }}\"", "refused: ignore_errors"),
        ("no_log: true", "refused: no_log"),
        ("check_mode: false", "refused: while it is only judged"),
        ("check_mode: true", "held: never does anything"),
        ("diff: false", "refused: diff"),
        ("when: false", "held: switches the task off"),
        ("when: not ansible_check_mode", "refused: acts otherwise"),
        ("when: lookup('pipe', 'id')", "refused: lookup"),
        ("when: \"''.__class__\"", "refused: __class__"),
        ("tags: never", "held: keeps the task from running"),
        ("tags: [a, never]", "held: keeps the task from running"),
        ("loop: \"{{ xs }}\"", "held: literal list"),
        ("with_pipe: id", "refused: with_pipe is a lookup"),
        ("with_fileglob: [a]", "refused: lookup"),
        ("register: ansible_x", "refused: plain name"),
        (
            "vars: {ansible_python_interpreter: x}",
            "refused: directs Ansible",
        ),
        ("until: x", ""),
        ("until: x\nretries: 1000", "held: for long"),
        ("action: shell id", "refused: action"),
        ("<<: {a: b}", "held: merge key"),
    ] {
        added(&format!("{debug}{keyword}"), says);
    }
    let read = "command: {argv: [defaults, read, a]}\n";
    added(
        &format!("{read}check_mode: false\nregister: x\nchanged_when: false"),
        "",
    );
    added(
        &format!("{read}failed_when: false\nregister: x\nchanged_when: false"),
        "",
    );
    added(
        &format!("{read}check_mode: false\nchanged_when: false"),
        "refused: only judged",
    );
    added(
        "copy: {src: a.sh, dest: ~/.claude/hooks/a.sh}\nchanged_when: false",
        "held: hides what the task does",
    );
    let nested = "block:\n  - name: A\n    block:\n      - name: B\n        raw: id\nrescue: []";
    added(nested, "held: raw text");
    added(
        "block:\n  - debug: {msg: a}\nrescue:\n  - debug: {msg: b}",
        "",
    );
    let item = "file: {path: ~/.claude/hooks, mode: \"{{ item.m }}\"}\n";
    added(&format!("{item}loop: [{{m: \"0700\"}}]"), "");
    added(
        &format!("{item}loop: [{{m: \"0700\"}}, {{m: \"0777\"}}]"),
        "refused: everybody write",
    );
    added(
        "copy: {src: a, dest: \"{{ d }}/a\"}\nvars: {d: /etc}",
        "held: no place that a rule knows",
    );
}
