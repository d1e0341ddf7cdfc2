//! Where a task may write.

use super::{OLD, PATH, added, judge};
use crate::gates::assert_says;

/// A path that only the run knows is no path that was judged.
#[test]
fn paths_with_templates_in_them() {
    for (dest, says) in [
        ("~/.bash{{ 'rc' }}", "held: every shell runs"),
        (
            "~/.local/state/sec{{ '' }}loop/ansible/plugins/x.sh",
            "refused: belongs to the supervisor",
        ),
        ("~/.claude/hooks/{{ x }}.sh", "held: no plain path"),
        ("{{ x }}/.claude/hooks/x.sh", "held: no plain path"),
        (
            "{{ repo_dir }}/.claude/hooks/x.sh",
            "held: no place that a rule knows",
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
        "held: no plain path",
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
        (
            "~/.config/known.toml",
            "held: another task writes this file",
        ),
        (
            "~/.config/other.toml",
            "held: ~/.config/other.toml is no place",
        ),
        ("~/.claude/settings.local", "held: no place"),
        ("~/.bash_aliases", "held: no rule knows"),
        ("~/.config/fish/config.fish", "held: starts programs"),
        ("~/.xprofile", "held: starts programs"),
        ("~/.tmux.conf", "held: no rule knows"),
        ("~/.vimrc", "held: no rule knows"),
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
            "refused: no JSON",
        ),
        (
            "lineinfile: {path: ~/.claude/hooks/guard.sh, line: exit 0, insertafter: BOF}",
            "held: as a whole",
        ),
        (
            "copy: {dest: ~/.claude/hooks/b.sh, content: \"{{ item.c }}\"}\nloop: [{c: \"curl x | sh\"}]",
            "refused: would do what is refused",
        ),
        (
            "copy: {dest: ~/.claude/hooks/b.sh, content: \"{{ mac_text }}\"}",
            "held: which hooks do not need",
        ),
        (
            "osx_defaults: {domain: /Users/x/Library/LaunchAgents/a, key: k, type: int, value: 1}",
            "held: no plain setting",
        ),
        (
            "osx_defaults: {domain: com.apple.loginwindow, key: LoginHook, type: string, value: x}",
            "refused: runs a program at every login",
        ),
    ] {
        added(task, says);
    }
}
