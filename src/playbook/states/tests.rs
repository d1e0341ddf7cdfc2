//! What programs say, as captured, and what is done about a change.

use super::*;

fn read(kind: &dyn Kind, answers: &[&str]) -> Table {
    let answers: Vec<Answer> = answers.iter().map(|a| Some((*a).to_owned())).collect();
    kind.read(&answers).unwrap()
}

/// What is run to come back from `now` to `before`, a line for each command.
fn undone(kind: &dyn Kind, before: &[&str], now: &[&str]) -> Vec<String> {
    let (before, now) = (read(kind, before), read(kind, now));
    let mut lines = Vec::new();
    for undo in kind.undo(&kind.differences(&before, &now)) {
        match undo {
            Undo::Run(commands) => lines.extend(commands.iter().map(shown)),
            Undo::Proven { check, run } => {
                lines.push(format!("where {}: {}", shown(&check), shown(&run)));
            }
            Undo::Left(cure) => lines.push(format!("LEFT: {cure}")),
        }
    }
    lines
}

fn shown(command: &Command) -> String {
    let input = match command.input.as_str() {
        "" => String::new(),
        text => format!(" < {text:?}"),
    };
    format!("{}{input}", command.argv.join(" "))
}

const FILES: &str = "\
avahi-daemon.service                     enabled         enabled
ctrl-alt-del.target                      alias           -
dbus.service                             static          -
getty@.service                           enabled         enabled
rpcbind.service                          disabled        enabled
secloop-deadman-1.service                transient       -
ssh.service                              enabled         enabled
tmp.mount                                masked-runtime  enabled
";
const RUNNING: &str = "\
  avahi-daemon.service  loaded    active   running Avahi mDNS/DNS-SD Stack
  dbus.service          loaded    active   running D-Bus System Message Bus
  getty@tty1.service    loaded    active   running Getty on tty1
● lost.service          not-found inactive dead    lost.service
  rpcbind.service       loaded    inactive dead    RPC bind portmap service
● broken.service        loaded    failed   failed  Broken
  secloop-deadman-1.service loaded active  running The timer itself
  ssh.service           loaded    active   running OpenBSD Secure Shell server
";

#[test]
fn units_are_read_with_what_starts_them_and_whether_they_run() {
    let table = read(&units::Units { user: false }, &[FILES, RUNNING]);
    let shown: Vec<String> = table.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    assert_eq!(
        shown,
        [
            "avahi-daemon.service: enabled active",
            "broken.service: - inactive",
            "ctrl-alt-del.target: alias inactive",
            "dbus.service: static active",
            "getty@.service: enabled inactive",
            "getty@tty1.service: enabled active",
            "rpcbind.service: disabled inactive",
            "ssh.service: enabled active",
            "tmp.mount: masked-runtime inactive",
        ]
    );
}

#[test]
fn units_are_enabled_masked_started_and_stopped_as_they_were() {
    let kind = units::Units { user: false };
    let files = FILES
        .replace(
            "avahi-daemon.service                     enabled ",
            "avahi-daemon.service masked ",
        )
        .replace(
            "ctrl-alt-del.target                      alias ",
            "ctrl-alt-del.target masked ",
        )
        .replace(
            "rpcbind.service                          disabled",
            "rpcbind.service enabled",
        )
        .replace(
            "tmp.mount                                masked-runtime",
            "tmp.mount enabled",
        );
    let running = RUNNING
        .replace(
            "avahi-daemon.service  loaded    active  ",
            "avahi-daemon.service loaded inactive",
        )
        .replace(
            "rpcbind.service       loaded    inactive",
            "rpcbind.service loaded active ",
        )
        // Comes and goes as it is wanted.
        .replace(
            "dbus.service          loaded    active  ",
            "dbus.service loaded inactive",
        );
    assert_eq!(
        undone(&kind, &[FILES, RUNNING], &[&files, &running]),
        [
            "systemctl daemon-reload",
            "systemctl unmask avahi-daemon.service",
            "systemctl unmask --runtime avahi-daemon.service",
            "systemctl enable avahi-daemon.service",
            "systemctl start avahi-daemon.service",
            "systemctl unmask ctrl-alt-del.target",
            "systemctl unmask --runtime ctrl-alt-del.target",
            "systemctl disable rpcbind.service",
            "systemctl stop rpcbind.service",
            "systemctl mask --runtime tmp.mount",
        ]
    );
    let gone = FILES.replace(
        "ssh.service                              enabled         enabled\n",
        "",
    );
    let stopped = RUNNING.replace(
        "  ssh.service           loaded    active   running OpenBSD Secure Shell server\n",
        "",
    );
    assert_eq!(
        undone(
            &units::Units { user: true },
            &[FILES, RUNNING],
            &[&gone, &stopped]
        ),
        [
            "systemctl --user daemon-reload",
            "LEFT: bring back the file or package of ssh.service, then: systemctl daemon-reload",
        ]
    );
}

