//! What a program can do inside bubblewrap.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use secloop::process::{self, Spec};
use secloop::sandbox::{Network, Policy, Sandbox, User};
use tokio_util::sync::CancellationToken;

/// Who is no root.
fn unprivileged() -> User {
    match process::effective_uid() {
        0 => User::Other(65534, 65534),
        _ => User::Same,
    }
}

/// A place with something to read, something to hide and something to write.
struct Place {
    dir: tempfile::TempDir,
    sandbox: Sandbox,
}

impl Place {
    async fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
            sandbox: crate::support::native().await,
        };
        for name in ["read", "read/secret", "write", "home", "other"] {
            std::fs::create_dir(place.at(name)).unwrap();
            std::fs::write(place.at(name).join("file"), name).unwrap();
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn agent(&self) -> Policy {
        Policy {
            hide: vec![self.at("read/secret")],
            network: Network::None,
            user: unprivileged(),
            ..Policy::agent(vec![self.at("read")], vec![self.at("write")])
        }
    }

    fn look(&self) -> Policy {
        Policy {
            read: vec![self.dir.path().to_owned()],
            hide: vec![self.at("read/secret")],
            ..Policy::look()
        }
    }

    fn spec(&self, script: &str) -> Spec {
        Spec::new("/bin/sh", "/", Duration::from_mins(1))
            .args(["-c", script])
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.at("home"))
            .env("D", self.dir.path())
    }

    /// What a script says inside; the exit code last.
    async fn inside(&self, policy: &Policy, script: &str) -> String {
        let spec = self.sandbox.wrap(self.spec(script), policy);
        let done = process::run(&spec, &CancellationToken::new(), |_| ())
            .await
            .unwrap();
        assert!(!self.sandbox.failed(&done), "{}", done.err());
        format!("{}{:?}", done.out(), done.code())
    }
}

#[tokio::test]
async fn an_agent_sees_and_writes_what_it_was_given_and_nothing_else() {
    let place = Place::new().await;
    let agent = place.agent();
    let inside = async |script: &str| place.inside(&agent, script).await;
    assert_eq!(
        inside("cat $D/read/file; cat $D/write/file").await,
        "readwriteSome(0)"
    );
    assert_eq!(inside("echo new > $D/write/new").await, "Some(0)");
    assert_eq!(
        std::fs::read_to_string(place.at("write/new")).unwrap(),
        "new\n"
    );
    for act in [
        "echo x > $D/read/file",
        "echo x > $D/read/new",
        "rm $D/read/file",
        "mkdir /usr/new",
        "echo x > /etc/hosts",
        "cat $D/read/secret/file",
        "cat $D/other/file",
        "ls $D/other",
        "ls $HOME",
        "ls /root",
        "ls /home",
        "cat /etc/shadow",
        "ls /var/run",
        "ls /etc/cron.d",
        "ln -s $D/other $D/write/way; cat $D/write/way/file",
    ] {
        let said = inside(&format!("({act}) 2>/dev/null")).await;
        assert!(
            said.starts_with("Some(") && said != "Some(0)",
            "{act}: {said}"
        );
    }
    // Only the way to what was given is there.
    assert_eq!(
        inside("ls -A $D $D/read/secret /run")
            .await
            .matches("other")
            .count(),
        0
    );
    assert_eq!(
        inside("ls -A $D/read/secret /run | grep -v :$ | grep -v '^secloop$' | grep .").await,
        "Some(1)"
    );
    assert_eq!(
        std::fs::read_to_string(place.at("read/file")).unwrap(),
        "read"
    );
    // What is written to hidden and temporary places stays there.
    assert_eq!(
        inside("echo x > $D/read/secret/file && echo x > /tmp/x").await,
        "Some(0)"
    );
    assert_eq!(
        std::fs::read_to_string(place.at("read/secret/file")).unwrap(),
        "read/secret"
    );
}

#[tokio::test]
async fn looking_sees_the_machine_but_not_what_is_hidden_nor_any_socket_of_a_daemon() {
    let place = Place::new().await;
    let look = place.look();
    let inside = async |script: &str| place.inside(&look, script).await;
    assert_eq!(
        inside("cat $D/other/file; test -e /etc/passwd").await,
        "otherSome(0)"
    );
    for act in [
        "echo x > $D/write/file",
        "echo x > $D/new",
        "cat $D/read/secret/file",
        "touch /etc/new",
        "ls -A /run | grep -v '^secloop$'",
        "ls -A /var/run/ | grep -v '^secloop$'",
        "test -n \"$(ls -A /var/tmp)\"",
        "test -e /run/docker.sock",
    ] {
        let said = inside(&format!("({act}) 2>/dev/null")).await;
        assert!(
            said.starts_with("Some(") && said != "Some(0)",
            "{act}: {said}"
        );
    }
}

