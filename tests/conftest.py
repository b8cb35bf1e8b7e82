"""What every test shares: Hypothesis without wall-clock deadlines, and no settings leaking in from outside."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("opsbot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("opsbot")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may not run at the same time in two workers: the tests of one room; and those that look at the whole machine."""
    for item in items:
        rooms = item.path.relative_to(Path(__file__).parent).parts[:-1]
        if rooms[0] in ("acceptance", "contract"):
            whole = rooms[0] == "acceptance" or rooms[1:2] == ("demo",)
            item.add_marker(pytest.mark.xdist_group("whole machine" if whole else "/".join(rooms)))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SLACK_") or (
            name.startswith("OPSBOT_") and not name.startswith(("OPSBOT_TEST_", "OPSBOT_STATE"))
        ):
            monkeypatch.delenv(name)
