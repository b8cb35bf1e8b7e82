"""Databases of a cluster: create, dress with properties, mark, drop. Names are always quoted identifiers."""

from __future__ import annotations

from psycopg2.sql import SQL, Composable, Identifier, Literal

from opsbot.postgres import marks
from opsbot.postgres.connect import MAINTENANCE, Server, Session, session
from opsbot.postgres.describe import Grant, Properties, Setting

LONGEST = 63  # bytes of a Postgres identifier; longer ones are cut silently, and two names become one


def derived(name: str, suffix: str) -> str:
    """`name` + `suffix`, the name cut so that the whole is a valid identifier."""
    room = LONGEST - len(suffix.encode())
    return name.encode()[:room].decode(errors="ignore") + suffix


def exists(one: Session, name: str) -> bool:
    """Whether the cluster of this session has the database."""
    return bool(one.rows("SELECT 1 FROM pg_database WHERE datname = %s", [name]))


def create(server: Server, name: str, like: Properties) -> None:
    """An empty database with the encoding and collation of `like`; owned by us until it is dressed."""
    parts: list[Composable] = [
        SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
            Identifier(name), Literal(like.encoding), Literal(like.collate), Literal(like.ctype)
        )
    ]
    if like.provider == "i" and like.locale:
        parts.append(SQL(" LOCALE_PROVIDER icu ICU_LOCALE {}").format(Literal(like.locale)))
    with session(server, MAINTENANCE, statement_timeout=300) as one:
        one.rows(SQL("").join(parts))


def drop(server: Server, name: str) -> None:
    """Drop it with whoever is connected; nothing happens if it does not exist."""
    with session(server, MAINTENANCE, statement_timeout=300) as one:
        one.rows(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def dress(server: Server, name: str, like: Properties) -> None:
    """Give the database what a dump does not carry: owner, privileges, settings, connection limit."""
    database = Identifier(name)
    with session(server, MAINTENANCE) as one, one.transaction():
        one.rows(SQL("ALTER DATABASE {} OWNER TO {}").format(database, Identifier(like.owner)))
        limit = SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(database, Literal(like.connection_limit))
        one.rows(limit)
        if like.grants is not None:
            _grant(one, database, like.owner, like.grants)
        for setting in like.settings:
            _set(one, database, setting)


def _grant(one: Session, database: Identifier, owner: str, grants: tuple[Grant, ...]) -> None:
    one.rows(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(database, Identifier(owner)))
    for grant in grants:
        to = Identifier(grant.grantee) if grant.grantee else SQL("PUBLIC")
        option = SQL(" WITH GRANT OPTION" if grant.grantable and grant.grantee else "")
        one.rows(SQL("GRANT {} ON DATABASE {} TO {}{}").format(SQL(grant.privilege), database, to, option))


def _set(one: Session, database: Identifier, setting: Setting) -> None:
    # FROM CURRENT keeps list values such as search_path as they are; a quoted literal would become one element.
    one.rows("SELECT set_config(%s, %s, true)", [setting.name, setting.value])
    parameter = Identifier(*setting.name.split("."))
    if setting.role:
        target = SQL("ALTER ROLE {} IN DATABASE {}").format(Identifier(setting.role), database)
    else:
        target = SQL("ALTER DATABASE {}").format(database)
    one.rows(SQL("{} SET {} FROM CURRENT").format(target, parameter))


def comment(one: Session, name: str) -> str | None:
    """The database's COMMENT."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    found = one.value(query, [name])
    return str(found) if found is not None else None


def mark_of(one: Session, name: str) -> marks.Mark | None:
    """The bot's mark on a database; None if it has none or does not exist."""
    return marks.read(comment(one, name))


def put_mark(one: Session, name: str, mark: marks.Mark | None) -> None:
    """Replace the bot's mark; a person's own words in the comment stay."""
    text = marks.write(comment(one, name), mark)
    one.rows(SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), Literal(text)))


def marked(one: Session, of: str) -> dict[str, marks.Mark]:
    """Every database of the cluster whose mark says that it belongs to a restore of `of`."""
    rows = one.rows("SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database ORDER BY 1")
    found = {name: marks.read(text) for name, text in rows}
    return {name: mark for name, mark in found.items() if mark and mark.of == of}
