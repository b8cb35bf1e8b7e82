"""The tables, as the code sees them. What the database holds is made by the migrations."""

from __future__ import annotations

from typing import cast

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Table, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# The smoke test's users, by the beginning of their names: the index's condition and the queries' must be one text.
SMOKE_USERS = sql(r"username LIKE '\_smoke%' ESCAPE '\'")


class Base(DeclarativeBase):
    """The parent of all tables."""


class User(Base):
    """An account. Named `users` because `user` is a reserved word in Postgres."""

    __tablename__ = "users"

    user_id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    email: Mapped[str] = mapped_column(Text)
    pw_hash: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_users_smoke", "user_id", postgresql_where=SMOKE_USERS, sqlite_where=SMOKE_USERS),)


class Follower(Base):
    """`who` follows `whom`."""

    __tablename__ = "followers"

    who_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    whom_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"), primary_key=True)

    __table_args__ = (Index("ix_followers_whom_id", "whom_id"),)


class Message(Base):
    """A message. `pub_date` is whole epoch seconds UTC; `flagged` 1 hides it everywhere."""

    __tablename__ = "messages"

    message_id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    text: Mapped[str] = mapped_column(Text)
    pub_date: Mapped[int] = mapped_column(BigInteger)
    flagged: Mapped[int] = mapped_column(server_default=sql("0"), default=0)

    __table_args__ = (
        Index(
            "ix_messages_newest",
            sql("pub_date DESC"),
            sql("message_id DESC"),
            postgresql_include=["author_id", "flagged"],
        ),
        Index(
            "ix_messages_author_newest",
            "author_id",
            sql("pub_date DESC"),
            sql("message_id DESC"),
            postgresql_include=["flagged"],
        ),
    )


class Latest(Base):
    """The last `latest` number received: one row, in the database because replicas share it."""

    __tablename__ = "latest"

    only_row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("only_row = 1", name="latest_has_one_row"),)


def table(of: type[Base]) -> Table:
    """The table itself, for changes to rows that nobody needs as objects: they take a third of the time."""
    return cast("Table", of.__table__)
