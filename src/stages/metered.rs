//! A run of the agent while its meter runs: its own calls as they happen, and what everybody else
//! on the machine spends meanwhile.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::opening::{Asked, near_cap};
use crate::gate::MicroUsd;
use crate::ledger::LedgerError;
use crate::outbox;
use crate::spend::{Day, Meter, Others, Reading};
use crate::world::World;

/// Between two looks at what may have grown.
const TICK: Duration = Duration::from_secs(2);
/// Between two looks at everything.
const THOROUGH: Duration = Duration::from_secs(30);
/// So many thorough looks in a row may be incomplete: files come and go.
const INCOMPLETE: u32 = 2;

/// Something that goes on beside the run.
type Under<'a, T> = Pin<Box<dyn Future<Output = Result<T, LedgerError>> + 'a>>;

/// Runs `work`, which `meter` watches and ends. `session`: that of the run.
///
/// # Errors
/// When the ledger fails; the work is given up then.
pub(super) async fn metered<T>(
    world: &World,
    meter: &Meter,
    session: &str,
    work: impl Future<Output = T>,
) -> Result<T, LedgerError> {
    let mut watch = Watch::new(world, meter, session);
    let before = world.lock().me().spent;
    let looking: Option<Under<'_, Look>> = None;
    let posting: Option<Under<'_, ()>> = None;
    tokio::pin!(work, looking, posting);
    let mut next = Instant::now();
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                world.sign(|holder| holder.spent = before);
                return Ok(done);
            }
            looked = async { looking.as_mut().as_pin_mut()?.await.into() }, if looking.is_some() => {
                looking.set(None);
                if let Some(looked) = looked
                    && watch.take(looked?).await?
                    && posting.is_none()
                {
                    posting.set(Some(Box::pin(async {
                        outbox::deliver(&world.ledger, &world.discord, &world.clock).await?;
                        Ok(())
                    })));
                }
                let own = meter.so_far().0;
                world.sign(|holder| holder.spent = before.plus(own));
                next = Instant::now() + TICK;
            }
            posted = async { posting.as_mut().as_pin_mut()?.await.into() }, if posting.is_some() => {
                posting.set(None);
                if let Some(posted) = posted {
                    posted?;
                }
            }
            () = sleep_until(next), if looking.is_none() => {
                meter.look();
                looking.set(Some(Box::pin(watch.look())));
            }
        }
    }
}

/// What a look brought.
struct Look {
    others: Option<Others>,
    /// Reserved by runs that are not settled, this one's included; where it was asked.
    reserved: Option<MicroUsd>,
}

/// The day's spend of everybody else.
struct Watch<'a> {
    world: &'a World,
    meter: &'a Meter,
    session: &'a str,
    others: Option<Others>,
    reserved: MicroUsd,
    thorough: Instant,
    incomplete: u32,
}

impl<'a> Watch<'a> {
    fn new(world: &'a World, meter: &'a Meter, session: &'a str) -> Self {
        Self {
            world,
            meter,
            session,
            others: None,
            reserved: MicroUsd::ZERO,
            thorough: Instant::now(),
            incomplete: 0,
        }
    }

    /// A look at what may have grown, or at everything where it is time or another day.
    fn look(&mut self) -> impl Future<Output = Result<Look, LedgerError>> + use<'a> {
        let (world, session) = (self.world, self.session.to_owned());
        let now = world.clock.now();
        let known = self
            .others
            .take()
            .filter(|others| Instant::now() < self.thorough && others.spend().window.holds(now));
        if known.is_none() {
            self.thorough = Instant::now() + THOROUGH;
        }
        async move {
            if let Some(mut others) = known {
                let ticked = tokio::task::spawn_blocking(move || {
                    others.tick(now);
                    others
                });
                return Ok(Look {
                    others: ticked.await.ok(),
                    reserved: None,
                });
            }
            let day = (world.clock.today(), now);
            let zone = world.clock.zone();
            let asked = Asked::about(day, &world.ledger, zone, &world.config).await?;
            let dir = world.config.state_dir.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let reading = Reading {
                    dir: &dir,
                    early: false,
                    progress: &|_| {},
                };
                Others::look(&asked.query(), reading, &session)
            });
            Ok(Look {
                others: looked.await.ok().flatten(),
                reserved: Some(world.ledger.reserved().await?),
            })
        }
    }

    /// Hands on what a look brought. Whether a warning was queued.
    async fn take(&mut self, look: Look) -> Result<bool, LedgerError> {
        let Some(others) = look.others else {
            self.meter.unknown("the reader failed".to_owned());
            return Ok(false);
        };
        if let Some(reserved) = look.reserved {
            self.reserved = reserved.minus(self.meter.allowance());
            let complete = others.spend().complete;
            self.incomplete = if complete { 0 } else { self.incomplete + 1 };
        }
        let spend = others.spend();
        if self.incomplete >= INCOMPLETE {
            self.meter.unknown(spend.problems.join("; "));
        }
        self.meter.day(Day {
            window: spend.window,
            cap: self.world.config.spend.daily_cap,
            others: spend.spent.plus(self.reserved),
        });
        self.others = Some(others);
        match self.meter.so_far().1 {
            Some(spent) => near_cap(self.world, spent).await,
            None => Ok(false),
        }
    }
}
