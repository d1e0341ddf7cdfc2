//! Trees on disk: an export of a commit, a private clone for an agent, a proposed tree.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use super::changes::Changes;
use super::{CommitId, Repo};
use crate::error::Fatal;

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    /// `100644`, `100755` or `120000`.
    pub(super) mode: u32,
    pub(super) object: String,
}

/// An ordinary file's mode in git.
pub(super) const FILE: u32 = 0o100_644;
/// An executable file's mode in git.
pub(super) const EXECUTABLE: u32 = 0o100_755;
/// A link's mode in git.
pub(super) const LINK: u32 = 0o120_000;

impl Repo {
    /// Writes the files of a commit into `to`, an existing directory.
    ///
    /// # Errors
    /// When git fails or a file can't be written.
    pub async fn export(&self, commit: &CommitId, to: &Path) -> Result<(), Fatal> {
        self.try_export(commit, to).await.map_err(Fatal::Repo)
    }

    async fn try_export(&self, commit: &CommitId, to: &Path) -> Result<(), String> {
        let blobs = self.blobs(commit).await?;
        let contents = self.contents(blobs.values()).await?;
        for (path, blob) in &blobs {
            let content = contents.get(&blob.object).map_or(&[][..], Vec::as_slice);
            write(&to.join(path), blob.mode, content)?;
        }
        Ok(())
    }

    /// The files of a commit. Submodules are left out.
    pub(super) async fn blobs(&self, commit: &CommitId) -> Result<BTreeMap<PathBuf, Blob>, String> {
        let args = ["ls-tree", "-r", "-z", "--full-tree", commit.as_str()];
        let list = self.git.bytes(&self.checkout, &args).await?;
        let mut blobs = BTreeMap::new();
        for row in list.split(|b| *b == 0).filter(|r| !r.is_empty()) {
            let row = std::str::from_utf8(row)
                .map_err(|_| "the repository has a file name that is not UTF-8".to_owned())?;
            let (meta, path) = row
                .split_once('\t')
                .ok_or("git ls-tree gave a strange row")?;
            let mut meta = meta.split(' ');
            let (mode, kind, object) = (meta.next(), meta.next(), meta.next());
            if kind != Some("blob") {
                continue;
            }
            let path = PathBuf::from(path);
            if !path.components().all(|c| matches!(c, Component::Normal(_))) {
                return Err(format!(
                    "the repository has a strange path: {}",
                    path.display()
                ));
            }
            let mode = u32::from_str_radix(mode.unwrap_or_default(), 8)
                .map_err(|_| "git ls-tree gave a strange mode")?;
            let object = object.unwrap_or_default().to_owned();
            blobs.insert(path, Blob { mode, object });
        }
        Ok(blobs)
    }

    /// The contents of blobs by object name.
    pub(super) async fn contents<'a>(
        &self,
        blobs: impl Iterator<Item = &'a Blob>,
    ) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let names: std::collections::BTreeSet<&str> = blobs.map(|b| b.object.as_str()).collect();
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input: String = names.iter().map(|n| format!("{n}\n")).collect();
        let done = self
            .git
            .give(&self.checkout, &["cat-file", "--batch"], input.into_bytes())
            .await?;
        if done.truncated {
            return Err("the playbook's repository is larger than 64 MiB".to_owned());
        }
        parse_batch(&done.stdout).ok_or_else(|| "git cat-file gave a strange answer".to_owned())
    }

    /// Makes a private clone of the branch for an agent: no hard links, no remote, no reflog of
    /// anybody, nothing that points back.
    ///
    /// # Errors
    /// When git fails.
    pub async fn clone_for_agent(&self, to: &Path) -> Result<(), Fatal> {
        let head = self.head().await?;
        self.try_clone(&head, to).await.map_err(Fatal::Repo)
    }

    async fn try_clone(&self, head: &CommitId, to: &Path) -> Result<(), String> {
        // A repository of its own with one commit: history is the user's affair, and a checkout's
        // configuration, hooks and other branches are none of the agent's.
        std::fs::create_dir(to).map_err(|e| format!("{}: {e}", to.display()))?;
        self.try_export(head, to).await?;
        let message = format!("The playbook at {}", head.short());
        for args in [
            &["init", "--quiet", "--initial-branch=work"][..],
            &["add", "--all", "--force"],
            &["commit", "--quiet", "--allow-empty", "-m", &message],
        ] {
            self.git.out(to, args).await?;
        }
        Ok(())
    }

    /// Writes the proposed tree, the branch's head with `changes`, into `to`.
    ///
    /// # Errors
    /// When git fails or a file can't be written.
    pub async fn stage(&self, changes: &Changes, to: &Path) -> Result<(), Fatal> {
        let head = self.head().await?;
        self.export(&head, to).await?;
        put(changes, to).map_err(Fatal::Repo)
    }
}

/// Writes changed files below `to` and removes deleted ones.
pub(super) fn put(changes: &Changes, to: &Path) -> Result<(), String> {
    // A file may take the place of a directory and the other way round: first all go, then come.
    for change in changes.all().iter().filter(|c| c.old.is_some()) {
        let path = to.join(&change.path);
        std::fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut above = change.path.parent();
        while let Some(dir) = above.filter(|d| !d.as_os_str().is_empty()) {
            if std::fs::remove_dir(to.join(dir)).is_err() {
                break;
            }
            above = dir.parent();
        }
    }
    for change in changes.all() {
        if let Some(content) = &change.new {
            write(&to.join(&change.path), change.new_mode, content)?;
        }
    }
    Ok(())
}

fn write(path: &Path, mode: u32, content: &[u8]) -> Result<(), String> {
    let named = |e: std::io::Error| format!("{}: {e}", path.display());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(named)?;
    }
    if mode == LINK {
        let to = std::str::from_utf8(content).map_err(|_| "a link that is not UTF-8".to_owned())?;
        return symlink(to, path).map_err(named);
    }
    std::fs::write(path, content).map_err(named)?;
    let bits = if mode == EXECUTABLE { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, PermissionsExt::from_mode(bits)).map_err(named)
}

/// Reads `<name> blob <size>\n<bytes>\n` repeatedly.
fn parse_batch(mut bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut contents = BTreeMap::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|b| *b == b'\n')?;
        let header = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut words = header.split(' ');
        let (name, kind, size) = (words.next()?, words.next()?, words.next()?);
        if kind != "blob" {
            return None;
        }
        let size: usize = size.parse().ok()?;
        let from = end + 1;
        contents.insert(name.to_owned(), bytes.get(from..from + size)?.to_vec());
        bytes = bytes.get(from + size + 1..)?;
    }
    Some(contents)
}
