//! One line of a transcript.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::loose::{List, Object, Scalar};
use super::quick;
use super::usage::{Nanos, Part, Tokens, Usage};
use super::written::{dollars, instant, time};

/// What some editors put at the start of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// More than any real call uses; beyond it a number is not believed.
const MAX_TOKENS: u64 = 1_000_000_000;
/// More web searches than any real call makes.
const MAX_SEARCHES: u64 = 1_000_000;

/// What a line tells about money.
#[derive(Debug)]
pub(super) enum Row<'a> {
    /// One block of a call's answer.
    Call(CallRow<'a>),
    /// Claude Code's own total of a session.
    State(StateRow),
    /// Nothing.
    Other,
    /// It tells of a call, and what the call used can't be read.
    Unreadable(Unreadable),
}

/// One block of a call's answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CallRow<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) uuid: Option<Cow<'a, str>>,
    pub(super) session: Option<Cow<'a, str>>,
    pub(super) project: Option<Cow<'a, str>>,
    pub(super) model: Cow<'a, str>,
    pub(super) at: DateTime<Utc>,
    pub(super) usage: Usage,
}

/// Claude Code's own total of a session.
#[derive(Debug)]
pub(super) struct StateRow {
    pub(super) session: Option<String>,
    pub(super) total: Nanos,
    /// When the process began, where it says so.
    pub(super) began: Option<DateTime<Utc>>,
}

/// A row that should have been a call.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) why: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Raw<'a> {
    #[serde(borrow)]
    r#type: Scalar<'a>,
    #[serde(borrow)]
    timestamp: Scalar<'a>,
    #[serde(borrow, rename = "sessionId")]
    session: Scalar<'a>,
    #[serde(borrow)]
    cwd: Scalar<'a>,
    #[serde(borrow)]
    uuid: Scalar<'a>,
    #[serde(borrow, rename = "isApiErrorMessage")]
    api_error: Scalar<'a>,
    #[serde(borrow, rename = "costUSD")]
    cost: Scalar<'a>,
    #[serde(borrow, rename = "totalCostUSD")]
    total_cost: Scalar<'a>,
    #[serde(borrow, rename = "startTime")]
    start: Scalar<'a>,
    #[serde(borrow)]
    message: Object<RawMessage<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawMessage<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    model: Scalar<'a>,
    #[serde(borrow)]
    usage: Object<RawUsage<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawUsage<'a> {
    #[serde(borrow)]
    r#type: Scalar<'a>,
    #[serde(borrow)]
    model: Scalar<'a>,
    #[serde(borrow)]
    input_tokens: Scalar<'a>,
    #[serde(borrow)]
    output_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_read_input_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_creation_input_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_creation: Object<RawWrites<'a>>,
    #[serde(borrow)]
    server_tool_use: Object<RawTools<'a>>,
    #[serde(borrow)]
    speed: Scalar<'a>,
    #[serde(borrow)]
    inference_geo: Scalar<'a>,
    #[serde(borrow)]
    iterations: List<RawUsage<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawWrites<'a> {
    #[serde(borrow)]
    ephemeral_1h_input_tokens: Scalar<'a>,
    #[serde(borrow)]
    ephemeral_5m_input_tokens: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawTools<'a> {
    #[serde(borrow)]
    web_search_requests: Scalar<'a>,
}

/// Reads a line that holds `"assistant"` or `"cost-state"`; `None` when it is no complete JSON.
pub(super) fn read(line: &[u8]) -> Option<Row<'_>> {
    if let Some(row) = quick::read(line) {
        return Some(Row::Call(row));
    }
    thorough(line)
}

/// Reads a line in whatever form.
fn thorough(line: &[u8]) -> Option<Row<'static>> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if let Ok(raw) = serde_json::from_slice::<Raw<'_>>(line) {
        return Some(interpret(&raw));
    }
    // Bad UTF-8 and raw control characters are mended.
    let text: String = String::from_utf8_lossy(line)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if let Ok(raw) = serde_json::from_str::<Raw<'_>>(&text) {
        return Some(interpret(&raw));
    }
    // A key that is given twice: the last one holds.
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    if !value.is_object() {
        return Some(Row::Other);
    }
    let text = value.to_string();
    serde_json::from_str::<Raw<'_>>(&text)
        .ok()
        .map(|raw| interpret(&raw))
}

/// The last time that a damaged line names.
pub(super) fn last_time(line: &[u8]) -> Option<DateTime<Utc>> {
    let key = b"\"timestamp\"";
    let at = memchr::memmem::rfind(line, key)?;
    let rest = line.get(at + key.len()..)?;
    let text = String::from_utf8_lossy(rest.get(..rest.len().min(80))?);
    time(text.split('"').nth(1)?)
}

