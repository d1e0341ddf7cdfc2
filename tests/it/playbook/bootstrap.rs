//! How Ansible is brought, with programs on `PATH` that stand for what may be there.

mod machine;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use secloop::config::AnsibleRuntime;
use secloop::playbook::bootstrap::look;

use self::machine::Machine;

const FITTING: &str = "3.12.7 cpython-312";
const NO_NETWORK: &str =
    "echo 'ERROR: Could not find a version that satisfies ansible-core' >&2; exit 1";

#[tokio::test]
async fn an_environment_is_built_once_and_found_again() {
    let machine = Machine::new();
    machine.python(FITTING, "");
    let said = look(
        AnsibleRuntime::Managed,
        &machine.at("cache"),
        &machine.path(),
    )
    .await;
    assert!(said.unwrap().contains("will be brought with the first run"));
    let first = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
    assert_eq!(first.version, "2.19.99");
    assert!(first.describe().contains("managed"), "{}", first.describe());
    assert_eq!(first.notes, Vec::<String>::new());
    let dirs = machine.environments();
    assert_eq!(dirs.len(), 1, "nothing is left beside it: {dirs:?}");
    assert!(first.ansible_playbook.starts_with(&dirs[0]));
    let log = machine.log();
    assert!(
        log.contains("--require-hashes") && log.contains("--only-binary :all:"),
        "{log}"
    );
    let mode = machine
        .at("cache/runtime")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);

    let again = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
    assert_eq!(again.ansible_playbook, first.ansible_playbook);
    assert_eq!(machine.log().matches("-m venv").count(), 1);
    let said = look(
        AnsibleRuntime::Managed,
        &machine.at("cache"),
        &machine.path(),
    )
    .await;
    assert_eq!(said.unwrap(), first.describe());

    // Another Python is another environment.
    machine.python("3.13.1 cpython-313", "");
    let other = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
    assert_ne!(other.ansible_playbook, first.ansible_playbook);
}

#[tokio::test]
async fn half_of_an_environment_is_not_used_and_makes_way_for_a_whole_one() {
    let machine = Machine::new();
    machine.python(FITTING, "");
    let whole = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
    let dir = machine.environments().remove(0);
    // Each is what a crash, or an update of the system, may leave.
    for lost in ["secloop-runtime", "bin/ansible-playbook", "bin/python"] {
        std::fs::remove_file(dir.join(lost)).unwrap();
        std::fs::write(dir.join("rest"), "of before").unwrap();
        let again = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
        assert_eq!(again.ansible_playbook, whole.ansible_playbook, "{lost}");
        assert!(dir.join(lost).is_file(), "{lost}");
        assert!(!dir.join("rest").exists(), "{lost}: it was built anew");
    }
    assert_eq!(machine.environments(), std::slice::from_ref(&dir));
    assert_eq!(machine.log().matches("-m venv").count(), 4);

    // A build that was killed long ago is cleared away by the next; one that may be going on now
    // is not.
    let (old, new) = (
        dir.with_file_name("building-a"),
        dir.with_file_name("building-b"),
    );
    for beside in [&old, &new] {
        std::fs::create_dir_all(beside.join("venv")).unwrap();
    }
    let long_ago = std::time::UNIX_EPOCH;
    std::fs::File::open(&old)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    std::fs::remove_file(dir.join("secloop-runtime")).unwrap();
    machine.obtain(AnsibleRuntime::Managed).await.unwrap();
    assert!(!old.exists() && new.exists());
}

#[tokio::test]
async fn where_nothing_can_be_installed_a_new_enough_ansible_on_path_is_used_and_this_is_said() {
    let machine = Machine::new();
    machine.python(FITTING, NO_NETWORK);
    machine.ansible("2.15.0");
    let found = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
    assert_eq!(found.version, "2.15.0");
    assert!(found.describe().contains("on PATH"), "{}", found.describe());
    let note = found.notes.join("\n");
    assert!(
        note.starts_with("using the Ansible on PATH, since the managed Ansible could not be")
            && note.contains("Could not find a version that satisfies ansible-core"),
        "{note}"
    );
    assert_eq!(
        machine.environments(),
        Vec::<PathBuf>::new(),
        "no half of one"
    );
    // With a network it is the managed one again.
    machine.python(FITTING, "");
    let found = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
    assert_eq!(found.version, "2.19.99");
}

