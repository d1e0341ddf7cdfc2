//! An agent in a container: podman, docker, or Apple's `container`, whichever is there.
//!
//! Nothing of the host is inside but the proxy's socket. The working copy is in a volume that is made
//! for one run: it is handed in as an archive, and what the agent made of it comes out as one, which
//! is unpacked as hostile (`unpack.rs`). The engine's client is only a client: a container does not
//! end with it, so each is written down before it starts (`record.rs`) and removed by its name.

mod arguments;
mod engine;
mod image;
mod record;
mod run;
mod unpack;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use arguments::{Arguments, Common, Name};
pub use engine::{Engine, Kind};
pub use image::{IMAGE, copy_guard, write_image};
pub use record::sweep;
pub use run::{Taken, Work};
pub use unpack::unpack;

use crate::config::{Env, SandboxConfig};
use crate::process::{self, Spec};
use crate::text::one_line;

/// Where the working copy is inside.
pub const REPO: &str = "/work/repo";
/// Where the agent's own files are inside.
pub const RUN: &str = "/work/run";

/// How long a question to the engine may take.
const ASK: Duration = Duration::from_mins(1);

/// Containers of one image in one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    engine: Engine,
    image: String,
    /// secloop's own files about containers: records, and the filter of system calls.
    dir: PathBuf,
}

impl Container {
    /// Finds the engine and the image.
    ///
    /// # Errors
    /// What is missing, with the cure.
    pub async fn find(
        config: &SandboxConfig,
        state_dir: &Path,
        env: &Env,
        path: &OsStr,
    ) -> Result<Self, String> {
        let engine = Engine::find(&config.engine, env, path)?;
        let dir = state_dir.join("containers");
        crate::world::make_private(&dir).map_err(|e| e.to_string())?;
        image::write_filter(&dir)?;
        let found = Self {
            engine,
            image: config.image.clone(),
            dir,
        };
        found.look_for_image().await.map(|()| found)
    }

    /// In words.
    pub fn describe(&self) -> String {
        format!("{} in {}", self.image, self.engine.program.display())
    }

    async fn look_for_image(&self) -> Result<(), String> {
        let done = self.ask(Arguments::image_is_there(&self.image)).await?;
        if done.ok() {
            return Ok(());
        }
        let engine = self.engine.kind.word();
        Err(format!(
            "{engine} has no image {} ({}): `secloop image DIR`, then `{engine} build --tag {} \
             DIR`; or set sandbox.image",
            self.image,
            one_line(&done.err(), 200),
            self.image
        ))
    }

    async fn ask(&self, args: Arguments) -> Result<process::Finished, String> {
        let spec = self.spec(args, ASK);
        process::run(&spec, &CancellationToken::new(), |_| ())
            .await
            .map_err(|e| format!("{} can't be started: {e}", self.engine.program.display()))
    }

    /// A call of the engine's client, with its own surroundings.
    fn spec(&self, args: Arguments, deadline: Duration) -> Spec {
        Spec::new(&self.engine.program, "/", deadline)
            .args(args.words)
            .envs(&self.engine.env)
    }
}
