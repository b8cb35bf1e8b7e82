"""The machines of tests/unit/runs and tests/unit/commands, played for long."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from test_channel_machine import Channel
from test_runs_decisions import AnyRun
from test_runs_machine import Owners, Team
from test_runs_owners_die import Crew

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    ("machine", "examples"), [(Team, 1_000), (Crew, 1_000), (Owners, 500), (AnyRun, 5_000), (Channel, 300)]
)
def test_the_invariants_hold_for_long(machine: type[RuleBasedStateMachine], examples: int) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=50, deadline=None))
