//! awk programs can run commands and write files.

use super::Stop;
use super::options::operands;
use super::reads;
use super::walk::Walk;

/// Judges the program of an awk.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    if !matches!(name, "awk" | "gawk" | "mawk" | "nawk") {
        return Ok(());
    }
    let Some(program) = operands(args).first().map(|p| (*p).clone()) else {
        return Ok(());
    };
    if program.contains("in ENVIRON") {
        return Err(Stop::deny(
            "secret-read",
            format!("{name} with the environment"),
        ));
    }
    let runs = program.contains("system") || program.contains('|');
    for literal in super::code::literals(&program) {
        if runs && let Err(stop @ Stop::Deny { .. }) = walk.attempt(&literal) {
            return Err(stop);
        }
        // `system("cat " ENVIRON["HOME"] "/.ssh/id_rsa")`
        if runs && literal.starts_with("/.") {
            reads::check_read(walk, name, &format!("{}{literal}", super::marks::HOME))?;
        }
        if program.contains('>') && literal.contains('/') {
            reads::check_write(walk, &literal)?;
        }
        if program.contains("getline") || program.contains("ARGV") {
            reads::check_read(walk, name, &literal)?;
        }
        if literal.contains("/inet/") {
            return Err(Stop::deny("reverse-shell", literal));
        }
    }
    Ok(())
}
