//! Transcripts of which only what is new is read.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::spend::batch::Batch;
use crate::spend::scan::Reader;
use crate::spend::walk::Found;

/// How far back the beginning of a last line is looked for at once, in bytes.
const BACK: u64 = 64 << 10;

/// Up to where each file was read.
pub(super) struct Watched {
    files: HashMap<PathBuf, Place>,
    reader: Reader,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    node: (u64, u64),
    size: u64,
    changed: (i64, i64),
    /// After the last line that was read whole; not known: somewhere before `size`.
    upto: Option<u64>,
}

impl Place {
    fn of(found: &Found, upto: Option<u64>) -> Self {
        Self {
            node: (found.dev, found.ino),
            size: found.size,
            changed: (found.mtime, found.ctime),
            upto,
        }
    }
}

impl Watched {
    pub(super) fn new() -> Self {
        Self {
            files: HashMap::new(),
            reader: Reader::new(),
        }
    }

    /// The files that are watched.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Begins to watch a file whose lines are known.
    pub(super) fn know(&mut self, found: &Found) {
        self.files
            .insert(found.path.clone(), Place::of(found, None));
    }

    pub(super) fn forget(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// Reads what is new in a file: all of one that is not known yet, or that was written anew.
    /// `None` where there is nothing.
    pub(super) fn read(&mut self, found: &Arc<Found>) -> Option<Batch> {
        let now = Place::of(found, None);
        let from = match self.files.get(&found.path) {
            Some(known)
                if (known.node, known.size, known.changed) == (now.node, now.size, now.changed) =>
            {
                return None;
            }
            Some(known) if known.node == now.node && known.size < now.size => match known.upto {
                Some(upto) => upto,
                None => last_line(&found.path, known.size),
            },
            _ => 0,
        };
        let upto = self.reader.read(found, from);
        let place = Place::of(found, Some(upto.unwrap_or(from)));
        self.files.insert(found.path.clone(), place);
        Some(std::mem::take(&mut self.reader.batch))
    }
}

/// Where the last line begins of which a part lies before byte `end`; the beginning of the file
/// where that can't be told.
fn last_line(path: &Path, end: u64) -> u64 {
    let Ok(file) = File::open(path) else {
        return 0;
    };
    let mut buffer = Vec::new();
    let mut to = end;
    while to > 0 {
        let from = to.saturating_sub(BACK);
        let Ok(length) = usize::try_from(to - from) else {
            return 0;
        };
        buffer.resize(length, 0);
        if file.read_exact_at(&mut buffer, from).is_err() {
            return 0;
        }
        if let Some(at) = memchr::memrchr(b'\n', &buffer) {
            return from + at as u64 + 1;
        }
        to = from;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &Path) -> Arc<Found> {
        let meta = std::fs::metadata(path).unwrap();
        Arc::new(Found::of(path.to_owned(), &meta))
    }

    fn line(id: &str) -> String {
        format!(
            "{{\"type\":\"assistant\",\"timestamp\":\"2026-11-20T12:00:00Z\",\"message\":{{\
             \"id\":\"{id}\",\"model\":\"claude-opus-5\",\"usage\":{{\"input_tokens\":1000,\
             \"output_tokens\":100,\"cache_creation_input_tokens\":0,\
             \"cache_read_input_tokens\":0}}}}}}\n"
        )
    }

    #[test]
    fn only_what_is_new_is_read_and_a_torn_line_once_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let (one, two, three) = (line("1"), line("2"), line("3"));
        let (head, tail) = two.split_at(60);
        let mut content = format!("{one}{head}");
        std::fs::write(&path, &content).unwrap();
        let mut watched = Watched::new();
        watched.know(&found(&path));
        assert!(watched.read(&found(&path)).is_none());

        content.push_str(tail);
        std::fs::write(&path, &content).unwrap();
        assert_eq!(watched.read(&found(&path)).unwrap().calls.len(), 1, "two");
        assert!(watched.read(&found(&path)).is_none());

        content.push_str(&three);
        std::fs::write(&path, &content).unwrap();
        assert_eq!(watched.read(&found(&path)).unwrap().calls.len(), 1, "three");

        std::fs::write(&path, &one).unwrap();
        assert_eq!(watched.read(&found(&path)).unwrap().calls.len(), 1, "anew");
        let other = dir.path().join("b.jsonl");
        std::fs::write(&other, content).unwrap();
        assert_eq!(watched.read(&found(&other)).unwrap().calls.len(), 3);
    }

    #[test]
    fn the_last_line_is_found_however_long_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let long = "x".repeat(200_000);
        std::fs::write(&path, format!("one\n{long}")).unwrap();
        assert_eq!(last_line(&path, 4), 4);
        assert_eq!(last_line(&path, 3), 0);
        assert_eq!(last_line(&path, 150_000), 4);
        assert_eq!(last_line(&path, 900_000), 0, "it is not that long");
        assert_eq!(last_line(&dir.path().join("none"), 9), 0);
    }
}
