"""Accounts: registering, proving a password, and who follows whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import BindParameter, Integer, bindparam, delete, exists, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from minitwit import events, passwords
from minitwit.models import Follower, User, table
from minitwit.names import LONGEST_NAME, is_reserved, is_smoke_user, smoke_users, storable

NO_USERNAME = "You have to enter a username"
NO_EMAIL = "You have to enter a valid email address"
NO_PASSWORD = "You have to enter a password"  # noqa: S105 - a sentence, not a password
DIFFERENT_PASSWORDS = "The two passwords do not match"
NAME_TAKEN = "The username is already taken"
INVALID_USERNAME = "Invalid username"
INVALID_PASSWORD = "Invalid password"  # noqa: S105 - a sentence, not a password

# Statements that many requests need are made once: making one takes as long as the database takes to answer it.
_NAME: BindParameter[str] = bindparam("name")
_WHO, _WHOM = bindparam("who", type_=Integer), bindparam("whom", type_=Integer)
_BY_NAME = select(User).where(User.username == _NAME)
_IS_TAKEN = select(exists().where(User.username == _NAME))
_FOLLOWERS = table(Follower)
_THIS_PAIR = (_FOLLOWERS.c.who_id == _WHO, _FOLLOWERS.c.whom_id == _WHOM)
_FOLLOWS = exists().where(*_THIS_PAIR)
_IS_FOLLOWING = select(_FOLLOWS)
_FOLLOW = (
    insert(_FOLLOWERS)
    .from_select(["who_id", "whom_id"], select(_WHO, _WHOM).where(~_FOLLOWS))
    .execution_options(preserve_rowcount=True)
)
_UNFOLLOW = delete(_FOLLOWERS).where(*_THIS_PAIR)
_FOLLOWED_NAMES = (
    select(User.username)
    .join(Follower, Follower.whom_id == User.user_id)
    .where(Follower.who_id == _WHO, Follower.whom_id.not_in(smoke_users()))
    .order_by(User.user_id)
    .limit(bindparam("limit", type_=Integer))
)


@dataclass(frozen=True)
class Registration:
    """What somebody typed to register; `smoke_user` is the reserved name this request has proven, if any."""

    username: str
    email: str
    password: str
    password2: str
    smoke_user: str | None = None


def register(session: Session, wanted: Registration, method: str) -> str | None:
    """Create the account and commit. Returns the sentence to show instead when it cannot be created.

    Raises passwords.Busy.
    """
    problem = _problem(session, wanted)
    if problem:
        return problem
    session.rollback()  # whoever waits for a turn at hashing holds no connection meanwhile
    hashed = passwords.make(wanted.password, method)
    user = User(username=wanted.username, email=wanted.email, pw_hash=hashed)
    session.add(user)
    try:
        session.commit()
    except IntegrityError:  # another replica registered the same name between our look and our insert
        session.rollback()
        return NAME_TAKEN
    events.happened("registered", user.username, None, {"user_id": user.user_id})
    return None


def _problem(session: Session, wanted: Registration) -> str | None:
    if not storable(wanted.username).strip() or len(wanted.username) > LONGEST_NAME:
        return NO_USERNAME
    if "@" not in storable(wanted.email):
        return NO_EMAIL
    if not storable(wanted.password):
        return NO_PASSWORD
    if wanted.password != wanted.password2:
        return DIFFERENT_PASSWORDS
    if _unavailable(session, wanted):
        return NAME_TAKEN
    return None


def _unavailable(session: Session, wanted: Registration) -> bool:
    name = wanted.username
    if is_reserved(name) or (is_smoke_user(name) and name != wanted.smoke_user):
        return True
    return bool(session.scalar(_IS_TAKEN, {"name": name}))


def log_in(session: Session, username: str, password: str) -> User | str:
    """The account, or the sentence that says what was wrong. Raises passwords.Busy."""
    user = session.scalar(_BY_NAME, {"name": storable(username)})
    if user is None:
        return INVALID_USERNAME
    session.commit()  # as in `register`
    return user if passwords.fits(user.pw_hash, password) else INVALID_PASSWORD


def find_user(session: Session, username: str, viewer: User | None = None) -> User | None:
    """The account of that name, unless it is a smoke user that somebody else asks for."""
    if is_smoke_user(username) and (viewer is None or viewer.username != username):
        return None
    return session.scalar(_BY_NAME, {"name": storable(username)})


def follow(session: Session, who: User, whom: User) -> None:
    """`who` follows `whom` from now on; doing it twice changes nothing. Commits."""
    try:
        made = session.execute(_FOLLOW, _pair(who, whom))
        session.commit()
    except IntegrityError:  # the same click arrived twice, on two replicas
        session.rollback()
        return
    if made.rowcount:  # type: ignore[attr-defined] # DML results have it
        _changed("followed", who, whom, before=False)


def unfollow(session: Session, who: User, whom: User) -> None:
    """`who` no longer follows `whom`; no matter whether they did. Commits."""
    gone = session.execute(_UNFOLLOW, _pair(who, whom))
    session.commit()
    if gone.rowcount:  # type: ignore[attr-defined] # DML results have it
        _changed("unfollowed", who, whom, before=True)


def _pair(who: User, whom: User) -> dict[str, int]:
    return {"who": who.user_id, "whom": whom.user_id}


def _changed(event: Literal["followed", "unfollowed"], who: User, whom: User, *, before: bool) -> None:
    pair = {"whom": whom.username}
    events.happened(event, who.username, pair | {"follows": before}, pair | {"follows": not before})


def is_following(session: Session, who: User, whom: User) -> bool:
    """Whether `who` follows `whom`."""
    return bool(session.scalar(_IS_FOLLOWING, _pair(who, whom)))


def followed_names(session: Session, who: User, limit: int) -> list[str]:
    """The names that `who` follows, at most `limit` of them."""
    return list(session.scalars(_FOLLOWED_NAMES, {"who": who.user_id, "limit": limit}))
