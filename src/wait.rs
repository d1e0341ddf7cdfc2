//! How long the loop sleeps. Pure; a table test.
//!
//! The schedule runs on [`Clock::elapsed`](crate::clock::Clock::elapsed), which counts the machine's
//! sleep and which nobody sets. The wall clock can only end a wait earlier, never make it longer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::next::Next;

/// The longest usage limit that is waited for.
pub(crate) const LONGEST_LIMIT: TimeDelta = TimeDelta::days(8);

/// A wait for the next wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When it comes, on the elapsed clock.
    pub(crate) due: Duration,
    /// It comes at this time, if the wall clock gets there first, but not before `earliest`.
    at: Option<DateTime<Utc>>,
    earliest: Duration,
}

impl Wait {
    /// The wake after the one that was due at `last`, for a loop that does not stop.
    pub(crate) fn after(
        last: Duration,
        next: &Next,
        interval: Duration,
        elapsed: Duration,
        wall: DateTime<Utc>,
    ) -> Self {
        // A turn that took long, or a machine that slept: one wake now, never a storm.
        let earliest = (last + interval).max(elapsed);
        let (due, at) = match next {
            Next::Stop(_) | Next::Sleep => (earliest, None),
            Next::BackOff(intervals) => {
                let more = interval.saturating_mul(intervals.saturating_sub(1));
                (earliest + more, None)
            }
            Next::SleepUntil(at) => {
                let wait = (*at - wall).min(LONGEST_LIMIT);
                let wait = wait.to_std().unwrap_or_default();
                (earliest.max(elapsed + wait), Some(*at))
            }
        };
        Self { due, at, earliest }
    }

    /// How long it still is; zero: the wake has come.
    pub(crate) fn left(&self, elapsed: Duration, wall: DateTime<Utc>) -> Duration {
        let left = self.due.saturating_sub(elapsed);
        match self.at {
            Some(at) => {
                let by_wall = (at - wall)
                    .max(TimeDelta::zero())
                    .to_std()
                    .unwrap_or_default();
                let earliest = self.earliest.saturating_sub(elapsed);
                left.min(by_wall.max(earliest))
            }
            None => left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(n: u64) -> Duration {
        Duration::from_mins(n)
    }

    fn wall(minute: i64) -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    /// A wait that is planned 5 minutes after the last wake, at an interval of 30.
    fn planned(next: &Next) -> Wait {
        Wait::after(minutes(100), next, minutes(30), minutes(105), wall(0))
    }

    #[test]
    fn the_clocks_and_what_they_do_to_a_wait() {
        let until = |minute| Next::SleepUntil(wall(minute));
        let year = 365 * 24 * 60;
        for (next, elapsed, wall_minute, left) in [
            (Next::Sleep, 105, 0, 25),
            (Next::Sleep, 129, 24, 1),
            (Next::Sleep, 130, 25, 0),
            // The wall clock is set, either way: nothing changes.
            (Next::Sleep, 110, year, 20),
            (Next::Sleep, 110, -year, 20),
            // The machine slept through a night: one wake, now.
            (Next::Sleep, 105 + 600, 600, 0),
            (Next::BackOff(1), 105, 0, 25),
            (Next::BackOff(4), 105, 0, 25 + 90),
            // A limit: until it is over, but not sooner than the schedule.
            (until(180), 105, 0, 180),
            (until(180), 165, 60, 120),
            (until(3), 105, 0, 25),
            (until(-60), 105, 0, 25),
            // The machine slept meanwhile.
            (until(180), 105 + 600, 600, 0),
            // The clock is set forward: it asks again at the schedule's next wake.
            (until(180), 106, year, 24),
            (until(180), 131, year, 0),
            // The clock is set back: the limit is over when it is over.
            (until(180), 106, -year, 179),
            (until(180), 285, -year, 0),
            // A clock that was a year behind when the limit came.
            (until(year), 105, 0, 8 * 24 * 60),
            (until(year), 135, year, 0),
        ] {
            let wait = planned(&next);
            assert_eq!(
                wait.left(minutes(elapsed), wall(wall_minute)),
                minutes(left),
                "{next:?} at {elapsed}, {wall_minute}"
            );
        }
    }

    #[test]
    fn missed_wakes_are_one() {
        // A turn of three hours, or a turn during which the machine slept.
        let wait = Wait::after(minutes(0), &Next::Sleep, minutes(30), minutes(180), wall(0));
        assert_eq!(wait.due, minutes(180));
        let next = Wait::after(wait.due, &Next::Sleep, minutes(30), minutes(181), wall(1));
        assert_eq!(next.due, minutes(210));
    }
}
