"""Who may do what. Pure: settings, actor and command in; nothing, or a refusal that says why and who can, out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from opsbot.commands.request import Actor, ChangeRequest, Command, Note, Query
from opsbot.config.settings import ROLES, Config, Role
from opsbot.errors import Refused
from opsbot.playbooks.playbook import Playbook

NOTES: Mapping[str, Role] = {"approve": "approver", "reject": "approver"}  # every other note needs an operator


def role_of(config: Config, actor: Actor, groups: Collection[str] = ()) -> Role:
    """The highest role that the settings give; guests are viewers. `groups`: the usergroups of the actor, as `@name` or id.

    What the team itself configured (a schedule) and what follows from its runs (recovery) acts as an operator.
    """
    if actor.kind != "person":
        return "operator" if actor.kind in ("schedule", "recovery") else "viewer"
    if actor.guest:
        return "viewer"
    mine = {actor.id, *groups}
    held = [role for role, members in config.team.roles.items() if mine & set(members)]
    if actor.id.startswith("terminal:"):  # a login that nobody mapped never gets the default of the team
        held = held or ["viewer"]
    return max(held or [config.team.default_role], key=ROLES.index)


def needed(config: Config, command: Command, playbooks: Mapping[str, Playbook]) -> Role:
    """The lowest role that may say this."""
    if isinstance(command, Query):
        return "viewer"
    if isinstance(command, Note):
        return NOTES.get(command.name, "operator")
    return "viewer" if command.plan_only else _for_change(config, command, playbooks[command.playbook])


def authorise(
    config: Config,
    actor: Actor,
    command: Command,
    playbooks: Mapping[str, Playbook],
    groups: Collection[str] = (),
    called: Callable[[str], str] = str,
) -> None:
    """Raise Refused (code `not_allowed`) unless the actor may do this. `called`: a member's id → the name people know."""
    role, lowest = role_of(config, actor, groups), needed(config, command, playbooks)
    if ROLES.index(role) >= ROLES.index(lowest):
        return
    where = _place(command, playbooks)
    who = "You are a guest here, and guests" if actor.guest else f"Your role is {role}, and {role}s"
    raise Refused(f"{who} may not {_words(command)}{where}.", _who_can(config, lowest, called), code="not_allowed")


def _for_change(config: Config, command: ChangeRequest, playbook: Playbook) -> Role:
    """An operator may change what is not protected, do what has little risk, and ask for what somebody else approves."""
    environment = _environment(command, playbook)
    settings = config.environments.get(environment or "")
    if playbook.risk == "low" or playbook.approve is not None or (settings is not None and not settings.protected):
        return "operator"
    return "approver"


def _environment(command: ChangeRequest, playbook: Playbook) -> str | None:
    name = playbook.environment_param()
    return str(command.params[name]) if name and name in command.params else None


def _place(command: Command, playbooks: Mapping[str, Playbook]) -> str:
    environment = _environment(command, playbooks[command.playbook]) if isinstance(command, ChangeRequest) else None
    return f" in {environment}" if environment else ""


def _words(command: Command) -> str:
    return command.playbook if isinstance(command, ChangeRequest) else command.name


def _who_can(config: Config, lowest: Role, called: Callable[[str], str]) -> str:
    able = [role for role in ROLES[ROLES.index(lowest) :] if config.team.roles.get(role)]
    people = [member for role in able for member in config.team.roles[role]]
    if not people:
        return f"Nobody is {lowest} yet: opsbot.yml says who is, under team.roles."
    return f"Ask {', '.join(called(member) for member in people[:6])}."
