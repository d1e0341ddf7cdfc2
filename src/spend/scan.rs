//! Reading transcripts: only the lines that can tell of money are parsed.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use super::batch::{Batch, Damage, State};
use super::call::Call;
use super::key::Key;
use super::lines::{MAX_LINE, Words, lines};
use super::row::{self, CallRow, Row, Unreadable};
use super::walk::{Found, shown};
use crate::text::one_line;

/// Each of these is read at once at most.
const MAX_THREADS: usize = 8;
/// In the rows of calls.
const CALL: &str = "\"assistant\"";
/// In the rows of a session's total.
const STATE: &str = "\"cost-state\"";
/// Rows of one file whose damage is kept one by one.
const MAX_DAMAGE: usize = 1_000;
/// Longest name that is kept, in characters.
const MAX_NAME: usize = 1_000;

/// How many threads are of use for so many files.
pub(super) fn threads(files: usize) -> usize {
    std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(MAX_THREADS)
        .min(files.max(1))
}

/// Reads all of all files, on all cores.
pub(super) fn scan(files: &[Arc<Found>]) -> Batch {
    let next = AtomicUsize::new(0);
    let mut all = Batch::default();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads(files.len()))
            .map(|_| {
                scope.spawn(|| {
                    let mut reader = Reader::new();
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        reader.read(file, 0);
                    }
                    reader.batch
                })
            })
            .collect();
        for reader in readers {
            match reader.join() {
                Ok(batch) => all.merge(batch),
                Err(_) => all.problems.push(READER_FAILED.to_owned()),
            }
        }
    });
    all
}

/// A fault of the program.
pub(super) const READER_FAILED: &str = "a reader of transcripts failed; please report this";

/// Reads files into a batch, one after the other.
pub(super) struct Reader {
    words: Arc<Words>,
    call: Finder<'static>,
    usage: Finder<'static>,
    names: HashSet<Arc<str>>,
    /// The names of the row before, in most cases those of this one: project, session, model.
    same: [Arc<str>; 3],
    last: (String, Key),
    buffer: Vec<u8>,
    pub(super) batch: Batch,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            words: Arc::new(Words::new(&[CALL, STATE])),
            call: Finder::new(CALL),
            usage: Finder::new("\"usage\""),
            names: HashSet::new(),
            same: [const { "" }; 3].map(Arc::from),
            last: (String::new(), Key::message("")),
            buffer: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// Reads a file from byte `from` to its end, and gives the place after its last complete line;
    /// `None` when it can't be read.
    pub(super) fn read(&mut self, file: &Arc<Found>, from: u64) -> Option<u64> {
        match self.lines(file, from) {
            Ok(end) => Some(end),
            // Deleted or renamed since it was listed.
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => {
                self.batch.problems.push(format!(
                    "{} can't be read ({e}); make it readable, or move it away",
                    shown(&file.path)
                ));
                None
            }
        }
    }

    fn lines(&mut self, found: &Arc<Found>, from: u64) -> std::io::Result<u64> {
        let file = File::open(&found.path)?;
        let mut place = Place {
            file: found,
            at: 0,
            stem: found
                .path
                .file_stem()
                .map_or("", |s| s.to_str().unwrap_or("")),
            damaged: 0,
        };
        let words = Arc::clone(&self.words);
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = lines(&file, from, &words, &mut buffer, |line| {
            place.at = line.at;
            if line.too_long {
                let why = format!("the line is longer than {} MiB", MAX_LINE >> 20);
                self.damage(&mut place, &Unreadable { at: None, why });
            } else {
                self.line(&mut place, line.text, line.complete);
            }
        });
        self.buffer = buffer;
        read
    }

