"""The application's images on a real engine and a real Postgres."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

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
