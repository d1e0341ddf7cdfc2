//! Policies as argument vectors and profiles, on every platform.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secloop::process::Spec;
use secloop::sandbox::{
    Bwrap, Cover, LIMITS, Network, Policy, ROOM, Sandbox, User, View, seatbelt,
};

fn spec() -> Spec {
    let mut spec = Spec::new("/usr/bin/env", "/w", Duration::from_mins(1))
        .args(["--", "a b", "$(c)"])
        .env("HOME", "/h");
    spec.stdin = b"in".to_vec();
    spec
}

fn policy(view: View, network: Network) -> Policy {
    Policy {
        view,
        read: vec!["/r1".into(), "/r2".into()],
        write: vec!["/w".into()],
        work: None,
        scratch: Vec::new(),
        hide: vec!["/r1/secret".into()],
        cover: Vec::new(),
        network,
        user: User::Same,
        limits: LIMITS,
        room: ROOM,
        together: true,
    }
}

fn bwrap(policy: &Policy) -> Spec {
    let bwrap = Bwrap {
        program: "/usr/bin/bwrap".into(),
        version: (0, 8),
        secloop: "/opt/secloop".into(),
        scope: Err(String::new()),
    };
    bwrap.wrap(spec(), policy, "n0")
}

fn words(spec: &Spec) -> Vec<&str> {
    spec.args.iter().map(|a| a.to_str().unwrap()).collect()
}

#[test]
fn the_whole_vector_of_bubblewrap_for_looking() {
    let wrapped = bwrap(&policy(View::WholeReadOnly, Network::None));
    let wanted = "--die-with-parent --new-session --unshare-all --unshare-user --disable-userns \
                  --cap-drop ALL --ro-bind / / --dev /dev --proc /proc \
                  --size 268435456 --tmpfs /dev/shm --ro-bind-try /proc/sys /proc/sys \
                  --ro-bind-try /proc/irq /proc/irq --ro-bind-try /proc/bus /proc/bus \
                  --ro-bind-try /proc/sysrq-trigger /proc/sysrq-trigger \
                  --size 65536 --tmpfs /run --ro-bind /opt/secloop /run/secloop \
                  --size 268435456 --tmpfs /tmp --size 268435456 --tmpfs /var/tmp \
                  --ro-bind /r1 /r1 --ro-bind /r2 /r2 --size 268435456 --tmpfs /r1/secret \
                  --bind /w /w --remount-ro /run --remount-ro /dev --remount-ro / --chdir /w \
                  -- /run/secloop inside native:n0 root 512,4294967296,268435456,4096 - \
                  r / r /r1 r /r2 w /tmp w /dev/shm w /var/tmp w /r1/secret w /w \
                  -- /usr/bin/env --";
    let mut wanted: Vec<&str> = wanted.split_whitespace().collect();
    wanted.extend(["a b", "$(c)"]);
    assert_eq!(words(&wrapped), wanted);
    assert_eq!(wrapped.program, Path::new("/usr/bin/bwrap"));
    // All else is the caller's, but for the word that one is confined.
    let marked = spec()
        .env("SECLOOP_SANDBOX", "native:n0")
        .env("AGENT_SANDBOX", "1");
    assert_eq!((wrapped.env, wrapped.stdin), (marked.env, marked.stdin));
    assert_eq!(
        (wrapped.deadline, wrapped.cwd),
        (spec().deadline, "/".into())
    );
}

