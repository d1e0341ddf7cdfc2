-- Changes that wait for a person: the whole proposal, and what they would cost.
CREATE TABLE held (
    turn TEXT PRIMARY KEY REFERENCES turn (id),
    at TEXT NOT NULL,
    -- Changed files, report and prices as JSON.
    proposal TEXT NOT NULL,
    -- waiting, approved, denied, landed, refused
    state TEXT NOT NULL,
    decided TEXT,
    -- The turn that proved it on the day of its approval.
    by_turn TEXT
);
CREATE INDEX held_state ON held (state);

-- What an operator asked for, until a turn takes it up.
CREATE TABLE wish (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    verb TEXT NOT NULL,
    turn TEXT NOT NULL REFERENCES turn (id),
    taken TEXT
);

-- The turn that took this one's improvement back.
ALTER TABLE turn ADD COLUMN reverted TEXT;
