"""Grafana as code: every query of every panel against the live Prometheus, and JSON of the shape that Grafana loads."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsbot import metrics
from opsbot.bot.numbers import Numbers
from opsbot.demo import monitoring
from opsbot.demo.argv import wait_until
from opsbot.store.rows import ReleaseRow

pytestmark = pytest.mark.engine

GRAFANA = Path(__file__).parents[3] / "app" / "grafana"
DASHBOARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(GRAFANA.glob("dashboards/*.json"))
}
PANELS = [(name, panel) for name, board in DASHBOARDS.items() for panel in board["panels"]]
QUERIES = [(f"{name}: {panel['title']}", target["expr"]) for name, panel in PANELS for target in panel["targets"]]
WIDTH = 24  # columns of Grafana's grid
UNITS = {"short", "s", "reqps", "ops", "percentunit", "bytes", "Bps", "dateTimeFromNow"}


@pytest.fixture(scope="module")
def measured(watched):
    """The bot has told of a release, a run and a backup, and Prometheus has asked it."""
    live = ReleaseRow.__new__(ReleaseRow)
    for name, value in (("number", 7), ("tag", "v7"), ("live_at", datetime.now(UTC))):
        object.__setattr__(live, name, value)
    numbers = Numbers()
    numbers.live("production", "web", live)
    numbers.backup("production", "main", datetime.now(UTC), 1_400_000)
    metrics.PROBE_UP.labels("front").set(1)
    assert wait_until(lambda: watched.value('opsbot_release_live_seconds{tag="v7"}') is not None, 30, 0.5)
    assert wait_until(lambda: watched.value('minitwit:seconds:p99_5m{route="/api/register"}') is not None, 60, 0.5)
    yield watched
    numbers.live("production", "web", None)


@pytest.mark.parametrize(
    ("where", "expression"), QUERIES, ids=[f"{where} {index}" for index, (where, _) in enumerate(QUERIES)]
)
def test_every_panel_shows_something(measured, where: str, expression: str) -> None:
    assert wait_until(lambda: bool(measured.query(expression)), 60, 0.5), expression


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_deploy_is_a_mark_in_every_dashboard(measured, name: str) -> None:
    (mark,) = DASHBOARDS[name]["annotations"]["list"]
    (found,) = measured.query(mark["expr"])
    assert mark["useValueForTime"]
    assert abs(float(found["value"][1]) / 1000 - datetime.now(UTC).timestamp()) < 600
    labels = re.findall(r"{{(\w+)}}", mark["titleFormat"] + mark["textFormat"])
    assert set(labels) <= set(found["metric"])


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_of_the_shape_that_grafana_loads(name: str) -> None:
    board = DASHBOARDS[name]
    assert (board["uid"], board["editable"], board["schemaVersion"] >= 39) == (name, False, True)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["type"] in {"timeseries", "stat", "table"}
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        references = [target["refId"] for target in panel["targets"]]
        assert references == sorted(set(references))
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"prometheus"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_lie_beside_one_another(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= WIDTH
        assert not cells & taken
        taken |= cells


def test_legends_name_labels_that_the_answers_have(measured) -> None:
    for name, panel in PANELS:
        for target in panel["targets"]:
            wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            found = measured.query(target["expr"])
            assert (
                not wanted
                or any(wanted <= set(one["metric"]) for one in found)
                or "vector(0)" in target["expr"]
                or ("* 0" in target["expr"])
            ), (name, panel["title"])


def test_the_datasource_of_every_panel_is_provisioned() -> None:
    file = GRAFANA / "provisioning" / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]
    assert (source["uid"], source["url"], source["editable"]) == ("prometheus", "http://prometheus:9090", False)


def test_every_file_of_grafana_is_in_its_stack_file() -> None:
    file = GRAFANA.parent / "stack.grafana.yml"
    stack = yaml.safe_load(file.read_text(encoding="utf-8"))
    given = {config["file"] for config in stack["configs"].values()}
    there = {str(path.relative_to(GRAFANA.parent)) for path in GRAFANA.rglob("*") if path.is_file()}
    assert given == there
    mounted = {one["source"] for one in stack["services"]["grafana"]["configs"]}
    assert mounted == set(stack["configs"])
    assert set(monitoring.hashes(file)) == {f"CONFIG_{name.upper()}" for name in mounted}


class Api(http.server.BaseHTTPRequestHandler):
    """As much of Grafana's documented API as the start script uses."""

    asked: list[tuple[str, str, Any, str]]
    accounts: dict[str, dict[str, Any]]

    def do_GET(self) -> None:
        name = self.path.rpartition("=")[2]
        self._note(None)
        self._send(200, {"database": "ok"} if "health" in self.path else {"id": 2, **self.accounts.get(name, {})})

    def do_POST(self) -> None:
        body = self._body()
        there = body["login"] in self.accounts
        self.accounts.setdefault(body["login"], body)
        self._send(412 if there else 200, {"id": 2})

    def do_PATCH(self) -> None:
        self._body()
        self._send(200, {"message": "Organization user updated"})

    def _body(self) -> Any:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._note(body)
        return body

    def _note(self, body: Any) -> None:
        self.asked.append((self.command, self.path, body, self.headers.get("Authorization", "")))

    def _send(self, status: int, body: Any) -> None:
        told = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_args: object) -> None:
        return None


