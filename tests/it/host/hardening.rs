//! A play does to a machine what public hardening roles do, and is refused.

use super::machine::{RUN, differences, seen, station};
use crate::support::bed::{self, sh};
use crate::support::discord::Discord;

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
    let mut running = station.start(&RUN);
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

/// A package that was removed and whose file is nowhere can't come back by itself: everything else
/// does, the loop stops, and a person is told exactly that.
#[test]
fn what_cannot_be_put_back_is_named_and_the_loop_stops() {
    if !bed::is_inside("host::hardening::what_cannot_be_put_back_is_named_and_the_loop_stops") {
        return;
    }
    let discord = Discord::start([]);
    let station = station(
        "    - name: what was fetched is thrown away\n      when: hooks.stat.mode == \"0700\"\n      \
         ansible.builtin.shell: rm -r /var/cache/apt/archives; exit 1\n",
        "",
    )
    .posting_to(&discord);
    let before = seen();
    let done = station.run(&RUN);
    assert_eq!(done.code, Some(12), "{}", done.err);
    let turns = station.turns();
    assert_eq!(turns[0].outcome.word(), "needs_operator", "{}", done.err);
    let left: Vec<String> = turns[0]
        .receipt
        .left
        .iter()
        .map(ToString::to_string)
        .collect();
    let package = "package bed-removed:all (was ii 1:1.0, is not there): apt-get install \
                   bed-removed=1:1.0";
    let program = "/usr/bin/bed-removed (was file mode 0755 owner 0:0, is not there): bring \
                   /usr/bin/bed-removed back from its package or a backup (its content was not kept)";
    assert_eq!(left, [program, package], "{}", done.err);
    // What other programs see of it: the package, and its program.
    let found: Vec<String> = differences(&before, &seen())
        .into_iter()
        .filter(|d| !d.contains("bed-removed"))
        .collect();
    assert_eq!(found, Vec::<String>::new(), "{}", done.err);
    // Terminal, receipt and post.
    assert!(done.err.contains(package), "{}", done.err);
    let shown = station.run(&["show", "1"]);
    assert!(shown.out.contains(package), "{}", shown.out);
    let posts = discord.messages();
    let told = "package bed-removed:all (was ii 1:1.0, is not there)";
    assert!(posts.iter().any(|p| p.contains(told)), "{posts:#?}");
    // Once it is there again, the next start takes the rest back and goes on.
    sh("dpkg --force-confold -i /srv/removed.deb");
    let done = station.run(&["run", "--once", "--dry-run"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(
        differences(&before, &seen()),
        Vec::<String>::new(),
        "{}",
        done.err
    );
}
