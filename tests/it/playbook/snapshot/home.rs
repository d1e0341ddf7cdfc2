//! A home directory that a snapshot is taken of.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::PathBuf;

use secloop::playbook::snapshot::{Snapshot, take};

/// A home directory with a bit of everything, and a place for the snapshot.
pub(super) struct Home {
    pub(super) dir: tempfile::TempDir,
}

impl Home {
    pub(super) fn new() -> Self {
        let home = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        home.file("settings.json", "{}", 0o600);
        home.file("hooks/block.sh", "exit 2", 0o755);
        home.file("hooks/deep/er/one", "1", 0o444);
        home.file("private/key", "k", 0o400);
        home.file("empty", "", 0o640);
        std::fs::create_dir(home.at("nothing")).unwrap();
        symlink("hooks/block.sh", home.at("link")).unwrap();
        symlink("/nonexistent/place", home.at("dangling")).unwrap();
        symlink(".", home.at("hooks/loop")).unwrap();
        home.mode("private", 0o500);
        home.mode("hooks/deep/er", 0o555);
        home
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join("home").join(name)
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(super) fn file(&self, name: &str, text: &str, mode: u32) {
        std::fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        std::fs::write(self.at(name), text).unwrap();
        self.mode(name, mode);
    }

    pub(super) fn mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.at(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    pub(super) fn take(&self) -> Snapshot {
        take(&[self.tree()], &self.dir.path().join("store")).unwrap()
    }

    /// As another program sees it: kind, mode, owner, link target, content.
    pub(super) fn seen(&self) -> BTreeMap<PathBuf, (u32, u32, Vec<u8>)> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.tree()];
        while let Some(path) = open.pop() {
            let meta = std::fs::symlink_metadata(&path).unwrap();
            let content = if meta.is_symlink() {
                let to = std::fs::read_link(&path).unwrap();
                to.into_os_string().into_encoded_bytes()
            } else if meta.is_file() {
                std::fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            if meta.is_dir() {
                open.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            }
            all.insert(path, (meta.mode(), meta.uid(), content));
        }
        all
    }

    /// What a play may do to it all.
    pub(super) fn ruin(&self) {
        for locked in ["private", "hooks/deep/er"] {
            self.mode(locked, 0o700);
        }
        self.mode("hooks/deep/er/one", 0o600);
        self.file("settings.json", "{\"a\": 1}", 0o644);
        std::fs::remove_dir_all(self.at("hooks")).unwrap();
        self.file("hooks", "a file now", 0o600);
        self.mode("private/key", 0o000);
        self.file("private/new", "new", 0o600);
        self.mode("private", 0o100);
        std::fs::remove_file(self.at("empty")).unwrap();
        std::fs::create_dir_all(self.at("empty/dir/dir")).unwrap();
        std::fs::remove_dir(self.at("nothing")).unwrap();
        symlink("..", self.at("nothing")).unwrap();
        std::fs::remove_file(self.at("link")).unwrap();
        symlink("settings.json", self.at("link")).unwrap();
        std::fs::remove_file(self.at("dangling")).unwrap();
        self.file("brand/new/tree", "x", 0o600);
        self.mode("brand/new", 0o000);
        crate::support::fifo(&self.at("pipe"));
    }
}
