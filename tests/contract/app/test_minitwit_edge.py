"""The edge on a real engine: one flag file chooses the colour, and choosing drops nothing."""

from __future__ import annotations

import json
import threading

import pytest

from opsbot.demo.argv import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def edge(replicas):
    """Both colours and the edge in front; as the flag's names, `blue` and `green` are the releases' names too."""
    for colour in ("blue", "green"):
        replicas.start(f"web-{colour}", replicas.web, RELEASE_ID=colour, TRUSTED_PROXIES="1")
    replicas.start("edge", replicas.edge)
    for alias in ("web-blue", "web-green", "edge"):
        assert wait_until(lambda alias=alias: replicas.healthy(alias), 60)
    return replicas


def flag(edge, *command):
    edge.engine.docker("exec", f"{edge.name}-edge", *command)


def live(edge):
    return json.loads(edge.ask("/release", target="edge:80")[1])["release"]


def test_the_flag_file_chooses_the_colour_from_the_next_request_on(edge):
    seen = [live(edge)]
    for command in (("touch", "/traffic/green"), ("rm", "/traffic/green")):
        flag(edge, *command)
        seen.append(live(edge))
    assert seen == ["blue", "green", "blue"]


def test_switching_back_and_forth_under_traffic_fails_no_request(edge):
    stop = threading.Event()

    def switch():
        while not stop.wait(0.3):
            flag(edge, "touch", "/traffic/green")
            flag(edge, "rm", "/traffic/green")

    switching = threading.Thread(target=switch)
    switching.start()
    options = ("--seconds", "5", "--rate", "0", "--threads", "8", "--limit", "3", "--json")
    code, report = edge.once("python", "-m", "simulator", "--url", "http://edge", *options)
    stop.set()
    switching.join()
    assert (code, report["errors"], report["end_state"]["differences"]) == (0, {}, [])
    assert set(report["releases"]) == {"blue", "green"}


def test_metrics_stay_inside_the_network(edge):
    assert edge.ask("/metrics", target="edge:80")[0] == 404
    assert edge.ask("/metrics")[0] == 200


def test_a_client_cannot_choose_the_address_that_the_application_sees(edge):
    program = (
        "import urllib.request as u; u.urlopen(u.Request('http://edge/public',"
        " headers={'X-Forwarded-For': '6.6.6.6', 'X-Request-Id': 'mine'})); print('{}')"
    )
    assert edge.once("python", "-c", program)[0] == 0
    lines = [json.loads(line) for line in edge.engine.docker("logs", f"{edge.name}-web-blue").splitlines()]
    last = next(line for line in reversed(lines) if line.get("path") == "/public")
    assert last["address"].count(".") == 3
    assert last["address"] != "6.6.6.6"


def test_a_colour_without_replicas_is_a_502_and_the_edge_stays_up(edge):
    edge.engine.docker("rm", "--force", f"{edge.name}-web-green")
    flag(edge, "touch", "/traffic/green")
    # The name's address may be remembered for one second more.
    assert wait_until(lambda: edge.ask("/health", target="edge:80")[0] in {502, 504}, 10)
    assert json.loads(edge.ask("/edge/health", target="edge:80")[1]) == {"status": "ok", "live": "green"}
    flag(edge, "rm", "/traffic/green")
    assert live(edge) == "blue"


def test_one_name_for_a_service_that_is_updated_in_place(edge):
    edge.start("edge-rolling", edge.edge, UPSTREAM="web-1")
    assert wait_until(lambda: edge.healthy("edge-rolling"), 30)
    assert json.loads(edge.ask("/release", target="edge-rolling:80")[1])["release"] == "r1"


def test_an_upstream_that_is_no_name_is_refused_at_start(edge):
    name = f"{edge.name}-edge-bad"
    edge.start("edge-bad", edge.edge, UPSTREAM="web; return 200")
    assert edge.engine.docker("wait", name) == "2"
