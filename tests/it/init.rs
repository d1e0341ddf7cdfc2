//! `secloop init`: a configuration from a look at a repository, and that it loads.

use std::path::Path;

use secloop::agent::catalog::starter;
use secloop::config::{Env, Overrides, discover, load, render};

use crate::support::station::Station;

const PLAY: &str = "- name: Mac\n  hosts: localhost\n  connection: local\n  tasks:\n    - \
                    ansible.builtin.copy: {content: \"{{ lookup('env', 'BOT_TOKEN') }}\", dest: ~/.claude/x}\n";

/// Loads what `init` wrote.
fn loaded(station: &Station, more: &[(&str, &str)]) -> secloop::config::Config {
    let found = discover(&station.repo()).unwrap();
    let text = render(&found);
    read(station, &text, more)
}

/// Loads a configuration.
fn read(station: &Station, text: &str, more: &[(&str, &str)]) -> secloop::config::Config {
    std::fs::write(station.repo().join("secloop.toml"), text).unwrap();
    let home = station.home().display().to_string();
    let env: Env = [("HOME", home.as_str())]
        .iter()
        .chain(more)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    load(&env, &station.repo(), &Overrides::default()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn finds_a_playbook_of_one_file_deep_in_a_repository_of_other_things() {
    let station = Station::bare();
    station.write("infra/mac-setup/playbook.yml", PLAY);
    station.write("infra/linux/server.yml", "- hosts: all\n  tasks: []\n");
    station.write("apps/blog/compose.yml", "services: {}\n");
    station.write("apps/blog/list.yml", "- name: no playbook\n");
    station.write("node_modules/x/site.yml", PLAY);
    station.write(
        "infra/mac-setup/NOTES.md",
        "Run it:\n\n```sh\nansible-playbook -K --tags \"hooks,git\" \\\n  infra/mac-setup/playbook.yml | tail -20\n```\n",
    );
    station.write("ansible.cfg", "[defaults]\ninventory = hosts\n");
    let found = discover(&station.repo().join("infra")).unwrap();
    assert_eq!(found.top, std::fs::canonicalize(station.repo()).unwrap());
    assert_eq!(found.playbook, Path::new("infra/mac-setup/playbook.yml"));
    assert_eq!(found.others, [Path::new("infra/linux/server.yml")]);
    assert_eq!(found.args, ["--tags", "hooks,git"]);
    assert!(found.notes.iter().any(|n| n.contains("ansible.cfg")));
    assert!(found.notes.iter().any(|n| n.contains("-K")));

    let config = loaded(&station, &[("BOT_TOKEN", "a-value")]);
    assert_eq!(config.playbook.file, found.playbook);
    assert_eq!(config.playbook.args, found.args);
    assert_eq!(config.repo.allowed, ["infra/mac-setup/"]);
    assert_eq!(config.ansible.pass_env[0].0, "BOT_TOKEN");
    assert_eq!(config.ansible.pass_env[0].1.expose(), "a-value");
    assert_eq!(config.spend.daily_cap.to_string(), "$150.00");
}

#[test]
fn finds_the_starter_playbook() {
    let station = Station::bare();
    starter::write_to(&station.repo().join("ansible-hooks")).unwrap();
    let found = discover(&station.repo()).unwrap();
    assert_eq!(found.playbook, Path::new("ansible-hooks/playbook.yml"));
    assert_eq!(found.allowed, ["ansible-hooks/"]);
    assert!(found.reads_env.is_empty() && found.args.is_empty());
    loaded(&station, &[]);
}

#[test]
fn a_playbook_at_the_top_may_be_changed_with_its_parts_and_nothing_else() {
    let station = Station::bare();
    station.write("site.yml", PLAY);
    station.write("roles/a/tasks/main.yml", "[]\n");
    station.write("src/main.rs", "");
    let found = discover(&station.repo()).unwrap();
    assert_eq!(found.allowed, ["site.yml", "roles/"]);
}

#[test]
fn strange_names_do_not_leave_their_place() {
    let station = Station::bare();
    station.write("a\"\u{7f}b\n[spend]\ndaily_cap_usd = 999\n/site.yml", PLAY);
    let config = loaded(&station, &[("BOT_TOKEN", "x")]);
    assert_eq!(config.spend.daily_cap.to_string(), "$150.00");
}

#[test]
fn writes_what_it_found_once_and_says_what_is_missing() {
    let station = Station::bare();
    let done = station.run(&["init", station.repo().to_str().unwrap()]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains("no playbook was found"), "{}", done.err);

    station.write("site.yml", PLAY);
    let repo = station.repo();
    let args = ["init", repo.to_str().unwrap()];
    let done = station.run(&args);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("site.yml"), "{}", done.out);
    assert!(done.out.contains("BOT_TOKEN"), "{}", done.out);
    let done = station.run(&args);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains("--force"), "{}", done.err);

    let done = station.run(&["init", station.home().to_str().unwrap()]);
    assert!(done.err.contains("git init"), "{}", done.err);
}

/// The comment signs taken away from keys and their lists, but not from words and examples.
fn uncommented(text: &str) -> String {
    let key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        })
    };
    let mut in_list = false;
    let mut out = String::new();
    for line in text.lines() {
        let bare = line.strip_prefix("# ").unwrap_or_default();
        let taken = in_list || key(bare);
        if taken {
            in_list = (in_list || bare.ends_with('[')) && bare != "]";
        }
        out.push_str(if taken { bare } else { line });
        out.push('\n');
    }
    out
}

/// What the file says about itself: a key that is commented out shows its default.
#[test]
fn every_key_that_is_commented_out_shows_its_default() {
    let station = Station::bare();
    station.write("infra/site.yml", PLAY);
    let text = render(&discover(&station.repo()).unwrap());
    let given = uncommented(&text);
    for key in ["\nwatch = [\n", "\ninterval = \"30m\"", "\nbase_url = "] {
        assert!(given.contains(key), "{key} is missing:\n{given}");
    }
    let more = [("BOT_TOKEN", "x")];
    assert_eq!(
        format!("{:#?}", read(&station, &given, &more)),
        format!("{:#?}", read(&station, &text, &more)),
    );
}

/// The keys are those that the loader names where it meets one that it does not know.
#[test]
fn every_key_is_in_the_file() {
    let station = Station::bare();
    station.write("site.yml", PLAY);
    let text = render(&discover(&station.repo()).unwrap());
    let home = station.home().display().to_string();
    let env: Env = [("HOME".to_owned(), home)].into();
    let known = |text: &str| -> Vec<String> {
        station.write("secloop.toml", text);
        let error = load(&env, &station.repo(), &Overrides::default())
            .unwrap_err()
            .to_string();
        let (_, list) = error.split_once("expected").unwrap();
        list.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let mut keys = 0;
    let mut sections = known("nonsense = 1");
    while let Some(section) = sections.pop() {
        let head = format!("[{section}]\n");
        let (_, rest) = text.split_once(&head).unwrap_or_else(|| panic!("{head}"));
        let part = rest.split("\n[").next().unwrap();
        for key in known(&format!("{head}nonsense = 1")) {
            let inner = format!("{section}.{key}");
            if text.contains(&format!("[{inner}]\n")) {
                sections.push(inner);
                continue;
            }
            keys += 1;
            assert!(
                ["", "# ", "# example: "]
                    .iter()
                    .any(|sign| format!("\n{part}").contains(&format!("\n{sign}{key} = "))),
                "{section}.{key} is missing:\n{part}"
            );
        }
    }
    assert!(keys > 30, "{keys}");
}
