"""What every test shares: Hypothesis without wall-clock deadlines, and no settings leaking in from outside."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("opsbot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("opsbot")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SLACK_") or (
            name.startswith("OPSBOT_") and not name.startswith(("OPSBOT_TEST_", "OPSBOT_STATE"))
        ):
            monkeypatch.delenv(name)
