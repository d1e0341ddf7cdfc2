//! The only place that asks the time. Everything else is handed a [`Clock`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio::time::Instant;

/// A source of the current time, either the system's or one that a test moves.
///
/// There are three clocks: the wall clock, which people and the network set; a timer that stands
/// still while the machine sleeps; and how long it has slept. What is measured in hours of the world
/// (the schedule) is measured by the last two together, which nobody sets.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: Tz,
    source: Source,
    /// What the clocks said when this one was made.
    began: Began,
}

#[derive(Debug, Clone)]
struct Began {
    wall: DateTime<Utc>,
    timer: Instant,
    asleep: Duration,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<Mutex<Manual>>),
    /// The wall clock goes with the timer, from here on.
    Timer(DateTime<Utc>),
}

#[derive(Debug)]
struct Manual {
    wall: DateTime<Utc>,
    elapsed: Duration,
    asleep: Duration,
}

impl Clock {
    /// The system's clock; calendar days begin at midnight in `zone`.
    pub fn system(zone: Tz) -> Self {
        Self::made(zone, Source::System)
    }

    /// A clock that stands still at `start` until it is advanced or set.
    pub fn manual(start: DateTime<Utc>, zone: Tz) -> Self {
        let manual = Manual {
            wall: start,
            elapsed: Duration::ZERO,
            asleep: Duration::ZERO,
        };
        Self::made(zone, Source::Manual(Arc::new(Mutex::new(manual))))
    }

    /// A clock whose wall clock is at `start` now and goes with Tokio's timer: where a test lets that
    /// one jump, hours go by in a moment for everybody.
    pub fn on_timer(start: DateTime<Utc>, zone: Tz) -> Self {
        Self::made(zone, Source::Timer(start))
    }

    fn made(zone: Tz, source: Source) -> Self {
        let mut clock = Self {
            zone,
            source,
            began: Began {
                wall: DateTime::UNIX_EPOCH,
                timer: Instant::now(),
                asleep: Duration::ZERO,
            },
        };
        clock.began.wall = clock.now();
        clock.began.asleep = clock.asleep().unwrap_or_default();
        clock
    }

    /// The current instant.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.source {
            Source::System => Utc::now(),
            Source::Manual(manual) => lock(manual).wall,
            Source::Timer(start) => *start + self.began.timer.elapsed(),
        }
    }

    /// How long the machine has slept since it was booted, where that can be told.
    pub fn asleep(&self) -> Option<Duration> {
        match &self.source {
            Source::System => asleep(),
            Source::Manual(manual) => Some(lock(manual).asleep),
            Source::Timer(_) => Some(Duration::ZERO),
        }
    }

    /// How long this clock has been there, sleep included. Whoever sets the wall clock does not
    /// change it.
    pub fn elapsed(&self) -> Duration {
        let asleep = self.asleep().unwrap_or_default();
        let timer = self.began.timer.elapsed();
        let awake = match &self.source {
            Source::System | Source::Timer(_) => timer,
            Source::Manual(manual) => timer.max(lock(manual).elapsed),
        };
        awake + asleep.saturating_sub(self.began.asleep)
    }

    /// What the wall clock would say if nobody had set it since.
    pub fn expected(&self) -> DateTime<Utc> {
        TimeDelta::from_std(self.elapsed())
            .ok()
            .and_then(|elapsed| self.began.wall.checked_add_signed(elapsed))
            .unwrap_or_else(|| self.now())
    }

    /// The days that it may be, each with a time in it: the wall clock's, and where somebody set
    /// that one, the one that it would be otherwise. The day's cap holds on both.
    pub fn days(&self) -> Vec<(NaiveDate, DateTime<Utc>)> {
        let day = |at: DateTime<Utc>| (at.with_timezone(&self.zone).date_naive(), at);
        let (shown, expected) = (day(self.now()), day(self.expected()));
        if shown.0 == expected.0 {
            vec![shown]
        } else {
            vec![shown, expected]
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

    /// Lets time pass on a manual clock; a system clock is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Manual(manual) = &self.source {
            let mut manual = lock(manual);
            manual.wall += by;
            manual.elapsed += by.to_std().unwrap_or_default();
        }
    }

    /// Sets the wall clock of a manual clock, as a person or the network does.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Source::Manual(manual) = &self.source {
            lock(manual).wall = to;
        }
    }

    /// Lets the machine of a manual clock sleep.
    pub fn sleep(&self, by: Duration) {
        if let Source::Manual(manual) = &self.source {
            let mut manual = lock(manual);
            manual.wall += by;
            manual.asleep += by;
        }
    }
}

fn lock(manual: &Mutex<Manual>) -> std::sync::MutexGuard<'_, Manual> {
    manual.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the machine has slept since it was booted, where that can be told. Timers stand still
/// meanwhile (those of Tokio on Linux and macOS), the wall clock does not.
pub fn asleep() -> Option<Duration> {
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
    fn a_clock_that_is_set_is_noticed_and_sleep_is_time() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let noon = at("2026-11-20T12:00:00Z");
        let clock = Clock::manual(noon, Tz::UTC);
        let days = |clock: &Clock| -> Vec<String> {
            clock
                .days()
                .iter()
                .map(|(day, _)| day.to_string())
                .collect()
        };
        assert_eq!(days(&clock), ["2026-11-20"]);
        for set in [
            "2026-11-21T12:00:00Z",
            "2026-11-19T12:00:00Z",
            "1970-01-01T00:00:00Z",
        ] {
            clock.set(at(set));
            assert_eq!(days(&clock), [&set[..10], "2026-11-20"]);
        }
        clock.set(noon);
        assert_eq!(days(&clock), ["2026-11-20"]);
        // A lid that is closed overnight is no clock that was set.
        clock.sleep(Duration::from_hours(13));
        assert_eq!(days(&clock), ["2026-11-21"]);
        assert!(clock.elapsed() >= Duration::from_hours(13));
        clock.advance(TimeDelta::days(1));
        assert_eq!(days(&clock), ["2026-11-22"]);
    }

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
