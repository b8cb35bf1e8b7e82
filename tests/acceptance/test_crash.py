"""The bot dies in the middle of a deploy, or somebody stops it: the same message says what became of it."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from scene import STAGING, Scene, until

from opsbot.workspace.client import Person, spoken


@pytest.mark.long  # act 9 of the tour kills the bot there, too
def test_a_deploy_goes_on_after_kill_9_while_the_new_release_starts(something_live: Scene, alice: Person) -> None:
    scene = something_live
    tag = scene.new_tag()
    run = scene.ask(alice, f"@opsbot deploy {tag} to staging")
    scene.begins(run, "prepare")
    time.sleep(1.0)
    scene.kill()
    assert scene.run(run).status == "running"
    scene.bot.start()
    assert scene.ended(run).status == "succeeded"
    took_over_once(scene, run, f"{tag} is live in staging")
    assert scene.answers() == str(scene.live().number)
    assert scene.live().tag == tag
    assert scene.live().run == run


def test_a_deploy_goes_on_after_kill_9_between_switch_and_bake(something_live: Scene, alice: Person) -> None:
    scene = something_live
    tag = scene.new_tag()
    run = scene.ask(alice, f"@opsbot deploy {tag} to staging")
    scene.ends(run, "switch")
    scene.kill()
    live_since = scene.live().live_at
    assert scene.answers() == str(scene.live().number), "who is served by the new release stays with it"
    scene.bot.start()
    assert scene.ended(run).status == "succeeded"
    took_over_once(scene, run, f"{tag} is live in staging")
    assert len(scene.journal(run, "switch")) == 1
    assert (scene.live().run, scene.live().live_at) == (run, live_since), "it did not go live a second time"


def test_cancel_inside_a_step_undoes_what_was_done(something_live: Scene, alice: Person) -> None:
    scene = something_live
    before = scene.live()
    colours = _colours(scene)
    run = scene.ask(alice, f"@opsbot deploy {scene.new_tag()} to staging")
    scene.begins(run, "prepare")
    until(lambda: _made_by(scene, run) != [], 20, "no colour was made")
    alice.say(STAGING, f"@opsbot cancel {run}")
    assert scene.ended(run, 60).status == "cancelled"
    assert not scene.journal(run, "switch")
    assert scene.live() == before
    assert scene.answers() == str(before.number)
    assert _made_by(scene, run) == [], "the colour that was being started is gone"
    assert set(_colours(scene)) <= set(colours)
    scene.shown(run, "Stopped by")
    assert len(scene.messages(run)) == 1
    assert [row.state for row in scene.store.releases.list("staging", "web") if row.run == run] == ["abandoned"]


def took_over_once(scene: Scene, run: str, outcome: str) -> None:
    """No step was done twice, and one message tells all of it."""
    message = scene.shown(run, outcome)
    assert "taken over" in spoken(message)
    assert [found["ts"] for found in scene.messages(run)] == [message["ts"]]
    assert message["edits"] > 0
    done = Counter(row.step for row in scene.journal(run) if row.outcome == "done")
    assert set(done.values()) == {1}
    assert len([row for row in scene.store.releases.list("staging", "web") if row.run == run]) == 1
    finished = [event for event in scene.store.events.after(run, 0) if event.kind == "finished"]
    assert len(finished) == 1


def _colours(scene: Scene) -> list[str]:
    lines = scene.bot.parts.engine.lines("service", "ls", "--format", "{{.Name}}")
    return [name for name in lines if name.startswith(f"{scene.bot.parts.staging.name}_web")]


def _made_by(scene: Scene, run: str) -> list[str]:
    return scene.bot.parts.engine.lines("service", "ls", "--filter", f"label=opsbot.run={run}", "--format", "{{.Name}}")
