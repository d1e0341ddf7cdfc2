//! The hook as a process: its exit codes, its one line, and that it never lets through what it can't
//! read; the judge against what bash does, on random inputs, and on labelled ones.

#[cfg(target_os = "linux")]
mod differential;
mod labelled;
mod mutate;
mod properties;
mod random;
mod scripts;

use std::io::Write as _;
use std::process::Stdio;

use crate::support::station::Station;

/// Asks the hook; its exit code, what it wrote to stdout and to stderr.
fn ask(station: &Station, question: &[u8]) -> (Option<i32>, String, String) {
    let mut child = station
        .command(&["guard"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // The hook may answer before it has read all.
    let _ = input.write_all(question);
    drop(input);
    let done = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn bash(command: &str) -> Vec<u8> {
    serde_json::json!({"tool_name": "Bash", "tool_input": {"command": command}})
        .to_string()
        .into_bytes()
}

#[test]
fn the_hook_is_silent_or_refuses_in_one_line() {
    let station = Station::bare();
    assert_eq!(
        ask(&station, &bash("git status")),
        (Some(0), String::new(), String::new())
    );
    let (code, out, err) = ask(&station, &bash("git status\nrm -rf /"));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(
        err.contains("file-destroy") && err.contains("Instead"),
        "{err}"
    );
}

#[test]
fn what_the_hook_cannot_read_is_refused() {
    let station = Station::bare();
    let commands = [
        format!("echo {}; rm -rf /", "a".repeat(1 << 20)),
        "true;".repeat(30_000) + "rm -rf /",
        "echo ".to_owned() + &"$(".repeat(400) + "rm -rf /" + &")".repeat(400),
        "rm -rf / ; ".to_owned() + &"$(".repeat(24),
        "rm -rf / 'x".to_owned(),
        "(".repeat(100),
        "ls \u{202e}".to_owned(),
        "ls \0".to_owned(),
    ];
    let mut questions: Vec<Vec<u8>> = commands.iter().map(|c| bash(c)).collect();
    questions.extend([
        Vec::new(),
        b"{".to_vec(),
        b"{}".to_vec(),
        b"\xff\xfe".to_vec(),
        br#"{"tool_name":"Bash","tool_input":{}}"#.to_vec(),
        vec![b' '; 9 * 1024 * 1024],
    ]);
    for question in questions {
        let (code, out, err) = ask(&station, &question);
        let shown = String::from_utf8_lossy(&question[..question.len().min(60)]).into_owned();
        assert_eq!((code, out.as_str()), (Some(2), ""), "{shown}: {err}");
        assert_eq!(err.lines().count(), 1, "{shown}: {err}");
    }
}

#[test]
fn people_can_ask_too() {
    let station = Station::bare();
    let refused = station.run(&["guard", "check", "rm -rf /", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(document["verdict"], "denied");
    assert_eq!(document["rule"], "file-destroy");
    assert_eq!(document["span"], serde_json::json!([0, 8]));
    let allowed = station.run(&["guard", "check", "ls"]);
    assert_eq!(allowed.out, "allowed\n");
}
