//! A disk without room, without room for more files, or that can't be written to: a clear error and
//! an exit code, nothing half-written, and once there is room all goes on.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bench::{Bench, PRISTINE};
use crate::support::points::Happens;
use crate::support::station::{Ran, Station};

/// Mounts what `$1` says at `$2` in a mount namespace of its own, runs `$3` there, and then the rest.
const INSIDE: &str = r#"set -eu
options=$1 place=$2 fill=$3; shift 3
mount -t tmpfs -o "$options" none "$place"
cd "$place" && eval "$fill"
cd - >/dev/null
exec "$@""#;

/// A real small file system where `place` is, for the program with these arguments.
#[expect(clippy::disallowed_methods, reason = "a mount namespace of its own")]
fn within(station: &Station, place: &Path, options: &str, fill: &str, args: &[&str]) -> Ran {
    let program = station.command(args);
    let mut command = Command::new("unshare");
    command.args(unshare().unwrap());
    command.args(["sh", "-c", INSIDE, "sh", options]).arg(place);
    command
        .arg(fill)
        .arg(program.get_program())
        .args(program.get_args());
    command
        .current_dir(program.get_current_dir().unwrap())
        .env_clear();
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    Ran::from(command.output().unwrap())
}

/// How a mount namespace can be had here, if at all.
#[expect(clippy::disallowed_methods, reason = "to see whether it can be had")]
fn unshare() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["-m"], &["-Urm"]];
    ways.into_iter().find(|way| {
        let script = "mount -t tmpfs none /mnt";
        let done = Command::new("unshare")
            .args(*way)
            .args(["sh", "-c", script])
            .output();
        done.is_ok_and(|done| done.status.success())
    })
}

fn can_mount() -> bool {
    let can = unshare().is_some();
    if !can {
        eprintln!("SKIPPED: full disks: neither `unshare -m` nor `unshare -Urm` can mount here");
    }
    can
}

fn simple() -> Station {
    let station = Station::bare();
    station.write(
        "playbook.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n",
    );
    station.commit_all("Start");
    std::fs::create_dir(station.state()).unwrap();
    std::fs::set_permissions(station.state(), PermissionsExt::from_mode(0o700)).unwrap();
    station
        .section(
            "playbook",
            "file = \"playbook.yml\"\nwatch = [\"~/.claude\"]",
        )
        .section("agent", "kind = \"catalog\"")
}

/// A state directory on a file system with little or no room, of bytes or of files.
#[test]
fn a_state_directory_without_room_is_refused_with_the_cure() {
    if !can_mount() {
        return;
    }
    let station = simple();
    let state = station.state();
    for (options, fill, said) in [
        (
            "mode=700,size=4k",
            "dd if=/dev/zero of=fill bs=4k count=9 2>/dev/null || true",
            "full",
        ),
        (
            "mode=700,size=32m",
            "true",
            "its disk is nearly full: 32 MiB are free",
        ),
        (
            "mode=700,size=100m",
            "dd if=/dev/zero of=fill bs=1M count=60 2>/dev/null",
            "nearly full",
        ),
        ("mode=700,size=200m,nr_inodes=20", "true", "room for"),
        (
            "mode=700,size=200m,nr_inodes=4000",
            "true",
            "more files, a turn needs 5000",
        ),
        (
            "mode=700,size=200m,nr_inodes=2",
            "touch fill || true",
            "room for 0 more files",
        ),
        ("mode=700,size=200m,ro", "true", "Read-only file system"),
    ] {
        let done = within(&station, &state, options, fill, &["run", "--once"]);
        assert_eq!(done.code, Some(1), "{options}: {}", done.err);
        let error = done.err.lines().last().unwrap_or_default();
        assert!(
            error.contains(said) || done.err.contains(said),
            "{options}: {}",
            done.err
        );
        assert!(
            error.contains(state.to_str().unwrap()),
            "{options}: {error}"
        );
    }
}

/// The page can't be written: the turn counts, it is said, and the next turn writes the page.
#[test]
fn a_wiki_directory_that_cannot_be_written_to_costs_no_turn() {
    if !can_mount() {
        return;
    }
    let station = simple();
    let wiki = station.root().join("wiki");
    std::fs::create_dir(&wiki).unwrap();
    let page = wiki.join("log.md");
    let station = station.section("wiki", &format!("path = \"{}\"", page.display()));
    for options in ["ro", "size=4k,nr_inodes=1"] {
        let done = within(&station, &wiki, options, "true", &["run", "--once"]);
        assert_eq!(done.code, Some(0), "{}", done.err);
        let said = format!("wiki log {}", page.display());
        assert!(done.err.contains(&said), "{options}: {}", done.err);
    }
    let done = station.run(&["run", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(page.is_file());
    let left: Vec<PathBuf> = std::fs::read_dir(&wiki)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    assert_eq!(left, [page]);
}

/// The disk gets full in the middle of a turn: at every point of it the program ends with an exit
/// code and says why, and with room again the machine is as before or as after.
#[test]
fn a_disk_that_gets_full_in_the_middle_of_a_turn_leaves_nothing_half_written() {
    let mut bench = Bench::new();
    let points = super::sweep::chosen(&bench.points);
    let writes = points.iter().filter(|p| {
        let writes = ["write", "pwrite64", "create", "mkdir"];
        writes.contains(&p.call.as_str())
    });
    for point in writes.step_by(2) {
        bench.put_back(PRISTINE);
        let done = bench.turn(Happens::Full(point.number));
        assert!(done.code.is_some(), "{point:?}: {}", done.err);
        if done.code != Some(0) {
            let why = ["full", "space", "rror", "can't"];
            assert!(
                why.iter().any(|w| done.err.contains(w)),
                "{point:?}: {}",
                done.err
            );
        }
        let again = bench.recovery(Happens::Nothing);
        assert_eq!(
            again.code,
            Some(10),
            "{point:?}: {}\n{}",
            done.err,
            again.err
        );
        bench.assert_whole();
    }
}
