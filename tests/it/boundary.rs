//! `secloop doctor --boundary`: the table put to this machine.

use serde_json::Value;

use crate::support::podman::podman;
use crate::support::station::{Ran, Station};

/// What `doctor --boundary` says of a station at a level.
fn asked(station: Station, sandbox: &str) -> (Ran, Value) {
    let station = station
        .section("playbook", "file = \"playbook.yml\"")
        .section("agent", "kind = \"catalog\"")
        .section("sandbox", sandbox);
    std::fs::create_dir_all(station.state()).unwrap();
    std::fs::set_permissions(
        station.state(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let output = station
        .command(&["doctor", "--boundary", "--json"])
        .output()
        .unwrap();
    let ran = Ran::from(output);
    let said = serde_json::from_str(&ran.out).unwrap_or(Value::Null);
    (ran, said)
}

/// A row's word.
fn word<'a>(said: &'a Value, name: &str, key: &str) -> &'a Value {
    let rows = said["probes"].as_array().unwrap();
    &rows.iter().find(|row| row["name"] == name).unwrap()[key]
}

#[test]
fn everything_is_stopped_at_the_native_level_and_would_not_be_without() {
    let (ran, said) = asked(Station::bare(), "level = \"native\"");
    assert_eq!(
        said["level"], "native (bubblewrap)",
        "{}{}",
        ran.out, ran.err
    );
    let wrong: Vec<&str> = said["probes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["right"] != true)
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(wrong, [""; 0], "{}", ran.err);
    assert_eq!((ran.code, &said["ok"]), (Some(0), &Value::Bool(true)));
    // An attempt that fails everywhere would prove nothing.
    for name in [
        "read_outside",
        "list_outside",
        "write_outside",
        "create_outside",
        "truncate_outside",
        "unlink_outside",
        "rename_outside",
        "chmod_outside",
        "symlink_write",
        "dotdot",
        "hardlink",
        "rename_ws",
        "rename_parent",
        "write_home",
        "read_tmp",
        "write_tmp",
        "env_secret",
        "unix_path",
        "tcp_loopback",
        "udp",
        "signal",
    ] {
        assert_eq!(word(&said, name, "without"), &Value::Bool(true), "{name}");
        assert_eq!(word(&said, name, "inside"), "stopped", "{name}");
    }
    for name in ["ws_normal", "ws_read", "temp", "shell", "bind_listen"] {
        assert_eq!(word(&said, name, "inside"), "works", "{name}");
    }
}

#[test]
fn everything_is_stopped_in_a_container() {
    let Some(podman) = podman() else { return };
    let station = podman
        .env
        .iter()
        .fold(Station::bare(), |station, (name, value)| {
            station.env(name, value.clone())
        });
    let sandbox = format!(
        "level = \"container\"\nengine = \"podman\"\nimage = \"{}\"",
        podman.image
    );
    let (ran, said) = asked(station, &sandbox);
    let wrong: Vec<String> = said["probes"]
        .as_array()
        .unwrap_or_else(|| panic!("{}{}", ran.out, ran.err))
        .iter()
        .filter(|row| row["right"] != true)
        .map(Value::to_string)
        .collect();
    assert_eq!(wrong, [""; 0], "{}", ran.err);
    assert_eq!(ran.code, Some(0));
    assert!(said["level"].as_str().unwrap().starts_with("container ("));
    for name in ["write_outside", "userns", "core_pattern", "tcp_loopback"] {
        assert_eq!(word(&said, name, "inside"), "stopped", "{name}");
    }
}

#[test]
fn without_a_boundary_there_is_nothing_to_try() {
    let (ran, _) = asked(Station::bare(), "level = \"none\"");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("there is no boundary"), "{}", ran.err);
}
