//! Running the playbook: syntax, dry run, apply. Configuration, inventory and event plugin are the
//! supervisor's own and out of the agent's reach.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::baseline::Baseline;
use super::bootstrap::Runtime;
use super::environment::missing_env;
use super::events::Events;
use super::judge::{judge_apply, judge_check, judge_syntax};
use super::others::{SCRATCH, end_others};
use crate::config::{Config, Secret};
use crate::error::Fatal;
use crate::process::{self, Ended};
use crate::sandbox::{Policy, Sandbox};
use crate::text::{one_line, redact};
use crate::turn::{Verdict, hex};

/// Holds what the event plugin seals its lines with; the plugin removes it when it has read it.
const KEY: &str = "key";

const PLUGIN: &str = include_str!("data/secloop_events.py");

/// How the playbook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `--syntax-check`, confined.
    Syntax,
    /// `--check --diff`, confined: a hint and not evidence.
    Check,
    /// For real, with the workstation's home.
    Apply,
}

/// Ansible, ready to run one playbook.
#[derive(Debug, Clone)]
pub struct Ansible {
    runtime: Runtime,
    sandbox: Sandbox,
    home: PathBuf,
    support: PathBuf,
    playbook: PathBuf,
    args: Vec<String>,
    deadline: Duration,
    path: OsString,
    passed: Vec<(String, Secret)>,
    /// An apply is confined, too, and changes nothing but the home directory.
    confined: bool,
}

/// What a run left.
#[derive(Debug, Clone)]
pub struct AnsibleRun {
    /// The command as a person would read it.
    pub command: String,
    /// Its exit code, if it ended by itself.
    pub exit: Option<i32>,
    /// How it ended otherwise.
    pub ended: String,
    /// Something that it started could not be ended and may still be at work.
    pub survived: bool,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// The structured events.
    pub events: Events,
    /// The last lines for a person, redacted.
    pub tail: Vec<String>,
}

impl AnsibleRun {
    /// The counts of the final event in one line.
    pub fn counts(&self) -> String {
        if self.events.stats.is_none() {
            return String::new();
        }
        let mut text = format!(
            "ok={} changed={}",
            self.events.count("ok"),
            self.events.count("changed")
        );
        for name in ["failures", "ignored", "rescued", "skipped", "unreachable"] {
            let count = self.events.count(name);
            if count > 0 {
                text.push_str(&format!(" {name}={count}"));
            }
        }
        text
    }

    /// The line in which Ansible says what is wrong.
    pub fn complaint(&self) -> String {
        let said = self
            .tail
            .iter()
            .find(|l| l.contains("ERROR") || l.contains("fatal:"))
            .or_else(|| self.tail.last())
            .map_or("it said nothing", String::as_str);
        one_line(said, 400)
    }
}

