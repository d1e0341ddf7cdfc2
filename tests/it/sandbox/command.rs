//! `secloop sandbox -- CMD`: the command's own output, input and exit code, in a copy of the
//! directory.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for name in ["home", "work"] {
            std::fs::create_dir(place.at(name)).unwrap();
        }
        std::fs::write(place.at("work/file"), "as it was").unwrap();
        place
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_in(&self.at("work"), args, b"")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the program, as a person starts it"
    )]
    fn run_in(&self, dir: &Path, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_secloop"))
            .arg("sandbox")
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.at("home"))
            .env("TMPDIR", self.dir.path())
            .env("A_SECRET", "canary")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn passes_on_output_input_and_exit_code() {
    let place = Place::new();
    let done = place.run_in(
        &place.at("work"),
        &["--", "sh", "-c", "cat; echo err >&2; exit 7"],
        b"in\0put",
    );
    assert_eq!(
        (
            done.stdout.as_slice(),
            text(&done.stderr).as_str(),
            done.status.code()
        ),
        (&b"in\0put"[..], "err\n", Some(7))
    );
    for (args, code) in [
        (&["--", "sh", "-c", "kill -9 $$"][..], 137),
        (&["--", "no-such-program"], 127),
        (&["--", "./file"], 126),
        (&["--level", "none", "--", "sh", "-c", "exit 3"], 3),
        (&["--level", "some", "--", "true"], 2),
        (&["true"], 2),
    ] {
        assert_eq!(place.run(args).status.code(), Some(code), "{args:?}");
    }
    // More than a pipe holds.
    let done = place.run(&["--", "head", "-c", "3000000", "/dev/zero"]);
    assert_eq!(done.stdout.len(), 3_000_000);
}

#[test]
fn works_in_a_copy_at_the_same_path_of_which_nothing_is_left() {
    let place = Place::new();
    let work = place.at("work").canonicalize().unwrap();
    let script = "pwd; cat file; echo changed > file; echo new > new; env; id -u";
    let done = place.run(&["--", "sh", "-c", script]);
    let said = text(&done.stdout);
    assert!(
        said.starts_with(&format!("{}\nas it was", work.display())),
        "{said}"
    );
    assert!(!said.contains("canary") && !said.contains(&*place.at("home").to_string_lossy()));
    assert!(said.contains("SECLOOP_SANDBOX=native:") && said.contains("AGENT_SANDBOX=1"));
    assert_ne!(said.lines().last(), Some("0"));
    assert_eq!(
        std::fs::read_to_string(work.join("file")).unwrap(),
        "as it was"
    );
    let mut left: Vec<_> = std::fs::read_dir(place.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["home", "work"], "nothing is left behind");
}

#[test]
fn what_must_not_be_copied_is_refused() {
    let place = Place::new();
    for dir in ["/".as_ref(), place.at("home").as_path(), place.dir.path()] {
        let done = place.run_in(dir, &["--", "true"], b"");
        assert_eq!(done.status.code(), Some(125), "{}", dir.display());
        assert!(
            text(&done.stderr).contains("a directory of its own"),
            "{}",
            text(&done.stderr)
        );
    }
    let config = place.at("work/secloop.toml");
    std::fs::write(&config, "[sandbox.limits]\nprocesses = 1\n").unwrap();
    let done = place.run(&["--", "true"]);
    assert_eq!(done.status.code(), Some(125));
    assert!(
        text(&done.stderr).contains("secloop.toml"),
        "{}",
        text(&done.stderr)
    );
}

/// As far as they are installed; those that have to be are named by the variable.
#[test]
fn compilers_git_and_interpreters_work() {
    let place = Place::new();
    let wanted = std::env::var_os("SECLOOP_REQUIRE_BED").is_some();
    let program = "int main(void) { return 40 + 2; }\n";
    std::fs::write(place.at("work/a.c"), program).unwrap();
    for (name, script, says) in [
        ("gcc", "gcc -o a a.c && ./a; echo $?", "42"),
        (
            "git",
            "git init -q r && cd r && echo x > x && git add x && git -c user.name=a -c \
             user.email=a@b commit -qm y && git log --format=%s",
            "y",
        ),
        (
            "python3",
            "python3 -c 'import subprocess, ssl; print(subprocess.check_output([\"echo\", \"ok\"]).decode())'",
            "ok",
        ),
        (
            "node",
            "node -e 'console.log(require(\"os\").cpus().length > 0)'",
            "true",
        ),
        (
            "make",
            "printf 'a:\\n\\techo made\\n' > Makefile && make -s -j4",
            "made",
        ),
    ] {
        let there = ["/usr/bin", "/usr/local/bin"]
            .iter()
            .any(|dir| secloop::process::is_executable(&Path::new(dir).join(name)));
        if !there {
            assert!(!wanted, "{name} is missing");
            eprintln!("{name} is not in the system's directories: not tried");
            continue;
        }
        let done = place.run(&["--", "sh", "-c", script]);
        assert_eq!(
            text(&done.stdout).trim(),
            says,
            "{name}: {}",
            text(&done.stderr)
        );
    }
}
