//! Rows that could not be counted.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::DateTime;
use rusqlite::{Connection, params};

use super::Result;
use crate::spend::batch::Damage;
use crate::spend::tally::Tally;
use crate::spend::walk::Found;
use crate::spend::window::Window;

pub(super) fn write(db: &Connection, damage: &[Damage]) -> Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT OR REPLACE INTO damage (dev, ino, at, happened, why) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for row in damage {
        statement.execute(params![
            row.file.dev.cast_signed(),
            row.file.ino.cast_signed(),
            row.at.cast_signed(),
            row.when.and_then(|at| at.timestamp_nanos_opt()),
            row.why
        ])?;
    }
    Ok(())
}

/// Loads the damage of a day in the files that are still there.
pub(super) fn load(
    db: &Connection,
    day: Window,
    listed: &[Arc<Found>],
    tally: &mut Tally,
) -> Result<()> {
    let mut statement = db.prepare_cached("SELECT dev, ino, at, happened, why FROM damage")?;
    let mut rows = statement.query([])?;
    let mut there: Option<HashMap<(u64, u64), &Arc<Found>>> = None;
    while let Some(row) = rows.next()? {
        let node = |at: usize| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let there =
            there.get_or_insert_with(|| listed.iter().map(|f| ((f.dev, f.ino), f)).collect());
        if let Some(file) = there.get(&(node(0)?, node(1)?)) {
            let damage = Damage {
                file: Arc::clone(file),
                at: row.get::<_, i64>(2)?.cast_unsigned(),
                why: row.get(4)?,
                when: row
                    .get::<_, Option<i64>>(3)?
                    .map(DateTime::from_timestamp_nanos),
            };
            if damage.is_of(day) {
                tally.damage(damage);
            }
        }
    }
    Ok(())
}
