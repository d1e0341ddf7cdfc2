//! The lines of a file that hold one of a few words, found in blocks and without a copy.
//!
//! Most bytes of transcripts are in long lines that tell nothing of money, such as pictures. Of a
//! line that goes on beyond its block nothing is kept; if a word turns up in it, it is read again.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memrchr};

use super::block::{BLOCK, Block};

/// The start of a line is kept up to this length: moving more costs more than the rare case in
/// which it has to be read again.
const KEPT: usize = 16 << 10;
/// A longer line is no row that Claude Code wrote.
pub(super) const MAX_LINE: u64 = 256 << 20;

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

/// What is looked for. Each word is searched by itself: an automaton for all of them takes four
/// times as long.
#[derive(Debug)]
pub(super) struct Words(Vec<Finder<'static>>);

impl Words {
    pub(super) fn new(words: &[&'static str]) -> Self {
        Self(words.iter().map(|word| Finder::new(*word)).collect())
    }

    fn are_in(&self, text: &[u8]) -> bool {
        self.0.iter().any(|word| word.find(text).is_some())
    }

    /// How much of a word can stand at the end of a text without being found there.
    fn part(&self) -> usize {
        let longest = self.0.iter().map(|word| word.needle().len()).max();
        longest.unwrap_or(1).saturating_sub(1)
    }

    /// Gives each line of `text` that holds a word. It begins at byte `at`; every line of it but the
    /// last ends with a newline.
    fn lines(&self, text: &[u8], at: u64, found: &mut impl FnMut(Line<'_>)) {
        let mut from = 0;
        // Where each word is next: from there on, it is not looked for again.
        let mut next = vec![Some(0); self.0.len()];
        loop {
            for (word, next) in self.0.iter().zip(&mut next) {
                if next.is_some_and(|hit| hit <= from) {
                    let rest = text.get(from..).unwrap_or_default();
                    *next = word.find(rest).map(|hit| from + hit);
                }
            }
            let Some(hit) = next.iter().flatten().min().copied() else {
                return;
            };
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
}

/// Reads `file` from byte `from` to its end. Gives the place after the last line that is complete.
///
/// # Errors
/// When it can't be read.
pub(super) fn lines(
    file: &File,
    from: u64,
    words: &Words,
    buffer: &mut Vec<u8>,
    mut found: impl FnMut(Line<'_>),
) -> std::io::Result<u64> {
    let mut block = Block::new(file, from, buffer);
    loop {
        // What was kept holds no newline, and is short.
        if let Some(end) = memrchr(b'\n', block.bytes()) {
            let whole = block.bytes().get(..end).unwrap_or_default();
            words.lines(whole, block.at(), &mut found);
            block.pass(end + 1);
        }
        if block.bytes().len() > KEPT {
            let begin = block.at();
            if !long_line(&mut block, words, &mut found)? {
                return Ok(begin);
            }
        } else if !block.more()? {
            if words.are_in(block.bytes()) {
                found(Line {
                    text: block.bytes(),
                    at: block.at(),
                    complete: false,
                    too_long: false,
                });
            }
            return Ok(block.at());
        }
    }
}

/// Passes over a line that goes on beyond the block, which begins with it. `false`: its end is not
/// there yet.
fn long_line(
    block: &mut Block<'_>,
    words: &Words,
    found: &mut impl FnMut(Line<'_>),
) -> std::io::Result<bool> {
    let begin = block.at();
    let mut has_word = false;
    let end = loop {
        let bytes = block.bytes();
        let end = memchr(b'\n', bytes);
        let length = end.unwrap_or(bytes.len());
        has_word = has_word || words.are_in(bytes.get(..length).unwrap_or_default());
        if end.is_some() {
            break end;
        }
        block.pass(length.saturating_sub(words.part()));
        if !block.more()? {
            break None;
        }
    };
    let length = end.unwrap_or(block.bytes().len());
    let too_long = block.at() + length as u64 - begin > MAX_LINE;
    if too_long || has_word {
        let text = if too_long {
            Ok(Vec::new())
        } else {
            block.again(begin, length)
        };
        let text = match text {
            // It was cut meanwhile, and has no end any more.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            text => text?,
        };
        found(Line {
            text: &text,
            at: begin,
            complete: end.is_some(),
            too_long,
        });
    }
    block.pass(length + 1);
    Ok(end.is_some())
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
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::*;

    fn found(content: &[u8]) -> Vec<(u64, String, bool)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let words = Words::new(&["yes", "also"]);
        let mut all = Vec::new();
        lines(&file, 0, &words, &mut Vec::new(), |line| {
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

    /// Wherever the blocks' borders fall, the lines are those that a plain search finds.
    #[test]
    fn no_border_of_a_block_hides_a_word() {
        let lengths = [1, 3, 5_000, KEPT, BLOCK - 9, BLOCK, 2 * BLOCK + 7, 300];
        for shift in (0..40).chain([KEPT - 2, KEPT, KEPT + 2]) {
            let mut content = "-".repeat(shift) + "\n";
            for (n, length) in lengths.iter().cycle().take(24).enumerate() {
                let (before, after) = match n % 3 {
                    0 => (0, *length),
                    1 => (*length, 0),
                    _ => (length / 2, length - length / 2),
                };
                let word = ["yes", "also", "", "yes also"][n % 4];
                content += &format!("{}{word}{}\n", "-".repeat(before), "-".repeat(after));
            }
            content += &"-".repeat(BLOCK);
            content += "also";
            let mut at = 0;
            let mut expected = Vec::new();
            for line in content.split('\n') {
                if line.contains("yes") || line.contains("also") {
                    let end = at + line.len();
                    expected.push((at as u64, line.to_owned(), end < content.len()));
                }
                at += line.len() + 1;
            }
            assert_eq!(found(content.as_bytes()), expected, "{shift}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_said_and_not_kept() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"yes\n").unwrap();
        file.set_len(4 + MAX_LINE + 1).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"\nyes\n").unwrap();
        let mut all = Vec::new();
        lines(&file, 0, &Words::new(&["yes"]), &mut Vec::new(), |line| {
            all.push((line.at, line.text.len(), line.too_long));
        })
        .unwrap();
        let last = 4 + MAX_LINE + 2;
        assert_eq!(all, [(0, 3, false), (4, 0, true), (last, 3, false)]);
    }
}
