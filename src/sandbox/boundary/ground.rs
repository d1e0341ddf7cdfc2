//! The ground on which attempts are made: things of a user's that must not be touched, servers that
//! must not be reached, and how it is seen from outside whether they were.

use std::collections::BTreeMap;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::act::{MARK, Report, Task, is_held};
use super::table::{Act, Expectation, Target, Wanted};

const UNTOUCHED: &str = "untouched\n";

/// The places that the boundary opens, as the host names them and as they are named inside.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The working copy on the host.
    pub work: PathBuf,
    /// The same inside.
    pub work_inside: PathBuf,
    /// The private directory for temporary files, inside.
    pub temp_inside: PathBuf,
    /// The port of the proxy inside.
    pub proxy: u16,
}

/// The ground; cleared when dropped.
#[derive(Debug)]
pub struct Ground {
    outside: tempfile::TempDir,
    home: PathBuf,
    temp: tempfile::NamedTempFile,
    open: std::fs::File,
    udp: UdpSocket,
    tcp: TcpListener,
    _daemon: UnixListener,
    /// Somebody else's process.
    pub victim: u32,
}

impl Ground {
    /// Lays it out in a home directory.
    ///
    /// # Errors
    /// When something can't be made.
    pub fn new(home: &Path, rows: &[&Expectation]) -> std::io::Result<Self> {
        let outside = tempfile::Builder::new()
            .prefix(".secloop-boundary-")
            .tempdir_in(home)?;
        for row in rows.iter().filter(|r| r.target == Target::Outside) {
            let path = outside.path().join(row.name);
            std::fs::write(&path, UNTOUCHED)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        }
        let daemon = outside.path().join("daemon.sock");
        let open = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(outside.path().join("inherited_fd"))?;
        // Whoever starts a program without care hands it on.
        rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty())?;
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        udp.set_nonblocking(true)?;
        Ok(Self {
            _daemon: UnixListener::bind(daemon)?,
            outside,
            home: home.to_owned(),
            temp: tempfile::Builder::new()
                .prefix("secloop-boundary-")
                .tempfile()?,
            open,
            udp,
            tcp: TcpListener::bind("127.0.0.1:0")?,
            victim: 0,
        })
    }

    /// What is to be tried, in an order in which nothing takes away the ground of the next.
    pub fn tasks(&self, rows: &[&Expectation], opened: &Opened) -> Vec<Task> {
        let mut tasks: Vec<Task> = rows
            .iter()
            .filter_map(|row| {
                Some(Task {
                    name: row.name.to_owned(),
                    act: row.act,
                    place: self.place(row, opened)?,
                    work: opened.work_inside.display().to_string(),
                })
            })
            .collect();
        tasks.sort_by_key(|task| matches!(task.act, Act::Move | Act::Remain));
        tasks
    }

    fn place(&self, row: &Expectation, opened: &Opened) -> Option<String> {
        let new = |dir: &Path| match row.act {
            Act::Create => dir.join(self.name_of(row)),
            _ => dir.to_owned(),
        };
        let path = match (row.target, row.act) {
            (Target::Outside, Act::Descriptor) => return Some(self.open.as_raw_fd().to_string()),
            (Target::Outside, _) => self.outside.path().join(row.name),
            // A home of which the boundary opens a part is there inside, and all but empty.
            (Target::Home, Act::Read) | (Target::OutsideDir, _) => new(self.outside.path()),
            (Target::Home, _) => new(&self.home),
            (Target::InHome(below), _) => new(&self.home.join(below)),
            (Target::System(path), _) => new(Path::new(path)),
            (Target::HostTemp, Act::Create) => new(self.temp.path().parent()?),
            (Target::HostTemp, _) => self.temp.path().to_owned(),
            (Target::Work, _) => new(&opened.work_inside),
            (Target::Above, _) => opened.work_inside.parent()?.to_owned(),
            (Target::Temp, _) => new(&opened.temp_inside),
            (Target::Socket, _) => self.outside.path().join("daemon.sock"),
            (Target::Loopback, Act::Send) => return Some(self.udp.local_addr().ok()?.to_string()),
            (Target::Loopback, _) => return Some(self.tcp.local_addr().ok()?.to_string()),
            (Target::Proxy, _) => return Some(format!("!127.0.0.1:{}", opened.proxy)),
            (Target::Internet, _) => return Some("1.1.1.1:443".to_owned()),
            (Target::Named(name), _) => return Some(name.to_owned()),
            (Target::Itself, Act::Environment | Act::Signal) => {
                return Some(self.victim.to_string());
            }
            (Target::Itself, Act::Remain) => opened.work_inside.join("held"),
            (Target::Itself, _) => return Some(String::new()),
            (Target::AbstractSocket, _) => return None,
        };
        Some(path.display().to_string())
    }

    fn name_of(&self, row: &Expectation) -> String {
        // As unlikely a name as that of the directory.
        let own = self.outside.path().file_name().unwrap_or_default();
        format!(
            "{}-{}",
            own.to_string_lossy().trim_start_matches('.'),
            row.name
        )
    }

    /// Whether each was done, seen from outside where that can be seen; everything is put back.
    pub fn judge(
        &self,
        rows: &[&Expectation],
        reports: &[Report],
        opened: &Opened,
    ) -> BTreeMap<&'static str, (Option<bool>, String)> {
        let mut all = BTreeMap::new();
        // Backwards: what was moved last is put back first.
        for row in rows.iter().rev() {
            let report = reports.iter().find(|r| r.name == row.name);
            let seen = self.seen(row, opened);
            let (told, says) = match report {
                Some(report) => (report.did, report.says.clone()),
                None => (None, "not tried".to_owned()),
            };
            let did = match (row.wanted, seen) {
                // Its own word is not enough: what it did may be its own illusion.
                (Wanted::Stopped, Some(seen)) => told.map(|_| seen),
                _ => told,
            };
            let says = match (told, did) {
                (Some(true), Some(false)) => "only inside".to_owned(),
                _ => says,
            };
            all.insert(row.name, (did, says));
        }
        all
    }

    /// What can be seen; `None` where only the attempt itself can tell.
    fn seen(&self, row: &Expectation, opened: &Opened) -> Option<bool> {
        let place = self.place(row, opened)?;
        let path = Path::new(&place);
        match (row.act, row.target) {
            (Act::Create, Target::Work | Target::Temp) | (Act::Read, _) => None,
            (Act::Create, _) => Some(std::fs::remove_file(path).is_ok()),
            (Act::Move, Target::Work | Target::Above) => {
                let path = match row.target {
                    Target::Work => opened.work.clone(),
                    _ => opened.work.parent()?.to_owned(),
                };
                Some(std::fs::rename(path.with_extension(MARK), &path).is_ok())
            }
            (Act::Send, _) => Some(self.udp.recv(&mut [0; 64]).is_ok()),
            (Act::Remain, _) => is_held(&opened.work.join("held")).ok(),
            (_, Target::Outside) => {
                let path = self.outside.path().join(row.name);
                let whole = std::fs::read_to_string(&path).is_ok_and(|c| c == UNTOUCHED);
                let mode =
                    std::fs::metadata(&path).is_ok_and(|m| m.permissions().mode() & 0o777 == 0o600);
                let touched = !whole || !mode && row.act == Act::Chmod;
                let _ = std::fs::remove_file(path.with_extension(MARK));
                if touched && row.act != Act::Descriptor {
                    let _ = std::fs::write(&path, UNTOUCHED);
                    let _ = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600));
                }
                Some(touched)
            }
            _ => None,
        }
    }
}
