"""Prometheus, Alertmanager and the exporters at work: what they see, and that a dead database becomes one alert of ours."""

from __future__ import annotations

import pytest
import requests

from opsbot.demo.argv import ProgramFailed, wait_until
from opsbot.demo.monitoring import TOKEN, hashes

pytestmark = pytest.mark.engine


def test_the_settings_as_the_containers_have_them_are_right(watched) -> None:
    assert "SUCCESS" in watched.inside("prometheus", "promtool", "check", "config", "/etc/prometheus/prometheus.yml")
    told = watched.inside("alertmanager", "amtool", "check-config", "/etc/alertmanager/alertmanager.yml")
    assert "SUCCESS" in told
    assert f"stack: '{watched.stack.name}'" in watched.inside("prometheus", "cat", "/etc/prometheus/prometheus.yml")


def test_every_rule_does_what_its_test_says(watched, here) -> None:
    files = sorted(path.name for path in (here / "prometheus" / "tests").iterdir())
    mounted = ("--volume", f"{here}/prometheus:/p:ro", "--workdir", "/p/tests")
    image = watched.images.monitoring["PROMETHEUS_IMAGE"]
    told = watched.engine.docker("run", "--rm", *mounted, image, "promtool", "test", "rules", *files)
    assert told.count("SUCCESS") == len(files) == 4


def test_a_wrong_rule_is_told_by_its_test(watched, here, tmp_path) -> None:
    for folder in ("rules", "tests"):
        (tmp_path / folder).mkdir()
        for path in (here / "prometheus" / folder).iterdir():
            text = path.read_text(encoding="utf-8").replace("expr: 'pg_up == 0'", "expr: 'pg_up == 2'")
            (tmp_path / folder / path.name).write_text(text, encoding="utf-8")
    mounted = ("--volume", f"{tmp_path}:/p:ro", "--workdir", "/p/tests")
    image = watched.images.monitoring["PROMETHEUS_IMAGE"]
    with pytest.raises(ProgramFailed) as failed:
        watched.engine.docker("run", "--rm", *mounted, image, "promtool", "test", "rules", "database.yml")
    assert "FAILED" in failed.value.output


def test_everything_is_asked_and_answers(watched) -> None:
    jobs = ("web", "node", "postgres", "prometheus", "alertmanager", "opsbot", "certificate", "port")

    def up() -> dict[str, float]:
        return {one["metric"]["job"]: float(one["value"][1]) for one in watched.query("min by (job) (up)")}

    assert wait_until(lambda: up() == dict.fromkeys(jobs, 1.0), 30, 0.5), up()


def test_incident_22_the_edges_certificate_is_known_to_be_good_for_long(watched) -> None:
    left = 'probe_ssl_earliest_cert_expiry{job="certificate"} - time()'
    assert wait_until(lambda: (watched.value(left) or 0) > 100 * 86400, 60, 0.5), watched.value(left)


def test_incident_13_a_port_that_should_be_closed_is_seen_to_be_open(watched) -> None:
    """Somebody publishes what nobody should reach, as Docker does: past the host's firewall."""
    knock = 'probe_success{job="port", port="6379"}'
    name = f"{watched.stack.name}-open"
    address = watched.engine.docker("exec", watched.container("prometheus"), "sh", "-c", "echo $HOST_ADDRESS").strip()
    assert wait_until(lambda: watched.value(knock) == 0.0, 60, 0.5), "nobody listens there yet"
    program = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8000)"
    published = ("run", "--detach", "--name", name, "--publish", "0.0.0.0:6379:8000", f"{watched.images.web}:v1")
    watched.engine.docker(*published, "python", "-c", program)
    try:
        assert wait_until(lambda: watched.value(knock) == 1.0, 60, 0.5)
        (found,) = watched.query(knock)
        assert found["metric"]["instance"] == f"{address}:6379"
    finally:
        watched.engine.docker("rm", "--force", "--volumes", name)


