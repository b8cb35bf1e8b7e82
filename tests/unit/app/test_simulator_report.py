"""What the simulator tells at the end: downtime to a tenth of a second, the end state, and the same people for a seed."""

from __future__ import annotations

import random
from collections import Counter
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minitwit import accounts, latest, timelines
from simulator.__main__ import main
from simulator.client import Tally
from simulator.endstate import EndState
from simulator.people import Crowd
from simulator.traffic import report

pytestmark = pytest.mark.served


def tally(*requests):
    """Of (began, ended, error or None), in the order in which they ended."""
    made = Tally(started=100.0)
    for began, ended, error in requests:
        made.count(100 + began, 100 + ended, error, None)
    return made


@pytest.mark.parametrize(
    ("requests", "spans"),
    [
        ([(0, 0.1, None), (0.2, 0.3, None)], []),
        ([(0, 0.1, None), (0.2, 0.3, "timeout"), (0.5, 0.6, None)], [(0.2, 0.6)]),
        ([(0, 0.1, "connection"), (0.2, 0.3, "timeout"), (0.5, 0.6, None)], [(0, 0.6)]),
        # the good one was under way before anything failed, so it does not show that it works again
        ([(0.2, 0.3, "timeout"), (0.1, 0.4, None), (0.5, 0.6, None)], [(0.2, 0.6)]),
        ([(0, 0.1, None), (0.2, 0.3, "status_502"), (0.4, 0.7, "status_502")], [(0.2, 0.7)]),
        ([(0, 0.1, "a"), (0.2, 0.3, None), (0.4, 0.5, "b"), (0.6, 0.7, None)], [(0, 0.3), (0.4, 0.7)]),
    ],
)
def test_downtime_lasts_from_what_failed_to_the_next_good_answer(requests, spans):
    found = tally(*requests).downtime()
    assert [(round(since, 6), round(until, 6)) for since, until in found] == spans


OUTCOMES = st.lists(st.tuples(st.floats(0, 60), st.floats(0, 2), st.booleans()), max_size=60)


@given(OUTCOMES)
def test_downtime_covers_every_failure_once_and_no_time_twice(outcomes):
    requests = sorted(
        ((began, began + took, None if good else "x") for began, took, good in outcomes), key=lambda one: one[1]
    )
    spans = tally(*requests).downtime()
    assert all(since <= until for since, until in spans)
    assert all(earlier[1] <= later[1] for earlier, later in pairwise(spans))
    for _, ended, error in requests:
        if error:
            assert any(since - 1e-6 <= ended <= until + 1e-6 for since, until in spans)
    assert bool(spans) == any(error for *_, error in requests)


def test_errors_are_put_into_the_second_in_which_they_ended():
    found = tally((0, 0.4, "timeout"), (0.9, 1.2, "timeout"), (1.5, 1.9, "status_500"))
    assert found.errors_by_second == {0: Counter(timeout=1), 1: Counter(timeout=1, status_500=1)}


def test_what_was_slow_is_counted_whatever_the_limit_was():
    quick, end = [(n, n + 0.1, None) for n in range(98)], EndState()
    found = report(tally(*quick, (98, 98.5, None), (99, 100.0, "timeout")), 100.0, end)
    assert found["slow"] == {"over_seconds": 0.3, "requests": 2}
    assert found["latency_seconds"] == {"p50": 0.1, "p95": 0.1, "p99": 0.5, "max": 1.0}
    assert report(tally(), 1.0, end)["slow"]["requests"] == 0


class Recorder:
    """Stands where a caller stands; everything works."""

    def __init__(self):
        self.calls = []

    def call(self, method, path, **rest):
        self.calls.append((method, path, str(rest.get("body"))))
        return object()


def acts(seed, actions=400):
    numbers, recorder = count(1), Recorder()
    crowd = Crowd(recorder, "label", random.Random(seed), lambda: next(numbers))
    for _ in range(actions):
        crowd.act()
    return recorder.calls, crowd


def test_the_same_seed_does_the_same_and_another_seed_does_not():
    assert acts("7-0")[0] == acts("7-0")[0]
    assert acts("7-0")[0] != acts("7-1")[0]


def test_people_write_most_and_names_hold_spaces_and_letters_of_other_scripts():
    calls, crowd = acts("1-0")
    kinds = Counter(path.split("/")[2] if path.startswith("/api") else path for _, path, _ in calls)
    assert kinds["msgs"] > kinds["fllws"] > kinds["register"] > 0
    assert all(" " in person.name for person in crowd.people)
    assert any(not person.name.isascii() for person in crowd.people)


def test_a_clean_run_counts_what_is_there_and_has_no_downtime(traffic):
    report = traffic()
    assert report["ok"] is True
    assert report["downtime"] == {"seconds": 0, "spans": []}
    assert report["end_state"]["follows"] > 0
    assert report["end_state"]["latest"] > 0
    assert report["seen_as"]["address"] == "127.0.0.1"


def keeps_the_highest(real):
    return lambda session, number: real(session, max(number, latest.read(session)) - 500)


@pytest.mark.parametrize(
    ("module", "name", "broken", "sentence"),
    [
        (latest, "store", keeps_the_highest, "latest is"),
        (timelines, "write", lambda real: lambda *given: (real(*given), real(*given)), "has a message too many"),
        (accounts, "follow", lambda _real: lambda *_: None, "should follow"),
        (accounts, "unfollow", lambda _real: lambda *_: None, "should not follow"),
    ],
    ids=["latest", "a message twice", "no follow", "no unfollow"],
)
def test_an_application_that_keeps_something_else_is_found_out(traffic, monkeypatch, module, name, broken, sentence):
    monkeypatch.setattr(module, name, broken(getattr(module, name)))
    report = traffic()
    assert report["errors"] == {}
    assert report["ok"] is False
    assert any(sentence in difference for difference in report["end_state"]["differences"])


@pytest.mark.parametrize("wrong", [["--threads", "0"], ["--rate", "-1"], ["--seconds", "nan"], ["--seconds", "soon"]])
def test_wrong_usage_ends_with_exit_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--url", "http://127.0.0.1:1", *wrong])
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err
