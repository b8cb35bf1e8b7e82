"""A hundred thousand runs: what is asked several times a second reads only what has changed, not every run."""

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN told BIGINT NOT NULL DEFAULT 0",
    "UPDATE runs SET told = COALESCE((SELECT cursor FROM messages WHERE kind = 'run' AND messages.key = runs.id), 0)",
    "CREATE INDEX runs_behind ON runs (number) WHERE last_event > told",
    "CREATE INDEX runs_by_environment ON runs (environment, number)",
    "CREATE INDEX runs_by_door ON runs (door, number)",
)
