//! Modules that install and remove.

use super::{BUILTIN, Call, GENERAL, Module};
use crate::gates::policy::issue::Issue;
use crate::playbook::yaml::Node;

pub(super) const MODULES: &[Module] = &[
    Module {
        names: "apt package dnf yum",
        collection: BUILTIN,
        params: &[
            "name",
            "pkg",
            "package",
            "state",
            "update_cache",
            "cache_valid_time",
            "install_recommends",
            "upgrade",
            "autoclean",
            "autoremove",
            "purge",
            "dpkg_options",
            "only_upgrade",
            "security",
            "lock_timeout",
            "use",
        ],
        judge: packages,
    },
    Module {
        names: "homebrew homebrew_cask zypper apk",
        collection: GENERAL,
        params: &[
            "name",
            "package",
            "pkg",
            "state",
            "update_homebrew",
            "upgrade_all",
            "update_cache",
            "greedy",
        ],
        judge: packages,
    },
    Module {
        names: "homebrew_tap",
        collection: GENERAL,
        params: &["name", "state"],
        judge: tap,
    },
    Module {
        names: "pip",
        collection: BUILTIN,
        params: &["name", "state", "version"],
        judge: language,
    },
    Module {
        names: "npm gem",
        collection: GENERAL,
        params: &["name", "state", "version", "global"],
        judge: language,
    },
    Module {
        names: "apt_repository apt_key deb822_repository yum_repository",
        collection: BUILTIN,
        params: &[
            "repo",
            "state",
            "filename",
            "update_cache",
            "name",
            "uris",
            "suites",
            "components",
            "signed_by",
            "types",
            "description",
            "baseurl",
            "gpgcheck",
            "gpgkey",
            "enabled",
        ],
        judge: repository,
    },
];

/// What lets others in, listens without protection or is made to attack.
const RISKY: &str = " telnetd telnetd-ssl inetutils-telnetd telnet-server rsh-server rsh-redone-server rsh nis ypserv ypbind talkd \
    talk-server tftpd tftpd-hpa tftp-server atftpd xinetd openbsd-inetd inetutils-inetd netcat netcat-traditional \
    netcat-openbsd ncat nc nmap-ncat socat cryptcat tor torsocks proxychains proxychains4 hydra thc-hydra john john-jumbo hashcat \
    aircrack-ng ettercap metasploit metasploit-framework sqlmap nikto responder bettercap ngrok frp frpc cloudflared bore \
    teamviewer anydesk rustdesk vnc-server tigervnc-server x11vnc tightvncserver xrdp vsftpd proftpd pure-ftpd rinetd chisel \
    dropbear sslh shellinabox gotty ttyd wetty stunnel4 stunnel iodine dnscat2 ptunnel masscan xmrig cpuminer at ";
/// Old services and programs that a hardened machine does without.
const REMOVABLE: &str = " telnet telnetd inetutils-telnet telnet-server rsh-client rsh-redone-client rsh-server rsh talk talkd talk-server \
    nis ypserv ypbind ldap-utils xinetd openbsd-inetd inetutils-inetd tftp tftpd tftpd-hpa tftp-server atftpd vsftpd ftp \
    avahi-daemon cups rpcbind nfs-kernel-server nfs-utils snmpd snmp slapd openldap-clients bind9 dnsmasq isc-dhcp-server dovecot \
    squid samba apport whoopsie popularity-contest prelink xserver-xorg xorg-x11-server-common rsync-daemon autofs netcat \
    netcat-traditional netcat-openbsd nmap setroubleshoot mcstrans ";

fn among(list: &str, name: &str) -> bool {
    !name.is_empty() && list.split_whitespace().any(|n| n == name)
}

/// The name of a package: no address, no file, no options.
pub(in super::super) fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "+._-:=@*~".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(good)
        && !name.contains("..")
        && !name.ends_with(".deb")
        && !name.ends_with(".rpm")
}

