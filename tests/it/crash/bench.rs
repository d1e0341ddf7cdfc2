//! A workstation in the middle of its life, which can be put back and broken again.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secloop::ledger::Ledger;
use secloop::turn::Turn;

use crate::support::discord::Discord;
use crate::support::points::{Happens, Point};
use crate::support::station::{Ran, Station, copy, prepare_ansible};

/// Each is closed by a turn.
const GAPS: [&str; 3] = [
    "rm in any spelling",
    "every line is judged",
    "downloads are not run",
];
/// The starter playbook without the settings, so that a turn asks no hooks and takes seconds.
const TASKS: &str = r#"---
- name: Directory
  ansible.builtin.file:
    path: "{{ agent_hooks_home }}/.claude/hooks"
    state: directory
    mode: "0755"

- name: Hooks
  ansible.builtin.copy:
    src: "{{ item }}"
    dest: "{{ agent_hooks_home }}/.claude/hooks/{{ item }}"
    mode: "0755"
  loop:
    - block-destructive.sh
"#;
/// After the first turn.
pub(super) const PRISTINE: &str = "pristine";
/// The turn that is broken.
pub(super) const BROKEN: i64 = 2;

/// Mode and content of everything below a directory, by path.
type Tree = BTreeMap<String, (u32, Vec<u8>)>;

/// A station after its first turn, with a copy to go back to.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) station: Station,
    discord: Discord,
    copies: tempfile::TempDir,
    /// The home before the turn, and after its commit.
    before: Tree,
    after: Tree,
    /// What the turn does, when nothing happens to it.
    pub(super) points: Vec<Point>,
}

impl Bench {
    pub(super) fn new() -> Self {
        prepare_ansible();
        let discord = Discord::start([]);
        let station = Station::with_gaps(&GAPS).posting_to(&discord);
        station.write("ansible-hooks/roles/agent_hooks/tasks/main.yml", TASKS);
        station.commit_all("Hooks alone");
        let temporary = station.root().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let station = station.env("TMPDIR", temporary.display().to_string());
        let done = station.run(&["run", "--once", "--interval", "30m"]);
        assert_eq!(done.code, Some(0), "{}", done.err);
        station.close_the_gate();
        let mut bench = Self {
            before: tree(&station.home()),
            after: Tree::new(),
            points: Vec::new(),
            station,
            discord,
            copies: tempfile::tempdir().unwrap(),
        };
        bench.keep(PRISTINE);
        let done = bench.turn(Happens::Nothing);
        assert_eq!(done.code, Some(0), "{}", done.err);
        bench.after = tree(&bench.station.home());
        assert_ne!(bench.before, bench.after);
        bench.points = bench.station.points();
        bench
    }

    /// Keeps everything as it is under a name.
    pub(super) fn keep(&self, name: &str) {
        copy(self.station.root(), &self.copies.path().join(name));
    }

    /// As it was when it was kept under this name.
    pub(super) fn put_back(&mut self, name: &str) {
        std::fs::remove_dir_all(self.station.root()).unwrap();
        copy(&self.copies.path().join(name), self.station.root());
        self.discord.forget();
    }

    /// One turn, to which something happens.
    pub(super) fn turn(&self, what: Happens) -> Ran {
        let args = ["run", "--once", "--interval", "30m"];
        Ran::from(self.station.with_points(&args, what).output().unwrap())
    }

    /// A start that recovers, and begins nothing since the gate is closed.
    pub(super) fn recovery(&self, what: Happens) -> Ran {
        let file = self.station.root().join("closed.toml");
        let file = file.to_str().unwrap();
        let args = ["--config", file, "run", "--once", "--interval", "30m"];
        Ran::from(self.station.with_points(&args, what).output().unwrap())
    }

    /// Everything is as before the turn, or as after its commit, and nothing is left over.
    pub(super) fn assert_whole(&self) {
        let committed = !self.commit_of(BROKEN).is_empty();
        let home = tree(&self.station.home());
        let expected = if committed { &self.after } else { &self.before };
        assert_same(&home, expected, committed);
        let turns = self.turns();
        for (turn, number) in turns.iter().zip(1..) {
            assert_eq!(turn.number, number);
        }
        let broken = turns.iter().find(|t| t.number == BROKEN);
        if let Some(turn) = broken {
            let word = turn.outcome.word();
            assert_eq!(word == "committed", committed, "{:?}", turn.outcome);
            // Killed before it began, it is the next start's.
            let others = ["failed", "skipped", "needs_operator"];
            let word_fits = committed || others.contains(&word);
            assert!(word_fits, "{:?}", turn.outcome);
        }
        self.assert_clean(&turns);
        self.assert_said_once(&turns);
    }

