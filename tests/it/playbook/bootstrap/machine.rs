//! A machine with programs of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use secloop::config::AnsibleRuntime;
use secloop::playbook::bootstrap::{Runtime, obtain};
use tokio_util::sync::CancellationToken;

/// Stands for Python: answers the question for its version, makes environments that contain
/// itself and an `ansible-playbook`, and installs into them.
const PYTHON: &str = r#"#!/bin/sh
echo "python $*" >> LOG
case "$1 $2 $3" in
"-I -c "*) echo "VERSION"; exit 0 ;;
"-I -m venv")
    mkdir -p "$4/bin" || exit 1
    cp "$0" "$4/bin/python" && echo made ;;
"-I -m pip")
    INSTALL
    printf '#!/bin/sh\n' > "${0%/*}/ansible-playbook" ;;
"-P "*) echo "ansible-playbook [core 2.19.99]" ;;
*) exit 64 ;;
esac
"#;

/// A machine with programs of its own and an empty cache.
pub(super) struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    pub(super) fn new() -> Self {
        let machine = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(machine.at("bin")).unwrap();
        for name in ["sh", "mkdir", "cp"] {
            let real = secloop::process::find_on_path(name, &std::env::var_os("PATH").unwrap());
            std::os::unix::fs::symlink(real.unwrap(), machine.at("bin").join(name)).unwrap();
        }
        machine
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Written by another process: a program can't be started while a fork of this one, of
    /// another test, has it open for writing.
    #[expect(clippy::disallowed_methods, reason = "a test's own shell")]
    pub(super) fn program(&self, name: &str, text: &str) {
        let done = std::process::Command::new("/bin/sh")
            .args(["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(self.at("bin").join(name))
            .arg(text)
            .status();
        assert!(done.unwrap().success());
    }

    /// A Python of this version whose `pip` does this.
    pub(super) fn python(&self, version: &str, install: &str) {
        let text = PYTHON
            .replace("LOG", &self.at("log").display().to_string())
            .replace("VERSION", version)
            .replace("INSTALL", install);
        self.program("python3", &text);
    }

    pub(super) fn ansible(&self, version: &str) {
        self.program(
            "ansible-playbook",
            &format!("#!/bin/sh\necho 'ansible-playbook [core {version}]'\n"),
        );
    }

    pub(super) fn path(&self) -> OsString {
        self.at("bin").into_os_string()
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.at("log")).unwrap_or_default()
    }

    pub(super) async fn obtain(&self, wanted: AnsibleRuntime) -> Result<Runtime, String> {
        let env = BTreeMap::from([("PIP_INDEX_URL".into(), "http://127.0.0.1:9".into())]);
        let cancel = CancellationToken::new();
        let cache = self.at("cache");
        obtain(wanted, &cache, &self.path(), env, &mut |_| (), &cancel)
            .await
            .map_err(|e| e.to_string())
    }

    /// What is in the directory of environments.
    pub(super) fn environments(&self) -> Vec<PathBuf> {
        let dir = std::fs::read_dir(self.at("cache/runtime")).unwrap();
        dir.map(|e| e.unwrap().path()).collect()
    }
}
