//! Whether the boundary holds: attacks on it, what they are tried on, and who judges.
//!
//! An attack is tried by secloop itself, started inside (`secloop attack NAME …`); what it says
//! counts only for what has no trace outside. All else is judged [from outside](Arena): whether a
//! file, a process or a listener there noticed. Without a confinement each attack has to succeed, so
//! that a broken one can't pass.

mod arena;
mod bounds;
mod files;
mod kernel;
mod network;
mod processes;
mod works;
mod workspace;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub use arena::Arena;

/// The first argument, by which an attack is known.
pub const WORD: &str = "attack";

/// Who gets through where nothing is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// Anybody.
    Anyone,
    /// Root alone; permissions stop others.
    Root,
    /// Whether anybody does depends on the kernel's settings.
    Depends,
}

/// How it is known that an attack has succeeded.
#[derive(Clone, Copy)]
pub enum Seen {
    /// By what was noticed outside.
    Outside(fn(&Arena) -> bool),
    /// By the arena's secret among what it says.
    Secret,
    /// By its own word that it could: there is no trace outside.
    Said,
    /// By whether somebody is left of it, when it has ended or its wrapper was killed.
    Survivor,
}

/// One attack, or what has to work in spite of all.
pub struct Probe {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// How it is judged.
    pub seen: Seen,
    /// Who gets through where nothing is confined.
    pub open: Open,
    run: fn(&Ground) -> io::Result<String>,
}

impl Probe {
    const fn new(
        name: &'static str,
        what: &'static str,
        seen: Seen,
        open: Open,
        run: fn(&Ground) -> io::Result<String>,
    ) -> Self {
        Self {
            name,
            what,
            seen,
            open,
            run,
        }
    }

    /// The arguments that make secloop try it.
    pub fn arguments(&self, arena: &Arena) -> Vec<OsString> {
        let Ground {
            dir,
            tcp,
            udp,
            victim,
        } = arena.ground();
        vec![
            WORD.into(),
            self.name.into(),
            dir.into(),
            format!("{tcp},{udp},{victim}").into(),
        ]
    }

    /// Whether it got through, given what it said.
    pub fn succeeded(&self, arena: &Arena, said: &str) -> bool {
        match self.seen {
            Seen::Outside(noticed) => noticed(arena),
            Seen::Secret => said.contains(arena.secret()),
            Seen::Said => said.starts_with(DID),
            Seen::Survivor => arena.survivor().is_some(),
        }
    }
}

/// What somebody is called who was left behind; then follows the arena's word.
const LINGER: &str = "linger";

/// Begins what is said where it could.
pub const DID: &str = "did";

/// All attacks.
pub fn attacks() -> impl Iterator<Item = &'static Probe> {
    [
        files::ALL,
        workspace::ALL,
        processes::ALL,
        network::ALL,
        kernel::ALL,
        bounds::ALL,
    ]
    .into_iter()
    .flatten()
}

/// What has to work.
pub fn works() -> impl Iterator<Item = &'static Probe> {
    works::ALL.iter()
}

/// What an attack knows of the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The arena's directory; its path is the same inside.
    dir: PathBuf,
    /// Ports of listeners outside.
    tcp: u16,
    udp: u16,
    /// A process outside.
    victim: i32,
}

impl Ground {
    fn parse(dir: &OsString, numbers: &OsString) -> Option<Self> {
        let mut numbers = numbers.to_str()?.split(',');
        Some(Self {
            dir: dir.into(),
            tcp: numbers.next()?.parse().ok()?,
            udp: numbers.next()?.parse().ok()?,
            victim: numbers.next()?.parse().ok()?,
        })
    }

    /// The user's own tree, or the copy of it.
    fn ws(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join("parent/ws").join(name)
    }

    fn outside(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join("outside").join(name)
    }

    fn home(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join("home").join(name)
    }
}

/// Tries an attack where the process was started as one; gives the exit code. None: it was started
/// as something else.
pub fn stage(arguments: &[OsString]) -> Option<u8> {
    match arguments {
        [_, word, rest @ ..] if word == WORD => Some(attack(rest)),
        _ => None,
    }
}

/// Given the arguments after [`WORD`]. What is said goes to standard output.
fn attack(args: &[OsString]) -> u8 {
    let [name, dir, numbers] = args else {
        if args.first().is_some_and(|first| first == LINGER) {
            crate::process::attack_process::wait();
        }
        return 2;
    };
    let Some(ground) = Ground::parse(dir, numbers) else {
        return 2;
    };
    let Some(probe) = attacks().chain(works()).find(|p| name == p.name) else {
        return 2;
    };
    let says = match (probe.run)(&ground) {
        Ok(says) if says.is_empty() => DID.to_owned(),
        Ok(says) => format!("{DID}: {says}"),
        Err(why) => format!("not: {why}"),
    };
    let _ = io::Write::write_all(&mut io::stdout(), format!("{says}\n").as_bytes());
    0
}
