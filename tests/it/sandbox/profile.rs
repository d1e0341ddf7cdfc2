//! The profile of macOS, read and judged as text.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use secloop::process::Spec;
use secloop::sandbox::boundary::{Act, EXPECTED, Expectation, On, Target, Wanted};
use secloop::sandbox::{Cover, Network, Policy, seatbelt};

use super::sbpl::{Kind, Profile, Query, Subject, lint, read};

const HOME: &str = "/Users/u";
const STATE: &str = "/Users/u/Library/Application Support/secloop";
const PORT: u16 = 4711;

fn work() -> String {
    format!("{STATE}/work/clone-1/repo")
}

fn temp() -> String {
    format!("{STATE}/runs/1/tmp")
}

fn agent() -> Policy {
    let run = PathBuf::from(format!("{STATE}/runs/1"));
    let write = vec![PathBuf::from(work()), run];
    Policy {
        network: Network::Proxy {
            socket: "/private/tmp/secloop-x/proxy".into(),
            port: PORT,
        },
        ..Policy::agent(vec!["/opt/claude/claude".into()], write)
    }
}

fn arguments(policy: &Policy) -> Vec<String> {
    let spec = Spec::new("/bin/sh", "/", Duration::from_mins(1)).args(["-c", "true"]);
    let wrapped = seatbelt::wrap(Path::new("/usr/bin/sandbox-exec"), spec, policy);
    let args = wrapped.args.iter().map(|a| a.to_str().unwrap().to_owned());
    args.collect()
}