def test_both_replicas_of_a_colour_are_found_by_name(watched) -> None:
    found = watched.query('up{job="web"}')
    assert [one["metric"]["colour"] for one in found] == ["blue", "blue"]
    assert len({one["metric"]["instance"] for one in found}) == 2


def test_prometheus_knows_its_alertmanager_and_every_rule(watched) -> None:
    assert watched.value("prometheus_notifications_alertmanagers_discovered") == 1
    groups = watched.http.get(f"{watched.url('prometheus')}/api/v1/rules", timeout=10).json()["data"]["groups"]
    broken = [
        (rule["name"], rule["lastError"]) for group in groups for rule in group["rules"] if rule["health"] == "err"
    ]
    assert broken == []
    assert sum(len(group["rules"]) for group in groups) > 40


def test_the_watchdog_is_heard_and_a_stack_that_is_well_has_no_alert_of_its_own(watched) -> None:
    assert wait_until(lambda: watched.store.settings.get("watchdog:production") is not None, 60, 0.5)
    # A disk or a clock of this machine may be wrong with reason, and a busy machine is slow.
    ours = [row.title for row in watched.store.alerts.open_ones() if row.body["service"]]
    assert [title for title in ours if "slow" not in title] == []


def test_incident_5_a_dead_database_is_one_alert_that_ends_in_the_same_row(watched) -> None:
    db = f"{watched.stack.name}_db"
    watched.engine.docker("service", "scale", "--detach", f"{db}=0")
    try:
        assert wait_until(lambda: bool(rows(watched, "firing")), 90, 0.5)
        fired = rows(watched, "firing")
        assert [row.title for row in fired] == ["The database does not answer in production"]
        assert (fired[0].severity, fired[0].environment, fired[0].body["service"]) == ("critical", "production", "db")
        assert "pg_resetwal" not in fired[0].body["why"]
        assert fired[0].body["why"].startswith("postgres_exporter cannot connect to it. `logs db` tells why.")
    finally:
        watched.engine.docker("service", "scale", "--detach", f"{db}=1")
    assert wait_until(lambda: not rows(watched, "firing"), 90, 0.5)
    assert [row.id for row in rows(watched, "resolved")] == [fired[0].id]


def rows(watched, state: str):
    found = watched.store.alerts.list(50)
    return [row for row in found if row.title.startswith("The database does not answer") and row.state == state]


def test_who_has_not_the_token_of_the_secret_is_not_heard(watched) -> None:
    (target,) = watched.query('up{job="opsbot"}')
    url = f"http://{target['metric']['instance']}/alertmanager"
    body = {"alerts": []}
    for token, status in ((None, 401), ("guess", 401), (watched.state.secret(TOKEN), 200)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert watched.http.post(url, json=body, headers=headers, timeout=5).status_code == status


def test_the_token_is_in_no_setting_that_can_be_read(watched) -> None:
    told = watched.http.get(f"{watched.url('alertmanager')}/api/v2/status", timeout=10).text
    assert "alertmanager" in told
    assert watched.state.secret(TOKEN) not in told


def test_what_watches_is_reached_through_no_published_port(watched) -> None:
    for path in ("/metrics", "/prometheus", "/grafana"):
        answer = watched.http.get(f"{watched.stack.url}{path}", timeout=10)
        assert answer.status_code == 404
        assert "Prometheus" not in answer.text


def test_settings_are_swarm_configs_named_by_their_content(watched, here) -> None:
    wanted = {
        f"{watched.stack.name}_{name.removeprefix('CONFIG_').lower()}-{content}"
        for name, content in hashes(here / "stack.monitoring.yml").items()
    }
    assert len(wanted) == 6
    assert wanted <= set(watched.engine.lines("config", "ls", "--format", "{{.Name}}"))


def test_the_session_of_these_tests_asks_without_a_proxy(watched) -> None:
    assert isinstance(watched.http, requests.Session)
    assert watched.http.trust_env is False