#[tokio::test]
async fn other_processes_are_neither_seen_nor_signalled_and_no_right_is_left() {
    let place = Place::new().await;
    for policy in [place.agent(), place.look()] {
        let inside = async |script: &str| place.inside(&policy, script).await;
        let count = inside("ls /proc | grep -c '^[0-9]'").await;
        let count: u32 = count.trim_end_matches("\nSome(0)").parse().unwrap();
        assert!(count <= 6, "{count} processes are seen");
        let pid = std::process::id();
        assert_ne!(
            inside(&format!("kill -0 {pid} 2>/dev/null")).await,
            "Some(0)"
        );
        // Nothing of this process's environment is passed on.
        let said = inside("tr '\\0' '\\n' < /proc/1/environ; env").await;
        assert!(!said.contains("CARGO"), "{said}");
        let said = inside("grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status").await;
        let said: Vec<&str> = said.split_whitespace().collect();
        assert_eq!(
            said,
            [
                "CapEff:",
                "0000000000000000",
                "CapBnd:",
                "0000000000000000",
                "NoNewPrivs:",
                "1",
                "Some(0)"
            ]
        );
        for act in [
            "mount -t tmpfs none /tmp",
            "echo 1 > /proc/sys/kernel/panic",
            "umount /proc",
        ] {
            let said = inside(&format!("({act}) 2>/dev/null")).await;
            assert!(
                said != "Some(0)" && said.starts_with("Some("),
                "{act}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn an_exit_code_and_standard_input_pass_through() {
    let place = Place::new().await;
    let mut spec = place.spec("cat; exit 7");
    spec.stdin = b"through".to_vec();
    let spec = place.sandbox.wrap(spec, &place.agent());
    let never = CancellationToken::new();
    let done = process::run(&spec, &never, |_| ()).await.unwrap();
    assert_eq!((done.out().as_str(), done.code()), ("through", Some(7)));
    // A path that is not there can't be confined to: this is no answer of the program's.
    let mut policy = place.agent();
    policy.write.push(place.at("not-there"));
    let spec = place.sandbox.wrap(place.spec("true"), &policy);
    let done = process::run(&spec, &never, |_| ()).await.unwrap();
    assert!(place.sandbox.failed(&done), "{done:?}");
    assert!(!Sandbox::Off.failed(&done));
}

/// The pipe is open as long as anybody lives that holds it.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a parent that dies")]
async fn whoever_is_inside_dies_with_the_one_who_started_it() {
    let place = Place::new().await;
    let spec = place.spec("trap '' TERM HUP; echo up; sleep 60 & wait");
    let spec = place.sandbox.wrap(spec, &place.agent());
    let parent: &Path = Path::new("/bin/sh");
    let mut parent = Command::new(parent)
        .args(["-c", "\"$@\" & wait", "sh"])
        .arg(&spec.program)
        .args(&spec.args)
        .envs(&spec.env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = parent.stdout.take().unwrap();
    let mut up = [0_u8; 3];
    out.read_exact(&mut up).unwrap();
    let since = Instant::now();
    parent.kill().unwrap();
    parent.wait().unwrap();
    out.read_to_end(&mut Vec::new()).unwrap();
    assert!(
        since.elapsed() < Duration::from_secs(45),
        "{:?}",
        since.elapsed()
    );
}

/// A read-only view and the want of a network do not close a socket's file.
#[tokio::test]
async fn a_daemons_socket_below_the_home_is_not_answered() {
    let place = Place::new().await;
    let home = place.at("home").canonicalize().unwrap();
    std::fs::create_dir_all(home.join(".docker/desktop")).unwrap();
    let socket = home.join(".docker/desktop/docker.sock");
    let _daemon = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let connect = "import socket,sys\nsocket.socket(socket.AF_UNIX).connect(sys.argv[1])";
    let spec = |policy: &Policy| {
        let spec = Spec::new("/usr/bin/env", "/", Duration::from_mins(1))
            .args(["python3", "-c", connect])
            .args([&socket])
            .env("PATH", "/usr/bin:/bin");
        place.sandbox.wrap(spec, policy)
    };
    let never = CancellationToken::new();
    let open = process::run(&spec(&place.look()), &never, |_| ())
        .await
        .unwrap();
    assert!(open.ok(), "{}", open.err());
    let covered = place.look().without_sockets(&home);
    let done = process::run(&spec(&covered), &never, |_| ()).await.unwrap();
    assert_eq!(done.code(), Some(1), "{}", done.err());
    assert!(done.err().contains("refused"), "{}", done.err());
}
