//! What is mounted where, and how (Linux).

use super::ask::{Answer, Ask};
use super::{Change, Kind, Table, Undo, changed, command};

/// Mounts, by their place: source, kind and options of the place itself.
pub(super) struct Mounts;

/// Places where programs and people mount things by themselves.
const OTHERS: [&str; 10] = [
    "/media/",
    "/run/media/",
    "/run/user/",
    "/run/credentials/",
    "/run/docker/",
    "/run/netns/",
    "/snap/",
    "/var/lib/docker/",
    "/var/lib/containers/",
    "/var/lib/kubelet/",
];
/// Kinds of mounts that come when somebody looks at a place.
const BY_THEMSELVES: [&str; 4] = ["autofs", "nsfs", "fuse.portal", "fuse.gvfsd-fuse"];
/// Kinds that show each process another root.
const BY_READER: [&str; 2] = ["cgroup", "cgroup2"];

impl Kind for Mounts {
    fn name(&self) -> &'static str {
        "mount"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::File("/proc/self/mountinfo")]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let text = answers
            .first()
            .and_then(Option::as_deref)
            .unwrap_or_default();
        let mut table = Table::new();
        for line in text.lines() {
            // id parent major:minor root place options [optional…] - kind source super-options
            let (left, right) = line.split_once(" - ").ok_or("mountinfo has another form")?;
            let left: Vec<&str> = left.split(' ').collect();
            let right: Vec<&str> = right.split(' ').collect();
            let ([_, _, _, root, place, options, ..], [kind, source, ..]) =
                (left.as_slice(), right.as_slice())
            else {
                return Err("mountinfo has another form".to_owned());
            };
            let place = unescape(place);
            let of_others = OTHERS.iter().any(|o| place.starts_with(o));
            if of_others || BY_THEMSELVES.contains(kind) || BY_READER.contains(kind) {
                continue;
            }
            let mut options: Vec<&str> = options.split(',').collect();
            // The first is rw or ro; the rest has no order.
            options.sort_unstable();
            // One over another: the last line is what is seen.
            table.insert(
                place,
                format!("{} {kind} {root} {}", unescape(source), options.join(",")),
            );
        }
        Ok(table)
    }

    fn differences(&self, before: &Table, now: &Table) -> Vec<Change> {
        changed(before, now)
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let mut all = Vec::new();
        // What was added goes, the deepest first.
        for change in changes.iter().rev().filter(|c| c.was.is_none()) {
            all.push(Undo::Run(vec![command(["umount", &change.item])]));
        }
        for change in changes.iter().filter(|c| c.was.is_some()) {
            let fields = |value: &Option<String>| -> Vec<String> {
                let value = value.as_deref().unwrap_or_default();
                value.rsplitn(4, ' ').map(str::to_owned).collect()
            };
            let (was, is) = (fields(&change.was), fields(&change.is));
            let [options, root, kind, source] = was.as_slice() else {
                continue;
            };
            let same = was.get(1..) == is.get(1..);
            let place = change.item.as_str();
            all.push(if same {
                Undo::Run(vec![command(["mount", "-o", &remount(options), place])])
            } else if change.is.is_none() && root == "/" && source.starts_with('/') {
                Undo::Run(vec![command([
                    "mount", "-t", kind, "-o", options, source, place,
                ])])
            } else {
                Undo::Left(format!(
                    "mount {source} ({kind}, {root}) at {place} with {options} again"
                ))
            });
        }
        all
    }
}

/// The options with which a place gets back what it had, and nothing else.
fn remount(options: &str) -> String {
    let has: Vec<&str> = options.split(',').collect();
    let mut all = vec!["remount".to_owned(), "bind".to_owned()];
    for (set, unset) in [
        ("ro", "rw"),
        ("nosuid", "suid"),
        ("nodev", "dev"),
        ("noexec", "exec"),
    ] {
        all.push(if has.contains(&set) { set } else { unset }.to_owned());
    }
    let time = ["noatime", "nodiratime", "relatime"];
    all.extend(
        time.iter()
            .filter(|t| has.contains(t))
            .map(|t| (*t).to_owned()),
    );
    all.join(",")
}

/// Spaces and backslashes are octal in the kernel's table.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}
