//! A real podman.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secloop::config::{Env, SandboxConfig};
use secloop::process::{Ended, Spec};
use secloop::sandbox::Network;
use secloop::sandbox::container::{Container, Taken, Work, sweep};
use tokio_util::sync::CancellationToken;

use crate::support::git::write;
use crate::support::podman::{Podman, podman};

/// A working copy, a place for the agent's files, and the engine.
struct Place {
    dir: tempfile::TempDir,
    container: Container,
    podman: &'static Podman,
}

impl Place {
    async fn new() -> Option<Self> {
        let podman = podman()?;
        let dir = tempfile::tempdir().unwrap();
        write(
            &dir.path().join("clone/repo/site.yml"),
            "- hosts: localhost\n",
        );
        std::fs::create_dir(dir.path().join("run")).unwrap();
        let container = found(podman, &dir.path().join("state")).await;
        Some(Self {
            dir,
            container,
            podman,
        })
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("clone/repo")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    async fn ran(&self, spec: Spec, network: &Network, cancel: &CancellationToken) -> Taken {
        let run = self.dir.path().join("run");
        let work = Work {
            repo: &self.repo(),
            run: &run,
            network,
        };
        let ran = self
            .container
            .run(spec, work, cancel, |_| ())
            .await
            .unwrap();
        self.nothing_is_left();
        ran
    }

    /// Runs a script as the agent; what it says, and its code.
    async fn says(&self, script: &str) -> String {
        let done = self
            .ran(shell(script), &Network::None, &CancellationToken::new())
            .await
            .done;
        format!("{}{}{:?}", done.out(), done.err(), done.code())
    }

    fn nothing_is_left(&self) {
        let records = std::fs::read_dir(self.state().join("containers")).unwrap();
        let names: Vec<OsString> = records.map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["seccomp.json"]);
    }
}

fn shell(script: &str) -> Spec {
    Spec::new("/bin/sh", "/", Duration::from_mins(2)).args(["-c", script])
}

