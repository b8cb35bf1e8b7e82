"""What must be so after each playbook whose owner was killed: old or new, nothing left over, and told as it is."""

from __future__ import annotations

import uuid

from killing import Point, World

from opsbot.runs.run import FINAL


def finish(world: World, point: Point, cancelled: bool, run: str, says: str) -> str:
    """Kill its owner, let somebody ask to stop it if so wanted, and let another owner finish, who then `says` it."""
    killed = world.kill_at(point, run)
    if cancelled and world.row(run).status not in FINAL:
        world.stop(run)
    status = world.finish(run)
    assert status in (("succeeded", "cancelled") if cancelled else ("succeeded",)), world.why(run)
    world.tells_the_truth(run, killed, says)
    world.nothing_is_left(run)
    world.done_once(run)
    return status


def deploy(world: World, point: Point, cancelled: bool) -> None:
    old = world.live()
    tag = "v1" if old.tag == "v2" else "v2"
    with world.nobody_notices():
        run = world.ask("deploy", tag, "--env", "test")
        status = finish(world, point, cancelled, run, f"{tag} is live in test.")
    new = world.live()
    assert (new.tag, new.run) == (tag, run) if status == "succeeded" else new.number == old.number
    assert len([row for row in world.bot.store.releases.list("test", "web", 200) if row.run == run]) <= 1


def rollback(world: World, point: Point, cancelled: bool) -> None:
    left = world.live()
    with world.nobody_notices():
        run = world.ask("rollback", "test")
        back = world.bot.targets.get("test").row("web", again_of(world, run))
        status = finish(world, point, cancelled, run, f"{back.tag} is live again in test.")
    now, target = world.live(), world.bot.targets.get("test")
    again = target.row("web", left.number)
    if status == "succeeded":
        assert (now.number, again.state) == (back.number, "bad")
        target.mark(again, "retired")
        world.do("rollback", "test", "--to", str(left.number))  # it is warm: sooner than a deploy
        target.mark(target.row("web", now.number), "retired")
    else:
        assert (now.number, again.state) == (left.number, "live")


def again_of(world: World, run: str) -> int:
    """The release that the plan said it goes back to."""
    facts = world.row(run).plan["facts"]
    return int(next(fact["bind"][0] for _, fact in facts if fact["key"] == "release"))


def backup(world: World, point: Point, cancelled: bool) -> None:
    before = world.stored()[0]
    run = world.ask("backup", "main", "--env", "test")
    status = finish(world, point, cancelled, run, "The backup is in the bucket and whole.")
    manifests, dumps = world.stored()
    assert manifests == dumps
    assert before <= manifests
    assert len(manifests - before) == (1 if status == "succeeded" else 0), "one that was stopped leaves none"


def restore(world: World, point: Point, cancelled: bool) -> None:
    word = uuid.uuid4().hex
    world.sql("INSERT INTO public.noise VALUES (0, %s)", word)
    rows, before = world.sql("SELECT count(*) FROM public.noise"), world.stored()[0]
    run = world.ask("restore", "latest", "--env", "test")
    status = finish(world, point, cancelled, run, "main of test is back at ")
    manifests, dumps = world.stored()
    assert manifests == dumps
    assert before <= manifests
    assert len(manifests - before) == (1 if status == "succeeded" else 0), "the safety backup"
    found = world.sql("SELECT count(*) FROM public.noise WHERE body = %s", word)
    old = [name for name in world.databases() if name != "minitwit"]
    if status == "succeeded":
        assert found == [(0,)]
        assert [name.partition("_old_")[2] for name in old] == [run], "what it replaced is kept, and nothing else"
    else:
        assert (found, old) == ([(1,)], [])
        assert world.sql("SELECT count(*) FROM public.noise") == rows
        world.sql("DELETE FROM public.noise WHERE body = %s", word)
    for name in old:
        world.drop(name)


def asked_to_promote(world: World) -> tuple[str, str]:
    """`source` runs another tag of `note` than `test`, if that runs any; run and tag of the promotion."""
    before, running = (world.bot.store.releases.live(where, "note") for where in ("test", "source"))
    tag = "v1" if before and before.tag == "v2" else "v2"
    if running is None or running.tag != tag:
        world.do("deploy", tag, "--env", "source", "--service", "note")
    return world.ask("promote", "source", "test", "--service", "note"), tag


def promote(world: World, point: Point, cancelled: bool) -> None:
    """The service `note`, which is updated in place: what the other environment runs, or what ran here, if anything did."""
    before = world.picture()
    run, tag = asked_to_promote(world)
    status = finish(world, point, cancelled, run, f"{tag} is live in test, as in source.")
    now = world.bot.store.releases.live("test", "note")
    if status == "succeeded":
        assert now is not None
        assert (now.tag, now.run) == (tag, run)
        assert world.bot.targets.get("test").rollout("note").serving(now)
    else:
        assert world.picture() == before


def stack_apply(world: World, point: Point, cancelled: bool) -> None:
    """A service of the stack file that is new, or differs."""
    before, word = world.picture(), world.want_other_part()
    run = world.ask("stack", "apply", "test")
    status = finish(world, point, cancelled, run, "part in test run as the files say.")
    stack = world.bot.targets.stack("test")
    left = [change.service for change in stack.difference(stack.wanted()).changes]
    if status == "succeeded":
        assert (world.part(), left) == (word, [])
    else:
        assert (world.picture(), left) == (before, ["part"])


def asked(world: World, playbook: str) -> tuple[str, str]:
    """Somebody asks for what is going to be stopped; the run, and what it would say had it gone well."""
    match playbook:
        case "deploy":
            tag = "v1" if world.live().tag == "v2" else "v2"
            argv, says = ("deploy", tag, "--env", "test"), f"{tag} is live in test."
        case "restore" | "paused-restore":
            argv, says = (playbook, "latest", "--env", "test"), "main of test is back at "
        case "paused-backup":
            argv, says = (playbook, "main", "--env", "test"), "The backup is in the bucket and whole."
        case "paused-rollback":
            argv, says = (playbook, "test"), " is live again in test."
        case "promote":
            run, tag = asked_to_promote(world)
            return run, f"{tag} is live in test, as in source."
        case _:
            world.want_other_part()
            argv, says = ("stack", "apply", "test"), "part in test run as the files say."
    return world.ask(*argv), says


JUDGES = {
    "deploy": deploy,
    "rollback": rollback,
    "backup": backup,
    "restore": restore,
    "promote": promote,
    "stack-apply": stack_apply,
}
