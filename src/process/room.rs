//! What a child may write to directories on the disk, where nothing else bounds it: they are looked
//! at while it works, and it is ended once there is more in them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

/// Between two looks, at least.
const LOOK: Duration = Duration::from_millis(250);
/// A look takes no more than this part of the time.
const SHARE: u32 = 20;
/// More entries than this are too much, whatever they hold.
const MAX_ENTRIES: usize = 200_000;
/// What the smallest file takes.
const LEAST: u64 = 4096;

/// Directories, and how many bytes they may hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The directories.
    pub dirs: Vec<PathBuf>,
    /// Bytes.
    pub most: u64,
}

impl Room {
    /// For what is there, and so many bytes more.
    pub fn growing(dirs: Vec<PathBuf>, more: u64) -> Self {
        let now = dirs.iter().filter_map(|dir| held(dir)).sum::<u64>();
        Self {
            dirs,
            most: now.saturating_add(more),
        }
    }

    fn full(&self) -> bool {
        let held = self.dirs.iter().map(|dir| held(dir));
        held.sum::<Option<u64>>().is_none_or(|all| all > self.most)
    }
}

/// When to look next.
#[derive(Debug)]
pub(super) struct Looks(Instant);

impl Looks {
    pub(super) fn new(now: Instant) -> Self {
        Self(now + LOOK)
    }

    pub(super) fn next(&self) -> Instant {
        self.0
    }

    /// Looks, and whether there is too much.
    pub(super) fn full(&mut self, room: &Room) -> bool {
        let since = Instant::now();
        let full = room.full();
        self.0 = Instant::now() + LOOK.max(since.elapsed() * SHARE);
        full
    }
}

/// What a directory holds. `None`: more entries than are looked at.
fn held(dir: &Path) -> Option<u64> {
    let mut open = vec![dir.to_owned()];
    let (mut bytes, mut entries) = (0, 0);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                return None;
            }
            if let Ok(meta) = entry.metadata() {
                bytes += (meta.blocks() * 512).max(LEAST);
                if meta.is_dir() {
                    open.push(entry.path());
                }
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::process::{Ended, Spec, run};

    #[tokio::test]
    async fn who_writes_more_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let script = "head -c 3000000 /dev/zero > large; exec sleep 3600";
        let mut spec =
            Spec::new("/bin/sh", dir.path(), Duration::from_mins(5)).args(["-c", script]);
        spec.room = Some(Room::growing(vec![dir.path().to_owned()], 1 << 20));
        let done = run(&spec, &CancellationToken::new(), |_| ()).await.unwrap();
        assert_eq!((done.ended, done.survived), (Ended::Full, false));
    }

    #[test]
    fn there_is_room_for_so_much_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("old"), vec![1; 100_000]).unwrap();
        let room = Room::growing(vec![dir.path().to_owned()], 50_000);
        assert!(!room.full());
        // A hole takes nothing.
        let hole = std::fs::File::create(dir.path().join("hole")).unwrap();
        hole.set_len(1 << 30).unwrap();
        assert!(!room.full());
        std::fs::create_dir(dir.path().join("deep")).unwrap();
        std::fs::write(dir.path().join("deep/new"), vec![1; 50_000]).unwrap();
        assert!(room.full());
        std::fs::remove_file(dir.path().join("deep/new")).unwrap();
        assert!(!room.full());
        for i in 0..20 {
            std::fs::write(dir.path().join(i.to_string()), "").unwrap();
        }
        assert!(room.full(), "many small ones take room too");
    }
}
