"""Every service of the stack as Swarm really runs it: what the stack files promise is read back from the engine."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from opsbot.demo import certificate, monitoring
from opsbot.demo.argv import wait_until

pytestmark = pytest.mark.engine

STANDING = ["alertmanager", "blackbox-exporter", "db", "edge", "node-exporter", "postgres-exporter", "prometheus"]


def test_the_stack_is_whole(watched) -> None:
    assert sorted(set(watched.services()) - {"web-blue"}) == STANDING


@pytest.mark.parametrize("service", STANDING)
def test_incident_2_logs_and_memory_are_limited(watched, service: str) -> None:
    task = watched.spec(service)["TaskTemplate"]
    assert task["LogDriver"] == {"Name": "json-file", "Options": {"max-file": "3", "max-size": "10m"}}
    assert 0 < task["Resources"]["Limits"]["MemoryBytes"] <= 512 << 20


@pytest.mark.parametrize("service", [*STANDING, "web-blue"])
def test_every_service_is_checked_and_well(watched, service: str) -> None:
    def health() -> str:
        return watched.engine.docker("inspect", "--format", "{{.State.Health.Status}}", watched.container(service))

    assert wait_until(lambda: health() == "healthy", 60, 0.5)


@pytest.mark.parametrize("service", [*STANDING, "web-blue"])
def test_names_lead_to_tasks_and_need_no_virtual_address(watched, service: str) -> None:
    assert watched.spec(service)["EndpointSpec"]["Mode"] == "dnsrr"


def test_incident_13_only_the_edge_publishes_ports_and_those_on_the_host_itself(watched) -> None:
    ports = {name: watched.spec(name)["EndpointSpec"].get("Ports", []) for name in [*STANDING, "web-blue"]}
    assert [name for name, published in ports.items() if published] == ["edge"]
    assert {(port["TargetPort"], port["PublishMode"]) for port in ports["edge"]} == {(80, "host"), (443, "host")}


def test_incident_4_the_database_keeps_its_rows_on_a_named_volume_and_never_runs_twice(watched) -> None:
    spec = watched.spec("db")
    mounts = spec["TaskTemplate"]["ContainerSpec"]["Mounts"]
    kept = [mount for mount in mounts if mount["Target"] == "/var/lib/postgresql/data"]
    assert [(mount["Type"], mount["Source"]) for mount in kept] == [("volume", f"{watched.stack.name}_db")]
    assert spec["UpdateConfig"]["Order"] == "stop-first"
    assert spec["Mode"] == {"Replicated": {"Replicas": 1}}


@pytest.mark.parametrize("service", STANDING)
def test_images_are_named_by_digest(watched, service: str) -> None:
    assert "@sha256:" in watched.spec(service)["TaskTemplate"]["ContainerSpec"]["Image"]


def test_passwords_are_swarm_secrets_and_in_no_environment(watched) -> None:
    values = {
        watched.state.secret(name) for name in ("postgres_password", "db_password", "monitor_password", "alert_token")
    }
    values.add(certificate.ensure(watched.state, print, watched.engine.host_address).key)
    given = {
        name: sorted(one["File"]["Name"] for one in container(watched, name).get("Secrets", [])) for name in STANDING
    }
    assert given["db"] == ["db_password", "monitor_password", "postgres_password"]
    assert given["edge"] == ["tls_certificate", "tls_key"]
    assert (given["alertmanager"], given["postgres-exporter"]) == (["alert_token"], ["monitor_password"])
    for name in STANDING:
        shown = watched.engine.docker("service", "inspect", f"{watched.stack.name}_{name}")
        shown += watched.engine.docker("inspect", watched.container(name))
        assert [value for value in values if value.strip() in shown] == []


def container(watched, service: str) -> dict[str, object]:
    return watched.spec(service)["TaskTemplate"]["ContainerSpec"]


def test_the_role_that_measures_reads_statistics_and_no_rows(watched) -> None:
    password = watched.state.secret("monitor_password")
    ask = ("psql", "-h", "db", "-U", "monitor", "-d", "minitwit", "-Atc")
    beside = (
        "run",
        "--rm",
        "--network",
        f"{watched.stack.name}_net",
        "--env",
        f"PGPASSWORD={password}",
        watched.images.db,
    )
    counted = "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'checkpointer' AND wait_event IS NOT NULL"
    assert watched.engine.docker(*beside, *ask, counted) == "t"
    refused = (
        "SELECT has_table_privilege('monitor', 'users', 'SELECT') OR has_table_privilege('monitor', 'users', 'INSERT')"
    )
    assert watched.engine.docker(*beside, *ask, refused) == "f"


def test_https_answers_with_our_certificate_and_plain_http_still_does(watched) -> None:
    trusted = str(certificate.ensure(watched.state, print, watched.engine.host_address).file)
    for url in (watched.stack.https, watched.stack.url):
        answer = watched.http.get(f"{url}/public", timeout=10, verify=trusted)
        assert (answer.status_code, "Public Timeline" in answer.text) == (200, True)
    with pytest.raises(requests.exceptions.SSLError):
        watched.http.get(f"{watched.stack.https}/public", timeout=10, verify=True)


def test_browsers_are_told_to_be_careful(watched) -> None:
    told = watched.http.get(f"{watched.stack.url}/public", timeout=10).headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["X-Frame-Options"] == "DENY"
    assert told["Referrer-Policy"] == "same-origin"
    assert "default-src 'self'" in told["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in told
    assert "/" not in told["Server"]


def test_every_request_is_one_line_of_json_with_colour_status_time_and_the_clients_own_address(watched) -> None:
    watched.http.get(f"{watched.stack.url}/nobody-of-that-name", timeout=10)

    def line() -> dict[str, object]:
        logs = watched.engine.docker("logs", "--tail", "200", watched.container("edge")).splitlines()
        lines = [json.loads(one) for one in logs if one.startswith("{")]
        return next((one for one in reversed(lines) if one["path"] == "/nobody-of-that-name"), {})

    assert wait_until(lambda: bool(line()), 5)
    told = line()
    assert (told["live"], told["status"], told["release"], told["scheme"]) == ("blue", 404, "1", "http")
    assert 0 <= float(str(told["seconds"])) < 5
    assert told["address"] == own_address(watched)
    applications = [
        json.loads(one)
        for ident in watched.engine.lines(
            "ps", "--quiet", f"--filter=label=com.docker.swarm.service.name={watched.stack.name}_web-blue"
        )
        for one in watched.engine.docker("logs", "--tail", "200", ident).splitlines()
        if told["request_id"] in one
    ]
    assert [one["address"] for one in applications] == [told["address"]]


def own_address(watched) -> str:
    """How the engine's host-mode ports see this machine."""
    where = urlsplit(watched.stack.url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        seen = connection.getsockname()[0]
    # From the machine itself the engine's own relay speaks, with its bridge's address.
    return monitoring.address_of_this_machine(watched.engine) if seen == "127.0.0.1" else str(seen)


@pytest.fixture(scope="module")
def strict(watched):
    """A second edge beside the stack that allows https only."""
    name = f"{watched.stack.name}-strict"
    files = Path(certificate.ensure(watched.state, print, watched.engine.host_address).file).parent
    tls = ("--env=TLS_CERTIFICATE=/tls/certificate.pem", "--env=TLS_KEY=/tls/key.pem", "--env=HTTPS_ONLY=yes")
    where = ("--network", f"{watched.stack.name}_net", "--network-alias", "strict")
    start = ("run", "--detach", "--name", name, *where, "--volume", f"{files}:/tls:ro", *tls)
    watched.engine.docker(*start, watched.images.edge)
    yield "strict"
    watched.engine.docker("rm", "--force", "--volumes", name)


def test_https_only_sends_people_there_and_lets_the_bot_in_by_a_port_of_its_own(watched, strict: str) -> None:
    program = """
import http.client as c, json, ssl, sys
def get(connection):
    connection.request("GET", "/public"); answer = connection.getresponse()
    return [answer.status, answer.getheader("Location"), answer.getheader("Strict-Transport-Security")]
h, loose = sys.argv[1], ssl._create_unverified_context()
asked = [c.HTTPConnection(h, 80), c.HTTPConnection(h, 8081), c.HTTPSConnection(h, 443, context=loose)]
print(json.dumps([get(one) for one in asked]))
"""
    seen = json.loads(watched.once("python", "-c", program, strict).splitlines()[-1])
    assert seen[0] == [308, "https://strict/public", None]
    assert seen[1][:2] == [200, None]
    assert seen[2] == [200, None, "max-age=31536000"]


@pytest.mark.parametrize("setting", ["HTTPS_ONLY=yes", "TLS_CERTIFICATE=/nowhere.pem", "TLS_CERTIFICATE=/etc/passwd"])
def test_an_edge_that_could_not_speak_https_does_not_start_half(watched, setting: str) -> None:
    name = f"{watched.stack.name}-half"
    watched.engine.docker("run", "--detach", "--name", name, "--env", setting, watched.images.edge)
    try:
        assert watched.engine.docker("wait", name) == "2"
    finally:
        watched.engine.docker("rm", "--force", "--volumes", name)
