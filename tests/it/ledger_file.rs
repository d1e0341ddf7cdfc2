//! A ledger file that is none: named by every command, with the cure.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::station::Station;

#[test]
fn a_damaged_ledger_is_named_with_its_cure() {
    let station = Station::with_gaps(&[]);
    std::fs::create_dir(station.state()).unwrap();
    std::fs::set_permissions(station.state(), PermissionsExt::from_mode(0o700)).unwrap();
    let file = station.state().join("ledger.sqlite");
    std::fs::write(&file, "this is no database, but somebody's only copy").unwrap();
    for args in [&["run", "--once"][..], &["status"], &["history"]] {
        let done = station.run(args);
        assert_eq!(done.code, Some(1), "{args:?}: {}", done.err);
        for text in ["ledger.sqlite", "move it away"] {
            assert!(done.err.contains(text), "{args:?}: {}", done.err);
        }
    }
    let doctor = station.run(&["doctor", "--json"]);
    assert_eq!(doctor.code, Some(1));
    let document: Value = serde_json::from_str(&doctor.out).unwrap();
    let row = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["part"] == "ledger")
        .unwrap();
    assert_eq!(row["state"], "bad", "{row}");
    let says = row["says"].as_str().unwrap();
    assert!(says.contains("move it away"), "{says}");
    assert!(!says.starts_with("ledger:"), "{says}");
}

/// A run that was ended before its first entry leaves an empty file: that is no damage.
#[test]
fn an_empty_ledger_holds_no_turns() {
    let station = Station::bare().section("playbook", "file = \"p.yml\"");
    std::fs::create_dir(station.state()).unwrap();
    std::fs::write(station.state().join("ledger.sqlite"), "").unwrap();
    let done = station.run(&["history"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(done.out.trim(), "No turns yet.");
}
