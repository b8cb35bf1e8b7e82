"""`make demo` as a person has it: it says where the page is, and Ctrl-C ends it and all that it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from opsbot.demo import daemon, packages, parts
from opsbot.demo.state import CHECKOUT, State

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(
        os.geteuid() != 0 or not packages.is_debian() or Path("/var/run/docker.sock").exists(),
        reason="an engine of its own is started by root on Debian, where the machine has none",
    ),
]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    found = State(tmp_path / "state")
    yield found
    parts.clean(found, print)


@pytest.fixture
def demo(state: State) -> Iterator[subprocess.Popen[str]]:
    """`make demo` on a state folder of its own, in a terminal's stead: Ctrl-C reaches `make` and all that it runs."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OPSBOT_", "SLACK_", "DOCKER_"))}
    argv, streams = ["make", "demo", f"STATE={state.root}"], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(argv, cwd=CHECKOUT, env=env, text=True, start_new_session=True, **streams) as program:
        yield program
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)


def test_make_demo_says_where_the_page_is_and_ctrl_c_leaves_nothing_running(
    state: State, demo: subprocess.Popen[str]
) -> None:
    assert demo.stdout
    told = ""
    for line in demo.stdout:
        told += line
        if "the chat is at" in line:
            break
    found = re.search(r"the chat is at (http://127\.0\.0\.1:\d+)$", told.strip())
    assert found, told
    page = requests.get(found[1], timeout=10)
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert running(state)
    os.killpg(demo.pid, signal.SIGINT)
    rest = demo.stdout.read()
    status = demo.wait(60)
    assert "taking down minitwit" in rest
    assert "Traceback" not in rest
    assert status in (0, 2, -signal.SIGINT), (
        rest
    )  # the second and third are make's own, of a recipe that was interrupted
    assert running(state) == []


def running(state: State) -> list[str]:
    """The programs of the demo that are alive."""
    return [one.name for one in daemon.all_recorded(state) if one.alive]
