"""What a deploy says of the changes since what is live: commits, a link where they can be compared, releases between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from step_context import Alone

from opsbot.config.settings import Config
from opsbot.runs.step import Fact
from opsbot.runtime.registry import Image
from opsbot.runtime.target import Target, Targets
from opsbot.steps import changes
from opsbot.steps.release import ImageResolve, OfTag
from opsbot.store import Store, open_store
from opsbot.store.releases import State
from opsbot.store.rows import ReleaseRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "a" * 40, "b" * 40
SOURCE = "org.opencontainers.image.source"


def image(number: int, revision: str = NEW, source: str = "") -> Image:
    return Image(f"i@sha256:{number}", f"sha256:{number}", f"v{number}", revision, {SOURCE: source} if source else {})


def release(store: Store, environment: str, number: int, state: State = "live", revision: str = OLD) -> ReleaseRow:
    row = store.releases.add(
        environment, "web", f"i@sha256:{number}", f"sha256:{number}", f"v{number}", revision, {}, {}, {}, None,
        f"r{environment}{number}", "alice", NOW,
    )  # fmt: skip
    when = NOW + timedelta(minutes=row.number)
    store.releases.mark(environment, "web", row.number, "live", None, when)
    return store.releases.mark(environment, "web", row.number, state, None, when)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("https://github.com/team/shop", "https://github.com/team/shop/compare/a...b"),
        ("https://github.com/team/shop.git/", "https://github.com/team/shop/compare/a...b"),
        ("https://gitlab.example:8443/team/shop", "https://gitlab.example:8443/team/shop/-/compare/a...b"),
        ("https://me:t0ken@forge.example/shop", "https://forge.example/shop/compare/a...b"),
        ("http://forge.example/a b|c", "http://forge.example/a%20b%7Cc/compare/a...b"),
        ("git@github.com:team/shop.git", ""),
        ("javascript:alert(1)", ""),
        ("https://forge.example", ""),
        ("https://for ge/shop", ""),
        ("https://[broken/shop", ""),
        ("", ""),
    ],
)
def test_commits_are_compared_where_the_source_is_and_no_login_is_shown(source: str, link: str) -> None:
    assert changes.compare_link(source, "a", "b") == link


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            OLD,
            NEW,
            "commit aaaaaaaaaaaa → bbbbbbbbbbbb, https://forge.example/shop/compare/aaaaaaaaaaaa...bbbbbbbbbbbb.",
        ),
        ("1.0/x", "1.1", "commit 1.0/x → 1.1, https://forge.example/shop/compare/1.0%2Fx...1.1."),
        (OLD, OLD, "the same commit, aaaaaaaaaaaa."),
        (OLD, "", "the image of v2 names no commit."),
        ("unknown", NEW, "the image of v1 names no commit."),
        ("", "unknown", "the images name no commit."),
    ],
)
def test_what_changed_is_said_as_far_as_the_images_tell_it(store: Store, before: str, after: str, words: str) -> None:
    live = release(store, "staging", 1, revision=before)
    assert changes.since(live, image(2, after, "https://forge.example/shop")) == f"Since v1 (web-1): {words}"


def test_the_same_image_has_no_changes_and_without_a_source_there_is_no_link(store: Store) -> None:
    live = release(store, "staging", 1)
    assert changes.since(live, image(1)) == ""
    assert changes.since(live, image(2)) == "Since v1 (web-1): commit aaaaaaaaaaaa → bbbbbbbbbbbb."


def test_what_lay_between_is_known_from_an_environment_that_had_both(store: Store) -> None:
    for number in (1, 2, 3, 4, 1):
        release(store, "staging", number, "bad" if number == 3 else "retired")
    release(store, "production", 1)

    def between(one: int, other: int) -> list[str]:
        places = ("production", "staging")
        return changes.released_between(store, places, "web", f"sha256:{one}", f"sha256:{other}")

    assert between(1, 4) == between(4, 1) == ["v2"], "v3 was blocked"
    assert between(1, 2) == between(1, 3) == between(1, 9) == []


def test_a_deploy_tells_it_as_a_fact_that_binds_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    environments = {name: {"engine": "unix:///nowhere.sock", "stack": name} for name in ("staging", "production")}
    services = {"web": {"image": "i", "strategy": "blue-green"}}
    targets = Targets(Config.model_validate({"environments": environments, "services": services}), store)
    monkeypatch.setattr(Target, "resolve", lambda _target, _service, tag: image(int(tag[1:])))

    def facts(tag: str) -> dict[str, Fact]:
        wanted = OfTag(environment="production", service="web", tag=tag)
        return {fact.key: fact for fact in ImageResolve(targets).facts(Alone(run=""), wanted).items}

    assert list(facts("v3")) == ["image"], "nothing is live yet"
    release(store, "production", 1)
    for number in (1, 2, 3):
        release(store, "staging", number)
    assert list(facts("v1")) == ["image"], "it is live"
    told = facts("v3")["changes"]
    assert told.text == "Since v1 (web-1): commit aaaaaaaaaaaa → bbbbbbbbbbbb. Released between them: v2."
    assert (told.color, told.bind) == ("green", None)
