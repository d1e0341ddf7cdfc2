//! What a changed playbook may say.

use std::path::Path;

use secloop::config::Unknown;
use secloop::gates::policy;
use secloop::turn::Verdict;

use super::{assert_says, beside, change, changes};

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
    ("infra/mac-setup/more.yml", "- debug: {msg: a}\n"),
    ("infra/mac-setup/roles/hooks/tasks/main.yml", "- debug: {msg: a}\n"),
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
            "template: {src: a.sh.j2, dest: ~/.claude/hooks/a.sh, mode: \"0600\"}",
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
        ("include_tasks: more.yml", ""),
        ("import_role: {name: hooks}", ""),
        (
            "community.general.osx_defaults: {domain: com.apple.x, key: k, type: int, value: 1}",
            "",
        ),
        (
            "command: {argv: [defaults, write, com.apple.x, k, -int, \"1\"]}",
            "",
        ),
        (
            "command: defaults read com.apple.x k\nregister: mac_x\nchanged_when: false",
            "",
        ),
        (
            "command: chmod 0700 {{ item }}\nloop: [\"$HOME/a\"]",
            "held: quotes or expansions",
        ),
        ("command: {argv: [chmod, \"0700\", ~/.claude/logs]}", ""),
        (
            "command: {argv: [chmod, \"4755\", ~/.claude/logs]}",
            "refused: setuid",
        ),
        (
            "command: {argv: [chmod, \"0700\", /usr/bin/x]}",
            "held: not below",
        ),
        (
            "command: {argv: [defaults, delete, x]}",
            "held: defaults with",
        ),
        ("command: {argv: [\"{{ x }}\", a]}", "held: not literal"),
        ("command: {argv: [/tmp/x]}", "held: the program /tmp/x"),
        ("command: {argv: [ls], chdir: /tmp}", "held: with chdir"),
        (
            "command: ls\nargs: {executable: /bin/sh}",
            "held: with executable",
        ),
        (
            "ansible.builtin.shell: id",
            "held: shell: it runs free text",
        ),
        ("raw: id", "held: free text"),
        (
            "get_url: {url: https://x.example, dest: ~/x}",
            "held: talks to others",
        ),
        ("community.general.homebrew: {name: jq}", "held: installs"),
        ("pip: {name: x}", "held: installs"),
        ("cron: {name: x, job: y}", "held: beyond files"),
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
        ("copy: {src: a, dest: /etc/a}", "held: not below the home"),
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
        ("include_tasks: x.yml\nvars: {a: b}", "held: outrank others"),
        ("import_role: {name: a.b.c}", "held: no plain word"),
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
        ("notify: Restart", ""),
        ("become: false", ""),
        ("vars: {x: \"{{ y }}\"}", ""),
        ("changed_when: false", ""),
        ("failed_when: x.rc not in [0, 1]", ""),
        ("tags: [a, b]", ""),
        ("ignore_errors: false", ""),
        ("become: true", "held: as root"),
        ("become: \"{{ x }}\"", "held: as root"),
        ("become: true\nbecome_user: root", "held: as root"),
        ("become_exe: /tmp/x", "refused: become_exe"),
        ("environment: {PYTHONPATH: /tmp}", "held: environment"),
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
        ("until: x", "held: until"),
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
    added(nested, "held: free text");
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
        "held: not below",
    );
}

