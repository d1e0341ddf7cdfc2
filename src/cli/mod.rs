//! The command line: what can be asked, and who answers.

mod args;
mod boundary;
mod decide;
mod doctor;
mod fresh;
mod guard;
mod init;
mod look;
mod pause;
mod place;
mod playbook;
mod probe;
mod receipt;
mod refused;
mod replay;
mod run;
mod sandbox;
mod stop;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser as _};

pub use args::{Args, Command, GuardCommand};
pub use guard::hook;

use crate::config::Env;
use crate::error::{Exit, Fatal};
use crate::sandbox::container;

/// The process's surroundings, read once: the rest of the program asks for nothing more.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Environment variables; those that are not UTF-8 are left out.
    pub env: Env,
    /// The working directory.
    pub cwd: std::path::PathBuf,
}

impl Surroundings {
    /// Reads them from the process.
    ///
    /// # Errors
    /// When there is no working directory.
    pub fn of_process() -> Result<Self, Fatal> {
        let env = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        let cwd = std::env::current_dir().map_err(Fatal::io("reading the working directory"))?;
        Ok(Self { env, cwd })
    }

    /// The value of `PATH`.
    pub fn path(&self) -> OsString {
        self.env.get("PATH").map(OsString::from).unwrap_or_default()
    }
}

/// Parses the arguments and does what they ask. Gives the exit code: of the program's own, or that
/// of a command that was run for somebody.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            let usage = error.use_stderr();
            let _ = error.print();
            let exit = if usage { Exit::Usage } else { Exit::Done };
            return exit.code();
        }
    };
    match dispatch(args) {
        Ok(code) => code,
        Err(fatal) => {
            say_error(&fatal);
            fatal.exit().code()
        }
    }
}

fn dispatch(args: Args) -> Result<u8, Fatal> {
    start_log(args.verbose);
    let around = Surroundings::of_process()?;
    if let Command::Completions { shell } = args.command {
        let mut command = Args::command();
        // By way of a buffer: the generator panics where a reader goes away early.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "secloop", &mut script);
        print(&String::from_utf8_lossy(&script));
        return Ok(Exit::Done.code());
    }
    if let Command::Guard { command } = args.command {
        let exit = match command {
            Some(command) => guard::guard(command),
            None => guard::hook(&["secloop".into(), "guard".into()]).unwrap_or(Exit::Refused),
        };
        return Ok(exit.code());
    }
    // One thread: a child's parent-death signal is tied to the thread that forked it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Fatal::io("starting the runtime"))?;
    let exit = runtime.block_on(async {
        let config = args.config;
        let exit = match args.command {
            Command::Sandbox { level, command } => {
                return Ok(sandbox::sandbox(&around, config, level, command).await);
            }
            Command::Run(run) => Box::pin(run::run(&around, run, config)).await,
            Command::Status { json, watch } => look::status(&around, config, json, watch).await,
            Command::History { json, limit } => look::history(&around, config, json, limit).await,
            Command::Show { id, json } => look::show(&around, config, &id, json).await,
            Command::Spend {
                json,
                date,
                by,
                early,
            } => look::spend(&around, config, json, date, by, early).await,
            Command::Probe { json, fresh, jobs } => {
                let how = probe::How { json, fresh, jobs };
                Box::pin(probe::probe(&around, config, how)).await
            }
            Command::Init {
                repo,
                force,
                stdout,
            } => init::init(&around, repo.as_deref(), force, stdout),
            Command::Doctor {
                json,
                boundary: true,
            } => boundary::boundary(&around, config, json).await,
            Command::Doctor { json, .. } => doctor::doctor(&around, config, json).await,
            Command::BoundaryProbe { stay, hold } => boundary::probe(stay, hold).await,
            Command::Stop { now } => stop::stop(&around, now),
            Command::Deadman { dir } => crate::deadman::watch(&dir).await,
            Command::Approve { id } => Box::pin(decide::approve(&around, config, &id)).await,
            Command::Deny { id } => decide::deny(&around, config, &id).await,
            Command::Rollback { id } => Box::pin(decide::rollback(&around, config, &id)).await,
            Command::Pause => pause::pause(&around),
            Command::Resume => pause::resume(&around),
            Command::Replay {
                against,
                json,
                fresh,
            } => replay::replay(&around, config, against, json, fresh).await,
            Command::HookRunner => Ok(if crate::prove::autonomy::serve().await {
                Exit::Done
            } else {
                Exit::Fatal
            }),
            Command::Guardian { state } => {
                let mut all = crate::process::stand_guard().await;
                if let Some(state) = state {
                    all &= container::sweep(&state).await;
                }
                Ok(if all { Exit::Done } else { Exit::Fatal })
            }
            Command::Image { dir } => image(&dir),
            Command::Guard { .. } | Command::Completions { .. } => Ok(Exit::Done),
        };
        exit.map(Exit::code)
    });
    // Never wait for a blocking read that nobody needs any more.
    runtime.shutdown_background();
    exit
}

/// Writes what the image is built from, and says how.
fn image(dir: &std::path::Path) -> Result<Exit, Fatal> {
    container::write_image(dir).map_err(Fatal::Config)?;
    container::copy_guard(dir).map_err(Fatal::Config)?;
    let (tag, dir) = (container::IMAGE, dir.display());
    print(&format!("podman build --tag {tag} {dir}\n"));
    Ok(Exit::Done)
}

/// Diagnostics go to stderr, as much as `-v` or `SECLOOP_LOG` asks for.
fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "off",
        1 => "secloop=info",
        2 => "secloop=debug",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("SECLOOP_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
}

fn say_error(fatal: &Fatal) {
    let text = crate::text::terminal_safe(&fatal.to_string());
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("secloop: error: {text}\n").as_bytes(),
    );
}

/// Writes data to stdout; a reader that has gone away is a normal end.
fn print(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}

/// Writes a document to stdout.
fn print_json(value: &serde_json::Value) {
    print(&format!("{value:#}\n"));
}
