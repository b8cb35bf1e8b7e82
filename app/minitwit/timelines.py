"""Messages: writing one, and the three timelines, newest first."""

from __future__ import annotations

import time
from typing import NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, bindparam, insert, select, true, union_all
from sqlalchemy.orm import Session

from minitwit import events
from minitwit.models import Follower, Message, User, table
from minitwit.names import smoke_users

PAGE_SIZE = 30
# A page is first looked for among so many of everybody's newest messages: 2 ms.
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
    # Whoever fills no page from what is recent has authors who write little, so that all they wrote can be sorted.
    # Left alone, Postgres expects that they write as evenly as everybody and reads from the newest message on until
    # it has a page: 0.3 s and more at 3 M messages for somebody whose authors fell silent.
    found = _read(session, _FOR_USER_OF_RECENT, limit, page, user=user.user_id, recent=RECENT)
    return found if len(found) == limit else _read(session, _FOR_USER_OF_ALL, limit, page, user=user.user_id)


def _read(session: Session, statement: Select[str, int, str, str], limit: int, page: int, **more: int) -> list[Post]:
    rows = session.execute(statement, {"limit": limit, "offset": page * limit, **more})
    return [Post(*row) for row in rows]


def _newest(
    condition: ColumnElement[bool], date: ColumnElement[int] | None = None, limit: str = "limit"
) -> Select[int, int]:
    """The newest messages of those that fit, from an index alone; with a computed `date` it is not read in order."""
    found = select(Message.message_id, Message.pub_date).where(Message.flagged == 0, condition)
    newest_first = Message.pub_date.desc() if date is None else date.desc()
    return found.order_by(newest_first, Message.message_id.desc()).limit(bindparam(limit, type_=Integer))


def _recent_by(authors: ColumnElement[int]) -> Select[int, int]:
    """The newest messages by these authors among everybody's most recent ones."""
    recent = _newest(true(), limit="recent").add_columns(Message.author_id).subquery()
    among = select(recent.c.message_id, recent.c.pub_date).where(recent.c.author_id.in_(authors))
    newest_first = among.order_by(recent.c.pub_date.desc(), recent.c.message_id.desc())
    return newest_first.limit(bindparam("limit", type_=Integer))


def _page(chosen: Select[int, int]) -> Select[str, int, str, str]:
    """A page of the chosen messages with their authors; only now is a row of the tables read."""
    page = chosen.offset(bindparam("offset", type_=Integer)).subquery()
    return (
        select(Message.text, Message.pub_date, User.username, User.email)
        .join(page, page.c.message_id == Message.message_id)
        .join(User, User.user_id == Message.author_id)
        .order_by(Message.pub_date.desc(), Message.message_id.desc())
    )


_READER = bindparam("user", type_=Integer)
_READ_BY = union_all(select(_READER), select(Follower.whom_id).where(Follower.who_id == _READER)).scalar_subquery()
# Made once: making a statement takes about as long as the database takes to answer it.
_WRITE = insert(table(Message)).returning(table(Message).c.message_id)
_PUBLIC = _page(_newest(Message.author_id.not_in(smoke_users())))
_OF_USER = _page(_newest(Message.author_id == _READER))
_FOR_USER_OF_RECENT = _page(_recent_by(_READ_BY))
_FOR_USER_OF_ALL = _page(_newest(Message.author_id.in_(_READ_BY), Message.pub_date + 0))