#[test]
fn a_minimal_view_shows_programs_and_only_an_agent_shares_the_network() {
    let wrap = |network| bwrap(&policy(View::Minimal, network));
    let (with, without) = (wrap(Network::Host), wrap(Network::None));
    let (with, without) = (words(&with), words(&without));
    assert!(!without.contains(&"--share-net"));
    let rest: Vec<&str> = with
        .iter()
        .copied()
        .filter(|w| *w != "--share-net")
        .collect();
    assert_eq!(rest, without, "nothing else differs");
    for never in [
        "/",
        "/home",
        "/root",
        "/etc",
        "/var/run",
        "/run/docker.sock",
        "/etc/shadow",
    ] {
        let shown = without
            .windows(2)
            .any(|w| w[0].contains("bind") && w[1] == never);
        assert!(!shown, "{never}");
    }
    // Later words win: what may be read, what of it is hidden, what may be written.
    let outer: Vec<&str> = without
        .iter()
        .copied()
        .take_while(|w| *w != "--chdir")
        .collect();
    let at = |word: &str| outer.iter().rposition(|w| *w == word).unwrap();
    assert!(at("/tmp") < at("/r1") && at("/r1") < at("/r1/secret") && at("/r1/secret") < at("/w"));
}

/// A path is an argument of its own: whatever is in it can't become a rule.
#[test]
fn a_path_with_quotes_and_parentheses_is_no_part_of_the_profile() {
    let odd = PathBuf::from("/Users/a \"b\") (allow default) ;\\\n(c");
    let mut policy = policy(View::Minimal, Network::None);
    let (plain, _) = seatbelt::profile(&policy);
    policy.read[1].clone_from(&odd);
    policy.write[0].clone_from(&odd);
    policy.hide[0].clone_from(&odd);
    let (profile, parameters) = seatbelt::profile(&policy);
    let balance = |c| profile.matches(c).count();
    assert_eq!(balance('('), balance(')'));
    assert!(!profile.contains("/Users/a") && plain != profile);
    let wrapped = seatbelt::wrap(Path::new("/usr/bin/sandbox-exec"), spec(), &policy);
    let words_of = words(&wrapped);
    assert_eq!(words_of[..2], ["-p", &profile]);
    assert!(words_of.ends_with(&["--", "/usr/bin/env", "--", "a b", "$(c)"]));
    assert_eq!(words_of.len(), 2 + parameters.len() + 5);
    // Every parameter that a rule names is given, and the other way round.
    for (name, path) in &parameters {
        assert!(profile.contains(&format!("(param \"{name}\")")), "{name}");
        assert!(words_of.contains(&&*format!("-D{name}={}", path.display())));
    }
    assert_eq!(profile.matches("(param ").count(), 6, "{profile}");
    let odd = odd.to_str().unwrap();
    let wrapped = bwrap(&policy);
    assert_eq!(words(&wrapped).iter().filter(|w| **w == odd).count(), 8);
}

#[test]
fn without_confinement_nothing_is_changed() {
    let plain = Sandbox::Off.wrap(spec(), &policy(View::Minimal, Network::None));
    assert_eq!(plain.shown(), spec().shown());
    assert_eq!(plain.cwd, spec().cwd);
}

#[test]
fn the_two_policies_are_what_they_say() {
    let look = Policy::look();
    assert_eq!(
        (look.view, look.network),
        (View::WholeReadOnly, Network::None)
    );
    assert_eq!(look.write, Vec::<PathBuf>::new());
    let agent = Policy::agent(vec!["/r".into()], vec!["/w".into()]);
    assert_eq!((agent.view, agent.network), (View::Minimal, Network::Host));
}

#[test]
fn what_is_covered_stays_covered_and_what_is_hidden_needs_no_cover() {
    let mut policy = policy(View::WholeReadOnly, Network::None);
    policy.cover = ["/r1/key", "/r1/secret/key", "/w/key"]
        .map(|path| Cover {
            path: path.into(),
            with: "/dev/null".into(),
        })
        .to_vec();
    let wrapped = bwrap(&policy);
    let all = words(&wrapped).join(" ");
    assert!(all.contains("--tmpfs /r1/secret --ro-bind /dev/null /r1/key --bind /w /w"));
    assert_eq!(all.matches("/dev/null").count(), 1, "{all}");
    let (profile, parameters) = seatbelt::profile(&policy);
    let cover = parameters
        .iter()
        .find(|(_, path)| path == Path::new("/r1/key"))
        .unwrap();
    let rule = format!("(deny file-read-data (literal (param \"{}\")))", cover.0);
    assert!(profile.contains(&rule), "{profile}");
}
