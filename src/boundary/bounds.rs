//! Bombs, none of which goes off: each stops a little beyond the bound that has to be there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;

use super::Open::Anyone;
use super::Seen::Said;
use super::files::done;
use super::{Ground, Probe};
use crate::process::attack_process;
use crate::sandbox::{LIMITS, ROOM};

pub(super) const ALL: &[Probe] = &[
    Probe::new("fork_bomb", "600 processes", Said, Anyone, |_| {
        let most = usize::try_from(LIMITS.processes).unwrap_or(512) + 88;
        done(attack_process::crowd(most))
    }),
    Probe::new("mem_bomb", "5 GiB of memory", Said, Anyone, |_| {
        let piece = 256 << 20;
        let mut all: Vec<Vec<u8>> = Vec::new();
        while all.len() * piece <= usize::try_from(LIMITS.memory).unwrap_or(4 << 30) + (1 << 30) {
            let mut more = Vec::new();
            more.try_reserve_exact(piece).map_err(io::Error::other)?;
            all.push(more);
        }
        done(Ok(()))
    }),
    Probe::new("disk_bomb", "a file of 300 MiB", Said, Anyone, |g| {
        let file = File::create(g.ws("large"))?;
        let written = file.write_at(b"x", ROOM + (44 << 20)).map(drop);
        let _ = fs::remove_file(g.ws("large"));
        done(written)
    }),
    Probe::new(
        "disk_bomb_many",
        "300 files of a MiB in the working copy",
        Said,
        Anyone,
        |g| many(g, &g.ws("many")),
    ),
    Probe::new(
        "disk_bomb_tmp",
        "the same among temporary files",
        Said,
        Anyone,
        |g| many(g, &std::env::temp_dir().join(super::arena::word(&g.dir))),
    ),
    Probe::new(
        "disk_bomb_shm",
        "the same in shared memory",
        Said,
        Anyone,
        |g| {
            many(
                g,
                &std::path::Path::new("/dev/shm").join(super::arena::word(&g.dir)),
            )
        },
    ),
];

fn many(_: &Ground, dir: &std::path::Path) -> io::Result<String> {
    fs::create_dir(dir)?;
    let written = (0..300).try_for_each(|i| {
        let file = File::create(dir.join(i.to_string()))?;
        attack_process::reserve(&file, 1 << 20)
    });
    let _ = fs::remove_dir_all(dir);
    done(written)
}
