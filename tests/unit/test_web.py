"""The bot's own small web server, over real sockets."""

import pytest
import requests

from opsbot.errors import ConfigError
from opsbot.web import Routes, Web


@pytest.fixture
def web():
    parts = {"ok": True}
    server = Web("127.0.0.1:0", Routes(lambda: (parts["ok"], {"slack": "connected"})))
    server.start()
    yield f"http://127.0.0.1:{server.port}", parts
    server.stop()


def test_health_tells_each_part_and_fails_when_one_is_dead(web) -> None:
    url, parts = web
    answer = requests.get(f"{url}/health", timeout=5)
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "parts": {"slack": "connected"}})
    parts["ok"] = False
    assert requests.get(f"{url}/health", timeout=5).status_code == 503


def test_metrics_are_prometheus_text(web) -> None:
    assert "opsbot_alerts_firing" in requests.get(f"{web[0]}/metrics", timeout=5).text


def test_any_other_path_says_what_there_is(web) -> None:
    answer = requests.get(f"{web[0]}/etc/passwd", timeout=5)
    assert (answer.status_code, answer.text) == (404, "There is /health and /metrics.\n")


@pytest.mark.parametrize("listen", ["8090", "127.0.0.1:http", "192.0.2.1:8090"])
def test_an_address_that_cannot_be_listened_on_is_said(listen: str) -> None:
    with pytest.raises(ConfigError):
        Web(listen, Routes(lambda: (True, {})))
