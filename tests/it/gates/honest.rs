//! The honest edits of the embedded catalogue pass every static gate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secloop::agent::catalog::{entries, starter};
use secloop::config::Unknown;
use secloop::gates::{policy, policy_and_hooks, scope, secrets};
use secloop::repo::Changes;

use super::{assert_says, beside, change, changes, repo_config};
use crate::support::foreign;

const PLAYBOOK: &str = "ansible-hooks/playbook.yml";

fn files(top: &Path) -> BTreeMap<PathBuf, String> {
    let read = |(path, ..): &(&str, &str, u32)| {
        (
            PathBuf::from("ansible-hooks").join(path),
            std::fs::read_to_string(top.join(path)).unwrap(),
        )
    };
    starter::FILES.iter().map(read).collect()
}

fn between(old: &BTreeMap<PathBuf, String>, new: &BTreeMap<PathBuf, String>) -> Changes {
    let all = new
        .iter()
        .filter(|(path, text)| old.get(*path) != Some(text));
    let changed: Vec<_> = all
        .map(|(p, text)| change(p.to_str().unwrap(), Some(&old[p]), Some(text)))
        .collect();
    let same = new.iter().filter(|(p, text)| old.get(*p) == Some(text));
    let same: Vec<(&str, &str)> = same
        .map(|(p, text)| (p.to_str().unwrap(), text.as_str()))
        .collect();
    beside(changed, &same)
}

#[test]
fn every_entry_of_the_catalogue_passes_alone_and_behind_the_others() {
    let together = tempfile::tempdir().unwrap();
    starter::write_to(together.path()).unwrap();
    for entry in entries() {
        let alone = tempfile::tempdir().unwrap();
        starter::write_to(alone.path()).unwrap();
        for top in [alone.path(), together.path()] {
            let old = files(top);
            let title = &entry.finding.title;
            assert_eq!(
                entry.apply(&top.join("roles/agent_hooks")),
                Ok(true),
                "{title}"
            );
            let made = between(&old, &files(top));
            assert!(!made.is_empty(), "{title}");
            let config = repo_config(top, &["ansible-hooks/"]);
            assert_says(title, &scope(&made, &config, Path::new(PLAYBOOK)), "");
            // Whether a hook lets more through is left to who runs it.
            let (verdict, hooks) =
                policy_and_hooks(&made, Path::new(PLAYBOOK), Unknown::Hold, false);
            assert_says(title, &verdict, "");
            let settings = made.paths().iter().all(|p| !p.ends_with(".sh"));
            assert_eq!(hooks.is_empty(), settings, "{title}");
            let probe = serde_json::to_string(entry.probe()).unwrap();
            let texts = [probe, entry.finding.detail.clone(), title.clone()];
            assert_says(title, &secrets(&made, &texts), "");
        }
    }
}

#[test]
fn the_starter_itself_is_for_a_person_to_take_on() {
    let top = tempfile::tempdir().unwrap();
    starter::write_to(top.path()).unwrap();
    let all = files(top.path());
    let new = all
        .iter()
        .map(|(p, text)| change(p.to_str().unwrap(), None, Some(text)));
    let made = changes(new.collect());
    // Its defaults look the home directory up, which a proposal may not.
    assert_says(
        "starter",
        &policy(&made, Path::new(PLAYBOOK), Unknown::Hold),
        "refused: lookup",
    );
    assert_says("starter", &secrets(&made, &[]), "");
}

/// A pattern more in a hook that stands inline in a playbook of a person's own.
#[test]
fn an_edit_of_an_inline_hook_in_a_foreign_playbook_passes() {
    let old = foreign::playbook(20);
    let new = old.replace("*\"rm -rf /\"*)", "*\"rm -rf /\"* | *\"rm -fr /\"*)");
    let hook = "    - name: Another hook
      copy:
        dest: \"{{ user_home }}/.claude/hooks/another.sh\"
        mode: \"0755\"
        content: |
          #!/bin/sh
          exit 0

    - name: Something that";
    let more = new.replace("    - name: Something that", hook);
    for new in [new, more] {
        assert_ne!(old, new);
        let made = changes(vec![change(foreign::FILE, Some(&old), Some(&new))]);
        let verdict = policy(&made, Path::new(foreign::FILE), Unknown::Hold);
        assert_says("foreign", &verdict, "");
    }
}
