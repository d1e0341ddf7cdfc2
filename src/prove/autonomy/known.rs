//! Answers of hooks to calls, kept from one time to the next: by the hook, all that it is known to read
//! included, and by the call.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use super::batch::Question;
use super::closure::{Depth, hook_digest};
use super::hooks::Answer;

type Digest = [u8; 32];

/// Hooks whose answers are kept, those used last.
const HOOKS: i64 = 16;
/// The name of the file in the state directory.
const FILE: &str = "hooks.sqlite";

/// Of so many calls of a measure one is asked whatever is known, another one each time.
const SAMPLE: usize = 8;

/// The answers that are known. A file that can't be used is as none: it is no fact, only time saved.
#[derive(Debug)]
pub struct Known {
    home: PathBuf,
    /// None: nothing is kept.
    file: Option<PathBuf>,
    /// Whether anything that a hook may use makes it another.
    depth: Depth,
    inner: RefCell<Inner>,
}

/// The calls of a measure that are asked whatever is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample(usize);

impl Sample {
    /// Whether the call at this place is one of them.
    pub(super) fn has(self, at: usize) -> bool {
        at % SAMPLE == self.0
    }
}

#[derive(Debug, Default)]
struct Inner {
    /// A hook's digest by its command.
    digests: BTreeMap<String, Digest>,
    answers: HashMap<(Digest, Digest), bool>,
    new: Vec<(Digest, Digest, bool)>,
    /// Measures that were begun, from any number on.
    measures: usize,
    contradicted: bool,
}

impl Known {
    /// Those in a state directory, for the hooks as they are in `home` now: to be made anew after each
    /// change.
    pub(crate) fn of(state_dir: Option<&Path>, home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            file: state_dir.map(|dir| dir.join(FILE)),
            depth: Depth::Own,
            inner: RefCell::default(),
        }
    }

    /// For measures of the same home one after the other: what a hook reads counts with its logs, and so
    /// do the programs that it names, as they are found along `path`.
    pub fn of_measures(state_dir: Option<&Path>, home: &Path, path: &OsStr) -> Self {
        Self {
            home: home.to_owned(),
            file: state_dir.map(|dir| dir.join(FILE)),
            depth: Depth::Everything(path.to_owned()),
            inner: RefCell::new(Inner {
                // Runs of one turn each would ask the same calls again and again.
                measures: usize::from(uuid::Uuid::new_v4().as_bytes()[0]),
                ..Inner::default()
            }),
        }
    }

    /// Begins another measure: the hooks are looked at anew.
    pub(super) fn begin(&self) -> Sample {
        let mut inner = self.inner.borrow_mut();
        inner.digests.clear();
        inner.contradicted = false;
        inner.measures += 1;
        Sample(inner.measures % SAMPLE)
    }

    /// Whether a hook has answered otherwise than was known, since the measure began.
    pub(super) fn is_contradicted(&self) -> bool {
        self.inner.borrow().contradicted
    }

    /// Nothing is known any more of the hooks of this measure.
    pub(super) fn forget(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.answers.clear();
        inner.new.clear();
        for digest in inner.digests.values() {
            let gone = self.open().and_then(|open| {
                open.execute("DELETE FROM answer WHERE hook = ?1", params![digest])
            });
            if let Err(error) = gone {
                tracing::info!("{FILE}: {error}");
            }
        }
    }

    /// What a hook answers to a call, where it is known.
    pub(super) fn get(&self, hook: &str, question: &Question) -> Option<Answer> {
        let digest = self.digest(hook);
        let inner = self.inner.borrow();
        let denied = inner.answers.get(&(digest, call_digest(question)))?;
        Some(if *denied {
            Answer::Denied
        } else {
            Answer::Allowed
        })
    }

    /// Notes an answer; that a hook failed is nothing to keep.
    pub(super) fn put(&self, hook: &str, question: &Question, answer: &Answer) {
        let (hook, call) = (self.digest(hook), call_digest(question));
        let mut inner = self.inner.borrow_mut();
        let denied = match answer {
            Answer::Allowed => Some(false),
            Answer::Denied => Some(true),
            Answer::Broken(_) => None,
        };
        let was = match denied {
            Some(denied) => inner.answers.insert((hook, call), denied),
            None => inner.answers.remove(&(hook, call)),
        };
        inner.contradicted |= was.is_some() && was != denied;
        if let Some(denied) = denied.filter(|_| self.file.is_some()) {
            inner.new.push((hook, call, denied));
        }
    }

    /// Writes what is new.
    pub(super) fn write(&self) {
        let new = std::mem::take(&mut self.inner.borrow_mut().new);
        if let Err(error) = self.try_write(&new) {
            tracing::info!("{FILE}: {error}");
        }
    }

    fn digest(&self, hook: &str) -> Digest {
        if let Some(digest) = self.inner.borrow().digests.get(hook) {
            return *digest;
        }
        let digest = hook_digest(hook, &self.home, &self.depth);
        let answers = match self.file {
            Some(_) => self.read(&digest).unwrap_or_default(),
            None => Vec::new(),
        };
        let mut inner = self.inner.borrow_mut();
        inner.digests.insert(hook.to_owned(), digest);
        let answers = answers.into_iter();
        inner
            .answers
            .extend(answers.map(|(call, denied)| ((digest, call), denied)));
        digest
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let open = match &self.file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        open.busy_timeout(std::time::Duration::from_secs(5))?;
        open.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS hook (digest BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS answer (hook BLOB NOT NULL, call BLOB NOT NULL,
               denied INTEGER NOT NULL, PRIMARY KEY (hook, call)) WITHOUT ROWID;",
        )?;
        Ok(open)
    }

    fn read(&self, hook: &Digest) -> rusqlite::Result<Vec<(Digest, bool)>> {
        let open = self.open()?;
        let mut rows = open.prepare("SELECT call, denied FROM answer WHERE hook = ?1")?;
        let rows = rows.query_map(params![hook], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    fn try_write(&self, new: &[(Digest, Digest, bool)]) -> rusqlite::Result<()> {
        if new.is_empty() || self.file.is_none() {
            return Ok(());
        }
        let mut open = self.open()?;
        let all = open.transaction()?;
        for (hook, call, denied) in new {
            all.prepare_cached("INSERT OR REPLACE INTO answer VALUES (?1, ?2, ?3)")?
                .execute(params![hook, call, denied])?;
        }
        for hook in self.inner.borrow().digests.values() {
            all.execute(
                "INSERT OR REPLACE INTO hook SELECT ?1, COALESCE(MAX(seq), 0) + 1 FROM hook",
                params![hook],
            )?;
        }
        all.execute(
            "DELETE FROM hook WHERE digest NOT IN (SELECT digest FROM hook ORDER BY seq DESC LIMIT ?1)",
            params![HOOKS],
        )?;
        all.execute(
            "DELETE FROM answer WHERE hook NOT IN (SELECT digest FROM hook)",
            [],
        )?;
        all.commit()
    }
}

fn call_digest(question: &Question) -> Digest {
    let Question { tool, input, cwd } = question;
    Sha256::digest(format!("{tool}\0{cwd}\0{input}").as_bytes()).into()
}
