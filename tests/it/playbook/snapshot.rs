//! Snapshots: everything comes back as it was, whatever a play made of it, also after a crash.

mod home;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use secloop::playbook::snapshot::{Manifest, Snapshot, take};

use self::home::Home;

/// Root may read and write everything: what an ordinary user may do is tried as one.
/// Returns whether the caller is one; otherwise the test has been run as one.
#[expect(
    clippy::disallowed_methods,
    reason = "the test itself, as somebody else"
)]
fn is_ordinary_user(test: &str) -> bool {
    use std::os::unix::process::CommandExt as _;
    if secloop::process::effective_uid() != 0 {
        return true;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = dir.path().join("it");
    let copied = std::process::Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let done = std::process::Command::new(&program)
        .args([test, "--exact", "--nocapture"])
        .current_dir("/")
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && out.contains("1 passed"),
        "{out}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    false
}

#[test]
fn everything_comes_back_and_a_second_restore_changes_nothing() {
    if secloop::process::effective_uid() != 0 {
        // The ruin is closed to an ordinary user, who has a test of his own below.
        return;
    }
    let home = Home::new();
    let (seen, snapshot) = (home.seen(), home.take());
    let mtime = home
        .at("settings.json")
        .metadata()
        .unwrap()
        .modified()
        .unwrap();
    home.ruin();
    assert!(
        !snapshot
            .manifest()
            .differences(&Manifest::of(snapshot.trees()).unwrap())
            .is_empty()
    );
    snapshot.restore().unwrap();
    assert_eq!(home.seen(), seen);
    let again = home
        .at("settings.json")
        .metadata()
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(again, mtime);
    snapshot.restore().unwrap();
    assert_eq!(home.seen(), seen);
    let now = Manifest::of(snapshot.trees()).unwrap();
    assert_eq!(snapshot.manifest().differences(&now), vec![]);
}

/// Directories that their owner may not write, or not even look into.
#[test]
fn everything_comes_back_for_an_ordinary_user_too() {
    let name = "playbook::snapshot::everything_comes_back_for_an_ordinary_user_too";
    if !is_ordinary_user(name) {
        return;
    }
    let home = Home::new();
    let (seen, snapshot) = (home.seen(), home.take());
    home.ruin();
    snapshot.restore().unwrap();
    assert_eq!(home.seen(), seen);
    // So that the directory can be removed.
    home.mode("private", 0o700);
    home.mode("hooks/deep/er", 0o700);
}

#[test]
fn a_restore_that_was_interrupted_anywhere_is_completed_by_the_next() {
    if secloop::process::effective_uid() != 0 {
        // The ruin is closed to an ordinary user, who has a test of his own below.
        return;
    }
    let home = Home::new();
    let (seen, snapshot) = (home.seen(), home.take());
    // Each path in turn is what an interrupted restore had got to: removed and not yet put back.
    for path in seen.keys().filter(|p| **p != home.tree()) {
        home.ruin();
        snapshot.restore().unwrap();
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => std::fs::remove_dir_all(path).unwrap(),
            _ => std::fs::remove_file(path).unwrap(),
        }
        let found = Snapshot::load(&home.dir.path().join("store")).unwrap();
        found.restore().unwrap();
        assert_eq!(home.seen(), seen, "{}", path.display());
    }
}

