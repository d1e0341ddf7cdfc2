//! Every attack on the boundary, without a confinement and within it, as an ordinary user and as
//! root. What is reported is judged outside. With `--nocapture` it ends with the whole table.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use secloop::boundary::{self, Arena, Open, Probe, Seen};
use secloop::process::effective_uid;

/// An unprivileged account.
const NOBODY: u32 = 65534;

/// How an attack is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Without a confinement, as somebody.
    Bare { root: bool },
    /// As `secloop sandbox` runs it.
    Native { root: bool },
}

impl Way {
    fn is_root(self) -> bool {
        let (Self::Bare { root } | Self::Native { root }) = self;
        root
    }

    /// Which of the ways there are for who runs the tests.
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Bare { root: false }, Self::Native { root: false }];
        if effective_uid() == 0 {
            all.extend([Self::Bare { root: true }, Self::Native { root: true }]);
        }
        all
    }
}

/// Where everybody can go, with a copy of the program.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .unwrap();
        let place = Self { dir };
        std::fs::copy(env!("CARGO_BIN_EXE_secloop"), place.program()).unwrap();
        for name in ["home", "arenas"] {
            let path = place.dir.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        place
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("secloop")
    }

    fn arena(&self, way: Way) -> Arena {
        // It is the user's own: only a confinement is to keep the user from it.
        let owner = (!way.is_root() && effective_uid() == 0).then_some((NOBODY, NOBODY));
        Arena::new(&self.dir.path().join("arenas"), owner).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "as somebody else starts it")]
    fn command(&self, way: Way, probe: &Probe, arena: &Arena) -> Command {
        let mut command = if way.is_root() || effective_uid() != 0 {
            Command::new("/usr/bin/env")
        } else {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid",
                &NOBODY.to_string(),
                "--regid",
                &NOBODY.to_string(),
                "--clear-groups",
                "--",
                "/usr/bin/env",
            ]);
            command
        };
        match way {
            Way::Bare { .. } => {
                command.arg(self.program());
            }
            Way::Native { .. } => {
                command
                    .arg(self.program())
                    .args(["sandbox", "--level", "native", "--"])
                    .arg("/run/secloop");
            }
        }
        command
            .args(probe.arguments(arena))
            .current_dir(arena.tree())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path().join("home"))
            .env("SECRET", arena.secret())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Whether the attack got through, and what was said.
    fn run(&self, way: Way, probe: &Probe) -> (bool, String) {
        let arena = self.arena(way);
        // Open in every child, as a careless supervisor's would be.
        let held = rustix::io::dup(arena.held().unwrap()).unwrap();
        let mut child = self.command(way, probe, &arena).spawn().unwrap();
        drop(held);
        let said = match probe.name {
            "survive_kill" => killed(&mut child),
            _ => String::new(),
        };
        let mut all = said;
        child
            .stdout
            .take()
            .map(|mut out| out.read_to_string(&mut all));
        let mut errors = String::new();
        child
            .stderr
            .take()
            .map(|mut err| err.read_to_string(&mut errors));
        let code = child.wait().unwrap();
        let through = probe.succeeded(&arena, &all);
        let all = format!("{} {} {code}", all.trim(), errors.trim())
            .trim()
            .to_owned();
        (through, all.replace('\n', " "))
    }
}

/// Kills the wrapper once the attack is under way.
fn killed(child: &mut Child) -> String {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    out.read_line(&mut said).unwrap();
    assert_eq!(said, "up\n");
    child.kill().unwrap();
    said
}

/// Whether the attack was tried: it says so itself, or was ended by the signal (25) for who writes
/// more than a file may hold.
fn tried(said: &str) -> bool {
    ["not: ", "did", "up "]
        .iter()
        .any(|word| said.starts_with(word))
        || said == "exit status: 153"
}

fn word(through: Option<&(bool, String)>) -> &'static str {
    match through {
        Some((true, _)) => "through",
        Some((false, _)) => "·",
        None => "-",
    }
}

#[test]
fn every_attack_is_stopped_that_gets_through_without_a_boundary() {
    let place = Place::new();
    let ways = Way::all();
    if ways.len() == 2 {
        eprintln!("as root too: not run, this is no root");
    }
    let mut wrong = Vec::new();
    let mut table = String::new();
    let mut stopped: BTreeMap<Way, usize> = BTreeMap::new();
    for probe in boundary::attacks() {
        let results: BTreeMap<Way, (bool, String)> = ways
            .iter()
            .map(|way| (*way, place.run(*way, probe)))
            .collect();
        let mut line = format!("{:<20}", probe.name);
        for way in &ways {
            line.push_str(&format!(" {:<10}", word(results.get(way))));
        }
        table.push_str(&format!("{line} {}\n", probe.what));
        for (way, (through, said)) in &results {
            let fine = match way {
                Way::Native { .. } => !through && tried(said),
                Way::Bare { root } => match probe.open {
                    Open::Anyone => *through,
                    Open::Root => *through || !root,
                    Open::Depends => true,
                },
            };
            if !fine {
                wrong.push(format!("{} {way:?}: {through}, {said}", probe.name));
            }
            if !through {
                *stopped.entry(*way).or_default() += 1;
            }
        }
    }
    eprintln!(
        "{:<20} bare       native     bare root  native root",
        "attack"
    );
    eprintln!(
        "{table}stopped of {}: {stopped:?}",
        boundary::attacks().count()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_has_to_work_works() {
    let place = Place::new();
    for probe in boundary::works() {
        for way in Way::all() {
            let (works, said) = place.run(way, probe);
            assert!(works, "{} {way:?}: {said}", probe.name);
            assert!(matches!(probe.seen, Seen::Said), "{}", probe.name);
        }
    }
}