#[test]
fn kernel_values_are_written_back_the_general_ones_first() {
    let before = "\
fs/file-nr = 1	0	9\nkernel/random/boot_id = a\nkernel/sysrq = 438\n\
net/ipv4/conf/all/rp_filter = 0\nnet/ipv4/conf/eth0/rp_filter = 2\nnet/ipv4/conf/veth1/rp_filter = 2\n";
    let now = "\
fs/file-nr = 2	0	9\nkernel/random/boot_id = b\nkernel/sysrq = 0\n\
net/ipv4/conf/all/rp_filter = 1\nnet/ipv4/conf/eth0/rp_filter = 1\n";
    assert_eq!(
        undone(&sysctl::Sysctl, &[before], &[now]),
        [
            "sysctl-write /proc/sys/net/ipv4/conf/all/rp_filter 0",
            "sysctl-write /proc/sys/kernel/sysrq 438",
            "sysctl-write /proc/sys/net/ipv4/conf/eth0/rp_filter 2",
        ]
    );
}

#[test]
fn mounts_get_their_options_back_and_new_ones_go() {
    let before = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 22 0:26 / /tmp rw,relatime shared:5 - tmpfs tmpfs rw,size=1g
31 22 0:27 / /dev/shm rw,nosuid,nodev shared:6 - tmpfs tmpfs rw
32 22 8:17 / /srv/a\\040b rw,relatime - ext4 /dev/sdb1 rw
33 22 0:30 / /run/user/1000 rw,nosuid - tmpfs tmpfs rw
";
    let now = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 22 0:26 / /tmp rw,nosuid,nodev,noexec,relatime shared:5 - tmpfs tmpfs rw,size=1g
40 22 0:50 / /var/tmp rw - tmpfs new rw
41 40 0:51 / /var/tmp/deep rw - tmpfs new rw
31 22 0:27 / /dev/shm rw,nodev,nosuid shared:6 - tmpfs tmpfs rw
";
    assert_eq!(
        undone(&mounts::Mounts, &[before], &[now]),
        [
            "umount /var/tmp/deep",
            "umount /var/tmp",
            "mount -t ext4 -o relatime,rw /dev/sdb1 /srv/a b",
            "mount -o remount,bind,rw,suid,dev,exec,relatime /tmp",
        ]
    );
    assert!(
        mounts::Mounts
            .read(&[Some("22 1 / ext4\n".to_owned())])
            .is_err()
    );
}

