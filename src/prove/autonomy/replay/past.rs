//! This workstation's own past: the tool calls in Claude Code's transcripts, those that succeeded.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use memchr::memmem;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::shape::{exact, shape};
use crate::prove::autonomy::batch::Question;
use crate::prove::committed::width;
use crate::spend::transcripts;
use crate::text::{one_line, redact};

/// Longest line that is read, in bytes.
const LINE: usize = 16 << 20;
/// Largest input of a call that is replayed, in bytes.
const INPUT: usize = 256 * 1024;
/// Most distinct calls that are held.
const DISTINCT: usize = 300_000;

/// Calls of one shape.
#[derive(Debug, Clone)]
pub struct Shape {
    /// How often it succeeded.
    pub times: u64,
    /// When it was last used.
    pub last: DateTime<Utc>,
    /// The distinct calls, the latest first.
    pub(super) calls: Vec<Question>,
    seen: BTreeSet<[u8; 16]>,
}

impl Shape {
    /// One call of it in a line for people, without credentials.
    pub fn shown(&self) -> String {
        let Some(call) = self.calls.first() else {
            return String::new();
        };
        let input = call.input.as_object();
        let named = [
            "command",
            "file_path",
            "notebook_path",
            "path",
            "pattern",
            "url",
        ];
        let text = named.iter().find_map(|key| input?.get(*key)?.as_str());
        let text = text.map_or_else(|| call.input.to_string(), str::to_owned);
        let text = one_line(&redact(&text), 120);
        if call.tool == "Bash" {
            text
        } else {
            format!("{} {text}", call.tool)
        }
    }
}

/// All that was found.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// By shape, the most used first.
    pub shapes: Vec<Shape>,
    /// Calls that succeeded.
    pub calls: u64,
    /// Calls that failed, were refused or have no answer: they are nothing to be kept possible.
    pub failed: u64,
    /// Calls that are too large, or too many, to be held.
    pub left_out: u64,
    /// What could not be read, as sentences.
    pub problems: Vec<String>,
}

/// Reads the transcripts below `roots` that were written since a time.
pub fn past(roots: &[PathBuf], since: DateTime<Utc>) -> Past {
    let (files, problems) = transcripts(roots, since);
    let parts = files.len().div_ceil(width()).max(1);
    let found: Vec<Reader> = std::thread::scope(|scope| {
        let threads: Vec<_> = files
            .chunks(parts)
            .map(|files| {
                scope.spawn(move || {
                    let mut reader = Reader {
                        since,
                        ..Reader::default()
                    };
                    for file in files {
                        reader.file(file);
                    }
                    reader
                })
            })
            .collect();
        threads.into_iter().filter_map(|t| t.join().ok()).collect()
    });
    let mut all = Reader::default();
    for part in found {
        all.merge(part);
    }
    let mut shapes: Vec<Shape> = all.shapes.into_values().collect();
    shapes.sort_by_key(|s| std::cmp::Reverse((s.times, s.last)));
    Past {
        shapes,
        calls: all.calls,
        failed: all.failed,
        left_out: all.left_out,
        problems: problems.into_iter().chain(all.problems).collect(),
    }
}

#[derive(Default)]
struct Reader {
    since: DateTime<Utc>,
    shapes: HashMap<[u8; 32], Shape>,
    distinct: usize,
    calls: u64,
    failed: u64,
    left_out: u64,
    problems: Vec<String>,
}

/// A call that waits for its answer.
struct Asked {
    question: Question,
    at: DateTime<Utc>,
}

impl Reader {
    fn file(&mut self, path: &Path) {
        let mut waiting: HashMap<String, Asked> = HashMap::new();
        if let Err(error) = self.lines(path, &mut waiting) {
            self.problems.push(format!("{}: {error}", path.display()));
        }
        self.failed += waiting.len() as u64;
    }

    fn lines(&mut self, path: &Path, waiting: &mut HashMap<String, Asked>) -> std::io::Result<()> {
        let (call, answer) = (
            memmem::Finder::new("tool_use\""),
            memmem::Finder::new("tool_result\""),
        );
        let mut file = BufReader::with_capacity(1 << 16, std::fs::File::open(path)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            if file.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let wanted = call.find(&line).is_some() || answer.find(&line).is_some();
            if !wanted || line.len() > LINE {
                continue;
            }
            // A last line that is being written is no line yet.
            if let Ok(value) = serde_json::from_slice::<Value>(&line) {
                self.line(&value, waiting);
            }
        }
    }

    fn line(&mut self, line: &Value, waiting: &mut HashMap<String, Asked>) {
        let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
        let at = DateTime::parse_from_rfc3339(text("timestamp")).map(|t| t.with_timezone(&Utc));
        let Ok(at) = at else { return };
        let blocks = line.pointer("/message/content").and_then(Value::as_array);
        for block in blocks.into_iter().flatten() {
            let word = |key: &str| block.get(key).and_then(Value::as_str);
            match word("type") {
                Some("tool_use") => {
                    let (Some(id), Some(tool)) = (word("id"), word("name")) else {
                        continue;
                    };
                    let question = Question {
                        tool: tool.to_owned(),
                        input: block.get("input").cloned().unwrap_or_default(),
                        cwd: text("cwd").to_owned(),
                    };
                    waiting.insert(id.to_owned(), Asked { question, at });
                }
                Some("tool_result") => {
                    let Some(asked) = word("tool_use_id").and_then(|id| waiting.remove(id)) else {
                        continue;
                    };
                    if block.get("is_error") == Some(&Value::Bool(true)) {
                        self.failed += 1;
                    } else if asked.at >= self.since {
                        self.take(asked);
                    }
                }
                _ => {}
            }
        }
    }

    fn take(&mut self, Asked { question, at }: Asked) {
        self.calls += 1;
        if question.input.to_string().len() > INPUT {
            self.left_out += 1;
            return;
        }
        let key = Sha256::digest(shape(&question.tool, &question.input).as_bytes()).into();
        let full = self.distinct >= DISTINCT;
        let known = self.shapes.entry(key).or_insert_with(|| Shape {
            times: 0,
            last: at,
            calls: Vec::new(),
            seen: BTreeSet::new(),
        });
        known.times += 1;
        known.last = known.last.max(at);
        let exact = Sha256::digest(exact(&question.tool, &question.input).as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&exact[..16]);
        if known.seen.contains(&short) {
            return;
        }
        if full && !known.calls.is_empty() {
            self.left_out += 1;
            return;
        }
        known.seen.insert(short);
        known.calls.insert(0, question);
        self.distinct += 1;
    }

    fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.left_out += other.left_out;
        self.problems.extend(other.problems);
        for (key, shape) in other.shapes {
            match self.shapes.get_mut(&key) {
                None => {
                    self.shapes.insert(key, shape);
                }
                Some(known) => {
                    known.times += shape.times;
                    if shape.last > known.last {
                        known.last = shape.last;
                    }
                    for call in shape.calls {
                        let exact = Sha256::digest(exact(&call.tool, &call.input).as_bytes());
                        let mut short = [0; 16];
                        short.copy_from_slice(&exact[..16]);
                        if known.seen.insert(short) {
                            known.calls.push(call);
                        }
                    }
                }
            }
        }
    }
}
