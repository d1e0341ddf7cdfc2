//! What is no improvement: comments, names, formatting, documentation, the loop's own files.

use secloop::gates::{Own, substance};
use secloop::repo::Change;
use secloop::turn::Verdict;

use super::{assert_says, change, changes};

fn judge(all: Vec<Change>) -> Verdict {
    let own = Own {
        paths: vec![
            "secloop.toml".into(),
            "prompts".into(),
            "wiki/log.md".into(),
        ],
    };
    substance(&changes(all), &own, 40)
}

const TASK: &str =
    "- name: Hooks\n  ansible.builtin.file:\n    path: /x\n    mode: \"0755\"\n  become: true\n";

#[test]
fn what_a_changed_file_does() {
    let nothing = "refused: changes nothing on the machine";
    let table: Vec<(&str, &str, String, &str)> = vec![
        // A playbook: comments, names, the order of keys, other words for the same.
        ("a.yml", TASK, format!("# why\n{TASK}"), nothing),
        ("a.yml", TASK, TASK.replace("Hooks", "The hooks"), nothing),
        (
            "a.yml",
            TASK,
            TASK.replace("ansible.builtin.", ""),
            nothing,
        ),
        ("a.yml", TASK, TASK.replace("true", "yes"), nothing),
        (
            "a.yml",
            TASK,
            TASK.replace(
                "    path: /x\n    mode: \"0755\"",
                "    mode: \"0755\"\n    path: /x",
            ),
            nothing,
        ),
        (
            "a.yml",
            TASK,
            TASK.replace("\n  become", "   # so\n\n  become"),
            nothing,
        ),
        ("a.yml", TASK, TASK.replace("0755", "0700"), ""),
        ("a.yml", TASK, TASK.replace("true", "false"), ""),
        ("a.yml", TASK, TASK.replace("\"0755\"", "0755"), ""),
        ("a.yml", TASK, "- [".to_owned(), ""),
        // What is called a name and is none.
        (
            "a.yml",
            "- user:\n    name: a\n    shell: x\n",
            "- user:\n    name: b\n    shell: x\n".to_owned(),
            "",
        ),
        (
            "a.yml",
            "- x:\n    - name: a\n",
            "- x:\n    - name: b\n".to_owned(),
            "",
        ),
        (
            "v.yml",
            "packages:\n  - name: a\n    state: x\n",
            "packages:\n  - name: b\n    state: x\n".to_owned(),
            "",
        ),
        (
            "p.yml",
            "- hosts: all\n  name: a\n  tasks:\n    - block:\n        - name: b\n          debug:\n",
            "- hosts: all\n  name: c\n  tasks:\n    - block:\n        - name: d\n          debug:\n".to_owned(),
            nothing,
        ),
        // A script and a template.
        (
            "h.sh",
            "#!/bin/sh\nexit 0\n",
            "#!/bin/sh\n# fine\n\n  exit 0\n".to_owned(),
            nothing,
        ),
        ("h.sh", "#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 2\n".to_owned(), ""),
        ("h.sh", "#!/bin/sh\nexit 0\n", "#!/bin/bash\nexit 0\n".to_owned(), ""),
        ("t.conf.j2", "a 1\n", "{# so #}\n# so\na 1\n".to_owned(), nothing),
        (
            "s.json",
            "{\"a\":1,\"b\":[]}",
            "{\n  \"b\": [],\n  \"a\": 1\n}".to_owned(),
            nothing,
        ),
        ("s.json", "{\"a\":1}", "{\"a\":2}".to_owned(), ""),
        // Text for people, and text that is brought to the machine.
        ("NOTES.md", "a", "b".to_owned(), nothing),
        ("roles/x/files/CLAUDE.md", "a", "b".to_owned(), ""),
        // The loop's own.
        ("secloop.toml", "a", "b".to_owned(), "refused: the loop's own file"),
        (
            "prompts/iteration.md",
            "a",
            "b".to_owned(),
            "refused: the loop's own file",
        ),
        ("wiki/log.md", "a", "b".to_owned(), "refused: the loop's own file"),
    ];
    for (path, old, new, says) in table {
        let new = new.as_str();
        let case = format!("{path}\n{new}");
        assert_says(
            &case,
            &judge(vec![change(path, Some(old), Some(new))]),
            says,
        );
    }
}

#[test]
fn new_renamed_and_removed_files() {
    let nothing = "refused: changes nothing on the machine";
    let moved = vec![
        change("a.yml", Some(TASK), None),
        change("b.yml", None, Some(TASK)),
    ];
    assert_says("moved", &judge(moved), nothing);
    assert_says("added", &judge(vec![change("b.yml", None, Some(TASK))]), "");
    assert_says(
        "removed",
        &judge(vec![change("b.yml", Some(TASK), None)]),
        "",
    );
    assert_says(
        "a note",
        &judge(vec![change("x.md", None, Some("a"))]),
        nothing,
    );
    let mut mode = change("h.sh", Some("a"), Some("a"));
    mode.kind = secloop::repo::Kind::ModeChanged;
    mode.new_mode = super::FILE;
    assert_says("mode", &judge(vec![mode]), "");
}

#[test]
fn only_so_much_comes_along_with_an_improvement() {
    let better = TASK.replace("0755", "0700");
    let notes = |n: usize| "# a remark\n".repeat(n);
    for (lines, says) in [(10, ""), (38, ""), (41, "refused: leave them as they are")] {
        let new = format!("{}{better}", notes(lines));
        let all = vec![change("a.yml", Some(TASK), Some(&new))];
        assert_says(&lines.to_string(), &judge(all), says);
    }
    // A note beside it counts wholly; a large change may have as many remarks as code.
    let all = vec![
        change("a.yml", Some(TASK), Some(&better)),
        change("NOTES.md", None, Some(&"a note\n".repeat(60))),
    ];
    assert_says("a long note", &judge(all), "refused: 60 that don't");
    let code = format!("#!/bin/sh\n{}", "# a remark\nexit 0\n".repeat(90));
    assert_says(
        "code with remarks",
        &judge(vec![change("h.sh", None, Some(&code))]),
        "",
    );
}