/// Judges the name of something that is installed.
pub(in super::super) fn installed(line: usize, name: &str) -> Option<Issue> {
    let bare = name.split(['=', '@', ':']).next().unwrap_or(name);
    if !is_name(name) {
        let bad = name.contains("://") || name.starts_with(['/', '-', '.']) || name.contains("..");
        let what = format!(
            "{} is no plain name of a package",
            crate::text::plain(name, 80)
        );
        return Some(if bad {
            Issue::refused("package-source", line, what)
        } else {
            Issue::held("package-source", line, what)
        });
    }
    if name.contains('=') {
        return Some(Issue::held(
            "package",
            line,
            format!("{name} binds a version, which may be an old one; a person decides"),
        ));
    }
    among(RISKY, &bare.to_lowercase()).then(|| {
        Issue::held(
            "package",
            line,
            format!("{bare} lets others in, sends out, or attacks; a person decides"),
        )
    })
}

fn packages(call: &Call<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    let names = call.texts(&["name", "pkg", "package"]);
    if let Some(node) = call.first(&["name", "pkg", "package"])
        && names.is_empty()
        && node.text().is_none()
        && node.list().is_none_or(|l| !l.is_empty())
    {
        issues.push(call.held("package", "packages that are no list of names"));
    }
    let state = call.text("state");
    match state {
        "" | "present" | "latest" | "installed" | "head" | "upgraded" | "linked" | "fixed"
        | "build-dep" => {
            let templates = |n: &&str| crate::gates::policy::jinja::is_template(n);
            let plain = names.iter().filter(|n| !templates(n) && !n.is_empty());
            issues.extend(
                plain
                    .filter(|n| **n != "*")
                    .filter_map(|n| installed(call.line, n)),
            );
        }
        "absent" | "removed" | "uninstalled" | "unlinked" => {
            for name in names.iter().filter(|n| !among(REMOVABLE, n)) {
                let name = crate::text::plain(name, 80);
                issues.push(call.held(
                    "package-removed",
                    format!("the package {name} is removed; a person decides"),
                ));
            }
        }
        other => issues.push(call.held(
            "package",
            format!("the state {} of packages", crate::text::plain(other, 40)),
        )),
    }
    if let Some(options) = call.get("dpkg_options").and_then(Node::text) {
        let usual = ["force-confold", "force-confdef"];
        if !options.split(',').all(|o| usual.contains(&o.trim())) {
            issues.push(call.refused(
                "runs-program",
                "dpkg_options other than force-confdef and force-confold",
            ));
        }
    }
    let upgrade = call.text("upgrade");
    let known = [
        "", "dist", "full", "safe", "yes", "true", "no", "false", "True",
    ];
    if !known.contains(&upgrade) {
        issues.push(call.held(
            "module-parameter",
            format!("upgrade: {}", crate::text::plain(upgrade, 40)),
        ));
    }
    issues
}

fn tap(call: &Call<'_>) -> Vec<Issue> {
    let names = call.texts(&["name"]);
    let own = |n: &&&str| n.starts_with("homebrew/") && is_name(&n.replace('/', "-"));
    if names.iter().all(|n| own(&n)) && call.text("state") != "absent" {
        return Vec::new();
    }
    vec![call.held(
        "package-source",
        "another source of packages, whose formulas run code; a person decides",
    )]
}

/// Programs from registries to which anybody may publish.
fn language(call: &Call<'_>) -> Vec<Issue> {
    let known = [
        "ansible",
        "ansible-core",
        "ansible-lint",
        "pre-commit",
        "yamllint",
        "passlib",
        "virtualenv",
        "detect-secrets",
    ];
    let mut issues: Vec<Issue> = call
        .texts(&["name"])
        .iter()
        .filter_map(|n| installed(call.line, n))
        .collect();
    let all = call.texts(&["name"]);
    if all
        .iter()
        .any(|n| !known.contains(&n.split(['=', '<', '>', '[']).next().unwrap_or(n)))
        || call.name != "pip"
    {
        issues.push(call.held(
            "package-source",
            "a registry to which anybody may publish; a person decides",
        ));
    }
    issues
}

fn repository(call: &Call<'_>) -> Vec<Issue> {
    let repo = call.text("repo").to_lowercase();
    let untrusted = repo.contains("trusted=yes")
        || repo.contains("allow-insecure")
        || call.get("gpgcheck").and_then(Node::boolean) == Some(false)
        || ["repo", "uris", "baseurl"]
            .iter()
            .any(|k| call.text(k).contains("http://"));
    if untrusted {
        return vec![call.refused(
            "package-source",
            "a source of packages without a check of who made them",
        )];
    }
    vec![call.held(
        "package-source",
        "another source of packages; a person decides",
    )]
}