#[test]
fn packages_that_were_added_go_where_nothing_needs_them() {
    let before =
        "ii \tbash:amd64\t5.2\nii \ttelnet:amd64\t1:0.17\nrc \told:all\t1\nun \tnever:all\t\n";
    let now =
        "ii \tbash:amd64\t5.3\nii \tfail2ban:all\t1.0\nii \tpython3-x:all\t2\nrc \told:all\t1\n";
    assert_eq!(
        undone(&packages::Dpkg, &[before], &[now]),
        [
            "where dpkg --simulate --purge fail2ban:all python3-x:all: dpkg --purge fail2ban:all \
             python3-x:all",
            "LEFT: apt-get install bash=5.2",
            "LEFT: apt-get install telnet=1:0.17",
        ]
    );
    let before =
        "bash.x86_64\t5.2-1\nkernel.x86_64\t6.1-1\nkernel.x86_64\t6.2-1\ntelnet.x86_64\t0.17\n";
    let now = "aide.x86_64\t0.18\nbash.x86_64\t5.2-1\nkernel.x86_64\t6.1-1\nkernel.x86_64\t6.2-1\n";
    assert_eq!(
        undone(&packages::Rpm, &[before], &[now]),
        [
            "where rpm -e --test aide.x86_64: rpm -e aide.x86_64",
            "LEFT: dnf install telnet-0.17.x86_64",
        ]
    );
    assert_eq!(
        undone(
            &packages::Brew,
            &["jq 1.7\nwget 1.24 1.25\n"],
            &["git 2.47\nwget 1.24 1.25\n"]
        ),
        ["brew uninstall git", "LEFT: brew install jq"]
    );
}

#[test]
fn the_packet_filter_gets_its_rules_back() {
    let none = "# Generated by iptables-save v1.8.9 on Sat\n*filter\n:INPUT ACCEPT [10:900]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [3:4]\nCOMMIT\n# Completed\n";
    let deny = none.replace(":INPUT ACCEPT [10:900]", ":INPUT DROP [9:9]")
        + "*nat\n:PREROUTING ACCEPT [0:0]\n:mine - [0:0]\n-A PREROUTING -j mine\nCOMMIT\n";
    let four = firewall::Iptables { six: false };
    assert_eq!(
        undone(&four, &[none], &[&deny]),
        [
            "iptables-restore < \"*filter\\n:INPUT ACCEPT [0:0]\\n:FORWARD ACCEPT [0:0]\\n:OUTPUT \
             ACCEPT [0:0]\\nCOMMIT\\n*nat\\n:PREROUTING ACCEPT [0:0]\\nCOMMIT\\n\""
        ]
    );
    // To look at a table makes it; time and counters pass.
    let looked = none.replace("[10:900]", "[11:1000]").replace("Sat", "Sun")
        + "*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n";
    assert_eq!(undone(&four, &[none], &[&looked]), Vec::<String>::new());
    assert_eq!(firewall::Iptables { six: true }.name(), "ip6tables");

    for (was, is, word) in [
        ("inactive", "active", "disable"),
        ("active", "inactive", "enable"),
    ] {
        let (was, is) = (format!("Status: {was}\n\nTo"), format!("Status: {is}\n"));
        assert_eq!(
            undone(&firewall::Ufw, &[&was], &[&is]),
            [format!("ufw --force {word}")]
        );
    }
}

const OWN: &str = "\
table inet own {
\tset allowed {
\t\ttype ipv4_addr
\t}

\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname \"lo\" accept
\t}
}
";

