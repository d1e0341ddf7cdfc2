//! Reading into the index what is new in the transcripts.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::index::{Index, IndexError, Known, Position};
use super::scan::{READER_FAILED, Reader, threads};
use super::walk::Found;

/// So many calls are held by all readers together before they are written: they bound the memory
/// that reading takes. Each writing touches many pages of the index, however few the calls are.
const HELD: usize = 16_384;

/// A file that has something new, from a byte on.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) file: Arc<Found>,
    pub(super) from: u64,
}

impl News {
    /// How much there is to read.
    pub(super) fn bytes(&self) -> u64 {
        self.file.size.saturating_sub(self.from)
    }
}

/// The files that have to be read.
///
/// # Errors
/// When the index can't be read.
pub(super) fn news(index: &Index, files: &[Arc<Found>]) -> Result<Vec<News>, IndexError> {
    let known = index.files()?;
    Ok(files
        .iter()
        .filter_map(|file| {
            let from = match known.known(file) {
                Known::Unchanged => return None,
                Known::Grown(from) => from,
                Known::New => 0,
            };
            let file = Arc::clone(file);
            Some(News { file, from })
        })
        .collect())
}

/// Reads files into the index, on all cores, and gives what could not be read. `done` is told how
/// many bytes have been read each time that a file is.
///
/// # Errors
/// When the index can't be written.
pub(super) fn ingest(
    index: &mut Index,
    news: &[News],
    done: &(dyn Fn(u64) + Sync),
) -> Result<Vec<String>, IndexError> {
    let threads = threads(news.len());
    let work = Work {
        news,
        held: HELD / threads,
        next: AtomicUsize::new(0),
        bytes: AtomicU64::new(0),
        done,
        index: Mutex::new(index),
    };
    let mut problems = Vec::new();
    let mut failed = None;
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.read())).collect();
        for reader in readers {
            match reader.join() {
                Ok(Ok(more)) => problems.extend(more),
                Ok(Err(error)) => failed = Some(error),
                Err(_) => problems.push(READER_FAILED.to_owned()),
            }
        }
    });
    failed.map_or(Ok(problems), Err)
}

struct Work<'a> {
    news: &'a [News],
    /// Calls that one reader holds.
    held: usize,
    next: AtomicUsize,
    bytes: AtomicU64,
    done: &'a (dyn Fn(u64) + Sync),
    index: Mutex<&'a mut Index>,
}

impl Work<'_> {
    /// Reads files until none is left.
    fn read(&self) -> Result<Vec<String>, IndexError> {
        let mut reader = Reader::new();
        let mut positions = Vec::new();
        let mut problems = Vec::new();
        loop {
            let news = self.news.get(self.next.fetch_add(1, Ordering::Relaxed));
            if let Some(News { file, from }) = news
                && let Some(upto) = reader.read(file, *from)
            {
                // Without a position it is read again the next time.
                positions.extend(Position::of(file, *from, upto));
            }
            if news.is_none() || reader.batch.calls.len() >= self.held {
                problems.append(&mut reader.batch.problems);
                let mut index = self.index.lock().map_err(|_| {
                    IndexError::Unusable("another reader of transcripts failed".to_owned())
                })?;
                index.take(&mut reader.batch, &positions)?;
                positions.clear();
            }
            let Some(news) = news else {
                return Ok(problems);
            };
            let before = self.bytes.fetch_add(news.bytes(), Ordering::Relaxed);
            (self.done)(before + news.bytes());
        }
    }
}
