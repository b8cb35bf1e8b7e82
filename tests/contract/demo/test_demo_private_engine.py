"""The private engine from its first start to `clean`, in namespaces of the test's own: nothing stays behind."""

import json
import os
import sys
from pathlib import Path

import pytest

from opsbot.demo import packages
from opsbot.demo.argv import run
from opsbot.demo.state import CHECKOUT

ALONE = Path(__file__).with_name("alone.py")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        os.geteuid() != 0 or not packages.is_debian(), reason="a private engine is started by root on Debian"
    ),
]


@pytest.mark.parametrize("beside", [[], ["beside"]], ids=["alone", "beside another engine"])
@pytest.mark.parametrize("folder", ["state", "a-folder-with-a-very-long-name-" * 3], ids=["short", "long path"])
def test_it_survives_a_crash_and_clean_leaves_no_trace(tmp_path: Path, folder: str, beside: list[str]) -> None:
    packages.ensure(packages.ENGINE, print)
    isolated = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    environment = {"PYTHONPATH": str(CHECKOUT), "DOCKER_HOST": ""}
    argv = [*isolated, sys.executable, str(ALONE), str(tmp_path / folder), *beside]
    seen = json.loads(run(argv, env=environment, seconds=120))
    assert seen["same"]
    assert seen["nodes"] == ["Ready"]
    assert seen["seconds"] < 15
    assert len(seen["socket"]) < 108
    assert seen["touched"]
    assert (seen["lost"], seen["added"]) == ([], [])
    assert seen["left"] == []
    assert seen["programs"] == []


LEFT_OVER = """
import ipaddress
from opsbot.demo import namespace
from opsbot.demo.argv import run
from opsbot.demo.subnets import Subnets
old, new = (Subnets(ipaddress.IPv4Network(block)) for block in ("10.213.240.0/21", "10.213.248.0/21"))
try:
    namespace.ensure("opsbot-0lde57", old)
    namespace.ensure("opsbot-0lde57", new)
    print(run(["ip", "-n", "opsbot-0lde57", "route"]))
finally:
    namespace.remove("opsbot-0lde57", old)
    namespace.remove("opsbot-0lde57", new)
"""


def test_a_network_that_a_removed_state_folder_left_is_made_anew() -> None:
    packages.ensure(packages.ENGINE, print)
    argv = ["unshare", "--net", sys.executable, "-c", LEFT_OVER]
    routes = run(argv, env={"PYTHONPATH": str(CHECKOUT)}, seconds=30)
    assert "default via 10.213.248.1" in routes
    assert "10.213.240" not in routes


TWO_IN_ONE_BLOCK = """
import ipaddress
from opsbot.demo import namespace
from opsbot.demo.argv import run
from opsbot.demo.subnets import Subnets
nets = Subnets(ipaddress.IPv4Network("10.213.240.0/21"))
try:
    namespace.ensure("opsbot-0ne000", nets)
    print(namespace.taken("opsbot-0ne000", nets), namespace.taken("opsbot-tw0000", nets), namespace.taken("", nets))
    namespace.remove("opsbot-tw0000", nets)
    namespace.remove_bridges(nets)
    print(run(["ip", "route"]))
finally:
    namespace.remove("opsbot-0ne000", nets)
"""


def test_a_block_that_another_engine_found_free_is_its_own_and_stays_untouched() -> None:
    packages.ensure(packages.ENGINE, print)
    argv = ["unshare", "--net", sys.executable, "-c", TWO_IN_ONE_BLOCK]
    whose, *routes = run(argv, env={"PYTHONPATH": str(CHECKOUT)}, seconds=30).splitlines()
    assert whose == "False True True"
    assert any(route.startswith("10.213.242.0/24 via 10.213.240.2 dev opsbot-0ne000h") for route in routes), routes
