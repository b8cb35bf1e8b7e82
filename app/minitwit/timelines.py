"""Messages: writing one, and the three timelines, newest first."""

from __future__ import annotations

import time
from typing import NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, Integer, Select, bindparam, insert, literal, select, true, union
from sqlalchemy.orm import Session

from minitwit import events
from minitwit.models import Follower, Message, User, table
from minitwit.names import smoke_users

PAGE_SIZE = 30
# Who follows more people than this finds most pages among so many of everybody's newest messages: 1 ms, not 10.
FEW = 100
RECENT = 5_000


class Post(NamedTuple):
    """A message as a timeline shows it; `pub_date` is epoch seconds UTC."""

    text: str
    pub_date: int
    username: str
    email: str


def write(session: Session, author: User, text: str) -> None:
    """Publish `text` now. Commits."""
    pub_date = int(time.time())
    wrote = session.scalar(_WRITE, {"author_id": author.user_id, "text": text, "pub_date": pub_date})
    session.commit()
    after = {"message_id": wrote, "pub_date": pub_date, "characters": len(text)}
    events.happened("posted", author.username, None, after)


def public(session: Session, limit: int = PAGE_SIZE, page: int = 0) -> list[Post]:
    """Everybody's messages, but for those of smoke users."""
    return _read(session, _PUBLIC, limit, page)


def of_user(session: Session, user: User, limit: int = PAGE_SIZE, page: int = 0) -> list[Post]:
    """One user's messages."""
    return _read(session, _OF_USER, limit, page, user=user.user_id)


def for_user(session: Session, user: User, limit: int = PAGE_SIZE, page: int = 0) -> list[Post]:
    """What a user reads: their own messages and those of the people they follow."""
    mine = {"user": user.user_id}
    if session.scalar(_FOLLOWS_MANY, mine | {"few": FEW}):
        found = _read(session, _FOR_USER_OF_RECENT, limit, page, **mine, recent=RECENT)
        if len(found) == limit:
            return found
    has_lateral = session.get_bind().dialect.name == "postgresql"
    return _read(session, _FOR_USER if has_lateral else _FOR_USER_PLAINLY, limit, page, **mine)


def _read(session: Session, statement: Select[str, int, str, str], limit: int, page: int, **more: int) -> list[Post]:
    rows = session.execute(statement, {"limit": limit, "offset": page * limit, **more})
    return [Post(*row) for row in rows]


def _newest(condition: ColumnElement[bool], limit: ColumnElement[int]) -> Select[int, int]:
    """The newest messages of those that fit, from an index alone."""
    found = select(Message.message_id, Message.pub_date).where(Message.flagged == 0, condition)
    return found.order_by(Message.pub_date.desc(), Message.message_id.desc()).limit(limit)


def _of_recent(authors: CompoundSelect[int]) -> Select[int, int]:
    """The newest messages by these authors among everybody's most recent ones."""
    recent = _newest(true(), bindparam("recent", type_=Integer)).add_columns(Message.author_id).subquery()
    among = select(recent.c.message_id, recent.c.pub_date).where(recent.c.author_id.in_(authors))
    return among.order_by(recent.c.pub_date.desc(), recent.c.message_id.desc()).limit(_LIMIT)


def _by_author(authors: CompoundSelect[int]) -> Select[int, int]:
    """The newest messages by these authors, looked for among as many authors as a page has messages.

    These are the authors who wrote last. Asked plainly, Postgres reads everybody's messages from the newest on until
    it has a page, or all that these authors ever wrote: 0.2 s and more at 3 M messages.
    """
    every = authors.subquery()
    last = _newest(Message.author_id == every.c.author, literal(1)).lateral()
    wrote_last = select(every.c.author).join(last, true()).order_by(last.c.pub_date.desc(), last.c.message_id.desc())
    each = wrote_last.limit(_LIMIT + _OFFSET).subquery()
    newest = _newest(Message.author_id == each.c.author, _LIMIT + _OFFSET).lateral()
    found = select(newest.c.message_id, newest.c.pub_date).select_from(each.join(newest, true()))
    return found.order_by(newest.c.pub_date.desc(), newest.c.message_id.desc()).limit(_LIMIT)


def _page(chosen: Select[int, int]) -> Select[str, int, str, str]:
    """A page of the chosen messages with their authors; only now is a row of the tables read."""
    page = chosen.offset(_OFFSET).subquery()
    return (
        select(Message.text, Message.pub_date, User.username, User.email)
        .join(page, page.c.message_id == Message.message_id)
        .join(User, User.user_id == Message.author_id)
        .order_by(Message.pub_date.desc(), Message.message_id.desc())
    )


_LIMIT, _OFFSET = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)
_READER = bindparam("user", type_=Integer)
_WHOM = select(Follower.whom_id).where(Follower.who_id == _READER)
_READ_BY = union(select(_READER.label("author")), _WHOM)
# Made once: making a statement takes about as long as the database takes to answer it.
_WRITE = insert(table(Message)).returning(table(Message).c.message_id)
_PUBLIC = _page(_newest(Message.author_id.not_in(smoke_users()), _LIMIT))
_OF_USER = _page(_newest(Message.author_id == _READER, _LIMIT))
_FOLLOWS_MANY = select(_WHOM.order_by(Follower.whom_id).offset(bindparam("few", type_=Integer)).limit(1).exists())
_FOR_USER_OF_RECENT = _page(_of_recent(_READ_BY))
_FOR_USER = _page(_by_author(_READ_BY))
_FOR_USER_PLAINLY = _page(_newest(Message.author_id.in_(_READ_BY), _LIMIT))