@pytest.fixture
def api() -> Iterator[tuple[str, type[Api]]]:
    kind = type("ThisApi", (Api,), {"asked": [], "accounts": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.skipif(shutil.which("curl") is None, reason="Grafana's image has curl; this machine has not")
def test_the_account_that_may_only_look_is_made_once_and_stays_a_viewer(api, tmp_path) -> None:
    url, kind = api
    for name, text in (("admin", "first secret"), ("viewer", "second secret")):
        (tmp_path / name).write_text(text)
    given = {
        "GRAFANA_API": url,
        "GF_SECURITY_ADMIN_PASSWORD__FILE": str(tmp_path / "admin"),
        "VIEWER_PASSWORD_FILE": str(tmp_path / "viewer"),
        "PATH": os.environ["PATH"],
        "no_proxy": "127.0.0.1",
    }
    said = [
        subprocess.run(
            ["bash", str(GRAFANA / "start.sh"), "viewer"],
            env=given,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert [line.split(": ")[1].strip() for line in said] == ["made the account viewer", "the account viewer is there"]
    changes = [(command, path, body) for command, path, body, _ in kind.asked if command != "GET"]
    account = {"login": "viewer", "name": "viewer", "password": "second secret", "OrgId": 1}
    only_looks = ("PATCH", "/api/org/users/2", {"role": "Viewer"})
    assert changes == [("POST", "/api/admin/users", account), only_looks] * 2
    logins = {login for command, _, _, login in kind.asked if command != "GET"}
    assert len(logins) == 1
    assert logins.pop().startswith("Basic ")


@pytest.mark.skipif(shutil.which("curl") is None, reason="Grafana's image has curl; this machine has not")
def test_the_edge_serves_grafana_beside_the_application(watched) -> None:
    name = f"{watched.stack.name}-grafana"
    where = ("--network", f"{watched.stack.name}_net")
    edge = ("run", "--detach", "--name", name, *where, "--network-alias", "beside", "--env", "GRAFANA=stands-in:3000")
    program = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=3000)"
    stands_in = ("run", "--detach", "--name", f"{name}-in", *where, "--network-alias", "stands-in")
    watched.engine.docker(*edge, watched.images.edge)
    watched.engine.docker(*stands_in, f"{watched.images.web}:v1", "python", "-c", program)
    ask = (
        "import http.client as c, json, sys\n"
        "def get(path):\n"
        "    h = c.HTTPConnection('beside', timeout=5); h.request('GET', path); r = h.getresponse()\n"
        "    return [r.status, r.getheader('Server'), r.getheader('Content-Security-Policy')]\n"
        "print(json.dumps([get('/grafana/'), get('/grafana'), get('/public')]))"
    )

    def seen() -> list[Any]:
        return list(json.loads(watched.once("python", "-c", ask).splitlines()[-1]))

    try:
        assert wait_until(lambda: seen()[0][0] == 404, 20, 0.5), "no directory /grafana/ there: its own 404"
        grafana, nobody, public = seen()
        assert grafana[2] is None
        assert (nobody[0], public[0]) == (404, 200)
        assert "default-src" in public[2]
    finally:
        watched.engine.docker("rm", "--force", "--volumes", name, f"{name}-in")
