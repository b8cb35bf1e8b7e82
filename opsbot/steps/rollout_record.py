"""The record of releases beside what runs: which release a run made, what it takes over from, what it found running."""

from __future__ import annotations

from opsbot.errors import StepFailed
from opsbot.runs.step import Context
from opsbot.runtime import adopt
from opsbot.runtime import spec as specs
from opsbot.runtime.target import Target
from opsbot.store.rows import ReleaseRow

_LOOK_BACK = 200


def of_run(target: Target, service: str, run: str) -> ReleaseRow | None:
    """The release of a service that a run recorded, or None."""
    row = target.store.releases.for_run(run)
    ours = row is not None and (row.environment, row.service) == (target.name, service)
    return row if ours else None


def add(target: Target, ctx: Context, service: str, image: str, tag: str, revision: str, migrations: str) -> ReleaseRow:
    """Record the release that a run makes of an image. First the record learns what is live, so that there is a way back.

    `migrations` is the list on its label, "" if it has none.
    """
    _learn(target, ctx, service)
    configured = target.service(service)
    return target.store.releases.add(
        environment=target.name,
        service=service,
        image=image,
        digest=image.partition("@")[2],
        tag=tag,
        revision=revision,
        env=specs.environment(configured, target.stack),
        secrets=configured.secrets,
        spec=target.neutral_spec(service, image),
        schema=migrations or None,
        run=ctx.run,
        author=ctx.actor,
        now=target.clock.now(),
        above=target.releases_seen(service),
    )


def _learn(target: Target, ctx: Context, service: str) -> None:
    """What answers is what an undo must return to, whoever made it: another bot's record, or nobody's."""
    observed, recorded = target.observed(service), target.store.releases.live(target.name, service)
    if observed is None or (recorded and observed.runs(recorded)):
        return
    known = adopt.recorded(target, service, observed, f"{ctx.run}/adopted", ctx.actor, keep=False)
    target.mark(known, "live", f"found live by {ctx.run}")


def gave_way(target: Target, row: ReleaseRow, run: str) -> None:
    """Before what a run made ready is taken away: nobody is on it, and the record says so.

    That is so already where the bot itself sent people back. Where a person did it by hand the record follows what answers.
    StepFailed (`still_live`) if that is `row`: taking it away would be worse.
    """
    if row.state != "live":
        return
    rollout, back = target.rollout(row.service), left(target, row)
    called = f"{row.tag} ({row.id})"
    if rollout.serving(row):
        raise StepFailed(
            f"{called} is still what answers in {row.environment}, so it was not taken away.",
            f"Say `rollback {row.environment} --service {row.service} --to {back.id}`, then remove it." if back else "",
            code="still_live",
        )
    if back is not None and not rollout.serving(back):
        raise StepFailed(
            f"Neither {called} nor {back.tag} ({back.id}) answers in {row.environment}.",
            f"Get {back.tag} ({back.id}) to answer first.",
            code="nothing_answers",
        )
    if back is not None:
        target.mark(back, "live", f"again, by hand after {run}")


def left(target: Target, row: ReleaseRow) -> ReleaseRow | None:
    """The release that `row` takes over from, or took over from: the live one, or the last one that was."""
    live = target.store.releases.live(row.environment, row.service)
    if live and live.number != row.number:
        return live
    rows = target.store.releases.list(row.environment, row.service, _LOOK_BACK)
    retired = [one for one in rows if one.state in ("retired", "bad") and one.retired_at and one.live_at]
    return max(retired, key=lambda one: one.retired_at or one.created_at, default=None)
