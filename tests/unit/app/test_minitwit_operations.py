"""What operators read: health, release, metrics, logs, settings and migrations."""

from __future__ import annotations

import json
import logging
import re

import pytest
from minitwit import migrate, schema
from minitwit.logs import JsonFormatter
from minitwit.settings import Settings, SettingsError
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.orm import Session

ENVIRONMENT = {"DATABASE_URL": "postgresql://minitwit@db/minitwit", "SECRET_KEY": "s3cret-key"}


def stamp(app, revision):
    with app.extensions["database"].begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)"))
        connection.execute(text("DELETE FROM alembic_version"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def test_health_answers_without_a_database(make_app, tmp_path):
    app = make_app(database_url=Settings.from_environment(
        ENVIRONMENT | {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}).database_url)  # fmt: skip
    browser = app.test_client()
    assert browser.get("/health").json == {"status": "ok"}
    assert browser.get("/release").status_code == 200
    assert browser.get("/metrics").status_code == 200
    answer = browser.get("/health/deep")
    assert (answer.status_code, answer.json["database"]) == (503, "does not answer")
    assert browser.get("/health/database").status_code == 503
    assert browser.get("/public").status_code == 500


@pytest.mark.parametrize(
    ("revision", "status", "state"),
    [("0002", 200, "expected"), ("0001", 503, "behind"), ("9999", 200, "ahead"), ("abcd", 503, "unknown")],
)
def test_deep_health_tolerates_a_newer_schema_but_not_a_strange_one(app, browser, revision, status, state):
    stamp(app, revision)
    answer = browser.get("/health/deep")
    assert (answer.status_code, answer.json["schema"]["state"]) == (status, state)


def test_deep_health_fails_before_the_first_migration(browser):
    answer = browser.get("/health/deep")
    assert (answer.status_code, answer.json["schema"]["state"]) == (503, "behind")


def test_release_says_what_runs(browser):
    answer = browser.get("/release")
    assert answer.json == {"release": "r7", "tag": "v1.2", "revision": "abc123", "schema": "0002"}
    assert answer.headers["X-Release"] == "r7"


def test_metrics_count_by_route_in_seconds_and_show_the_tables(browser, simulator):
    simulator.register("metric user")
    simulator.post("/msgs/metric user", {"content": "x"}, latest=12)
    page = browser.get("/metrics").text
    assert 'minitwit_http_requests_total{method="POST",route="/api/msgs/<username>",status="204"}' in page
    assert re.search(r'seconds_bucket\{le="0.3",method="POST",route="/api/msgs/<username>"\} \d', page)
    for line in ("minitwit_users 1.0", "minitwit_messages 1.0", "minitwit_latest 12.0"):
        assert line in page
    assert "minitwit_http_requests_in_flight 0.0" in page
    assert "metric user" not in page


def test_every_request_is_logged_with_its_id_and_a_slow_one_at_warning(browser, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "minitwit.request")
    browser.get("/public", headers={"X-Request-Id": "abc-1"})
    monkeypatch.setattr("minitwit.requestlog.SLOW_SECONDS", 0)
    answer = browser.get("/public", headers={"X-Request-Id": 'no "good"'})
    first, second = caplog.records
    assert (first.levelname, first.path, first.status, first.request_id) == ("INFO", "/public", 200, "abc-1")
    assert second.levelname == "WARNING"
    assert len(answer.headers["X-Request-Id"]) == 32
    line = json.loads(JsonFormatter().format(second))
    assert {"time", "level", "method", "path", "status", "seconds", "request_id"} <= set(line)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY_FILE"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "what?"}, "DATABASE_URL"),
        ({"ACCEPTED_IPS": "10.0.0.300"}, "ACCEPTED_IPS"),
        ({"TRUSTED_PROXIES": "one"}, "TRUSTED_PROXIES"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(changes, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(ENVIRONMENT | changes)


def test_secrets_come_from_files_and_are_never_shown(tmp_path):
    (tmp_path / "password").write_text("hunter2\n")
    settings = Settings.from_environment(ENVIRONMENT | {"DATABASE_PASSWORD_FILE": str(tmp_path / "password")})
    assert settings.database_url.password == "hunter2"
    assert settings.database_url.drivername == "postgresql+psycopg2"
    assert "hunter2" not in repr(settings)
    assert "s3cret-key" not in repr(settings)


def run_migrate(capsys, *arguments):
    code = migrate.main(arguments)
    return code, json.loads(capsys.readouterr().out)


def test_migrate_brings_an_empty_database_to_the_head_once(tmp_path, monkeypatch, capsys, make_app):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/minitwit.db")
    code, before = run_migrate(capsys, "--check")
    assert (code, before["current"], before["state"]) == (0, None, "behind")
    assert before["pending"][0]["kind"] == "expand"
    code, first = run_migrate(capsys)
    assert (code, first["from"], first["to"], first["applied"]) == (0, None, "0002", ["0001", "0002"])
    code, second = run_migrate(capsys)
    assert (code, second["from"], second["applied"]) == (0, "0002", [])
    browser = make_app().test_client()
    assert browser.get("/health/deep").status_code == 200
    assert browser.get("/api/latest").json == {"latest": -1}


def test_migrate_leaves_a_newer_schema_as_it_is(app, tmp_path, monkeypatch, capsys):
    stamp(app, "0099")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/minitwit.db")
    code, found = run_migrate(capsys)
    assert (code, found["to"], found["applied"], found["state"]) == (0, "0099", [], "ahead")


def test_migrate_says_in_one_line_that_the_database_does_not_answer(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "postgresql://minitwit:hunter2@127.0.0.1:1/minitwit")
    code, found = run_migrate(capsys)
    assert (code, found["ok"], found["changed"]) == (1, False, False)
    assert "refused" in found["error"]
    assert "hunter2" not in found["error"]


def test_the_migrated_schema_is_the_one_the_code_declares(app, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/migrated.db")
    run_migrate(capsys)
    migrated = create_engine(f"sqlite:///{tmp_path}/migrated.db")
    try:
        assert describe(migrated) == describe(app.extensions["database"])
    finally:
        migrated.dispose()


def describe(engine):
    found = inspect(engine)
    tables = sorted(set(found.get_table_names()) - {"alembic_version"})
    return {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)],
            sorted(str(index["name"]) for index in found.get_indexes(table)),
            sorted(key["referred_table"] for key in found.get_foreign_keys(table)),
            found.get_unique_constraints(table),
        )
        for table in tables
    }


def test_every_migration_says_its_kind():
    scripts = schema.scripts()
    kinds = [getattr(script.module, "kind", None) for script in scripts.walk_revisions()]
    assert kinds
    assert set(kinds) <= {"expand", "contract", "irreversible"}


def test_the_migrations_are_listed_for_the_image_s_label_without_a_database(monkeypatch, capsys):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(schema.scripts().get_revision("0002").module, "kind", "contract")
    assert migrate.main(["--list"]) == 0
    assert capsys.readouterr().out == "0001:expand 0002:contract\n"


@pytest.mark.parametrize("kind", ["contract", "irreversible"])
def test_a_migration_that_takes_something_away_is_refused_until_it_is_allowed(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/minitwit.db")
    monkeypatch.setattr(schema.scripts().get_revision("0002").module, "kind", kind)
    code, refused = run_migrate(capsys)
    assert (code, refused["ok"]) == (1, False)
    assert (
        f"migration 0002 (indexes that hold a page of a timeline in its order, and the smoke users) is of the kind {kind}"
        in refused["error"]
    )
    assert run_migrate(capsys, "--check")[1]["current"] is None
    code, done = run_migrate(capsys, "--allow", kind)
    assert (code, done["applied"]) == (0, ["0001", "0002"])


def test_two_registrations_of_one_name_at_once_end_as_taken(app, monkeypatch, simulator):
    simulator.register("twin")
    monkeypatch.setattr("minitwit.accounts._unavailable", lambda *_: False)  # as if we had looked a moment earlier
    answer = simulator.post("/register", {"username": "twin", "email": "a@b", "pwd": "x"})
    assert (answer.status_code, answer.json["error_msg"]) == (400, "The username is already taken")
    with Session(app.extensions["database"]) as session:
        assert session.execute(text("SELECT count(*) FROM users")).scalar() == 1