async fn found(podman: &Podman, state: &Path) -> Container {
    let path = std::env::var("PATH").unwrap();
    let mut env: Env = BTreeMap::from([("PATH".to_owned(), path.clone())]);
    env.extend(podman.env.iter().cloned());
    env.extend(std::env::var("HOME").map(|home| ("HOME".to_owned(), home)));
    let config = SandboxConfig {
        level: secloop::config::Level::Container,
        engine: "podman".to_owned(),
        image: podman.image.clone(),
        ..SandboxConfig::default()
    };
    std::fs::create_dir_all(state).unwrap();
    Container::find(&config, state, &env, path.as_ref())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_copy_goes_in_what_was_made_comes_out_and_nothing_stays() {
    let Some(place) = Place::new().await else {
        return;
    };
    let script = "pwd; id -u; cat site.yml; echo new > new.yml; echo '{}' > $CLAUDE_CONFIG_DIR/t.jsonl; exit 5";
    assert_eq!(
        place.says(script).await,
        "/work/repo\n1000\n- hosts: localhost\nSome(5)"
    );
    assert_eq!(
        std::fs::read_to_string(place.repo().join("new.yml")).unwrap(),
        "new\n"
    );
    let transcript = place.dir.path().join("run/claude/t.jsonl");
    assert_eq!(std::fs::read_to_string(transcript).unwrap(), "{}\n");
    let (_, volumes) = place.podman.run(&["volume", "ls", "--quiet"], &[]);
    let (_, all) = place
        .podman
        .run(&["ps", "--all", "--format", "{{.Names}}"], &[]);
    assert!(
        !all.contains("secloop-") || !volumes.contains(all.trim()),
        "{all}"
    );
}

#[tokio::test]
async fn inside_there_is_nothing_of_the_host_and_no_right() {
    let Some(place) = Place::new().await else {
        return;
    };
    let status = place
        .says("grep -E '^(NoNewPrivs|CapBnd|CapEff|Seccomp):' /proc/self/status | tr -d '\\t'")
        .await;
    assert_eq!(
        status,
        "CapEff:0000000000000000\nCapBnd:0000000000000000\nNoNewPrivs:1\nSeccomp:2\nSome(0)"
    );
    for act in [
        // Written nowhere but to its own places.
        "echo x > /x",
        "echo x > /etc/x",
        "echo x > /usr/bin/x",
        "echo x > /run/x",
        // No new namespaces, by which podman's own filter lets through what is mounted in them.
        "unshare --user true",
        "unshare --user --mount true",
        // The kernel's own settings.
        "echo x > /proc/sys/kernel/core_pattern",
        "echo x > /proc/sysrq-trigger",
        // Nobody is there but itself.
        "kill -0 2",
        "ls /home/*",
        "ls /var/run/docker.sock /run/podman",
        // No network but its own loopback.
        "(exec 3<>/dev/tcp/1.1.1.1/53)",
        "grep -v '^Inter\\|^ face\\|lo:' /proc/net/dev",
    ] {
        let said = place.says(&format!("({act}) >/dev/null 2>&1")).await;
        assert!(
            said.starts_with("Some(") && said != "Some(0)",
            "{act}: {said}"
        );
    }
    let env = place.says("env").await;
    assert!(!env.contains("CARGO") && !env.contains("SECLOOP"), "{env}");
}

#[tokio::test]
async fn bombs_go_off_inside() {
    let Some(place) = Place::new().await else {
        return;
    };
    let processes = "n=0; while [ $n -lt 800 ]; do sleep 60 & n=$((n+1)); done; echo all";
    let said = place.says(processes).await;
    assert!(!said.starts_with("all"), "{said}");
    let file = "head -c 300000000 /dev/zero > big; ls -l big | tr -s ' ' | cut -d' ' -f5";
    let said = place
        .says(&format!("({file}) 2>/dev/null; rm -f big"))
        .await;
    assert!(!said.contains("300000000"), "{said}");
    let temporary = "head -c 400000000 /dev/zero > /tmp/big";
    assert_ne!(
        place.says(&format!("{temporary} 2>/dev/null")).await,
        "Some(0)"
    );
}

#[tokio::test]
async fn it_starts_nothing_where_the_container_is_not_what_it_has_to_be() {
    let Some(place) = Place::new().await else {
        return;
    };
    let image = place.podman.image.as_str();
    let limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=256:256"];
    for (args, why) in [
        (vec![], "not marked as a sandbox"),
        (
            vec!["--env", "AGENT_SANDBOX=1", "--user", "0"],
            "this is root",
        ),
        (vec!["--env", "AGENT_SANDBOX=1"], "capabilities"),
        (
            vec!["--env", "AGENT_SANDBOX=1", "--cap-drop", "ALL"],
            "new rights",
        ),
        (
            vec![
                "--env",
                "AGENT_SANDBOX=1",
                "--cap-drop",
                "ALL",
                "--security-opt",
                "no-new-privileges",
                "--security-opt",
                "seccomp=unconfined",
            ],
            "no filter",
        ),
    ] {
        let args = [
            &["run", "--rm", "--network", "none"],
            &limits[..],
            &args[..],
        ]
        .concat();
        let (code, said) = place.podman.run(&args, &[image, "echo", "it works"]);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains(why) && !said.contains("it works"), "{said}");
    }
}

#[tokio::test]
async fn what_a_link_or_a_second_name_would_bring_out_is_refused() {
    let Some(place) = Place::new().await else {
        return;
    };
    let script = "ln site.yml second.yml";
    let ran = place
        .ran(shell(script), &Network::None, &CancellationToken::new())
        .await;
    assert!(ran.done.ok(), "{}", ran.done.err());
    assert!(ran.lost.unwrap().contains("hard link"));
    // What went in is not taken for what came out.
    assert!(!place.repo().exists());
}

#[tokio::test]
async fn whoever_does_not_end_is_ended_with_its_container() {
    let Some(place) = Place::new().await else {
        return;
    };
    let mut spec =
        shell("trap '' INT TERM; echo made > made.yml; echo up; while :; do sleep 1; done");
    spec.interrupt = Some(Duration::from_millis(500));
    spec.grace = Duration::from_millis(500);
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let run = place.dir.path().join("run");
    let work = Work {
        repo: &place.repo(),
        run: &run,
        network: &Network::None,
    };
    let ran = place.container.run(spec, work, &cancel, |line| {
        if line.text == "up" {
            stop.cancel();
        }
    });
    let ran = ran.await.unwrap();
    assert_eq!(
        (ran.done.ended, ran.done.survived),
        (Ended::Cancelled, false)
    );
    assert_eq!(ran.lost, None);
    assert_eq!(
        std::fs::read_to_string(place.repo().join("made.yml")).unwrap(),
        "made\n"
    );
    place.nothing_is_left();
}

