//! The only place that asks the time. Everything else is handed a [`Clock`].

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

/// A source of the current time, either the system's or one that a test moves.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: Tz,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The system's clock; calendar days begin at midnight in `zone`.
    pub fn system(zone: Tz) -> Self {
        Self {
            zone,
            source: Source::System,
        }
    }

    /// A clock that stands still at `start` until it is advanced or set.
    pub fn manual(start: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            zone,
            source: Source::Manual(Arc::new(Mutex::new(start))),
        }
    }

    /// The current instant.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.source {
            Source::System => Utc::now(),
            Source::Manual(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The current instant as a wall clock in the configured zone shows it.
    pub fn local(&self) -> DateTime<Tz> {
        self.now().with_timezone(&self.zone)
    }

    /// The calendar day in the configured zone.
    pub fn today(&self) -> NaiveDate {
        self.local().date_naive()
    }

    /// The zone that decides where a day begins.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Moves a manual clock; a system clock is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Manual(at) = &self.source {
            let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
            *at += by;
        }
    }
}

/// How long the machine has slept since it was booted, where that can be told. Timers stand still
/// meanwhile (those of Tokio on Linux and macOS), the wall clock does not.
pub fn asleep() -> Option<std::time::Duration> {
    crate::process::asleep()
}

/// The IANA zone that `TZ` names, else the system's, else UTC.
pub fn system_zone() -> Tz {
    let named = std::env::var("TZ").ok();
    zone_of(named.as_deref()).unwrap_or_else(|| {
        iana_time_zone::get_timezone()
            .ok()
            .and_then(|name| name.parse().ok())
            .unwrap_or(Tz::UTC)
    })
}

/// The zone that a value of `TZ` names: by its name, or by its file. An empty one is UTC, as for the
/// C library; rules of the `EST5EDT4,M3…` kind name none.
fn zone_of(named: Option<&str>) -> Option<Tz> {
    let named = named?;
    if named.is_empty() {
        return Some(Tz::UTC);
    }
    let named = named.strip_prefix(':').unwrap_or(named);
    let name = named
        .split_once("/zoneinfo/")
        .map_or(named, |(_, name)| name);
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_the_one_that_tz_names() {
        let toronto = Some(Tz::America__Toronto);
        for (named, zone) in [
            (None, None),
            (Some(""), Some(Tz::UTC)),
            (Some("America/Toronto"), toronto),
            (Some(":America/Toronto"), toronto),
            (Some(":/usr/share/zoneinfo/America/Toronto"), toronto),
            (Some("EST5EDT,M3.2.0,M11.1.0"), None),
            (Some("nowhere"), None),
        ] {
            assert_eq!(zone_of(named), zone, "{named:?}");
        }
    }
}
