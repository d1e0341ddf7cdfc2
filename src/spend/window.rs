//! A calendar day as a span of time.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A half-open span: from `start` on, before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The day's first instant.
    pub start: DateTime<Utc>,
    /// The next day's first instant.
    pub end: DateTime<Utc>,
}

impl Window {
    /// The calendar day `date` in `zone`: 23, 24 or 25 hours, and none at all for a day that the
    /// zone left out. `None` at the end of the calendar.
    pub fn of(date: NaiveDate, zone: Tz) -> Option<Self> {
        Some(Self {
            start: midnight(date, zone)?,
            end: midnight(date.succ_opt()?, zone)?,
        })
    }

    /// Whether an instant belongs to the day.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.start <= at && at < self.end
    }
}

/// The first instant of a day. Where clocks skip midnight it is the first one they show.
fn midnight(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let mut wall: NaiveDateTime = date.and_hms_opt(0, 0, 0)?;
    // The longest gap ever was a whole day, on the date line.
    for _ in 0..=(26 * 60) {
        match zone.from_local_datetime(&wall) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                return Some(at.with_timezone(&Utc));
            }
            LocalResult::None => wall = wall.checked_add_signed(TimeDelta::minutes(1))?,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(date: &str, zone: Tz) -> i64 {
        let day = Window::of(date.parse().unwrap(), zone).unwrap();
        (day.end - day.start).num_hours()
    }

    #[test]
    fn days_are_as_long_as_the_zone_makes_them() {
        for (date, zone, length) in [
            ("2026-11-20", Tz::America__Toronto, 24),
            ("2026-11-01", Tz::America__Toronto, 25),
            ("2026-03-08", Tz::America__Toronto, 23),
            // Midnight itself does not exist, or comes twice.
            ("2018-11-04", Tz::America__Sao_Paulo, 23),
            ("2018-02-17", Tz::America__Sao_Paulo, 25),
            ("2026-11-01", Tz::America__Havana, 25),
            // The zone jumped over the date line.
            ("2011-12-30", Tz::Pacific__Apia, 0),
            ("2026-11-20", Tz::UTC, 24),
        ] {
            assert_eq!(hours(date, zone), length, "{date} {zone}");
        }
    }

    #[test]
    fn the_last_instant_belongs_to_the_next_day() {
        let day = Window::of("2026-11-20".parse().unwrap(), Tz::America__Toronto).unwrap();
        assert_eq!(day.start.to_rfc3339(), "2026-11-20T05:00:00+00:00");
        assert!(day.holds(day.start));
        assert!(!day.holds(day.end));
        assert!(day.holds(day.end - TimeDelta::nanoseconds(1)));
    }
}
