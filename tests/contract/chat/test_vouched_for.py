"""People against the real workspace: remembered for a while, and a guest as soon as Slack does not tell for long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from slack_sdk import WebClient

from opsbot.chat.people import FRESH, STALE, People
from opsbot.clock import SystemClock
from opsbot.workspace import Workspace


class Hours(SystemClock):
    """A clock that can be put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace() as found:
        yield found


def people(workspace: Workspace, clock: Hours) -> People:
    client = WebClient(token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[])
    return People(client, clock, "UTC")


def test_a_member_is_known_by_name_and_zone_and_a_guest_as_one(workspace: Workspace) -> None:
    found = people(workspace, Hours())
    alice = found.actor("U01ALICE", "")
    assert (alice.name, alice.timezone, alice.guest) == ("alice", "Europe/Copenhagen", False)
    assert found.actor("U04DAVE", "").guest


def test_slack_is_asked_of_a_person_once_in_a_while(workspace: Workspace) -> None:
    clock = Hours()
    found = people(workspace, clock)
    for _ in range(5):
        found.actor("U01ALICE", "")
    assert len(workspace.calls("users.info")) == 1
    clock.ahead = FRESH + 1
    found.actor("U01ALICE", "")
    assert len(workspace.calls("users.info")) == 2


def test_whom_slack_does_not_vouch_for_any_more_is_a_guest_until_it_does(workspace: Workspace) -> None:
    clock = Hours()
    found = people(workspace, clock)
    alice = found.actor("U01ALICE", "")
    workspace.down()
    clock.ahead = FRESH + 1
    assert found.actor("U01ALICE", "") == alice, "a short absence is bridged"
    clock.ahead = STALE + 2
    assert found.actor("U01ALICE", "") == replace(alice, guest=True), "the name stays, the rights do not"
    workspace.up()
    assert found.actor("U01ALICE", "") == alice


def test_of_whom_slack_never_told_is_a_guest(workspace: Workspace) -> None:
    workspace.down()
    assert people(workspace, Hours()).actor("U01ALICE", "").guest


def test_who_belongs_to_another_team_is_a_guest_here(workspace: Workspace) -> None:
    found = people(workspace, Hours())
    found.team = "T01"
    assert [found.actor("U01ALICE", team).guest for team in ("T01", "T02", "")] == [False, True, False]
