//! Databases and queues: what drops, truncates or empties.

use super::Stop;
use super::call::Call;
use super::walk::{Flow, Walk, Written};

/// Clients that take statements as words or on their input.
const CLIENTS: &[&str] = &[
    "psql",
    "mysql",
    "mariadb",
    "sqlite3",
    "sqlite",
    "sqlcmd",
    "mongo",
    "mongosh",
    "bq",
    "duckdb",
    "clickhouse-client",
    "clickhouse",
    "cqlsh",
    "snowsql",
    "cockroach",
    "influx",
    "usql",
    "pgcli",
    "mycli",
    "isql",
    "trino",
    "neo4j",
    "cypher-shell",
    "supabase",
    "wrangler",
    "turso",
];

/// Judges them.
pub(super) fn check(walk: &Walk, call: &Call<'_>) -> Result<(), Stop> {
    let all = call.lower();
    let says = |words: &[&str]| words.iter().any(|w| all.contains(w));
    let destroys = match call.name {
        name if CLIENTS.contains(&name) => {
            let input = match &walk.scope.stdin {
                Flow::Text(text) => Some(text.as_str()),
                _ => None,
            };
            // A file of statements that the script itself has written.
            let files = ["-f", "--file", "-i"].iter().filter_map(|o| call.value(o));
            let written = files.filter_map(|file| match super::builtins::written(walk, file) {
                Some(Written::Text(text)) => Some(text.as_str()),
                _ => None,
            });
            let texts = call.args.iter().map(String::as_str).chain(input);
            texts
                .chain(written)
                .any(|text| destroys_data(text) && !stays_in_tests(call, text))
        }
        "redis-cli" | "valkey-cli" => {
            let input = match &walk.scope.stdin {
                Flow::Text(text) => text.to_lowercase(),
                _ => String::new(),
            };
            [
                "flushall",
                "flushdb",
                "config set",
                "shutdown",
                "script flush",
                "debug",
            ]
            .iter()
            .any(|w| all.contains(w) || input.contains(w))
                // Keys that come from elsewhere: `… | xargs redis-cli del`.
                || matches!(call.word(0), "del" | "unlink" | "DEL" | "UNLINK")
                    && call.words.iter().skip(1).all(|key| !super::marks::is_known(key))
        }
        "kafka-topics" | "kafka-topics.sh" => says(&["--delete"]),
        "rabbitmqctl" => says(&["reset", "delete_", "purge_queue", "stop_app", "clear_"]),
        "nodetool" => says(&["decommission", "removenode", "clearsnapshot"]),
        _ => false,
    };
    call.deny_if(destroys, "database-destroy")
}

/// Whether a statement stays in the one database that is opened, whose name says that it is for tests.
fn stays_in_tests(call: &Call<'_>, text: &str) -> bool {
    let lower = text.to_lowercase();
    let leaves = [
        "drop database",
        "drop role",
        "drop user",
        "attach",
        "use ",
        "\\",
        "dblink",
        "program",
    ];
    let all = call.lower();
    if leaves
        .iter()
        .any(|word| lower.contains(word) || all.contains(word))
    {
        return false;
    }
    let valued = [
        "-h",
        "--host",
        "-p",
        "--port",
        "-P",
        "-U",
        "-u",
        "--username",
        "--user",
        "-c",
        "-f",
        "-v",
        "-o",
        "-e",
        "-L",
        "-F",
        "-R",
        "-T",
    ];
    let first = super::wrappers::skip(call.args, &valued, 0).first();
    let named = |option: &str| call.value(option);
    match call.name {
        "sqlite3" => first.is_some_and(|file| file == ":memory:"),
        "psql" => {
            let database = named("-d").or_else(|| named("--dbname"));
            let database = database.or(first.map(String::as_str));
            database.is_some_and(is_for_tests)
        }
        // Here a name with a dot in it is another database's.
        "mysql" | "mariadb" if !lower.contains('.') => {
            let database = named("-D").or_else(|| named("--database"));
            let database = database.or(first.map(String::as_str));
            database.is_some_and(is_for_tests)
        }
        _ => false,
    }
}

/// Whether a database's name says that it is for tests.
fn is_for_tests(name: &str) -> bool {
    let name = name.to_lowercase();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain && (name == "test" || name.ends_with("_test") || name.starts_with("test_"))
}

/// What a statement begins with that destroys.
const STATEMENTS: &[&str] = &[
    "drop table",
    "drop database",
    "drop schema",
    "drop user",
    "drop view",
    "drop index",
    "drop role",
    "drop owned",
    "drop keyspace",
    "drop measurement",
    "drop collection",
    "drop materialized",
    "drop tablespace",
    "truncate ",
];

/// Calls of document stores that destroy.
const CALLS: &[&str] = &[
    ".dropdatabase(",
    ".drop()",
    ".dropcollection(",
    ".deletemany({})",
    ".remove({})",
    "detach delete",
];

/// Whether a text drops, truncates or empties.
pub(super) fn destroys_data(text: &str) -> bool {
    let lower = text.to_lowercase();
    let trimmed = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    trimmed.split(';').any(|statement| {
        let s = statement.trim().trim_matches(['"', '\'']).trim();
        let s = s
            .find(" drop ")
            .or_else(|| s.find("=drop "))
            .map_or(s, |at| &s[at + 1..]);
        let dropped: Vec<&str> = s.split_whitespace().skip(2).collect();
        let test = s.starts_with("drop database ")
            && matches!(dropped.as_slice(), [name] | ["if", "exists", name] if is_for_tests(name));
        !test && STATEMENTS.iter().any(|d| s.starts_with(d))
            || s.starts_with("delete from") && !s.contains(" where ")
            || s.starts_with("update ") && s.contains(" set ") && !s.contains(" where ")
            || s.starts_with("alter table") && s.contains(" drop ")
            || s.starts_with("copy ") && s.contains(" program ")
            || CALLS.iter().any(|d| s.contains(d))
    })
}
