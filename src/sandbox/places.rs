//! Places on the machine that confined programs have no business with: credentials, and the
//! sockets of daemons, which a read-only view and the want of a network don't close.

use std::collections::VecDeque;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Places of credentials; relative to the home directory.
pub const CREDENTIALS: [&str; 12] = [
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".config/secloop",
    ".docker",
    ".gnupg",
    ".kube",
    ".local/share/keyrings",
    ".mozilla",
    ".password-store",
    ".ssh",
];
/// Single files of credentials; relative to the home directory.
const FILES: [&str; 4] = [
    ".claude/.credentials.json",
    ".git-credentials",
    ".netrc",
    ".pypirc",
];
/// In places of credentials: settings, which probes have to read.
const OPEN: [&str; 10] = [
    "authorized_keys",
    "daemon.json",
    "dirmngr.conf",
    "gpg-agent.conf",
    "gpg.conf",
    "known_hosts",
    "policies.json",
    "profiles.ini",
    "scdaemon.conf",
    "user.js",
];
/// Sockets that stand deeper than the search goes, or behind many others.
const SOCKETS: [&str; 6] = [
    "/var/lib/docker/docker.sock",
    "/var/lib/incus/unix.socket",
    "/var/lib/libvirt/libvirt-sock",
    "/var/lib/lxd/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
    "/var/snap/docker/common/run/docker.sock",
];
/// The same, relative to the home directory.
const HOME_SOCKETS: [&str; 9] = [
    ".colima/default/docker.sock",
    ".docker/desktop/docker.sock",
    ".docker/run/docker.sock",
    ".gnupg/S.gpg-agent",
    ".gnupg/S.gpg-agent.extra",
    ".gnupg/S.gpg-agent.ssh",
    ".gnupg/S.scdaemon",
    ".lima/default/sock/docker.sock",
    ".local/share/containers/podman/machine/podman.sock",
];
/// How deep a search goes.
const DEPTH: usize = 4;
/// How many entries it looks at.
const ENTRIES: usize = 2_000;
/// With more files than this, a place of credentials is hidden as a whole.
const COVERED: usize = 64;

/// The sockets of the system's daemons. Those below `/run` are hidden anyway.
pub(super) fn system_sockets() -> Vec<PathBuf> {
    let known = SOCKETS.iter().map(PathBuf::from);
    let found = ["/var/lib", "/var/snap", "/var/opt", "/var/spool"]
        .iter()
        .flat_map(|top| search(Path::new(top)).sockets);
    only_sockets(known.chain(found))
}

/// The sockets below a home directory.
pub(super) fn home_sockets(home: &Path) -> Vec<PathBuf> {
    let known = HOME_SOCKETS.iter().map(|name| home.join(name));
    // A place of credentials has its own search, which others don't use up.
    let places = CREDENTIALS.iter().map(|name| home.join(name));
    let found = places
        .chain([home.to_owned()])
        .flat_map(|top| search(&top).sockets);
    only_sockets(known.chain(found))
}

fn only_sockets(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = paths
        .filter(|path| std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket()))
        .filter_map(|path| std::fs::canonicalize(path).ok())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// What has to be out of sight in a home directory.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    /// Files with their modes.
    pub(super) files: Vec<(PathBuf, u32)>,
    /// Directories with too many files to be covered one by one.
    pub(super) dirs: Vec<PathBuf>,
}

/// The credentials in a home directory. Directories stay, since their modes may be looked at.
pub(super) fn credentials(home: &Path) -> Credentials {
    let mut found = Credentials::default();
    let Ok(home) = std::fs::canonicalize(home) else {
        return found;
    };
    let real = |name: &&str| {
        let path = std::fs::canonicalize(home.join(name)).ok()?;
        path.starts_with(&home).then_some(path)
    };
    for place in CREDENTIALS.iter().filter_map(real) {
        let Search { files, whole, .. } = search(&place);
        let secret: Vec<_> = files
            .into_iter()
            .filter(|(path, _)| !is_open(&place, path))
            .collect();
        if whole && secret.len() <= COVERED {
            found.files.extend(secret);
        } else {
            found.dirs.push(place);
        }
    }
    let single = FILES.iter().filter_map(real).filter_map(|path| {
        let meta = std::fs::metadata(&path).ok()?;
        meta.is_file().then(|| (path, meta.mode() & 0o777))
    });
    found.files.extend(single);
    found
}

fn is_open(place: &Path, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ssh = place.ends_with(".ssh") && (name == "config" || name.ends_with(".pub"));
    ssh || OPEN.contains(&&*name)
}

struct Search {
    sockets: Vec<PathBuf>,
    files: Vec<(PathBuf, u32)>,
    /// Everything was seen.
    whole: bool,
}

/// Looks below `top`, the shallowest first; follows no link.
fn search(top: &Path) -> Search {
    let mut found = Search {
        sockets: Vec::new(),
        files: Vec::new(),
        whole: true,
    };
    let mut left = ENTRIES;
    let mut dirs = VecDeque::from([(top.to_owned(), 1)]);
    while let Some((dir, depth)) = dirs.pop_front() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if left == 0 {
                found.whole = false;
                return found;
            }
            left -= 1;
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() && depth < DEPTH {
                dirs.push_back((entry.path(), depth + 1));
            } else if kind.is_dir() {
                found.whole = false;
            } else if kind.is_socket() {
                found.sockets.push(entry.path());
            } else if kind.is_file() {
                let mode = entry.metadata().map_or(0o600, |m| m.mode() & 0o777);
                found.files.push((entry.path(), mode));
            }
        }
    }
    found
}
