//! Delivers the posts that wait in the ledger, in order, each of them once.

use std::time::Duration;

use chrono::TimeDelta;

use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError};
use crate::report::discord::{Delivery, Discord};
use crate::turn::hex;

/// After a failure, the n-th try waits this long, times n, at most an hour.
const BACKOFF: Duration = Duration::from_secs(30);

/// What a delivery round came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Round {
    /// Posts delivered.
    pub delivered: u32,
    /// Why the round ended early, if it did.
    pub stuck: Option<String>,
}

/// Sends every post whose time has come. Stops at the first that can't be delivered now, so that
/// the order is kept.
///
/// # Errors
/// Only when the ledger fails; an unreachable service is a [`Round`] that says so.
pub async fn deliver(
    ledger: &Ledger,
    discord: &Discord,
    clock: &Clock,
) -> Result<Round, LedgerError> {
    let mut round = Round::default();
    while let Some(post) = ledger.next_post(clock.now()).await? {
        match discord.send(&post.body, &nonce(&post.key)).await {
            Delivery::Delivered { message_id } => {
                ledger
                    .post_delivered(post.seq, &message_id, clock.now())
                    .await?;
                round.delivered += 1;
            }
            Delivery::Later(wait, why) => {
                put_off(ledger, clock, post.seq, wait).await?;
                round.stuck = Some(why);
                break;
            }
            Delivery::Refused(why) => {
                let tries = u32::try_from(post.attempts)
                    .unwrap_or(0)
                    .saturating_add(1)
                    .min(120);
                put_off(ledger, clock, post.seq, BACKOFF * tries).await?;
                round.stuck = Some(why);
                break;
            }
        }
    }
    Ok(round)
}

async fn put_off(
    ledger: &Ledger,
    clock: &Clock,
    seq: i64,
    wait: Duration,
) -> Result<(), LedgerError> {
    let wait = TimeDelta::from_std(wait)
        .unwrap_or(TimeDelta::hours(1))
        .min(TimeDelta::hours(1));
    ledger.post_later(seq, clock.now() + wait).await
}

/// The receiver drops a second message with the same nonce; at most 25 characters.
fn nonce(key: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex(&Sha256::digest(key.as_bytes()))[..24].to_owned()
}
