"""Messages: writing one, and the three timelines, newest first."""

from __future__ import annotations

import time
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, literal, select, true, union_all
from sqlalchemy.orm import Session

from minitwit import events
from minitwit.models import Follower, Message, User
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
    message = Message(author_id=author.user_id, text=text, pub_date=int(time.time()))
    session.add(message)
    session.commit()
    after = {"message_id": message.message_id, "pub_date": message.pub_date, "characters": len(text)}
    events.happened("posted", author.username, None, after)


def public(session: Session, limit: int = PAGE_SIZE, page: int = 0) -> list[Post]:
    """Everybody's messages, but for those of smoke users."""
    return _posts(session, _newest(Message.author_id.not_in(smoke_users()), limit, page))


def of_user(session: Session, user: User, limit: int = PAGE_SIZE, page: int = 0) -> list[Post]:
    """One user's messages."""
    return _posts(session, _newest(Message.author_id == user.user_id, limit, page))


def for_user(session: Session, user: User, limit: int = PAGE_SIZE, page: int = 0) -> list[Post]:
    """What a user reads: their own messages and those of the people they follow."""
    authors = union_all(
        select(literal(user.user_id)), select(Follower.whom_id).where(Follower.who_id == user.user_id)
    ).scalar_subquery()
    # Whoever fills no page from what is recent has authors who write little, so that all they wrote can be sorted.
    # Left alone, Postgres expects that they write as evenly as everybody and reads from the newest message on until
    # it has a page: 0.3 s and more at 3 M messages for somebody whose authors fell silent.
    recent = _newest(true(), RECENT, 0).add_columns(Message.author_id).subquery()
    among = select(recent.c.message_id, recent.c.pub_date).where(recent.c.author_id.in_(authors))
    among = among.order_by(recent.c.pub_date.desc(), recent.c.message_id.desc()).limit(limit).offset(page * limit)
    found = _posts(session, among)
    if len(found) == limit:
        return found
    by_author = _newest(Message.author_id.in_(authors), limit, page, Message.pub_date + 0)
    return _posts(session, by_author)


def _newest(
    condition: ColumnElement[bool], limit: int, page: int, date: ColumnElement[int] | None = None
) -> Select[int, int]:
    """The messages on a page of those that fit, from an index alone; with a computed `date` it is not read in order."""
    found = select(Message.message_id, Message.pub_date).where(Message.flagged == 0, condition)
    newest_first = Message.pub_date.desc() if date is None else date.desc()
    return found.order_by(newest_first, Message.message_id.desc()).limit(limit).offset(page * limit)


def _posts(session: Session, chosen: Select[int, int]) -> list[Post]:
    """The chosen messages with their authors; only now is a row of the tables read."""
    page = chosen.subquery()
    posts = (
        select(Message.text, Message.pub_date, User.username, User.email)
        .join(page, page.c.message_id == Message.message_id)
        .join(User, User.user_id == Message.author_id)
        .order_by(Message.pub_date.desc(), Message.message_id.desc())
    )
    return [Post(*row) for row in session.execute(posts)]
