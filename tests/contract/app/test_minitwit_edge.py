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


POSTED = """
import http.client as c, json, sys
def post(path, megabytes, chunked):
    h = c.HTTPConnection("edge", timeout=20)
    part = b"x" * 1_000_000
    body = (part for _ in range(megabytes)) if chunked else part * megabytes
    h.request("POST", path, body, {"Content-Type": "application/json"})
    r = h.getresponse()
    return [r.status, r.getheader("Content-Type"), r.getheader("X-Content-Type-Options"), r.read().decode()]
print(json.dumps([post("/api/msgs/somebody", 3, False), post("/api/msgs/somebody", 3, True), post("/register", 3, False)]))
"""


def test_a_body_over_the_limit_is_told_in_the_applications_forms(edge):
    code, (plain, chunked, page) = edge.once("python", "-c", POSTED)
    assert code == 0
    body = {"status": 413, "error_msg": "That is too much at once: a request may bring 1 MB."}
    for answer in (plain, chunked):
        assert (answer[:3], json.loads(answer[3])) == ([413, "application/json", "nosniff"], body)
    assert page[:3] == [413, "text/html; charset=utf-8", "nosniff"]
    assert "<h2>Request Entity Too Large</h2>" in page[3]
    assert "nginx" not in page[3]


def test_what_the_edge_has_not_is_a_page_of_ours(edge):
    status, body = edge.ask("/metrics", target="edge:80")
    assert (status, "<h2>Not Found</h2>" in body, "nginx" in body) == (404, True, False)
    assert edge.ask("/edge/page.css", target="edge:80")[0] == 200


def test_what_the_application_says_itself_passes_as_it_is(edge):
    assert json.loads(edge.ask("/api/msgs", target="edge:80")[1])["error_msg"].startswith("You are not authorized")
    status, body = edge.ask("/nobody-is-called-so", target="edge:80")
    assert (status, "public timeline" in body, "/static/style.css" in body) == (404, True, True)


def test_an_application_that_takes_too_long_is_a_504_in_both_forms(edge):
    """It accepts and never answers; the edge's patience is shortened, or it would be a minute."""
    deaf = "import socket, time; s = socket.create_server(('', 8000)); time.sleep(60)"
    edge.start("deaf", edge.web, "python", "-c", deaf)
    short = "sed -i 's/proxy_read_timeout 60s/proxy_read_timeout 1s/' /etc/nginx/nginx.conf.template && exec sh /usr/local/bin/entrypoint.sh nginx -g 'daemon off;'"
    options = ("--network", edge.name, "--network-alias", "impatient", "--name", f"{edge.name}-impatient")
    edge.engine.docker(
        "run", "--detach", *options, "--env", "UPSTREAM=deaf", "--entrypoint", "sh", edge.edge, "-c", short
    )
    assert wait_until(lambda: edge.ask("/edge/health", target="impatient:80")[0] == 200, 20)
    status, body = edge.ask("/api/latest", target="impatient:80")
    assert (status, json.loads(body)["status"]) == (504, 504)
    status, body = edge.ask("/public", target="impatient:80")
    assert (status, "takes too long" in body) == (504, True)


def test_a_colour_without_replicas_is_a_502_and_the_edge_stays_up(edge):
    edge.engine.docker("rm", "--force", f"{edge.name}-web-green")
    flag(edge, "touch", "/traffic/green")
    # The name's address may be remembered for one second more.
    assert wait_until(lambda: edge.ask("/health", target="edge:80")[0] in {502, 504}, 10)
    status, body = edge.ask("/api/latest?latest=3", target="edge:80")
    wanted = {"status": status, "error_msg": "MiniTwit does not answer just now. Try again in a moment."}
    assert (status in {502, 504}, json.loads(body)["status"]) == (True, status)
    assert status == 504 or json.loads(body) == wanted
    assert "<h1>MiniTwit</h1>" in edge.ask("/public", target="edge:80")[1]
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
