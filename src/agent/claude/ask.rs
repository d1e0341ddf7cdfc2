//! One short question without tools.

use std::path::Path;
use std::time::Duration;

use super::command::Job;
use super::{Claude, outcome};
use crate::gate::MicroUsd;
use crate::spend::Meter;

/// How long it may take at most.
const DEADLINE: Duration = Duration::from_mins(2);

impl Claude {
    /// Asks for an answer that keeps to `schema`; `dir` is private. Gives the answer and its cost.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(
        &self,
        prompt: &str,
        schema: &str,
        dir: &Path,
        session: &str,
        meter: &Meter,
    ) -> Result<(serde_json::Value, MicroUsd), String> {
        let work = dir.join("work");
        crate::world::make_private(&work).map_err(|e| e.to_string())?;
        let job = Job {
            session,
            prompt: prompt.to_owned(),
            dir: &work,
            run_dir: dir,
            amount: meter.allowance(),
            max_turns: 3,
            deadline: DEADLINE.min(self.config.deadline),
            tools: "",
            schema: Some(schema),
            deployed: None,
            attacks: false,
        };
        let failed = |(class, why): outcome::Failure| format!("{}: {why}", class.word());
        let ran = self.run(&job, meter, &mut |_| ()).await.map_err(failed)?;
        let (cost, _) = ran.cost(meter.allowance());
        let result = outcome::ended_well(&ran.seen, ran.ended).map_err(failed)?;
        let answer = result
            .get("structured_output")
            .filter(|answer| !answer.is_null())
            .ok_or("it ended without an answer")?;
        Ok((answer.clone(), cost))
    }
}
