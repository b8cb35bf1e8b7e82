"""A reader's timeline on Postgres, where it is looked for otherwise than on SQLite: what each author wrote, a page of each."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import own_postgres
import pytest
from sqlalchemy import URL, Engine, delete
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "app"))

from minitwit import timelines
from minitwit.database import make_engine
from minitwit.models import Base, Follower, Message, User
from minitwit.settings import Settings

CASES, AUTHORS = 150, range(1, 7)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with own_postgres.running() as folder:
        own_postgres.create(folder, "minitwit")
        place = URL.create("postgresql+psycopg2", own_postgres.OWNER, database="minitwit", query={"host": folder})
        found = make_engine(Settings(place, "key"))
        Base.metadata.create_all(found)
        with Session(found) as session:
            session.add_all(User(user_id=n, username=str(n), email="", pw_hash="") for n in AUTHORS)
            session.commit()
        yield found
        found.dispose()


@pytest.mark.parametrize("few", [0, 100], ids=["of many", "of few"])
def test_a_reader_sees_exactly_what_those_they_follow_wrote_newest_first(engine, monkeypatch, few):
    monkeypatch.setattr(timelines, "FEW", few)
    seen = 0
    for number in range(CASES):
        rng = random.Random(number)
        monkeypatch.setattr(timelines, "RECENT", rng.randrange(1, 12))
        # Few seconds, so that many messages share one; one in five is hidden.
        wrote = [(rng.choice(AUTHORS), rng.randrange(5), rng.random() < 0.2) for _ in range(rng.randrange(40))]
        followed = set(rng.sample(AUTHORS, rng.randrange(4)))  # oneself among them, at times
        limit, page = rng.randrange(1, 6), rng.randrange(4)
        with Session(engine) as session:
            _rewrite(session, wrote, followed)
            posts = timelines.for_user(session, session.get_one(User, 1), limit, page)
        shown = {1, *followed}
        expected = sorted(
            ((second, n) for n, (author, second, hidden) in enumerate(wrote) if author in shown and not hidden),
            reverse=True,
        )
        assert [post.text for post in posts] == [str(n) for _, n in expected[page * limit : (page + 1) * limit]]
        seen += len(posts)
    assert seen > CASES


def _rewrite(session: Session, wrote: list[tuple[int, int, bool]], followed: set[int]) -> None:
    for table in (Message, Follower):
        session.execute(delete(table))
    session.add_all(
        Message(message_id=n, author_id=author, text=str(n), pub_date=second, flagged=int(hidden))
        for n, (author, second, hidden) in enumerate(wrote)
    )
    session.add_all(Follower(who_id=1, whom_id=whom) for whom in followed)
    session.commit()
