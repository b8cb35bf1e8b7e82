"""What `init` says at its end works as it stands: one record, in the order in which it can be typed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from opsbot.install import next_steps, wishes
from opsbot.install.next_steps import Ready

WHOLE = Ready(
    Path(), "opsbot", "registry.example/opsbot:1", True, True, running={"production": ["web"], "staging": ["web"]}
)
INSIDE = "docker exec -i $(docker ps -q -f name=opsbot_bot) python -m opsbot"


def commands(ready: Ready) -> list[str]:
    return [line.strip() for line in next_steps.lines(ready) if line.startswith("  ")]


def test_a_service_that_has_all_it_needs_is_deployed_first_and_adopts_inside() -> None:
    assert commands(WHOLE) == [
        "docker stack deploy --with-registry-auth -c opsbot-stack.yml opsbot",
        f"{INSIDE} adopt web --env production",
        f"{INSIDE} adopt web --env staging",
        f"{INSIDE} doctor",
    ]
    assert "not at this terminal" in next_steps.lines(WHOLE)[-1]


def test_an_image_that_is_not_on_the_engine_has_to_be_in_its_registry() -> None:
    said = "\n".join(next_steps.lines(replace(WHOLE, image_here=False)))
    assert "registry.example/opsbot:1 is not on this engine" in said
    assert "docker stack deploy" in said


LACKS = {
    "secrets": (
        replace(WHOLE, lacking=["opsbot_slack_bot_token"]),
        "not there, for --make-secrets: opsbot_slack_bot_token",
    ),
    "an image": (replace(WHOLE, image_named=False, image_here=False), "build and push an image of the bot"),
}


@pytest.mark.parametrize("case", LACKS)
def test_a_service_that_lacks_something_is_not_deployed_and_what_it_lacks_is_said(case: str) -> None:
    ready, says = LACKS[case]
    said = "\n".join(next_steps.lines(ready))
    assert "docker stack deploy" not in said
    assert says in said
    assert "As a Swarm service" in said
    assert commands(ready)[:4] == [
        "opsbot adopt web --env production", "opsbot adopt web --env staging", "opsbot doctor", "opsbot serve",
    ]  # fmt: skip


def test_the_names_of_folder_and_stack_go_along() -> None:
    ready = replace(WHOLE, folder=Path("shop"), name="ops", lacking=["ops_slack_bot_token"])
    assert commands(ready)[0] == "opsbot --config shop/opsbot.yml adopt web --env production"
    wished = wishes.parse(shlex.split(commands(ready)[-1])[2:])
    assert (wished.folder, wished.name, wished.image) == (ready.folder, "ops", ready.image)
    assert (wished.stack_only, wished.make_secrets) == (True, True)
    deploy, adopt, *_ = commands(replace(ready, lacking=()))
    assert deploy.endswith("-c shop/opsbot-stack.yml ops")
    assert "name=ops_bot)" in adopt
