//! A playbook in a directory of its own, run by the managed Ansible of all tests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secloop::config::{self, AnsibleRuntime, Overrides};
use secloop::playbook::{Ansible, AnsibleRun, Baseline, Mode, TaskRun, bootstrap};
use tokio_util::sync::CancellationToken;

use crate::support::station::{Station, shared_cache};

pub(super) struct Bench {
    dir: tempfile::TempDir,
    ansible: Ansible,
}

impl Bench {
    /// With this playbook.
    pub(super) async fn new(playbook: &str) -> Self {
        // Builds the managed Ansible if no test has done so yet.
        let built = Station::bare().run(&["--version"]);
        assert_eq!(built.code, Some(0), "{}", built.err);
        let path = std::env::var_os("PATH").unwrap();
        let runtime = bootstrap::obtain(
            AnsibleRuntime::Managed,
            &shared_cache().join("secloop"),
            &path,
            BTreeMap::new(),
            &mut |_| (),
            &CancellationToken::new(),
        )
        .await
        .unwrap();
        let dir = tempfile::Builder::new()
            .prefix("secloop-it-")
            .tempdir()
            .unwrap();
        for name in ["home", "tree", "support"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let file = dir.path().join("secloop.toml");
        let tree = dir.path().join("tree");
        std::fs::write(
            &file,
            format!(
                "[repo]\npath = \"{}\"\n[playbook]\nfile = \"play.yml\"\n",
                tree.display()
            ),
        )
        .unwrap();
        let home = dir.path().join("home").display().to_string();
        let env = BTreeMap::from([("HOME".to_owned(), home)]);
        let flags = Overrides {
            config: Some(file),
            ..Overrides::default()
        };
        let config = config::load(&env, dir.path(), &flags).unwrap();
        let sandbox = crate::support::native().await;
        let support = dir.path().join("support");
        let ansible = Ansible::new(runtime, sandbox, &config, &support, path).unwrap();
        let bench = Self { dir, ansible };
        bench.play(playbook);
        bench
    }

    /// Replaces the playbook.
    pub(super) fn play(&self, playbook: &str) {
        self.write("play.yml", playbook);
    }

    /// A file beside the playbook.
    pub(super) fn write(&self, name: &str, text: &str) {
        let file = self.dir.path().join("tree").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(super) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(super) async fn run(&self, mode: Mode) -> AnsibleRun {
        self.run_until(mode, &CancellationToken::new()).await
    }

    pub(super) async fn run_until(&self, mode: Mode, cancel: &CancellationToken) -> AnsibleRun {
        let tree = self.dir.path().join("tree");
        self.ansible.run(&tree, mode, cancel).await
    }

    pub(super) async fn adopt(&self) -> Result<Baseline, String> {
        let tree = self.dir.path().join("tree");
        let never = CancellationToken::new();
        let adopted = self.ansible.adopt(&tree, &never).await;
        adopted.map_err(|e| e.to_string())
    }
}

/// The one task of this name.
pub(super) fn task<'a>(run: &'a AnsibleRun, name: &str) -> &'a TaskRun {
    let mut found = run.events.tasks.iter().filter(|t| t.name == name);
    let task = found.next();
    assert!(found.next().is_none(), "\"{name}\" is there twice");
    task.unwrap_or_else(|| panic!("\"{name}\" did not run: {run:#?}"))
}

/// Why it was refused.
pub(super) fn refusal(judged: &secloop::playbook::Judgement) -> &str {
    match &judged.verdict {
        secloop::turn::Verdict::Refused(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}