#[test]
fn pipes_and_sockets_are_seen_and_neither_read_nor_replaced() {
    let home = Home::new();
    crate::support::fifo(&home.at("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(home.at("socket")).unwrap();
    // Nobody ever writes to the pipe: whoever reads it hangs.
    let (done, wait) = std::sync::mpsc::channel();
    let (tree, store) = (home.tree(), home.dir.path().join("store"));
    std::thread::spawn(move || done.send(take(&[tree], &store)).is_ok());
    let snapshot = wait.recv_timeout(Duration::from_mins(1)).unwrap().unwrap();
    let inode = |name: &str| std::fs::symlink_metadata(home.at(name)).unwrap().ino();
    let (pipe, socket) = (inode("pipe"), inode("socket"));
    // One takes the place of a file.
    std::fs::remove_file(home.at("empty")).unwrap();
    crate::support::fifo(&home.at("empty"));
    snapshot.restore().unwrap();
    assert_eq!((inode("pipe"), inode("socket")), (pipe, socket));
    assert!(home.at("empty").metadata().unwrap().is_file());
}

/// What can't be brought back must not keep the rest from coming back.
#[test]
fn a_file_too_large_to_keep_is_named_and_the_rest_comes_back() {
    let home = Home::new();
    let large = home.at("a-large-one");
    std::fs::File::create(&large)
        .unwrap()
        .set_len((64 << 20) + 1)
        .unwrap();
    home.mode("a-large-one", 0o600);
    let snapshot = home.take();
    assert_eq!(snapshot.not_restorable(), std::slice::from_ref(&large));
    // Its mode needs no content.
    home.mode("a-large-one", 0o644);
    snapshot.restore().unwrap();
    assert_eq!(large.metadata().unwrap().mode() & 0o777, 0o600);

    std::fs::write(&large, "gone").unwrap();
    home.file("settings.json", "changed", 0o600);
    let error = snapshot.restore().unwrap_err().to_string();
    assert!(
        error.contains("a-large-one") && error.contains("too large"),
        "{error}"
    );
    let settings = std::fs::read_to_string(home.at("settings.json")).unwrap();
    assert_eq!(settings, "{}");
}

#[test]
fn what_cannot_be_read_is_named_and_nothing_is_taken() {
    let home = Home::new();
    let store = home.dir.path().join("store");
    // Reading it fails, also for root.
    if cfg!(target_os = "linux") {
        let error = take(&[home.tree(), "/proc/self/mem".into()], &store).unwrap_err();
        assert!(error.to_string().contains("/proc/self/mem"), "{error}");
        assert!(Snapshot::load(&store).is_err());
    }
    // A name that is no text can't be noted.
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9");
    let odd = home.tree().join(odd);
    std::fs::write(&odd, "x").unwrap();
    let error = take(&[home.tree()], &store).unwrap_err().to_string();
    assert!(error.contains("caf"), "{error}");
    assert!(Snapshot::load(&store).is_err());
}

#[test]
fn what_a_crashed_snapshot_left_is_not_taken_for_content() {
    let home = Home::new();
    let store = home.dir.path().join("store");
    take(&[home.tree()], &store).unwrap();
    std::fs::remove_file(store.join("manifest.json")).unwrap();
    for entry in std::fs::read_dir(&store).unwrap() {
        std::fs::write(entry.unwrap().path(), "half").unwrap();
    }
    let (seen, snapshot) = (home.seen(), home.take());
    home.ruin();
    snapshot.restore().unwrap();
    assert_eq!(home.seen(), seen);
}

#[test]
fn a_big_tree_comes_back_and_one_too_big_is_refused() {
    let home = Home::new();
    for n in 0..400 {
        home.file(&format!("many/{}/{n}", n % 50), &n.to_string(), 0o600);
    }
    let mut deep = home.at("deep");
    while deep.as_os_str().len() < 3_000 {
        deep.push("0123456789".repeat(20));
    }
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("file"), "bottom").unwrap();
    let (seen, snapshot) = (home.seen(), home.take());
    std::fs::remove_dir_all(home.at("many")).unwrap();
    std::fs::remove_dir_all(home.at("deep")).unwrap();
    snapshot.restore().unwrap();
    assert_eq!(home.seen(), seen);

    // Too much to be watched is not too much to be taken back.
    std::fs::create_dir(home.at("endless")).unwrap();
    for n in 0..50_001 {
        let one: &Path = &home.at("endless").join(n.to_string());
        symlink("x", one).unwrap();
    }
    let error = Manifest::of(&[home.tree()]).unwrap_err().to_string();
    assert!(error.contains("narrow playbook.watch"), "{error}");
    snapshot.restore().unwrap();
    assert_eq!(home.seen(), seen);
}
