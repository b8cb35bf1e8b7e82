"""`opsbot doctor`: looks at everything that opsbot.yml names, at any time, all parts at once; each line with its cure.

It changes nothing but one object in the bucket, which it removes again. It works with everything down.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from opsbot.bot.reach import Reach
from opsbot.clock import Clock
from opsbot.commands.catalog import RESERVED
from opsbot.config import secrets, values
from opsbot.config.settings import Config, Role
from opsbot.errors import OpsError
from opsbot.install import look_engine, look_http, look_measured, look_slack, look_stored, two_records
from opsbot.install.finding import Check, Finding, bad, look, of_error, ok, warn
from opsbot.log import SHORTEST
from opsbot.playbooks import scenes
from opsbot.playbooks.load import load_all
from opsbot.runtime.target import Targets
from opsbot.steps.backups import Parts
from opsbot.steps.catalog import Collaborators, catalog
from opsbot.store import Store, open_store

APPROVING: tuple[Role, ...] = ("approver", "admin")
_WEAK: dict[secrets.Weakness, str] = {
    "short": f"has fewer than {SHORTEST} characters: it could not be blanked in messages and logs, so `serve` does not start.",
    "ordinary": "is an ordinary word or a common default: it is easily guessed, and [REDACTED] stands wherever a message"
    " or a log uses that word.",
}


def examine(load: Callable[[], Config], clock: Clock) -> dict[str, list[Finding]]:
    """Every finding by the name of its check. `load` may raise OpsError."""
    try:
        config = load()
    except OpsError as error:
        return {"settings": [of_error(error)]}
    found = {"settings": list(settings(config)), "secrets": list(redaction(config))}
    with _record(config) as (store, trouble):
        targets = Targets(config, store, clock)
        try:
            found |= look(_checks(config, targets, store, clock))
        finally:
            targets.close()
    if trouble:
        found["record"] = [of_error(trouble)]
    return found


def settings(config: Config) -> Iterator[Finding]:
    """Values that are read from outside and are not there; people who could say yes."""
    absent = config.missing_values()
    for name in absent:
        yield bad(f"{name} is not set here.", "Set it, or name a file that holds it in the variable with _FILE.")
    places = (config.team.roles, *(one.roles for one in config.environments.values()))
    held = {person for roles in places for role in APPROVING for person in roles.get(role, ())}
    protected = [name for name, one in config.environments.items() if one.protected]
    if not held:
        yield warn("Nobody may approve or administrate.", "Name people under team.roles in opsbot.yml.")
    elif protected and len(held) < 2:
        yield warn(f"{', '.join(protected)} needs a second person's yes, and there is none.", "Name one in team.roles.")
    if not config.environments:
        yield bad("opsbot.yml names no environment.", "Let `opsbot init` find what runs.")
    if not absent and config.environments:
        yield ok("opsbot.yml is valid, and every value that it reads from outside is set here.")


def redaction(config: Config) -> Iterator[Finding]:
    """Secrets that cannot be blanked well in messages, logs and the record. Tells where they are, never what they are."""
    weak = list(secrets.weak(config))
    for name, why in weak:
        told = bad if why == "short" else warn
        yield told(f"{name} {_WEAK[why]}", "Put a long random one in its place, such as `openssl rand -hex 16` makes.")
    if not weak:
        yield ok("Every secret that is set is long and no ordinary word: it is blanked wherever it would be shown.")


def _checks(config: Config, targets: Targets, store: Store, clock: Clock) -> dict[str, Check]:
    reach = Reach(config, targets)
    return {
        "playbooks": partial(playbooks, config, targets, reach, clock),
        **look_slack.checks(config, clock),
        **look_http.checks(config, store, clock),
        **look_engine.checks(config, targets),
        **look_stored.checks(config, targets, reach, store, clock),
        **look_measured.checks(config, reach, clock),
        "disk": partial(look_stored.disks, config, targets),
        "serve": partial(serving, config, targets, store, clock),
    }


def playbooks(config: Config, targets: Targets, reach: Reach, clock: Clock) -> Finding:
    """Whether each can be read, and has a rehearsal beside it: `serve` asks for both."""
    parts = Parts(reach.database, reach.bucket, clock)
    steps = catalog(Collaborators(clock, targets, parts, reach.edge_url, reach.execute, reach.start, reach.schema()))
    found = load_all(config.playbooks, steps, RESERVED)
    scenes.check_all(config.playbooks, found.values())
    return ok(f"All {len(found)} playbooks are valid, each with its rehearsal.")


def serving(config: Config, targets: Targets, store: Store, clock: Clock) -> Finding:
    """Whether a bot lives, and whether this is its record."""
    other = two_records.other_bot(config, targets, store, clock)
    if other:
        more = "Secrets and the record were looked at as they are here, not as that service has them."
        return warn(f"{two_records.told(other)} {more}", two_records.cure(other, ["doctor"]))
    holder = store.leases.holder("serve", clock.now())
    if holder is None:
        return warn(
            "No bot serves: nobody listens in chat, and no schedule runs.",
            "Start it, here with `opsbot serve` or as a Swarm service.",
        )
    return ok(f"A bot serves on {holder.partition(':')[0]}.")


@contextmanager
def _record(config: Config) -> Iterator[tuple[Store, OpsError | None]]:
    """The bot's own record; an empty one where it cannot be opened, so that the rest can still be looked at."""
    trouble: OpsError | None = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            store = open_store(values.text(config.store))
        except OpsError as error:
            trouble = error
            store = open_store(f"sqlite:///{Path(folder) / 'stand-in.db'}")
        try:
            yield store, trouble
        finally:
            store.close()
