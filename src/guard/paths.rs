//! Where a path leads, as far as its text says, and which places are somebody's secrets or switches.

use super::marks::{DEEP, HOLE, HOME, ONE, STAR, has_hole, overlap, pattern};

/// What a path is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Base {
    /// `/`
    Root,
    /// A home directory, anybody's.
    Home,
    /// The directory that the script starts in.
    Here,
    /// Above that one.
    Above,
    /// Can't be told.
    Unknown,
}

/// A path without `.`, `..` and doubled slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// What it is counted from.
    pub(super) base: Base,
    /// The names below, lower case.
    pub(super) parts: Vec<String>,
    /// Whether it stands for files of a whole tree: the last name at any depth below the others.
    pub(super) deep: bool,
}

impl Place {
    /// The directory that a script starts in.
    pub(super) fn here() -> Self {
        Self::top(Base::Here)
    }

    /// What paths are counted from.
    pub(super) fn top(base: Base) -> Self {
        Self {
            base,
            parts: Vec::new(),
            deep: false,
        }
    }

    /// Resolves a path against the working directory.
    pub(super) fn of(path: &str, cwd: &Self) -> Self {
        let mut chars = path.chars();
        let (mut place, rest) = match chars.next() {
            Some(HOME | '~') => (Self::top(Base::Home), chars.as_str()),
            Some('/') => (Self::top(Base::Root), path),
            Some(HOLE) => (Self::top(Base::Unknown), path),
            _ => (cwd.clone(), path),
        };
        for part in rest.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if place.parts.pop().is_none() {
                        place.base = match place.base {
                            Base::Root => Base::Root,
                            Base::Home => {
                                place.parts.push("home".to_owned());
                                Base::Root
                            }
                            Base::Here | Base::Above => Base::Above,
                            Base::Unknown => Base::Unknown,
                        };
                    }
                }
                name if name.chars().eq([DEEP]) => place.deep = true,
                name => place.parts.push(name.to_lowercase()),
            }
        }
        place.settle();
        place
    }

    /// Recognises homes, and macOS's `/private`.
    fn settle(&mut self) {
        if self.base != Base::Root {
            return;
        }
        let first = self.parts.first().map(String::as_str);
        if first == Some("private") && self.parts.len() > 1 {
            self.parts.remove(0);
        }
        let skip = match self.parts.first().map(String::as_str) {
            Some("home" | "users") if self.parts.len() > 1 => 2,
            Some("root") => 1,
            _ => return,
        };
        self.parts.drain(..skip);
        self.base = Base::Home;
    }

    /// Strictly below a directory for temporary files.
    pub(super) fn is_temporary(&self) -> bool {
        self.base == Base::Root
            && match self.parts.first().map(String::as_str) {
                Some("tmp") => self.parts.len() > 1 && !bare(&self.parts[1]),
                Some("var") => {
                    matches!(
                        self.parts.get(1).map(String::as_str),
                        Some("tmp" | "folders")
                    ) && self.parts.get(2).is_some_and(|p| !bare(p))
                }
                _ => false,
            }
    }

    /// Strictly below a home's directory of caches.
    pub(super) fn is_cache(&self) -> bool {
        let named = |at: usize| self.parts.get(at).is_some_and(|p| !bare(p));
        self.base == Base::Home
            && match self.parts.first().map(String::as_str) {
                Some(".cache") => named(1),
                Some("library") => match self.parts.get(1).map(String::as_str) {
                    Some("caches") => named(2),
                    Some("developer") => self.parts.get(3).is_some_and(|p| p == "deriveddata"),
                    _ => false,
                },
                _ => false,
            }
    }

    /// Nothing but wildcards: everything that is there.
    pub(super) fn is_everything(&self) -> bool {
        self.parts.last().is_none_or(|p| bare(p))
    }

    /// Strictly below the directory that the script started in.
    pub(super) fn is_below(&self) -> bool {
        self.base == Base::Here && self.parts.first().is_some_and(|p| !bare(p) && p != ".git")
    }

    /// A part of the system, or a device.
    pub(super) fn is_system(&self) -> bool {
        if self.base != Base::Root || self.is_temporary() {
            return false;
        }
        let Some(first) = self.parts.first() else {
            return true;
        };
        if first == "dev" {
            let name = self.parts.get(1).map_or("", String::as_str);
            return !matches!(
                name,
                "null" | "zero" | "stdout" | "stderr" | "stdin" | "tty" | "fd" | "shm" | "full"
            );
        }
        let system = [
            "etc",
            "usr",
            "bin",
            "sbin",
            "boot",
            "lib",
            "lib64",
            "var",
            "system",
            "library",
            "proc",
            "sys",
            "applications",
            "opt",
            "efi",
        ];
        let var_tmp = first == "var" && self.parts.get(1).is_some_and(|p| p == "tmp");
        !var_tmp
            && system
                .iter()
                .any(|s| overlap(first, s) && first != &STAR.to_string())
    }

    /// A block device or a partition of one.
    pub(super) fn is_device(&self) -> bool {
        self.base == Base::Root
            && self.parts.first().is_some_and(|p| p == "dev")
            && self.is_system()
    }

    fn tail_matches(&self, tail: &str) -> bool {
        let tail: Vec<&str> = tail.split('/').collect();
        if self.parts.len() < tail.len() {
            return false;
        }
        let own = &self.parts[self.parts.len() - tail.len()..];
        let mut anchored = false;
        let all = own.iter().zip(&tail).all(|(part, want)| {
            // A wildcard doesn't reach a hidden name, and an unknown name alone says nothing.
            let wild = part.starts_with([STAR, ONE, HOLE]);
            if !wild && meets(part, want) {
                // What the table leaves open says nothing of the name, either.
                anchored |= *want != "*";
                return true;
            }
            let reachable = !want.starts_with('.') || part.starts_with(HOLE);
            wild && tail.len() > 1 && reachable && overlap(part, &pattern(want))
        });
        all && anchored
    }

    /// The secret that reading this file would show.
    pub(super) fn secret(&self) -> Option<&'static str> {
        let last = self.parts.last()?;
        let harmless = [
            ".pub",
            ".example",
            ".sample",
            ".template",
            ".dist",
            ".md",
            ".tmpl",
            ".defaults",
        ];
        if harmless.iter().any(|h| last.ends_with(h)) {
            return None;
        }
        let plain = [
            "config",
            "known_hosts",
            "known_hosts.old",
            "authorized_keys",
            "environment",
        ];
        let parent = self
            .parts
            .len()
            .checked_sub(2)
            .map(|i| self.parts[i].as_str());
        if parent == Some(".ssh") && plain.contains(&last.as_str()) {
            return None;
        }
        if parent == Some(".gnupg") && last.ends_with(".conf") {
            return None;
        }
        SECRETS
            .iter()
            .copied()
            .find(|s| self.tail_matches(s))
            .or_else(|| {
                (self.base == Base::Root && has_dir(&self.parts, "proc") && last == "environ")
                    .then_some("/proc/*/environ")
            })
    }

    /// The switch or start-up file that writing this path would change.
    pub(super) fn switch(&self) -> Option<&'static str> {
        SWITCHES.iter().copied().find(|s| {
            let home_only = s.starts_with("~/");
            let tail = s.trim_start_matches("~/");
            if home_only && self.base != Base::Home {
                return false;
            }
            if home_only && self.parts.len() != tail.split('/').count() {
                return false;
            }
            self.tail_matches(tail)
        })
    }
}