impl Ansible {
    /// Writes the supervisor's own files below `support`.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn new(
        runtime: Runtime,
        sandbox: Sandbox,
        config: &Config,
        support: &Path,
        path: OsString,
    ) -> Result<Self, Fatal> {
        let write = |name: &str, text: &str| {
            let file = support.join(name);
            let dir = file.parent().unwrap_or(support);
            std::fs::create_dir_all(dir)
                .and_then(|()| std::fs::write(&file, text))
                .map_err(Fatal::io(format!("writing {}", file.display())))
        };
        write("plugins/secloop_events.py", PLUGIN)?;
        write(
            "inventory.yml",
            "all:\n  hosts:\n    localhost:\n      ansible_connection: local\n      \
             ansible_python_interpreter: \"{{ ansible_playbook_python }}\"\n",
        )?;
        let home = config.home.display();
        write(
            "ansible.cfg",
            &format!(
                "[defaults]\n\
                 inventory = {support}/inventory.yml\n\
                 callback_plugins = {support}/plugins\n\
                 callbacks_enabled = secloop_events\n\
                 collections_path = {home}/.ansible/collections:/usr/share/ansible/collections\n\
                 retry_files_enabled = False\n\
                 localhost_warning = False\n\
                 nocows = True\n\
                 force_color = False\n\
                 [inventory]\n\
                 enable_plugins = yaml\n",
                support = support.display(),
            ),
        )?;
        Ok(Self {
            runtime,
            sandbox,
            home: config.home.clone(),
            support: support.to_owned(),
            playbook: config.playbook.file.clone(),
            args: config.playbook.args.clone(),
            deadline: config.ansible.deadline,
            path,
            passed: config.ansible.pass_env.clone(),
            confined: false,
        })
    }

    /// The same for a home directory of its own: nothing else is changed by an apply.
    #[must_use]
    pub fn in_empty_home(&self, home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            confined: true,
            ..self.clone()
        }
    }

    /// The scratch directories of runs that never came to their end. The run lock must be held, and
    /// nothing of ours be running.
    pub fn scratch_of_dead_runs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.support).into_iter().flatten();
        entries
            .flatten()
            .filter(|e| e.file_name().to_string_lossy().starts_with(SCRATCH))
            .map(|e| e.path())
            .collect()
    }

    /// How the playbook is run, as a short digest: another way has another baseline.
    pub fn way(&self) -> String {
        use sha2::{Digest as _, Sha256};
        let names: Vec<&String> = self.passed.iter().map(|(name, _)| name).collect();
        let text = format!(
            "{}\n{:?}\n{names:?}\n{}\n{}\n{PLUGIN}",
            self.playbook.display(),
            self.args,
            self.runtime.describe(),
            self.home.display(),
        );
        let mut digest = hex(&Sha256::digest(text.as_bytes()));
        digest.truncate(16);
        digest
    }

    /// Runs the playbook of a tree. Never fails: whatever happens is in the [`AnsibleRun`].
    pub async fn run(&self, tree: &Path, mode: Mode, cancel: &CancellationToken) -> AnsibleRun {
        match self.try_run(tree, mode, cancel).await {
            Ok(run) => run,
            Err(why) => AnsibleRun {
                command: self.runtime.ansible_playbook.display().to_string(),
                exit: None,
                ended: why,
                survived: false,
                millis: 0,
                events: Events::default(),
                tail: Vec::new(),
            },
        }
    }

    async fn try_run(
        &self,
        tree: &Path,
        mode: Mode,
        cancel: &CancellationToken,
    ) -> Result<AnsibleRun, String> {
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(&self.support)
            .map_err(|e| format!("no scratch directory: {e}"))?;
        let key = uuid::Uuid::new_v4().to_string();
        std::fs::write(scratch.path().join(KEY), &key).map_err(|e| format!("no key file: {e}"))?;
        let events = scratch.path().join("events.jsonl");
        let mut spec = self.runtime.spec(tree, self.deadline);
        spec.keep = 4 << 20;
        match mode {
            Mode::Syntax => spec.args.push("--syntax-check".into()),
            Mode::Check => spec.args.extend(["--check".into(), "--diff".into()]),
            Mode::Apply => spec.args.push("--force-handlers".into()),
        }
        spec.args.extend(self.args.iter().map(OsString::from));
        spec.args.push(self.playbook.clone().into_os_string());
        spec.env.extend(self.environment(scratch.path(), &events));
        if mode != Mode::Syntax {
            let passed = self.passed.iter();
            spec.env
                .extend(passed.map(|(k, v)| (k.into(), v.expose().into())));
        }
        let command = spec.shown();
        let spec = if mode == Mode::Apply && !self.confined {
            spec
        } else {
            let mut policy = Policy::look().without_sockets(&self.home);
            policy.read = self
                .runtime
                .places()
                .into_iter()
                .chain([tree.to_owned(), self.support.clone(), self.home.clone()])
                .filter(|p| p.exists())
                .collect();
            policy.write = vec![scratch.path().to_owned()];
            if mode == Mode::Apply {
                policy.write.push(self.home.clone());
            }
            self.sandbox.wrap(spec, &policy)
        };
        let finished = process::run(&spec, cancel, |_| ())
            .await
            .map_err(|e| format!("{} can't be started: {e}", spec.program.display()))?;
        let survived = finished.survived && !end_others(scratch.path(), &self.path).await;
        let text = std::fs::read_to_string(&events).unwrap_or_default();
        let mut read = Events::parse(&text, &key, tree);
        for task in &mut read.tasks {
            for text in [&mut task.name, &mut task.msg, &mut task.command] {
                *text = self.without_secrets(text);
            }
        }
        let said = self.without_secrets(&format!("{}\n{}", finished.out(), finished.err()));
        Ok(AnsibleRun {
            command,
            exit: finished.code(),
            ended: ended(finished.ended),
            survived,
            millis: u64::try_from(finished.elapsed.as_millis()).unwrap_or(u64::MAX),
            events: read,
            tail: tail(&said),
        })
    }

    /// Takes out the values that were passed on; very short ones are no secrets.
    fn without_secrets(&self, text: &str) -> String {
        let long = self.passed.iter().filter(|(_, v)| v.expose().len() >= 6);
        long.fold(text.to_owned(), |text, (_, value)| {
            text.replace(value.expose(), "[redacted]")
        })
    }

    fn environment(&self, scratch: &Path, events: &Path) -> BTreeMap<OsString, OsString> {
        let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
        let mut set = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
            env.insert(name.into(), value.as_ref().into());
        };
        set("PATH", &self.path);
        set("HOME", &self.home);
        set("LANG", &"C.UTF-8");
        set("LC_ALL", &"C.UTF-8");
        set("PYTHONDONTWRITEBYTECODE", &"1");
        set("ANSIBLE_CONFIG", &self.support.join("ansible.cfg"));
        set("ANSIBLE_HOME", &scratch.join("home"));
        set("ANSIBLE_LOCAL_TEMP", &scratch.join("local"));
        set("ANSIBLE_REMOTE_TEMP", &scratch.join("remote"));
        // Below the home by default, which a dry run may not write.
        set("ANSIBLE_ASYNC_DIR", &scratch.join("async"));
        set("TMPDIR", &scratch);
        set("SECLOOP_EVENTS", &events);
        set("SECLOOP_EVENTS_KEY", &scratch.join(KEY));
        if std::env::consts::OS == "macos" {
            // Forked workers die in the system's proxy and Objective-C code otherwise.
            set("OBJC_DISABLE_INITIALIZE_FORK_SAFETY", &"YES");
            set("no_proxy", &"*");
        }
        env
    }

    /// Looks at the playbook as it stands without an apply: what fails in a dry run.
    ///
    /// # Errors
    /// When it does not parse, or never gets to its end.
    pub async fn rehearse(
        &self,
        tree: &Path,
        cancel: &CancellationToken,
    ) -> Result<Baseline, Fatal> {
        let check = self.first_look(tree, cancel).await?;
        let baseline = Baseline::of(&check, &check, &check);
        let judged = judge_check(&check, &baseline);
        match judged.verdict {
            Verdict::Refused(why) => Err(self.broken("dry run", &why, &judged.notes)),
            Verdict::Passed | Verdict::Held(_) | Verdict::NotRun(_) => Ok(baseline),
        }
    }

    /// Runs the playbook as it stands: dry run, then apply twice.
    ///
    /// # Errors
    /// When it does not parse, or never gets to its end.
    pub async fn adopt(&self, tree: &Path, cancel: &CancellationToken) -> Result<Baseline, Fatal> {
        let check = self.first_look(tree, cancel).await?;
        let first = self.run(tree, Mode::Apply, cancel).await;
        let second = self.run(tree, Mode::Apply, cancel).await;
        let baseline = Baseline::of(&check, &first, &second);
        let judged = judge_apply(&second, &baseline);
        match judged.verdict {
            Verdict::Refused(why) => Err(self.broken("apply", &why, &judged.notes)),
            Verdict::Passed | Verdict::Held(_) | Verdict::NotRun(_) => Ok(baseline),
        }
    }
}

