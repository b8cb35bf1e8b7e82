"""Whose turn it is to serve, on a real store that is away for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from opsbot import bot as bots
from opsbot.bot import serving
from opsbot.bot.compose import Bot
from opsbot.config.settings import Config
from opsbot.errors import Unavailable


@pytest.fixture
def standing_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    monkeypatch.setattr(serving, "STANDBY_LOOK", 0.01)
    (tmp_path / "playbooks").mkdir()
    config = Config.model_validate({"store": f"sqlite:///{tmp_path}/opsbot.db", "playbooks": tmp_path / "playbooks"})
    with closing(bots.build(config)) as bot:
        yield bot


def test_whoever_stands_by_outlives_a_store_that_is_away(standing_by: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    leases, looks = standing_by.store.leases, []
    take = leases.take

    def moody(*given: Any) -> bool:
        looks.append(given)
        if len(looks) < 3:
            raise Unavailable("The bot's own state cannot be written: another process holds it.")
        return take(*given)

    monkeypatch.setattr(leases, "take", moody)
    assert standing_by.serving._wait_for_turn()
    assert len(looks) == 3
    assert leases.holder("serve", standing_by.clock.now()) == standing_by.owner
