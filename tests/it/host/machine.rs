//! A workstation whose playbook hardens the whole machine once the agent's change is applied.

use std::collections::BTreeMap;

use crate::support::bed::sh;
use crate::support::station::Station;

/// The change that the agent makes.
pub(super) const GAP: &str = "only its owner reads the log";

/// One turn, and no wake while it runs.
pub(super) const RUN: [&str; 4] = ["run", "--once", "--interval", "30m"];

/// What is on the machine before.
const BEFORE: &str = r"
cd /
mkdir -p /etc/ssh/sshd_config.d /etc/sysctl.d /etc/cron.d /var/cache/apt/archives /mnt/old /mnt/new /srv/bed
printf 'PermitRootLogin yes\n' >/etc/ssh/sshd_config
printf 'old key\n' >/etc/ssh/ssh_host_bed_key; chmod 600 /etc/ssh/ssh_host_bed_key
printf 'welcome\n' >/etc/bed-motd
printf 'x\n' >/etc/bed-issue
cp /bin/true /usr/bin/bed-su; chmod 4755 /usr/bin/bed-su
for unit in ssh bed-avahi bed-rpc; do
  printf '[Service]\nExecStart=/bin/sh -c \047echo %s >>/srv/bed/starts; exec sleep infinity\047\n[Install]\nWantedBy=multi-user.target\n' $unit \
    >/etc/systemd/system/$unit.service
done
systemctl daemon-reload
systemctl enable --now ssh.service bed-avahi.service
mount -t tmpfs bed-old /mnt/old
for name in added removed; do
  mkdir -p /srv/$name/DEBIAN /srv/$name/etc /srv/$name/usr/bin
  printf 'Package: bed-%s\nVersion: 1:1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' $name >/srv/$name/DEBIAN/control
  printf '/etc/bed-%s.conf\n' $name >/srv/$name/DEBIAN/conffiles
  printf 'as packaged\n' >/srv/$name/etc/bed-$name.conf
  cp /bin/true /srv/$name/usr/bin/bed-$name
  dpkg-deb --build /srv/$name /srv/$name.deb >/dev/null
done
cp /srv/removed.deb '/var/cache/apt/archives/bed-removed_1%3a1.0_all.deb'
dpkg -i /srv/removed.deb >/dev/null
printf 'edited by hand\n' >/etc/bed-removed.conf
useradd --create-home bed-user
useradd --no-create-home bed-gone
mkdir -p /etc/bed-tree/below; printf 'x\n' >/etc/bed-tree/below/file; ln -s bed-tree /etc/bed-link
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/usr/lib/systemd/system/bed-packaged.service
systemctl daemon-reload
systemctl enable --now bed-packaged.service
";

/// What hardening roles do, each thing in one task; the units and mounts by commands, as in many
/// of them.
const HARDEN: &str = r#"
    - name: Hardened
      when: hooks.stat.mode == "0700"
      block:
        - name: sshd
          ansible.builtin.lineinfile: { path: /etc/ssh/sshd_config, regexp: ^PermitRootLogin, line: PermitRootLogin no }
          notify: Restart sshd
        - name: a drop-in
          ansible.builtin.copy: { dest: /etc/ssh/sshd_config.d/bed.conf, content: "X11Forwarding no\n", mode: "0600" }
        - name: the host key
          ansible.builtin.copy: { dest: /etc/ssh/ssh_host_bed_key, content: "new key\n", mode: "0600" }
        - name: password rules
          ansible.builtin.lineinfile: { path: /etc/login.defs, line: PASS_MAX_DAYS 60, regexp: ^PASS_MAX_DAYS }
        - name: PAM
          ansible.builtin.lineinfile: { path: /etc/pam.d/su, line: auth required pam_wheel.so }
        - name: kernel settings on disk
          ansible.builtin.copy: { dest: /etc/sysctl.d/99-bed.conf, content: "net.ipv4.conf.all.log_martians=1\n", mode: "0644" }
        - name: kernel settings
          ansible.builtin.command: sysctl -w net.ipv4.conf.all.log_martians=1 net.ipv4.conf.all.accept_redirects=0
        - name: a file that is not wanted
          ansible.builtin.file: { path: /etc/bed-motd, state: absent }
        - name: a file that nobody may change
          ansible.builtin.file: { path: /etc/bed-issue, attributes: +i, mode: "0400" }
        - name: a mode
          ansible.builtin.file: { path: /etc/cron.d, state: directory, mode: "0700" }
        - name: setuid
          ansible.builtin.file: { path: /usr/bin/bed-su, mode: "0755" }
        - name: a group
          ansible.builtin.group: { name: bed-group }
        - name: a user
          ansible.builtin.user: { name: bed-new, groups: bed-group, create_home: false }
        - name: an account
          ansible.builtin.user: { name: bed-user, shell: /usr/sbin/nologin, password_lock: true }
        - name: an account that is not wanted
          ansible.builtin.user: { name: bed-gone, state: absent }
        - name: limits
          ansible.builtin.copy: { dest: /etc/security/limits.d/bed.conf, content: "* hard core 0\n", mode: "0644" }
        - name: a tree that is not wanted
          ansible.builtin.file: { path: /etc/bed-tree, state: absent }
        - name: a link
          ansible.builtin.file: { path: /etc/bed-link, src: /dev/null, state: link, force: true }
        - name: a service that is not wanted
          ansible.builtin.systemd_service: { name: bed-avahi.service, state: stopped, enabled: false }
        - name: masked for good
          ansible.builtin.systemd_service: { name: bed-packaged.service, state: stopped, enabled: false, masked: true }
        - name: masked
          ansible.builtin.command: ln -sf /dev/null /run/systemd/system/bed-avahi.service
        - name: a service that is wanted
          ansible.builtin.systemd_service: { name: bed-rpc.service, state: started, enabled: true }
        - name: a mount
          ansible.builtin.command: mount -o remount,nosuid,nodev,noexec /mnt/old
        - name: another mount
          ansible.builtin.command: mount -t tmpfs -o noexec bed-new /mnt/new
        - name: fstab
          ansible.builtin.lineinfile: { path: /etc/fstab, line: bed-new /mnt/new tmpfs noexec 0 0, create: true, mode: "0644" }
        - name: a package
          ansible.builtin.command: dpkg -i /srv/added.deb
        - name: a package that is not wanted
          ansible.builtin.command: dpkg --purge bed-removed
        - name: a timed job
          ansible.builtin.copy: { dest: /etc/cron.d/bed, content: "", mode: "0600" }
