//! Processes outside, and the kernel's window on them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::Open::{Anyone, Root};
use super::Seen::{Outside, Said, Secret, Survivor};
use super::files::{done, write};
use super::{Arena, Ground, Probe};
use crate::process::{Attempt, attack_process, attempt};

pub(super) const ALL: &[Probe] = &[
    Probe::new(
        "proc_root",
        "a file by way of a process's root",
        Outside(|a| a.has("outside/root")),
        Anyone,
        |g| {
            let root = proc(g, "root");
            write(&root.join(g.outside("root").strip_prefix("/").unwrap_or(&g.dir)))
        },
    ),
    Probe::new(
        "proc_cwd",
        "a file by way of its directory",
        Outside(|a| a.has("outside/cwd")),
        Anyone,
        |g| write(&proc(g, "cwd").join("cwd")),
    ),
    Probe::new(
        "proc_environ",
        "its environment, and everybody's",
        Secret,
        Anyone,
        |g| {
            let mut found = Vec::new();
            let _ = any(g, |pid| {
                let all = fs::read(format!("/proc/{pid}/environ"))?;
                found.push(String::from_utf8_lossy(&all).replace('\0', " "));
                Err(io::ErrorKind::Other.into())
            });
            Ok(found.join(" "))
        },
    ),
    Probe::new(
        "proc_self_mem",
        "the own memory as a file",
        Said,
        Anyone,
        |_| {
            let mut byte = [7_u8];
            let place = byte.as_mut_ptr() as u64;
            let mut memory = OpenOptions::new()
                .read(true)
                .write(true)
                .open("/proc/self/mem")?;
            memory.seek(SeekFrom::Start(place))?;
            done(memory.write_all(&[8]))
        },
    ),
    Probe::new(
        "proc_other_mem",
        "another's memory as a file",
        Said,
        Anyone,
        |g| {
            any(g, |pid| {
                let path = format!("/proc/{pid}/mem");
                OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(path)
                    .map(drop)
            })
        },
    ),
    Probe::new(
        "proc_sys",
        "who handles a crash, on the host",
        Said,
        Root,
        |_| {
            let path = "/proc/sys/kernel/core_pattern";
            let mut now = String::new();
            fs::File::open(path)?.read_to_string(&mut now)?;
            done(
                OpenOptions::new()
                    .write(true)
                    .open(path)?
                    .write_all(now.as_bytes()),
            )
        },
    ),
    Probe::new("ptrace", "to trace another", Said, Anyone, |g| {
        any(g, |pid| attempt(Attempt::Trace(pid)))
    }),
    Probe::new("vm_readv", "to read another's memory", Said, Anyone, |g| {
        any(g, |pid| attempt(Attempt::ReadMemory(pid)))
    }),
    Probe::new(
        "signal",
        "to end one outside",
        Outside(Arena::victim_ended),
        Anyone,
        |g| done(attack_process::signal(g.victim)),
    ),
    Probe::new(
        "pidfd",
        "the same by a descriptor",
        Outside(Arena::victim_ended),
        Anyone,
        |g| done(attack_process::signal_by_descriptor(g.victim)),
    ),
    Probe::new(
        "prio",
        "its priority",
        Outside(|a| a.victim_nice() == 19),
        Anyone,
        |g| done(attack_process::slow_down(g.victim)),
    ),
    Probe::new(
        "survive_exit",
        "to outlive its own end",
        Survivor,
        Anyone,
        leave,
    ),
    Probe::new(
        "survive_kill",
        "to outlive its wrapper's",
        Survivor,
        Anyone,
        |g| {
            leave(g)?;
            io::stdout().write_all(b"up\n")?;
            attack_process::wait();
            done(Ok(()))
        },
    ),
];

fn leave(ground: &Ground) -> io::Result<String> {
    let word = super::arena::word(&ground.dir);
    done(attack_process::leave(&[super::WORD, super::LINGER, &word]))
}

fn proc(ground: &Ground, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", ground.victim))
}

/// Tries it with the victim, then with everybody else who can be seen, until it works.
fn any(ground: &Ground, mut with: impl FnMut(i32) -> io::Result<()>) -> io::Result<String> {
    let mut last = match with(ground.victim) {
        Ok(()) => return Ok("the victim".to_owned()),
        Err(e) => e,
    };
    // Without a confinement nobody else is to be disturbed.
    if std::env::var_os(crate::sandbox::inside::MARKER).is_none() {
        return Err(last);
    }
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    for entry in fs::read_dir("/proc")?.flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some(pid) = pid.filter(|pid| *pid != me) {
            match with(pid) {
                Ok(()) => return Ok(format!("process {pid}")),
                Err(e) => last = e,
            }
        }
    }
    Err(last)
}
