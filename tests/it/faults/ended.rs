//! A run that is ended from outside, while somebody of it has left session and parent and heeds no
//! signal.

use rustix::process::Signal;

use super::{Fault, Lane, Limits};

const STUBBORN: &str = "leaves-an-orphan-and-goes-silent";

macro_rules! ended {
    ($($case:literal $name:literal $limits:ident $provoke:expr;)*) => {
        vec![$(Fault {
            case: $case,
            name: $name,
            limits: Limits::$limits,
            provoke: $provoke,
        }),*]
    };
}

pub(super) fn faults() -> Vec<Fault> {
    ended![
        "1" "Ctrl-C" Long |lane| signalled(lane, Signal::INT);
        "1" "Ctrl-C, an agent that heeds it" Long heeded;
        "1" "Ctrl-C twice" Long impatient;
        "1" "TERM" Long |lane| signalled(lane, Signal::TERM);
        "1" "secloop stop --now" Long stopped;
        "1" "a takeover" Long taken_over;
        "1" "secloop is killed" Long killed;
        "1" "secloop is killed, unconfined" Unconfined killed;
        "1" "Ctrl-C, unconfined" Unconfined |lane| signalled(lane, Signal::INT);
    ]
}

fn signalled(lane: &Lane, signal: Signal) -> Result<String, String> {
    let running = lane.started(STUBBORN);
    running.signal(signal);
    let (code, said) = running.finish();
    if code != Some(130) {
        return Err(format!("exit {code:?}: {said}"));
    }
    lane.nobody_left()?;
    lane.untouched()?;
    Ok("exit 130, nobody is left".to_owned())
}

/// What it had spent by then is told by the agent itself.
fn heeded(lane: &Lane) -> Result<String, String> {
    let running = lane.started("heeds-the-first-signal");
    running.signal(Signal::INT);
    let (code, said) = running.finish();
    lane.nobody_left()?;
    lane.untouched()?;
    if code != Some(130) || !said.contains("cancelled") {
        return Err(format!("exit {code:?}: {said}"));
    }
    let events = lane.agent_events();
    if !events.contains("error_during_execution") {
        return Err(format!("without a last result: {events}"));
    }
    Ok("exit 130, it has given its last result".to_owned())
}

/// The second one ends it at once; two that come too close together are one, so there are more.
fn impatient(lane: &Lane) -> Result<String, String> {
    let mut running = lane.started(STUBBORN);
    while running.child.try_wait().unwrap().is_none() {
        running.signal(Signal::INT);
        std::thread::yield_now();
    }
    let (code, said) = running.finish();
    if code != Some(130) || said.contains("cancelled") {
        return Err(format!("exit {code:?}: {said}"));
    }
    lane.nobody_left()?;
    let next = lane.once("well-behaved");
    if next.code != Some(0) {
        return Err(format!("the next start: {:?} {}", next.code, next.err));
    }
    lane.untouched()?;
    Ok("exit 130, nobody is left".to_owned())
}

fn stopped(lane: &Lane) -> Result<String, String> {
    let running = lane.started(STUBBORN);
    lane.station.run(&["stop", "--now"]);
    let (code, said) = running.finish();
    if code != Some(0) {
        return Err(format!("exit {code:?}: {said}"));
    }
    lane.nobody_left()?;
    lane.untouched()?;
    Ok("exit 0, nobody is left".to_owned())
}

/// The second run has the lock only when nobody of the first is left.
fn taken_over(lane: &Lane) -> Result<String, String> {
    let first = lane.started(STUBBORN);
    let there = lane.left();
    lane.agent("well-behaved");
    let second = lane.station.run(&["run", "--once"]);
    let (code, _) = first.finish();
    if second.code != Some(0) || code == Some(0) {
        return Err(format!("{:?}, {code:?}: {}", second.code, second.err));
    }
    lane.nobody_left()?;
    Ok(format!("{} processes ended, then taken over", there.len()))
}

/// Whoever it started dies with it, and the next start goes on.
fn killed(lane: &Lane) -> Result<String, String> {
    lane.started(STUBBORN).kill();
    let took = lane.gone_soon()?;
    let next = lane.once("well-behaved");
    if next.code != Some(0) {
        return Err(format!("the next start: {:?} {}", next.code, next.err));
    }
    lane.untouched()?;
    Ok(format!(
        "nobody is left after {} ms, the next start works",
        took.as_millis()
    ))
}
