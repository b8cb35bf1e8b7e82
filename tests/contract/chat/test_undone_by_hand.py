"""What could not be undone is reversed by hand: the card's button opens the form that asks what shows it."""

from __future__ import annotations

from typing import Any

from chat_team import CAROL, Team, until

from opsbot.errors import StepFailed
from opsbot.workspace import spoken

DOORS = ("socket", "http")


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """What each button says, and its action."""
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return {element["value"]: element["action_id"] for row in rows for element in row}


def stuck(ctx: object, args: object, outputs: object) -> None:
    raise StepFailed("The edge does not let go.")


def test_the_button_asks_what_shows_it_and_the_rest_is_undone_then(team: Team) -> None:
    team.world.failing["rollout.bake"] = StepFailed("It answers 500.")
    object.__setattr__(team.world.steps["rollout.switch"], "undo", stuck)
    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to staging")
    run = until(team.world.store.runs.list)[0].id
    assert team.world.drive(run) == "failed"
    card = team.workspace.wait_for("#ops", lambda message: f"complete {run} --step switch" in buttons(message))

    action = buttons(card)[f"complete {run} --step switch"]
    assert team.workspace.click(CAROL, "#ops", card["ts"], action) == "ok"

    view = team.view(CAROL, lambda view: view["callback_id"] == "form")
    fields = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    assert fields["field:step"]["element"]["initial_value"] == "switch"
    assert fields["field:evidence"]["element"].get("initial_value") is None
    assert team.world.store.runs.list()[0].status == "failed", "nothing was said yet"

    assert team.workspace.submit(CAROL, view["id"], {"field:evidence": "removed the flag on the edge"})["ok"]

    team.shows(CAROL, "removed the flag on the edge")
    assert team.world.drive(run) == "undone"
    (kept,) = team.world.store.audit.list(what="complete")
    assert (kept.actor["id"], kept.body["evidence"]) == (CAROL, "removed the flag on the edge")
    team.workspace.wait_for("#ops", lambda message: "did not work" in spoken(message))