impl Ansible {
    fn broken(&self, what: &str, why: &str, notes: &[String]) -> Fatal {
        let said = notes.join("; ");
        let gap = if said.is_empty() { "" } else { "; " };
        Fatal::Ansible(format!(
            "{} does not run as it stands ({what}): {why}{gap}{said}; mend it, or set playbook.args to how you \
             run it",
            self.playbook.display()
        ))
    }

    /// Syntax and dry run, which change nothing.
    async fn first_look(
        &self,
        tree: &Path,
        cancel: &CancellationToken,
    ) -> Result<AnsibleRun, Fatal> {
        self.reads_what_it_gets(tree)?;
        let syntax = self.run(tree, Mode::Syntax, cancel).await;
        let judged = judge_syntax(&syntax, &Baseline::default());
        if let Verdict::Refused(why) = judged.verdict {
            return Err(self.broken("syntax", &why, &judged.notes));
        }
        Ok(self.run(tree, Mode::Check, cancel).await)
    }

    /// A variable that the playbook reads and that is not there would be written as an empty
    /// string over what the machine has.
    fn reads_what_it_gets(&self, tree: &Path) -> Result<(), Fatal> {
        let around = self.playbook.parent().unwrap_or(Path::new(""));
        let names = missing_env(&tree.join(around), &self.passed).map_err(Fatal::Ansible)?;
        if names.is_empty() {
            return Ok(());
        }
        Err(Fatal::Config(format!(
            "{} reads {} from the environment and would write empty values: export them before \
             secloop is started and name them in ansible.pass_env",
            self.playbook.display(),
            names.join(", ")
        )))
    }
}

fn ended(how: Ended) -> String {
    match how {
        Ended::Exited(code) => format!("exit {code}"),
        Ended::Signaled(signal) => format!("ended by signal {signal}"),
        Ended::Deadline => "ran past its deadline and was ended".to_owned(),
        Ended::Silent => "was silent for too long and was ended".to_owned(),
        Ended::Full => "wrote more than there is room for and was ended".to_owned(),
        Ended::Flood => "gave too much output and was ended".to_owned(),
        Ended::Lingered => "it did not end after its last word".to_owned(),
        Ended::Cancelled => "stopped by the supervisor".to_owned(),
    }
}

/// The last 40 lines, each bounded and redacted.
fn tail(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(40);
    lines
        .iter()
        .skip(from)
        .map(|l| one_line(&redact(l), 400))
        .collect()
}
