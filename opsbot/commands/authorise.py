"""Who may do what, and where. Pure: settings, actor and command in; nothing, or a refusal that says why and who can, out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from opsbot.commands.request import Actor, ChangeRequest, Command, Note, Query
from opsbot.config.settings import ROLES, Config, Role
from opsbot.errors import Refused
from opsbot.playbooks.playbook import Playbook

NOTES: Mapping[str, Role] = {  # every other note needs an operator
    "approve": "approver",
    "reject": "approver",
    "sign": "approver",
    "freeze": "approver",
    "unfreeze": "approver",
    "unblock": "approver",
    "break-glass": "admin",
}
OF_RUNS = ("cancel", "approve", "reject", "answer", "complete", "sign", "break-glass")  # judged where their run is
OF_TARGETS = ("lock", "unlock", "freeze", "unfreeze", "unblock")  # judged where their target is
JUDGED_LATER = (*OF_RUNS, *OF_TARGETS, "ack")  # an alert's note is judged where the alert is
NAMES_SHOWN = 6


def role_of(config: Config, actor: Actor, groups: Collection[str] = (), environment: str | None = None) -> Role:
    """The highest role that the settings give, for the team or in that environment; guests have the lowest.

    `groups`: the usergroups of the actor, as `@name` or id. What the team itself configured (a schedule) and what
    follows from its runs (recovery) acts as an operator; so does CI, which its door keeps to a few commands.
    """
    if actor.kind != "person":
        return "operator" if actor.kind in ("schedule", "recovery", "ci") else "viewer"
    if actor.guest:
        return "viewer"
    mine = {actor.id, *groups}
    held = [role for roles in _given(config, environment) for role, members in roles.items() if mine & set(members)]
    if actor.id.startswith("terminal:"):  # a login that nobody mapped never gets the default of the team
        held = held or ["viewer"]
    return max(held or [config.team.default_role], key=ROLES.index)


def everywhere(config: Config, actor: Actor, groups: Collection[str] = ()) -> tuple[Role, str | None]:
    """The lowest role that the actor has in any environment, and where that is: it counts for what reaches all of them."""
    places: list[str | None] = [*config.environments] or [None]
    return min(
        ((role_of(config, actor, groups, place), place) for place in places), key=lambda held: ROLES.index(held[0])
    )


def highest(config: Config, actor: Actor, groups: Collection[str] = ()) -> Role:
    """The highest role that the actor has anywhere: enough to be asked which environment is meant, and for no act."""
    places = [None, *config.environments]
    return max((role_of(config, actor, groups, place) for place in places), key=ROLES.index)


def needed(config: Config, command: Command, playbooks: Mapping[str, Playbook]) -> Role:
    """The lowest role that may say this."""
    if isinstance(command, Query):
        return "viewer"
    if isinstance(command, Note):
        return NOTES.get(command.name, "operator")
    if command.break_glass is not None:
        return "admin"
    return "viewer" if command.plan_only else _for_change(config, command, playbooks[command.playbook])


def admit(config: Config, actor: Actor, command: Command | None, called: Callable[[str], str] = str) -> None:
    """Raise Refused (code `guest`) for a guest, who may ask for `help` and for nothing else."""
    if actor.guest and not (isinstance(command, Query) and command.name == "help"):
        ask = who_can(config, "operator", None, called, {actor.id})
        unknown = actor.name == actor.id  # Slack has told nothing of this person
        you = "Slack does not tell me who you are, so you are a guest here," if unknown else "You are a guest here,"
        raise Refused(f"{you} and guests may ask me for nothing but `help`.", ask, code="guest")


def authorise(
    config: Config,
    actor: Actor,
    command: Command,
    playbooks: Mapping[str, Playbook],
    groups: Collection[str] = (),
    called: Callable[[str], str] = str,
) -> None:
    """Raise Refused (code `not_allowed`, or `guest`) unless the actor may do this where it would be done.

    A note that is judged elsewhere passes with a role anywhere, as long as it does not say where.
    """
    admit(config, actor, command, called)
    lowest, where = needed(config, command, playbooks), place(command, playbooks)
    if lowest == ROLES[0]:  # which everybody else has
        return None
    if where is None and isinstance(command, Note) and command.name in JUDGED_LATER:
        return require_somewhere(config, actor, lowest, _words(command), groups, called)
    return require(config, actor, lowest, _words(command), where, groups, called)


def require(
    config: Config,
    actor: Actor,
    lowest: Role,
    what: str,
    environment: str | None = None,
    groups: Collection[str] = (),
    called: Callable[[str], str] = str,
) -> None:
    """Raise Refused (code `not_allowed`) unless the actor has that role there; in every environment, if none is named.

    `what` is said: “viewers may not `what`”. `called`: a member's id → the name people know.
    """
    role, worst = everywhere(config, actor, groups)
    if environment is not None:
        role = role_of(config, actor, groups, environment)
    if ROLES.index(role) >= ROLES.index(lowest):
        return
    ask = who_can(config, lowest, environment, called, {actor.id})
    if environment is None and ROLES.index(highest(config, actor, groups)) >= ROLES.index(lowest):
        needs = f"To {what} you need the role {lowest} in every environment; in {worst} you are {role}."
        raise Refused(needs, ask, code="not_allowed")
    raise _not_allowed(role, f"{what} in {environment}" if environment else what, ask)


def require_somewhere(
    config: Config,
    actor: Actor,
    lowest: Role,
    what: str,
    groups: Collection[str] = (),
    called: Callable[[str], str] = str,
) -> None:
    """Raise Refused (code `not_allowed`) for whoever has that role nowhere, before it is known where it is wanted."""
    role = highest(config, actor, groups)
    if ROLES.index(role) < ROLES.index(lowest):
        raise _not_allowed(role, what, who_can(config, lowest, None, called, {actor.id}))


def _not_allowed(role: Role, what: str, ask: str) -> Refused:
    return Refused(f"Your role is {role}, and {role}s may not {what}.", ask, code="not_allowed")


def who_can(
    config: Config,
    lowest: Role,
    environment: str | None = None,
    called: Callable[[str], str] = str,
    without: Collection[str] = (),
) -> str:
    """Whom to ask: “Ask bob, alice.”, or where opsbot.yml should name somebody."""
    people = able(config, lowest, environment, without)
    if people:
        return f"Ask {', '.join(called(member) for member in people[:NAMES_SHOWN])}."
    if able(config, lowest, environment):
        return f"Nobody else is {lowest}: opsbot.yml says who is, under team.roles."
    return f"Nobody is {lowest} yet: opsbot.yml says who is, under team.roles."


def able(config: Config, lowest: Role, environment: str | None = None, without: Collection[str] = ()) -> list[str]:
    """Members and usergroups with that role or a higher one, nearest role first."""
    enough = ROLES[ROLES.index(lowest) :]
    found = [member for role in enough for roles in _given(config, environment) for member in roles.get(role, ())]
    return [member for member in dict.fromkeys(found) if member not in without]


def place(command: Command, playbooks: Mapping[str, Playbook]) -> str | None:
    """The environment that a command is about, if it names one."""
    if isinstance(command, ChangeRequest):
        name = playbooks[command.playbook].environment_param()
        return str(command.params[name]) if name and name in command.params else None
    named = command.args.get("environment")
    return str(named) if named is not None else None


def _given(config: Config, environment: str | None) -> list[Mapping[Role, tuple[str, ...]]]:
    settings = config.environments.get(environment or "")
    return [config.team.roles, *([settings.roles] if settings else [])]


def _for_change(config: Config, command: ChangeRequest, playbook: Playbook) -> Role:
    """An operator may change what is not protected, do what has little risk, and ask for what somebody else approves."""
    name = playbook.environment_param()
    settings = config.environments.get(str(command.params.get(name or "")))
    if playbook.risk == "low" or playbook.approve is not None or (settings is not None and not settings.protected):
        return "operator"
    return "approver"


def _words(command: Command) -> str:
    if isinstance(command, ChangeRequest):
        return f"{command.playbook} without a second person" if command.break_glass is not None else command.playbook
    return command.name