/// Whether a name may be one of those that a table's pattern means.
fn meets(part: &str, want: &str) -> bool {
    if !want.contains('*') {
        return overlap(part, want);
    }
    // Where the table itself is vague, an unknown part proves nothing.
    let part = part.replace(HOLE, "\u{1}");
    let want = match want.strip_prefix('*') {
        Some(rest) => format!("{ONE}{STAR}{}", pattern(rest)),
        None => pattern(want),
    };
    overlap(&part, &want)
}

fn has_dir(parts: &[String], name: &str) -> bool {
    parts.first().is_some_and(|p| p == name)
}

/// Only wildcards: everything there.
fn bare(part: &str) -> bool {
    let wild = |c: char| c == STAR || c == ONE || c == HOLE;
    part.contains(wild) && part.chars().all(|c| wild(c) || c == '.')
        || has_hole(part) && part.starts_with(HOLE)
}

/// Files whose content is a secret, by the end of their path.
const SECRETS: &[&str] = &[
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    ".dev.vars",
    ".dev.vars.*",
    ".streamlit/secrets.toml",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa.*",
    "id_ed25519.*",
    ".ssh",
    ".ssh/*",
    ".aws",
    ".aws/credentials*",
    ".aws/config",
    ".aws/sso/cache/*",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".gem/credentials",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".docker/config.json",
    ".kube",
    ".kube/config",
    ".gnupg",
    ".gnupg/*",
    ".gnupg/private-keys-v1.d/*",
    "gcloud/application_default_credentials.json",
    "gcloud/credentials.db",
    "gcloud/access_tokens.db",
    "gcloud/legacy_credentials/*",
    ".azure/accesstokens.json",
    ".azure/msal_token_cache*",
    ".config/gh/hosts.yml",
    "gh/hosts.yml",
    "pypoetry/auth.toml",
    ".claude/.credentials.json",
    ".codex/auth.json",
    ".config/op/*",
    ".vault-token",
    ".terraform.d/credentials.tfrc.json",
    ".terraformrc",
    ".password-store",
    ".password-store/*",
    ".config/rclone/rclone.conf",
    ".config/hub",
    ".s3cfg",
    ".boto",
    ".htpasswd",
    ".bash_history",
    ".zsh_history",
    ".psql_history",
    ".mysql_history",
    "run/secrets/*",
    "serviceaccount/token",
    "*.tfstate",
    "*.tfstate.backup",
    "etc/shadow",
    "etc/shadow-",
    "etc/gshadow",
    "etc/master.passwd",
    "etc/sudoers",
    "etc/sudoers.d/*",
    "etc/ssh/ssh_host_*_key",
    "etc/krb5.keytab",
    "library/keychains",
    "library/keychains/*",
    "login.keychain-db",
    "*.keychain-db",
    "login data",
    "default/cookies",
    "network/cookies",
    ".mozilla",
    ".mozilla/firefox",
    ".config/google-chrome",
    ".config/chromium",
    ".config/bravesoftware",
    "google/chrome",
    "application support/firefox",
    "cookies.sqlite",
    "logins.json",
    "key4.db",
    "wallet.dat",
    "*.kdbx",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.jks",
    "key.pem",
    "*-key.pem",
    "*_key.pem",
    "privkey*.pem",
    "private*.pem",
    "secrets.yml",
    "secrets.yaml",
    "secrets.json",
    "credentials.json",
    "service-account*.json",
    "service_account*.json",
];

