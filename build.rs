//! Links the program on Linux so that it starts in little time.
//!
//! `secloop guard` is started for every tool call of an agent, and the inner stage of the sandbox
//! for every program inside.
//!
//! - As a position-independent executable it would spend more time on 58,000 relocations in 1.5 MB
//!   of tables (time zones, most of them) than on its work. What that gives up is the random address
//!   of the program's own image; libraries, heap and stack keep theirs.
//! - `libgcc_s.so`, of which unwinding is used, asks the processor what it can do whenever it is
//!   loaded, which takes 0.2 ms in a virtual machine. The compiler has the same as an archive.
//!
//! macOS and other C libraries are left as they are.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|have| have == value);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return Ok(());
    }
    println!("cargo::rustc-link-arg-bin=secloop=-no-pie");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    if let (Some(archive), Some(out)) = (archive(), std::env::var_os("OUT_DIR")) {
        // With another version of the compiler it is elsewhere.
        println!("cargo::rerun-if-changed={}", archive.display());
        let dir = stand_in(&archive, &PathBuf::from(out))?;
        println!("cargo::rustc-link-arg-bin=secloop=-L{}", dir.display());
    }
    Ok(())
}

/// Where the compiler that links has what unwinds, if it has it.
#[expect(
    clippy::disallowed_methods,
    reason = "only the compiler knows where its own files are"
)]
fn archive() -> Option<PathBuf> {
    // Without a linker in cargo's configuration it is `cc`, which is this machine's own.
    let linker = std::env::var_os("RUSTC_LINKER");
    let here = std::env::var_os("HOST") == std::env::var_os("TARGET");
    let linker = linker.or_else(|| here.then(|| "cc".into()))?;
    let asked = Command::new(linker)
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim_end());
    // Without one, it says the name again.
    (path.is_absolute() && path.is_file()).then_some(path)
}

/// A directory in which the linker finds the archive under the library's name, since `-lgcc_s` is
/// among what rustc gives it.
fn stand_in(archive: &Path, out: &Path) -> std::io::Result<PathBuf> {
    let dir = out.join("link");
    std::fs::create_dir_all(&dir)?;
    let script = format!("INPUT(\"{}\")\n", archive.display());
    std::fs::write(dir.join("libgcc_s.so"), script)?;
    Ok(dir)
}
