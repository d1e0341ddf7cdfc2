//! What comes out of a container is an archive that somebody hostile may have made.

use std::path::Path;

use secloop::sandbox::container::unpack;
use tar::{EntryType, Header};

use crate::support::git::files;

struct Archive(tar::Builder<Vec<u8>>);

impl Archive {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// An entry whose name and link are written as they are, whatever they are.
    fn add(mut self, kind: EntryType, path: &str, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        let raw = header.as_old_mut();
        raw.name[..path.len()].copy_from_slice(path.as_bytes());
        raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o4777);
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    fn file(self, path: &str, content: &str) -> Self {
        self.add(EntryType::Regular, path, "", content.as_bytes())
    }

    fn unpack(self, to: &Path) -> Result<(), String> {
        unpack(&self.0.into_inner().unwrap(), to)
    }
}

/// Unpacks below a directory with a secret beside it; what is there afterwards.
fn unpacked(archive: Archive) -> (Result<(), String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), "secret").unwrap();
    let to = dir.path().join("out");
    std::fs::create_dir(&to).unwrap();
    let done = archive.unpack(&to);
    assert_eq!(
        std::fs::read_to_string(dir.path().join("secret")).unwrap(),
        "secret"
    );
    let all = files(dir.path())
        .into_keys()
        .map(|p| p.display().to_string());
    let all = all.filter(|p| p != "secret").collect();
    (done, all)
}

#[test]
fn files_directories_and_links_are_taken_and_nothing_of_git_but_a_log() {
    let archive = Archive::new()
        .add(EntryType::Directory, "repo/", "", b"")
        .file("./repo/site.yml", "a")
        .file("repo/deep/er/x.yml", "b")
        .add(EntryType::Symlink, "repo/link", "/etc/passwd", b"")
        .file("repo/.git/config", "[core]\n\tfsmonitor = touch /tmp/x\n")
        .file("repo/.git/hooks/pre-commit", "#!/bin/sh\n")
        .file("repo/.git/logs/HEAD", "one\n")
        .file("run/claude/projects/p/s.jsonl", "{}");
    let (done, all) = unpacked(archive);
    assert_eq!(done, Ok(()));
    assert_eq!(
        all,
        [
            "out/repo/.git/logs/HEAD",
            "out/repo/deep/er/x.yml",
            "out/repo/link",
            "out/repo/site.yml",
            "out/run/claude/projects/p/s.jsonl",
        ]
    );
}

#[test]
fn no_right_of_a_file_but_to_be_run_comes_out() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    Archive::new()
        .file("repo/x", "x")
        .unpack(dir.path())
        .unwrap();
    let mode = std::fs::metadata(dir.path().join("repo/x"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o700);
}

#[test]
fn no_path_leads_out() {
    for path in ["/etc/x", "../x", "repo/../../x", "repo/a/../../../x"] {
        let (done, all) = unpacked(Archive::new().file(path, "x"));
        assert!(done.unwrap_err().contains("strange path"), "{path}");
        assert_eq!(all, [""; 0], "{path}");
    }
}

#[test]
fn nothing_is_made_by_way_of_a_link() {
    // The link first: it is made last all the same, and then something else is in its place.
    let archive = Archive::new()
        .add(EntryType::Symlink, "repo/way", "../..", b"")
        .file("repo/way/secret", "changed");
    let (done, all) = unpacked(archive);
    assert!(done.is_err());
    assert_eq!(all, ["out/repo/way/secret"]);
    // A name twice.
    let archive = Archive::new().file("repo/x", "1").file("repo/x", "2");
    assert!(unpacked(archive).0.unwrap_err().starts_with("repo/x: "));
}

#[test]
fn what_is_neither_file_directory_nor_link_is_refused() {
    for (kind, says) in [
        (EntryType::Link, "second name"),
        (EntryType::Fifo, "neither a file"),
        (EntryType::Char, "neither a file"),
        (EntryType::Block, "neither a file"),
        (EntryType::new(b'V'), "neither a file"),
    ] {
        let (done, all) = unpacked(Archive::new().add(kind, "repo/x", "../secret", b""));
        assert!(done.unwrap_err().contains(says), "{kind:?}");
        assert_eq!(all, [""; 0]);
    }
}

#[test]
fn a_claimed_size_beyond_the_bound_is_refused_unread() {
    let mut header = Header::new_gnu();
    header.set_path("repo/x").unwrap();
    header.set_entry_type(EntryType::Regular);
    header.set_size(1 << 40);
    header.set_mode(0o644);
    header.set_cksum();
    let dir = tempfile::tempdir().unwrap();
    let why = unpack(header.as_bytes(), dir.path()).unwrap_err();
    assert!(why.contains("more than 268435456 bytes"), "{why}");
}

#[test]
fn a_torn_archive_is_an_error() {
    let whole = Archive::new()
        .file("repo/x", &"x".repeat(2000))
        .0
        .into_inner()
        .unwrap();
    for length in [100, 700, 1500] {
        let dir = tempfile::tempdir().unwrap();
        assert!(unpack(&whole[..length], dir.path()).is_err(), "{length}");
    }
}
