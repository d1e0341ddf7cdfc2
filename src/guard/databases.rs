//! Databases: what drops, truncates or empties.

use super::Stop;
use super::walk::{Flow, Walk, quoted};

/// Judges them.
pub(super) fn check(walk: &mut Walk, name: &str, args: &[String]) -> Result<(), Stop> {
    let deny = |rule: &'static str| {
        Err(Stop::deny(
            rule,
            format!("{name} {}", quoted(&args.join(" "))),
        ))
    };
    match name {
        "psql" | "mysql" | "mariadb" | "sqlite3" | "sqlcmd" | "mongo" | "mongosh"
        | "clickhouse-client" | "cqlsh" | "duckdb" | "bq" | "snowsql" | "cockroach" => {
            let mut texts: Vec<String> = args.to_vec();
            if let Flow::Text(text) = &walk.scope.stdin {
                texts.push(text.clone());
            }
            if texts.iter().any(|t| destroys_data(t)) {
                return deny("database-destroy");
            }
            Ok(())
        }
        "redis-cli" => {
            let all = args.join(" ").to_lowercase();
            if all.contains("flushall")
                || all.contains("flushdb")
                || all.contains("config set")
                || all.contains("shutdown")
            {
                return deny("database-destroy");
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether a text drops, truncates or empties.
fn destroys_data(text: &str) -> bool {
    let lower = text.to_lowercase();
    let trimmed = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    trimmed.split(';').any(|statement| {
        let s = statement.trim().trim_matches(['"', '\'']).trim();
        let s = s
            .find(" drop ")
            .or_else(|| s.find("=drop "))
            .map_or(s, |at| &s[at + 1..]);
        [
            "drop table",
            "drop database",
            "drop schema",
            "drop user",
            "drop view",
            "drop index",
            "drop role",
            "drop owned",
            "truncate ",
        ]
        .iter()
        .any(|d| s.starts_with(d))
            || s.starts_with("delete from") && !s.contains(" where ")
            || s.starts_with("update ") && s.contains(" set ") && !s.contains(" where ")
            || s.starts_with("alter table") && s.contains(" drop ")
            || s.starts_with("copy ") && s.contains(" program ")
            || [
                ".dropdatabase(",
                ".drop()",
                ".deletemany({})",
                ".remove({})",
            ]
            .iter()
            .any(|d| s.contains(d))
    })
}
