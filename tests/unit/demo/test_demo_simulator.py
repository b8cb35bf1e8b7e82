"""What the tour says of MiniTwit's simulator."""

from typing import Any

from opsbot.demo.simulator import Simulation


def told(requests: int = 200, slow: int = 0, failed: int = 0, differences: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "ok": not failed and not differences,
        "requests": requests,
        "failed": failed,
        "errors": {"timeout": failed} if failed else {},
        "latency_seconds": {"p50": 0.011, "p95": 0.04, "p99": 0.0812, "max": 0.2},
        "slow": {"over_seconds": 0.3, "requests": slow},
        "end_state": {"differences": list(differences)},
    }


def test_a_sentence_says_how_fast_the_slowest_were_and_how_many_took_too_long() -> None:
    words = Simulation(told()).sentence()
    assert words == "The simulator: 200 calls, 0 failed; p99 0.08 s, 0 over 0.3 s; the end state is exact."


def test_slow_calls_are_told_and_are_no_condition() -> None:
    slow = Simulation(told(slow=3))
    assert "3 over 0.3 s" in slow.sentence()
    assert slow.exact


def test_a_failed_call_or_a_difference_is_one() -> None:
    assert not Simulation(told(failed=1)).exact
    assert not Simulation(told(differences=("a message too many",))).exact


def test_without_a_report_there_are_no_figures() -> None:
    assert Simulation().sentence() == "The simulator gave no report."
    assert not Simulation().exact


def test_without_a_call_there_is_no_time_to_tell() -> None:
    assert "p99 none" in Simulation(told(requests=0) | {"latency_seconds": {}}).sentence()
