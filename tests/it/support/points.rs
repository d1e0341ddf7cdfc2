//! Every point of a run at which it changes something outside itself, and what can happen there: a
//! kill, or a full disk. From outside: a library that is preloaded counts the calls, and the program
//! under test is the ordinary one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::station::Station;

/// One call, before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    /// From 1.
    pub(crate) number: u32,
    /// The call, such as `rename`.
    pub(crate) call: String,
    /// On what, below the station's directory; of a start, the program with its arguments.
    pub(crate) on: String,
}

/// What happens at a point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happens {
    /// Nothing; the list of points is made.
    Nothing,
    /// The program is killed before the call.
    Kill(u32),
    /// From here on nothing can be written.
    Full(u32),
}

impl Station {
    /// The program with these arguments, to which `what` happens.
    pub(crate) fn with_points(&self, args: &[&str], what: Happens) -> Command {
        let mut command = self.command(args);
        self.count_points(&mut command);
        match what {
            Happens::Nothing => {}
            Happens::Kill(number) => {
                command.env("POINTS_KILL", number.to_string());
            }
            Happens::Full(number) => {
                command.env("POINTS_FULL", number.to_string());
            }
        }
        command
    }

    /// Has the points of a program counted and listed.
    pub(crate) fn count_points(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("POINTS_ROOT", self.root())
            .env("POINTS_LOG", self.points_file());
    }

    /// The points of the last run.
    pub(crate) fn points(&self) -> Vec<Point> {
        let text = std::fs::read_to_string(self.points_file()).unwrap();
        let text = text.replace(&format!("{}/", self.root().display()), "");
        let mut points: Vec<Point> = Vec::new();
        for line in text.lines() {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            let (number, call, on) = (word().parse().unwrap(), word(), word());
            if number == 0 {
                // The child's own line, which follows the parent's.
                let start = points.iter_mut().rev().find(|p| p.call == "start");
                start.unwrap().on = on;
            } else {
                points.push(Point { number, call, on });
            }
        }
        points
    }

    fn points_file(&self) -> PathBuf {
        self.root().join("points")
    }
}

/// Built once, by the compiler that builds SQLite.
#[expect(clippy::disallowed_methods, reason = "the compiler")]
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/points.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("points.so");
        let done = Command::new("cc")
            .args([
                "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o",
            ])
            .args([&library, &source])
            .arg("-ldl")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "no library for this test: {said}");
        library
    })
}