#[tokio::test]
async fn an_installation_that_does_not_run_is_not_kept() {
    let machine = Machine::new();
    machine.python(FITTING, "");
    let python = std::fs::read_to_string(machine.at("bin/python3")).unwrap();
    machine.program(
        "python3",
        &python.replace("[core 2.19.99]", "Traceback (most recent call last)"),
    );
    let why = machine.obtain(AnsibleRuntime::Managed).await.unwrap_err();
    assert!(why.contains("does not tell its version"), "{why}");
    assert_eq!(machine.environments(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_ansible_that_is_too_old_or_missing_is_an_error_with_the_cure() {
    let machine = Machine::new();
    machine.python(FITTING, NO_NETWORK);
    for (version, why) in [
        (None, "there is no ansible-playbook on PATH"),
        (
            Some("2.14.18"),
            "is ansible-core 2.14.18, 2.15 is the oldest that will do",
        ),
        (
            Some("1.9"),
            "is ansible-core 1.9, 2.15 is the oldest that will do",
        ),
        (
            Some("two"),
            "is ansible-core two, 2.15 is the oldest that will do",
        ),
    ] {
        if let Some(version) = version {
            machine.ansible(version);
        }
        let said = machine.obtain(AnsibleRuntime::Path).await.unwrap_err();
        assert!(
            said.contains(why) && said.contains("install ansible-core"),
            "{said}"
        );
        let said = machine.obtain(AnsibleRuntime::Managed).await.unwrap_err();
        assert!(
            said.contains(why)
                && said.contains("could not be installed")
                && said.contains("Install Python 3.11 or newer with venv"),
            "{said}"
        );
    }
    machine.program(
        "ansible-playbook",
        "#!/bin/sh\necho no module named ansible >&2; exit 1\n",
    );
    let said = machine.obtain(AnsibleRuntime::Path).await.unwrap_err();
    assert!(said.contains("no module named ansible"), "{said}");
    // `path` asks for no environment. What Ansible leaves in its home is gone afterwards.
    let log = machine.at("log");
    machine.program(
        "ansible-playbook",
        &format!(
            "#!/bin/sh\nmkdir \"$HOME/.ansible\" && echo \"$HOME\" > {}\n\
             echo 'ansible-playbook [core 3.0.0rc1]'\n",
            log.display()
        ),
    );
    let found = machine.obtain(AnsibleRuntime::Path).await.unwrap();
    assert_eq!((found.version.as_str(), found.notes.len()), ("3.0.0rc1", 0));
    let home = machine.log();
    assert!(
        home.starts_with('/') && !std::path::Path::new(home.trim()).exists(),
        "{home}"
    );
}

/// Pythons are also looked for where systems put them, so those are covered up.
#[test]
#[cfg(target_os = "linux")]
#[expect(
    clippy::disallowed_methods,
    reason = "the test itself, on a machine without Python"
)]
fn without_a_fitting_python_the_ansible_on_path_is_used() {
    const COVERED: &str = "SECLOOP_IT_WITHOUT_PYTHON";
    if std::env::var_os(COVERED).is_none() {
        let mut bare = std::process::Command::new("bwrap");
        bare.args(["--dev-bind", "/", "/"]);
        for dir in ["/usr/local/bin", "/usr/bin"] {
            for name in ["python3", "python3.13", "python3.12", "python3.11"] {
                if let Ok(file) = std::fs::canonicalize(format!("{dir}/{name}")) {
                    bare.args(["--ro-bind", "/dev/null"]).arg(file);
                }
            }
        }
        let name = "playbook::bootstrap::without_a_fitting_python_the_ansible_on_path_is_used";
        let done = bare
            .arg(std::env::current_exe().unwrap())
            .args([name, "--exact"])
            .env(COVERED, "1")
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success() && out.contains("1 passed"),
            "{out}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let machine = Machine::new();
        let why = machine.obtain(AnsibleRuntime::Managed).await.unwrap_err();
        assert!(
            why.contains("no Python 3.11 or newer with venv was found"),
            "{why}"
        );
        machine.ansible("2.16.3");
        // One is too old, one is a shim that answers and can't run anything.
        machine.python("3.10.14 cpython-310", "");
        machine.program(
            "python3.12",
            "#!/bin/sh\necho 'no version is set' >&2; exit 127\n",
        );
        let found = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
        assert_eq!(found.version, "2.16.3");
        assert!(
            found.notes[0].contains("no Python 3.11"),
            "{:?}",
            found.notes
        );
        let said = look(
            AnsibleRuntime::Managed,
            &machine.at("cache"),
            &machine.path(),
        )
        .await;
        assert!(said.unwrap().contains("2.16.3"));
        // A fitting one with another name is found.
        machine.python(FITTING, "");
        std::fs::rename(machine.at("bin/python3"), machine.at("bin/python3.13")).unwrap();
        let found = machine.obtain(AnsibleRuntime::Managed).await.unwrap();
        assert_eq!(found.version, "2.19.99");
    });
}