/// Files that decide what runs later or what is guarded, by the end of their path. `~/`: right there.
const SWITCHES: &[&str] = &[
    "~/.bashrc",
    "~/.bash_profile",
    "~/.bash_login",
    "~/.bash_logout",
    "~/.bash_aliases",
    "~/.profile",
    "~/.zshrc",
    "~/.zshenv",
    "~/.zprofile",
    "~/.zlogin",
    "~/.zlogout",
    "~/.xprofile",
    "~/.xinitrc",
    "~/.xsession",
    "~/.inputrc",
    "~/.vimrc",
    "~/.gitconfig",
    "~/.npmrc",
    "~/.pythonrc",
    "~/.config/git/config",
    "~/.config/fish/config.fish",
    ".config/fish/conf.d/*",
    ".config/autostart/*",
    ".config/systemd/user/*",
    "systemd/user/*.service",
    ".ssh/*",
    "library/launchagents/*",
    "library/launchdaemons/*",
    "crontabs/*",
    "cron/*",
    ".git/hooks/*",
    ".git/config",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/hooks/*",
    ".claude.json",
    "managed-settings.json",
    ".husky/_/*",
    ".vscode/tasks.json",
    "site-packages/*.pth",
    "sitecustomize.py",
    "usercustomize.py",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Place {
        Place::of(
            &pattern(&path.replace('~', &HOME.to_string())),
            &Place::here(),
        )
    }

    #[test]
    fn paths_lead_where_they_say() {
        assert_eq!(of("/tmp/../etc").parts, ["etc"]);
        assert_eq!(of("/home/user/x"), of("~/x"));
        assert_eq!(of("~/..").base, Base::Root);
        assert_eq!(of("a/../..").base, Base::Above);
        assert!(of("build/*").is_below());
        assert!(!of("*").is_below());
        assert!(of("/private/tmp/x").is_temporary());
        assert!(!of("/tmp").is_temporary());
        assert!(!of("/tmp/*").is_temporary());
        assert!(of("/dev/sda").is_device());
        assert!(!of("/dev/null").is_system());
    }

    #[test]
    fn secrets_are_known_by_their_place() {
        for path in [
            "~/.ssh/id_rsa",
            "~/.SSH/id_rsa",
            "~/.ssh/*",
            ".env",
            "a/.env.local",
            ".e*",
            "~/.*/config",
            "~/.gnupg/private-keys-v1.d/*",
            "~/Library/*/*",
            "/run/*/token",
            "/*/shadow",
        ] {
            assert!(of(path).secret().is_some(), "{path}");
        }
        for path in [
            "~/.ssh/config",
            "~/.ssh/id_rsa.pub",
            ".env.example",
            "*",
            "src/*.rs",
            "*.toml",
            "src/*/mod.rs",
            "*/*/README",
            "/sys/class/net/*/address",
        ] {
            assert_eq!(of(path).secret(), None, "{path}");
        }
        assert!(of("~/.bashrc").switch().is_some());
        assert!(of("x/.bashrc").switch().is_none());
        assert!(of(".git/hooks/pre-commit").switch().is_some());
    }
}
