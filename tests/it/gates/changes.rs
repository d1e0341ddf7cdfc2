//! Changes of whole playbooks, as data: the hostile ones are seen by the rule that is named, the
//! honest ones pass.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secloop::gates::{Finding, between, offline, rule};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/playbook-changes")
}

/// A change: what it does, where it begins, which rule sees it, and its steps.
#[derive(Default)]
struct Case {
    title: String,
    base: String,
    rule: String,
    steps: Vec<(String, String)>,
}

fn cases(file: &Path) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            let title = title.to_owned();
            all.push(Case {
                title,
                ..Case::default()
            });
            continue;
        }
        let Some(case) = all.last_mut() else {
            panic!("{}: a case begins with ===", file.display());
        };
        if let Some(step) = line.strip_prefix(">>> ") {
            case.steps.push((step.to_owned(), String::new()));
        } else if let Some((_, text)) = case.steps.last_mut() {
            text.push_str(line);
            text.push('\n');
        } else if let Some(base) = line.strip_prefix("base: ") {
            base.clone_into(&mut case.base);
        } else if let Some(rule) = line.strip_prefix("rule: ") {
            rule.clone_into(&mut case.rule);
        } else {
            panic!("{}: {line}", case.title);
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn step(top: &Path, title: &str, step: &str, text: &str) {
    let mut words = step.split(' ');
    let (verb, path) = (words.next().unwrap(), words.next().unwrap());
    let more = words.next().unwrap_or_default();
    let file = top.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    // Characters that an editor would hide.
    let text = text
        .replace("<RLO>", "\u{202e}")
        .replace("<ZWSP>", "\u{200b}")
        .replace("<ESC>", "\u{1b}");
    match verb {
        "append" => {
            let old = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, old + &text).unwrap();
        }
        "write" => std::fs::write(&file, text).unwrap(),
        "replace" => {
            let (from, to) = text.split_once("\n<->\n").unwrap();
            let to = to.strip_suffix('\n').unwrap_or(to);
            let old = std::fs::read_to_string(&file).unwrap();
            assert!(old.contains(from), "{title}: {path} has no {from:?}");
            std::fs::write(&file, old.replacen(from, to, 1)).unwrap();
        }
        "delete" => std::fs::remove_file(&file).unwrap(),
        "mode" => {
            let mode = u32::from_str_radix(more, 8).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        "link" => std::os::unix::fs::symlink(more, &file).unwrap(),
        "bytes" => std::fs::write(&file, [0xff, 0xfe, 0x00, 0x01]).unwrap(),
        other => panic!("{title}: {other}"),
    }
}

fn judged(case: &Case) -> Vec<Finding> {
    let base = fixtures().join("base").join(&case.base);
    let new = tempfile::tempdir().unwrap();
    copy(&base, new.path());
    for (what, text) in &case.steps {
        step(new.path(), &case.title, what, text);
    }
    let (changes, standing) = between(&base, new.path()).unwrap();
    assert!(!changes.is_empty(), "{}", case.title);
    offline(&changes, &standing).unwrap()
}

#[test]
fn honest_changes_pass() {
    let all = cases(&fixtures().join("honest.txt"));
    assert!(all.len() >= 50);
    let mut wrong = String::new();
    for case in &all {
        for finding in judged(case) {
            wrong.push_str(&format!("{}\n    {}\n", case.title, finding.text()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn hostile_changes_are_seen_by_their_rules() {
    let mut wrong = String::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(fixtures().join("hostile")).unwrap() {
        let path = entry.unwrap().path();
        let all = cases(&path);
        assert!(all.len() >= 12, "{}: {} cases", path.display(), all.len());
        for case in &all {
            let found = judged(case);
            seen += 1;
            assert!(
                rule(&case.rule).is_some(),
                "{}: no rule {}",
                case.title,
                case.rule
            );
            if !found.iter().any(|f| f.rule == case.rule) {
                let said: Vec<String> = found.iter().map(Finding::text).collect();
                wrong.push_str(&format!(
                    "{}: {}: {} says nothing, but {said:#?}\n",
                    path.file_name().unwrap().display(),
                    case.title,
                    case.rule
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(seen >= 150, "{seen}");
}

#[test]
fn a_base_by_itself_is_no_change() {
    let bases = std::fs::read_dir(fixtures().join("base")).unwrap();
    for base in bases {
        let dir = base.unwrap().path();
        let (changes, standing) = between(&dir, &dir).unwrap();
        assert!(changes.is_empty() && !standing.is_empty());
        assert_eq!(offline(&changes, &standing).unwrap(), []);
    }
}
