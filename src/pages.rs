//! Which turns each wiki page shows, and writing the pages from the ledger.
//!
//! The operator's pages have every turn, a hundred on each, so that a turn costs the same however
//! many there were before: a page that is full is written once.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::Fatal;
use crate::report::wiki::{self, Readers};
use crate::turn::{Counts, Turn};
use crate::world::World;

/// The newest improvements on the public page.
const IMPROVEMENTS: u32 = 10_000;
/// Turns on each of the operator's pages.
const EACH: i64 = 100;
/// A full page is written again until the one after it has as many.
const SETTLED: i64 = 20;

/// The operator's page with the newest turns; those with older ones are beside it.
pub fn private_page(config: &Config) -> PathBuf {
    config.state_dir.join("wiki/every-turn.md")
}

/// The operator's page with `EACH` turns from this number on.
fn full_page(config: &Config, first: i64) -> PathBuf {
    let name = format!("every-turn-{first:06}-{:06}.md", first + EACH - 1);
    private_page(config).with_file_name(name)
}

/// Renders the wiki pages from the ledger.
///
/// # Errors
/// When the ledger can't be read. A page that can't be written is said, and written next time.
pub async fn write(world: &World) -> Result<(), Fatal> {
    let (config, ledger) = (&world.config, &world.ledger);
    let counts = ledger.counts().await?;
    let open = config.wiki.include_open;
    let public = ledger.improvements(open, IMPROVEMENTS).await?;
    put(world, Readers::Public, &config.wiki.path, &public, &counts);
    let newest = ledger.newest_number().await?;
    let current = first_of_page(newest);
    let turns = ledger.turns_from_to(current, newest).await?;
    let path = private_page(config);
    put(world, Readers::Operator, &path, &turns, &counts);
    for first in (1..current).step_by(usize::try_from(EACH).unwrap_or(1)) {
        let path = full_page(config, first);
        // A turn of its that was still running when the next page began has ended by now.
        if !path.exists() || newest - first < EACH + SETTLED {
            let turns = ledger.turns_from_to(first, first + EACH - 1).await?;
            put(world, Readers::Operator, &path, &turns, &counts);
        }
    }
    Ok(())
}

fn first_of_page(number: i64) -> i64 {
    number.max(1) - (number.max(1) - 1) % EACH
}

fn put(world: &World, readers: Readers, path: &Path, turns: &[Turn], counts: &Counts) {
    let (config, zone) = (&world.config.wiki, world.clock.zone());
    let text = wiki::render(config, readers, &host(), zone, turns, counts);
    if let Err(why) = wiki::write(path, readers, &text) {
        world.console().note(&format!(
            "wiki log {}: {why}; it will be written with the next turn",
            path.display()
        ));
    }
}

/// This machine's name.
pub fn host() -> String {
    sysinfo::System::host_name().unwrap_or_else(|| "workstation".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_hundred_turns() {
        let of = [0, 1, 100, 101, 200, 201].map(first_of_page);
        assert_eq!(of, [1, 1, 1, 101, 101, 201]);
    }
}
