//! The variables that a playbook reads: passed on by name, never empty, never shown.

use crate::support::station::Station;

const VALUE: &str = "a-token-that-nobody-may-see";
const PLAY: &str = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Token\n      \
                    ansible.builtin.copy:\n        content: \"{{ lookup('env', 'BOT_TOKEN') }}\"\n        \
                    dest: \"{{ lookup('env', 'HOME') }}/.claude/token\"\n        mode: \"0600\"\n    - name: Say it\n      \
                    ansible.builtin.command: echo {{ lookup('env', 'BOT_TOKEN') }}\n      \
                    failed_when: true\n      ignore_errors: true\n";

fn station() -> Station {
    let station = Station::bare();
    station.write("playbook.yml", PLAY);
    station.commit_all("Start");
    std::fs::create_dir(station.home().join(".claude")).unwrap();
    station.section("agent", "kind = \"catalog\"").section(
        "playbook",
        "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
    )
}

#[test]
fn a_variable_that_would_be_empty_is_refused_before_anything_is_applied() {
    for station in [
        station(),
        station().env("BOT_TOKEN", VALUE),
        station().section("ansible", "pass_env = [\"BOT_TOKEN\"]"),
    ] {
        let done = station.run(&["run", "--once"]);
        assert_eq!(done.code, Some(1), "{}", done.err);
        assert!(
            done.err.contains("BOT_TOKEN") && done.err.contains("ansible.pass_env"),
            "{}",
            done.err
        );
        assert!(!station.home().join(".claude/token").exists());
        let doctor = station.run(&["doctor"]);
        assert!(doctor.out.contains("bad   environment"), "{}", doctor.out);
    }
}

#[test]
fn a_variable_that_is_passed_on_reaches_the_playbook_and_nobody_else() {
    let station = station()
        .section("ansible", "pass_env = [\"BOT_TOKEN\"]")
        .env("BOT_TOKEN", VALUE);
    let done = station.run(&["run", "--once", "-vv"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let token = std::fs::read_to_string(station.home().join(".claude/token")).unwrap();
    assert_eq!(token, VALUE);
    assert!(!done.err.contains(VALUE) && !done.out.contains(VALUE));
    let mut open = vec![station.state()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                let content = std::fs::read(entry.path()).unwrap();
                let found = memchr::memmem::find(&content, VALUE.as_bytes());
                assert!(found.is_none(), "{}", entry.path().display());
            }
        }
    }
}
