//! The kernel itself: rights, namespaces, mounts, and its large or seldom used parts.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use super::Open::{Anyone, Depends, Root};
use super::Probe;
use super::Seen::Said;
use super::files::{done, write};
use crate::process::{Attempt, attack_process, attempt};

macro_rules! tries {
    ($name:literal, $what:literal, $open:ident, $attempt:ident) => {
        Probe::new($name, $what, Said, $open, |_| {
            done(attempt(Attempt::$attempt))
        })
    };
}

pub(super) const ALL: &[Probe] = &[
    Probe::new("mount", "a mount", Said, Root, |g| {
        fs::create_dir(g.ws("mnt"))?;
        attack_process::mount(&g.ws("mnt"))?;
        done(attack_process::unmount(&g.ws("mnt")))
    }),
    Probe::new("remount", "the root becomes writable", Said, Root, |_| {
        done(attack_process::remount())
    }),
    Probe::new("umount", "a mount goes", Said, Root, |g| {
        // Where nothing is confined, one of its own.
        let own = g.ws("mnt2");
        fs::create_dir(&own)?;
        if attack_process::mount(&own).is_ok() {
            return done(attack_process::unmount(&own));
        }
        done(attack_process::unmount(Path::new("/proc/sys")))
    }),
    tries!("userns", "a user namespace", Anyone, UserNamespace),
    tries!(
        "clone_userns",
        "the same by clone",
        Anyone,
        CloneUserNamespace
    ),
    tries!(
        "clone3_userns",
        "the same by clone3",
        Anyone,
        Clone3UserNamespace
    ),
    tries!("userns_mount", "a mount namespace", Root, MountNamespace),
    tries!("io_uring", "an io_uring", Depends, IoUring),
    tries!("keyctl", "the user's keyring", Anyone, ReadKeyring),
    tries!("add_key", "a key", Anyone, AddKey),
    tries!("bpf", "a program for the kernel", Root, Bpf),
    tries!("perf", "performance counters", Depends, Perf),
    tries!(
        "userfaultfd",
        "page faults in user space",
        Depends,
        UserFault
    ),
    tries!("file_handle", "a file by its handle", Anyone, FileHandle),
    tries!("tiocsti", "words for a terminal", Depends, TerminalInput),
    Probe::new(
        "tioclinux",
        "the other way to put them",
        Said,
        Depends,
        |_| {
            match attempt(Attempt::TerminalPaste) {
                // It is no such terminal: the kernel was asked.
                Err(e) if e.raw_os_error() == Some(25) => Ok("asked".to_owned()),
                other => done(other),
            }
        },
    ),
    tries!("setuid", "to become root", Root, BecomeRoot),
    Probe::new("nnp", "programs that give rights", Said, Anyone, |_| {
        status("NoNewPrivs", |value| value == "0")
    }),
    Probe::new("caps", "rights of root's", Said, Root, |_| {
        status("CapEff", |value| value.bytes().any(|b| b != b'0'))
    }),
    Probe::new("seccomp", "every system call", Said, Anyone, |_| {
        status("Seccomp", |value| value == "0")
    }),
    Probe::new("uid", "to be root", Said, Root, |_| {
        status("Uid", |value| value.split_whitespace().any(|id| id == "0"))
    }),
    Probe::new("dev", "disks, memory and other devices", Said, Root, |_| {
        let all = [
            "mem",
            "kmsg",
            "vda",
            "sda",
            "nvme0n1",
            "kvm",
            "fuse",
            "net/tun",
            "loop-control",
        ];
        one_of(&all, |name| {
            OpenOptions::new()
                .read(true)
                .open(format!("/dev/{name}"))
                .map(drop)
        })
    }),
    Probe::new("mknod", "a device of its own", Said, Root, |g| {
        done(attack_process::make_device(&g.ws("device")))
    }),
    Probe::new("cgroup", "the groups that bound it", Said, Root, |g| {
        let word = super::arena::word(&g.dir);
        let all = ["", "unified", "pids", "memory"];
        one_of(&all, |group| {
            let dir = Path::new("/sys/fs/cgroup").join(group).join(&word);
            fs::create_dir(&dir)?;
            fs::remove_dir(&dir)
        })
    }),
    Probe::new(
        "sysfs",
        "the kernel's settings of devices",
        Said,
        Root,
        |_| {
            let path = "/sys/kernel/mm/transparent_hugepage/enabled";
            done(OpenOptions::new().write(true).open(path).map(drop))
        },
    ),
    Probe::new("dev_file", "a file among the devices", Said, Root, |g| {
        let path = Path::new("/dev").join(super::arena::word(&g.dir));
        let made = write(&path);
        let _ = fs::remove_file(path);
        made
    }),
    tries!("int80", "the calls of i386", Depends, OldNumbers),
    tries!("x32", "the calls of x32", Depends, SecondNumbers),
];

fn status(name: &str, bad: impl Fn(&str) -> bool) -> io::Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mut lines = status
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    match lines.next().map(str::trim) {
        Some(value) if bad(value) => Ok(format!("{name} {value}")),
        Some(value) => Err(io::Error::other(format!("{name} {value}"))),
        None => Ok(format!("no {name}")),
    }
}

fn one_of(names: &[&str], with: impl Fn(&str) -> io::Result<()>) -> io::Result<String> {
    let mut last = io::Error::other("there is none");
    for name in names {
        match with(name) {
            Ok(()) => return Ok((*name).to_owned()),
            Err(e) => last = e,
        }
    }
    Err(last)
}
