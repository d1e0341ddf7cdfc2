-- What is looked for at every turn, among ten thousand and more.
CREATE INDEX turn_open ON turn (number) WHERE finished IS NULL;
CREATE INDEX turn_outcome ON turn (outcome, number);
CREATE INDEX agent_run_open ON agent_run (turn) WHERE cost IS NULL;
CREATE INDEX agent_run_finished ON agent_run (finished);
CREATE INDEX post_waiting ON post (seq) WHERE delivered IS NULL;
