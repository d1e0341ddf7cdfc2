//! Probes: red, green, or nothing that can be told.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use secloop::prove::probe;
use secloop::turn::{Colour, Expect, Probe, ProbeRun};
use tokio_util::sync::CancellationToken;

use super::machine::Machine;

fn script(text: &str) -> ProbeRun {
    ProbeRun::Script(text.to_owned())
}

fn argv(words: &[&str]) -> ProbeRun {
    ProbeRun::Argv(words.iter().map(|&w| w.to_owned()).collect())
}

#[tokio::test]
async fn a_probe_is_green_as_expected_red_otherwise_and_an_error_where_it_tells_nothing() {
    let machine = Machine::new().await;
    std::fs::write(machine.home().join("not-a-program"), "").unwrap();
    for (run, exit, stdout, colour) in [
        (script("true"), 0, None, Colour::Green),
        (script("false"), 0, None, Colour::Red),
        (script("exit 3"), 3, None, Colour::Green),
        (script("true"), 3, None, Colour::Red),
        (script("exit 125"), 0, None, Colour::Red),
        (script("echo ' 600 '"), 0, Some("600"), Colour::Green),
        (script("echo 644"), 0, Some("600"), Colour::Red),
        (script("echo 600; echo 600"), 0, Some("600"), Colour::Red),
        (
            script("echo no 600 >&2; echo 644"),
            0,
            Some("600"),
            Colour::Red,
        ),
        (script("echo 600; exit 1"), 0, Some("600"), Colour::Red),
        (
            script("echo \"$PWD\""),
            0,
            Some(machine.home().to_str().unwrap()),
            Colour::Green,
        ),
        (
            argv(&["printf", "%s|", "a b", "*", "-n"]),
            0,
            Some("a b|*|-n|"),
            Colour::Green,
        ),
        (
            argv(&["test", "-d", "/no/such/place"]),
            0,
            None,
            Colour::Red,
        ),
        // What can't be run tells nothing.
        (script("no-such-program"), 0, None, Colour::Error),
        (script("exit 126"), 0, None, Colour::Error),
        (script("kill -9 $$"), 0, None, Colour::Error),
        (script("if then"), 0, None, Colour::Error),
        // Nothing but an error message: that is no hole that was seen.
        (script("echo 600 >&2"), 0, Some("600"), Colour::Error),
        (script("grep -q x no/such/file"), 0, None, Colour::Error),
        (
            script("[ \"$(stat -c %a no/such/file)\" = 600 ]"),
            0,
            None,
            Colour::Error,
        ),
        (script("echo x > not-a-program"), 0, None, Colour::Error),
        (argv(&["no-such-program"]), 0, None, Colour::Error),
        (argv(&["./not-a-program"]), 0, None, Colour::Error),
        (argv(&[]), 0, None, Colour::Error),
    ] {
        let result = machine.probe(run.clone(), exit, stdout).await;
        assert_eq!(
            result.colour, colour,
            "{run:?} {exit} {stdout:?}: {result:?}"
        );
    }
}

/// Where the report says what it gives while the hole is open, nothing else is red.
#[tokio::test]
async fn a_probe_is_red_for_the_stated_reason_alone() {
    let machine = Machine::new().await;
    let expect = |exit: i32, stdout: &str| Expect {
        exit,
        stdout: Some(stdout.to_owned()),
    };
    for (text, colour) in [
        ("echo 600", Colour::Green),
        ("echo 644", Colour::Red),
        ("echo 666", Colour::Error),
        ("echo 644; exit 1", Colour::Error),
        ("true", Colour::Error),
        ("echo 644; echo careful >&2", Colour::Red),
    ] {
        let probe = Probe {
            name: "it".to_owned(),
            run: script(text),
            expect: expect(0, "600"),
            red: Some(expect(0, "644")),
        };
        let result = probe::run(&probe, &machine.context(), &CancellationToken::new()).await;
        assert_eq!(result.colour, colour, "{text}: {result:?}");
    }
}

/// Otherwise a probe that expects to fail would be green where nothing was run.
#[tokio::test]
async fn confinement_that_fails_is_neither_red_nor_green() {
    let machine = Machine::new().await;
    std::fs::remove_dir_all(machine.home()).unwrap();
    for exit in [0, 1] {
        let result = machine.probe(script("exit 1"), exit, None).await;
        assert_eq!(result.colour, Colour::Error, "{result:?}");
    }
}

/// Time is not waited for but moved on: the clock jumps to the deadline when nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_ended_and_is_an_error() {
    let machine = Machine::off();
    let since = Instant::now();
    let result = machine
        .script("trap '' TERM; while :; do sleep 600; done")
        .await;
    assert_eq!((result.colour, result.exit), (Colour::Error, None));
    assert!(result.output.starts_with("ended: Deadline"), "{result:?}");
    assert!(since.elapsed() < Duration::from_mins(5));
}

