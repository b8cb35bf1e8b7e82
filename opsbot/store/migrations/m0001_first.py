"""The first tables."""

STATEMENTS = (
    """
    CREATE TABLE alerts (
        id BIGINT NOT NULL,
        condition TEXT NOT NULL,
        title TEXT NOT NULL,
        severity TEXT NOT NULL,
        environment TEXT,
        channel TEXT,
        body TEXT NOT NULL,
        state TEXT NOT NULL,
        count BIGINT NOT NULL,
        opened_at TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        acked_by TEXT,
        resolved_at TEXT,
        revision BIGINT NOT NULL,
        posted_revision BIGINT NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE UNIQUE INDEX alerts_one_open ON alerts (condition) WHERE resolved_at IS NULL
    """,
    """
    CREATE TABLE audit (
        number BIGINT NOT NULL,
        at TEXT NOT NULL,
        actor TEXT NOT NULL,
        door TEXT NOT NULL,
        what TEXT NOT NULL,
        target TEXT,
        outcome TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (number)
    )
    """,
    """
    CREATE TABLE counters (
        name TEXT NOT NULL,
        value BIGINT NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE events (
        run TEXT NOT NULL,
        seq BIGINT NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    )
    """,
    """
    CREATE TABLE journal (
        run TEXT NOT NULL,
        number BIGINT NOT NULL,
        step TEXT NOT NULL,
        phase TEXT NOT NULL,
        attempt BIGINT NOT NULL,
        owner TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        outcome TEXT,
        outputs TEXT,
        error TEXT,
        PRIMARY KEY (run, number)
    )
    """,
    """
    CREATE UNIQUE INDEX journal_one_open_row ON journal (run) WHERE ended_at IS NULL
    """,
    """
    CREATE TABLE leases (
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        taken_at TEXT NOT NULL,
        expires TEXT NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE locks (
        target TEXT NOT NULL,
        run TEXT NOT NULL,
        who TEXT NOT NULL,
        reason TEXT NOT NULL,
        since TEXT NOT NULL,
        expires TEXT,
        PRIMARY KEY (target)
    )
    """,
    """
    CREATE TABLE messages (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        channel TEXT NOT NULL,
        ts TEXT,
        thread_ts TEXT,
        cursor BIGINT NOT NULL,
        digest TEXT,
        PRIMARY KEY (kind, key)
    )
    """,
    """
    CREATE TABLE releases (
        environment TEXT NOT NULL,
        service TEXT NOT NULL,
        number BIGINT NOT NULL,
        image TEXT NOT NULL,
        digest TEXT NOT NULL,
        tag TEXT NOT NULL,
        revision TEXT,
        env TEXT NOT NULL,
        secrets TEXT NOT NULL,
        spec TEXT NOT NULL,
        schema TEXT,
        run TEXT NOT NULL,
        author TEXT NOT NULL,
        created_at TEXT NOT NULL,
        state TEXT NOT NULL,
        note TEXT,
        live_at TEXT,
        retired_at TEXT,
        PRIMARY KEY (environment, service, number)
    )
    """,
    """
    CREATE INDEX releases_by_run ON releases (run)
    """,
    """
    CREATE UNIQUE INDEX releases_one_live ON releases (environment, service) WHERE state = 'live'
    """,
    """
    CREATE TABLE runs (
        id TEXT NOT NULL,
        number BIGINT NOT NULL,
        playbook TEXT NOT NULL,
        title TEXT NOT NULL,
        environment TEXT,
        lock TEXT,
        status TEXT NOT NULL,
        actor TEXT NOT NULL,
        plan TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        created_at TEXT NOT NULL,
        started_at TEXT,
        ended_at TEXT,
        wake_at TEXT,
        parked TEXT,
        outcome TEXT,
        cancel_by TEXT,
        approved_by TEXT,
        channel TEXT,
        thread TEXT,
        door TEXT NOT NULL,
        last_event BIGINT NOT NULL,
        last_journal BIGINT NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE INDEX runs_by_number ON runs (number)
    """,
    """
    CREATE INDEX runs_by_status ON runs (status)
    """,
    """
    CREATE TABLE seen (
        key TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (key)
    )
    """,
    """
    CREATE INDEX seen_by_age ON seen (at)
    """,
    """
    CREATE TABLE settings (
        key TEXT NOT NULL,
        value TEXT,
        PRIMARY KEY (key)
    )
    """,
)
