//! States of a machine by the programs that hold them: taken, changed, put back, and looked at again
//! by those programs.

use secloop::playbook::PreState;
use secloop::playbook::snapshot::Coverage;
use secloop::playbook::states::Machine;

use crate::support::bed::{self, sh};
use crate::support::debs;

const FIREWALLS: [&str; 3] = ["nftables", "iptables", "ufw"];

const NFT: &str = "nft --stateless list ruleset 2>/dev/null";
/// Rules, chains of one's own, and policies: a table that is there and holds none of them is none.
const RULES: &str = "for v in '' 6; do ip${v}tables-save \
                     | sed '/^#/d; /^COMMIT/d; /^[*]/d; s/ \\[.*//; /^:[A-Z]* ACCEPT$/d'; done; \
                     nft --stateless list table inet own 2>/dev/null || true";
const OWN: &str = "nft flush ruleset; nft -f - <<'E'
table inet own {
  set allowed { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 } }
  chain input { type filter hook input priority 0; policy drop;
    ct state established,related accept
    ip saddr @allowed tcp dport { 22, 443 } counter accept
    iifname \"lo\" accept
  }
}
table ip more { chain out { type filter hook output priority 10; }; }
E";
const TABLES: &str = "nft flush ruleset
iptables -P INPUT DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -N OWN; iptables -A INPUT -j OWN
iptables -A OWN -p tcp -m multiport --dports 22,443 -m comment --comment 'two words' -j ACCEPT
ip6tables -A INPUT -p ipv6-icmp -j ACCEPT";
const UFW: &str = "ufw status verbose; cat /etc/ufw/user.rules /etc/ufw/ufw.conf";

/// A case: its name, how the machine is before, what is done to it, how it is looked at.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// Takes each case on its own, from a machine as the one before has left it.
fn put_back(cases: &[Case], system: &[&str]) {
    let mut failures = Vec::new();
    for (name, before, change, look) in cases {
        sh(before);
        let was = sh(look);
        let at = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let path = std::env::var_os("PATH").unwrap();
            let machine = Machine::here("/root".into(), &path, true);
            let covers = Coverage {
                system: system.iter().map(Into::into).collect(),
                ..Coverage::default()
            };
            let taken = PreState::take(covers, Some(machine), &at.path().join("it"))
                .await
                .unwrap();
            sh(change);
            assert_ne!(sh(look), was, "{name}: nothing was changed");
            let noticed = taken.now().await.left;
            let done = taken.restore().await;
            let left = taken.now().await.left;
            let now = sh(look);
            eprintln!("{name}: {} noticed; {done:?}", noticed.len());
            if noticed.is_empty() || !left.is_empty() || now != was {
                failures.push(format!(
                    "{name}: {noticed:?}\n{done:?}\n{left:?}\n{was}\n{now}"
                ));
            }
        });
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn rules_of_real_packet_filters_are_put_back() {
    let test = "host::states::rules_of_real_packet_filters_are_put_back";
    if !bed::is_inside_with(test, &FIREWALLS) {
        return;
    }
    debs::install(&FIREWALLS);
    put_back(
        &[
            ("nft, flushed", OWN, "nft flush ruleset", NFT),
            (
                "nft, weakened and more",
                OWN,
                "nft add rule inet own input tcp dport 23 accept; nft delete table ip more; \
                 nft add table ip6 new; nft add element inet own allowed '{ 203.0.113.0/24 }'",
                NFT,
            ),
            ("nft, from nothing", "nft flush ruleset", OWN, NFT),
            (
                "iptables, flushed",
                TABLES,
                "iptables -P INPUT ACCEPT; iptables -F; iptables -X; ip6tables -F",
                RULES,
            ),
            (
                "iptables, more tables",
                TABLES,
                "iptables -t nat -A POSTROUTING -j MASQUERADE; iptables -t mangle -A PREROUTING -p tcp \
                 -j MARK --set-mark 1; ip6tables -P FORWARD DROP",
                RULES,
            ),
            ("iptables, from nothing", "nft flush ruleset", TABLES, RULES),
            (
                "both, by both",
                "nft flush ruleset; iptables -A INPUT -p tcp --dport 22 -j ACCEPT; nft add table inet own",
                "iptables -F; nft delete table inet own",
                RULES,
            ),
            (
                "the old iptables",
                "nft flush ruleset; update-alternatives --set iptables /usr/sbin/iptables-legacy \
                 >/dev/null; update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy >/dev/null; \
                 iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -P FORWARD DROP",
                "iptables -F; iptables -P FORWARD ACCEPT; ip6tables -A INPUT -j DROP",
                RULES,
            ),
        ],
        &[],
    );
}

#[test]
fn a_real_ufw_is_on_or_off_as_before_with_its_rules() {
    let test = "host::states::a_real_ufw_is_on_or_off_as_before_with_its_rules";
    if !bed::is_inside_with(test, &FIREWALLS) {
        return;
    }
    debs::install(&FIREWALLS);
    put_back(
        &[
            (
                "ufw, switched on",
                "ufw --force disable >/dev/null",
                "ufw allow 22/tcp >/dev/null; ufw --force enable >/dev/null",
                UFW,
            ),
            (
                "ufw, switched off",
                "ufw allow 22/tcp >/dev/null; ufw --force enable >/dev/null",
                "ufw --force disable >/dev/null",
                UFW,
            ),
            (
                "ufw, other rules",
                "ufw --force enable >/dev/null",
                "ufw allow 23/tcp >/dev/null; ufw delete allow 22/tcp >/dev/null; ufw default deny outgoing \
                 >/dev/null",
                UFW,
            ),
        ],
        &["/etc"],
    );
}

#[test]
fn a_real_rpm_that_was_added_is_removed_and_one_that_was_removed_is_told() {
    let test =
        "host::states::a_real_rpm_that_was_added_is_removed_and_one_that_was_removed_is_told";
    if !bed::is_inside_with(test, &["rpm"]) {
        return;
    }
    debs::install(&["rpm"]);
    sh("cd /srv; for name in one two; do
  printf 'Name: bed-%s\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%%description\nx\n%%files\n' $name >$name.spec
  rpmbuild --quiet -bb --define '_rpmdir /srv' $name.spec 2>/dev/null
done; ls /srv/noarch");
    let add = "rpm -i /srv/noarch/bed-one-1-1.noarch.rpm";
    put_back(&[("rpm, added", "true", add, "rpm -qa")], &[]);
    sh(add);
    let at = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let path = std::env::var_os("PATH").unwrap();
        let machine = Machine::here("/root".into(), &path, true);
        let taken = PreState::take(Coverage::default(), Some(machine), &at.path().join("it"))
            .await
            .unwrap();
        sh("rpm -e bed-one; rpm -i /srv/noarch/bed-two-1-1.noarch.rpm");
        taken.restore().await;
        let left = taken.now().await.left;
        let told: Vec<String> = left.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["rpm package bed-one.noarch (was 1-1, is not there): dnf install bed-one-1-1.noarch"]
        );
    });
}