#[test]
fn tables_of_nft_come_back_one_by_one() {
    let kind = nft::Nft;
    let by_iptables = "table ip nat {\n\tchain OUTPUT {\n\t\txt target \"MARK\"\n\t}\n}\n";
    let again = format!("nft -f - < {OWN:?}");
    assert_eq!(undone(&kind, &[OWN], &[""]), [again.as_str()]);
    assert_eq!(
        undone(&kind, &[""], &["table ip more {\n}\n"]),
        ["nft -f - < \"delete table ip more\\n\""]
    );
    let weaker = OWN.replace("policy drop", "policy accept");
    assert_eq!(
        undone(&kind, &[OWN], &[&weaker]),
        [format!(
            "nft -f - < {:?}",
            format!("delete table inet own\n{OWN}")
        )]
    );
    // What iptables has made is another's affair, and no obstacle.
    let both = format!("# Warning: managed by iptables-nft\n{by_iptables}{OWN}");
    assert_eq!(undone(&kind, &[&both], &[by_iptables]), [again.as_str()]);
    let left = undone(&kind, &[&both], &[""]);
    assert!(
        left[0].starts_with("LEFT: ") && left[1] == again,
        "{left:?}"
    );
    // Chains in another order are the same; rules are not.
    let chain = |name: &str, rules: &str| format!("\tchain {name} {{\n{rules}\t}}\n");
    let (a, b) = (chain("a", "\t\tone\n\t\ttwo\n"), chain("b", "\t\tthree\n"));
    let table = |first: &str, second: &str| format!("table ip t {{\n{first}\n{second}}}\n");
    let swapped = chain("a", "\t\ttwo\n\t\tone\n");
    assert!(undone(&kind, &[&table(&a, &b)], &[&table(&b, &a)]).is_empty());
    assert_eq!(
        undone(&kind, &[&table(&a, &b)], &[&table(&swapped, &b)]).len(),
        1
    );
    // Where iptables answers for them, they are its own; one that it leaves empty goes.
    let made = "table ip filter {\n\tchain INPUT {\n\t\tcounter accept\n\t}\n}\n";
    let other = made.replace("accept", "drop");
    let version = "iptables-save v1.8.9 (nf_tables)";
    assert!(undone(&kind, &[made, version], &[&other, version]).is_empty());
    assert!(undone(&kind, &[made, version], &["", version]).is_empty());
    assert_eq!(
        undone(&kind, &["", version], &[made, version]),
        ["nft -f - < \"delete table ip filter\\n\""]
    );
    assert_eq!(undone(&kind, &[made], &[&other]).len(), 1);
    assert!(kind.read(&[Some("table ip t {\n".to_owned())]).is_err());
    assert!(kind.read(&[Some("chain x\n".to_owned())]).is_err());
}

#[test]
fn crontabs_come_back_and_modules_are_only_told() {
    assert_eq!(
        undone(&crontab::Crontab, &["@daily x\n"], &[""]),
        ["crontab - < \"@daily x\\n\""]
    );
    assert_eq!(
        undone(&crontab::Crontab, &[""], &["@daily x\n"]),
        ["crontab -r"]
    );
    let table = read(
        &modules::Modules,
        &["overlay 151552 0 - Live 0x0\nvfat 20480 1 - Live 0x0\n"],
    );
    assert_eq!(table.into_keys().collect::<Vec<_>>(), ["overlay", "vfat"]);
    assert!(modules::Modules.is_only_told());
}

const DISABLED: &str = "
	disabled services = {
		\"com.apple.ftpd\" => disabled
		\"com.example.agent\" => enabled
		\"com.openssh.sshd\" => true
	}
	login item associations = {
	}
";
const PRINT: &str = "com.apple.xpc.launchd.domain.system = {
	type = system
	services = {
		       0      - 	com.apple.cupsd
		     312      - 	com.example.agent
		       0     78 	com.example.tool
	}

	unmanaged processes = {
		com.apple.xpc = {
	}
}
";

#[test]
fn launchd_jobs_are_switched_and_loaded_as_they_were() {
    let system = launchd::Launchd { user: None };
    assert_eq!(
        read(&system, &[DISABLED, PRINT])
            .iter()
            .map(|(k, v)| format!("{k}: {v}"))
            .collect::<Vec<_>>(),
        [
            "com.apple.cupsd: enabled loaded",
            "com.apple.ftpd: disabled unloaded",
            "com.example.agent: enabled loaded",
            "com.example.tool: enabled loaded",
            "com.openssh.sshd: disabled unloaded",
        ]
    );
    let disabled = DISABLED
        .replace(
            "\"com.openssh.sshd\" => true",
            "\"com.openssh.sshd\" => false",
        )
        .replace(
            "\"com.example.agent\" => enabled",
            "\"com.example.agent\" => disabled",
        );
    let print = PRINT
        .replace(
            "		     312      - 	com.example.agent\n",
            "		       0      - 	com.example.new\n",
        )
        // Apple's own come and go.
        .replace("		       0      - 	com.apple.cupsd\n", "");
    assert_eq!(
        undone(&system, &[DISABLED, PRINT], &[&disabled, &print]),
        [
            "launchctl enable system/com.example.agent",
            "launchctl bootstrap system /Library/LaunchDaemons/com.example.agent.plist",
            "launchctl bootout system/com.example.new",
            "launchctl disable system/com.openssh.sshd",
        ]
    );
    let asked = launchd::Launchd { user: Some(501) }.asks();
    assert_eq!(asked[1], ask::run(["launchctl", "print", "gui/501"]));
}

