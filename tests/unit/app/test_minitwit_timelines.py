"""Timelines: the quick ways find exactly what a look at every message would find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minitwit import timelines
from minitwit.models import Base, Follower, Message, User
from sqlalchemy import Engine, create_engine, delete
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

AUTHORS = {1: "me", 2: "bo", 3: "cy", 4: "di", 5: "_smoke-1-x"}
# author, second (few, so that many messages share one), hidden
MESSAGES = st.lists(st.tuples(st.sampled_from(sorted(AUTHORS)), st.integers(0, 6), st.booleans()), max_size=40)
FOLLOWED = st.sets(st.sampled_from([2, 3, 4]))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    found = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(found)
    with Session(found) as session, session.begin():
        session.add_all(User(user_id=n, username=name, email=name, pw_hash="") for n, name in AUTHORS.items())
    yield found
    found.dispose()


@settings(max_examples=120, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=MESSAGES, followed=FOLLOWED, limit=st.integers(1, 6), page=st.integers(0, 4), recent=st.integers(1, 12), few=st.integers(0, 3))  # fmt: skip
def test_each_timeline_is_what_a_look_at_every_message_finds(engine, written, followed, limit, page, recent, few):
    with pytest.MonkeyPatch.context() as patch, Session(engine) as session, session.begin():
        patch.setattr(timelines, "RECENT", recent)
        patch.setattr(timelines, "FEW", few)
        for table in (Message, Follower):
            session.execute(delete(table))
        session.add_all(
            Message(message_id=n, author_id=author, text=str(n), pub_date=second, flagged=int(hidden))
            for n, (author, second, hidden) in enumerate(written)
        )
        session.add_all(Follower(who_id=1, whom_id=whom) for whom in followed)
        me = session.get_one(User, 1)
        newest = sorted(
            ((second, n, author) for n, (author, second, hidden) in enumerate(written) if not hidden), reverse=True
        )

        def of(authors: set[int]) -> list[str]:
            texts = [str(n) for _, n, author in newest if author in authors]
            return texts[page * limit : (page + 1) * limit]

        found = [
            [post.text for post in posts]
            for posts in (
                timelines.public(session, limit, page),
                timelines.of_user(session, me, limit, page),
                timelines.for_user(session, me, limit, page),
            )
        ]
        assert found == [of({1, 2, 3, 4}), of({1}), of({1} | followed)]
