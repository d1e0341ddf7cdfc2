//! Which confinement is there; none only where that was asked for.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use secloop::config::{self, Config, Level, Overrides};
use secloop::sandbox::Sandbox;

fn configured(section: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secloop.toml");
    std::fs::write(
        &file,
        format!("[repo]\npath = \"/r\"\n[playbook]\nfile = \"p.yml\"\n{section}"),
    )
    .unwrap();
    let env = BTreeMap::from([("HOME".to_owned(), dir.path().display().to_string())]);
    let flags = Overrides {
        config: Some(file),
        ..Overrides::default()
    };
    config::load(&env, dir.path(), &flags).map_err(|e| e.to_string())
}

#[tokio::test]
async fn only_by_the_word_none_is_nothing_confined() {
    assert_eq!(configured("").unwrap().sandbox.level, Level::Native);
    let asked = configured("[sandbox]\nlevel = \"none\"\n").unwrap();
    assert_eq!(asked.sandbox.level, Level::None);
    for wrong in ["\"off\"", "\"\"", "false", "\"None \""] {
        let refused = configured(&format!("[sandbox]\nlevel = {wrong}\n"));
        assert!(refused.unwrap_err().contains("level"), "{wrong}");
    }
    let off = Sandbox::detect(Level::None, OsStr::new("")).await.unwrap();
    assert_eq!(off, Sandbox::Off);
    assert!(!off.confines());
    assert!(off.describe().contains("with your rights"));
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;

    #[tokio::test]
    async fn native_without_bubblewrap_is_an_error_with_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        // A file of that name that can't be run is none.
        std::fs::write(dir.path().join("bwrap"), "").unwrap();
        let why = Sandbox::detect(Level::Native, dir.path().as_os_str())
            .await
            .unwrap_err();
        assert!(
            why.contains("not on PATH")
                && why.contains("apt install bubblewrap")
                && why.contains("sandbox.level = \"none\""),
            "{why}"
        );
    }

    #[tokio::test]
    async fn bubblewrap_that_does_not_work_here_is_an_error_with_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        // As it is where user namespaces are forbidden; `false` says as little as possible.
        std::os::unix::fs::symlink("/bin/false", dir.path().join("bwrap")).unwrap();
        let why = Sandbox::detect(Level::Native, dir.path().as_os_str())
            .await
            .unwrap_err();
        assert!(
            why.contains("does not work here")
                && why.contains("user namespaces")
                && why.contains("sandbox.level = \"none\""),
            "{why}"
        );
    }

    #[test]
    fn the_program_refuses_to_run_unconfined_by_itself() {
        let station =
            crate::support::station::Station::with_gaps(&["only its owner reads the log"]);
        // A PATH with everything but bubblewrap.
        let bin = station.home().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for name in ["git", "python3", "sh", "env"] {
            let real = secloop::process::find_on_path(name, &std::env::var_os("PATH").unwrap());
            std::os::unix::fs::symlink(real.unwrap(), bin.join(name)).unwrap();
        }
        let station = station.env("PATH", bin.display().to_string());
        let done = station.run(&["run", "--once"]);
        assert_eq!(done.code, Some(1), "{}", done.err);
        assert!(done.err.contains("bwrap is not on PATH"), "{}", done.err);
        assert_eq!(station.turns().len(), 0, "nothing was begun");
        assert!(!station.home().join(".claude").exists());
    }
}
