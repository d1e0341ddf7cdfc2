//! Reading transcripts: all of every file, since an old file may hold today's rows, but only the
//! lines that can tell of money are parsed.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use super::lines::{MAX_LINE, lines};
use super::row::{self, CallRow, Row, Unreadable};
use super::tally::{Call, Damage, State, Tally};
use super::walk::shown;
use super::window::Window;

/// Each of these is read at once at most.
const MAX_THREADS: usize = 8;

/// Reads all files, on all cores.
pub(super) fn scan(files: &[PathBuf], day: Window) -> Tally {
    let threads = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(MAX_THREADS)
        .min(files.len().max(1));
    let next = AtomicUsize::new(0);
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut reader = Reader::new(day);
                    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        reader.file(path);
                    }
                    reader.tally
                })
            })
            .collect();
        for reader in readers {
            match reader.join() {
                Ok(tally) => all.merge(tally),
                Err(_) => all
                    .problems
                    .push("a reader of transcripts failed; please report this".to_owned()),
            }
        }
    });
    all
}

struct Reader {
    day: Window,
    call: Finder<'static>,
    state: Finder<'static>,
    usage: Finder<'static>,
    names: HashSet<Arc<str>>,
    buffer: Vec<u8>,
    tally: Tally,
}

impl Reader {
    fn new(day: Window) -> Self {
        Self {
            day,
            call: Finder::new("\"assistant\""),
            state: Finder::new("\"cost-state\""),
            usage: Finder::new("\"usage\""),
            names: HashSet::new(),
            buffer: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn file(&mut self, path: &Path) {
        match self.lines(path) {
            Ok(()) => {}
            // Deleted or renamed since it was listed.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => self.tally.problems.push(format!(
                "{} can't be read ({e}); make it readable, or move it away",
                shown(path)
            )),
        }
    }

    fn lines(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = File::open(path)?;
        let touched: Option<DateTime<Utc>> = file
            .metadata()
            .and_then(|m| m.modified())
            .ok()
            .map(DateTime::from);
        let mut place = Place {
            path,
            at: 0,
            session: path.file_stem().map_or("", |s| s.to_str().unwrap_or("")),
            // Without a date of its own, a row may be as young as its file.
            maybe_today: touched.is_none_or(|t| t >= self.day.start),
        };
        let words = [self.call.clone(), self.state.clone()];
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = lines(&mut file, 0, &words, &mut buffer, |line| {
            place.at = line.at;
            if line.too_long {
                let why = format!("the line is longer than {} MiB", MAX_LINE >> 20);
                self.damage(&place, Unreadable { at: None, why });
            } else {
                self.line(&place, line.text, line.complete);
            }
        });
        self.buffer = buffer;
        read
    }

    fn line(&mut self, place: &Place<'_>, line: &[u8], complete: bool) {
        match row::read(trim_nuls(line)) {
            Some(Row::Call(row)) => self.call(place, row),
            Some(Row::State(row)) => {
                let session = self.name(row.session.as_deref().unwrap_or(place.session));
                self.tally.states.push(State {
                    session,
                    total: row.total,
                    began: row.began,
                    maybe_today: place.maybe_today,
                });
            }
            Some(Row::Unreadable(row)) => self.damage(place, row),
            // A last line without its end is still being written.
            None if complete && self.damaged_call(line) => self.damage(
                place,
                Unreadable {
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

    fn call(&mut self, place: &Place<'_>, row: CallRow) {
        if self.day.holds(row.at) {
            self.tally.rows += 1;
        }
        let key = match (row.id, row.uuid) {
            (Some(id), _) => id,
            // Without an id of the message the row itself is all there is to go by.
            (None, Some(uuid)) => format!("{}\0{uuid}", place.path.display()),
            (None, None) => format!("{}\0{}", place.path.display(), place.at),
        };
        let session = self.name(row.session.as_deref().unwrap_or(place.session));
        let project = self.name(row.project.as_deref().unwrap_or_default());
        let model = self.name(&row.model);
        self.tally.add(
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

    fn damage(&mut self, place: &Place<'_>, row: Unreadable) {
        if row.at.map_or(place.maybe_today, |at| self.day.holds(at)) {
            self.tally.damage(Damage {
                file: place.path.to_owned(),
                at: place.at,
                why: row.why,
            });
        }
    }

    /// One shared copy of a name that thousands of rows repeat.
    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.names.get(text) {
            return Arc::clone(name);
        }
        let name: Arc<str> = Arc::from(text);
        self.names.insert(Arc::clone(&name));
        name
    }
}

/// Where a line stands.
struct Place<'a> {
    path: &'a Path,
    /// Where the line begins, in bytes.
    at: u64,
    /// The session that the file is named after.
    session: &'a str,
    maybe_today: bool,
}

fn trim_nuls(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let [b'\0', rest @ ..] | [rest @ .., b'\0'] = line {
        line = rest;
    }
    line
}
