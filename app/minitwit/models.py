"""The tables, as the code sees them. What the database holds is made by the migrations."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The parent of all tables."""


class User(Base):
    """An account. Named `users` because `user` is a reserved word in Postgres."""

    __tablename__ = "users"

    user_id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    email: Mapped[str] = mapped_column(Text)
    pw_hash: Mapped[str] = mapped_column(Text)


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
        Index("ix_messages_pub_date", sql("pub_date DESC")),
        Index("ix_messages_author_id_pub_date", "author_id", sql("pub_date DESC")),
    )


class Latest(Base):
    """The last `latest` number received: one row, in the database because replicas share it."""

    __tablename__ = "latest"

    only_row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("only_row = 1", name="latest_has_one_row"),)
