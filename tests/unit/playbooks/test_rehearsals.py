"""Rehearsals: every playbook has one that goes every way, and one that does not is told what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from opsbot.errors import ConfigError
from opsbot.playbooks import rehearsal
from opsbot.playbooks.load import load, load_all
from opsbot.playbooks.playbook import Playbook
from opsbot.playbooks.scenes import Rehearsal, Scene
from opsbot.runs.step import Step

FOLDER = Path(__file__).parents[3] / "playbooks"
CARD = """\
about: Asks, then does it
params: {environment: {type: environment, required: true}, loud: {type: boolean, default: false}}
approve: {from: approver, when_protected: true}
on_reject: No.
on_expire: Late.
steps:
  - {id: ask, name: Ask somebody, manual: "Is it well?"}
  - {id: tell, name: Tell it, do: announce, with: {text: hello}, when: params.loud}
  - {id: find, name: Find it, do: backup.choose, with: {environment: staging, database: main, backup: latest}}
  - {id: swap, name: Swap it, do: restore.swap, with: {environment: staging, database: main, scratch: x}}
"""
ALL = """\
params: {environment: staging}
scenes:
  - {name: All is well, params: {loud: true}, ends: succeeded}
  - {name: In silence, ends: succeeded}
  - {name: Somebody says no, decide: reject, ends: rejected}
  - {name: Nobody answers, decide: nobody, ends: expired}
  - {name: The glass is broken, decide: break-glass, ends: succeeded}
  - {name: The countdown is stopped, decide: break-glass-stopped, ends: rejected}
  - {name: Nobody is asked, protected: false, ends: succeeded}
  - {name: It cannot be found, fail: find, ends: undone}
  - {name: It is stopped, cancel: find, ends: cancelled}
  - {name: It cannot be swapped, fail: swap, ends: undone, undone: [swap]}
  - {name: Nor swapped back, fail: swap, fail_undo: swap, ends: failed}
"""


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yml") if path.stem != "reference"))
def test_every_shipped_playbook_goes_every_way_of_its_rehearsal(name: str, steps: Mapping[str, Step]) -> None:
    playbooks = load_all(FOLDER, steps)

    assert list(rehearsal.wrong(FOLDER, [playbooks[name]], steps)) == []


def test_every_shipped_playbook_is_rehearsed(steps: Mapping[str, Step]) -> None:
    rehearsed = {path.stem for path in (FOLDER / "rehearsals").iterdir()}

    assert rehearsed == {*load_all(FOLDER, steps), "reference"}


def test_the_reference_is_rehearsed_and_shows_every_key_of_a_scene(steps: Mapping[str, Step]) -> None:
    text = (FOLDER / "rehearsals" / "reference.yml").read_text(encoding="utf-8")

    assert list(rehearsal.wrong(FOLDER, [load(FOLDER / "reference.yml", steps)], steps)) == []
    for key in [*Rehearsal.model_fields, *Scene.model_fields]:
        assert f"{key}:" in text, key


TAKE = """\
about: Backs a database up and then changes it
steps:
  - {id: take, name: Back it up, do: backup.take, with: {environment: staging, database: main}}
"""
WRITE = """\
  - id: change
    name: Change it
    do: sql
    with: {environment: staging, database: main, statement: UPDATE message SET text = '', changes: true}
    undo: impossible
    why: the old rows are gone