/// The proxy's socket is the one thing of the host's, and its port the one way out.
#[tokio::test]
async fn the_way_to_the_proxy_is_open() {
    let Some(place) = Place::new().await else {
        return;
    };
    if secloop::process::find_on_path("socat", &std::env::var_os("PATH").unwrap()).is_none() {
        assert_ne!(
            std::env::var("SECLOOP_REQUIRE_PODMAN").as_deref(),
            Ok("1"),
            "no socat"
        );
        return;
    }
    let socket = place.dir.path().join("proxy");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let server = std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::{Read as _, Write as _};
            let mut stream = stream.unwrap();
            let mut asked = String::new();
            let _ = stream.read_to_string(&mut asked);
            if asked == "asked\n" {
                stream.write_all(b"answered\n").unwrap();
                return;
            }
        }
    });
    let network = Network::Proxy { socket, port: 4711 };
    let script = "echo asked | socat -t 20 - TCP:127.0.0.1:4711";
    let ran = place
        .ran(shell(script), &network, &CancellationToken::new())
        .await;
    assert_eq!(ran.done.out(), "answered\n", "{}", ran.done.err());
    server.join().unwrap();
}

#[tokio::test]
async fn an_image_that_is_not_there_is_an_error_with_the_cure() {
    let Some(place) = Place::new().await else {
        return;
    };
    let config = SandboxConfig {
        level: secloop::config::Level::Container,
        engine: "podman".to_owned(),
        image: "localhost/not-there:1".to_owned(),
        ..SandboxConfig::default()
    };
    let path = std::env::var("PATH").unwrap();
    let env = BTreeMap::from([("PATH".to_owned(), path.clone())]);
    let found = Container::find(&config, &place.state(), &env, path.as_ref()).await;
    let why = found.unwrap_err();
    assert!(
        why.contains("secloop image") && why.contains("podman build"),
        "{why}"
    );
}

/// A record of a secloop that is dead names what is to be removed.
#[tokio::test]
async fn the_containers_of_a_dead_secloop_are_removed() {
    let Some(place) = Place::new().await else {
        return;
    };
    let name = format!("secloop-{}", uuid::Uuid::new_v4().simple());
    let agent = format!("{name}-agent");
    let limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=256:256"];
    let args = [
        "run",
        "--detach",
        "--name",
        &agent,
        "--network",
        "none",
        "--entrypoint",
        "sleep",
    ];
    let (image, volume) = (place.podman.image.as_str(), format!("{name}:/work"));
    let args = [&args[..], &limits, &["--volume", &volume, image, "600"]].concat();
    let (code, said) = place.podman.run(&args, &[]);
    assert_eq!(code, Some(0), "{said}");
    let mut env = BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").unwrap())]);
    env.extend(place.podman.env.iter().cloned());
    let path = std::env::var_os("PATH").unwrap();
    let record = |started: u64, pid: u32| {
        let program = secloop::process::find_on_path("podman", &path);
        let mut owner = serde_json::to_value(secloop::process::own_identity()).unwrap();
        if started > 0 {
            owner["pid"] = pid.into();
            owner["started"] = started.into();
            owner["start"] = started.into();
        }
        serde_json::json!({
            "owner": owner, "name": name,
            "engine": {"kind": "podman", "program": program, "env": env},
        })
    };
    let file = place.state().join(format!("containers/{name}.json"));
    // That of a living one stays.
    std::fs::write(&file, record(0, 0).to_string()).unwrap();
    assert!(sweep(&place.state()).await);
    assert_eq!(
        place.podman.run(&["container", "inspect", &agent], &[]).0,
        Some(0)
    );
    std::fs::write(&file, record(1, std::process::id()).to_string()).unwrap();
    assert!(sweep(&place.state()).await);
    assert_ne!(
        place.podman.run(&["container", "inspect", &agent], &[]).0,
        Some(0)
    );
    assert_ne!(
        place.podman.run(&["volume", "inspect", &name], &[]).0,
        Some(0)
    );
    place.nothing_is_left();
}
