"""The card of a container that failed: what is known of its end stays, however long its log is. Act 3 of the tour."""

from __future__ import annotations

from cards import run
from hypothesis import given
from hypothesis import strategies as st
from pretend_world import World, shown

from opsbot.commands.reply import Reply
from opsbot.commands.run_card import run_card
from opsbot.commands.words_of_failure import KNOWN, LINES, ROOM, WIDEST, last_words
from opsbot.errors import StepFailed
from opsbot.runtime.verdict import LOG, verdict_of

LINE = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=300).filter(
    lambda text: text.strip() == text and len(text.splitlines()) == 1
)


def unhealthy(log: list[str]) -> str:
    """What the engine told of a container whose health check never passed."""
    check = {"ExitCode": 1, "Output": "GET /health/ready answers 503\nthe database does not answer\n"}
    state = {"Running": True, "OOMKilled": False, "ExitCode": 0, "Health": {"Log": [check]}}
    return verdict_of({"Message": "starting"}, state, log).details


def test_the_card_of_an_unhealthy_container_says_all_five() -> None:
    end = verdict_of({}, {"ExitCode": 1, "OOMKilled": True, "Health": {"Log": [{"ExitCode": 1, "Output": "503"}]}}, [])
    details = f"{end.details}\n{LOG}\n" + "\n".join(f'{{"level": "info", "n": {n}}}' for n in range(40))
    error = {"what": f"v3 was not healthy. {end.cause}", "fix": end.cure.format(service="web"), "details": details}

    told = shown(run_card(run("undone", outcome="v3 did not go live.", error=error)))

    assert "Exit code 1. Out of memory: yes." in told
    assert "Health check: exit code 1\n    503\n" in told
    assert "… 32 earlier lines\n" in told
    assert '{"level": "info", "n": 39}' in told
    assert "Raise `memory` of web in opsbot.yml" in told


def failed(world: World, step: str) -> Reply:
    """The card of a deploy in which this step failed."""
    world.failing[step] = StepFailed("It answers 500.")
    made = world.say("deploy v2 to staging").run or ""
    assert world.drive(made) == "undone"
    return run_card(world.engine.view(made), world.playbooks["deploy"])


def test_what_people_met_and_was_taken_back_is_blocked_so_the_card_does_not_say_try_again(world: World) -> None:
    told = failed(world, "rollout.bake")

    assert [button.command for button in told.buttons] == ["logs web staging 1h", "unblock web-2 staging"]
    assert "*Unblock web-2* lets it be deployed again as it is: people met it, and it was taken back." in str(
        told.parts
    )
    world.release("v1")
    world.release("v2", state="bad")
    assert world.say(told.buttons[1].command).text == "v2 (web-2) may be deployed to staging again."


def test_what_nobody_met_may_be_tried_again_from_its_card(world: World) -> None:
    first = failed(world, "rollout.smoke").buttons[0]

    assert first.label == "Try again"
    world.failing.clear()
    assert world.say(first.command).run


def test_only_the_log_is_cut() -> None:
    told = last_words(unhealthy([f"line {n}" for n in range(24)])).splitlines()

    assert told[:4] == [
        "It still runs, so there is no exit code. Out of memory: no.",
        "Health check: exit code 1",
        "GET /health/ready answers 503",
        "the database does not answer",
    ]
    assert told[4:6] == [LOG, "… 16 earlier lines"]
    assert told[6:] == [f"line {n}" for n in range(16, 24)]


def test_without_a_log_nothing_is_said_of_one() -> None:
    assert LOG not in last_words(unhealthy([]))


def test_the_exit_code_of_a_program_stays_as_well() -> None:
    told = last_words("Exit code 3.\n" + "\n".join(f"line {n}" for n in range(20))).splitlines()

    assert told[:2] == ["Exit code 3.", "… 12 earlier lines"]
    assert told[-1] == "line 19"


@given(log=st.lists(LINE, max_size=60))
def test_no_log_pushes_the_end_out_and_no_log_makes_a_card_too_long(log: list[str]) -> None:
    told = last_words(unhealthy(log))

    assert told.startswith("It still runs, so there is no exit code. Out of memory: no.\nHealth check: exit code 1\n")
    assert len(told.splitlines()) <= KNOWN + 2 + LINES
    assert len(told) <= KNOWN * (WIDEST + 1) + ROOM + LINES + 80
    assert not log or told.endswith(log[-1])
