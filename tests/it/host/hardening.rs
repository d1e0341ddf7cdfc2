//! A play does to a machine what public hardening roles do, and is refused.

use super::machine::{differences, seen, station};
use crate::support::bed::{self, sh};

/// What the ledger's events of this kind hold.
fn told(station: &crate::support::station::Station, kind: &str) -> Vec<serde_json::Value> {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ledger = secloop::ledger::Ledger::open_for_reading(&station.state())
            .await
            .unwrap()
            .unwrap();
        let turn = ledger.turns(1).await.unwrap().remove(0);
        let events = ledger.events(turn.id).await.unwrap();
        let wanted = events.into_iter().filter(|e| e.kind == kind);
        wanted.map(|e| e.data).collect()
    })
}

/// The last task fails: the run is refused, and its handlers have run all the same.
#[test]
fn a_hardened_machine_is_as_before_when_the_change_is_refused() {
    if !bed::is_inside(
        "host::hardening::a_hardened_machine_is_as_before_when_the_change_is_refused",
    ) {
        return;
    }
    let station = station(
        "    - name: look at what it came to\n      when: hooks.stat.mode == \"0700\"\n      \
         ansible.builtin.fail: { msg: no }\n",
        "",
    );
    let before = seen();
    let mut running = station.start(&["run", "--once"]);
    running.wait_for("✗ apply");
    let (code, said) = running.finish();
    assert_eq!(code, Some(0), "{said}");
    let turns = station.turns();
    assert_eq!(turns.len(), 1, "{said}");
    assert_eq!(turns[0].outcome.word(), "rejected", "{said}");
    assert_eq!(turns[0].receipt.left, vec![], "{said}");
    assert_eq!(
        differences(&before, &seen()),
        Vec::<String>::new(),
        "{said}"
    );
    // Started at first, by the handler of the run that failed, and with its old file back.
    let starts = sh("grep -c ssh /srv/bed/starts");
    assert_eq!(starts.trim(), "3", "{said}");
    // It was hardened, and each kind of state was put back by its own means.
    let done = told(&station, "restored").remove(0).to_string();
    for wanted in [
        "dpkg --purge bed-added:all",
        "--install /var/cache/apt/archives/bed-removed_1%3a1.0_all.deb",
        "/etc/ssh/ssh_host_bed_key (content)",
        "/etc/shadow (content)",
        "/etc/bed-motd (removed)",
        "/usr/bin/bed-su (mode)",
        "systemctl start bed-avahi.service",
        "systemctl stop bed-rpc.service",
        "conf/all/accept_redirects = 1",
        "umount /mnt/new",
        "mount -o remount,bind,rw,suid,dev,exec,relatime /mnt/old",
        "systemctl try-reload-or-restart ssh.service",
    ] {
        assert!(done.contains(wanted), "{wanted} is missing: {done}");
    }
    assert!(
        !station
            .state()
            .join("snapshots")
            .read_dir()
            .unwrap()
            .any(|_| true)
    );
}
