-- Times are RFC 3339 in UTC, ids are UUIDs as text, money is in millionths of a US dollar.

CREATE TABLE turn (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    finished TEXT,
    outcome TEXT,
    fingerprint TEXT,
    cost BIGINT NOT NULL DEFAULT 0,
    -- The whole turn as JSON, once it is finished.
    record TEXT
);

-- Written before and after each thing that has an effect outside the ledger.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    turn TEXT NOT NULL REFERENCES turn (id),
    at TEXT NOT NULL,
    stage TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX event_turn ON event (turn);

-- A run of an agent: reserved before it starts, settled after every kind of end.
CREATE TABLE agent_run (
    id TEXT PRIMARY KEY,
    turn TEXT NOT NULL REFERENCES turn (id),
    started TEXT NOT NULL,
    finished TEXT,
    session TEXT,
    reserved BIGINT NOT NULL,
    cost BIGINT
);

-- Posts are entries until they are delivered; `key` makes each of them unique.
CREATE TABLE post (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    created TEXT NOT NULL,
    not_before TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    delivered TEXT,
    message TEXT
);

-- Small facts: the baseline of a commit, the last stop, and the like.
CREATE TABLE fact (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at TEXT NOT NULL
);
