//! An agent's clone is hostile ground: nothing in it runs, and nothing outside it is read.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use crate::support::fifo;
use crate::support::git::{Checkout, chmod, files, git, write};

#[tokio::test]
async fn an_agent_that_commits_hides_nothing() {
    let at = Checkout::new();
    let (_repo, changes) = at
        .edited(|clone| {
            write(&clone.join("new.yml"), "new\n");
            git(clone, &["add", "--all"]);
            git(clone, &["commit", "--quiet", "-m", "Mine"]);
        })
        .await;
    assert_eq!(changes.paths(), ["new.yml"]);
    assert!(changes.agent_committed);

    let at = Checkout::new();
    let (_repo, changes) = at
        .edited(|clone| {
            write(&clone.join("new.yml"), "new\n");
            std::fs::remove_dir_all(clone.join(".git")).unwrap();
        })
        .await;
    assert_eq!(changes.paths(), ["new.yml"]);
    assert!(changes.agent_committed);
}

#[tokio::test]
async fn nothing_in_the_clone_is_run() {
    let at = Checkout::new();
    let marker = at.dir().join("marker");
    let touch = format!("touch {}; cat", marker.display());
    let (repo, changes) = at
        .edited(|clone| {
            let hooks = clone.join(".git/hooks");
            for hook in ["pre-commit", "post-checkout", "post-index-change"] {
                write(&hooks.join(hook), format!("#!/bin/sh\n{touch}\n"));
                chmod(&hooks.join(hook), 0o755);
            }
            for key in [
                "core.fsmonitor",
                "filter.evil.clean",
                "filter.evil.smudge",
                "filter.evil.process",
                "diff.evil.textconv",
                "core.sshCommand",
            ] {
                git(clone, &["config", key, &touch]);
            }
            git(clone, &["config", "core.worktree", "/etc"]);
            write(
                &clone.join(".git/info/attributes"),
                "* filter=evil diff=evil\n",
            );
            write(&clone.join(".git/info/exclude"), "*\n");
            write(&clone.join(".gitattributes"), "* filter=evil diff=evil\n");
            write(&clone.join("new.yml"), "new\n");
        })
        .await;
    assert_eq!(changes.paths(), [".gitattributes", "new.yml"]);
    let staged = at.dir().join("staged");
    std::fs::create_dir(&staged).unwrap();
    repo.stage(&changes, &staged).await.unwrap();
    repo.commit(&changes, "One", uuid::Uuid::now_v7(), &[])
        .await
        .unwrap();
    changes.unified_diff();
    assert!(!marker.exists());
}

#[tokio::test]
async fn links_are_not_followed() {
    let at = Checkout::new();
    write(&at.dir().join("outside/secret"), "secret");
    let outside = at.dir().join("outside");
    let why = at
        .refused(|clone| symlink(outside.join("secret"), clone.join("link.yml")).unwrap())
        .await;
    assert_eq!(why, "link.yml: a link is made or changed");

    let at = Checkout::new();
    let why = at
        .refused(|clone| {
            std::fs::remove_dir_all(clone.join("roles")).unwrap();
            symlink(&outside, clone.join("roles")).unwrap();
        })
        .await;
    assert_eq!(why, "roles: a link is made or changed");

    let at = Checkout::new();
    let why = at
        .refused(|clone| {
            std::fs::remove_file(clone.join("site.yml")).unwrap();
            symlink("run.sh", clone.join("site.yml")).unwrap();
        })
        .await;
    assert_eq!(why, "site.yml: a link is made or changed");
}

#[tokio::test]
async fn a_link_of_the_repository_stays_a_link() {
    let at = Checkout::new();
    write(&at.dir().join("outside/secret"), "secret");
    symlink(at.dir().join("outside"), at.top().join("way-out")).unwrap();
    at.commit("A link");
    let (_repo, changes) = at.edited(|c| write(&c.join("new.yml"), "new\n")).await;
    assert_eq!(changes.paths(), ["new.yml"]);

    std::fs::remove_dir_all(at.dir().join("clone")).unwrap();
    let (repo, clone) = at.cloned().await;
    std::fs::remove_file(clone.join("way-out")).unwrap();
    write(&clone.join("way-out/planted"), "planted\n");
    let why = repo.changes(&clone).await.unwrap_err();
    assert_eq!(why, "way-out: a link is made or changed");
}