#[test]
fn what_was_there_is_the_baseline_and_no_more() {
    edited("- name: Mac", "- name: Mac", "");
    edited("mode: \"0755\"", "mode: \"0700\"", "");
    edited(
        "mode: \"0755\"",
        "mode: \"0777\"",
        "refused: infra/mac-setup/playbook.yml:14: a mode",
    );
    edited("name: Hooks directory", "name: The hooks' directory", "");
    // An old lookup stays; a new one, or another, is judged.
    edited("mode: \"0600\"", "mode: \"0400\"", "");
    edited("'TOKEN'", "'OTHER'", "refused: lookup");
    edited("firewall on", "firewall off", "held: as root");
    edited("      ignore_errors: true\n", "", "held: as root");
    edited("    - name: Block\n", "    - name: B\n", "");
    let firewall = "    - name: Firewall\n      ansible.builtin.shell: firewall on\n      become: \
                    true\n      ignore_errors: true\n";
    edited(firewall, "", "held: the task \"Firewall\" is removed");
    edited(
        "[ -n \"$1\" ] || exit 2\n",
        "exit 0\n",
        "refused: nothing behind it runs",
    );
    edited(
        "exit 2\n",
        "exit 2\n              curl x | sh\n",
        "refused: runs what it downloads",
    );
    edited(
        "exit 2\n",
        "exit 2\n              [ -r \"$2\" ] || exit 2\n",
        "",
    );
}

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
        "[git, jq, evil]",
        "held: homebrew_packages changes",
    );
    edited("  vars:\n", "  roles: [hooks]\n  vars:\n", "");
    edited(
        "  vars:\n",
        "  roles: [hooks]\n  vars:\n    mac_new: 1\n",
        "held: could outrank",
    );
    edited(
        "  vars:\n",
        "  roles: [{role: hooks, mac_x: 1}]\n  vars:\n",
        "held: the role's mac_x",
    );
    edited(
        "  vars:\n",
        "  roles: [a.b.c]\n  vars:\n",
        "held: plain word",
    );
    edited(
        "---\n",
        "---\n- import_playbook: x.yml\n",
        "held: import_playbook",
    );
    edited(
        "---\n",
        "---\n- {name: A, hosts: localhost, tasks: [raw: id]}\n",
        "held: free text",
    );
    let defaults = "r/defaults/main.yml";
    for (path, old, new, says) in [
        (defaults, "a: 1\n", "a: 1\nb: 2\n", ""),
        (defaults, "a: 1\n", "b: 2\na: 1\n", ""),
        (defaults, "a: 1\n", "a: 2\n", "held: a changes"),
        (defaults, "a: 1\nb: 1\n", "a: 1\n", "held: b is removed"),
        (defaults, "a: 1\n", "a: 1\nb: /etc\n", "held: not below"),
        (
            "group_vars/all.yml",
            "a: 1\n",
            "a: 1\nb: 2\n",
            "held: could outrank",
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

#[test]
fn yaml_and_files() {
    let tasks = "r/tasks/main.yml";
    for (path, old, new, says) in [
        (tasks, None, "- debug: {msg: a}\n", ""),
        (tasks, None, "- debug: {msg: a\n", "refused: it is no YAML"),
        (
            tasks,
            None,
            "- debug: {msg: a}\n---\n- debug: {msg: b}\n",
            "refused: r/tasks/main.yml:2: several",
        ),
        (
            tasks,
            None,
            "- debug:\n    msg: a\n    msg: b\n",
            "refused: r/tasks/main.yml:3: the key msg",
        ),
        (
            tasks,
            None,
            "- debug: {msg: !vault a}\n",
            "held: tag !vault",
        ),
        (
            tasks,
            None,
            "- debug: {msg: !unsafe a}\n",
            "held: tag !unsafe",
        ),
        (tasks, None, "- debug: {msg: &a a}\n", "held: anchor"),
        (
            tasks,
            Some("- debug: {msg: &a a}\n"),
            "- debug: {msg: &a a}\n- debug: {msg: b}\n",
            "",
        ),
        (tasks, Some("- debug: {msg: a"), "- debug: {msg: a}\n", ""),
        (tasks, None, "- a\n", "refused: a task that is no map"),
        ("a.md", None, "curl x | sh", ""),
        (
            "r/files/a.sh",
            None,
            "#!/bin/sh\ncurl x | sh\n",
            "refused: r/files/a.sh:2: it runs what",
        ),
        (
            "r/templates/a.sh.j2",
            None,
            "#!/bin/sh\necho '{{ a }}'\n",
            "held: the value of a becomes a part of it",
        ),
        (
            "r/templates/a.sh.j2",
            Some("#!/bin/sh\necho '{{ a }}'\n"),
            "#!/bin/sh\nprintf '{{ a }}'\n",
            "",
        ),
        (
            "r/templates/a.sh.j2",
            None,
            "#!/bin/sh\necho '{{ ansible_env.HOME }}'\n",
            "",
        ),
        ("r/files/a.md", None, "curl x | sh", "held: no rule reads"),
        ("r/files/zshrc", Some("a\n"), "b\n", "held: of this name"),
        (
            "r/files/tmux.conf",
            Some("a\n"),
            "b\n",
            "held: of this name",
        ),
        (
            "r/files/a.plist",
            None,
            "<key>Program</key>\n",
            "held: start programs",
        ),
        (
            "r/templates/a.sh.j2",
            None,
            "#!/bin/sh\neval x\n",
            "held: runs text",
        ),
        (
            "r/templates/a.conf.j2",
            None,
            "a\nb {{ lookup('pipe', 'id') }}\n",
            "refused: a.conf.j2:2",
        ),
        (
            "r/templates/a.conf.j2",
            Some("b {{ q('a') }}\n"),
            "b {{ q('a') }}\n{{ c }}\n",
            "",
        ),
        (
            "r/templates/a.conf.j2",
            Some("b {{ q('a') }}\n"),
            "b {{ q('b') }}\n",
            "refused: q(",
        ),
        ("r/files/sshd.conf", None, "MaxAuthTries 3\n", ""),
        (
            "r/files/sshd.conf",
            None,
            "PermitRootLogin  yes\n",
            "held: lets root log in",
        ),
        (
            "r/files/a.plist",
            None,
            "<key>ProgramArguments</key>\n",
            "held: can start programs",
        ),
        (
            "r/files/settings.json",
            None,
            "{\"disableAllHooks\": true}",
            "refused: disableAllHooks",
        ),
        ("r/files/settings.json", None, "{", "refused: no JSON"),
    ] {
        assert_says(new, &judge(path, old, new), says);
    }
    let gone = changes(vec![change("r/files/a.sh", Some("a\n"), None)]);
    assert_says(
        "gone",
        &policy(&gone, Path::new(PATH), Unknown::Hold),
        "held: the file is deleted",
    );
}

/// A path that only the run knows is no path that was judged.
#[test]
fn paths_with_templates_in_them() {
    for (dest, says) in [
        ("~/.bash{{ 'rc' }}", "held: no plain path"),
        (
            "~/.local/state/sec{{ '' }}loop/ansible/plugins/x.sh",
            "held: no plain path",
        ),
        ("~/.claude/hooks/{{ x }}.sh", "held: no plain path"),
        ("{{ x }}/.claude/hooks/x.sh", "held: not below the home"),
        (
            "{{ repo_dir }}/.claude/hooks/x.sh",
            "held: not below the home",
        ),
        ("{{ ansible_facts['env']['HOME'] }}/.claude/hooks/x.sh", ""),
    ] {
        added(&format!("copy: {{src: x.sh, dest: \"{dest}\"}}"), says);
    }
    let home = "  vars:\n    h: \"{{ ansible_facts.env.HOME }}\"\n";
    let old = OLD.replace("  vars:\n", home);
    let copy = "    - copy: {src: x.sh, dest: \"{{ h }}/.claude/hooks/x.sh\"}\n";
    let more =
        |task: &str| old.replace("    - name: Block\n", &format!("{task}    - name: Block\n"));
    assert_says("known", &judge(PATH, Some(&old), &more(copy)), "");
    for (set, says) in [
        ("set_fact: {h: \"\"}", "held: name h is in use"),
        (
            "command: {argv: [ls]}\n      changed_when: false\n      register: h",
            "held: name h is in use",
        ),
        (
            "debug: {msg: a}\n      loop: [\"\"]\n      loop_control: {loop_var: h}",
            "held: name h is in use",
        ),
    ] {
        let tasks = format!("    - {set}\n{copy}");
        assert_says(set, &judge(PATH, Some(&old), &more(&tasks)), says);
    }
    // Set together with what uses it, it is nobody's home directory.
    let tasks = "    - set_fact: {b: \"\"}\n    - copy: {src: x, dest: \"{{ b }}/etc/x\"}\n";
    assert_says(
        tasks,
        &judge(PATH, Some(OLD), &more(tasks)),
        "held: not below the home",
    );
    // What the role writes below it shows what a variable of its defaults is.
    let role = "- copy: {src: a.sh, dest: \"{{ r_home }}/.claude/hooks/a.sh\"}\n";
    let twice = format!("{role}{}", role.replace("a.sh", "b.sh"));
    assert_says("role", &judge("r/tasks/main.yml", Some(role), &twice), "");
}

/// Only places with rules for what they hold, and places that were written before.
#[test]
fn places() {
    for (dest, says) in [
        ("~/.config/known.toml", ""),
        (
            "~/.config/other.toml",
            "held: ~/.config/other.toml is no place",
        ),
        ("~/.claude/settings.local", "held: no place"),
        ("~/.bash_aliases", "held: starts programs"),
        ("~/.config/fish/config.fish", "held: starts programs"),
        ("~/.xprofile", "held: starts programs"),
        ("~/.tmux.conf", "held: starts programs"),
        ("~/.vimrc", "held: starts programs"),
        ("~/.local/bin/ls", "held: starts programs"),
        ("~/.claude/CLAUDE.md", "held: steers an agent"),
    ] {
        added(&format!("copy: {{content: a=1, dest: {dest}}}"), says);
    }
    for (task, says) in [
        (
            "copy: {src: notes.md, dest: ~/.claude/hooks/guard.sh}",
            "held: another kind of file",
        ),
        (
            "copy: {src: a.txt, dest: ~/.claude/settings.json}",
            "held: another kind of file",
        ),
        (
            "lineinfile: {path: ~/.claude/hooks/guard.sh, line: exit 0, insertafter: BOF}",
            "held: as a whole",
        ),
        (
            "copy: {dest: ~/.claude/hooks/b.sh, content: \"{{ item.c }}\"}\nloop: [{c: \"curl x | sh\"}]",
            "refused: runs what it downloads",
        ),
        (
            "copy: {dest: ~/.claude/hooks/b.sh, content: \"{{ mac_text }}\"}",
            "held: unread",
        ),
        (
            "osx_defaults: {domain: /Users/x/Library/LaunchAgents/a, key: k, type: int, value: 1}",
            "held: no plain setting",
        ),
        (
            "osx_defaults: {domain: com.apple.loginwindow, key: LoginHook, type: string, value: x}",
            "held: start programs",
        ),
    ] {
        added(task, says);
    }
}

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

/// What a module is given in two places is judged in neither as a whole.
#[test]
fn parameters_beside_the_module() {
    added(
        "lineinfile: {line: exit 0}\nargs: {path: ~/.claude/hooks/guard.sh}",
        "held: args of lineinfile",
    );
    added("command: ls\nargs: {creates: /x}", "");
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
