//! Files outside of the working copy.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::Open::{Anyone, Root};
use super::Seen::{Outside, Said, Secret};
use super::{Ground, Probe};

pub(super) const ALL: &[Probe] = &[
    Probe::new(
        "write_outside",
        "a new file beside the working copy",
        Outside(|a| a.has("outside/new")),
        Anyone,
        |g| write(&g.outside("new")),
    ),
    Probe::new(
        "write_home",
        "a new start-up file at home",
        Outside(|a| a.has("home/.profile")),
        Anyone,
        |g| write(&g.home(".profile")),
    ),
    Probe::new(
        "write_etc",
        "a new file in /etc",
        Outside(|a| a.took("/etc")),
        Root,
        |g| write(&Path::new("/etc").join(word(g))),
    ),
    Probe::new(
        "write_tmp",
        "a new file in the host's /tmp",
        Outside(|a| a.took("/tmp")),
        Anyone,
        |g| write(&Path::new("/tmp").join(word(g))),
    ),
    Probe::new(
        "read_outside",
        "a file beside the working copy",
        Secret,
        Anyone,
        |g| fs::read_to_string(g.outside("secret")),
    ),
    Probe::new("read_ssh", "a private key", Secret, Anyone, |g| {
        fs::read_to_string(g.home(".ssh/id_ed25519"))
    }),
    Probe::new("read_aws", "cloud credentials", Secret, Anyone, |g| {
        fs::read_to_string(g.home(".aws/credentials"))
    }),
    Probe::new(
        "read_claude_cred",
        "the agent's credentials",
        Secret,
        Anyone,
        |g| fs::read_to_string(g.home(".claude/.credentials.json")),
    ),
    Probe::new("read_shadow", "the accounts' passwords", Said, Root, |_| {
        fs::read("/etc/shadow").map(|_| String::new())
    }),
    Probe::new(
        "env_secret",
        "the supervisor's environment",
        Secret,
        Anyone,
        |_| {
            let all = std::env::vars_os()
                .map(|(name, value)| format!("{}={}", name.display(), value.display()));
            Ok(all.collect::<Vec<_>>().join(" "))
        },
    ),
    Probe::new(
        "symlink_write",
        "through a link that it makes",
        Outside(|a| a.has("outside/linked")),
        Anyone,
        |g| {
            symlink(g.outside("linked"), g.ws("link"))?;
            write(&g.ws("link"))
        },
    ),
    Probe::new(
        "symlink_preplanted",
        "through a link that was there",
        Outside(|a| a.has("outside/planted")),
        Anyone,
        |g| write(&g.ws("way/planted")),
    ),
    Probe::new(
        "dotdot",
        "by a path with ..",
        Outside(|a| a.has("outside/dots")),
        Anyone,
        |g| write(&g.ws("../../outside/dots")),
    ),
    Probe::new(
        "hardlink",
        "through a hard link that it makes",
        Outside(|a| a.changed("outside/victim")),
        Anyone,
        |g| {
            fs::hard_link(g.outside("victim"), g.ws("hard"))?;
            append(&g.ws("hard"))
        },
    ),
    Probe::new(
        "hardlink_preplanted",
        "through a hard link that was there",
        Outside(|a| a.changed("outside/victim")),
        Anyone,
        |g| append(&g.ws("planted")),
    ),
    Probe::new(
        "rename_ws",
        "the working copy gets another name",
        Outside(|a| a.has("parent/moved")),
        Anyone,
        |g| {
            renamed(
                &g.ws("."),
                &g.dir.join("parent/ws"),
                &g.dir.join("parent/moved"),
            )
        },
    ),
    Probe::new(
        "rename_parent",
        "its parent gets another name",
        Outside(|a| a.has("moved")),
        Anyone,
        |g| renamed(&g.dir, &g.dir.join("parent"), &g.dir.join("moved")),
    ),
    Probe::new(
        "chmod_outside",
        "modes of a file outside",
        Outside(|a| a.mode("outside/victim") == 0o777),
        Anyone,
        |g| {
            done(fs::set_permissions(
                g.outside("victim"),
                fs::Permissions::from_mode(0o777),
            ))
        },
    ),
    Probe::new(
        "truncate_outside",
        "the length of a file outside",
        Outside(|a| a.changed("outside/victim")),
        Anyone,
        |g| {
            done(
                OpenOptions::new()
                    .write(true)
                    .truncate(true)
                    .open(g.outside("victim"))
                    .map(drop),
            )
        },
    ),
    Probe::new(
        "unlink_outside",
        "a file outside goes",
        Outside(|a| !a.has("outside/victim")),
        Anyone,
        |g| done(fs::remove_file(g.outside("victim"))),
    ),
    Probe::new(
        "inherited_fd",
        "a file that the supervisor had open",
        Outside(|a| a.changed("outside/held")),
        Anyone,
        |_| inherited(),
    ),
];

fn word(ground: &Ground) -> String {
    super::arena::word(&ground.dir)
}

pub(super) fn write(path: &Path) -> io::Result<String> {
    done(fs::write(path, "taken\n"))
}

pub(super) fn append(path: &Path) -> io::Result<String> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    done(file.write_all(b"taken\n"))
}

pub(super) fn done(result: io::Result<()>) -> io::Result<String> {
    result.map(|()| String::new())
}

fn renamed(at: &Path, from: &Path, to: &Path) -> io::Result<String> {
    // Who works there keeps the directory from going.
    let _ = at;
    std::env::set_current_dir("/")?;
    done(fs::rename(from, to))
}

/// Writes to everything beyond the standard streams.
fn inherited() -> io::Result<String> {
    let mut found = 0;
    for entry in fs::read_dir("/proc/self/fd")?.flatten() {
        let Some(number) = entry
            .file_name()
            .to_str()
            .and_then(|n| n.parse::<u32>().ok())
        else {
            continue;
        };
        if number > 2 {
            let opened = OpenOptions::new().append(true).open(entry.path());
            if opened
                .and_then(|mut file| file.write_all(b"taken\n"))
                .is_ok()
            {
                found += 1;
            }
        }
    }
    if found == 0 {
        return Err(io::Error::other("nothing is open"));
    }
    Ok(format!("{found} are open"))
}
