"""The application's images on a real engine and a real Postgres."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from old_minitwit import about

from opsbot.demo.argv import ProgramFailed, wait_until

pytestmark = pytest.mark.engine

MIGRATIONS = ("0001", "0002")
TABLES = ("users", "messages", "followers", "latest")


def contents(containers):
    return {table: containers.sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}  # noqa: S608 - own names


def test_incident_20_of_three_migrations_at_once_one_applies_and_all_succeed(containers):
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(lambda _: containers.once("python", "-m", "minitwit.migrate"), range(3)))
    assert [code for code, _ in ended] == [0, 0, 0]
    assert sorted(len(found["applied"]) for _, found in ended) == [0, 0, len(MIGRATIONS)]


def test_the_migrated_schema_on_postgres_is_the_one_the_code_declares(replicas):
    program = (
        "import json, os; from alembic.autogenerate import compare_metadata;"
        "from alembic.migration import MigrationContext; from sqlalchemy import create_engine;"
        "from minitwit.models import Base; from minitwit.settings import database_url;"
        "connection = create_engine(database_url(os.environ)).connect();"
        "print(json.dumps(str(compare_metadata(MigrationContext.configure(connection), Base.metadata))))"
    )
    assert replicas.once("python", "-c", program) == (0, "[]")


def test_the_image_moves_what_lies_in_a_folder_of_the_server(replicas, old):
    (command,) = about("docker run")
    password = replicas.engine.docker("exec", f"{replicas.name}-web-1", "cat", "/run/secrets/db_password")
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are for root alone
        server = Path(name)
        server.chmod(0o755)
        (server / shutil.copy(old, server)).chmod(0o644)
        (server / "mover.env").write_text(f"DATABASE_URL=postgresql://minitwit:{password}@db/minitwit\n")
        here = {
            "minitwit_net": replicas.name,
            "mover.env": str(server / "mover.env"),
            "/srv/old:/old:ro": f"{server}:/old:ro",
            "registry.example/minitwit:v1": replicas.web,
        }
        program, *words = [here.get(word, word) for word in shlex.split(command)]
        assert (program, set(here) - set(shlex.split(command))) == ("docker", set())
        assert replicas.engine.docker(*words) == ""
        assert json.loads(replicas.engine.docker(*words, "--json")) == {"ok": True, "findings": []}


def test_the_constraints_and_indexes_that_the_tables_need_are_there(replicas):
    columns = (
        "SELECT i.indrelid::regclass || ':' || string_agg(a.attname || CASE WHEN i.indoption[k.n - 1] & 1 = 1 THEN ' desc' ELSE '' END, ' '"
        " ORDER BY k.n) || CASE WHEN i.indisunique THEN '!' ELSE '' END FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(col, n),"
        " pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = k.col AND k.n <= i.indnkeyatts AND i.indisvalid"
        " AND i.indrelid::regclass::text IN ('users', 'followers', 'messages', 'latest') GROUP BY i.indexrelid, i.indrelid, i.indisunique"
    )
    assert set(replicas.sql(columns).splitlines()) == {
        "users:user_id!", "users:username!", "users:user_id", "followers:who_id whom_id!", "followers:whom_id", "messages:message_id!",
        "messages:pub_date desc message_id desc", "messages:author_id pub_date desc message_id desc", "latest:only_row!",
    }  # fmt: skip
    foreign = "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('f', 'c') AND connamespace = 'public'::regnamespace"
    assert set(replicas.sql(foreign).splitlines()) == {
        "followers FOREIGN KEY (who_id) REFERENCES users(user_id)",
        "followers FOREIGN KEY (whom_id) REFERENCES users(user_id)",
        "messages FOREIGN KEY (author_id) REFERENCES users(user_id)",
        "latest CHECK ((only_row = 1))",
    }


def test_a_database_is_filled_alike_from_the_same_seed_and_only_when_it_is_empty(replicas):
    seen = {}
    for name, seed in (("one", "7"), ("two", "7"), ("three", "8")):
        replicas.sql(f"CREATE DATABASE {name} OWNER minitwit")
        place = {"DATABASE_URL": f"postgresql+psycopg2://minitwit@db/{name}"}
        assert replicas.once("python", "-m", "minitwit.migrate", **place)[0] == 0
        fill = ("python", "-m", "simulator.fill", "--users", "300", "--messages", "4000", "--seed", seed)
        code, made = replicas.once(*fill, **place)
        assert (code, made["users"], made["messages"]) == (0, 300, 4000)
        rows = "SELECT md5(string_agg(r::text, '|' ORDER BY r::text)) FROM (SELECT author_id, text, pub_date FROM messages UNION ALL SELECT who_id, whom_id::text, 0 FROM followers) r"
        seen[name] = replicas.sql(rows, name)
    assert seen["one"] == seen["two"] != seen["three"]
    code, refused = replicas.once(*fill, **place)
    assert (code, "fill an empty one" in refused["error"]) == (1, True)


def test_traffic_on_two_replicas_ends_exactly_as_expected(replicas):
    options = ("--url", "http://web-1:8000", "--seconds", "4", "--rate", "30", "--limit", "3", "--json")
    code, report = replicas.once("python", "-m", "simulator", *options)
    assert (code, report["errors"], report["end_state"]["differences"]) == (0, {}, [])
    assert report["requests"] > 40


def test_a_smoke_test_leaves_every_table_as_it_was(replicas):
    before = contents(replicas)
    code, report = replicas.once("python", "-m", "simulator", "--smoke", "--url", "http://web-2:8000")
    assert (code, report["ok"]) == (0, True)
    assert contents(replicas) == before
    assert "/register" not in replicas.ask("/metrics", "web-2")[1]


def test_connections_that_the_database_closed_fail_no_request(replicas):
    pages = [replicas.ask("/public")[0] for _ in range(2)]
    ended = replicas.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'minitwit'")
    assert int(ended) > 0
    assert [*pages, *(replicas.ask("/public")[0] for _ in range(4))] == [200] * 6


def test_latest_is_stored_without_waiting_for_the_disk_and_nothing_else_is(replicas):
    program = (
        "import json, os; from sqlalchemy import text; from sqlalchemy.orm import Session; from minitwit import latest;"
        "from minitwit.database import make_engine; from minitwit.settings import Settings;"
        "session = Session(make_engine(Settings.from_environment(os.environ)));"
        "ask = lambda sql: session.scalar(text(sql)); setting = 'synchronous_commit';"
        "latest.store(session, 41); latest.store(session, 40); stored = latest.read(session);"
        "inside = ask(f'SET LOCAL {setting} = off; SELECT current_setting($${setting}$$)');"
        "print(json.dumps([stored, inside, ask(f'SHOW {setting}'), ask('SELECT count(*) FROM latest')]))"
    )
    assert replicas.once("python", "-c", program) == (0, [40, "off", "on", 1])


def test_incident_5_a_dead_database_fails_requests_but_restarts_nobody(replicas):
    replicas.engine.docker("kill", f"{replicas.name}-db")
    assert replicas.ask("/health")[0] == 200
    status, body = replicas.ask("/health/deep")
    assert (status, json.loads(body)["database"]) == (503, "does not answer")
    assert replicas.ask("/public")[0] == 500
    replicas.engine.docker("start", f"{replicas.name}-db")
    assert wait_until(lambda: replicas.ask("/health/deep")[0] == 200, 30)
    assert replicas.ask("/public")[0] == 200


def test_a_stopped_replica_ends_by_itself_within_its_grace(replicas):
    name = f"{replicas.name}-web-2"
    replicas.engine.docker("stop", "--time", "25", name)
    assert replicas.engine.docker("inspect", "--format", "{{.State.ExitCode}}", name) == "0"


def test_incident_4_a_volume_that_lost_its_version_file_is_not_overwritten(containers):
    volume = f"{containers.name}-foreign"
    mounted = ("--volume", f"{volume}:/var/lib/postgresql/data", "--volume", f"{containers.secrets}:/run/secrets:ro")
    containers.engine.docker("run", "--rm", *mounted, containers.db, "sh", "-c", "echo precious > $PGDATA/16384")
    with pytest.raises(ProgramFailed, match="refusing to touch it"):
        containers.engine.docker("run", "--rm", *mounted, containers.db)
    kept = containers.engine.docker("run", "--rm", *mounted, containers.db, "sh", "-c", "cat $PGDATA/16384")
    containers.engine.docker("volume", "rm", volume)
    assert kept == "precious"


def test_a_first_start_that_was_killed_is_finished_by_the_next(containers):
    volume, name = f"{containers.name}-killed", f"{containers.name}-killed"
    mounted = ("--volume", f"{volume}:/var/lib/postgresql/data", "--volume", f"{containers.secrets}:/run/secrets:ro")
    docker = containers.engine.docker
    docker("run", "--detach", "--name", name, *mounted, containers.db)
    docker("kill", name)
    docker("start", name)
    login = ("exec", "--env", "PGPASSWORD=only for these tests", name)
    try:
        assert wait_until(lambda: docker("inspect", "--format", "{{.State.Health.Status}}", name) == "healthy", 60)
        answer = docker(*login, "psql", "-h", "127.0.0.1", "-U", "minitwit", "-Atc", "SELECT current_database()")
        assert answer == "minitwit"
    finally:
        docker("rm", "--force", name)
        docker("volume", "rm", volume)
