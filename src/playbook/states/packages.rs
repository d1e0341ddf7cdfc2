//! What is installed. A package that was added can be removed where nothing else needs it; one that
//! was removed can only come back where its file is still on this machine.

use std::path::Path;

use super::ask::{Answer, Ask, run};
use super::{Change, Kind, Step, Table, Undo, command};

/// Debian's packages, by name and architecture.
pub(super) struct Dpkg;
/// Red Hat's and SUSE's packages.
pub(super) struct Rpm;
/// Homebrew's formulas and casks.
pub(super) struct Brew;

/// Where apt keeps what it has fetched.
const APT_CACHE: &str = "/var/cache/apt/archives";

impl Kind for Dpkg {
    fn step(&self) -> Step {
        Step::BeforeFiles
    }

    fn name(&self) -> &'static str {
        "package"
    }

    fn asks(&self) -> Vec<Ask> {
        let format = "${db:Status-Abbrev}\t${Package}:${Architecture}\t${Version}\n";
        vec![run(["dpkg-query", "-W", "-f", format])]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let mut table = Table::new();
        for line in text(answers).lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [status, name, version] = fields.as_slice() else {
                return Err(format!("dpkg-query has another form: {line}"));
            };
            // What is not there, or only known, is no package.
            if !status.starts_with("un") && status.trim().chars().nth(1) != Some('n') {
                table.insert((*name).to_owned(), format!("{} {version}", status.trim()));
            }
        }
        Ok(table)
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let mut all = remove_added(
            changes,
            &["dpkg", "--simulate", "--purge"],
            &["dpkg", "--purge"],
        );
        for change in changes.iter().filter(|c| c.was.is_some()) {
            let (name, arch) = change.item.split_once(':').unwrap_or((&change.item, "all"));
            let was = change.was.as_deref().unwrap_or_default();
            let version = was.split(' ').nth(1).unwrap_or_default();
            let file = format!(
                "{APT_CACHE}/{name}_{}_{arch}.deb",
                version.replace(':', "%3a")
            );
            all.push(if was.starts_with("ii") && Path::new(&file).is_file() {
                Undo::Proven {
                    check: command(["dpkg", "--simulate", "--install", &file]),
                    run: command(["dpkg", "--force-confold", "--install", &file]),
                }
            } else {
                Undo::Left(format!("apt-get install {name}={version}"))
            });
        }
        all
    }
}

impl Kind for Rpm {
    fn step(&self) -> Step {
        Step::BeforeFiles
    }

    fn name(&self) -> &'static str {
        "rpm package"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![run(["rpm", "-qa", "--qf", "%{NAME}.%{ARCH}\t%{EVR}\n"])]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let mut table = Table::new();
        for line in text(answers).lines() {
            let (name, version) = line
                .split_once('\t')
                .ok_or_else(|| format!("rpm has another form: {line}"))?;
            // Kernels are there in several versions.
            let versions: &mut String = table.entry(name.to_owned()).or_default();
            if !versions.is_empty() {
                versions.push(' ');
            }
            versions.push_str(version);
        }
        Ok(table)
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let mut all = remove_added(changes, &["rpm", "-e", "--test"], &["rpm", "-e"]);
        for change in changes.iter().filter(|c| c.was.is_some()) {
            let (name, arch) = change.item.rsplit_once('.').unwrap_or((&change.item, ""));
            let version = change.was.as_deref().unwrap_or_default();
            all.push(Undo::Left(format!("dnf install {name}-{version}.{arch}")));
        }
        all
    }
}

impl Kind for Brew {
    fn step(&self) -> Step {
        Step::BeforeFiles
    }

    fn name(&self) -> &'static str {
        "homebrew package"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![run(["brew", "list", "--versions"])]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        Ok(text(answers)
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, versions)| (name.to_owned(), versions.to_owned()))
            .collect())
    }

    /// Homebrew itself refuses to remove what another formula needs.
    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        changes
            .iter()
            .map(|change| match &change.was {
                None => Undo::Run(vec![command(["brew", "uninstall", &change.item])]),
                Some(_) => Undo::Left(format!("brew install {}", change.item)),
            })
            .collect()
    }
}

/// All that was added goes at once, so that what came along with a package is no obstacle.
fn remove_added(changes: &[Change], check: &[&str], run: &[&str]) -> Vec<Undo> {
    let added: Vec<&str> = changes
        .iter()
        .filter(|c| c.was.is_none())
        .map(|c| c.item.as_str())
        .collect();
    if added.is_empty() {
        return Vec::new();
    }
    let with = |start: &[&str]| command(start.iter().chain(&added).copied());
    vec![Undo::Proven {
        check: with(check),
        run: with(run),
    }]
}

fn text(answers: &[Answer]) -> &str {
    answers
        .first()
        .and_then(Option::as_deref)
        .unwrap_or_default()
}
