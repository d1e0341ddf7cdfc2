//! Small trees.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

fn tree() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (home, store) = (dir.path().join("home"), dir.path().join("store"));
    std::fs::create_dir_all(home.join("a/b")).unwrap();
    std::fs::write(home.join("a/file"), "one").unwrap();
    std::fs::set_permissions(home.join("a/file"), PermissionsExt::from_mode(0o640)).unwrap();
    symlink("file", home.join("a/link")).unwrap();
    (dir, home, store)
}

#[test]
fn every_kind_of_change_is_seen_and_taken_back() {
    let (_dir, home, store) = tree();
    let missing = home.join("new/deep/file");
    let before = take(&[home.clone(), missing.clone()], &store).unwrap();

    std::fs::write(home.join("a/file"), "two").unwrap();
    std::fs::set_permissions(home.join("a"), PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::remove_file(home.join("a/link")).unwrap();
    symlink("elsewhere", home.join("a/link")).unwrap();
    std::fs::remove_dir(home.join("a/b")).unwrap();
    std::fs::write(home.join("a/b"), "now a file").unwrap();
    std::fs::create_dir_all(missing.parent().unwrap()).unwrap();
    std::fs::write(&missing, "new").unwrap();

    let after = Manifest::of(before.trees()).unwrap();
    let kinds: std::collections::BTreeSet<&str> = before
        .manifest()
        .differences(&after)
        .iter()
        .map(|d| d.what)
        .collect();
    assert_eq!(kinds, ["added", "content", "kind", "mode", "target"].into());

    let found = Snapshot::load(&store).unwrap();
    found.restore().unwrap();
    found.restore().unwrap();
    let now = Manifest::of(found.trees()).unwrap();
    assert_eq!(found.manifest().differences(&now), vec![]);
    assert_eq!(std::fs::read_to_string(home.join("a/file")).unwrap(), "one");
    assert!(!home.join("new").exists());
}

#[test]
fn a_path_below_a_missing_tree_is_taken_back_with_its_parents() {
    let (_dir, home, store) = tree();
    let missing = home.join("x/y/z");
    let before = take(std::slice::from_ref(&missing), &store).unwrap();
    std::fs::create_dir_all(&missing).unwrap();
    before.restore().unwrap();
    assert!(!home.join("x").exists());
}

#[test]
fn a_link_is_never_followed() {
    let (_dir, home, store) = tree();
    let outside = home.parent().unwrap().join("outside");
    std::fs::write(&outside, "safe").unwrap();
    let before = take(std::slice::from_ref(&home), &store).unwrap();
    std::fs::remove_file(home.join("a/file")).unwrap();
    symlink(&outside, home.join("a/file")).unwrap();
    before.restore().unwrap();
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "safe");
    assert_eq!(std::fs::read_to_string(home.join("a/file")).unwrap(), "one");
}

#[test]
fn a_snapshot_without_its_manifest_is_not_one() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Snapshot::load(dir.path()).is_err());
}

#[test]
fn what_others_put_into_a_declared_directory_meanwhile_stays() {
    let (_dir, home, store) = tree();
    let (declared, missing) = (home.join("a"), home.join("new"));
    let mode = |mode| std::fs::set_permissions(&declared, PermissionsExt::from_mode(mode));
    mode(0o755).unwrap();
    take_of(
        Coverage {
            entries_only: vec![declared.clone(), missing.clone()],
            ..Coverage::default()
        },
        &store,
    )
    .unwrap();

    mode(0o700).unwrap();
    std::fs::write(declared.join("key"), "the user's own").unwrap();
    std::fs::create_dir(&missing).unwrap();

    let before = Snapshot::load(&store).unwrap();
    let changed = before.manifest().differences(&before.now().unwrap());
    let shown: Vec<_> = changed.iter().map(|d| (&d.path, d.what)).collect();
    assert_eq!(shown, [(&declared, "mode"), (&missing, "added")]);
    before.restore().unwrap();
    assert_eq!(*before.manifest(), before.now().unwrap());
    let key = std::fs::read_to_string(declared.join("key")).unwrap();
    assert_eq!(key, "the user's own");
    assert!(!missing.exists());
}

#[test]
fn a_declared_directory_in_a_watched_tree_is_covered_as_a_whole() {
    let (_dir, home, store) = tree();
    let covers = Coverage {
        trees: vec![home.clone()],
        entries_only: vec![home.join("a")],
        ..Coverage::default()
    };
    let before = take_of(covers, &store).unwrap();
    std::fs::write(home.join("a/new"), "").unwrap();
    before.restore().unwrap();
    assert!(!home.join("a/new").exists());
}

