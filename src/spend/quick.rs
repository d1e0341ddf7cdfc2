//! The usual form of a call's row, read in one pass without allocation. Whatever is unusual is left
//! to the thorough reader of [`row`](super::row): this one gives its answer or none.

use memchr::memchr2;

use super::row::CallRow;
use super::usage::{Tokens, Usage};
use super::written::time;

/// Deeper nesting is left to the thorough reader.
const DEPTH: u32 = 100;
/// A count with more digits is.
const DIGITS: usize = 9;
/// More web searches are, too.
const SEARCHES: u64 = 1_000;

/// Reads the row of a call in its usual form.
pub(super) fn read(line: &[u8]) -> Option<CallRow<'_>> {
    let mut at = Cursor(line);
    let (mut kind, mut stamp, mut session, mut project, mut uuid) = (None, None, None, None, None);
    let mut message = None;
    at.object(|key, at| match key {
        b"type" => once(&mut kind, at.text()?),
        b"timestamp" => once(&mut stamp, at.text()?),
        b"sessionId" => once(&mut session, at.text()?),
        b"cwd" => once(&mut project, at.text()?),
        b"uuid" => once(&mut uuid, at.text()?),
        b"message" => once(&mut message, read_message(at)?),
        b"isApiErrorMessage" | b"costUSD" => None,
        _ => at.skip(DEPTH),
    })?;
    at.space();
    if !at.0.is_empty() || kind != Some("assistant") {
        return None;
    }
    let Message { id, model, usage } = message?;
    Some(CallRow {
        id: Some(id.into()),
        uuid: filled(uuid),
        session: filled(session),
        project: filled(project),
        model: model.into(),
        at: time(stamp?)?,
        usage,
    })
}

fn filled(text: Option<&str>) -> Option<std::borrow::Cow<'_, str>> {
    text.filter(|text| !text.is_empty()).map(Into::into)
}

struct Message<'a> {
    id: &'a str,
    model: &'a str,
    usage: Usage,
}

fn read_message<'a>(at: &mut Cursor<'a>) -> Option<Message<'a>> {
    let (mut id, mut model, mut usage) = (None, None, None);
    at.object(|key, at| match key {
        b"id" => once(&mut id, at.text()?),
        b"model" => once(&mut model, at.text()?),
        b"usage" => once(&mut usage, read_usage(at)?),
        _ => at.skip(DEPTH),
    })?;
    let plain = |text: &&str| !text.is_empty() && *text != "<synthetic>";
    Some(Message {
        id: id.filter(plain)?,
        model: model.filter(plain)?,
        usage: usage?,
    })
}

fn read_usage(at: &mut Cursor<'_>) -> Option<Usage> {
    let (mut input, mut output, mut read, mut write) = (None, None, None, None);
    let (mut hour, mut searches, mut speed, mut geo) = (None, None, None, None);
    at.object(|key, at| match key {
        b"input_tokens" => once(&mut input, at.count()?),
        b"output_tokens" => once(&mut output, at.count()?),
        b"cache_read_input_tokens" => once(&mut read, at.count()?),
        b"cache_creation_input_tokens" => once(&mut write, at.count()?),
        b"cache_creation" => {
            let (mut one, mut five) = (None, None);
            at.object(|key, at| match key {
                b"ephemeral_1h_input_tokens" => once(&mut one, at.count()?),
                b"ephemeral_5m_input_tokens" => once(&mut five, at.count()?),
                _ => at.skip(DEPTH),
            })?;
            once(&mut hour, one.unwrap_or(0))
        }
        b"server_tool_use" => {
            let mut found = None;
            at.object(|key, at| match key {
                b"web_search_requests" => once(&mut found, at.count()?),
                _ => at.skip(DEPTH),
            })?;
            once(&mut searches, found.unwrap_or(0))
        }
        b"speed" => once(&mut speed, at.text()?),
        b"inference_geo" => once(&mut geo, at.text()?),
        b"iterations" => {
            at.byte(b'[')?;
            at.space();
            at.byte(b']')
        }
        _ => at.skip(DEPTH),
    })?;
    // More of them than any real call makes are the thorough reader's to refuse.
    let searches = searches.unwrap_or(0);
    if searches > SEARCHES {
        return None;
    }
    Some(Usage {
        tokens: Tokens {
            input: input?,
            output: output?,
            write: write?,
            write_1h: hour.unwrap_or(0),
            read: read?,
        },
        searches,
        fast: speed == Some("fast"),
        us: geo == Some("us"),
        parts: Vec::new(),
        stated: None,
    })
}

