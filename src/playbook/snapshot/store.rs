//! The content of files, one after another in one file: it is synced once, however many there are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::turn::hex;

/// Where each content lies: offset and length, by its hash.
pub(super) type Index = BTreeMap<String, (u64, u64)>;

/// Content that is being collected.
#[derive(Debug)]
pub(super) struct Store {
    inner: RefCell<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    end: u64,
    index: Index,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("content")
}

impl Store {
    /// Begins an empty one in `dir`.
    pub(super) fn create(dir: &Path) -> std::io::Result<Self> {
        // It holds keys and passwords' hashes; what an earlier attempt left is nobody's.
        let path = path(dir);
        let _ = std::fs::remove_file(&path);
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self {
            inner: RefCell::new(Inner {
                file,
                end: 0,
                index: Index::new(),
            }),
        })
    }

    /// Keeps what `from` has, once; gives its hash.
    pub(super) fn keep(&self, from: &mut dyn Read) -> std::io::Result<String> {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        inner.file.seek(SeekFrom::Start(inner.end))?;
        let (sha256, length) = copy(from, &mut inner.file)?;
        if !inner.index.contains_key(&sha256) {
            inner.index.insert(sha256.clone(), (inner.end, length));
            inner.end += length;
        }
        Ok(sha256)
    }

    /// How many bytes it holds.
    pub(super) fn size(&self) -> u64 {
        self.inner.borrow().end
    }

    /// Makes it durable.
    pub(super) fn finish(self) -> std::io::Result<Index> {
        let inner = self.inner.into_inner();
        inner.file.set_len(inner.end)?;
        inner.file.sync_all()?;
        Ok(inner.index)
    }
}

/// Writes a content of the store in `dir` to `into`.
pub(super) fn read(
    dir: &Path,
    index: &Index,
    sha256: &str,
    into: &mut dyn Write,
) -> std::io::Result<()> {
    let lost = || std::io::Error::other("its content is not in the snapshot");
    let (at, length) = index.get(sha256).copied().ok_or_else(lost)?;
    let mut file = File::open(path(dir))?;
    file.seek(SeekFrom::Start(at))?;
    let (found, _) = copy(&mut file.take(length), into)?;
    // What a damaged disk gives back must not become the machine's state.
    if found == sha256 { Ok(()) } else { Err(lost()) }
}

/// Copies, and gives hash and length.
pub(super) fn copy(from: &mut dyn Read, into: &mut dyn Write) -> std::io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut length = 0;
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => return Ok((hex(&hasher.finalize()), length)),
            Ok(n) => buffer.get(..n).unwrap_or_default(),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hasher.update(piece);
        into.write_all(piece)?;
        length += piece.len() as u64;
    }
}
