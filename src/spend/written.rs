//! How a row writes amounts of money and instants.

use chrono::{DateTime, Utc};

use super::loose::Scalar;
use super::usage::Nanos;

/// More dollars than any session costs.
const MAX_DOLLARS: Nanos = 1_000_000;
/// Milliseconds since the epoch in the year 2001; a smaller number is no such count.
const FIRST_MILLI: u64 = 1_000_000_000_000;

/// A JSON number of dollars, exactly as it is written, rounded up to a nano-dollar.
pub(super) fn dollars(given: &Scalar<'_>) -> Result<Option<Nanos>, String> {
    // The shortest decimal that names the same number is the one that was written.
    let text = match given {
        Scalar::Null => return Ok(None),
        Scalar::Unsigned(n) => n.to_string(),
        Scalar::Float(f) if f.is_finite() && *f >= 0.0 => f.to_string(),
        Scalar::Float(f) => return Err(f.to_string()),
        Scalar::Signed(n) => return Err(n.to_string()),
        Scalar::Bool(_) | Scalar::Text(_) | Scalar::Other => return Err("no number".to_owned()),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let nine: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let more = fraction.bytes().skip(9).any(|b| b != b'0');
    match (whole.parse::<Nanos>(), nine.parse::<Nanos>()) {
        (Ok(whole), Ok(nine)) if whole < MAX_DOLLARS => {
            Ok(Some(whole * 1_000_000_000 + nine + Nanos::from(more)))
        }
        _ => Err(crate::text::plain(&text, 40)),
    }
}

/// An instant: a text with its zone, or milliseconds since the epoch.
pub(super) fn instant(given: &Scalar<'_>) -> Option<DateTime<Utc>> {
    match given {
        Scalar::Text(text) => time(text),
        // Whole seconds would silently be a day of 1970.
        Scalar::Unsigned(_) | Scalar::Float(_) => given
            .count(i64::MAX.unsigned_abs())
            .ok()
            .filter(|ms| *ms >= FIRST_MILLI)
            .and_then(|ms| DateTime::from_timestamp_millis(i64::try_from(ms).ok()?)),
        _ => None,
    }
}

/// A time of day with its date and zone.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z"))
        .ok()
        .map(|t| t.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_exactly() {
        for (given, nanos) in [
            (Scalar::Float(0.0123), Ok(Some(12_300_000))),
            (Scalar::Float(1e-9), Ok(Some(1))),
            (Scalar::Float(1.5e-9), Ok(Some(2))),
            (Scalar::Unsigned(3), Ok(Some(3_000_000_000))),
            (Scalar::Null, Ok(None)),
            (Scalar::Float(-0.5), Err("-0.5".to_owned())),
            (Scalar::Float(1e18), Err("1000000000000000000".to_owned())),
        ] {
            assert_eq!(dollars(&given), nanos, "{given:?}");
        }
    }

    #[test]
    fn every_way_to_write_a_time_is_read() {
        let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        for text in [
            "2026-11-20T12:00:00Z",
            "2026-11-20T12:00:00.000Z",
            "2026-11-20T12:00:00.000000Z",
            "2026-11-20T07:00:00-05:00",
            "2026-11-20T07:00:00-0500",
        ] {
            assert_eq!(time(text), Some(noon), "{text}");
        }
        assert_eq!(time("yesterday"), None);
        assert_eq!(time("2026-11-20T12:00:00"), None, "no zone, no instant");
    }
}
