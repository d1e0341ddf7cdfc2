//! The fault suite: how supervisors of agents have failed their users, and what this one does.
//! `cargo test --test it faults` runs it and ends with a table.

mod agents;
mod elsewhere;
mod ended;
mod lane;
mod table;

use std::sync::Mutex;

use self::lane::{Lane, Limits};
use self::table::{Row, show};

/// A fault, and how it is provoked. `Ok` holds what was seen, `Err` what should not have been.
struct Fault {
    /// The case of `failure-cases` that it belongs to.
    case: &'static str,
    name: &'static str,
    limits: Limits,
    provoke: fn(&Lane) -> Result<String, String>,
}

/// Workstations that are at work at once: most of the time goes by in waiting.
const LANES: [Limits; 6] = [
    Limits::Short,
    Limits::Short,
    Limits::Short,
    Limits::Long,
    Limits::Long,
    Limits::Unconfined,
];

#[test]
fn every_fault_is_survived() {
    let faults: Vec<Fault> = agents::faults()
        .into_iter()
        .chain(ended::faults())
        .collect();
    crate::support::station::prepare_ansible();
    let queue = Mutex::new(faults.iter().collect::<Vec<_>>());
    let rows = Mutex::new(elsewhere::rows());
    let take = |limits: Limits| {
        let mut queue = queue.lock().unwrap();
        let at = queue.iter().position(|fault| fault.limits == limits)?;
        Some(queue.remove(at))
    };
    std::thread::scope(|scope| {
        for limits in LANES {
            let (take, rows) = (&take, &rows);
            scope.spawn(move || {
                let lane = Lane::new(limits);
                while let Some(fault) = take(limits) {
                    let row = Row::of(fault, &lane);
                    rows.lock().unwrap().push(row);
                }
            });
        }
    });
    assert!(
        show(rows.into_inner().unwrap()),
        "a fault is not survived; see the table"
    );
}
