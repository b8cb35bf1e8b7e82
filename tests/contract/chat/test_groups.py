"""Usergroups against the real workspace: cached, and nobody's membership when Slack does not tell.

Through one door only: membership is asked of Slack by calls, and nothing that Slack delivers has a part in it.
"""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from opsbot.chat.groups import FRESH, STALE, Groups
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


def groups(workspace: Workspace, clock: Hours) -> Groups:
    client = WebClient(token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[])
    return Groups(client, clock)


def test_a_member_has_the_group_by_id_and_by_handle(workspace: Workspace) -> None:
    found = groups(workspace, Hours())
    assert set(found.of("U01ALICE")) == {"S01OPS", "@ops-group"}
    assert not found.of("U04DAVE")


def test_slack_is_asked_once_in_a_while(workspace: Workspace) -> None:
    clock = Hours()
    found = groups(workspace, clock)
    for _ in range(5):
        found.of("U01ALICE")
    assert len(workspace.calls("usergroups.list")) == 1
    clock.ahead = FRESH + 1
    found.of("U01ALICE")
    assert len(workspace.calls("usergroups.list")) == 2


def test_when_slack_is_away_for_long_nobody_is_a_member(workspace: Workspace) -> None:
    clock = Hours()
    found = groups(workspace, clock)
    assert found.of("U01ALICE")
    workspace.down()
    clock.ahead = FRESH + 1
    assert found.of("U01ALICE"), "a short absence is bridged"
    clock.ahead = STALE + 2
    assert not found.of("U01ALICE")
