"""Who may do what: more role never means less right, and nobody outside the settings changes anything."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.commands.authorise import authorise, role_of
from opsbot.commands.request import Actor, ChangeRequest, Command, Note, Query
from opsbot.config.settings import ROLES, Config, Role
from opsbot.errors import Refused
from opsbot.playbooks.playbook import Playbook


def playbook(**keys: object) -> Playbook:
    return Playbook.model_validate(
        {
            "about": "Does something to it",
            "params": {"environment": {"type": "environment", "required": True}},
            "steps": [{"id": "a", "name": "Do it", "do": "announce"}],
            **keys,
        }
    )


PLAYBOOKS: Mapping[str, Playbook] = {
    "safe": playbook(risk="low"),
    "asked": playbook(approve={"from": "approver"}, on_reject="No.", on_expire="Late."),
    "risky": playbook(),
}


def settings(**members: list[str]) -> Config:
    return Config.model_validate(
        {
            "team": {"roles": members},
            "environments": {"staging": {"stack": "s"}, "production": {"stack": "p", "protected": True}},
        }
    )


def allowed(config: Config, actor: Actor, command: Command, groups: set[str] | None = None) -> bool:
    try:
        authorise(config, actor, command, PLAYBOOKS, groups or set())
    except Refused:
        return False
    return True


def change(name: str, environment: str) -> ChangeRequest:
    return ChangeRequest(name, {"environment": environment})


TABLE = [
    ("viewer", "safe", "staging", False),
    ("operator", "risky", "staging", True),
    ("operator", "safe", "production", True),
    ("operator", "asked", "production", True),
    ("operator", "risky", "production", False),
    ("approver", "risky", "production", True),
    ("admin", "risky", "production", True),
    ("operator", "risky", "nowhere", False),
]


@pytest.mark.parametrize(("role", "name", "environment", "may"), TABLE)
def test_changes_need_the_role_that_their_risk_asks_for(role: str, name: str, environment: str, may: bool) -> None:
    config = settings(**{role: ["U1"]})

    assert allowed(config, Actor("person", "U1", "ann"), change(name, environment)) is may


ROLE = st.sampled_from(ROLES)
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Query, st.sampled_from(["status", "runs"])),
    st.builds(Note, st.sampled_from(["ack", "cancel", "approve", "reject"])),
    st.builds(change, st.sampled_from(sorted(PLAYBOOKS)), st.sampled_from(["staging", "production"])),
)


@given(lower=ROLE, higher=ROLE, command=COMMANDS)
def test_a_higher_role_may_whatever_a_lower_one_may(lower: Role, higher: Role, command: Command) -> None:
    if ROLES.index(lower) > ROLES.index(higher):
        lower, higher = higher, lower
    ann = Actor("person", "U1", "ann")

    if allowed(settings(**{lower: ["U1"]}), ann, command):
        assert allowed(settings(**{higher: ["U1"]}), ann, command)


@given(command=COMMANDS, role=ROLE, id=st.text("U0123456789", min_size=2, max_size=6).filter(lambda id: id != "U1"))
def test_strangers_only_ask_and_guests_not_even_that(command: Command, role: Role, id: str) -> None:
    config = settings(**{role: ["U1"]})
    asks = isinstance(command, Query)

    assert allowed(config, Actor("person", id, "eve"), command) is asks
    assert not allowed(config, Actor("person", "U1", "ann", guest=True), command)
    assert allowed(config, Actor("person", "U1", "ann", guest=True), Query("help"))


@given(team=ROLE, there=ROLE, command=COMMANDS)
def test_a_role_in_one_environment_never_takes_one_away_and_gives_none_elsewhere(
    team: Role, there: Role, command: Command
) -> None:
    ann, config = Actor("person", "U1", "ann"), settings(**{team: ["U1"]})
    more = config.environments["staging"].model_copy(update={"roles": {there: ("U1",)}})
    wider = config.model_copy(update={"environments": {**config.environments, "staging": more}})
    elsewhere = isinstance(command, ChangeRequest) and command.params["environment"] == "production"

    if allowed(config, ann, command):
        assert allowed(wider, ann, command)
    elif elsewhere:
        assert not allowed(wider, ann, command)


@given(team=ROLE, staging=ROLE, production=ROLE)
def test_what_names_no_environment_is_allowed_to_whom_it_would_be_allowed_in_each(
    team: Role, staging: Role, production: Role
) -> None:
    ann, config = Actor("person", "U1", "ann"), settings(**{team: ["U1"]})
    given = {"staging": staging, "production": production}
    places = {
        name: place.model_copy(update={"roles": {given[name]: ("U1",)}}) for name, place in config.environments.items()
    }
    config = config.model_copy(update={"environments": places})
    whole = {"whole": playbook(params={})}

    try:
        authorise(config, ann, ChangeRequest("whole"), whole)
        may = True
    except Refused:
        may = False

    assert may is all(ROLES.index(role_of(config, ann, (), name)) >= ROLES.index("approver") for name in places)


def test_a_login_that_nobody_mapped_is_a_viewer_even_where_the_team_trusts_everybody() -> None:
    config = Config.model_validate({"team": {"default_role": "admin"}})

    assert role_of(config, Actor("person", "terminal:mallory", "mallory")) == "viewer"
    assert role_of(config, Actor("person", "U7", "dan")) == "admin"


def test_a_usergroup_counts_only_when_its_members_are_known() -> None:
    config = settings(operator=["@oncall"])
    ann = Actor("person", "U1", "ann")

    assert not allowed(config, ann, Note("ack"))
    assert allowed(config, ann, Note("ack"), {"@oncall"})


def test_what_follows_from_configuration_is_an_operator() -> None:
    assert role_of(Config(), Actor("schedule", "schedule:x", "x")) == "operator"
    assert role_of(Config(), Actor("recovery", "recovery", "recovery")) == "operator"
    assert role_of(Config(), Actor("ci", "ci:ci", "CI")) == "operator"
    assert role_of(Config(), Actor("alert", "alert:x", "x")) == "viewer"


def test_a_plan_may_be_looked_at_by_everybody() -> None:
    plan = ChangeRequest("risky", {"environment": "production"}, plan_only=True)

    assert allowed(settings(), Actor("person", "U9", "eve"), plan)


def test_whom_slack_tells_nothing_about_is_told_that() -> None:
    with pytest.raises(Refused, match=r"^Slack does not tell me who you are, so you are a guest here, and guests may"):
        authorise(settings(), Actor("person", "U1", "U1", guest=True), Query("status"), PLAYBOOKS)


def test_a_refusal_says_whom_to_ask_or_where_to_name_them() -> None:
    ann = Actor("person", "U1", "ann")
    with pytest.raises(Refused, match=r"Ask bob\.") as named:
        authorise(settings(approver=["U2"]), ann, Note("approve"), PLAYBOOKS, called=lambda _id: "bob")
    with pytest.raises(Refused, match="Nobody is approver yet"):
        authorise(settings(), ann, Note("approve"), PLAYBOOKS)
    assert named.value.code == "not_allowed"