"""
BY_HAND = "  - {id: change, name: Change it, manual: Change it now.}\n"
CHECK = "  - {id: check, name: Look at the page, do: http, with: {environment: staging, path: /}}\n"
STAYS = "“Back it up” is not undone: the backup main-1 stays, because “Change it” cannot be taken back."


@pytest.mark.parametrize(
    ("change", "fails", "ends", "take"),
    [
        (WRITE, "check", "undone", "done"),
        (WRITE, "change", "failed", "done"),
        (BY_HAND, "check", "undone", "done"),
        (WRITE, "take", "undone", "undone"),
        ("", "check", "undone", "undone"),
    ],
)
def test_the_only_backup_from_before_a_change_that_stays_is_not_removed(
    tmp_path: Path, steps: Mapping[str, Step], change: str, fails: str, ends: str, take: str
) -> None:
    (tmp_path / "rehearsals").mkdir()
    (tmp_path / "change.yml").write_text(TAKE + change + CHECK)
    scene = f"outputs: {{take: {{backup: main-1}}}}\nscenes: [{{name: It fails, fail: {fails}, ends: {ends}}}]"
    (tmp_path / "rehearsals" / "change.yml").write_text(scene)

    (played,) = rehearsal.rehearse(tmp_path, load(tmp_path / "change.yml", steps), steps)

    stands = played.view.step("take")
    assert stands is not None
    assert (played.wrong, stands.state) == ("", take)
    assert (STAYS in str(played.view.outcome)) == (take == "done")


@pytest.fixture
def card(tmp_path: Path, steps: Mapping[str, Step]) -> Playbook:
    (tmp_path / "rehearsals").mkdir()
    (tmp_path / "card.yml").write_text(CARD)
    return load(tmp_path / "card.yml", steps)


def told(card: Playbook, text: str, tmp_path: Path, steps: Mapping[str, Step]) -> list[str]:
    (tmp_path / "rehearsals" / "card.yml").write_text(text)
    return list(rehearsal.wrong(tmp_path, [card], steps))


def test_a_rehearsal_that_goes_every_way_lacks_nothing(
    card: Playbook, tmp_path: Path, steps: Mapping[str, Step]
) -> None:
    assert told(card, ALL, tmp_path, steps) == []


LACKS = [
    ("All is well", ["card: in no scene the step “tell” is done."]),
    ("In silence", []),
    ("Somebody says no", ["card: in no scene the plan is rejected."]),
    ("Nobody answers", ["card: in no scene the plan expires."]),
    ("The glass is broken", ["card: in no scene the glass is broken and the run begins."]),
    ("The countdown is stopped", ["card: in no scene the countdown of a broken glass is stopped."]),
    ("Nobody is asked", ["card: in no scene it goes without an approval, where nothing is protected."]),
    ("It cannot be found", ["card: in no scene the step “find” fails."]),
    ("It is stopped", ["card: in no scene somebody stops the run."]),
    ("It cannot be swapped", ["card: in no scene the step “swap” is undone."]),
    ("Nor swapped back", ["card: in no scene the undo of “swap” fails."]),
]


@pytest.mark.parametrize(("scene", "gaps"), LACKS)
def test_a_way_that_no_scene_goes_is_named(
    scene: str, gaps: list[str], card: Playbook, tmp_path: Path, steps: Mapping[str, Step]
) -> None:
    text = "".join(line for line in ALL.splitlines(keepends=True) if scene not in line)

    assert told(card, text, tmp_path, steps) == gaps


def test_a_playbook_without_a_rehearsal_is_told(card: Playbook, tmp_path: Path, steps: Mapping[str, Step]) -> None:
    with pytest.raises(ConfigError, match=r"card.yml has no rehearsal. Write rehearsals/card.yml"):
        rehearsal.rehearse(tmp_path, card, steps)


def test_a_scene_that_ends_otherwise_or_names_no_step_is_told(
    card: Playbook, tmp_path: Path, steps: Mapping[str, Step]
) -> None:
    otherwise = ALL.replace("fail: swap, ends: undone, undone: [swap]", "fail: swap, ends: succeeded")
    assert told(card, otherwise, tmp_path, steps)[0].startswith(
        "card, “It cannot be swapped”: It ended undone and not succeeded."
    )
    assert told(card, ALL.replace("fail: swap", "fail: swop"), tmp_path, steps) == [
        "card.yml:12: there is no step “swop” in card.yml. Name another."
    ]
