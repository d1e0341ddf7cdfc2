-- Where a turn belongs: what is known of one workstation or repository says nothing about another.
ALTER TABLE turn ADD COLUMN workstation TEXT;
ALTER TABLE turn ADD COLUMN repo TEXT;
CREATE INDEX turn_place ON turn (workstation, repo, number) WHERE fingerprint IS NOT NULL;

-- What is remembered for the agent's prompt; `key` is what it is about.
CREATE TABLE known (
    workstation TEXT NOT NULL,
    repo TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT,
    text TEXT NOT NULL,
    -- In hundredths.
    confidence BIGINT NOT NULL,
    -- The number of the turn that it comes from.
    turn BIGINT NOT NULL,
    at TEXT NOT NULL,
    expires TEXT NOT NULL,
    PRIMARY KEY (workstation, repo, key)
);

CREATE INDEX known_at ON known (workstation, repo, at);

-- What is out of date, or gave way to what is newer.
CREATE TABLE known_before (
    seq INTEGER PRIMARY KEY,
    workstation TEXT NOT NULL,
    repo TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT,
    text TEXT NOT NULL,
    confidence BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    at TEXT NOT NULL,
    expires TEXT NOT NULL,
    archived TEXT NOT NULL
);
