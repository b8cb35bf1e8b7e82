"""`serve` is told to end: it does so within its bound whatever hangs, with exit status 0, and the next one goes on."""

from __future__ import annotations

from house import House, Trickle, told_to_end, until

from opsbot.bot.ending import ENDS_WITHIN
from opsbot.clock import SystemClock
from opsbot.workspace.client import Person, spoken


def test_a_step_that_does_not_listen_holds_the_end_up_no_longer_than_the_bound_and_the_next_bot_does_it(
    house: House, trickle: Trickle
) -> None:
    old = house.serve()
    house.workspace.wait_for_links(timeout=30)
    alice = Person("U01ALICE", house.workspace.url)
    alice.say("#ops", "@opsbot hang")
    assert trickle.asked.wait(20)
    new = house.serve()
    until(house.newest_says("action=serve.standby"), 30, "the second bot did not stand by")
    seconds = told_to_end(old, ENDS_WITHIN + 10)
    assert seconds > 5, "the step at hand has five seconds to come to its end"
    first = house.log(0)
    assert "action=runs.not_left" in first
    assert "action=serve.ended_by_force" in first
    assert "opsbot/steps/http.py" in first, "the log says where it hung"
    store = house.store()
    (run,) = store.runs.list()
    assert [(row.step, row.outcome) for row in store.journal.rows(run.id)] == [("tell", "done"), ("ask", None)]
    holder = store.leases.holder(f"run:{run.id}", SystemClock().now())
    assert holder is not None, "nobody else drives the run while what the first one began may go on"
    until(house.newest_says("action=serve.started"), 5, "the serve lease was not given back")
    trickle.hurry.set()
    store.leases.release(f"run:{run.id}", holder)  # thirty seconds later it would have expired
    until(lambda: store.runs.list()[0].status == "succeeded", 20, "the next bot did not go on")
    rows = [(row.step, row.outcome) for row in store.journal.rows(run.id)]
    assert rows == [("tell", "done"), ("ask", "not_done"), ("ask", "done"), ("again", "done")]
    card = alice.wait_for("#ops", lambda message: run.id in spoken(message) and "done" in spoken(message), 20)
    assert "taken over after a restart" in spoken(card)
    assert told_to_end(new, 10) < 8
    store.close()


def test_whoever_serves_and_whoever_stands_by_ends_soon_after_sigterm(house: House) -> None:
    first = house.serve()
    house.workspace.wait_for_links(timeout=30)
    second = house.serve()
    until(house.newest_says("action=serve.standby"), 30, "the second bot did not stand by")
    assert told_to_end(second, 10) < 5
    assert told_to_end(first, 10) < 8
    assert "ended_by_force" not in house.log(0)


def test_a_sigterm_right_after_the_start_is_heard(house: House) -> None:
    bot = house.serve()
    until(house.newest_says("action=serve.started"), 30, "it did not start")
    assert told_to_end(bot, ENDS_WITHIN + 5) < ENDS_WITHIN
