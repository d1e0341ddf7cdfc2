//! A real podman, and an image made of this machine's own programs: no registry is asked.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use secloop::process::find_on_path;

/// What the image has besides the entry point.
const PROGRAMS: [&str; 24] = [
    "sh", "bash", "basename", "cat", "chmod", "cp", "dirname", "env", "find", "git", "grep",
    "head", "id", "ln", "ls", "mkdir", "mv", "rm", "sed", "sleep", "tar", "touch", "tr", "unshare",
];

/// podman and an image.
pub(crate) struct Podman {
    /// The client's surroundings.
    pub(crate) env: Vec<(String, String)>,
    /// The image's name.
    pub(crate) image: String,
}

/// The image with a scripted agent as its client; `None`, said loudly, where there is no podman that
/// works, and a failure with `SECLOOP_REQUIRE_PODMAN=1`.
pub(crate) fn podman() -> Option<&'static Podman> {
    static FOUND: OnceLock<Result<Podman, String>> = OnceLock::new();
    let found = FOUND.get_or_init(make);
    match found {
        Ok(found) => Some(found),
        Err(why) => {
            assert_ne!(
                std::env::var("SECLOOP_REQUIRE_PODMAN").as_deref(),
                Ok("1"),
                "SECLOOP_REQUIRE_PODMAN=1, but {why}"
            );
            // Past the test harness, which swallows what a passing test prints.
            let _ = writeln!(
                std::io::stderr(),
                "\nSKIPPED: a test with a real podman: {why}"
            );
            None
        }
    }
}

fn make() -> Result<Podman, String> {
    let path = std::env::var_os("PATH").unwrap();
    find_on_path("podman", &path).ok_or("podman is not on PATH (apt install podman runc)")?;
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("podman");
    std::fs::create_dir_all(&dir).unwrap();
    let mut settings =
        "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\n".to_owned();
    if find_on_path("runc", &path).is_some() {
        settings.push_str("runtime = \"runc\"\n");
    }
    let conf = dir.join("containers.conf");
    std::fs::write(&conf, settings).unwrap();
    let mut found = Podman {
        env: vec![("CONTAINERS_CONF".to_owned(), conf.display().to_string())],
        image: String::new(),
    };
    let root = dir.join("root");
    let _ = std::fs::remove_dir_all(&root);
    rootfs(&root);
    // One for each checkout: others test at the same time.
    let mark: u64 = dir
        .to_string_lossy()
        .bytes()
        .fold(7, |n, b| n.wrapping_mul(31).wrapping_add(b.into()));
    found.image = format!("localhost/secloop-test:{mark:x}");
    found.import(&root)?;
    let tried = found.run(
        &[
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            "/bin/sh",
        ],
        &[
            "--ulimit",
            "nofile=1024:1024",
            "--ulimit",
            "nproc=256:256",
            &found.image,
            "-c",
            "exit 7",
        ],
    );
    match tried {
        (Some(7), _) => Ok(found),
        (_, why) => Err(format!("podman runs nothing here: {why}")),
    }
}

impl Podman {
    /// Runs podman; its exit code and what it says.
    #[expect(clippy::disallowed_methods, reason = "the user's own podman")]
    pub(crate) fn run(&self, args: &[&str], more: &[&str]) -> (Option<i32>, String) {
        let done = Command::new("podman")
            .args(args)
            .args(more)
            .envs(self.env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let mut said = String::from_utf8_lossy(&done.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&done.stderr));
        (done.status.code(), said)
    }

    #[expect(clippy::disallowed_methods, reason = "the user's own podman")]
    fn import(&self, root: &Path) -> Result<(), String> {
        let _ = self.run(&["rmi", "--force", &self.image], &[]);
        let mut archive = tar::Builder::new(Vec::new());
        archive.follow_symlinks(false);
        archive.append_dir_all(".", root).unwrap();
        let mut own = tar::Header::new_gnu();
        own.set_entry_type(tar::EntryType::Directory);
        own.set_mode(0o700);
        own.set_uid(1000);
        own.set_gid(1000);
        own.set_size(0);
        archive
            .append_data(&mut own, "work", std::io::empty())
            .unwrap();
        let mut import = Command::new("podman")
            .args(["import", "--change", "USER=1000:1000", "--change"])
            .arg("ENTRYPOINT=[\"/usr/local/bin/secloop-entrypoint\"]")
            .args(["-", &self.image])
            .envs(self.env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = import
            .stdin
            .take()
            .unwrap()
            .write_all(&archive.into_inner().unwrap());
        let done = import.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        done.status.success().then_some(()).ok_or(said)
    }
}

/// Programs with their libraries, accounts, and the image's own files.
fn rootfs(root: &Path) {
    for dir in [
        "etc",
        "tmp",
        "var/tmp",
        "run/secloop",
        "proc",
        "sys",
        "dev",
        "usr/bin",
        "usr/local/bin",
    ] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    symlink("usr/bin", root.join("bin")).unwrap();
    std::fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/:/bin/sh\nagent:x:1000:1000::/work:/bin/sh\n",
    )
    .unwrap();
    std::fs::write(root.join("etc/group"), "root:x:0:\nagent:x:1000:\n").unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for name in PROGRAMS.iter().chain(&["socat"]) {
        if let Some(program) = find_on_path(name, &path) {
            copy_program(root, &program, &format!("usr/bin/{name}"));
        }
    }
    // The guard; `doctor --boundary` takes in another with the working copy, and needs its libraries.
    let secloop = Path::new(env!("CARGO_BIN_EXE_secloop"));
    copy_program(root, secloop, "usr/local/bin/secloop");
    secloop::sandbox::container::write_image(root).unwrap();
    let entry = root.join("usr/local/bin/secloop-entrypoint");
    std::fs::rename(root.join("entrypoint"), entry).unwrap();
    std::fs::remove_file(root.join("Containerfile")).unwrap();
    std::fs::create_dir_all(root.join("etc/claude-code")).unwrap();
    let settings = root.join("etc/claude-code/managed-settings.json");
    std::fs::rename(root.join("managed-settings.json"), settings).unwrap();
    // The scripted agent is what the working copy says.
    let claude = root.join("usr/local/bin/claude");
    std::fs::write(
        &claude,
        "#!/bin/sh\nexec sh /usr/local/bin/agent.sh \"$@\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&claude, PermissionsExt::from_mode(0o755)).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/agents");
    std::fs::copy(
        fixtures.join("events.sh"),
        root.join("usr/local/bin/events.sh"),
    )
    .unwrap();
    std::fs::copy(
        fixtures.join("container"),
        root.join("usr/local/bin/agent.sh"),
    )
    .unwrap();
}

/// Copies a program to a place in the image, and the libraries that it needs to theirs.
#[expect(
    clippy::disallowed_methods,
    reason = "what a program needs is the loader's to say"
)]
fn copy_program(root: &Path, program: &Path, to: &str) {
    let place = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        if !to.exists() {
            std::fs::copy(from, to).unwrap();
        }
    };
    place(program, &root.join(to));
    let said = Command::new("ldd").arg(program).output().unwrap();
    for word in String::from_utf8_lossy(&said.stdout).split_whitespace() {
        let library = PathBuf::from(word);
        if library.is_absolute() && library.is_file() {
            place(&library, &root.join(library.strip_prefix("/").unwrap()));
        }
    }
}
