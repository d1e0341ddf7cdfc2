//! The parts that a turn works with, assembled once.

use std::cell::{Cell, RefCell, RefMut};
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use chrono::NaiveDate;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::agent::catalog::Catalog;
use crate::agent::claude::Claude;
use crate::agent::{Agent, Brief};
use crate::clock::Clock;
use crate::config::{Config, Env};
use crate::error::Fatal;
use crate::gate::MicroUsd;
use crate::ledger::{Ledger, LedgerError};
use crate::lock::{Holder, Lock};
use crate::playbook::{Ansible, AnsibleRun, Baseline, Mode};
use crate::prove::autonomy;
use crate::prove::committed::{self, Committed};
use crate::prove::probe::{self, ProbeContext, ProbeResult};
use crate::repo::{CommitId, Repo};
use crate::report::console::Console;
use crate::report::discord::Discord;
use crate::sandbox::Sandbox;
use crate::scan::{self, Scan};
use crate::spend::{Limits, Meter};
use crate::turn::{Iteration, Probe, Stage, TurnId, Verdict};

/// The agent that works, one of those there are.
#[derive(Debug)]
pub enum Worker {
    /// The embedded catalogue.
    Catalog(Catalog),
    /// The Claude Code command line.
    Claude(Box<Claude>),
}

impl Worker {
    /// Its name, as shown to people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Catalog(_) => "catalog",
            Self::Claude(_) => "claude",
        }
    }

    /// What it asks the network for is written down.
    #[must_use]
    pub(crate) fn recorded(self, ledger: &Ledger, clock: &Clock, config: &Config) -> Self {
        match self {
            Self::Catalog(agent) => Self::Catalog(agent),
            Self::Claude(claude) => {
                let work = work_dir(&config.state_dir);
                Self::Claude(Box::new(claude.recorded(
                    ledger.clone(),
                    clock.clone(),
                    work,
                )))
            }
        }
    }

    /// The agent whose live call can be proven, if this is one.
    pub fn live(&self) -> Option<&Claude> {
        match self {
            Self::Catalog(_) => None,
            Self::Claude(claude) => Some(claude),
        }
    }
}

impl Agent for Worker {
    async fn iterate(&self, brief: &Brief, meter: &Meter, beat: &mut dyn FnMut(&str)) -> Iteration {
        match self {
            Self::Catalog(agent) => agent.iterate(brief, meter, beat).await,
            Self::Claude(agent) => agent.iterate(brief, meter, beat).await,
        }
    }
}

/// Everything a turn works with. Used from one thread.
#[derive(Debug)]
pub struct World {
    /// The configuration.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The ledger.
    pub ledger: Ledger,
    /// The playbook's repository.
    pub repo: Repo,
    /// Ansible.
    pub ansible: Ansible,
    /// The agent.
    pub agent: Worker,
    /// The confinement of checks, probes and agent.
    pub sandbox: Sandbox,
    /// The status channel.
    pub discord: Discord,
    /// The value of `PATH` for probes and hooks.
    pub path: OsString,
    /// The environment of the person who started the loop: for `git push` alone.
    pub env: Env,
    lock: Lock,
    today: Cell<MicroUsd>,
    /// The day on which the warning about the cap was given.
    warned: Cell<Option<NaiveDate>>,
    console: RefCell<Console>,
    baseline: RefCell<Rc<Baseline>>,
    autonomy: RefCell<Rc<autonomy::Report>>,
    corpus: RefCell<Rc<Vec<autonomy::Call>>>,
    /// What the deployed hooks answered to it.
    hooks: autonomy::Known,
    scan: RefCell<Option<Rc<Scan>>>,
}

