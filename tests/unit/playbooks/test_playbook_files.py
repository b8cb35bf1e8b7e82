"""The playbooks that ship with the project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from opsbot.playbooks.load import load, load_all
from opsbot.playbooks.params import NAMED
from opsbot.runs.step import Step

FOLDER = Path(__file__).parents[3] / "playbooks"


def test_every_shipped_playbook_passes_every_check(steps: Mapping[str, Step]) -> None:
    playbooks = load_all(FOLDER, steps)

    assert {"deploy", "rollback", "backup", "restore"} <= set(playbooks)


def test_the_reference_is_valid_and_makes_no_command(steps: Mapping[str, Step]) -> None:
    assert "reference" not in load_all(FOLDER, steps)
    assert load(FOLDER / "reference.yml", steps).path == "reference card"


def test_the_reference_shows_every_key_of_a_playbook_and_of_a_step(steps: Mapping[str, Step]) -> None:
    reference = load(FOLDER / "reference.yml", steps)
    text = (FOLDER / "reference.yml").read_text(encoding="utf-8")

    for key in [*type(reference).model_fields, *type(reference.steps[0]).model_fields]:
        if key not in ("name", "hash"):
            assert f"{key.rstrip('_')}:" in text, key


def test_a_rollback_needs_nobody_else(steps: Mapping[str, Step]) -> None:
    rollback = load_all(FOLDER, steps)["rollback"]

    assert rollback.approve is None
    assert rollback.risk == "low"
    assert rollback.arguments()[0].name == "environment"


@pytest.mark.parametrize("name", ["deploy", "rollback", "backup", "restore"])
def test_production_is_never_a_default(name: str, steps: Mapping[str, Step]) -> None:
    params = load_all(FOLDER, steps)[name].arguments()
    environment = next(param for param in params if param.type == "environment")

    assert environment.required
    assert environment.default is None
    assert all(param.default == "first" for param in params if param.type in NAMED and not param.required)


def test_a_name_that_begins_another_command_is_refused(tmp_path: Path, steps: Mapping[str, Step]) -> None:
    from opsbot.errors import ConfigError

    step = "steps: [{id: a, name: Say it, do: announce, with: {text: hello}}]\n"
    (tmp_path / "db.yml").write_text(f"about: Looks at the database\n{step}")
    (tmp_path / "db_check.yml").write_text(f"about: Looks deeper into it\ncommand: db check\n{step}")

    with pytest.raises(ConfigError, match=r"db_check.yml:2: “db check” would hide “db” of db.yml"):
        load_all(tmp_path, steps)


def test_a_name_that_a_query_has_is_refused(tmp_path: Path, steps: Mapping[str, Step]) -> None:
    from opsbot.errors import ConfigError

    (tmp_path / "status.yml").write_text(
        "about: Another status of all\nsteps: [{id: a, name: Say it, do: announce, with: {text: hello}}]\n"
    )
    with pytest.raises(ConfigError, match="would hide the command “status”"):
        load_all(tmp_path, steps, reserved=["status"])
