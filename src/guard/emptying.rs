//! Emptying and overwriting files: what was in them is gone as if they had been removed.

use super::Stop;
use super::files::check_removal;
use super::paths::{Base, Place};
use super::walk::{Walk, quoted};

/// A copy of nothing. By `install` a file is made, too, with its mode; where its name ends as those of
/// documents do, it was there.
pub(super) fn emptied_by(walk: &Walk, name: &str, path: &str) -> Result<(), Stop> {
    check_removal(walk, path, false)?;
    let place = Place::of(path, &walk.scope.cwd);
    let named = place
        .parts
        .last()
        .is_some_and(|p| p.contains('.') && !p.starts_with('.'));
    let others = place.base == Base::Home && !place.is_cache();
    if others && (name == "cp" || named) {
        return emptying(path);
    }
    Ok(())
}

fn emptying(path: &str) -> Result<(), Stop> {
    Err(Stop::deny(
        "file-destroy",
        format!("emptying {}", quoted(path)),
    ))
}

/// Refuses to empty a file of somebody's by writing nothing to it: what begins with a dot may be one
/// that is only made, and logs are emptied to be read anew.
pub(super) fn check_emptying(walk: &Walk, path: &str) -> Result<(), Stop> {
    check_removal(walk, path, false)?;
    let place = Place::of(path, &walk.scope.cwd);
    let last = place.parts.last().map_or("", String::as_str);
    let hidden = place.parts.first().is_some_and(|p| p.starts_with('.'));
    let logs = last.ends_with(".log") || last.ends_with(".out");
    if place.base == Base::Home && !place.is_cache() && !logs && !hidden || is_data(last) {
        return emptying(path);
    }
    Ok(())
}

/// Whether a name is one of a database, and of none for tests.
pub(super) fn is_data(name: &str) -> bool {
    let ends = [".db", ".sqlite", ".sqlite3", ".mdb"];
    let test = ["test", "tests", "tmp", "temp", "cache", "dev"];
    let mut words = name.split(['.', '-', '_']);
    ends.iter().any(|end| name.ends_with(end)) && !words.any(|word| test.contains(&word))
}

/// Refuses to overwrite a file until nothing of it is left, unless it was made to be thrown away.
pub(super) fn check_shred(walk: &Walk, path: &str) -> Result<(), Stop> {
    let place = Place::of(path, &walk.scope.cwd);
    let output = ["build", "target", "dist", "out", "tmp", "coverage"];
    let made =
        place.is_below() && place.parts.len() > 1 && output.contains(&place.parts[0].as_str());
    if place.is_temporary() || place.is_cache() || made {
        return Ok(());
    }
    Err(Stop::deny(
        "file-destroy",
        format!("shred of {}, of which nothing is left", quoted(path)),
    ))
}