#[tokio::test]
async fn a_probe_that_is_cancelled_is_an_error() {
    let machine = Machine::new().await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let probe = Probe {
        name: "it".to_owned(),
        run: script("exec sleep 600"),
        expect: Expect {
            exit: 0,
            stdout: None,
        },
        red: None,
    };
    let result = probe::run(&probe, &machine.context(), &cancel).await;
    assert_eq!(result.colour, Colour::Error);
    assert!(result.output.contains("Cancelled"), "{result:?}");
}

#[tokio::test]
async fn output_is_bounded_and_redacted() {
    let machine = Machine::new().await;
    let result = machine.script("yes word | head -c 60000").await;
    assert_eq!(result.colour, Colour::Green);
    assert!(
        result.output.chars().count() <= 2_000,
        "{}",
        result.output.len()
    );
    // What was not read to its end is not what was expected.
    let spaces = script("head -c 100000 /dev/zero | tr '\\0' ' '");
    let result = machine.probe(spaces, 0, Some("")).await;
    assert_eq!(result.colour, Colour::Red);
    let result = machine.script("yes").await;
    assert_eq!(result.colour, Colour::Error);
    assert!(result.output.starts_with("ended: Flood"), "{result:?}");

    let token = format!("ghp_{}", "a1B2".repeat(9));
    let result = machine.script(&format!("echo seen {token} here")).await;
    assert!(
        result.output.contains("seen") && !result.output.contains(&token),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_probe_sees_the_machine_and_changes_nothing() {
    let machine = Machine::new().await;
    std::fs::write(machine.home().join("file"), "seen").unwrap();
    let result = machine.probe(script("cat file"), 0, Some("seen")).await;
    assert_eq!(result.colour, Colour::Green);
    for act in [
        "echo x > file",
        "echo x > new",
        "rm -f file",
        "chmod 777 file",
        "mkdir -p .claude/hooks/new",
        "touch /etc/secloop-was-here",
        "touch /var/tmp/../secloop-was-here",
        "mount -t tmpfs none .claude",
        "echo 1 > /proc/sys/kernel/sysrq",
    ] {
        let result = machine.script(act).await;
        assert_eq!(result.colour, Colour::Error, "{act}: {result:?}");
    }
    assert_eq!(
        std::fs::read_to_string(machine.home().join("file")).unwrap(),
        "seen"
    );
    // The temporary directory is its own.
    let name = format!("/tmp/secloop-it-{}", std::process::id());
    let result = machine
        .script(&format!("echo x > {name} && cat {name}"))
        .await;
    assert_eq!(result.colour, Colour::Green, "{result:?}");
    assert!(!std::path::Path::new(&name).exists());
}

#[tokio::test]
async fn a_probe_reaches_no_network() {
    let machine = Machine::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let call = || argv(&["bash", "-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}")]);
    let result = machine.probe(call(), 0, None).await;
    assert_eq!(result.colour, Colour::Error, "{result:?}");
    assert!(listener.accept().is_err(), "nobody called");
    // Unconfined the very same call gets through.
    let machine = machine.unconfined();
    assert_eq!(machine.probe(call(), 0, None).await.colour, Colour::Green);
    assert!(listener.accept().is_ok());
}

/// What a probe leaves in the background neither holds it up nor outlives it.
#[tokio::test]
async fn nothing_of_a_probe_outlives_it() {
    let machine = Machine::new().await;
    let since = Instant::now();
    let word = format!("600.{}", std::process::id());
    let result = machine
        .script(&format!("sleep {word} & echo started"))
        .await;
    assert_eq!(result.colour, Colour::Green, "{result:?}");
    assert!(
        since.elapsed() < Duration::from_secs(15),
        "it was waited for"
    );
    let left = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).starts_with(&format!("sleep\0{word}\0"))
    });
    assert!(!left);
}

#[tokio::test]
async fn a_probe_sees_how_credentials_are_kept_but_not_what_they_are() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new().await;
    let put = |name: &str, mode| {
        let path = machine.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "word\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in [".ssh/id_ed25519", ".aws/credentials", ".netrc"] {
        put(name, 0o600);
    }
    put(".claude/.credentials.json", 0o640);
    for name in [".ssh/config", ".gnupg/gpg.conf", ".claude/settings.json"] {
        put(name, 0o644);
    }
    for i in 0..100 {
        put(&format!(".mozilla/f{i}"), 0o600);
    }
    let ssh = machine.home().join(".ssh");
    std::fs::set_permissions(ssh, std::fs::Permissions::from_mode(0o700)).unwrap();
    for (text, stdout) in [
        ("stat -c %a .ssh .ssh/id_ed25519 .netrc", "700\n600\n600"),
        ("stat -c %a .claude/.credentials.json", "640"),
        (
            "cat .ssh/id_ed25519 .aws/credentials .netrc .claude/.credentials.json",
            "",
        ),
        ("ls .mozilla", ""),
        (
            "cat .ssh/config .gnupg/gpg.conf .claude/settings.json",
            "word\nword\nword",
        ),
    ] {
        let result = machine.probe(script(text), 0, Some(stdout)).await;
        assert_eq!(result.colour, Colour::Green, "{text}: {result:?}");
    }
}
