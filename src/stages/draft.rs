//! A turn in the making.

use std::rc::Rc;
use std::time::Instant;

use chrono::{DateTime, Utc};

use super::propose::Proposal;
use crate::gate::MicroUsd;
use crate::gates;
use crate::ledger::OpenTurn;
use crate::repo::Changes;
use crate::turn::{
    AgentOutcome, Drift, Finding, Gate, GateRecord, Price, Receipt, Report, Turn, TurnId,
    TurnOutcome, Verdict, hex,
};
use crate::world::World;

/// Longest diff kept in a receipt, in bytes.
const MAX_DIFF: usize = 64 * 1024;
/// Prices that a reason names.
const NAMED: usize = 3;

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
    /// The prices that an operator has accepted for this very change.
    pub(super) accepted: Vec<Price>,
    /// What is proposed, once it is.
    pub(super) proposal: Option<Rc<Proposal>>,
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
            accepted: Vec::new(),
            proposal: None,
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

    /// Notes what is proposed, for the receipt and for the case that it is held.
    pub(super) fn proposes(&mut self, changes: &Changes, report: &Report) {
        let diff = changes.unified_diff();
        self.receipt.diff_sha256 = {
            use sha2::{Digest as _, Sha256};
            hex(&Sha256::digest(diff.as_bytes()))
        };
        self.receipt.paths = changes.paths();
        // Before anything of it is written down: the gate refuses it later, by place and kind.
        if gates::secrets(changes, &[]) != Verdict::Passed {
            "(not kept: it holds what looks like a credential)\n"
                .clone_into(&mut self.receipt.diff);
            return;
        }
        self.receipt.diff = crate::text::clamp(&diff, MAX_DIFF);
        self.proposal = Some(Rc::new(Proposal {
            changes: changes.clone(),
            report: report.clone(),
        }));
    }

    /// What a gate finds that a person has to decide about, each with the words of the day. What was
    /// accepted passes.
    pub(super) fn price(
        &mut self,
        gate: Gate,
        prices: impl IntoIterator<Item = (Price, String)>,
    ) -> Verdict {
        let mut open = Vec::new();
        for (price, shown) in prices {
            let list = if self.accepted.contains(&price) {
                &mut self.receipt.accepted
            } else {
                open.push(shown);
                &mut self.receipt.prices
            };
            if !list.contains(&price) {
                list.push(price);
            }
        }
        if open.is_empty() {
            return Verdict::Passed;
        }
        // An approval is of all of it.
        let known: Vec<Price> = self.receipt.accepted.clone();
        let known = known.into_iter().filter(|p| p.gate == gate);
        for price in known {
            if !self.receipt.prices.contains(&price) {
                self.receipt.prices.push(price);
            }
        }
        let named = open
            .iter()
            .take(NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join("; ");
        let more = open.len().saturating_sub(NAMED);
        Verdict::Held(match more {
            0 => named,
            more => format!("{named}; and {more} more"),
        })
    }

    /// As a gate that holds for a reason in words: the words are the price.
    pub(super) fn settled(&mut self, gate: Gate, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Held(why) if self.receipt.prices.iter().all(|p| p.gate != gate) => {
                let price = Price {
                    gate,
                    what: why.clone(),
                };
                self.price(gate, [(price, why)])
            }
            other => other,
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