/// A key that is given twice is unusual.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// What is left to be read. Each step gives `None` where the text is not what it expects.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    fn space(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    /// An object; `field` reads the value of each of its keys.
    fn object(&mut self, mut field: impl FnMut(&'a [u8], &mut Self) -> Option<()>) -> Option<()> {
        self.space();
        self.byte(b'{')?;
        self.space();
        if self.byte(b'}').is_some() {
            return Some(());
        }
        loop {
            self.space();
            let key = self.plain()?;
            self.space();
            self.byte(b':')?;
            self.space();
            field(key, self)?;
            self.space();
            match self.0 {
                [b',', rest @ ..] => self.0 = rest,
                [b'}', rest @ ..] => {
                    self.0 = rest;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// A string as it is written, and whether it has escapes.
    #[inline]
    fn string(&mut self) -> Option<(&'a [u8], bool)> {
        self.byte(b'"')?;
        let text = self.0;
        let (mut end, mut escapes) = (0, false);
        loop {
            end += quote_or_backslash(text.get(end..)?)?;
            if text.get(end) == Some(&b'"') {
                break;
            }
            escapes = true;
            end += escape(text.get(end + 1..)?)?;
        }
        self.0 = text.get(end + 1..)?;
        Some((text.get(..end)?, escapes))
    }

    /// A string without escapes.
    #[inline]
    fn plain(&mut self) -> Option<&'a [u8]> {
        self.string()
            .and_then(|(text, escapes)| (!escapes).then_some(text))
    }

    /// A string that has no escapes and needs none.
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let bytes = self.plain()?;
        if bytes.iter().any(|b| *b < 0x20) {
            return None;
        }
        std::str::from_utf8(bytes).ok()
    }

    #[inline]
    fn count(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        let leading_zero = digits > 1 && number.first() == Some(&b'0');
        let more = matches!(rest.first(), Some(b'.' | b'e' | b'E'));
        if digits == 0 || digits > DIGITS || leading_zero || more {
            return None;
        }
        self.0 = rest;
        Some(number.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0')))
    }

    /// Any value, passed over.
    fn skip(&mut self, depth: u32) -> Option<()> {
        match self.0.first()? {
            b'"' => self.string().map(|_| ()),
            b'{' => {
                let deeper = depth.checked_sub(1)?;
                // Also keys with escapes.
                self.byte(b'{')?;
                self.members(b'}', |at| {
                    at.string()?;
                    at.space();
                    at.byte(b':')?;
                    at.space();
                    at.skip(deeper)
                })
            }
            b'[' => {
                let deeper = depth.checked_sub(1)?;
                self.byte(b'[')?;
                self.members(b']', |at| at.skip(deeper))
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    /// Members with commas between them, up to `end`.
    fn members(&mut self, end: u8, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.space();
        if self.byte(end).is_some() {
            return Some(());
        }
        loop {
            self.space();
            one(self)?;
            self.space();
            if self.byte(end).is_some() {
                return Some(());
            }
            self.byte(b',')?;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.byte(b'-');
        if self.byte(b'0').is_none() {
            self.digits()?;
        } else if self.0.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        if self.byte(b'.').is_some() {
            self.digits()?;
        }
        if self.byte(b'e').or_else(|| self.byte(b'E')).is_some() {
            let _ = self.byte(b'+').or_else(|| self.byte(b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        self.0 = self.0.get(count..)?;
        (count > 0).then_some(())
    }
}

/// The first of either. Most strings are short: eight bytes at a time, a few times, take less than
/// the start of a search that is made for long ones.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // The lowest high bit tells the first byte that is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (chunks, _) = text.as_chunks::<8>();
    for (number, chunk) in chunks.iter().take(6).enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let hits = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if hits != 0 {
            return Some(number * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let passed = 8 * chunks.len().min(6);
    memchr2(b'"', b'\\', text.get(passed..)?).map(|at| passed + at)
}

/// The length of an escape, its backslash included.
fn escape(after: &[u8]) -> Option<usize> {
    match after {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|h| h.is_ascii_hexdigit()) => Some(6),
        _ => None,
    }
}
