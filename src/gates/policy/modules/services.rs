//! Services.

use super::{BUILTIN, Call, Module};
use crate::gates::policy::issue::Issue;
use crate::playbook::yaml::Node;

pub(super) const MODULES: &[Module] = &[Module {
    names: "service systemd systemd_service",
    collection: BUILTIN,
    params: &[
        "name",
        "unit",
        "service",
        "state",
        "enabled",
        "daemon_reload",
        "daemon-reload",
        "masked",
        "scope",
        "use",
    ],
    judge: service,
}];

/// Services of the distributions that may run.
const KNOWN: &str = " ssh sshd fail2ban ufw auditd chrony chronyd ntp ntpd systemd-timesyncd unattended-upgrades rsyslog syslog apparmor \
    cron crond clamav-daemon clamav-freshclam firewalld nftables iptables netfilter-persistent systemd-journald systemd-logind \
    systemd-resolved docker nginx apache2 httpd postgresql mysql mariadb redis redis-server memcached postfix logrotate \
    apt-daily.timer apt-daily-upgrade.timer dnf-automatic.timer fstrim.timer aide dailyaidecheck.timer haveged rngd \
    usbguard acpid irqbalance smartd sysstat node_exporter prometheus-node-exporter psacct acct dnf-automatic-install.timer \
    logrotate.timer man-db.timer systemd-sysctl procps ";
/// Services that a hardened machine does without.
const STOPPABLE: &str = " telnet telnet.socket rsh rsh.socket rlogin rlogin.socket rexec rexec.socket avahi-daemon avahi-daemon.socket cups \
    cups.socket cups-browsed rpcbind rpcbind.socket nfs nfs-server nfs-kernel-server bluetooth xinetd vsftpd tftp \
    tftp.socket tftpd-hpa snmpd isc-dhcp-server isc-dhcp-server6 dhcpd slapd named bind9 dovecot smb smbd nmbd squid \
    ypserv ypbind autofs apport apport.service whoopsie kdump kdump-tools ctrl-alt-del.target rsyncd rsync ntalk talk isc-dhcp-relay \
    ModemManager avahi-dnsconfd debug-shell.service motd-news.timer ";
/// Services without which the machine is unprotected or out of reach.
const NEEDED: &str = " ssh sshd ufw auditd fail2ban apparmor firewalld nftables iptables rsyslog systemd-journald systemd-journald.socket \
    NetworkManager systemd-networkd networking network systemd-resolved wpa_supplicant unattended-upgrades clamav-daemon cron crond \
    systemd-timesyncd chrony chronyd dbus systemd-logind polkit tailscaled apt-daily.timer apt-daily-upgrade.timer ";
/// Services whose restart cuts the machine off.
const CUTTING: &str = " NetworkManager systemd-networkd networking network wpa_supplicant dbus systemd-logind tailscaled systemd-resolved ";

fn among(list: &str, name: &str) -> bool {
    let bare = name.strip_suffix(".service").unwrap_or(name);
    list.split_whitespace().any(|n| n == bare || n == name)
}

fn service(call: &Call<'_>) -> Vec<Issue> {
    let names = call.texts(&["name", "unit", "service"]);
    let mut issues = Vec::new();
    if !["", "system"].contains(&call.text("scope")) {
        issues.push(call.held("service", "units of a user"));
    }
    for name in names {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if !name.chars().all(plain) {
            issues.push(call.held("service", "a service that is not named by a plain word"));
            continue;
        }
        let off = call.get("enabled").and_then(Node::boolean) == Some(false)
            || call.get("masked").and_then(Node::boolean) == Some(true)
            || call.text("state") == "stopped";
        if off {
            if among(NEEDED, name) {
                issues.push(call.refused(
                    "service-off",
                    format!("{name} protects the machine or keeps it within reach; leave it on"),
                ));
            } else if !among(STOPPABLE, name) {
                issues.push(call.held(
                    "service-off",
                    format!("{name} is switched off; a person decides"),
                ));
            }
            continue;
        }
        let restarts = ["restarted", "reloaded"].contains(&call.text("state"));
        if restarts && among(CUTTING, name) {
            issues.push(call.held(
                "service",
                format!("restarting {name} can cut the machine off; a person decides"),
            ));
        } else if !among(KNOWN, name)
            && !call
                .known
                .names(name.strip_suffix(".service").unwrap_or(name))
            && !call.known.names(name)
        {
            issues.push(call.held(
                "service",
                format!("the service {name}, which no rule knows; a person decides"),
            ));
        }
    }
    if !["", "started", "restarted", "reloaded", "stopped"].contains(&call.text("state")) {
        issues.push(call.held("service", "a state of services that no rule knows"));
    }
    issues
}