fn interpret(raw: &Raw<'_>) -> Row<'static> {
    match raw.r#type.text() {
        Some("assistant") => call(raw),
        Some("cost-state") => match dollars(&raw.total_cost) {
            Ok(total) => Row::State(StateRow {
                session: raw.session.text().map(str::to_owned),
                total: total.unwrap_or(0),
                began: instant(&raw.start),
            }),
            Err(found) => Row::Unreadable(Unreadable {
                at: instant(&raw.start),
                why: format!("totalCostUSD is {found}"),
            }),
        },
        _ => Row::Other,
    }
}

fn call(raw: &Raw<'_>) -> Row<'static> {
    let at = instant(&raw.timestamp);
    let unreadable = |why: String| Row::Unreadable(Unreadable { at, why });
    let message = raw.message.0.as_ref();
    let model = message.and_then(|m| m.model.text()).unwrap_or_default();
    let no_call = model == "<synthetic>";
    let Some(given) = message.and_then(|m| m.usage.0.as_ref()) else {
        return if no_call || raw.api_error == Scalar::Bool(true) {
            Row::Other
        } else {
            unreadable("it has no usage".to_owned())
        };
    };
    if no_call {
        return Row::Other;
    }
    let usage = match usage(given, &raw.cost) {
        Ok(usage) => usage,
        Err(why) => return unreadable(why),
    };
    if raw.api_error == Scalar::Bool(true) && usage.is_zero() {
        return Row::Other;
    }
    let Some(at) = at else {
        return unreadable("its timestamp can't be read".to_owned());
    };
    let own = |s: &Scalar<'_>| s.text().map(|text| Cow::Owned(text.to_owned()));
    Row::Call(CallRow {
        id: message.and_then(|m| own(&m.id)),
        uuid: own(&raw.uuid),
        session: own(&raw.session),
        project: own(&raw.cwd),
        model: Cow::Owned(model.to_owned()),
        at,
        usage,
    })
}

fn usage(given: &RawUsage<'_>, cost: &Scalar<'_>) -> Result<Usage, String> {
    let searches = given
        .server_tool_use
        .0
        .as_ref()
        .map_or(Ok(0), |t| t.web_search_requests.count(MAX_SEARCHES))
        .map_err(|found| format!("web_search_requests is {found}"))?;
    let mut parts = Vec::new();
    for part in &given.iterations.0 {
        let advisor = match part.r#type.text() {
            Some("message") => None,
            Some("advisor_message") => Some(part.model.text().unwrap_or_default().to_owned()),
            _ => continue,
        };
        parts.push(Part {
            advisor,
            tokens: tokens(part)?,
            fast: part.speed.text() == Some("fast"),
            us: part.inference_geo.text() == Some("us"),
        });
    }
    Ok(Usage {
        tokens: tokens(given)?,
        searches,
        fast: given.speed.text() == Some("fast"),
        us: given.inference_geo.text() == Some("us"),
        parts,
        stated: dollars(cost).map_err(|found| format!("costUSD is {found}"))?,
    })
}

fn tokens(given: &RawUsage<'_>) -> Result<Tokens, String> {
    let count = |name: &str, scalar: &Scalar<'_>| {
        scalar
            .count(MAX_TOKENS)
            .map_err(|found| format!("{name} is {found}"))
    };
    let split = given.cache_creation.0.as_ref();
    let write_1h = split.map_or(Ok(0), |s| {
        count("ephemeral_1h_input_tokens", &s.ephemeral_1h_input_tokens)
    })?;
    let write = match (&given.cache_creation_input_tokens, split) {
        // Without the flat count the split is all there is.
        (Scalar::Null, Some(split)) => {
            write_1h
                + count(
                    "ephemeral_5m_input_tokens",
                    &split.ephemeral_5m_input_tokens,
                )?
        }
        (flat, _) => count("cache_creation_input_tokens", flat)?,
    };
    Ok(Tokens {
        input: count("input_tokens", &given.input_tokens)?,
        output: count("output_tokens", &given.output_tokens)?,
        read: count("cache_read_input_tokens", &given.cache_read_input_tokens)?,
        write,
        write_1h,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_line_still_tells_its_time() {
        let line = br#"{"type":"assistant","mess{"timestamp":"2026-11-20T12:00:00Z","x"#;
        assert!(last_time(line).is_some());
        assert!(read(line).is_none());
        assert!(last_time(b"{\"timestamp\":").is_none());
    }
}

#[cfg(test)]
#[path = "row_agree.rs"]
mod agree;
