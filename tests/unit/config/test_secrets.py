"""Whatever opsbot.yml names as a secret is blanked wherever text leaves the program, also before it was used."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from pretend_world import ALICE, BOB, EVE, World

from opsbot import bot as bots
from opsbot.cli.main import load
from opsbot.clock import SystemClock
from opsbot.config.secrets import know, weak
from opsbot.config.settings import Config
from opsbot.errors import ConfigError, StepFailed
from opsbot.log import Secret, redactor
from opsbot.runs.step import Fact
from opsbot.store import Store, open_store
from opsbot.store.rows import Entry, HoldRow

SETTINGS = {
    "slack": {
        "bot_token": "xoxb-of-this-test",
        "app_token": {"env": "APP_TOKEN_OF_THIS_TEST"},
        "signing_secret": "signing-of-this-test",
    },
    "registries": {"one": {"host": "r", "user": "somebody", "password": {"env": "REGISTRY_OF_THIS_TEST"}}},
    "databases": {"main": {"name": "minitwit", "password": "database-of-this-test"}},
    "environments": {"staging": {"stack": "s", "passwords": {"main": "staging-of-this-test"}}},
    "storage": {"bucket": "b", "key": "key-of-this-test", "secret": "secret-of-this-test"},
    "store": "postgresql+psycopg2://opsbot:store%2Fof-this-test@host/name",
}
THREAD = """
import threading
def fail():
    raise ValueError(secret)
thread = threading.Thread(target=fail, name="one")
thread.start()
thread.join()
"""
VALUES = (
    "signing-of-this-test",
    "xoxb-of-this-test",
    "registry-of-this-test",
    "database-of-this-test",
    "staging-of-this-test",
    "key-of-this-test",
    "secret-of-this-test",
    "store%2Fof-this-test",
    "store/of-this-test",
)


def test_every_configured_secret_is_known_from_the_start_and_what_is_not_set_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGISTRY_OF_THIS_TEST", "registry-of-this-test")
    know(Config.model_validate(SETTINGS))
    assert redactor.clean("; ".join(VALUES)) == "; ".join(["[REDACTED]"] * len(VALUES))
    assert redactor.clean("somebody at minitwit, opsbot@host/name") == "somebody at minitwit, opsbot@host/name"


def test_no_file_of_the_store_holds_a_secret_that_a_person_typed(tmp_path: Path) -> None:
    know(Config.model_validate(SETTINGS))
    store: Store = open_store(f"sqlite:///{tmp_path}/opsbot.db")
    by = {"kind": "person", "id": "U1", "name": "alice"}
    word, now = VALUES[3], SystemClock().now()
    store.holds.put(HoldRow("lock", "staging", "U1", "alice", f"changing {word}", now, None), _entry(by, word))
    store.alerts.open("c", f"{word} fails", "critical", None, None, {"why": word}, now)
    store.close()
    assert [path.name for path in tmp_path.iterdir() if word.encode() in path.read_bytes()] == []


LIKE_A_TAG = "v2-of-this-test"
TYPED = "pa\\ss\"wo'rd9 of this test"


def test_no_column_of_any_table_holds_a_secret_that_was_said_or_that_a_step_brought(tmp_path: Path) -> None:
    """But for what a service is started with: a release that is gone back to must be what it was."""
    Secret(TYPED)
    Secret(LIKE_A_TAG)
    world = World(tmp_path)
    world.failing["rollout.bake"] = StepFailed(f"It answers {TYPED}.", f"Look at {TYPED}.")
    world.outputs["rollout.prepare"]["address"] = f"postgres://u:{quote_plus(TYPED)}@host"
    teller = replace(ALICE, name=f"alice {TYPED}", tty=TYPED)
    assert world.type("lock", "staging/api", f"changing {TYPED}", actor=teller).ok
    assert world.type("freeze", "production/api", f"changing {TYPED}", actor=teller).ok
    assert world.type("deploy", TYPED, "to", "staging", actor=teller).code == "usage"
    assert world.type("deploy", LIKE_A_TAG, "to", "staging", actor=teller).code == "secret"
    assert world.type("deploy", LIKE_A_TAG, "to", "staging", actor=EVE).code == "not_allowed"
    assert world.asked == [], "no part was asked about it"
    assert world.drive(world.type("deploy", "v2", "to", "staging", actor=teller).run or "") == "undone"
    asked = world.type("deploy", "v2", "to", "production", "--break-glass", f"down {TYPED}", actor=teller).run or ""
    assert world.type("reject", asked, TYPED, actor=replace(BOB, name=TYPED)).ok
    asked = world.type("deploy", "v2", "to", "production", actor=teller).run or ""
    assert world.type("approve", asked, actor=replace(BOB, name=TYPED)).ok
    assert world.type("cancel", asked, actor=teller).ok
    world.type("rehearse", TYPED, actor=teller)
    now, by = world.clock.now(), {"kind": "person", "id": "U1", "name": TYPED}
    world.store.alerts.open("c", f"{TYPED} fails", "critical", None, None, {f"why {TYPED}": TYPED}, now)
    world.store.settings.put("name", {TYPED: [TYPED]})
    world.store.releases.add(
        "staging", "web", "i", "d", "t", None, {"PASSWORD": TYPED}, {}, {"env": TYPED}, None, "r0", TYPED, now
    )
    world.front.record.add(_entry(by, TYPED))
    assert world.store.audit.verify().ok
    world.store.close()

    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        found = {place for place, value in _values(state) if any(form in value for form in FORMS)}
        tables = {place.partition(".")[0] for place, _ in _values(state)}
    assert found == {"releases.env", "releases.spec"}
    assert tables >= {"runs", "journal", "events", "holds", "approvals", "releases", "alerts", "audit", "settings"}


FORMS = [
    LIKE_A_TAG,
    TYPED,
    repr(TYPED)[1:-1],
    json.dumps(TYPED)[1:-1],
    json.dumps(json.dumps(TYPED)[1:-1])[1:-1],
    quote_plus(TYPED),
]


def _values(state: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Every value of every row, with its table and column."""
    for (table,) in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        rows = state.execute(f"SELECT * FROM {table}")  # noqa: S608 - the name is of our own schema
        names = [column[0] for column in rows.description]
        yield from ((f"{table}.{name}", str(value)) for row in rows for name, value in zip(names, row, strict=True))


