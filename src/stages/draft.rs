//! A turn in the making.

use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::gate::MicroUsd;
use crate::ledger::OpenTurn;
use crate::turn::{
    AgentOutcome, Drift, Finding, Gate, GateRecord, Receipt, Turn, TurnId, TurnOutcome, Verdict,
};
use crate::world::World;

/// What is known of the current turn so far.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The turn's id.
    pub id: TurnId,
    /// Its number.
    pub number: i64,
    /// When it began.
    pub started: DateTime<Utc>,
    /// The agent's outcome class, once it ran.
    pub agent: Option<AgentOutcome>,
    /// What agents' runs cost in this turn.
    pub cost: MicroUsd,
    /// What was found.
    pub finding: Option<Finding>,
    /// What was changed and why.
    pub change: String,
    /// The question for a person.
    pub question: Option<String>,
    /// The evidence.
    pub receipt: Receipt,
}

impl Draft {
    /// An empty draft of a turn that has begun.
    pub fn new(open: &OpenTurn) -> Self {
        Self {
            id: open.id,
            number: open.number,
            started: open.started,
            agent: None,
            cost: MicroUsd::ZERO,
            finding: None,
            change: String::new(),
            question: None,
            receipt: Receipt::default(),
        }
    }

    /// A draft that is never recorded, for work on behalf of a turn that is over.
    pub(crate) fn unrecorded(turn: TurnId, now: DateTime<Utc>) -> Self {
        Self::new(&OpenTurn {
            id: turn,
            number: 0,
            started: now,
        })
    }

    /// The turn as it will be recorded.
    pub fn finish(self, outcome: TurnOutcome, now: DateTime<Utc>) -> Turn {
        Turn {
            id: self.id,
            number: self.number,
            started: self.started,
            finished: now.max(self.started),
            outcome,
            agent: self.agent,
            cost: self.cost,
            finding: self.finding,
            change: self.change,
            question: self.question,
            receipt: self.receipt,
        }
    }

    /// Notes a gate's record in the receipt and shows it.
    pub(super) fn record(&mut self, world: &World, record: GateRecord, detail: &str) {
        world
            .console()
            .step_done(record.gate.word(), &record.verdict, record.millis, detail);
        self.receipt.gates.push(record);
    }

    /// Records a gate that needed no command.
    pub(super) fn judged(
        &mut self,
        world: &World,
        gate: Gate,
        verdict: Verdict,
        since: Instant,
        detail: &str,
    ) {
        let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.record(
            world,
            GateRecord {
                millis,
                ..GateRecord::new(gate, verdict)
            },
            detail,
        );
    }

    /// The earlier improvements that do not hold, and that a re-run of the playbook did not mend.
    pub(super) fn drift(&self) -> Vec<Drift> {
        let open = self.receipt.drift.iter().filter(|d| !d.repaired);
        open.cloned().collect()
    }

    /// Adds a remark about what the evidence does not cover, once.
    pub(super) fn not_covered(&mut self, notes: &[String]) {
        for note in notes {
            if !self.receipt.not_covered.contains(note) {
                self.receipt.not_covered.push(note.clone());
            }
        }
    }
}
