"""What a database is: identity, properties that a rename or a dump does not carry, shape, exact row counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2.sql import SQL, Identifier
from pydantic import BaseModel, ConfigDict

from opsbot.postgres.connect import Query, Session

# Tables of people's data: no system schemas, none that an extension owns (pg_dump leaves those to the extension).
_OURS = SQL("""
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
""")


class Record(BaseModel):
    """Base of what is stored in a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Grant(Record):
    """One privilege on the database; no grantee = PUBLIC."""

    grantee: str | None
    privilege: str
    grantable: bool = False


class Setting(Record):
    """One ALTER DATABASE … SET, or with a role ALTER ROLE … IN DATABASE … SET."""

    role: str | None
    name: str
    value: str


class Properties(Record):
    """What CREATE DATABASE and ALTER DATABASE say. `grants` None = the defaults; `connection_limit` -1 = none."""

    owner: str
    encoding: str
    collate: str
    ctype: str
    provider: str = "c"
    locale: str | None = None
    connection_limit: int = -1
    grants: tuple[Grant, ...] | None = None
    settings: tuple[Setting, ...] = ()


class Shape(Record):
    """What must be there beside rows: extensions with versions, constraints, indexes, sequences, schema revision."""

    extensions: dict[str, str] = {}
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()
    revision: tuple[str, ...] = ()
    large_objects: int = 0


@dataclass(frozen=True)
class Identity:
    """Which database of the world: the cluster's system identifier and the exact name."""

    cluster: str
    name: str


def cluster(session: Session) -> str:
    """The system identifier that initdb gave this cluster."""
    return str(session.value("SELECT system_identifier FROM pg_control_system()"))


def server_version(session: Session) -> str:
    """Such as `15.14`."""
    return str(session.value("SHOW server_version")).split()[0]


def properties(session: Session, name: str) -> Properties | None:
    """The properties of a database of this cluster, None if there is no such database. From any session."""
    found = session.rows(
        "SELECT to_jsonb(d), pg_get_userbyid(datdba), pg_encoding_to_char(encoding)"
        " FROM pg_database d WHERE datname = %s",
        [name],
    )
    if not found:
        return None
    columns, owner, encoding = found[0]
    return Properties(
        owner=owner,
        encoding=encoding,
        collate=columns["datcollate"],
        ctype=columns["datctype"],
        provider=columns.get("datlocprovider", "c"),
        locale=columns.get("datlocale") or columns.get("daticulocale"),
        connection_limit=columns["datconnlimit"],
        grants=_grants(session, name) if columns["datacl"] is not None else None,
        settings=_settings(session, name),
    )


def _grants(session: Session, name: str) -> tuple[Grant, ...]:
    rows = session.rows(
        "SELECT r.rolname, a.privilege_type, a.is_grantable FROM pg_database d,"
        " aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee"
        " WHERE d.datname = %s ORDER BY 1 NULLS FIRST, 2",
        [name],
    )
    return tuple(Grant(grantee=who, privilege=what, grantable=grantable) for who, what, grantable in rows)


def _settings(session: Session, name: str) -> tuple[Setting, ...]:
    rows = session.rows(
        "SELECT r.rolname, unnest(s.setconfig) FROM pg_db_role_setting s"
        " JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole"
        " WHERE d.datname = %s ORDER BY 1 NULLS FIRST, 2",
        [name],
    )
    pairs = [(role, *entry.partition("=")) for role, entry in rows]
    return tuple(Setting(role=role, name=key, value=value) for role, key, _, value in pairs)


def shape(session: Session) -> Shape:
    """The shape of the database of this session."""
    return Shape(
        extensions=dict(session.rows("SELECT extname, extversion FROM pg_extension ORDER BY 1")),
        constraints=_names(
            session,
            SQL("SELECT format('%I.%I: %s', n.nspname, c.relname, k.conname) FROM pg_constraint k")
            + SQL(" JOIN pg_class c ON c.oid = k.conrelid")
            + _OURS
            + SQL(" AND k.convalidated ORDER BY 1"),
        ),
        indexes=_names(
            session,
            SQL("SELECT format('%I.%I', n.nspname, i.relname) FROM pg_index x")
            + SQL(" JOIN pg_class c ON c.oid = x.indrelid")
            + SQL(" JOIN pg_class i ON i.oid = x.indexrelid")
            + _OURS
            + SQL(" AND x.indisvalid ORDER BY 1"),
        ),
        sequences=_names(
            session,
            "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences ORDER BY 1",
        ),
        revision=revision(session),
        large_objects=int(session.value("SELECT count(*) FROM pg_largeobject_metadata")),
    )


def revision(session: Session) -> tuple[str, ...]:
    """The Alembic heads in this database, () if it has none."""
    for schema in _names(
        session,
        SQL("SELECT n.nspname FROM pg_class c") + _OURS + SQL(" AND c.relname = 'alembic_version' ORDER BY 1"),
    ):
        table = SQL("SELECT version_num FROM {}.alembic_version ORDER BY 1").format(Identifier(schema))
        return tuple(version for (version,) in session.rows(table))
    return ()


def roles_used(session: Session) -> tuple[str, ...]:
    """Roles that own or may use something in this database; a restore needs them to exist."""
    return _names(
        session,
        "SELECT DISTINCT r.rolname FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid"
        " WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid ="
        " (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1",
    )


def missing_roles(session: Session, wanted: tuple[str, ...]) -> list[str]:
    """Those of `wanted` that this cluster does not have."""
    have = set(_names(session, "SELECT rolname FROM pg_roles"))
    return sorted(set(wanted) - have)


def tables(session: Session) -> list[tuple[str, str]]:
    """(schema, table) of every table that holds rows of its own; partitions count, their parents do not."""
    rows: list[tuple[Any, ...]] = session.rows(
        SQL("SELECT n.nspname, c.relname FROM pg_class c") + _OURS + SQL(" AND c.relkind = 'r' ORDER BY 1, 2")
    )
    return [(schema, table) for schema, table in rows]


def row_counts(session: Session) -> dict[str, int]:
    """Exact rows per table, by complete quoted name."""
    counts: dict[str, int] = {}
    for schema, table in tables(session):
        label = session.value("SELECT format('%%I.%%I', %s::text, %s::text)", [schema, table])
        count = SQL("SELECT count(*) FROM ONLY {}").format(Identifier(schema, table))
        counts[label] = int(session.value(count))
    return counts


def table_bytes(session: Session) -> int:
    """Bytes of all tables without their indexes: about what a plain dump holds."""
    query = SQL("SELECT coalesce(sum(pg_table_size(c.oid)), 0) FROM pg_class c")
    return int(session.value(query + _OURS + SQL(" AND c.relkind = 'r'")))


def _names(session: Session, query: Query) -> tuple[str, ...]:
    return tuple(name for (name,) in session.rows(query))
