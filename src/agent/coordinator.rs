//! The model as the decider about an active run: one short call, bounded in money and time. Where
//! it fails, the table decides.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::claude::Claude;
use crate::config::{AgentKind, Config, Decider, Env};
use crate::gate::{Decision, GateInput, MIN_ALLOWANCE, MicroUsd, decide as gate};
use crate::ledger::Ledger;
use crate::lock::coordinate::{Choice, Look, facts_text, parse_choice};
use crate::sandbox::Sandbox;
use crate::spend::{Limits, Meter};
use crate::stages::spend_on;
use crate::turn::TurnId;
use crate::world::make_private;

/// What one decision may cost.
const COST: MicroUsd = MicroUsd(50_000);
/// How long one decision may take.
const DEADLINE: Duration = Duration::from_mins(1);
const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["choice"],
"properties":{"choice":{"enum":["kill","wait","skip"]},"reason":{"type":"string"}}}"#;

/// Asks the model, where the configuration says so. `None`: the table decides.
pub async fn decide(
    config: &Config,
    env: &Env,
    path: &std::ffi::OsStr,
    clock: &crate::clock::Clock,
    look: &Look,
) -> Option<Choice> {
    if config.coordinate.decider != Decider::Agent || config.agent.kind != AgentKind::Claude {
        return None;
    }
    let sandbox = Sandbox::detect(config.sandbox.level, path).await.ok()?;
    let claude = Claude::new(&config.agent, &config.sandbox, &config.egress, sandbox, env).ok()?;
    ask(&claude, config, clock, look).await
}

/// Asks an agent that is already there.
pub async fn ask(
    claude: &Claude,
    config: &Config,
    clock: &crate::clock::Clock,
    look: &Look,
) -> Option<Choice> {
    // Between turns there is nothing to decide that costs money.
    let turn = look.facts.holder.as_ref()?.turn?;
    let ledger = Ledger::open(&config.state_dir).await.ok()?;
    let answer = paid(claude, config, clock, look, &ledger, turn).await;
    ledger.close().await;
    answer
}

/// The call with its money reserved before and settled after, whatever comes of it.
async fn paid(
    claude: &Claude,
    config: &Config,
    clock: &crate::clock::Clock,
    look: &Look,
    ledger: &Ledger,
    turn: TurnId,
) -> Option<Choice> {
    let dir = config
        .state_dir
        .join("runs")
        .join(format!("coordinate-{}", uuid::Uuid::now_v7()));
    make_private(&dir).ok()?;
    let prompt = prompt(&config.agent.prompts, look)?;
    let amount = affordable(config, clock, ledger).await?;
    let session = uuid::Uuid::new_v4().to_string();
    let run = ledger
        .reserve(turn, &session, amount, clock.now())
        .await
        .ok()?;
    let limits = Limits {
        allowance: amount,
        unanswered: config.spend.unanswered,
    };
    let meter = Meter::new(clock.clone(), limits, CancellationToken::new());
    // Another secloop's ledger is as good as the own one for what this call asks for.
    let claude = claude
        .clone()
        .recorded(ledger.clone(), clock.clone(), dir.clone());
    let call = claude.ask(&prompt, SCHEMA, &dir, &session, &meter);
    let answer = tokio::time::timeout(DEADLINE, call).await;
    // What an answer that never came has cost is not known.
    let cost = match &answer {
        Ok(Ok((_, cost))) => *cost,
        _ => amount,
    };
    ledger.settle(&run, cost, clock.now()).await.ok()?;
    let (value, _) = answer.ok()?.ok()?;
    parse_choice(&value)
}

/// Money for the call, by the same gate as for an iteration.
async fn affordable(
    config: &Config,
    clock: &crate::clock::Clock,
    ledger: &Ledger,
) -> Option<MicroUsd> {
    let (told, _) = tokio::sync::watch::channel(crate::spend::Progress::default());
    let spend = spend_on(ledger, clock, config, told).await.ok()?;
    let input = GateInput {
        cap: config.spend.daily_cap,
        per_iteration: COST,
        minimum: MIN_ALLOWANCE,
        spend: spend.figures(),
        reserved: ledger.reserved().await.ok()?,
    };
    match gate(&input) {
        Decision::Open(allowance) => Some(allowance.amount()),
        Decision::Closed(_) => None,
    }
}

fn prompt(overrides: &Path, look: &Look) -> Option<String> {
    let own = (!overrides.as_os_str().is_empty())
        .then(|| std::fs::read_to_string(overrides.join("coordinate.md")).ok())
        .flatten();
    let template = own
        .as_deref()
        .unwrap_or(include_str!("../../prompts/coordinate.md"));
    let facts = format!(
        "{}waited already: {}\nskipped a cycle for this turn already: {}\n",
        facts_text(&look.facts),
        look.waited,
        look.skipped
    );
    template
        .contains("{{facts}}")
        .then(|| template.replace("{{facts}}", &facts))
}
