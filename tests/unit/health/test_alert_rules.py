"""When a condition becomes an alert: properties that hold for every sequence of results."""

from hypothesis import given
from hypothesis import strategies as st

from opsbot.health.alert import State, Threshold, step

results = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60)
thresholds = st.builds(Threshold, st.integers(1, 5), st.integers(1, 5))


def play(sequence: list[tuple[bool, bool]], threshold: Threshold) -> list[str]:
    state, decisions = State(), []
    for ok, muted in sequence:
        state, decision = step(state, ok, threshold, muted)
        decisions.append(decision)
    return decisions


@given(results, thresholds)
def test_opening_and_resolving_alternate_and_begin_with_opening(
    sequence: list[tuple[bool, bool]], threshold: Threshold
) -> None:
    turns = [decision for decision in play(sequence, threshold) if decision in ("open", "resolve")]
    assert turns == ["open", "resolve"] * (len(turns) // 2) + ["open"] * (len(turns) % 2)


@given(results, thresholds)
def test_an_alert_opens_exactly_at_its_threshold_and_not_while_muted(
    sequence: list[tuple[bool, bool]], threshold: Threshold
) -> None:
    for index, decision in enumerate(play(sequence, threshold)):
        if decision == "open":
            row = sequence[index - threshold.fail_after + 1 : index + 1]
            assert len(row) == threshold.fail_after
            assert not any(ok for ok, _ in row)
            assert not any(muted for _, muted in row)


@given(results, thresholds)
def test_an_alert_resolves_only_after_enough_good_results_in_a_row(
    sequence: list[tuple[bool, bool]], threshold: Threshold
) -> None:
    for index, decision in enumerate(play(sequence, threshold)):
        if decision == "resolve":
            row = sequence[index - threshold.recover_after + 1 : index + 1]
            assert len(row) == threshold.recover_after
            assert all(ok for ok, _ in row)


def test_flapping_below_the_threshold_never_tells_anybody() -> None:
    assert set(play([(False, False), (False, False), (True, False)] * 20, Threshold(3, 2))) == {"nothing"}


def test_an_alert_that_is_open_stays_open_through_a_deploy() -> None:
    threshold = Threshold(1, 1)
    assert play([(False, False), (False, True), (True, True)], threshold) == ["open", "repeat", "resolve"]
