//! `secloop doctor --boundary`: the boundary's table put to this machine, at the level configured.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Surroundings, print, print_json};
use crate::config::{Config, Level, Overrides, load};
use crate::error::{Exit, Fatal};
use crate::process::{self, Finished, Spec, account_home};
use crate::sandbox::boundary::{
    Act, EXPECTED, Expectation, GREETING, Ground, MARK, On, Opened, Report, Task, WORD, Wanted,
    attempt, hold, stay,
};
use crate::sandbox::container::{self, Container, Work};
use crate::sandbox::{Network, Policy, Sandbox};

/// How long all attempts together may take.
const DEADLINE: Duration = Duration::from_mins(5);
/// The port inside that leads to the proxy.
const PORT: u16 = 47_111;
/// How a Mac shows what was denied, and to whom.
const LOG: &str = "log stream --style compact --predicate 'sender == \"Sandbox\" AND eventMessage \
                   CONTAINS \"deny\"'";

/// What came of a row outside and inside.
type Seen = BTreeMap<&'static str, (Option<bool>, String)>;

/// Tries everything; exit code 1 when something is not as it has to be.
pub(super) async fn boundary(
    around: &Surroundings,
    file: Option<PathBuf>,
    as_json: bool,
) -> Result<Exit, Fatal> {
    let flags = Overrides {
        config: file,
        ..Overrides::default()
    };
    let config = load(&around.env, &around.cwd, &flags)?;
    if config.sandbox.level == Level::None {
        let why = "sandbox.level is \"none\": there is no boundary; set it to \"native\"";
        return Err(Fatal::Sandbox(why.to_owned()));
    }
    let broken = |e: std::io::Error| Fatal::Sandbox(format!("laying out the ground: {e}"));
    let platform = if std::env::consts::OS == "macos" {
        On::Mac
    } else {
        On::Linux
    };
    let rows: Vec<&Expectation> = EXPECTED
        .iter()
        .filter(|row| [On::Both, platform].contains(&row.on))
        .collect();
    let home = account_home().unwrap_or_else(|| config.home.clone());
    let mut ground = Ground::new(&home, &rows).map_err(broken)?;
    let work = config.state_dir.join("work");
    crate::world::make_private(&work)?;
    let place = tempfile::Builder::new()
        .prefix("boundary-")
        .tempdir_in(&work)
        .map_err(broken)?;
    let place = Place::new(place.path(), &config).map_err(broken)?;

    // Somebody else's process, with something in its environment that is none of the agent's.
    let id = place.top.join("victim");
    let other = Spec::new(own()?, "/", DEADLINE * 2)
        .args([WORD, "--stay"])
        .args([&id])
        .env("SECRET", MARK);
    let end = CancellationToken::new();
    let victim = process::run(&other, &end, |_| ());
    let tried = async {
        ground.victim = pid_in(&id).await;
        let outside = control(&ground, &rows, &place).await;
        let inside = confined(&ground, &rows, &place, &config, around).await;
        end.cancel();
        (outside, inside)
    };
    let (_, (outside, inside)) = tokio::join!(victim, tried);
    let (level, inside) = inside.map_err(Fatal::Sandbox)?;
    let good = show(&rows, &outside, &inside, &level, as_json);
    Ok(if good { Exit::Done } else { Exit::Fatal })
}

/// The places that are opened, and the proxy's.
struct Place {
    top: PathBuf,
    work: PathBuf,
    run: PathBuf,
    socket: PathBuf,
    container: bool,
}

