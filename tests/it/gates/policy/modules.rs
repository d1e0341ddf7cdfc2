//! Which modules a task may use, and with what.

use super::added;

#[test]
fn modules() {
    for (task, says) in [
        (
            "ansible.builtin.copy: {src: a.sh, dest: ~/.claude/hooks/a.sh, mode: \"0755\"}",
            "",
        ),
        (
            "copy: {src: a.sh, dest: ~/.claude/hooks/a.sh, mode: preserve}",
            "",
        ),
        (
            "template: {src: a.sh.j2, dest: ~/.claude/hooks/a.sh, mode: \"0700\"}",
            "",
        ),
        (
            "ansible.builtin.file: {path: ~/.claude/logs, state: directory, mode: u=rwx}",
            "",
        ),
        (
            "lineinfile: {path: ~/.config/known.toml, regexp: ^a=, line: a=1, create: true}",
            "",
        ),
        (
            "blockinfile: {path: ~/.config/known.toml, block: \"a\\nb\"}",
            "",
        ),
        ("assert: {that: [\"x.rc == 0\"], fail_msg: no}", ""),
        ("stat: {path: /etc/hosts}\nregister: x", ""),
        ("debug: {msg: \"{{ repo_dir }}\"}", ""),
        (
            "set_fact: {mac_x: \"{{ y | trim }}\"}",
            "held: the fact mac_x is used by no task",
        ),
        ("include_tasks: more.yml", "held: nothing ran it before"),
        ("import_role: {name: hooks}", "held: nothing ran it before"),
        (
            "community.general.osx_defaults: {domain: com.apple.dock, key: tilesize, type: int, value: 36}",
            "",
        ),
        (
            "command: {argv: [defaults, write, com.apple.dock, tilesize, -int, \"36\"]}",
            "",
        ),
        (
            "command: defaults read com.apple.x k\nregister: mac_x\nchanged_when: false",
            "",
        ),
        (
            "command: chmod 0700 {{ item }}\nloop: [\"$HOME/a\"]",
            "held: no place that a rule knows",
        ),
        ("command: {argv: [chmod, \"0700\", ~/.claude/logs]}", ""),
        (
            "command: {argv: [chmod, \"4755\", ~/.claude/logs]}",
            "refused: opens files to everybody",
        ),
        (
            "command: {argv: [chmod, \"0700\", /usr/bin/x]}",
            "refused: writes into the system",
        ),
        (
            "command: {argv: [defaults, delete, x]}",
            "held: defaults with",
        ),
        ("command: {argv: [\"{{ x }}\", a]}", "held: not literal"),
        ("command: {argv: [/tmp/x]}", "held: the program /tmp/x"),
        (
            "command: {argv: [ls], chdir: /tmp}",
            "held: parameter chdir",
        ),
        (
            "command: ls\nargs: {executable: /bin/sh}",
            "refused: executable of command runs a program",
        ),
        ("ansible.builtin.shell: id", ""),
        ("raw: id", "held: raw text"),
        (
            "get_url: {url: https://x.example, dest: ~/x}",
            "held: talks to others",
        ),
        ("community.general.homebrew: {name: jq}", ""),
        ("pip: {name: x}", "held: anybody may publish"),
        ("cron: {name: x, job: y}", "held: no upkeep"),
        ("my.own.module: {a: b}", "held: no rule knows it"),
        (
            "ansible.legacy.copy: {src: a.sh, dest: ~/.claude/hooks/a.sh}",
            "held: no rule knows",
        ),
        (
            "copy: {src: a.sh, dest: ~/.claude/hooks/a.sh, validate: /bin/sh %s}",
            "refused: validate runs",
        ),
        (
            "copy: {src: a.sh, dest: ~/.claude/hooks/a.sh, unsafe_writes: true}",
            "refused: unsafe_writes",
        ),
        (
            "copy: {src: a.sh, dest: ~/.claude/hooks/a.sh, mode: \"4755\"}",
            "refused: setuid",
        ),
        (
            "file: {path: ~/.claude/hooks, mode: \"0777\"}",
            "refused: everybody write",
        ),
        (
            "file: {path: ~/.claude/hooks, mode: a+w}",
            "refused: everybody write",
        ),
        (
            "copy: {src: a, dest: /etc/a}",
            "held: no place that a rule knows",
        ),
        (
            "copy: {src: /etc/shadow, dest: ~/.claude/hooks/a.sh}",
            "held: no file of the repository",
        ),
        (
            "copy: {src: ../../a, dest: ~/.claude/hooks/a.sh}",
            "held: no file of the repository",
        ),
        (
            "copy: {src: a.sh, dest: ~/.claude/hooks/a.sh, remote_src: true}",
            "held: parameter remote_src",
        ),
        (
            "copy: {src: a, dest: ~/.ssh/authorized_keys}",
            "held: grants access",
        ),
        (
            "copy: {src: a, dest: ~/.config/secloop/config.toml}",
            "refused: supervisor",
        ),
        (
            "file: {path: ~/.claude/hooks, state: absent}",
            "held: takes something away",
        ),
        (
            "file: {path: ~/.claude/hooks, state: link, src: /etc}",
            "held: ",
        ),
        (
            "lineinfile: {path: ~/.claude/hooks, regexp: .*, line: x}",
            "held: every line",
        ),
        (
            "copy: {dest: ~/.claude/hooks/a.sh, content: \"x ALL=(ALL) NOPASSWD: ALL\"}",
            "held: nopasswd",
        ),
        (
            "set_fact: {ansible_python_interpreter: /tmp/x}",
            "refused: directs Ansible",
        ),
        (
            "include_tasks: \"{{ x }}.yml\"",
            "held: no file by its plain name",
        ),
        ("include_tasks: ../x.yml", "held: no file by its plain name"),
        (
            "include_tasks: more.yml\nvars: {mac_a: b}",
            "held: outrank others",
        ),
        (
            "import_role: {name: a.b.c}",
            "refused: not in the repository",
        ),
        (
            "debug: {msg: \"{{ lookup('pipe', 'id') }}\"}",
            "refused: lookup",
        ),
        ("debug: {var: \"lookup('pipe', 'id')\"}", "refused: lookup"),
        (
            "debug: {msg: a}\nstat: {path: b}",
            "refused: has no module, or several",
        ),
        ("when: true", "refused: has no module"),
    ] {
        added(task, says);
    }
}

/// What a module is given in two places is judged in neither as a whole.
#[test]
fn parameters_beside_the_module() {
    added(
        "lineinfile: {line: exit 0}\nargs: {path: ~/.claude/hooks/guard.sh}",
        "held: args of lineinfile",
    );
    added("command: ls\nargs: {creates: /x}", "");
}