fn judged(policy: &Policy) -> Profile {
    let args = arguments(policy);
    Profile::of(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// As the kernel names it.
fn canonical(path: &str) -> String {
    let linked = ["/tmp", "/var", "/etc"];
    let top = linked
        .iter()
        .any(|t| path == *t || path.starts_with(&format!("{t}/")));
    format!("{}{path}", if top { "/private" } else { "" })
}

/// What has to be allowed for an act to succeed; `None` where no profile tells.
fn needed(row: &Expectation) -> Option<Vec<(&'static str, Needed)>> {
    let place = match row.target {
        Target::Outside => format!("{HOME}/project/file"),
        Target::OutsideDir => format!("{HOME}/project"),
        Target::Home => HOME.to_owned(),
        Target::InHome(below) => format!("{HOME}/{below}"),
        Target::System(path) => canonical(path),
        Target::HostTemp => canonical("/tmp"),
        Target::Work => work(),
        Target::Above => format!("{STATE}/work/clone-1"),
        Target::Temp => temp(),
        Target::Socket => format!("{HOME}/.docker/run/docker.sock"),
        _ => String::new(),
    };
    let path = |operation| vec![(operation, Needed::Path(place.clone()))];
    let new = |operation| vec![(operation, Needed::Path(format!("{place}/new")))];
    let remote = |protocol, address, port| {
        vec![("network-outbound", Needed::Remote(protocol, address, port))]
    };
    let name = |operation| match row.target {
        Target::Named(name) => vec![(operation, Needed::Name(name))],
        other => panic!("{other:?}"),
    };
    Some(match (row.act, row.target) {
        (Act::Read, _) => path("file-read-data"),
        (Act::Create, _) => new("file-write-create"),
        (Act::Write | Act::Truncate | Act::Dotdot | Act::Symlink, _) => path("file-write-data"),
        (Act::Delete | Act::Move, _) => path("file-write-unlink"),
        (Act::Chmod, _) => path("file-write-mode"),
        (Act::Hardlink, _) => path("file-link"),
        (Act::Connect, Target::Socket | Target::System(_)) => {
            vec![("network-outbound", Needed::Socket(place))]
        }
        (Act::Connect, Target::Loopback) => remote("tcp", "127.0.0.1", 8080),
        (Act::Connect, Target::Proxy) => remote("tcp", "127.0.0.1", PORT),
        (Act::Connect, Target::Internet) => remote("tcp", "1.1.1.1", 443),
        (Act::Send, _) => remote("udp", "127.0.0.1", 53),
        (Act::Listen, _) => vec![("network-bind", Needed::Nothing)],
        (Act::Signal, _) => vec![("signal", Needed::Others)],
        (Act::Lookup, _) => name("mach-lookup"),
        (Act::Figure, _) => name("sysctl-read"),
        (Act::Environment, _) => vec![("sysctl-read", Needed::Name("kern.procargs2"))],
        (Act::Run, Target::Named("sh -c true")) => vec![
            ("process-exec", Needed::Path("/bin/sh".to_owned())),
            ("file-read-data", Needed::Path("/bin/sh".to_owned())),
        ],
        (Act::Run, Target::Named(command)) if command.starts_with("security ") => {
            vec![("mach-lookup", Needed::Name("com.apple.SecurityServer"))]
        }
        (Act::Run | Act::Descriptor | Act::Unbounded | Act::Unfiltered | Act::Remain, _) => {
            return None;
        }
        other => panic!("{other:?}"),
    })
}

enum Needed {
    Path(String),
    Socket(String),
    Remote(&'static str, &'static str, u16),
    Name(&'static str),
    Others,
    Nothing,
}

impl Needed {
    fn subject(&self) -> Subject<'_> {
        match self {
            Self::Path(path) => Subject::Path(path, kind(path)),
            Self::Socket(path) => Subject::Socket(path),
            Self::Remote(protocol, address, port) => Subject::Remote(protocol, address, *port),
            Self::Name(name) => Subject::Name(name),
            Self::Others => Subject::Process(false),
            Self::Nothing => Subject::Nothing,
        }
    }
}

fn kind(path: &str) -> Kind {
    match path {
        "/dev/null" | "/dev/urandom" => Kind::Device,
        _ if path.ends_with("/repo") || path.ends_with("/tmp") => Kind::Directory,
        _ => Kind::File,
    }
}

fn allows(profile: &Profile, what: &str, path: &str) -> bool {
    profile.allows(&Query(what, Subject::Path(path, kind(path))))
}

#[test]
fn the_table_of_expectations_holds_for_the_profile() {
    let profile = judged(&agent());
    let mut untold = Vec::new();
    for row in EXPECTED.iter().filter(|row| row.on != On::Linux) {
        let Some(needed) = needed(row) else {
            untold.push(row.name);
            continue;
        };
        let done = needed
            .iter()
            .all(|(what, subject)| profile.allows(&Query(what, subject.subject())));
        assert_eq!(done, row.wanted == Wanted::Works, "{}", row.name);
    }
    // These are for the machine itself: `secloop doctor --boundary`.
    assert_eq!(untold, ["inherited_fd", "survive_exit", "launchd"]);
}

/// A judge who finds nothing wrong with a profile that allows everything would prove nothing.
#[test]
fn a_profile_that_allows_everything_fails_the_table() {
    let open = Profile::of(&["-p", "(version 1)(allow default)"]);
    for row in EXPECTED.iter().filter(|row| row.on != On::Linux) {
        for (what, subject) in needed(row).unwrap_or_default() {
            assert!(open.allows(&Query(what, subject.subject())), "{}", row.name);
        }
    }
}

#[test]
fn the_golden_profiles() {
    insta::assert_snapshot!("agent", shown(&agent()));
    let mut look = Policy {
        read: vec!["/tmp/export".into()],
        hide: vec![format!("{HOME}/.ssh").into()],
        ..Policy::look()
    };
    look.cover = vec![Cover {
        path: format!("{HOME}/.docker/run/docker.sock").into(),
        with: "/dev/null".into(),
    }];
    insta::assert_snapshot!("look", shown(&look));
}

/// Profile and parameters, a line each.
fn shown(policy: &Policy) -> String {
    let args = arguments(policy);
    let rest = args[2..].join("\n");
    format!("{}\n{rest}\n", args[1])
}

#[test]
fn a_look_reads_everything_but_what_is_hidden_and_changes_nothing() {
    let policy = Policy {
        hide: vec![format!("{HOME}/.ssh").into()],
        cover: vec![Cover {
            path: format!("{HOME}/.netrc").into(),
            with: "/dev/null".into(),
        }],
        ..Policy::look()
    };
    let profile = judged(&policy);
    assert!(allows(&profile, "file-read-data", "/Users/u/project/file"));
    assert!(allows(&profile, "file-read-metadata", "/Users/u/.netrc"));
    for (what, path) in [
        ("file-read-data", "/Users/u/.ssh/id_rsa"),
        ("file-read-data", "/Users/u/.netrc"),
        ("file-write-data", "/Users/u/project/file"),
        ("file-write-create", "/private/tmp/x"),
    ] {
        assert!(!allows(&profile, what, path), "{what} {path}");
    }
    for port in [1, PORT, 443] {
        let query = Query(
            "network-outbound",
            Subject::Remote("tcp", "127.0.0.1", port),
        );
        assert!(!profile.allows(&query));
    }
}

#[test]
fn what_is_protected_is_not_moved_out_of_the_way() {
    let mut policy = agent();
    policy.hide = vec![format!("{}/a/b/.ssh", work()).into()];
    let profile = judged(&policy);
    let write = |what, below: &str| allows(&profile, what, &format!("{}{below}", work()));
    for above in ["", "/a", "/a/b", "/a/b/.ssh"] {
        assert!(!write("file-write-unlink", above), "{above}");
        assert!(!write("file-write-create", above), "{above}");
    }
    for what in ["file-read-data", "file-write-data", "file-write-create"] {
        assert!(!write(what, "/a/b/.ssh/id"));
    }
    // Beside it, one works.
    for free in ["/a/b/x", "/a/x", "/x"] {
        assert!(write("file-write-create", free) && write("file-write-unlink", free));
    }
}

#[test]
fn the_profile_has_nothing_forbidden() {
    for network in [Network::None, agent().network] {
        for base in [agent(), Policy::look()] {
            let policy = Policy {
                network: network.clone(),
                ..base
            };
            assert_eq!(lint(&arguments(&policy)[1]), Ok(()));
        }
    }
    // An agent without a proxy has the host's network, and only then the resolver.
    let host = Policy {
        network: Network::Host,
        ..agent()
    };
    assert!(
        lint(&arguments(&host)[1])
            .unwrap_err()
            .contains("otherwise than by address")
    );
}

/// Names that would be something else as a part of the profile.
fn hostile() -> impl Strategy<Value = PathBuf> {
    let odd = prop_oneof![
        Just("\"".to_owned()),
        Just(")) (allow default) ;".to_owned()),
        Just("\\\"".to_owned()),
        Just("a\nb".to_owned()),
        Just("[a-z]*".to_owned()),
        Just("#\"".to_owned()),
        Just("..".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("x".repeat(300)),
        "[^/\0]{1,12}",
    ];
    let top = prop_oneof![
        Just("/tmp"),
        Just("/var/folders"),
        Just("/Users/u"),
        Just("/")
    ];
    (top, proptest::collection::vec(odd, 1..6)).prop_map(|(top, names)| {
        names
            .iter()
            .fold(PathBuf::from(top), |path, name| path.join(name))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_path_changes_what_the_rules_are(
        read in proptest::collection::vec(hostile(), 0..3),
        write in proptest::collection::vec(hostile(), 1..3),
        hide in proptest::collection::vec(hostile(), 0..3),
    ) {
        let policy = Policy { hide: hide.clone(), ..Policy {
            network: agent().network, ..Policy::agent(read, write.clone())
        }};
        let args = arguments(&policy);
        prop_assert_eq!(lint(&args[1]), Ok(()));
        let heads = |text: &str| -> Vec<String> {
            self::read(text).unwrap().iter().map(|rule| {
                rule.list().iter().map_while(|e| match e {
                    super::sbpl::Expr::Symbol(s) => Some(s.as_str()),
                    _ => None,
                }).collect::<Vec<_>>().join(" ")
            }).collect()
        };
        // Whatever the paths are, they are not in the text.
        let plain = arguments(&agent());
        for head in heads(&args[1]) {
            let known = heads(&plain[1]).contains(&head)
                || head.starts_with("deny file-");
            prop_assert!(known, "{}", head);
        }
        prop_assert!(args.iter().all(|a| !a.starts_with("-D") || a.len() <= 910));
        // And what is hidden stays so, however long its name is; nothing outside is opened.
        let profile = judged(&policy);
        prop_assert!(!allows(&profile, "file-write-data", "/Users/other/file"));
        for path in &hide {
            let inside = canonical(path.to_str().unwrap());
            let within = write.iter().any(|w| !path.starts_with(w) && w.starts_with(path));
            let same = write.contains(path);
            if !within && !same && !inside.contains("/../") {
                let id = format!("{}/id", inside.trim_end_matches('/'));
                prop_assert!(!allows(&profile, "file-read-data", &id), "{}", id);
            }
        }
    }
}
