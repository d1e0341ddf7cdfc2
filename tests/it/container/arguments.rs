//! The command lines, for every engine on every platform.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use secloop::sandbox::Network;
use secloop::sandbox::container::{Arguments, Common, Kind, Name};

fn agent(kind: Kind, network: &Network) -> Vec<String> {
    let name = Name("secloop-1".to_owned());
    let common = Common {
        kind,
        image: "localhost/image:1",
        name: &name,
        dir: Path::new("/state/containers"),
    };
    let passed = [OsStr::new("ANTHROPIC_API_KEY")];
    let command = ["claude", "-p"].map(OsString::from);
    words(Arguments::agent(
        common,
        network,
        &[("HOME", "/work/run/home")],
        &passed,
        &command,
    ))
}

fn words(args: Arguments) -> Vec<String> {
    args.words
        .into_iter()
        .map(|w| w.into_string().unwrap())
        .collect()
}

fn proxy() -> Network {
    Network::Proxy {
        socket: "/run/x/proxy".into(),
        port: 4711,
    }
}

#[test]
fn the_command_lines_of_the_three_engines() {
    let lines = |kind| {
        let mut text = String::new();
        for word in agent(kind, &proxy()) {
            text.push_str(if word.starts_with('-') { "\n" } else { " " });
            text.push_str(&word);
        }
        text
    };
    insta::assert_snapshot!("podman", lines(Kind::Podman));
    insta::assert_snapshot!("docker", lines(Kind::Docker));
    insta::assert_snapshot!("apple", lines(Kind::Apple));
}

/// Whatever a policy says: the host's network, its directories and its rights are never inside.
#[test]
fn nothing_of_the_host_is_inside_but_the_proxys_socket() {
    for kind in [Kind::Podman, Kind::Docker, Kind::Apple] {
        for network in [Network::None, Network::Host, proxy()] {
            let args = agent(kind, &network);
            let after = |flag: &str| -> Vec<&str> {
                let pairs = args.windows(2).filter(|w| w[0] == flag);
                pairs.map(|w| w[1].as_str()).collect()
            };
            let volumes = after("--volume");
            assert_eq!(volumes[0], "secloop-1:/work");
            match network {
                Network::Proxy { .. } => {
                    assert_eq!(volumes[1..], ["/run/x/proxy:/run/secloop/proxy"]);
                }
                _ => assert_eq!(volumes.len(), 1),
            }
            let none = if kind == Kind::Apple {
                "secloop-none"
            } else {
                "none"
            };
            assert_eq!(after("--network"), [none]);
            assert_eq!(after("--user"), ["1000:1000"]);
            for never in [
                "--privileged",
                "--cap-add",
                "--device",
                "--mount",
                "--publish",
                "-v",
                "host",
            ] {
                assert!(!args.iter().any(|a| a == never), "{never}");
            }
            assert!(
                !args
                    .iter()
                    .any(|a| a.contains("unconfined") || a.contains("docker.sock"))
            );
        }
    }
}

/// What is secret is in the client's environment, and not in the arguments that everybody sees.
#[test]
fn a_variable_is_passed_by_its_name() {
    let args = agent(Kind::Docker, &Network::None);
    let at = args.iter().position(|a| a == "ANTHROPIC_API_KEY").unwrap();
    assert_eq!(args[at - 1], "--env");
    assert!(!args.iter().any(|a| a.starts_with("ANTHROPIC_API_KEY=")));
    let image = args.iter().position(|a| a == "localhost/image:1").unwrap();
    assert_eq!(args[image + 1..], ["claude", "-p"]);
}
