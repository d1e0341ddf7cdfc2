//! Taking, holding and releasing the lock.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use fs2::FileExt;

use super::dir::check_dir;
use super::holder::{self, Holder, holder};
use crate::error::Fatal;

/// Output may come by the thousand lines; the record is for people and is written this often.
const LINE_EVERY: TimeDelta = TimeDelta::seconds(1);

/// What an attempt to take the lock came to.
#[derive(Debug)]
pub enum Acquired {
    /// It is ours.
    Held(Lock),
    /// Another process has it; `None` where it left no record that can be read.
    Busy(Option<Holder>),
}

/// The lock, held. Dropped, it is released.
#[derive(Debug)]
pub struct Lock {
    dir: PathBuf,
    /// Open is held.
    _file: File,
    previous: Option<Box<Holder>>,
    state: Mutex<Box<Record>>,
}

#[derive(Debug)]
struct Record {
    me: Holder,
    written: DateTime<Utc>,
}

/// Tries to take the lock in the state directory `dir`, without waiting.
///
/// # Errors
/// [`Fatal::State`] when the directory is not ours alone, [`Fatal::Io`] when the lock or the
/// record can't be written.
pub fn acquire(dir: &Path, me: Holder) -> Result<Acquired, Fatal> {
    check_dir(dir)?;
    let path = dir.join("lock");
    // Held by nobody but us, and yet not the file that others will open: taken again.
    for _ in 0..10 {
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(Fatal::io(format!("opening {}", path.display())))?;
        if let Err(e) = file.try_lock_exclusive() {
            if e.kind() == ErrorKind::WouldBlock
                || e.raw_os_error() == fs2::lock_contended_error().raw_os_error()
            {
                return Ok(Acquired::Busy(holder(dir)));
            }
            return Err(Fatal::io(format!("locking {}", path.display()))(e));
        }
        if is_at(&file, &path) {
            let previous = holder(dir);
            holder::write(dir, &me).map_err(Fatal::io(format!(
                "writing {}",
                holder::path(dir).display()
            )))?;
            let written = me.heartbeat;
            return Ok(Acquired::Held(Lock {
                dir: dir.to_owned(),
                _file: file,
                previous: previous.map(Box::new),
                state: Mutex::new(Box::new(Record { me, written })),
            }));
        }
    }
    Err(Fatal::State {
        path: dir.to_owned(),
        why: "its file `lock` is replaced again and again; find out by what".to_owned(),
    })
}

/// Whether somebody holds the lock. It is tried for a moment: not to be asked without need.
pub(super) fn is_taken(dir: &Path) -> bool {
    File::open(dir.join("lock")).is_ok_and(|file| FileExt::try_lock_shared(&file).is_err())
}

/// Whether `path` still names the open file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

impl Lock {
    /// Whoever held the lock before and did not release it: it crashed, or was killed, and what it
    /// was doing may have to be taken back.
    pub fn previous(&self) -> Option<&Holder> {
        self.previous.as_deref()
    }

    /// The record as it is now.
    pub fn me(&self) -> Holder {
        self.record().me.clone()
    }

    /// Changes the record and gives a sign of life. Short; to be called at every stage and, also
    /// while nothing else happens, several times within `coordinate.silent`.
    ///
    /// # Errors
    /// When the record can't be written; the lock is held all the same.
    pub fn beat(
        &self,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Holder),
    ) -> std::io::Result<()> {
        let mut record = self.record();
        change(&mut record.me);
        record.me.alive(now);
        record.written = now;
        holder::write(&self.dir, &record.me)
    }

    /// Keeps a line of output; it reaches the record within a second of the next line or beat.
    ///
    /// # Errors
    /// When the record can't be written; the lock is held all the same.
    pub fn line(&self, now: DateTime<Utc>, text: &str) -> std::io::Result<()> {
        let mut record = self.record();
        record.me.line(text);
        if (now - record.written).abs() < LINE_EVERY {
            return Ok(());
        }
        record.me.alive(now);
        record.written = now;
        holder::write(&self.dir, &record.me)
    }

    /// Lets go of the lock.
    pub fn release(self) {
        drop(self);
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Box<Record>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still ours; closing the file comes after this.
        let _ = std::fs::remove_file(holder::path(&self.dir));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::own_identity;

    fn now() -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn me() -> Holder {
        Holder::new(uuid::Uuid::now_v7(), own_identity(), now(), "/log".into())
    }

    fn held(dir: &Path, me: Holder) -> Lock {
        match acquire(dir, me).unwrap() {
            Acquired::Held(lock) => lock,
            Acquired::Busy(holder) => panic!("busy: {holder:?}"),
        }
    }

    #[test]
    fn a_second_attempt_meets_the_first_and_a_third_comes_after_it() {
        let at = tempfile::tempdir().unwrap();
        let me_first = me();
        let lock = held(at.path(), me_first.clone());
        match acquire(at.path(), me()).unwrap() {
            Acquired::Busy(Some(met)) => assert_eq!(met, me_first),
            other => panic!("{other:?}"),
        }
        lock.release();
        assert_eq!(holder(at.path()), None);
        assert!(held(at.path(), me()).previous().is_none());
    }

    #[test]
    fn a_beat_is_seen_by_others_and_lines_are_gathered() {
        let at = tempfile::tempdir().unwrap();
        let lock = held(at.path(), me());
        let later = now() + TimeDelta::seconds(30);
        lock.beat(later, |me| me.stage = Some(crate::turn::Stage::Prove))
            .unwrap();
        let seen = holder(at.path()).unwrap();
        assert_eq!(
            (seen.heartbeat, seen.stage),
            (later, Some(crate::turn::Stage::Prove))
        );
        lock.line(later, "one").unwrap();
        assert!(holder(at.path()).unwrap().last_lines.is_empty());
        lock.line(later + LINE_EVERY, "two").unwrap();
        assert_eq!(holder(at.path()).unwrap().last_lines, ["one", "two"]);
        assert_eq!(lock.me().last_lines.len(), 2);
    }

    #[test]
    fn a_lock_file_that_was_taken_away_is_not_the_lock() {
        let at = tempfile::tempdir().unwrap();
        let lock = held(at.path(), me());
        std::fs::remove_file(at.path().join("lock")).unwrap();
        // Who removes the file takes the protection away; the new one is a lock again.
        let second = held(at.path(), me());
        assert!(matches!(
            acquire(at.path(), me()).unwrap(),
            Acquired::Busy(_)
        ));
        drop((lock, second));
    }
}
