//! Meters for runs that a test starts by itself.

use chrono_tz::Tz;
use secloop::clock::Clock;
use secloop::gate::MicroUsd;
use secloop::spend::{Limits, Meter};
use tokio_util::sync::CancellationToken;

/// A call without any answer is booked at this.
pub(crate) const UNANSWERED: MicroUsd = MicroUsd(300_000);

/// A meter of the system's time.
pub(crate) fn meter(allowance: MicroUsd) -> Meter {
    metered(allowance, &CancellationToken::new())
}

/// One that can be cancelled from outside.
pub(crate) fn metered(allowance: MicroUsd, cancel: &CancellationToken) -> Meter {
    let limits = Limits {
        allowance,
        unanswered: UNANSWERED,
    };
    Meter::new(Clock::system(Tz::UTC), limits, cancel.child_token())
}