def test_what_a_playbook_itself_would_write_into_the_plan_is_refused_as_well(tmp_path: Path) -> None:
    Secret(TYPED)
    world = World(tmp_path)
    plan = world.front.services.plan
    made = lambda *args: replace(plan(*args), say={"success": f"It is {TYPED}."})  # noqa: E731 - two lines shorter
    object.__setattr__(world.front.services, "plan", made)
    reply = world.say("deploy v2 to staging")
    assert (reply.code, reply.exit_code, world.store.runs.list()) == ("secret", 3, [])
    assert reply.text.startswith("“say.success” holds a value")
    assert "plans are kept and shown" in reply.text
    assert [row.outcome for row in world.store.audit.list()] == ["secret"]
    world.store.close()


def test_the_setting_whose_secret_was_typed_is_named_and_a_way_back_is_not_held_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    config = Config.model_validate(
        SETTINGS | {"registries": {}, "databases": {"main": {"name": "m", "password": "v1-secret"}}}
    )
    know(config)
    object.__setattr__(world.front.services, "config", world.config.model_copy(update={"databases": config.databases}))
    reply = world.say("deploy v1-secret to staging")
    assert reply.text.startswith("“tag” holds a value that opsbot.yml names as a secret (databases.main.password)")
    world.release("v1-secret")
    world.release("v2")
    world.outputs["release.choose"]["tag"] = "v1-secret"
    assert world.say("rollback staging").run
    world.store.close()


def test_what_a_part_says_is_blanked_in_the_plan_and_refuses_nothing(tmp_path: Path) -> None:
    Secret(TYPED)
    world = World(tmp_path)
    plan = world.front.services.plan
    told = ("image", Fact("found", "green", f"It is {TYPED}."))
    object.__setattr__(world.front.services, "plan", lambda *args: replace(plan(*args), facts=(told,)))
    run = world.say("deploy v2 to staging").run or ""
    kept = world.store.runs.get(run)
    assert kept is not None
    assert kept.plan["facts"][0][1]["text"] == "It is [REDACTED]."
    world.store.close()


def test_a_name_that_opsbot_yml_itself_uses_is_no_secret_that_was_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    storage = {"bucket": "our-bucket", "key": "our-bucket", "secret": "shop-logins"}
    logins = {"registries": {"one": {"host": "r", "user": "shop-logins", "password": "registry.example/shop"}}}
    service = {"services": {"web": {"image": "registry.example/shop"}}}
    config = Config.model_validate({"storage": storage, **logins, **service})
    know(config)
    assert [why for _, why in weak(config)] == ["ordinary"] * 3
    assert not redactor.holds("registry.example/shop our-bucket shop-logins")
    world.store.close()


def test_a_password_that_is_a_word_of_ours_stops_no_change(tmp_path: Path) -> None:
    world = World(tmp_path)
    know(Config.model_validate({**SETTINGS, "databases": {"main": {"name": "minitwit", "password": "staging"}}}))
    assert world.say("deploy v2 to staging").run
    world.store.close()


@pytest.mark.parametrize("value", ["x9kQz", "é", "12345"])
def test_serve_does_not_start_with_a_secret_that_it_could_not_blank_and_names_the_setting(
    tmp_path: Path, value: str
) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "opsbot.yml").write_text(
        f"store: sqlite:///{tmp_path}/opsbot.db\n"
        f"databases: {{main: {{name: minitwit, password: {value!r}}}, other: {{name: o, password: ''}}}}\n"
        f"ci: {{token: {value!r}}}\n"
    )
    with pytest.raises(ConfigError) as refused:
        bots.build(load(tmp_path / "opsbot.yml")).serve()
    assert refused.value.code == "short_secret"
    assert refused.value.what.endswith(": databases.main.password, ci.token.")
    assert value not in refused.value.sentence()


@pytest.mark.parametrize(
    "command", ["from opsbot.cli.main import main; main(['status'])", "raise ValueError(secret)", THREAD]
)
def test_neither_a_sentence_nor_a_traceback_shows_one(tmp_path: Path, command: str) -> None:
    (tmp_path / "opsbot.yml").write_text("store: {env: STORE}\n")
    (tmp_path / "playbooks").mkdir()
    store = "postgresql+psycopg2://opsbot:pass-of-this-test@127.0.0.1:9/pass-of-this-test"
    program = (
        "import os; from opsbot import log; from opsbot.config import secrets, settings; from pathlib import Path; "
        "log.configure(); secrets.know(settings.load(Path('opsbot.yml'))); secret = os.environ['STORE'];\n" + command
    )
    env = {**os.environ, "STORE": store, "PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, check=False)
    said = ended.stdout + ended.stderr
    assert b"ValueError: postgresql+psycopg2://opsbot:[REDACTED]@" in said or b"cannot be" in said
    assert (b"Exception in thread" in said) is (command == THREAD)
    assert b"pass-of-this-test" not in said


def _entry(by: dict[str, str], word: str) -> Entry:
    return Entry(by, "terminal", "lock", f"staging {word}", "ok", {"reason": word})
