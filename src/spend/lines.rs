//! The lines of a file that hold one of a few words, found in large blocks and without a copy.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use aho_corasick::AhoCorasick;
use memchr::{memchr, memchr_iter, memrchr};

/// How much is read at once, in bytes.
const BLOCK: usize = 256 << 10;
/// A longer line is no row that Claude Code wrote.
pub(super) const MAX_LINE: usize = 256 << 20;

/// A line with one of the words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Without its end; empty where it was too long.
    pub(super) text: &'a [u8],
    /// Where it begins in the file, in bytes.
    pub(super) at: u64,
    /// Whether its end was there; the last line of a file may still be being written.
    pub(super) complete: bool,
    /// It was longer than [`MAX_LINE`].
    pub(super) too_long: bool,
}

/// Reads `file` from where it stands, at byte `from`, to its end. Gives the place after the last
/// line that is complete.
///
/// # Errors
/// When it can't be read.
pub(super) fn lines(
    file: &mut File,
    from: u64,
    words: &AhoCorasick,
    buffer: &mut Vec<u8>,
    mut found: impl FnMut(Line<'_>),
) -> std::io::Result<u64> {
    buffer.resize(BLOCK.max(buffer.len()), 0);
    // Where the buffer's first byte stands in the file, how much of it is filled, and how much of
    // that is known to hold no newline.
    let (mut at, mut filled, mut looked) = (from, 0, 0);
    let mut too_long = false;
    loop {
        let Some(room) = buffer.get_mut(filled..) else {
            return Ok(at);
        };
        let read = match file.read(room) {
            Ok(read) => read,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        filled += read;
        let all = buffer.get(..filled).unwrap_or_default();
        if read == 0 {
            let last = Line {
                text: if too_long { &[] } else { all },
                at,
                complete: false,
                too_long,
            };
            if too_long || words.is_match(all) {
                found(last);
            }
            return Ok(at);
        }
        let fresh = all.get(looked..).unwrap_or_default();
        let Some(end) = memrchr(b'\n', fresh).map(|end| looked + end) else {
            looked = filled;
            if filled == buffer.len() {
                if filled < MAX_LINE {
                    buffer.resize((filled * 2).min(MAX_LINE), 0);
                } else {
                    // Nothing of it is kept but that it was there.
                    too_long = true;
                    at += filled as u64;
                    (filled, looked) = (0, 0);
                }
            }
            continue;
        };
        let mut whole = all.get(..end).unwrap_or_default();
        let mut begin = at;
        if too_long {
            too_long = false;
            let skip = memchr(b'\n', whole).unwrap_or(whole.len());
            found(Line {
                text: &[],
                at,
                complete: true,
                too_long: true,
            });
            whole = whole.get(skip + 1..).unwrap_or_default();
            begin += skip as u64 + 1;
        }
        with_words(whole, begin, words, &mut found);
        let used = end + 1;
        buffer.copy_within(used..filled, 0);
        at += used as u64;
        filled -= used;
        looked = filled;
    }
}

/// Gives each line of `text` that holds a word; every line but the last ends with a newline.
fn with_words(text: &[u8], at: u64, words: &AhoCorasick, found: &mut impl FnMut(Line<'_>)) {
    let mut from = 0;
    while let Some(hit) = text.get(from..).and_then(|rest| words.find(rest)) {
        let hit = from + hit.start();
        let before = text.get(from..hit).unwrap_or_default();
        let start = memrchr(b'\n', before).map_or(from, |newline| from + newline + 1);
        let rest = text.get(hit..).unwrap_or_default();
        let end = memchr(b'\n', rest).map_or(text.len(), |newline| hit + newline);
        found(Line {
            text: text.get(start..end).unwrap_or_default(),
            at: at + start as u64,
            complete: true,
            too_long: false,
        });
        from = end + 1;
    }
}

/// The number, from 1, of the line that begins at byte `at`.
pub(super) fn line_number(path: &Path, at: u64) -> Option<u64> {
    let mut before = File::open(path).ok()?.take(at);
    let mut buffer = vec![0; BLOCK];
    let mut number = 1;
    loop {
        let read = before.read(&mut buffer).ok()?;
        if read == 0 {
            return Some(number);
        }
        number += memchr_iter(b'\n', buffer.get(..read)?).count() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    fn found(content: &[u8]) -> Vec<(u64, String, bool)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        let words = AhoCorasick::new(["yes", "also"]).unwrap();
        let mut all = Vec::new();
        lines(&mut file, 0, &words, &mut Vec::new(), |line| {
            let text = String::from_utf8_lossy(line.text).into_owned();
            all.push((line.at, text, line.complete));
        })
        .unwrap();
        all
    }

    #[test]
    fn lines_with_a_word_are_given_with_their_place() {
        let line = |at, text: &str, complete| (at, text.to_owned(), complete);
        assert_eq!(found(b""), []);
        assert_eq!(found(b"no\n\n"), []);
        assert_eq!(
            found(b"yes\nno\nalso yes\n\nno yes"),
            [
                line(0, "yes", true),
                line(7, "also yes", true),
                line(17, "no yes", false)
            ]
        );
    }

    #[test]
    fn a_line_across_blocks_is_given_whole() {
        let long = "x".repeat(3 * BLOCK);
        let content = format!("yes {long}\nno\n{long} also\n{}", "no\n".repeat(BLOCK));
        let all = found(content.as_bytes());
        let lengths: Vec<(u64, usize)> = all.iter().map(|l| (l.0, l.1.len())).collect();
        let second = 4 + long.len() as u64 + 1 + 3;
        assert_eq!(lengths, [(0, long.len() + 4), (second, long.len() + 5)]);
    }
}
