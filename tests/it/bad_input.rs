//! Bad input: a clear error that names the thing and the cure, the right exit code, nothing
//! applied, no money spent.

use std::os::unix::fs::PermissionsExt;

use crate::support::station::Station;

fn refused(station: &Station, says: &[&str]) {
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    let at = done
        .err
        .rfind("secloop: error: ")
        .unwrap_or_else(|| panic!("{}", done.err));
    let error = &done.err[at..];
    for text in says {
        assert!(error.contains(text), "\"{text}\" is missing in: {error}");
    }
    assert!(
        !station.home().join(".claude").exists(),
        "something was applied"
    );
    assert!(station.turns().is_empty());
}

#[test]
fn a_configuration_that_is_wrong_names_the_key_and_the_file() {
    for (name, keys, says) in [
        (
            "loop",
            "intervall = \"1m\"",
            vec!["intervall", "secloop.toml"],
        ),
        ("loop", "interval = 30", vec!["interval", "secloop.toml"]),
        ("loop", "interval = \"soon\"", vec!["soon", "30m"]),
        ("spend", "daily_cap_usd = 0", vec!["0", "above 0"]),
        (
            "spend",
            "daily_cap_usd = \"lots\"",
            vec!["lots", "US dollars"],
        ),
        ("spend", "zone = \"Mars/Olympus\"", vec!["Mars/Olympus"]),
        (
            "sandbox",
            "level = \"strong\"",
            vec!["sandbox.level", "strong"],
        ),
        ("nonsense", "x = 1", vec!["nonsense"]),
        ("loop", "interval = ", vec!["secloop.toml"]),
        ("repo", "allowed = [\"/etc\"]", vec!["repo.allowed", "/etc"]),
        (
            "repo",
            "branch = \"secloop/a b\"",
            vec!["repo.branch", "secloop/a b"],
        ),
        ("agent", "deadline = \"0s\"", vec!["agent.deadline", "10m"]),
        (
            "agent",
            "prompts = \"no-such-place\"",
            vec!["agent.prompts", "make it"],
        ),
        (
            "discord",
            "base_url = \"discord.com\"",
            vec!["discord.base_url", "http"],
        ),
        ("wiki", "path = \".\"", vec!["wiki.path", "name the page"]),
    ] {
        let station = Station::bare().section("playbook", "file = \"playbook.yml\"");
        refused(&station.section(name, keys), &says);
    }
}

#[test]
fn a_repository_or_playbook_that_is_not_there_or_does_not_parse_is_refused() {
    let catalog = |station: Station| {
        station.section("agent", "kind = \"catalog\"").section(
            "playbook",
            "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
        )
    };
    let none = catalog(Station::bare());
    refused(&none, &["no commit yet", "commit the playbook"]);
    none.write("other.yml", "x");
    none.commit_all("Start");
    refused(&none, &["playbook.file", "playbook.yml"]);

    let broken = catalog(Station::bare());
    broken.write(
        "playbook.yml",
        "- hosts: localhost\n  tasks:\n   - debug:\n  - oops\n",
    );
    broken.commit_all("Start");
    refused(&broken, &["playbook.yml", "does not run as it stands"]);

    let nowhere = catalog(Station::bare().section("repo", "path = \"/nonexistent/repo\""));
    refused(&nowhere, &["/nonexistent/repo", "repo.path"]);
    let plain = catalog(Station::bare());
    std::fs::remove_dir_all(plain.repo().join(".git")).unwrap();
    refused(&plain, &["not a git repository", "git init"]);
}

#[test]
fn a_state_directory_that_others_can_write_is_refused() {
    let station = Station::with_gaps(&[]);
    std::fs::create_dir(station.state()).unwrap();
    std::fs::set_permissions(station.state(), PermissionsExt::from_mode(0o777)).unwrap();
    refused(&station, &["others can write", "chmod 700"]);
}

#[test]
fn a_missing_configuration_says_how_to_get_one() {
    let station = Station::bare();
    let mut command = station.command(&["run"]);
    command
        .env_remove("SECLOOP_CONFIG")
        .current_dir(station.repo());
    let done = command.output().unwrap();
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1));
    assert!(
        err.contains("secloop init") && err.contains("--trial"),
        "{err}"
    );
}

/// A ledger that is no database: nothing is started, and the file is left as it is.
#[test]
fn a_damaged_ledger_is_named_and_not_overwritten() {
    let station = Station::with_gaps(&[]);
    std::fs::create_dir(station.state()).unwrap();
    std::fs::set_permissions(station.state(), PermissionsExt::from_mode(0o700)).unwrap();
    let file = station.state().join("ledger.sqlite");
    std::fs::write(&file, "this is no database, but somebody's only copy").unwrap();
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains("ledger"), "{}", done.err);
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .contains("only copy")
    );
}

/// A full disk: nothing is started that could not be recorded, and the error says where and why.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_nothing_is_started() {
    for (size, says) in [
        ("4096", "disk"),
        ("65536", "disk"),
        ("33554432", "nearly full"),
    ] {
        let station = Station::with_gaps(&["rm in any spelling"]);
        std::fs::create_dir(station.state()).unwrap();
        let program = station.command(&["run", "--once"]);
        let mut full = station.other("bwrap");
        full.args(["--dev-bind", "/", "/", "--size", size, "--tmpfs"])
            .arg(station.state())
            .arg(program.get_program())
            .args(program.get_args());
        let done = crate::support::station::Ran::from(full.output().unwrap());
        assert_eq!(done.code, Some(1), "{size}: {}", done.err);
        assert!(done.err.contains(says), "{size}: {}", done.err);
        assert!(!station.home().join(".claude").exists());
    }
}
