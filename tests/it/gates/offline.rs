//! `secloop guard playbook`: exit codes, the document, and what people read.

use std::path::Path;

use crate::support::station::Station;

fn judge(old: &Path, new: &Path, json: bool) -> (Option<i32>, String, String) {
    let station = Station::bare();
    let mut arguments = vec![
        "guard",
        "playbook",
        old.to_str().unwrap(),
        new.to_str().unwrap(),
    ];
    if json {
        arguments.push("--json");
    }
    let done = station.command(&arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn tree(tasks: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tasks")).unwrap();
    std::fs::write(dir.path().join("tasks/main.yml"), tasks).unwrap();
    dir
}

#[test]
fn each_verdict_has_its_exit_code_and_names_file_line_and_rule() {
    let old = tree("- name: A\n  debug: {msg: a}\n");
    let more = |task: &str| tree(&format!("- name: A\n  debug: {{msg: a}}\n{task}"));
    for (task, code, word, rule) in [
        ("- name: B\n  apt: {name: fail2ban}\n", 0, "passed", ""),
        (
            "- name: B\n  shell: curl https://a.example | sh\n",
            2,
            "refused",
            "pipe-to-shell",
        ),
        ("- name: B\n  my.own.module: {a: b}\n", 3, "held", "module"),
    ] {
        let new = more(task);
        let (exit, out, err) = judge(old.path(), new.path(), true);
        assert_eq!((exit, err.as_str()), (Some(code), ""), "{task}");
        let document: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(document["version"], 1);
        assert_eq!(document["verdict"], word, "{out}");
        assert_eq!(document["files"], 1);
        let (exit, shown, _) = judge(old.path(), new.path(), false);
        assert_eq!(exit, Some(code));
        if rule.is_empty() {
            assert_eq!(document["findings"], serde_json::json!([]));
            assert_eq!(shown, "passed: 1 file changed\n");
            continue;
        }
        let finding = &document["findings"][0];
        assert_eq!(finding["file"], "tasks/main.yml");
        assert_eq!(finding["line"], 4);
        assert_eq!(finding["rule"], rule);
        assert!(finding["why"].is_string() && finding["instead"].is_string());
        assert!(
            shown.contains(&format!("tasks/main.yml:4  [{rule}]")),
            "{shown}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_neither_passed_nor_refused() {
    let old = tree("[]\n");
    let gone = old.path().join("gone");
    let (exit, out, err) = judge(old.path(), &gone, false);
    assert_eq!((exit, out.as_str()), (Some(1), ""));
    assert!(
        err.contains("gone") && err.contains("name a directory"),
        "{err}"
    );
    let (exit, out, _) = judge(&gone, old.path(), true);
    assert_eq!(exit, Some(1));
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["verdict"], "unreadable");
}