#[test]
fn preferences_come_back_key_by_key() {
    let kind = defaults::Defaults {
        domains: vec![
            "com.apple.screensaver".to_owned(),
            "com.apple.AdLib".to_owned(),
        ],
    };
    let plist = |body: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<plist version=\"1.0\">\n<dict>\n{body}</dict>\n</plist>\n"
        )
    };
    let before = plist(
        "\t<key>askForPassword</key>\n\t<true/>\n\t<key>delay</key>\n\t<integer>5</integer>\n\
         \t<key>deep</key>\n\t<dict>\n\t\t<key>a</key>\n\t\t<array/>\n\t</dict>\n\
         \t<key>text</key>\n\t<string>a &lt; b</string>\n",
    );
    let now =
        plist("\t<key>askForPassword</key>\n\t<false/>\n\t<key>new</key>\n\t<real>1</real>\n");
    assert_eq!(
        undone(&kind, &[&before, ""], &[&now, ""]),
        [
            "defaults write com.apple.screensaver askForPassword -bool true",
            "defaults write com.apple.screensaver deep <dict>\n\t\t<key>a</key>\n\t\t<array/>\n\t</dict>",
            "defaults write com.apple.screensaver delay -int 5",
            "defaults delete com.apple.screensaver new",
            "defaults write com.apple.screensaver text -string a < b",
        ]
    );
    let broken = plist("\t<key>cut").replace("</dict>", "");
    assert!(kind.read(&[Some(broken), None]).is_err());
    assert_eq!(
        kind.asks()[0],
        Ask::Run {
            argv: ["defaults", "export", "com.apple.screensaver", "-"]
                .map(str::to_owned)
                .to_vec(),
            also: vec![1],
        }
    );
}

#[test]
fn settings_of_a_mac_come_back_by_their_own_setters() {
    let before = "Battery Power:\n lowpowermode         0\n displaysleep         2\nAC Power:\n displaysleep         10\n Sleep On Power Button 1\n womp                 1\n";
    let now = before
        .replace("displaysleep         10", "displaysleep         5")
        .replace("womp                 1", "womp                 0");
    assert_eq!(
        undone(&power::Power, &[before], &[&now]),
        ["pmset -c displaysleep 10", "pmset -c womp 1"]
    );

    let before = [
        "Firewall is disabled. (State = 0)",
        "Firewall is not set to block all non-essential incoming connections disabled",
        "Firewall stealth mode is off",
        "Automatically allow built-in signed software ENABLED. \n",
        "Remote Login: On",
        "You need administrator access to run this tool... exiting!",
        "Network Time: On",
        "assessments enabled",
    ];
    let table = read(&settings::Settings, &before);
    assert_eq!(table.get("firewall").map(String::as_str), Some("off"));
    assert_eq!(table.get("remote Apple events"), None);
    let mut now = before;
    now[0] = "Firewall is enabled. (State = 1)";
    now[2] = "Firewall stealth mode is on";
    now[4] = "Remote Login: Off";
    now[7] = "assessments disabled";
    let firewall = "/usr/libexec/ApplicationFirewall/socketfilterfw";
    assert_eq!(
        undone(&settings::Settings, &before, &now),
        [
            "spctl --master-enable".to_owned(),
            format!("{firewall} --setglobalstate off"),
            format!("{firewall} --setstealthmode off"),
            "systemsetup -f -setremotelogin on".to_owned(),
        ]
    );
}

/// Every kind of each platform has a name of its own: snapshots are kept by it.
#[test]
fn kinds_have_names_of_their_own() {
    for macos in [true, false] {
        let machine = Machine {
            macos,
            uid: 0,
            system: true,
            home: "/root".into(),
            path: String::new(),
            domains: Vec::new(),
        };
        let names: Vec<&str> = kinds(&machine).iter().map(|k| k.name()).collect();
        let once: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), once.len(), "{names:?}");
    }
}
