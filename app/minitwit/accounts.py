"""Accounts: registering, proving a password, and who follows whom."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from minitwit.models import Follower, User
from minitwit.names import LONGEST_NAME, is_reserved, is_smoke_user, not_a_smoke_user, storable

NO_USERNAME = "You have to enter a username"
NO_EMAIL = "You have to enter a valid email address"
NO_PASSWORD = "You have to enter a password"  # noqa: S105 - a sentence, not a password
DIFFERENT_PASSWORDS = "The two passwords do not match"
NAME_TAKEN = "The username is already taken"
INVALID_USERNAME = "Invalid username"
INVALID_PASSWORD = "Invalid password"  # noqa: S105 - a sentence, not a password


@dataclass(frozen=True)
class Registration:
    """What somebody typed to register; `smoke_user` is the reserved name this request has proven, if any."""

    username: str
    email: str
    password: str
    password2: str
    smoke_user: str | None = None


def register(session: Session, wanted: Registration, method: str) -> str | None:
    """Create the account and commit. Returns the sentence to show instead when it cannot be created."""
    problem = _problem(session, wanted)
    if problem:
        return problem
    hashed = generate_password_hash(wanted.password, method=method)
    session.add(User(username=wanted.username, email=wanted.email, pw_hash=hashed))
    try:
        session.commit()
    except IntegrityError:  # another replica registered the same name between our look and our insert
        session.rollback()
        return NAME_TAKEN
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
    return bool(session.scalar(select(exists().where(User.username == name))))


def log_in(session: Session, username: str, password: str) -> User | str:
    """The account, or the sentence that says what was wrong."""
    user = session.scalar(select(User).where(User.username == storable(username)))
    if user is None:
        return INVALID_USERNAME
    return user if check_password_hash(user.pw_hash, password) else INVALID_PASSWORD


def find_user(session: Session, username: str, viewer: User | None = None) -> User | None:
    """The account of that name, unless it is a smoke user that somebody else asks for."""
    if is_smoke_user(username) and (viewer is None or viewer.username != username):
        return None
    return session.scalar(select(User).where(User.username == storable(username)))


def follow(session: Session, who: User, whom: User) -> None:
    """`who` follows `whom` from now on; doing it twice changes nothing. Commits."""
    if is_following(session, who, whom):
        return
    session.add(Follower(who_id=who.user_id, whom_id=whom.user_id))
    try:
        session.commit()
    except IntegrityError:  # the same click arrived twice, on two replicas
        session.rollback()


def unfollow(session: Session, who: User, whom: User) -> None:
    """`who` no longer follows `whom`; no matter whether they did. Commits."""
    session.execute(delete(Follower).where(Follower.who_id == who.user_id, Follower.whom_id == whom.user_id))
    session.commit()


def is_following(session: Session, who: User, whom: User) -> bool:
    """Whether `who` follows `whom`."""
    return session.get(Follower, (who.user_id, whom.user_id)) is not None


def followed_names(session: Session, who: User, limit: int) -> list[str]:
    """The names that `who` follows, at most `limit` of them."""
    rows = (
        select(User.username)
        .join(Follower, Follower.whom_id == User.user_id)
        .where(Follower.who_id == who.user_id, not_a_smoke_user())
        .order_by(User.user_id)
        .limit(limit)
    )
    return list(session.scalars(rows))
