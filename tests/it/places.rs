//! Where the configuration and the state are found, and what a command does without them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::station::{Ran, Station};

const PLAY: &str = "- hosts: localhost\n  gather_facts: false\n  tasks: []\n";

/// A repository with its own configuration, as `init` leaves it.
fn adopted(keys: &str) -> Station {
    let station = Station::bare();
    station.write("infra/deep/playbook.yml", PLAY);
    station.write(
        "secloop.toml",
        &format!("[playbook]\nfile = \"infra/deep/playbook.yml\"\n{keys}"),
    );
    station.commit_all("Start");
    station
}

/// The program without a named configuration, in a directory.
fn program(station: &Station, cwd: &Path, args: &[&str]) -> Command {
    let mut command = station.other(env!("CARGO_BIN_EXE_secloop"));
    command
        .env_remove("SECLOOP_CONFIG")
        .current_dir(cwd)
        .args(args);
    command
}

fn ran(mut command: Command) -> Ran {
    Ran::from(command.output().unwrap())
}

/// What doctor says of a part.
fn says(doctor: &Ran, part: &str) -> Option<(String, String)> {
    let document: Value = serde_json::from_str(&doctor.out)
        .unwrap_or_else(|e| panic!("{e}: {}{}", doctor.out, doctor.err));
    let row = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["part"] == part)?;
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    Some((text("state"), text("says")))
}

#[test]
fn a_relative_path_to_the_configuration_begins_at_the_working_directory() {
    let station = adopted("");
    let flag = program(
        &station,
        &station.repo(),
        &["--config", "secloop.toml", "doctor", "--json"],
    );
    let mut variable = program(
        &station,
        &station.repo().join("infra"),
        &["doctor", "--json"],
    );
    variable.env("SECLOOP_CONFIG", "../secloop.toml");
    for command in [flag, variable] {
        let doctor = ran(command);
        for part in ["repository", "playbook"] {
            let (state, text) = says(&doctor, part).unwrap();
            assert_eq!(state, "ok", "{part}: {text}");
            assert!(text.starts_with('/'), "{part}: {text}");
        }
    }
}

#[test]
fn the_configuration_at_the_repositorys_top_is_found_from_below_and_none_above_it() {
    let station = adopted("");
    let deep = station.repo().join("infra/deep");
    let doctor = ran(program(&station, &deep, &["doctor", "--json"]));
    let (state, text) = says(&doctor, "configuration").unwrap();
    assert_eq!(state, "ok", "{text}");
    assert!(text.ends_with("repo/secloop.toml"), "{text}");
    assert_eq!(says(&doctor, "playbook").unwrap().0, "ok");

    // Beside the repository there is one, too: not this repository's.
    std::fs::rename(
        station.repo().join("secloop.toml"),
        station.repo().join("../secloop.toml"),
    )
    .unwrap();
    let doctor = ran(program(&station, &deep, &["doctor", "--json"]));
    let (state, text) = says(&doctor, "configuration").unwrap();
    assert_eq!(state, "bad", "{text}");
    assert!(text.contains("secloop init"), "{text}");
}

#[test]
fn a_broken_configuration_is_never_replaced_by_defaults() {
    let station = adopted("[loop]\nintervall = \"1m\"\n");
    for args in [&["status"][..], &["spend"], &["history"], &["show", "1"]] {
        let done = ran(program(&station, &station.repo(), args));
        assert_eq!(done.code, Some(1), "{args:?}: {}", done.out);
        assert!(done.err.contains("intervall"), "{args:?}: {}", done.err);
    }
}

#[test]
fn without_a_configuration_the_looking_commands_and_stop_need_only_the_state() {
    let station = Station::bare();
    for args in [&["status"][..], &["spend"], &["history"]] {
        let done = ran(program(&station, &station.repo(), args));
        assert_eq!(done.code, Some(0), "{args:?}: {}", done.err);
    }
    let done = ran(program(&station, &station.repo(), &["stop"]));
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(done.out.trim(), "No loop is running.");
}

#[test]
fn doctor_says_each_thing_once_and_nothing_about_what_is_not_there() {
    let station =
        adopted("[ansible]\npass_env = [\"HOME\"]\n[repo]\npath = \"/nonexistent/repo\"\n");
    let doctor = ran(program(&station, &station.repo(), &["doctor", "--json"]));
    let (state, text) = says(&doctor, "repository").unwrap();
    assert_eq!(state, "bad");
    assert!(!text.starts_with("repository"), "{text}");
    assert_eq!(says(&doctor, "environment"), None);
    assert_eq!(says(&doctor, "playbook"), None, "its cure would be wrong");
    let (_, text) = says(&doctor, "discord").unwrap();
    for name in [
        "DISCORD_BOT_TOKEN",
        "discord.channel_id",
        "DISCORD_STATUS_CHANNEL_ID",
    ] {
        assert!(text.contains(name), "{text}");
    }

    station.write("secloop.toml", "[nonsense]\n");
    let doctor = ran(program(&station, &station.repo(), &["doctor", "--json"]));
    let (_, text) = says(&doctor, "configuration").unwrap();
    assert!(!text.starts_with("configuration"), "{text}");
}

/// Without `repo.allowed`, a playbook at the top may be changed with its parts, as `init` has it.
#[test]
fn what_may_be_touched_by_default_is_what_init_writes() {
    for file in ["site.yml", "infra/site.yml"] {
        let station = Station::bare();
        station.write(file, PLAY);
        station.write("roles/a/tasks/main.yml", "[]\n");
        station.write("src/main.rs", "");
        let found = secloop::config::discover(&station.repo()).unwrap();
        let text = format!("[playbook]\nfile = \"{file}\"\n");
        for text in [text.clone(), format!("{text}[repo]\nallowed = []\n")] {
            station.write("secloop.toml", &text);
            let env = [("HOME".to_owned(), station.home().display().to_string())];
            let config = secloop::config::load(
                &env.into(),
                &station.repo(),
                &secloop::config::Overrides::default(),
            )
            .unwrap();
            assert_eq!(config.repo.allowed, found.allowed, "{file}");
        }
    }
}
