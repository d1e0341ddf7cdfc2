//! What a proposal is: kinds, paths, the diff, the staged tree, the clone itself.

use std::path::Path;

use secloop::repo::Kind;

use crate::support::git::{Checkout, chmod, files, git, write};

/// One of each kind of change.
fn each(clone: &Path) {
    write(&clone.join("roles/b/new.yml"), "new\n");
    write(&clone.join("roles/a/tasks/main.yml"), "one\n2\nthree\n");
    std::fs::remove_file(clone.join("site.yml")).unwrap();
    chmod(&clone.join("run.sh"), 0o644);
    write(&clone.join("noise.log"), "ignored\n");
    write(&clone.join("keep.log"), "not ignored\n");
    std::fs::create_dir(clone.join("empty")).unwrap();
}

#[tokio::test]
async fn an_untouched_clone_has_no_changes() {
    let at = Checkout::new();
    let (repo, changes) = at.edited(|_| ()).await;
    assert!(changes.is_empty());
    assert!(!changes.agent_committed);
    assert_eq!(changes.base(), &repo.head().await.unwrap());
    assert_eq!(changes.unified_diff(), "");
}

#[tokio::test]
async fn every_kind_of_change_is_found() {
    let at = Checkout::new();
    let (_repo, changes) = at.edited(each).await;
    let kinds: Vec<(String, Kind, u32, u32)> = changes
        .all()
        .iter()
        .map(|c| (c.path.display().to_string(), c.kind, c.old_mode, c.new_mode))
        .collect();
    let row = |path: &str, kind, old, new| (path.to_owned(), kind, old, new);
    assert_eq!(
        kinds,
        [
            row("keep.log", Kind::Added, 0, 0o100_644),
            row(
                "roles/a/tasks/main.yml",
                Kind::Modified,
                0o100_644,
                0o100_644
            ),
            row("roles/b/new.yml", Kind::Added, 0, 0o100_644),
            row("run.sh", Kind::ModeChanged, 0o100_755, 0o100_644),
            row("site.yml", Kind::Deleted, 0o100_644, 0),
        ]
    );
    let paths: Vec<String> = kinds.into_iter().map(|k| k.0).collect();
    assert_eq!(changes.paths(), paths);
    let main = &changes.all()[1];
    assert_eq!(main.old.as_deref(), Some(&b"one\ntwo\nthree\n"[..]));
    assert_eq!(main.new.as_deref(), Some(&b"one\n2\nthree\n"[..]));
    assert_eq!(
        (&changes.all()[0].old, &changes.all()[4].new),
        (&None, &None)
    );
}

#[tokio::test]
async fn the_diff_shows_each_kind() {
    let at = Checkout::new();
    let (_repo, changes) = at.edited(each).await;
    assert_eq!(
        changes.unified_diff(),
        "\
mode 0 -> 100644 keep.log
--- /dev/null
+++ b/keep.log
@@ -0,0 +1 @@
+not ignored
--- a/roles/a/tasks/main.yml
+++ b/roles/a/tasks/main.yml
@@ -1,3 +1,3 @@
 one
-two
+2
 three
mode 0 -> 100644 roles/b/new.yml
--- /dev/null
+++ b/roles/b/new.yml
@@ -0,0 +1 @@
+new
mode 100755 -> 100644 run.sh
mode 100644 -> 0 site.yml
--- a/site.yml
+++ /dev/null
@@ -1 +0,0 @@
-- hosts: localhost
"
    );
}

#[tokio::test]
async fn two_large_files_without_a_common_line_have_a_diff() {
    let at = Checkout::new();
    let lines = |salt: u64| -> String {
        (0..40_000_u64)
            .map(|i| format!("{:x}\n", (i * 7919 + salt) % 65_536))
            .collect()
    };
    write(&at.top().join("large"), lines(0));
    at.commit("A large file");
    let (_repo, changes) = at.edited(|c| write(&c.join("large"), lines(31))).await;
    let diff = changes.unified_diff();
    assert!(diff.contains("+++ b/large"));
    assert!(diff.lines().filter(|l| l.starts_with('+')).count() > 1_000);
}

#[tokio::test]
async fn staging_gives_the_head_with_the_changes() {
    let at = Checkout::new();
    let (repo, changes) = at.edited(each).await;
    let staged = at.dir().join("staged");
    std::fs::create_dir(&staged).unwrap();
    repo.stage(&changes, &staged).await.unwrap();

    let mut expected = files(&at.dir().join("clone"));
    expected.retain(|path, _| !path.starts_with(".git") && path != Path::new("noise.log"));
    assert_eq!(files(&staged), expected);
}

#[tokio::test]
async fn a_file_may_become_a_directory_and_a_directory_a_file() {
    let at = Checkout::new();
    let (repo, changes) = at
        .edited(|clone| {
            std::fs::remove_file(clone.join("site.yml")).unwrap();
            write(&clone.join("site.yml/part.yml"), "part\n");
            std::fs::remove_dir_all(clone.join("roles")).unwrap();
            write(&clone.join("roles"), "now a file\n");
        })
        .await;
    let staged = at.dir().join("staged");
    std::fs::create_dir(&staged).unwrap();
    repo.stage(&changes, &staged).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(staged.join("roles")).unwrap(),
        "now a file\n"
    );
    assert!(staged.join("site.yml/part.yml").is_file());
    let made = repo
        .commit(&changes, "Swap", uuid::Uuid::now_v7(), &[])
        .await
        .unwrap();
    let list = git(at.top(), &["ls-tree", "-r", "--name-only", made.as_str()]);
    assert_eq!(list, ".gitignore\nroles\nrun.sh\nsite.yml/part.yml");
}

#[tokio::test]
async fn the_clone_knows_no_way_back() {
    let at = Checkout::new();
    let (_repo, clone) = at.cloned().await;
    assert_eq!(git(&clone, &["remote"]), "");
    assert_eq!(git(&clone, &["rev-list", "--all", "--count"]), "1");
    assert_eq!(git(&clone, &["status", "--porcelain", "--ignored"]), "");
    assert!(!clone.join(".git/objects/info/alternates").exists());
    let checkout = at.top().to_str().unwrap().as_bytes();
    let state = at.worktree();
    let state = state.to_str().unwrap().as_bytes();
    let inside = files(&clone);
    assert!(inside.len() > 5);
    for (path, (_, content)) in inside {
        for needle in [checkout, state] {
            let found = content.windows(needle.len()).any(|w| w == needle);
            assert!(!found, "{}", path.display());
        }
    }
}
