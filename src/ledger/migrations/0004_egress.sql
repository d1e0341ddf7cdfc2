-- What an agent's run asked the network for, and what the answer was: a row for each kind of
-- decision, with how often it was taken.
CREATE TABLE egress (
    seq INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    allowed BOOLEAN NOT NULL,
    rule TEXT NOT NULL,
    times BIGINT NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    UNIQUE (session, host, port, allowed, rule)
);
CREATE INDEX agent_run_turn ON agent_run (turn);
