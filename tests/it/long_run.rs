//! Ten thousand turns with a clock of their own: nothing adds up but what has to be remembered.
//!
//! The program's own parts do the work in a process of its own, so that its memory, open files and
//! children are nobody else's: ledger, lock, records, pages and outbox for every turn, and the whole
//! loop with the embedded agent for some.

use std::time::Instant;

use chrono::{TimeDelta, Utc};
use secloop::clock::Clock;
use secloop::gate::MicroUsd;
use secloop::ledger::WHOLE_TURNS;
use secloop::lock::Holder;
use secloop::records;
use secloop::report::console::Console;
use secloop::signals::Signals;
use secloop::supervise::supervise;
use secloop::turn::{
    AgentOutcome, Colour, Expect, Finding, Gate, GateRecord, Probe, ProbeRecord, ProbeRun, Receipt,
    Severity, Stage, Turn, TurnOutcome, Verdict,
};
use secloop::world::{World, make_private};

use crate::support::discord::Discord;
use crate::support::inside::{Held, start, told, world};
use crate::support::station::Station;

const INNER: &str = "long_run::in_a_process_of_its_own";
/// Turns that are recorded: ten thousand need an optimised build (`cargo test --release`).
const RECORDED: i64 = if cfg!(debug_assertions) {
    1_200
} else {
    10_000
};
/// Turns of the whole loop.
const LOOPED: u32 = if cfg!(debug_assertions) { 10 } else { 200 };
/// From here on nothing may grow any more but the rows of turns.
const SETTLED: i64 = 1_100;
/// Looked at after so many.
const EACH: i64 = 100;

#[test]
fn ten_thousand_turns_leave_memory_files_and_processes_as_they_were() {
    let discord = Discord::start([]);
    let station = Station::idle("1s", LOOPED, &discord);
    for line in told(&mut station.inside(INNER), "long run:") {
        println!("{line}");
    }
    let posts = discord.messages();
    let last = posts.iter().rev().take(LOOPED as usize + 5);
    assert_eq!(
        posts.len(),
        usize::try_from(RECORDED).unwrap() + LOOPED as usize,
        "{:#?}",
        last.collect::<Vec<_>>()
    );
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn in_a_process_of_its_own() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut world, signals) = world(Console::to(Box::new(std::io::sink()), false)).await;
        world.clock = Clock::manual(start(), chrono_tz::Tz::UTC);
        record_many(&world).await;
        Box::pin(loop_some(&world, &signals)).await;
    });
}

async fn record_many(world: &World) {
    let mut settled = None;
    let mut since = Instant::now();
    for number in 1..=RECORDED {
        world.clock.advance(TimeDelta::minutes(30));
        record_one(world).await;
        if number % EACH == 0 {
            let each = since.elapsed().as_millis() / u128::from(EACH.unsigned_abs());
            since = Instant::now();
            let held = Held::now(world).await;
            eprintln!("long run: {number} turns, {each} ms each, {held:?}");
            if number == SETTLED {
                settled = Some(held);
            }
        }
    }
    let (settled, now) = (settled.unwrap(), Held::now(world).await);
    assert_eq!(now.children, 0);
    assert!(now.descriptors <= settled.descriptors, "{now:?}");
    assert!(
        now.memory < settled.memory + 8 * 1024,
        "{settled:?} {now:?}"
    );
    // The events are those of the turns that are kept wholly.
    assert!(now.events <= settled.events, "{settled:?} {now:?}");
    // One page for each hundred turns is all that is new.
    let pages = usize::try_from((RECORDED - SETTLED) / 100).unwrap();
    assert!(now.files <= settled.files + pages, "{settled:?} {now:?}");
    // A turn's row with its finding and probes, without what programs said.
    let each = (now.ledger - settled.ledger) * 1024 / u64::try_from(RECORDED - SETTLED).unwrap();
    assert!(each < 3_000, "{each} bytes a turn");

    // What has to be remembered is there: every turn, every committed probe, the newest wholly.
    let turns = world.ledger.turns(u32::MAX).await.unwrap();
    assert_eq!(turns.len(), usize::try_from(RECORDED).unwrap());
    let committed = turns.iter().filter(|t| t.outcome.word() == "committed");
    let probes = world.committed_probes().await.unwrap();
    assert_eq!(probes.len(), committed.count());
    let whole = |turn: &&Turn| !turn.receipt.diff.is_empty();
    let whole = turns.iter().filter(whole).count();
    assert_eq!(whole, usize::try_from(WHOLE_TURNS).unwrap());
    let wiki = std::fs::read_to_string(&world.config.wiki.path).unwrap();
    let shown = wiki.matches("<a id=\"turn-").count();
    assert_eq!(shown, probes.len());
    let dir = world.config.state_dir.join("wiki");
    let every: usize = std::fs::read_dir(dir)
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with("every-turn"))
        .map(|e| std::fs::read_to_string(e.path()).unwrap())
        .map(|page| page.matches("<a id=\"turn-").count())
        .sum();
    assert_eq!(every, turns.len());
}