    /// The next turn lands.
    pub(super) fn assert_goes_on(&self) {
        let before = self.turns().len();
        let done = self.station.run(&["run", "--once", "--interval", "30m"]);
        assert_eq!(done.code, Some(0), "{}", done.err);
        let turns = self.turns();
        assert_eq!(turns.len(), before + 1);
        let last = turns.last().unwrap();
        assert_eq!(last.outcome.word(), "committed", "{:?}", last.outcome);
        assert!(!self.commit_of(last.number).is_empty());
        self.assert_clean(&turns);
        self.assert_said_once(&turns);
    }

    fn turns(&self) -> Vec<Turn> {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let Some(ledger) = Ledger::open_for_reading(&self.station.state())
                .await
                .unwrap()
            else {
                return Vec::new();
            };
            assert!(
                ledger.open_turns().await.unwrap().is_empty(),
                "an open turn"
            );
            assert_eq!(ledger.waiting_posts().await.unwrap(), 0, "a post waits");
            let turns = ledger.turns(100).await.unwrap();
            ledger.close().await;
            turns
        })
    }

    fn commit_of(&self, number: i64) -> String {
        let pattern = format!("--grep=^Turn: {number}$");
        let branch = "secloop/hardening";
        self.station.git(["log", "--format=%H", &pattern, branch])
    }

    /// Neither a lock, nor a file in the making, nor a pre-state that nobody needs.
    fn assert_clean(&self, turns: &[Turn]) {
        let root = self.station.root();
        let mut left: Vec<String> = tree(root)
            .into_keys()
            .filter(|path| {
                let name = Path::new(path).file_name().unwrap().to_str().unwrap();
                let lock = path.contains(".git/") && name.ends_with(".lock");
                lock || name.starts_with(".tmp") || name.starts_with(".secloop-")
            })
            .collect();
        for dir in ["state/snapshots", "state/work", "tmp"] {
            left.extend(names(&root.join(dir)));
        }
        let runs = names(&root.join("state/ansible"));
        left.extend(runs.into_iter().filter(|name| name.starts_with("run-")));
        let holder = names(&root.join("state"));
        left.extend(holder.into_iter().filter(|name| name.starts_with("holder")));
        assert!(left.is_empty(), "left over: {left:?}");
        let state = self.station.git(["status", "--porcelain"]);
        assert_eq!(state, "", "the user's checkout");
        let worktree = self.station.state().join("worktree");
        let worktree = worktree.to_str().unwrap();
        assert_eq!(
            self.station.git(["-C", worktree, "status", "--porcelain"]),
            ""
        );
        let committed = turns.iter().filter(|t| t.outcome.word() == "committed");
        let count = self
            .station
            .git(["rev-list", "--count", "main..secloop/hardening"]);
        assert_eq!(count.trim(), committed.count().to_string());
    }

    /// The page and the channel have everything once.
    fn assert_said_once(&self, turns: &[Turn]) {
        let page = self.station.page();
        let shown = page.matches("<a id=\"turn-").count();
        for turn in turns {
            let committed = turn.outcome.word() == "committed";
            let anchor = format!("<a id=\"turn-{}\"></a>", turn.id);
            assert_eq!(
                page.matches(&anchor).count(),
                usize::from(committed),
                "turn {} on the page",
                turn.number
            );
        }
        let committed = turns.iter().filter(|t| t.outcome.word() == "committed");
        assert_eq!(shown, committed.count());
        let posts = self.discord.messages();
        for turn in turns.iter().filter(|t| t.number >= BROKEN) {
            // A turn that the gate skipped is told by the post about the stop.
            let told = usize::from(turn.outcome.word() != "skipped");
            let about = format!("Turn {}:", turn.number);
            let count = posts.iter().filter(|p| p.contains(&about)).count();
            assert_eq!(count, told, "{about} in {posts:#?}");
        }
    }
}

fn assert_same(home: &Tree, expected: &Tree, committed: bool) {
    let differ: Vec<&String> = home
        .keys()
        .chain(expected.keys())
        .filter(|path| home.get(*path) != expected.get(*path))
        .collect();
    let expected = if committed {
        "after the commit"
    } else {
        "before the turn"
    };
    assert!(differ.is_empty(), "not as {expected}: {differ:?}");
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// What is below a directory.
fn tree(top: &Path) -> Tree {
    let mut all = Tree::new();
    let mut open: Vec<PathBuf> = vec![top.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
            let meta = entry.path().symlink_metadata().unwrap();
            let content = if meta.is_dir() {
                open.push(entry.path());
                Vec::new()
            } else if meta.is_file() {
                std::fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            let path = entry
                .path()
                .strip_prefix(top)
                .unwrap()
                .display()
                .to_string();
            all.insert(path, (meta.permissions().mode(), content));
        }
    }
    all
}