impl World {
    /// Puts the parts together.
    #[expect(
        clippy::too_many_arguments,
        reason = "called once, by the one function that makes them"
    )]
    pub fn new(
        config: Config,
        clock: Clock,
        ledger: Ledger,
        repo: Repo,
        ansible: Ansible,
        agent: Worker,
        sandbox: Sandbox,
        discord: Discord,
        path: OsString,
        env: Env,
        lock: Lock,
        console: Console,
    ) -> Self {
        let corpus = autonomy::corpus(&config.home);
        let hooks = autonomy::Known::of_measures(Some(&config.state_dir), &config.home, &path);
        Self {
            config,
            clock,
            ledger,
            repo,
            ansible,
            agent,
            sandbox,
            discord,
            path,
            env,
            lock,
            today: Cell::new(MicroUsd::ZERO),
            warned: Cell::new(None),
            console: RefCell::new(console),
            baseline: RefCell::default(),
            autonomy: RefCell::default(),
            corpus: RefCell::new(Rc::new(corpus)),
            hooks,
            scan: RefCell::default(),
        }
    }

    /// What the person at the terminal sees. Never held across an `await`.
    pub fn console(&self) -> RefMut<'_, Console> {
        self.console.borrow_mut()
    }

    /// The lock that this run holds.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// A sign of life, with a change of the record that others see.
    pub fn sign(&self, change: impl FnOnce(&mut Holder)) {
        // The record informs others; the lock is held without it.
        let _ = self.lock().beat(self.clock.now(), change);
    }

    /// Notes the stage for whoever finds the lock taken.
    pub fn stage(&self, stage: Stage) {
        self.sign(|holder| holder.stage = Some(stage));
    }

    /// Notes a sign of life.
    pub fn beat(&self, line: &str) {
        // The record informs others; the lock is held without it.
        let _ = self.lock().line(self.clock.now(), line);
    }

    /// A meter for a run that may cost so much; it also ends with `cancel`.
    pub(crate) fn meter(&self, allowance: MicroUsd, cancel: &CancellationToken) -> Meter {
        let limits = Limits {
            allowance,
            unanswered: self.config.spend.unanswered,
        };
        Meter::new(self.clock.clone(), limits, cancel.child_token())
    }

    /// Notes the day's figure as the gate read it.
    pub(crate) fn set_today(&self, total: MicroUsd) {
        self.today.set(total);
    }

    /// Whether this run meets the day's cap from near for the first time on a day.
    pub(crate) fn first_near_cap(&self, today: NaiveDate) -> bool {
        self.warned.replace(Some(today)) != Some(today)
    }

    /// Notes what a run of this turn cost.
    pub(crate) fn spent(&self, cost: MicroUsd) {
        self.today.set(self.today.get().plus(cost));
        self.sign(|holder| holder.spent = holder.spent.plus(cost));
    }

    /// The day's spend: the gate's last figure and what was spent since.
    pub fn today(&self) -> MicroUsd {
        self.today.get()
    }

    /// Appends an event to the ledger.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn event(
        &self,
        turn: TurnId,
        stage: Stage,
        kind: &str,
        data: &(impl Serialize + Sync),
    ) -> Result<(), LedgerError> {
        self.ledger
            .event(turn, self.clock.now(), stage, kind, data)
            .await
    }

    /// The baseline that judgements are made against.
    pub fn baseline(&self) -> Rc<Baseline> {
        Rc::clone(&self.baseline.borrow())
    }

    /// Sets the baseline.
    pub fn set_baseline(&self, baseline: Baseline) {
        *self.baseline.borrow_mut() = Rc::new(baseline);
    }

    /// Keeps the baseline for a commit of our own: it adds nothing to it.
    pub(crate) async fn keep_baseline(&self, commit: &CommitId) -> Result<(), LedgerError> {
        let text = serde_json::to_string(&*self.baseline()).unwrap_or_default();
        self.ledger
            .set_fact(&self.baseline_key(commit), &text, self.clock.now())
            .await
    }

    /// The baseline that is known for a commit and the way in which the playbook is run now.
    pub(crate) async fn known_baseline(
        &self,
        commit: &CommitId,
    ) -> Result<Option<Baseline>, LedgerError> {
        let text = self.ledger.fact(&self.baseline_key(commit)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn baseline_key(&self, commit: &CommitId) -> String {
        format!("baseline/{commit}/{}", self.ansible.way())
    }

    /// The autonomy report that the next one is compared with.
    pub fn remember_autonomy(&self, report: autonomy::Report) {
        *self.autonomy.borrow_mut() = Rc::new(report);
    }

    /// Measures autonomy on the machine as it is and judges it against the last measure.
    pub async fn check_autonomy(&self, cancel: &CancellationToken) -> (autonomy::Report, Verdict) {
        let corpus = Rc::clone(&self.corpus.borrow());
        let after = autonomy::measure(&self.probe_context(), &corpus, &self.hooks, cancel).await;
        let before = Rc::clone(&self.autonomy.borrow());
        let verdict = match autonomy::compare(&before, &after) {
            Verdict::Passed => autonomy::in_time(&before, &after, self.config.prove.hook_budget),
            other => other,
        };
        (after, verdict)
    }

    /// As [`Self::check_autonomy`], whatever dangerous calls are let through now.
    pub(crate) async fn check_freedom(
        &self,
        cancel: &CancellationToken,
    ) -> (autonomy::Report, Verdict) {
        let corpus = Rc::clone(&self.corpus.borrow());
        let after = autonomy::measure(&self.probe_context(), &corpus, &self.hooks, cancel).await;
        let before = Rc::clone(&self.autonomy.borrow());
        let verdict = autonomy::freedom(&before, &after);
        (after, verdict)
    }

    /// Where the way back of a turn's improvement is kept.
    pub(crate) fn way_back_dir(&self, turn: TurnId) -> PathBuf {
        self.config
            .state_dir
            .join("ways-back")
            .join(turn.to_string())
    }

    /// Reads the user's own calls, once: what a change makes of their files later counts for nothing.
    ///
    /// # Errors
    /// Names the file, the line and the cure.
    pub(crate) fn read_corpus(&self) -> Result<(), Fatal> {
        let calls = autonomy::extended(&self.config.home, &self.config.prove.corpus);
        *self.corpus.borrow_mut() = Rc::new(calls.map_err(Fatal::Config)?);
        Ok(())
    }

    /// Runs changed hooks beside the old ones, confined.
    pub async fn compare_hooks(
        &self,
        hooks: &[crate::gates::Hook],
        cancel: &CancellationToken,
    ) -> Verdict {
        autonomy::compare_hooks(&self.probe_context(), hooks, cancel).await
    }

    /// Runs one probe on the machine.
    pub async fn probe(&self, probe: &Probe, cancel: &CancellationToken) -> ProbeResult {
        probe::run(probe, &self.probe_context(), cancel).await
    }

    /// What scanners have found: looked for again when it is old, or a change has landed since.
    ///
    /// # Errors
    /// When the ledger fails.
    pub(crate) async fn scan(&self, cancel: &CancellationToken) -> Result<Rc<Scan>, LedgerError> {
        let now = self.clock.now();
        let known = self.scan.borrow().clone();
        if let Some(scan) = known.filter(|s| !self.config.scan.is_old(s.at, now)) {
            return Ok(scan);
        }
        let probes = self.probe_context();
        let machine = scan::Machine {
            sandbox: &self.sandbox,
            home: &self.config.home,
            path: &self.path,
            dir: &self.config.repo.path,
            probes: &probes,
            zone: self.clock.zone(),
        };
        let scan = Rc::new(scan::scan(&self.config.scan, &machine, now, cancel).await);
        self.ledger.keep_scan(&scan).await?;
        *self.scan.borrow_mut() = Some(Rc::clone(&scan));
        Ok(scan)
    }

    /// What was found is not what is any more.
    pub(crate) fn forget_scan(&self) {
        *self.scan.borrow_mut() = None;
    }

    /// What scanners have found, where they were asked in this run.
    pub(crate) fn scanned(&self) -> Option<Rc<Scan>> {
        self.scan.borrow().clone()
    }

    /// What probes and hooks see of the workstation.
    pub(crate) fn probe_context(&self) -> ProbeContext {
        ProbeContext::new(
            self.sandbox.clone(),
            self.config.home.clone(),
            self.path.clone(),
        )
        .with_scratch(self.work_dir())
    }

    /// What is needed for a while; whatever a dead run left there goes at the next start.
    pub(crate) fn work_dir(&self) -> PathBuf {
        work_dir(&self.config.state_dir)
    }

    /// The probes of every committed improvement.
    ///
    /// # Errors
    /// When the ledger or the repository can't be read.
    pub async fn committed_probes(&self) -> Result<Vec<Committed>, Fatal> {
        committed::all(Some(&self.ledger), &self.repo).await
    }

    /// Runs these probes on the machine, some at once; what they gave, in their order.
    pub(crate) async fn probe_all(
        &self,
        probes: &[Committed],
        cancel: &CancellationToken,
    ) -> Vec<ProbeResult> {
        let told = |done: usize| {
            let text = format!("{done} of {} earlier probes", probes.len());
            self.console().reading(&text);
        };
        let width = committed::width();
        committed::run_all(probes, &self.probe_context(), width, cancel, told).await
    }

    /// Whether agent and checks are confined at all.
    pub fn confines(&self) -> bool {
        self.sandbox.confines()
    }

    /// How agent and checks are confined, in words.
    pub fn confinement(&self) -> String {
        self.sandbox.describe().to_owned()
    }

    /// The directory of an agent's run; kept, since its transcripts count as spend.
    pub(crate) fn make_run_dir(&self, turn: TurnId) -> Result<PathBuf, crate::stages::Ending> {
        let dir = runs_dir(&self.config.state_dir).join(turn.to_string());
        make_private(&dir).map_err(crate::stages::Ending::Fatal)?;
        Ok(dir)
    }

    /// Removes the directory of an agent's run that is old by now.
    pub(crate) fn drop_run_dir(&self, turn: TurnId) -> std::io::Result<()> {
        let dir = runs_dir(&self.config.state_dir).join(turn.to_string());
        match std::fs::remove_dir_all(dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// Where the pre-state of a turn is kept until the turn is over.
    pub fn snapshot_dir(&self, turn: TurnId) -> PathBuf {
        self.snapshots_dir().join(turn.to_string())
    }

    /// Where the pre-states of turns are.
    pub(crate) fn snapshots_dir(&self) -> PathBuf {
        self.config.state_dir.join("snapshots")
    }

    /// Waits for `work` and gives signs of life meanwhile, so that nobody takes it for dead.
    pub(crate) async fn alive<T>(&self, work: impl Future<Output = T>) -> T {
        beating(self.lock(), &self.clock, work).await
    }

    /// Applies the branch's head as it stands.
    ///
    /// # Errors
    /// When it can't be exported, in words.
    pub(crate) async fn apply_head(
        &self,
        cancel: &CancellationToken,
    ) -> Result<AnsibleRun, String> {
        let tree = self
            .make_private_dir("head")
            .map_err(|_| "no place for an export".to_owned())?;
        let head = self.repo.head().await.map_err(|e| e.to_string())?;
        self.repo
            .export(&head, tree.path())
            .await
            .map_err(|e| e.to_string())?;
        Ok(self.ansible.run(tree.path(), Mode::Apply, cancel).await)
    }

    /// A private directory that is gone when dropped.
    pub(crate) fn make_private_dir(
        &self,
        name: &str,
    ) -> Result<tempfile::TempDir, crate::stages::Ending> {
        let base = self.work_dir();
        make_private(&base).map_err(crate::stages::Ending::Fatal)?;
        tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(&base)
            .map_err(|e| {
                crate::stages::Ending::Fatal(Fatal::State {
                    path: base.clone(),
                    why: format!("no directory can be made in it ({e}); is the disk full?"),
                })
            })
    }
}

fn work_dir(state_dir: &std::path::Path) -> PathBuf {
    state_dir.join("work")
}

fn runs_dir(state_dir: &std::path::Path) -> PathBuf {
    state_dir.join("runs")
}

/// The roots of all transcripts, those of the own runs included.
pub fn all_roots(config: &Config) -> Vec<PathBuf> {
    let mut roots = config.spend.roots.clone();
    roots.extend(own_roots(&config.state_dir));
    roots
}

/// The transcript roots of secloop's own runs.
pub fn own_roots(state_dir: &std::path::Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(runs_dir(state_dir)) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .map(|e| e.path().join("claude"))
        .filter(|p| p.is_dir())
        .collect()
}

/// How often the lock's heartbeat is renewed and a stop request is looked for.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(2);

/// Waits for `work` with a heartbeat of the lock.
pub(crate) async fn beating<T>(lock: &Lock, clock: &Clock, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(HEARTBEAT) => {
                // The record informs others; the lock is held without it.
                let _ = lock.beat(clock.now(), |_| {});
            }
        }
    }
}

/// Makes a directory that only its owner can enter.
pub fn make_private(dir: &std::path::Path) -> Result<(), Fatal> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(Fatal::io(format!("making {}", dir.display())))
}