/// As a turn does it, in its order, but without an agent and Ansible.
async fn record_one(world: &World) {
    let ledger = &world.ledger;
    let now = world.clock.now();
    let open = ledger.begin_turn(now).await.unwrap();
    world.sign(|holder| holder.begin_turn(open.id, now));
    let facts = serde_json::json!({ "total_micro_usd": 1, "complete": true });
    world
        .event(open.id, Stage::Gate, "open", &facts)
        .await
        .unwrap();
    let session = uuid::Uuid::now_v7().to_string();
    let run = ledger
        .reserve(open.id, &session, MicroUsd(5_000_000), now)
        .await
        .unwrap();
    let dir = world
        .config
        .state_dir
        .join("runs")
        .join(open.id.to_string());
    make_private(&dir.join("tmp")).unwrap();
    std::fs::write(dir.join("settings.json"), "{}").unwrap();
    for _ in 0..3 {
        world.beat("a line of the agent's");
    }
    ledger.settle(&run, MicroUsd(1), now).await.unwrap();
    let turn = turn(&open, now);
    world
        .event(open.id, Stage::Iterate, "finished", &turn)
        .await
        .unwrap();
    records::record(world, &turn, None).await.unwrap();
    world.sign(Holder::end_turn);
}

fn turn(open: &secloop::ledger::OpenTurn, now: chrono::DateTime<Utc>) -> Turn {
    let n = open.number;
    let outcome = match n % 50 {
        0 => TurnOutcome::Committed(format!("{n:040x}")),
        1..10 => TurnOutcome::Rejected(format!("policy: {n} is not known")),
        10..15 => TurnOutcome::Failed("agent offline".to_owned()),
        15 => TurnOutcome::Held("waits for a person".to_owned()),
        _ => TurnOutcome::Idle("nothing material".to_owned()),
    };
    let probe = Probe {
        name: "the mode of a file".to_owned(),
        // Green wherever this runs, so that the looped turns see no drift.
        run: ProbeRun::Script(format!("stat -c %a / # of /etc/file-{n}")),
        expect: Expect {
            exit: 0,
            stdout: None,
        },
        red: None,
    };
    let mut gates: Vec<GateRecord> = [Gate::Scope, Gate::Policy, Gate::Secrets, Gate::DryRun]
        .map(|gate| GateRecord::new(gate, Verdict::Passed))
        .into();
    for gate in &mut gates {
        gate.notes = vec!["not covered: a command that a dry run does not run".repeat(10)];
    }
    Turn {
        id: open.id,
        number: n,
        started: open.started,
        finished: now,
        outcome,
        agent: Some(AgentOutcome::Done),
        cost: MicroUsd(1),
        finding: Some(Finding {
            title: format!("Finding {n}"),
            detail: "Why it matters.".repeat(10),
            severity: Severity::P1,
            target: format!("/etc/file-{n}"),
            control: "mode".to_owned(),
        }),
        change: "The file has mode 0600.".to_owned(),
        question: None,
        receipt: Receipt {
            diff: "+ mode: \"0600\"\n".repeat(500),
            gates,
            probes: vec![ProbeRecord {
                probe,
                before: Some(Colour::Red),
                after: Some(Colour::Green),
                rolled_back: None,
                output: "a line of output\n".repeat(50),
            }],
            ..Receipt::default()
        },
    }
}

async fn loop_some(world: &World, signals: &Signals) {
    let before = Held::now(world).await;
    let clock = world.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            clock.advance(TimeDelta::minutes(10));
        }
    });
    let ended = Box::pin(supervise(world, signals)).await.unwrap();
    ticking.abort();
    assert_eq!(ended.turns.len(), LOOPED as usize);
    assert!(ended.turns.iter().all(|t| t.outcome.word() == "idle"));
    let now = Held::now(world).await;
    eprintln!("long run: {LOOPED} turns of the whole loop, before {before:?}, after {now:?}");
    assert_eq!(now.children, 0);
    assert!(now.descriptors <= before.descriptors, "{before:?} {now:?}");
    assert!(now.memory < before.memory + 8 * 1024, "{before:?} {now:?}");
}