impl Place {
    fn new(dir: &Path, config: &Config) -> std::io::Result<Self> {
        let top = std::fs::canonicalize(dir)?;
        let place = Self {
            work: top.join("clone/repo"),
            run: top.join("run"),
            socket: top.join("proxy"),
            container: config.sandbox.level == Level::Container,
            top,
        };
        for dir in [&place.work, &place.run.join("tmp"), &place.run.join("home")] {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(place.work.join("file"), MARK)?;
        if place.container {
            std::fs::copy(crate::process::own_program()?, place.work.join("secloop"))?;
        }
        Ok(place)
    }

    fn opened(&self, inside: bool, proxy: u16) -> Opened {
        let contained = inside && self.container;
        let named = |inner: &str, own: PathBuf| if contained { inner.into() } else { own };
        Opened {
            work: self.work.clone(),
            work_inside: named(container::REPO, self.work.clone()),
            temp_inside: named("/work/run/tmp", self.run.join("tmp")),
            proxy,
        }
    }
}

fn own() -> Result<PathBuf, Fatal> {
    crate::process::own_program().map_err(Fatal::io("looking for the own program"))
}

/// The id that a process writes into a file when it is up.
async fn pid_in(file: &Path) -> u32 {
    for _ in 0..500 {
        if let Some(id) = std::fs::read_to_string(file)
            .ok()
            .and_then(|t| t.parse().ok())
        {
            return id;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    0
}

/// Greets whoever comes to the proxy's place: by a socket, on a Mac by a port.
fn greet(place: &Place) -> std::io::Result<u16> {
    fn each<S: std::io::Write>(streams: impl Iterator<Item = std::io::Result<S>>) {
        for mut stream in streams.flatten() {
            let _ = stream.write_all(GREETING);
        }
    }
    if std::env::consts::OS == "macos" {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        std::thread::spawn(move || each(listener.incoming()));
        return Ok(port);
    }
    let listener = UnixListener::bind(&place.socket)?;
    std::fs::set_permissions(&place.socket, std::fs::Permissions::from_mode(0o666))?;
    std::thread::spawn(move || each(listener.incoming()));
    Ok(PORT)
}

/// The attempts without a boundary: one that fails there, too, proves nothing.
async fn control(ground: &Ground, rows: &[&Expectation], place: &Place) -> Seen {
    let opened = place.opened(false, 9);
    // Not what would change the machine.
    let harmless = |task: &Task| !task.place.starts_with("mount ");
    let tasks: Vec<Task> = ground
        .tasks(rows, &opened)
        .into_iter()
        .filter(harmless)
        .collect();
    let Ok(own) = own() else { return Seen::new() };
    let spec = asked(&own, &tasks, place);
    let reports = match process::run(&spec, &CancellationToken::new(), |_| ()).await {
        Ok(done) => reports(&done).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    ground.judge(rows, &reports, &opened)
}

/// The attempts inside, and the level in words.
async fn confined(
    ground: &Ground,
    rows: &[&Expectation],
    place: &Place,
    config: &Config,
    around: &Surroundings,
) -> Result<(String, Seen), String> {
    let port = greet(place).map_err(|e| format!("the place of the proxy: {e}"))?;
    let network = Network::Proxy {
        socket: place.socket.clone(),
        port,
    };
    let opened = place.opened(true, port);
    let mut tasks = ground.tasks(rows, &opened);
    let never = CancellationToken::new();
    let (level, done) = if place.container {
        if std::env::consts::OS != "linux" {
            return Err(
                "this program is none for Linux, which containers run: try the level from \
                        a Linux machine"
                    .to_owned(),
            );
        }
        // Its end is the container's end.
        tasks.retain(|task| task.act != Act::Remain);
        let path = around.path();
        let found = Container::find(&config.sandbox, &config.state_dir, &around.env, &path).await?;
        let spec = asked(&Path::new(container::REPO).join("secloop"), &tasks, place);
        let work = Work {
            repo: &place.work,
            run: &place.run,
            network: &network,
        };
        let taken = found.run(spec, work, &never, |_| ()).await?;
        (format!("container ({})", found.describe()), taken.done)
    } else {
        let own = crate::process::own_program()
            .and_then(std::fs::canonicalize)
            .map_err(|e| e.to_string())?;
        let sandbox = Sandbox::detect(config.sandbox.level, &around.path()).await?;
        let policy = Policy {
            network,
            read: vec![own.clone()],
            write: vec![place.work.clone()],
            scratch: vec![place.run.join("home"), place.run.join("tmp")],
            user: super::sandbox::user(&config.sandbox).map_err(|e| e.to_string())?,
            ..config.sandbox.policy()
        };
        let spec = sandbox.wrap(asked(&own, &tasks, place), &policy);
        let done = process::run(&spec, &never, |_| ())
            .await
            .map_err(|e| e.to_string())?;
        (sandbox.describe().to_owned(), done)
    };
    let reports = reports(&done)?;
    Ok((level, ground.judge(rows, &reports, &opened)))
}

/// The command that makes the attempts.
fn asked(program: &Path, tasks: &[Task], place: &Place) -> Spec {
    let mut spec = Spec::new(program, &place.work, DEADLINE)
        .args([WORD])
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", place.run.join("home"))
        .env("TMPDIR", place.run.join("tmp"));
    spec.stdin = serde_json::to_vec(tasks).unwrap_or_default();
    spec
}

fn reports(done: &Finished) -> Result<Vec<Report>, String> {
    serde_json::from_slice(&done.stdout).map_err(|_| {
        let why = crate::text::one_line(&done.err(), 200);
        format!("the attempts were not made ({:?}): {why}", done.ended)
    })
}

/// Whether all is as it has to be.
fn show(rows: &[&Expectation], outside: &Seen, inside: &Seen, level: &str, as_json: bool) -> bool {
    let mut good = true;
    let (mut list, mut text) = (Vec::new(), String::new());
    let (mut stopped, mut untried) = (0, 0);
    for row in rows {
        let nothing = (None, String::new());
        let (did, says) = inside.get(row.name).unwrap_or(&nothing);
        let escapes = outside.get(row.name).and_then(|(did, _)| *did);
        let wanted = row.wanted == Wanted::Works;
        let right = did.is_none_or(|did| did == wanted);
        good &= right;
        let word = match (row.wanted, did) {
            (_, None) => {
                untried += 1;
                "not tried"
            }
            (Wanted::Stopped, Some(true)) => "ESCAPED",
            (Wanted::Stopped, Some(false)) => {
                stopped += 1;
                "stopped"
            }
            (Wanted::Works, Some(true)) => "works",
            (Wanted::Works, Some(false)) => "BROKEN",
        };
        let note = match (row.wanted, did, escapes) {
            (Wanted::Stopped, Some(false), Some(true)) => "",
            (Wanted::Stopped, Some(false), _) => "not proven: it fails without a boundary, too",
            _ => "",
        };
        let says = crate::text::one_line(says, 80);
        list.push(json!({
            "name": row.name,
            "wanted": if wanted { "works" } else { "stopped" },
            "inside": word,
            "without": escapes,
            "right": right,
            "says": says,
        }));
        text.push_str(&format!(
            "{word:<10} {:<22} {note}{}\n",
            row.name,
            if note.is_empty() { &says } else { "" }
        ));
    }
    if as_json {
        print_json(&json!({ "version": 1, "ok": good, "level": level, "probes": list }));
        return good;
    }
    print(&text);
    let all = if good {
        "everything is as it has to be"
    } else {
        "NOT everything is as it has to be"
    };
    print(&format!(
        "\n{level}: {all}; {stopped} attempts stopped, {untried} not tried\n"
    ));
    if std::env::consts::OS == "macos" {
        print(&format!(
            "what is denied, and to whom, while it runs:\n  {LOG}\n"
        ));
    }
    good
}

/// Makes the attempts that standard input names, or is somebody for them.
pub(super) async fn probe(stays: Option<PathBuf>, holds: Option<PathBuf>) -> Result<Exit, Fatal> {
    let failed = Fatal::io("an attempt at the boundary");
    match (stays, holds) {
        (Some(file), _) => stay(&file).map_err(failed)?,
        (_, Some(file)) => hold(&file).map_err(failed)?,
        _ => {
            let mut text = Vec::new();
            std::io::stdin()
                .take(1 << 20)
                .read_to_end(&mut text)
                .map_err(failed)?;
            let tasks: Vec<Task> = serde_json::from_slice(&text)
                .map_err(|e| Fatal::Sandbox(format!("attempts: {e}")))?;
            let all = attempt(tasks).await;
            print(&serde_json::to_string(&all).unwrap_or_default());
        }
    }
    let _ = std::io::stdout().flush();
    Ok(Exit::Done)
}