/// A path that is too long can't be looked at by anybody.
#[test]
fn what_cannot_be_read_keeps_nothing_else_from_being_put_back() {
    let (_dir, home, store) = tree();
    let before = take(std::slice::from_ref(&home), &store).unwrap();
    std::fs::write(home.join("a/file"), "two").unwrap();
    let name = "n".repeat(200);
    let mut at = home.join("a/a");
    std::fs::create_dir(&at).unwrap();
    // Grown from its end, since no path leads there as a whole.
    for _ in 0..25 {
        let above = home.join("above");
        std::fs::create_dir(&above).unwrap();
        std::fs::rename(&at, above.join(&name)).unwrap();
        std::fs::rename(&above, &at).unwrap();
    }
    at.push(&name);
    assert!(before.now().is_err());
    let _ = before.restore();
    assert_eq!(std::fs::read_to_string(home.join("a/file")).unwrap(), "one");
    before.restore().unwrap();
    let now = before.now().unwrap();
    assert_eq!(before.manifest().differences(&now), vec![]);
}

/// Bounds of the system's trees: what is beyond them is noted, and stays unseen later.
#[test]
fn what_is_beyond_the_bounds_of_a_system_tree_is_noted_and_left_alone() {
    let (_dir, home, store) = tree();
    std::fs::create_dir(home.join("many")).unwrap();
    for n in 0..4_001 {
        symlink("x", home.join("many").join(n.to_string())).unwrap();
    }
    let large = home.join("large");
    std::fs::write(&large, vec![b'x'; (1 << 20) + 1]).unwrap();
    let covers = Coverage {
        system: vec![home.clone()],
        ..Coverage::default()
    };
    let before = take_of(covers, &store).unwrap();
    assert_eq!(before.beyond().collect::<Vec<_>>(), [home.join("many")]);
    assert_eq!(before.not_restorable(), std::slice::from_ref(&large));
    assert!(before.is_system(&home.join("a/file")));

    std::fs::remove_file(home.join("many/7")).unwrap();
    std::fs::write(home.join("a/file"), "two").unwrap();
    std::fs::write(home.join("a/new"), "").unwrap();
    std::fs::write(&large, "cut").unwrap();
    let restored = Snapshot::load(&store).unwrap().restore_all();
    assert_eq!(restored.failed.len(), 1, "{restored:?}");
    assert_eq!(std::fs::read_to_string(home.join("a/file")).unwrap(), "one");
    assert!(!home.join("a/new").exists());
    assert!(!home.join("many/7").exists());
    let left = before.left().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].what.ends_with("/large"), "{left:?}");
    assert!(left[0].cure.contains("was not kept"), "{left:?}");
}

#[test]
fn of_programs_modes_come_back_and_new_ones_stay() {
    let (_dir, home, store) = tree();
    let program = home.join("a/file");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).unwrap();
    let covers = Coverage {
        modes: vec![home.clone()],
        ..Coverage::default()
    };
    let before = take_of(covers, &store).unwrap();
    assert_eq!(before.size().1, 0);
    std::fs::write(&program, "upgraded").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(home.join("a/new"), "").unwrap();
    before.restore().unwrap();
    let now = std::fs::metadata(&program).unwrap();
    assert_eq!(now.permissions().mode() & 0o7777, 0o4755);
    assert_eq!(std::fs::read_to_string(&program).unwrap(), "upgraded");
    assert!(home.join("a/new").exists());
    assert_eq!(before.left().unwrap(), vec![]);
}

/// Access lists, capabilities and the flag that keeps even root from writing, where the file system
/// has them.
#[test]
fn attributes_and_flags_come_back() {
    let (_dir, home, store) = tree();
    let file = home.join("a/file");
    let set = |value: &[u8]| {
        rustix::fs::lsetxattr(
            &file,
            "user.secloop",
            value,
            rustix::fs::XattrFlags::empty(),
        )
    };
    if set(b"one").is_err() {
        // Nothing to be put back there.
        return;
    }
    let before = take(std::slice::from_ref(&home), &store).unwrap();
    set(b"two").unwrap();
    let can_fix = crate::process::set_inode_flags(&file, 0x10).is_ok();
    if can_fix {
        assert!(std::fs::write(&file, "x").is_err(), "it is immutable");
        crate::process::set_inode_flags(&home.join("a"), 0x10).unwrap();
    }
    let seen = before.compare(&before.now().unwrap());
    assert!(seen.iter().any(|d| d.what == "attributes"), "{seen:?}");
    before.restore().unwrap();
    assert_eq!(before.left().unwrap(), vec![]);
    let mut value = [0_u8; 8];
    let n = rustix::fs::lgetxattr(&file, "user.secloop", &mut value[..]).unwrap();
    assert_eq!(&value[..n], b"one");
    // What was immutable before is so again, though it was put back.
    if can_fix {
        crate::process::set_inode_flags(&file, 0x10).unwrap();
        let store = store.with_extension("two");
        let before = take(std::slice::from_ref(&home), &store).unwrap();
        crate::process::set_inode_flags(&file, 0).unwrap();
        std::fs::write(&file, "two").unwrap();
        before.restore().unwrap();
        assert_eq!(before.left().unwrap(), vec![]);
        assert_eq!(crate::process::inode_flags(&file), 0x10);
        crate::process::set_inode_flags(&file, 0).unwrap();
    }
}