    fn line(&mut self, place: &mut Place<'_>, line: &[u8], complete: bool) {
        match row::read(trim_nuls(line)) {
            Some(Row::Call(row)) => self.call(place, row),
            Some(Row::State(row)) => {
                let session = self.name(row.session.as_deref().unwrap_or(place.stem));
                self.batch.states.push(State {
                    session,
                    total: row.total,
                    began: row.began.filter(|at| is_sane(*at)),
                    touched: place.file.touched(),
                });
            }
            Some(Row::Unreadable(row)) => self.damage(place, &row),
            // A last line without its end is still being written.
            None if complete && self.damaged_call(line) => self.damage(
                place,
                &Unreadable {
                    at: row::last_time(line),
                    why: "it is no valid JSON".to_owned(),
                },
            ),
            Some(Row::Other) | None => {}
        }
    }

    /// Whether a line that is no JSON was to tell of a call.
    fn damaged_call(&self, line: &[u8]) -> bool {
        self.call.find(line).is_some() && self.usage.find(line).is_some()
    }

    fn call(&mut self, place: &mut Place<'_>, row: CallRow) {
        if !is_sane(row.at) {
            let why = format!("its timestamp is {}", row.at);
            return self.damage(place, &Unreadable { at: None, why });
        }
        let key = match (&row.id, &row.uuid) {
            (Some(id), _) => self.message(id),
            // Without an id of the message the row itself is all there is to go by.
            (None, Some(uuid)) => Key::row(place.stem, uuid),
            (None, None) => Key::place(place.stem, place.at),
        };
        let [project, session, model] = [
            row.project.as_deref().unwrap_or_default(),
            row.session.as_deref().unwrap_or(place.stem),
            &row.model,
        ];
        let [project, session, model] =
            [(0, project), (1, session), (2, model)].map(|(kind, text)| self.same_name(kind, text));
        self.batch.calls.add(
            key,
            Call {
                fullness: row.usage.tokens.sum(),
                usage: row.usage,
                at: row.at,
                model,
                project,
                sessions: vec![session],
            },
        );
    }

    /// The rows of a call stand together.
    fn message(&mut self, id: &str) -> Key {
        if self.last.0 != id {
            id.clone_into(&mut self.last.0);
            self.last.1 = Key::message(id);
        }
        self.last.1
    }

    fn damage(&mut self, place: &mut Place<'_>, row: &Unreadable) {
        place.damaged += 1;
        let (when, why) = match place.damaged {
            ..MAX_DAMAGE => (row.at.filter(|at| is_sane(*at)), one_line(&row.why, 200)),
            MAX_DAMAGE => (None, "more rows than can be listed".to_owned()),
            _ => return,
        };
        self.batch.damage.push(Damage {
            file: Arc::clone(place.file),
            at: place.at,
            why,
            when,
        });
    }

    fn same_name(&mut self, kind: usize, text: &str) -> Arc<str> {
        if let Some(same) = self.same.get(kind).filter(|same| &***same == text) {
            return Arc::clone(same);
        }
        let name = self.name(text);
        if let Some(same) = self.same.get_mut(kind) {
            *same = Arc::clone(&name);
        }
        name
    }

    /// One shared copy of a name that thousands of rows repeat.
    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.names.get(text) {
            return Arc::clone(name);
        }
        let name: Arc<str> = text.chars().take(MAX_NAME).collect::<String>().into();
        self.names.insert(Arc::clone(&name));
        name
    }
}

/// Where a line stands.
struct Place<'a> {
    file: &'a Arc<Found>,
    /// Where the line begins, in bytes.
    at: u64,
    /// The file's name without its ending: in most cases its session.
    stem: &'a str,
    /// Rows of the file that can't be counted.
    damaged: usize,
}

/// A time that a call can have been made at, however wrong a clock is: from 1970 to 2099.
fn is_sane(at: DateTime<Utc>) -> bool {
    (0..4_102_444_800).contains(&at.timestamp())
}

fn trim_nuls(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [b'\0', rest @ ..] | [rest @ .., b'\0'] = line {
        line = rest;
    }
    line
}
