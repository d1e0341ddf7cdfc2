//! What the tests share.

pub(crate) mod ansible;
pub(crate) mod bed;
pub(crate) mod claude;
pub(crate) mod debs;
pub(crate) mod discord;
pub(crate) mod foreign;
pub(crate) mod git;
#[cfg(target_os = "linux")]
pub(crate) mod inside;
pub(crate) mod meter;
pub(crate) mod model;
pub(crate) mod past;
#[cfg(target_os = "linux")]
pub(crate) mod podman;
#[cfg(target_os = "linux")]
pub(crate) mod points;
#[cfg(target_os = "linux")]
pub(crate) mod scripted;
pub(crate) mod station;
pub(crate) mod transcripts;

/// The native sandbox.
pub(crate) async fn native() -> secloop::sandbox::Sandbox {
    sandbox(secloop::config::Level::Native).await
}

/// The sandbox; its inner stage is secloop, which this process is not.
pub(crate) async fn sandbox(level: secloop::config::Level) -> secloop::sandbox::Sandbox {
    secloop::process::secloop_is_at(env!("CARGO_BIN_EXE_secloop").into());
    let path = std::env::var_os("PATH").unwrap();
    secloop::sandbox::Sandbox::detect(level, &path)
        .await
        .unwrap()
}

/// The files below `dir` that hold `text`, and how many were looked at.
#[cfg(target_os = "linux")]
pub(crate) fn holding(dir: &std::path::Path, text: &str) -> (Vec<std::path::PathBuf>, usize) {
    let (mut found, mut looked) = (Vec::new(), 0);
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                dirs.push(entry.path());
            } else if kind.is_file() {
                looked += 1;
                let bytes = std::fs::read(entry.path()).unwrap();
                if memchr::memmem::find(&bytes, text.as_bytes()).is_some() {
                    found.push(entry.path());
                }
            }
        }
    }
    (found, looked)
}

/// Makes a named pipe.
#[expect(clippy::disallowed_methods, reason = "a system call that macOS lacks")]
pub(crate) fn fifo(path: &std::path::Path) {
    let done = std::process::Command::new("mkfifo").arg(path).status();
    assert!(done.unwrap().success(), "mkfifo {}", path.display());
}
