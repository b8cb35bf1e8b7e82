"""Locks and freezes of people, approvals, debts, a chained audit that no statement can change, events that replace one another."""

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN glass TEXT",
    "ALTER TABLE runs ADD COLUMN by_hand TEXT",
    "ALTER TABLE events ADD COLUMN slot TEXT",
    "ALTER TABLE audit ADD COLUMN previous TEXT",
    "ALTER TABLE audit ADD COLUMN hash TEXT",
    "CREATE INDEX locks_by_run ON locks (run)",
    """
    CREATE TABLE holds (
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        "by" TEXT NOT NULL,
        who TEXT NOT NULL,
        reason TEXT NOT NULL,
        since TEXT NOT NULL,
        expires TEXT,
        warned TEXT,
        PRIMARY KEY (kind, target)
    )
    """,
    """
    CREATE TABLE approvals (
        run TEXT NOT NULL,
        "by" TEXT NOT NULL,
        who TEXT NOT NULL,
        verdict TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        reason TEXT,
        door TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (run, "by")
    )
    """,
    """
    CREATE TABLE debts (
        run TEXT NOT NULL,
        title TEXT NOT NULL,
        "by" TEXT NOT NULL,
        who TEXT NOT NULL,
        asker TEXT NOT NULL,
        reason TEXT NOT NULL,
        since TEXT NOT NULL,
        due TEXT NOT NULL,
        signed_by TEXT,
        signed_at TEXT,
        note TEXT,
        PRIMARY KEY (run)
    )
    """,
)
SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
POSTGRES = (
    """
    CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$
    """,
    """
    CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """,
)