#[tokio::test]
async fn the_clones_own_log_is_not_followed_and_does_not_hold_us_up() {
    let log = ".git/logs/HEAD";
    let at = Checkout::new();
    let (repo, clone) = at.cloned().await;
    let check = async |make: &dyn Fn(&Path)| {
        let _ = std::fs::remove_file(clone.join(log));
        make(&clone.join(log));
        let look = tokio::time::timeout(Duration::from_mins(1), repo.changes(&clone));
        let changes = look.await.unwrap().unwrap();
        assert!(changes.is_empty() && changes.agent_committed);
    };
    check(&|path| fifo(path)).await;
    check(&|path| symlink("/dev/zero", path).unwrap()).await;
    check(&|path| {
        std::fs::File::create(path)
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_neither_file_nor_directory_is_refused() {
    let at = Checkout::new();
    let why = at.refused(|clone| fifo(&clone.join("roles/pipe"))).await;
    assert_eq!(why, "roles/pipe: neither a file nor a directory");
}

#[tokio::test]
async fn a_repository_inside_is_refused() {
    for name in [
        ".git",
        ".GIT",
        ".git\u{200c}",
        "\u{feff}.gi\u{200d}t",
        ".git.",
        "GIT~1",
    ] {
        let at = Checkout::new();
        let why = at
            .refused(|clone| write(&clone.join("roles").join(name).join("config"), ""))
            .await;
        assert_eq!(
            why,
            format!("roles/{name}: a repository inside the repository")
        );
    }
}

/// At the top too, where the copy's own lies beside it.
#[tokio::test]
async fn a_second_one_that_a_mac_takes_for_the_copys_own_is_refused() {
    let at = Checkout::new();
    let why = at
        .refused(|clone| write(&clone.join(".git\u{200c}/hooks/pre-commit"), "#!/bin/sh\n"))
        .await;
    assert!(why.ends_with("a repository inside the repository"), "{why}");
}

#[tokio::test]
async fn a_file_with_a_second_name_is_refused_and_not_read() {
    let at = Checkout::new();
    write(&at.dir().join("outside/secret"), "secret");
    let secret = at.dir().join("outside/secret");
    let why = at
        .refused(|clone| std::fs::hard_link(&secret, clone.join("new.yml")).unwrap())
        .await;
    assert_eq!(why, "new.yml: a file with a second name (hard link)");
    // Also where it took the place of a file that was there.
    let at = Checkout::new();
    let why = at
        .refused(|clone| {
            std::fs::remove_file(clone.join("site.yml")).unwrap();
            std::fs::hard_link(&secret, clone.join("site.yml")).unwrap();
        })
        .await;
    assert_eq!(why, "site.yml: a file with a second name (hard link)");
}

#[tokio::test]
async fn the_clone_shares_no_file_with_anything() {
    use std::os::unix::fs::MetadataExt;
    let at = Checkout::new();
    let (_repo, clone) = at.cloned().await;
    let inodes = |dir: &Path| -> std::collections::BTreeSet<u64> {
        let meta = |path| std::fs::symlink_metadata(dir.join(path)).unwrap();
        let all: Vec<_> = files(dir).into_keys().map(meta).collect();
        assert!(all.iter().all(|m| m.nlink() == 1));
        all.iter().map(MetadataExt::ino).collect()
    };
    let ours = inodes(&clone);
    assert!(ours.len() > 5);
    assert!(ours.is_disjoint(&inodes(at.top())) && ours.is_disjoint(&inodes(&at.worktree())));
}

#[tokio::test]
async fn a_tree_without_end_is_refused() {
    let at = Checkout::new();
    let deep = "d/".repeat(70);
    let why = at
        .refused(|clone| write(&clone.join(deep).join("x.yml"), ""))
        .await;
    assert!(why.ends_with("nested too deeply"), "{why}");
}

/// Somebody who is still there swaps a file and a directory for links while they are read.
#[tokio::test]
async fn what_is_swapped_for_a_link_meanwhile_is_not_followed() {
    let at = Checkout::new();
    write(&at.dir().join("outside/main.yml"), "secret");
    let outside = at.dir().join("outside");
    let (repo, clone) = at.cloned().await;
    write(&clone.join("new.yml"), "new\n");
    for (place, link) in [("new.yml", "main.yml"), ("roles/a/tasks", "")] {
        let beside = |name: &str| clone.parent().unwrap().join(name);
        symlink(outside.join(link), beside("link")).unwrap();
        let (one, other, aside) = (clone.join(place), beside("link"), beside("aside"));
        let swapper = Swapper::start(move || {
            std::fs::rename(&one, &aside)?;
            std::fs::rename(&other, &one)?;
            std::fs::rename(&one, &other)?;
            std::fs::rename(&aside, &one)
        });
        for _ in 0..15 {
            match repo.changes(&clone).await {
                Ok(changes) => {
                    let secret = Some(&b"secret"[..]);
                    assert!(changes.all().iter().all(|c| c.new.as_deref() != secret));
                }
                Err(why) => assert!(!why.contains("secret"), "{why}"),
            }
        }
        assert!(swapper.end() > 0);
        std::fs::remove_file(beside("link")).unwrap();
    }
}

/// Does something over and over beside a test.
struct Swapper {
    done: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<u32>,
}

impl Swapper {
    fn start(swap: impl Fn() -> std::io::Result<()> + Send + 'static) -> Self {
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stop = std::sync::Arc::clone(&done);
        let thread = std::thread::spawn(move || {
            let mut count = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                swap().unwrap();
                count += 1;
            }
            count
        });
        Self { done, thread }
    }

    /// How often it did it.
    fn end(self) -> u32 {
        self.done.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A harness that asks git about the agent's tree runs what that tree's settings name.
#[tokio::test]
async fn git_never_works_in_the_clone_once_the_agent_had_it() {
    let at = Checkout::new();
    // Writes down where it is called and with what.
    let log = at.dir().join("git-calls");
    let path = std::env::var_os("PATH").unwrap();
    let real = secloop::process::find_on_path("git", &path).unwrap();
    let bin = at.dir().join("bin");
    write(
        &bin.join("git"),
        format!(
            "#!/bin/sh\necho \"$PWD $*\" >> {}\nexec {} \"$@\"\n",
            log.display(),
            real.display()
        ),
    );
    chmod(&bin.join("git"), 0o755);
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)));
    let state = at.dir().join("state");
    std::fs::create_dir(&state).unwrap();
    let repo = secloop::repo::Repo::open(&at.config, &state, &path.unwrap())
        .await
        .unwrap();
    let clone = at.dir().join("clone");
    repo.clone_for_agent(&clone).await.unwrap();
    assert!(
        std::fs::read_to_string(&log)
            .unwrap()
            .contains("/clone -c ")
    );
    std::fs::remove_file(&log).unwrap();

    write(&clone.join("new.yml"), "new\n");
    let changes = repo.changes(&clone).await.unwrap();
    let staged = at.dir().join("staged");
    std::fs::create_dir(&staged).unwrap();
    repo.stage(&changes, &staged).await.unwrap();
    repo.commit(&changes, "One", uuid::Uuid::now_v7(), &[])
        .await
        .unwrap();
    let calls = std::fs::read_to_string(&log).unwrap();
    assert!(calls.lines().count() > 3, "{calls}");
    assert!(!calls.contains("/clone"), "{calls}");
    for call in calls.lines() {
        for pinned in [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "protocol.allow=never",
        ] {
            assert!(call.contains(pinned), "{call}");
        }
    }
}

#[tokio::test]
async fn strange_names_are_refused_and_not_repeated() {
    let long = "x".repeat(200);
    let deep = format!("{long}/{long}/{long}");
    for name in ["a\nb", "a\x1b[31mb", "a\tb", "a\u{85}b", "a\\b", &deep] {
        let at = Checkout::new();
        let why = at
            .refused(|clone| write(&clone.join("roles").join(name), ""))
            .await;
        assert!(why.starts_with("roles"), "{why:?}");
        assert!(why.ends_with(": a strange file name"), "{why:?}");
        assert!(!why.chars().any(char::is_control), "{why:?}");
    }
    let at = Checkout::new();
    let odd = std::ffi::OsStr::from_bytes(b"a\xffb");
    let why = at.refused(|clone| write(&clone.join(odd), "")).await;
    assert!(why.ends_with("a file name that is not UTF-8"), "{why:?}");
}

#[tokio::test]
async fn a_huge_file_is_refused_without_being_read() {
    let huge = |path: &Path| {
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
    };
    let at = Checkout::new();
    let why = at.refused(|clone| huge(&clone.join("new.bin"))).await;
    assert!(why.contains("new.bin: larger than"), "{why}");
    let at = Checkout::new();
    let why = at.refused(|clone| huge(&clone.join("site.yml"))).await;
    assert!(why.contains("site.yml: larger than"), "{why}");
}

#[tokio::test]
async fn a_large_file_that_was_there_may_stay_but_not_change() {
    let at = Checkout::new();
    let large = vec![b'x'; 300 * 1024];
    write(&at.top().join("large"), &large);
    at.commit("A large file");
    let (repo, changes) = at.edited(|c| write(&c.join("new.yml"), "new\n")).await;
    assert_eq!(changes.paths(), ["new.yml"]);

    let clone = at.dir().join("clone");
    write(&clone.join("large"), vec![b'y'; large.len()]);
    let why = repo.changes(&clone).await.unwrap_err();
    assert!(why.starts_with("large: larger than"), "{why}");
    write(&clone.join("large"), "small now");
    assert!(repo.changes(&clone).await.is_ok());
}

#[tokio::test]
async fn more_files_than_fifty_are_refused() {
    let fill = |clone: &Path, count: usize| {
        for i in 0..count {
            write(&clone.join(format!("f{i}")), "");
        }
    };
    let at = Checkout::new();
    let (_repo, changes) = at.edited(|clone| fill(clone, 50)).await;
    assert_eq!(changes.all().len(), 50);
    let at = Checkout::new();
    let why = at.refused(|clone| fill(clone, 51)).await;
    assert!(why.contains("more than 50 files"), "{why}");
    // Deletions count as well.
    let at = Checkout::new();
    fill(at.top(), 51);
    at.commit("Many");
    let why = at
        .refused(|clone| {
            for i in 0..51 {
                std::fs::remove_file(clone.join(format!("f{i}"))).unwrap();
            }
        })
        .await;
    assert!(why.contains("more than 50 files"), "{why}");
}

#[tokio::test]
async fn names_that_differ_only_in_case_are_refused() {
    let at = Checkout::new();
    let why = at.refused(|clone| write(&clone.join("Site.yml"), "")).await;
    assert_eq!(why, "site.yml and Site.yml differ only in case");
    let at = Checkout::new();
    let why = at
        .refused(|clone| {
            write(&clone.join("new.yml"), "");
            write(&clone.join("NEW.yml"), "");
        })
        .await;
    assert_eq!(why, "NEW.yml and new.yml differ only in case");
    let at = Checkout::new();
    let why = at
        .refused(|clone| write(&clone.join("Roles/b.yml"), ""))
        .await;
    assert!(why.ends_with("differ only in case"), "{why}");
}

#[tokio::test]
async fn more_than_eight_mebibytes_of_new_content_are_refused() {
    let fill = |clone: &Path, count: usize| {
        for i in 0..count {
            write(&clone.join(format!("f{i}")), vec![b'x'; 256 << 10]);
        }
    };
    let at = Checkout::new();
    let (_repo, changes) = at.edited(|clone| fill(clone, 32)).await;
    assert_eq!(changes.all().len(), 32);
    let at = Checkout::new();
    let why = at.refused(|clone| fill(clone, 33)).await;
    assert!(why.contains("more than 8388608 bytes"), "{why}");
}
