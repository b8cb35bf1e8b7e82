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
