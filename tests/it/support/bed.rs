//! A machine of a test's own, with a real systemd: this one's files below an overlay, in namespaces
//! of its own. What a playbook does to it as root is gone with it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::debs;

/// Tells a test that it runs in the bed.
const INSIDE: &str = "SECLOOP_TEST_BED";

static ONCE: std::sync::Once = std::sync::Once::new();

/// Whether the caller is in the bed. Otherwise the test of this name is run there, and has passed, or
/// there can be no bed here, which is said loudly; with `SECLOOP_REQUIRE_BED=1` that is a failure.
pub(crate) fn is_inside(test: &str) -> bool {
    is_inside_with(test, &[])
}

/// The same, where Debian's packages of these names are installed in the bed, if this machine has
/// them not: they are fetched before, since a bed has no network.
pub(crate) fn is_inside_with(test: &str, packages: &[&str]) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if let Some(why) = missing() {
        ONCE.call_once(|| skipped("every test on a machine of its own", why));
        return false;
    }
    if let Err(why) = debs::fetch(packages) {
        skipped(test, &why);
        return false;
    }
    super::station::prepare_ansible();
    let dir = tempfile::Builder::new()
        .prefix("secloop-bed-")
        .tempdir()
        .unwrap();
    let out = run(dir.path(), test);
    assert!(out.contains("1 passed"), "{out}");
    false
}

/// Past the test harness, which swallows what a passing test prints.
fn skipped(what: &str, why: &str) {
    skipped_but_for("SECLOOP_REQUIRE_BED", what, why);
}

/// The same; with 1 for this variable it is a failure.
pub(crate) fn skipped_but_for(variable: &str, what: &str, why: &str) {
    let required = std::env::var(variable);
    assert_ne!(required.as_deref(), Ok("1"), "{variable}=1, but {why}");
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what}: {why}");
}

/// Why there can be no bed.
fn missing() -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |name| secloop::process::find_on_path(name, &path).is_some();
    if std::env::consts::OS != "linux" {
        Some("it needs Linux")
    } else if secloop::process::effective_uid() != 0 {
        Some("it needs root")
    } else if !has("systemd-nspawn") || !Path::new("/lib/systemd/systemd").exists() {
        Some("it needs systemd-nspawn (package systemd-container)")
    } else if !std::fs::read_to_string("/proc/filesystems").is_ok_and(|f| f.contains("overlay")) {
        Some("it needs overlayfs")
    } else {
        None
    }
}

/// Runs one test of this binary as a unit of a machine that ends with it; gives its output.
#[expect(
    clippy::disallowed_methods,
    reason = "the test itself, on a machine of its own"
)]
fn run(dir: &Path, test: &str) -> String {
    let mut unit = String::from(
        "[Unit]\nAfter=basic.target dbus.socket\nRequires=basic.target\n\
         SuccessAction=exit\nFailureAction=exit\n\
         [Service]\nType=oneshot\nStandardOutput=file:/bed.out\nStandardError=inherit\n\
         WorkingDirectory=/\n",
    );
    for (name, value) in std::env::vars().chain([(INSIDE.to_owned(), "1".to_owned())]) {
        let quoted = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('%', "%%");
        if !quoted.contains('\n') {
            let _ = writeln!(unit, "Environment=\"{name}={quoted}\"");
        }
    }
    let program = std::env::current_exe().unwrap();
    let program = program.display();
    // Read-only in a container of this kind; bubblewrap sets what is in it for its own namespace.
    unit.push_str(
        "ExecStartPre=mount --bind /proc/sys/user /proc/sys/user\n\
         ExecStartPre=mount -o remount,bind,rw /proc/sys/user\n",
    );
    let _ = writeln!(unit, "ExecStart={program} {test} --exact --nocapture");
    std::fs::write(dir.join("bed.service"), unit).unwrap();
    let script = r#"
        set -e
        mount --make-rprivate /
        mount -t tmpfs bed "$1"/mnt
        cd "$1"/mnt
        mkdir upper work machine
        mount -t overlay bed -o lowerdir=/,upperdir=upper,workdir=work machine
        cp "$1"/bed.service machine/etc/systemd/system/
        printf '[Unit]\nWants=bed.service\nRequires=basic.target\n' \
          >machine/etc/systemd/system/bed.target
        # Tests lie in /tmp, which a boot would empty.
        mkdir -p machine/etc/tmpfiles.d
        ln -sf /dev/null machine/etc/tmpfiles.d/tmp.conf
        SYSTEMD_NSPAWN_TMPFS_TMP=0 systemd-nspawn --quiet --boot --register=no --keep-unit \
          --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
          --private-network --link-journal=no --console=read-only --machine=bed-$$ \
          --directory="$PWD"/machine systemd.unit=bed.target </dev/null >boot.log 2>&1 \
          || echo "the machine ended with $?"
        cat machine/bed.out || cat boot.log
    "#;
    std::fs::create_dir(dir.join("mnt")).unwrap();
    let done = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(dir)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&done.stdout), text(&done.stderr))
}

/// Runs a script as root in the bed.
#[expect(clippy::disallowed_methods, reason = "what a test does to its machine")]
pub(crate) fn sh(script: &str) -> String {
    assert!(std::env::var_os(INSIDE).is_some(), "not in the bed");
    let done = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(
        done.status.success(),
        "{script}\n{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}
