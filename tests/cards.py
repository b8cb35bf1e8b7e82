"""Every card of the bot once, made by the real code in a pretended world: for the snapshot tests and for pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pretend_world import ALICE, BOB, CAROL, SCHEDULE, World, backed_up

from opsbot.chat.alerts import alert_card
from opsbot.commands import plan_card
from opsbot.commands.daily import daily
from opsbot.commands.reply import Reply
from opsbot.commands.request import Request
from opsbot.commands.run_card import card_with
from opsbot.errors import NotFound, StepFailed, Unavailable
from opsbot.health.result import Result
from opsbot.runs.step import Fact, Facts
from opsbot.runs.view import RunView, StepView
from opsbot.runtime import migrations
from opsbot.runtime.lines import Written
from opsbot.runtime.migrations import Standing
from opsbot.runtime.verdict import verdict_of
from opsbot.steps import schema_facts
from opsbot.store.audit import Head
from opsbot.store.rows import ReleaseRow

NOW = datetime(2026, 3, 31, 13, 30, tzinfo=UTC)
LOG = "\n".join(
    [
        "Traceback (most recent call last):",
        *(f'  File "/app/minitwit/pages.py", line {n}, in step_{n}' for n in range(30, 50)),
        "sqlalchemy.exc.ProgrammingError: column message.likes does not exist",
        "LINE 1: SELECT message.likes FROM message ORDER BY pub_date DESC LIMIT 30",
    ]
)
STEPS = (
    ("image", "Find the image"),
    ("way_back", "Look at the way back"),
    ("prepare", "Start the new release beside the old one"),
    ("migrate", "Migrate the database"),
    ("smoke", "Try the new release out"),
    ("switch", "Send people to it"),
    ("bake", "Watch it for a while"),
)
TRUE = (
    ("image", Fact("image", "green", "v2 is sha256:3f2a9c1d7b44 in the registry, commit 8f3a6b6c12d0.")),
    ("way_back", Fact("way_back", "green", "A rollback returns to v1 (web-6) in about a second: it stays warm.")),
    ("prepare", Fact("memory", "amber", "Both colours together need 1.0 GB, and 1.2 GB are free.")),
)
PARAMS = {"tag": "v2", "environment": "production", "service": "web", "smoke": True}


def cards(world: World) -> Mapping[str, Reply]:
    """Card name → reply."""
    world.clock.now = lambda: NOW  # type: ignore[method-assign]  # it stands still
    return {**_runs(world), **_answers(world), **_lists(world), **_wrong(world)}


def run(status: str, states: Mapping[str, StepView] | None = None, **more: Any) -> RunView:
    """A deploy of v2 to production in some state."""
    steps = tuple((states or {}).get(id, StepView(id, name)) for id, name in STEPS)
    ended = NOW if status in ("succeeded", "undone", "failed", "cancelled", "rejected", "expired") else None
    plain = RunView(
        id="r7k2fd", playbook="deploy", title="Deploy web v2 to production", status=status, environment="production",
        actor="carol", door="slack", created_at=NOW - timedelta(minutes=2), started_at=NOW - timedelta(seconds=72),
        ended_at=ended, steps=steps, facts=TRUE, outcome=None, params=PARAMS,
        approval={"from": "approver", "expires": 3600.0, "people": 1}, fingerprint="3f2a9c1d7b440e58",
    )  # fmt: skip
    return replace(plain, **more)


def _states(**given: Any) -> dict[str, StepView]:
    names = dict(STEPS)
    made = {}
    for id, (state, seconds, *rest) in given.items():
        note, progress = (*rest, "", None)[:2]
        outputs = {"prepare": {"release": 7}, "switch": {"from_release": 6}}.get(id, {})
        made[id] = StepView(id, names[id], state, seconds, progress or None, note, outputs=outputs)
    return made


def _runs(world: World) -> dict[str, Reply]:
    card = card_with(world.playbooks, plan_card.approvers(world.services()))
    begun = {"image": ("done", 0.04), "way_back": ("done", 0.02), "prepare": ("done", 11.6), "migrate": ("done", 2.31)}
    done = {**begun, "smoke": ("done", 4.2), "switch": ("done", 0.31), "bake": ("done", 15.02)}
    progress = ("running", None, "", (1.0, 2.0, "1 of 2 healthy"))
    back = {"prepare": ("undone", 11.6, ""), "smoke": ("failed", 4.2, "")}
    error = {
        "code": "step_failed", "what": "The smoke test of v2 failed: /public answers 500.",
        "fix": "Nobody was sent to the new release.", "details": f"Exit code 1.\n{LOG}",
    }  # fmt: skip
    stays = (
        "“Migrate the database” is not undone: its migrations stay, and the old release runs on those that only add."
    )
    failed = f"v2 did not go live in production. {stays}"
    stuck = {**done, "bake": ("failed", 9.0), "switch": ("undo_failed", 0.3), "prepare": ("done", 11.6)}
    human = "Deploy web v2 to production failed, and “Send people to it” could not be undone. A human is needed."
    stop = {**begun, "prepare": ("undone", 3.1, "The run was asked to stop, and what it had started was ended.")}
    return {
        "run-waits-for-approval": card(run("awaiting_approval", until=NOW + timedelta(minutes=58))),
        "run-live": card(
            run("running", _states(image=begun["image"], way_back=begun["way_back"], prepare=progress),
                approved_by="bob")
        ),
        "run-done": card(
            run("succeeded", _states(**done), outcome="v2 is live in production.", approved_by="bob")
        ),
        "run-undone": card(run("undone", _states(**{**begun, **back}), outcome=failed, error=error, approved_by="bob")),
        "run-unhealthy": card(
            run("undone", _states(**{**begun, "prepare": ("failed", 30.2), "migrate": ("pending", None)}),
                outcome="v2 did not go live in production.", error=_unhealthy())
        ),
        "run-needs-a-human": card(
            run("failed", _states(**stuck), outcome=human, left=("switch", "prepare"),
                error={"code": "bake_failed", "what": "Under traffic the new release is not well: / answers 502."},
                undo_error={"code": "edge", "what": "The edge does not let go.", "fix": "Look at its log."})
        ),
        "run-stopped": card(
            run("cancelled", _states(image=begun["image"], way_back=begun["way_back"], prepare=stop["prepare"]),
                outcome="Stopped by bob. What it had done was undone.", cancel_by="bob")
        ),
        "run-rejected": card(run("rejected", outcome="Rejected by bob: too late today. Nothing was changed.")),
    }  # fmt: skip


def _unhealthy() -> dict[str, Any]:
    """What a release that never came up leaves: act 3 of the tour."""
    check = {"ExitCode": 1, "Output": "GET /health/ready answers 503: the pool of the database is empty\n"}
    state = {"Running": True, "ExitCode": 0, "OOMKilled": False, "Health": {"Log": [check]}}
    end = verdict_of({"Message": "starting"}, state, LOG.splitlines())
    return {
        "code": "rollout_failed",
        "what": f"v2 (web-7) was not healthy within 30 s. {end.cause}",
        "fix": f"Nobody was sent to it. {end.cure.format(service='web')}",
        "details": end.details,
    }


def _answers(world: World) -> dict[str, Reply]:
    world.red["image.resolve"] = NotFound("There is no tag v22 of minitwit.", "Did you mean v2?", code="unknown_tag")
    unknown_tag = world.say("deploy v22 to staging", CAROL)
    world.red["image.resolve"] = Unavailable("The registry registry.example does not answer.", "Check that it runs.")
    no_registry = world.say("deploy v2 to staging", CAROL)
    del world.red["image.resolve"]
    facts = Facts([fact for _, fact in TRUE], world.outputs["image.resolve"])
    world.steps["image.resolve"].facts = lambda _ctx, _args: facts  # type: ignore[method-assign]  # what a real one says
    one_way = _one_way(world)
    texts = [f'10.0.1.{n % 4} - "GET /public?page={n} HTTP/1.1" 200 4{n:03}' for n in range(60)]
    said = [(NOW - timedelta(seconds=240 - n), text) for n, text in enumerate(texts)]
    world.written = Written(tuple(said))
    return {
        **one_way,
        "plan": world.say("deploy v2 to production --plan", CAROL),
        "refused-unknown-tag": unknown_tag,
        "refused-no-registry": no_registry,
        "misunderstood": world.say("deply v2 to staging", CAROL),
        "place-missing": world.say("deploy v2", CAROL),
        "logs": world.say("logs web staging", BOB),
        "help": world.say("help", CAROL),
        "help-deploy": world.say("help deploy", CAROL),
        "help-viewer": world.say("help", replace(ALICE, id="U09EVE", name="eve")),
    }


def _one_way(world: World) -> dict[str, Reply]:
    """What people see of a migration after which older releases may fail: the plan, let through, and the way back after it."""
    own, new = (migrations.parse(text) for text in ("0001:expand", "0001:expand 0002:expand 0007:contract"))
    assert own
    assert new
    row = _live("0001:expand")
    added, last = new[1:], new[2:]
    how = "It is run with --allow contract for that."
    facts: dict[str, tuple[Fact, ...]] = {
        "image.resolve": (TRUE[0][1],),
        "release.way_back": (schema_facts.way_back(row, own, last),),
        "rollout.migrate": (schema_facts.brings(added, Standing(own)), schema_facts.one_way(last, True, how)),
        "release.choose": (schema_facts.back(row, own, last, Standing(new), "20260331-0900-abcd (taken 2 h ago)"),),
    }
    before = {name: world.steps[name].facts for name in facts}
    for name, found in facts.items():
        world.steps[name].facts = _telling(found, world.outputs.get(name))  # type: ignore[method-assign]  # what a real one says
    replies = {
        "plan-one-way": world.say("deploy v2 to production --one-way yes --plan", CAROL),
        "refused-one-way": world.say("rollback production", BOB),
    }
    for name, real in before.items():
        world.steps[name].facts = real  # type: ignore[method-assign]  # as it was
    return replies


def _telling(found: Sequence[Fact], outputs: Mapping[str, Any] | None) -> Callable[[Any, Any], Facts]:
    return lambda _ctx, _args: Facts(found, outputs)


def _live(listed: str) -> ReleaseRow:
    return ReleaseRow(
        "production", "web", 6, "registry/web@sha256:1", "sha256:1", "v1", "abc", {}, {}, {}, listed, "r0", "alice", NOW,
        "live", None, NOW, None,
    )  # fmt: skip


def _lists(world: World) -> dict[str, Reply]:
    nothing = {"releases-none": world.say("releases production"), "backups-none": world.say("backups staging")}
    for tag, author, state in (("v1", "bob", "live"), ("v3", "carol", "bad"), ("v2", "carol", "live")):
        world.release(tag, author=author, state=state)
    world.manifests = [backed_up(NOW - timedelta(hours=hours)) for hours in (1, 4, 25)]
    world.manifests.append(backed_up(NOW - timedelta(hours=2), "pre-restore"))
    world.results["front"] = Result("ok", "It answers 200.", NOW)
    return {
        **nothing,
        "releases": world.say("releases staging"),
        "backups": world.say("backups production"),
        "status-well": world.say("status staging"),
        "alerts-none": world.say("alerts"),
    }


def _wrong(world: World) -> dict[str, Reply]:
    def dead() -> str:
        raise Unavailable("The Docker engine at unix:///var/run/docker.sock does not answer.", "Check that it runs.")

    world.parts.update({"engine in staging": dead, "engine in production": dead})
    world.results["front"] = Result("bad", "It answers 500.", NOW)
    world.failing["rollout.smoke"] = StepFailed("The front page answers 500.", "Look at its log.")
    body = {
        "why": "It answers 500 (3 times in a row).",
        "last_change": "Deploy web v2 to staging by carol, 4 min ago",
        "rollback": "rollback staging --service web --to 1 --from 3",
        "page": "http.md",
    }
    at = NOW - timedelta(minutes=3)
    for _ in range(2):
        row, _new = world.store.alerts.open(
            "probe:front", "front fails in staging", "critical", "staging", None, body, at
        )
    firing = alert_card(row)
    listed, status = world.say("alerts"), world.say("status")
    world.store.alerts.ack(row.id, "bob", NOW)
    over = world.store.alerts.resolve("probe:front", NOW)
    assert over is not None
    _ran(world)
    return {
        "status-unwell": status,
        "alerts": listed,
        "alert-firing": firing,
        "alert-over": alert_card(over, "https://git.example/ops/docs"),
        "day": daily(world.store, Head(NOW.date(), 123, "3f2a" * 16), "Europe/Copenhagen"),
    }


def _ran(world: World) -> None:
    """Two scheduled backups, and a deploy that somebody asked for."""
    for actor, text in ((SCHEDULE, "backup main on production"),) * 2 + ((CAROL, "deploy v2 to staging"),):
        door = "schedule" if actor is SCHEDULE else "slack"
        world.drive(world.front.handle(Request(actor, door, text=text)).run or "")
