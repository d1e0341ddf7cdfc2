//! Wakes that come while the own turn still runs.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::agent::coordinator;
use crate::config::{CoordinateConfig, Decider};
use crate::error::Fatal;
use crate::lock::coordinate::{Choice, Facts, Look, facts_text, rules};
use crate::process::Likeness;
use crate::records;
use crate::turn::{Receipt, Turn, TurnOutcome};
use crate::world::World;

/// A shorter interval is a pause between turns: no wake comes while one runs.
const SHORTEST_WAKE: Duration = Duration::from_mins(1);

/// A decider that is being asked.
pub(crate) type Asking<'a> = Option<Pin<Box<dyn Future<Output = Option<Choice>> + 'a>>>;

/// Asks the model, where it is the decider. `None`: the table decides.
pub(crate) async fn ask(world: &World, look: Look) -> Option<Choice> {
    match (world.config.coordinate.decider, world.agent.live()) {
        (Decider::Agent, Some(claude)) => {
            coordinator::ask(claude, &world.config, &world.clock, &look).await
        }
        _ => None,
    }
}

/// A wake that comes while the own iteration still runs takes the same path as a second
/// invocation: kill, wait once, or skip.
pub(crate) struct Overlap {
    /// When the next wake comes.
    pub(crate) next: Instant,
    waited: bool,
    skipped: bool,
}

impl Overlap {
    /// The wakes of a turn that began with the one at `wake`.
    pub(crate) fn after(wake: Instant, world: &World) -> Self {
        Self {
            next: wake + interval(world),
            waited: false,
            skipped: false,
        }
    }

    pub(crate) fn look(&self, world: &World) -> Look {
        Look {
            facts: Facts::new(Some(world.lock().me()), Likeness::Same, world.clock.now()),
            waited: self.waited,
            skipped: self.skipped,
        }
    }

    /// What the choice means for the schedule; the reason is for the reports.
    fn choose(
        &mut self,
        look: &Look,
        answer: Option<Choice>,
        config: &CoordinateConfig,
        now: Instant,
        interval: Duration,
    ) -> (Choice, &'static str) {
        let ruling = rules(&look.facts, config, self.waited, self.skipped);
        let (choice, reason) = match answer.filter(|choice| look.allows(*choice, config)) {
            Some(choice) => (choice, "the decider chose it"),
            None => (ruling.choice, ruling.reason),
        };
        self.next = now + interval;
        match choice {
            Choice::Kill => {}
            Choice::Wait => {
                self.waited = true;
                self.next = now + config.wait;
            }
            Choice::Skip => {
                self.waited = false;
                self.skipped = true;
            }
        }
        (choice, reason)
    }

    /// Does what was chosen; `Some`: a turn that came to nothing.
    pub(crate) async fn settle(
        &mut self,
        world: &World,
        cancel: &CancellationToken,
        answer: Option<Choice>,
    ) -> Result<Option<Turn>, Fatal> {
        let look = self.look(world);
        let config = &world.config.coordinate;
        let (choice, reason) = self.choose(&look, answer, config, Instant::now(), interval(world));
        world.console().note_line("a wake while this turn runs:");
        for line in facts_text(&look.facts).lines() {
            world.console().note_line(&format!("  {line}"));
        }
        world
            .console()
            .note(&format!("{}: {reason}", choice.word()));
        match choice {
            Choice::Kill => cancel.cancel(),
            Choice::Wait => {}
            Choice::Skip => {
                let skipped = skipped(world, reason).await?;
                records::record(world, &skipped, None).await?;
                return Ok(Some(skipped));
            }
        }
        Ok(None)
    }
}

fn interval(world: &World) -> Duration {
    world.config.r#loop.interval.max(SHORTEST_WAKE)
}

/// A turn that came to nothing because another one is active.
async fn skipped(world: &World, why: &str) -> Result<Turn, Fatal> {
    let open = world.ledger.begin_turn(world.clock.now()).await?;
    Ok(Turn {
        id: open.id,
        number: open.number,
        started: open.started,
        finished: world.clock.now(),
        outcome: TurnOutcome::Skipped(why.to_owned()),
        agent: None,
        cost: crate::gate::MicroUsd::ZERO,
        finding: None,
        change: String::new(),
        question: None,
        receipt: Receipt::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Holder;
    use crate::turn::Stage;

    /// A wake during the own turn: wait once, skip once, then end it.
    #[tokio::test]
    async fn an_own_turn_that_does_not_end_is_waited_for_skipped_and_ended() {
        let config = CoordinateConfig {
            decider: Decider::Rules,
            wait: Duration::from_mins(1),
            overdue: Duration::from_hours(1),
            silent: Duration::from_mins(10),
        };
        let now = chrono::DateTime::UNIX_EPOCH;
        let identity = crate::process::own_identity();
        let mut me = Holder::new(uuid::Uuid::nil(), identity, now, "log".into());
        me.begin_turn(uuid::Uuid::nil(), now);
        me.stage = Some(Stage::Iterate);
        let half = Duration::from_mins(30);
        let start = Instant::now();
        let mut overlap = Overlap {
            next: start,
            waited: false,
            skipped: false,
        };
        let mut choose = |answer, me: &Holder| {
            let look = Look {
                facts: Facts::new(Some(me.clone()), Likeness::Same, now),
                waited: overlap.waited,
                skipped: overlap.skipped,
            };
            let (choice, _) = overlap.choose(&look, answer, &config, start, half);
            (choice, overlap.next - start)
        };
        assert_eq!(choose(None, &me), (Choice::Wait, config.wait));
        // What the table does not allow a second time is not done for a decider either.
        assert_eq!(choose(Some(Choice::Wait), &me), (Choice::Skip, half));
        assert_eq!(choose(None, &me), (Choice::Wait, config.wait));
        assert_eq!(choose(None, &me), (Choice::Kill, half));
        // What changes the machine is not interrupted, whoever asks.
        me.stage = Some(Stage::Apply);
        assert_ne!(choose(Some(Choice::Kill), &me).0, Choice::Kill);
    }
}