"#;

/// A station in the bed; `end` are the tasks behind the hardening ones.
pub(super) fn station(end: &str, playbook: &str) -> Station {
    with_tasks(&format!("{HARDEN}{end}"), playbook)
}

/// One with these tasks, which may look at `hooks.stat.mode`: it is 0700 once the agent's change is
/// applied. `playbook` is a line of the configuration's section.
pub(super) fn with_tasks(tasks: &str, playbook: &str) -> Station {
    sh(BEFORE);
    unprepared(tasks, playbook)
}

/// The same, on a machine as it is.
pub(super) fn unprepared(tasks: &str, playbook: &str) -> Station {
    let station = Station::with_gaps(&[GAP]);
    let home = station.home();
    station.write(
        "ansible-hooks/playbook.yml",
        &format!(
            "- hosts: localhost\n  gather_facts: false\n  roles:\n    - role: agent_hooks\n  \
             handlers:\n    - name: Restart sshd\n      ansible.builtin.systemd_service: {{ name: \
             ssh.service, state: restarted }}\n  tasks:\n    - name: look\n      \
             ansible.builtin.stat: {{ path: {}/.claude/logs }}\n      register: hooks\n{tasks}",
            home.display()
        ),
    );
    station.commit_all("Harden the machine");
    station.with_key(playbook)
}

/// The machine as other programs than secloop see it.
pub(super) fn seen() -> BTreeMap<String, String> {
    let files = sh(
        "find /etc /usr/bin /usr/sbin /usr/local/bin /var/spool/cron ~root/.ssh \
         -printf '%p\\t%y %m %u %g %l\\n' 2>/dev/null || true",
    );
    let hashes = sh(
        "find /etc /var/spool/cron -type f -exec sha256sum {} + 2>/dev/null \
         | sed 's/\\(^[^ ]*\\)  \\(.*\\)/hash \\2\\t\\1/'",
    );
    let flags = sh("lsattr -d /etc/bed-issue | cut -d' ' -f1");
    let units = sh(
        "systemctl list-unit-files --no-legend | awk '{print \"file \" $1 \"\\t\" $2}'; \
         for unit in ssh bed-avahi bed-rpc bed-packaged; do \
           printf 'unit %s\\t%s\\n' $unit \"$(systemctl is-active $unit || true)\"; done",
    );
    let mounts = sh("awk '{print \"mount \" $5 \"\\t\" $6}' /proc/self/mountinfo");
    let packages = sh("dpkg-query -W -f 'package ${Package}\\t${db:Status-Abbrev} ${Version}\\n'");
    let kernel = sh("for k in log_martians accept_redirects; do \
         printf 'sysctl %s\\t%s\\n' $k \"$(cat /proc/sys/net/ipv4/conf/all/$k)\"; done");
    let all = [files, hashes, units, mounts, packages, kernel].concat();
    let mut seen: BTreeMap<String, String> = all
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    seen.insert("flags".to_owned(), flags);
    // Written by useradd and its like whenever they run; and the timer, which ends within a second.
    seen.retain(|name, _| !name.contains("/etc/.pwd.lock") && !name.contains("secloop-deadman-"));
    seen
}

/// What is not the same in two looks.
pub(super) fn differences(
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != now.get(*name))
        .map(|name| format!("{name}: {:?} → {:?}", before.get(name), now.get(name)))
        .collect()
}
