"""One grammar: what people say, in the order in which they say it, becomes the same command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pretend_world import ALICE, World

from opsbot.commands.parse import parse
from opsbot.commands.request import ChangeRequest, Note, Query, Request
from opsbot.commands.tree import Parsed, Tree
from opsbot.errors import NotFound, OpsError, UsageError

DEPLOY = ("deploy", {"tag": "v2", "environment": "production", "service": "web", "smoke": True, "one_way": False})
PROMOTE = (
    "promote",
    {"from": "staging", "environment": "production", "service": "web", "smoke": True, "one_way": False},
)
THEN = ("restore", {"backup": "yesterday 14:00", "database": "main", "environment": "staging"})
LOGS = ("logs", {"service": "web", "environment": "staging", "since": None, "grep": None})
BACK = ("rollback", {"environment": "staging", "to": None, "from": None, "service": "web"})
SAID: dict[str, tuple[str, dict[str, Any]]] = {
    "deploy v2 to production": DEPLOY,
    "Deploy v2 to Production": DEPLOY,
    "deploy to production v2": DEPLOY,
    "deploy v2 production": DEPLOY,
    "deploy production v2": DEPLOY,
    "deploy v2 of web to production": DEPLOY,
    "deploy web v2 to production": DEPLOY,
    "deploy v2 —env production": DEPLOY,
    "deploy --env=production --tag v2": DEPLOY,
    "ship v2 to production": DEPLOY,
    "deploy api v2 to production": ("deploy", {**DEPLOY[1], "service": "api"}),
    "deploy staging to production": ("deploy", {**DEPLOY[1], "tag": "staging"}),
    "deploy 1.10 to production": ("deploy", {**DEPLOY[1], "tag": "1.10"}),
    "deploy 12 to production": ("deploy", {**DEPLOY[1], "tag": "12"}),
    "roll back staging": BACK,
    "rollback staging": BACK,
    "rollback in staging": BACK,
    "rollback to staging": BACK,
    "rollback staging to v1": ("rollback", {**BACK[1], "to": "v1", "from": None}),
    "rollback staging from v3 to v1": ("rollback", {**BACK[1], "to": "v1", "from": "v3"}),
    "rollback staging v1": ("rollback", {**BACK[1], "to": "v1", "from": None}),
    "rollback staging to release 3": ("rollback", {**BACK[1], "to": 3, "from": None}),
    "rollback staging to web-3": ("rollback", {**BACK[1], "to": "web-3", "from": None}),
    "rollback staging web": BACK,
    "backup main on production": ("backup", {"database": "main", "environment": "production"}),
    "backup production": ("backup", {"database": "main", "environment": "production"}),
    "back up staging": ("backup", {"database": "main", "environment": "staging"}),
    "restore staging": ("restore", {"backup": "latest", "database": "main", "environment": "staging"}),
    "restore latest to staging": ("restore", {"backup": "latest", "database": "main", "environment": "staging"}),
    "restore backup 20260131-120000-3f2a main on staging": (
        "restore",
        {"backup": "20260131-120000-3f2a", "database": "main", "environment": "staging"},
    ),
    "restore last backup on staging": ("restore", {"backup": "latest", "database": "main", "environment": "staging"}),
    "Restore yesterday 14:00 on staging, please.": THEN,
    "restore staging yesterday 14:00": THEN,
    "restore main yesterday 14:00 on staging": THEN,
    "restore main of staging from yesterday 14:00": THEN,
    "restore staging to the backup yesterday 14:00": THEN,
    "restore 14:00 staging": ("restore", {**THEN[1], "backup": "14:00"}),
    "restore staging at 2:30pm": ("restore", {**THEN[1], "backup": "2:30pm"}),
    "restore last monday on staging": ("restore", {**THEN[1], "backup": "last monday"}),
    "restore 2026–03–31 9:30 on staging": ("restore", {**THEN[1], "backup": "2026-03-31 9:30"}),
    "restore 3 hours ago on staging": ("restore", {**THEN[1], "backup": "3 hours ago"}),
    "restore staging --backup=“monday 9:00”": ("restore", {**THEN[1], "backup": "monday 9:00"}),
    "promote staging to production": PROMOTE,
    "promote staging production": PROMOTE,
    "promote production from staging": PROMOTE,
    "promote from staging to production": PROMOTE,
    "promote to production from staging": PROMOTE,
    "promote web from staging to production": PROMOTE,
    "promote --from staging --env production": PROMOTE,
    "logs": ("logs", {**LOGS[1], "service": None, "environment": None}),
    "logs web staging": LOGS,
    "logs staging web": LOGS,
    "logs of web in staging": LOGS,
    "logs edge staging": ("logs", {**LOGS[1], "service": "edge"}),
    "logs db": ("logs", {**LOGS[1], "service": "db", "environment": None}),
    "logs web staging 1h connection refused": ("logs", {**LOGS[1], "since": "1h", "grep": "connection refused"}),
    "logs web refused in staging": ("logs", {**LOGS[1], "grep": "refused"}),
    "logs web staging since yesterday 14:00 grep refused": (
        "logs", {**LOGS[1], "since": "yesterday 14:00", "grep": "refused"}
    ),
    "logs web staging “in staging”": ("logs", {**LOGS[1], "grep": "in staging"}),
    "could you please roll back staging, thank you!": BACK,
    "Roll Back Staging…": BACK,
    "deploy v2 - -env production": DEPLOY,
    "deploy\u00a0v2\u202fto\u2009production\u00a0": DEPLOY,
    "deploy v2–rc1 to production": ("deploy", {**DEPLOY[1], "tag": "v2-rc1"}),
    "deploy “v2” to ‘production’": DEPLOY,
    "status": ("status", {"environment": None}),
    "status of staging": ("status", {"environment": "staging"}),
    "releases staging api": ("releases", {"environment": "staging", "service": "api", "limit": None}),
    "runs": ("runs", {"environment": None, "run": None, "limit": None}),
    "runs rabcde": ("runs", {"environment": None, "run": "rabcde", "limit": None}),
    "runs staging --limit 3": ("runs", {"environment": "staging", "run": None, "limit": 3}),
    "": ("help", {"topic": None}),
    "help": ("help", {"topic": None}),
    "help roll back": ("help", {"topic": "roll back"}),
    "deploy --help": ("help", {"topic": "deploy"}),
    "--help": ("help", {"topic": None}),
    "cancel": ("cancel", {"run": None}),
    "stop rabcde": ("cancel", {"run": "rabcde"}),
    "ack 3": ("ack", {"alert": 3}),
    "answer rabcde I looked at it, to be sure": ("answer", {"run": "rabcde", "text": "I looked at it, to be sure"}),
}  # fmt: skip


@pytest.mark.parametrize("text", SAID)
def test_people_say_it_in_their_own_order(text: str, world: World) -> None:
    command = parse(world.front.tree, Request(ALICE, "slack", text=text)).command

    name, params = SAID[text]
    if isinstance(command, ChangeRequest):
        assert (command.playbook, dict(command.params)) == (name, params)
        assert not command.plan_only
    else:
        assert isinstance(command, Query | Note)
        assert (command.name, dict(command.args)) == (name, params)


MISUNDERSTOOD = {
    "deply v2 to staging": (UsageError, "There is no command “deply”. Did you mean `deploy`?"),
    "roll staging": (UsageError, "`rollback`"),
    "xyzzy": (UsageError, "There is no command “xyzzy”. `help` lists the commands."),
    "deploy": (UsageError, "The tag is missing. Say `deploy TAG ENVIRONMENT [SERVICE]`."),
    "deploy v2": (UsageError, "The environment is missing: staging or production? Say `deploy TAG ENVIRONMENT [SERVICE]`."),
    "deploy staging": (UsageError, "The tag is missing."),
    "deploy v2 to prodution": (NotFound, "There is no environment “prodution”. Did you mean production?"),
    "deploy v2 --env prod": (NotFound, "There is no environment “prod”. Did you mean production?"),
    "deploy v2 to mars": (NotFound, "There is no environment “mars”. Known: production, staging."),
    "rollback stagng": (NotFound, "There is no environment “stagng”. Did you mean staging?"),
    "rollback v1": (UsageError, "The environment is missing: staging or production?"),
    "deploy v2 to staging now quickly": (NotFound, "There is no service “now”."),
    "deploy v2/x to staging": (UsageError, "“v2/x” cannot be an image tag."),
    "deploy v2 staging --evn x": (UsageError, "There is no option --evn. Did you mean --env"),
    "deploy v2 staging --env": (UsageError, "Say `deploy TAG ENVIRONMENT [SERVICE]`."),
    "status staging production": (UsageError, "I do not understand “production” here."),
    "ack": (UsageError, "The alert is missing. Say `ack ALERT`."),
    "promote staging": (UsageError, "The environment is missing: staging or production?"),
    "promote to production": (UsageError, "The word “from …” is missing: staging or production?"),
    "logs --since whenever": (UsageError, "I do not know when “whenever” is. Say such as 14:00"),
    "do not deploy v2 to staging": (UsageError, "There is no command “do”."),
    "deploy v2 to staging or production": (NotFound, "There is no service “or”."),
    "ack three": (UsageError, "The alert must be a whole number, not “three”."),
    "--env staging": (UsageError, "There is no option --env."),
}  # fmt: skip


@pytest.mark.parametrize("text", MISUNDERSTOOD)
def test_what_is_not_understood_is_answered_with_what_to_say(text: str, world: World) -> None:
    kind, expected = MISUNDERSTOOD[text]

    with pytest.raises(kind) as refused:
        parse(world.front.tree, Request(ALICE, "slack", text=text))

    assert expected in refused.value.sentence()


def test_the_terminal_and_the_channel_understand_the_same(world: World) -> None:
    typed = parse(world.front.tree, Request(ALICE, "terminal", argv=("deploy", "v2", "--env", "production")))
    said = parse(world.front.tree, Request(ALICE, "slack", text="deploy v2 to production"))

    assert typed.command == said.command


def test_json_and_plan_may_stand_anywhere_behind_the_command(world: World) -> None:
    parsed = parse(world.front.tree, Request(ALICE, "slack", text="deploy --json v2 --plan to staging"))

    assert parsed.as_json
    assert isinstance(parsed.command, ChangeRequest)
    assert parsed.command.plan_only


def test_environment_variables_do_not_answer_for_anybody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPS_DEPLOY_TAG", "DEPLOY_TAG", "TAG"):
        monkeypatch.setenv(name, "v9")

    with pytest.raises(UsageError):
        parse(world.front.tree, Request(ALICE, "slack", text="deploy to staging"))


CHANGES = ("deploy v2 to production", "roll back staging", "restore latest on staging", "promote staging to production",
           "back up staging", "rollback production to v1")  # fmt: skip
LITTLE = {"to", "in", "on", "at", "into", "from", "of", "for", "with", "the", "back", "since"}


@given(
    text=st.sampled_from(CHANGES), at=st.integers(0, 40), mark=st.sampled_from("abxz0-._ \u00a0é"), cut=st.booleans()
)
def test_a_slip_in_a_command_or_a_place_is_never_another_change(
    text: str, at: int, mark: str, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree = _shared(tmp_path_factory).front.tree
    at %= len(text)
    slipped = text[:at] + ("" if cut else mark) + text[at + cut :]

    command = _change(tree, slipped)
    meant = _change(tree, text)

    assert meant is not None
    if command is not None:
        assert _places(command) <= set(slipped.lower().split())
        assert command.playbook == meant.playbook, "only a whole path is a command"


@given(
    words=st.lists(
        st.sampled_from([*LITTLE, *" ".join(CHANGES).split(), "now", "not", "or", "v3", "latst", "?"]), max_size=7
    )
)
def test_every_word_of_a_change_is_accounted_for(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    tree = _shared(tmp_path_factory).front.tree
    text = " ".join(words)

    command = _change(tree, text)

    if command is not None:
        found = tree.find(words)
        assert found is not None, "no change without the whole path of a command in front"
        spec, count = found
        said = [word.lower().rstrip("?") for word in words[count:]]
        values = {part for value in command.params.values() for part in str(value).lower().split()}
        names = {name for param in spec.params for name in (param.name, param.type)}
        assert {word for word in said if word} <= values | names | LITTLE | {"last", "newest"}
        assert _places(command) <= set(said), "a place is always said"


def _change(tree: Tree, text: str) -> ChangeRequest | None:
    try:
        command = parse(tree, Request(ALICE, "slack", text=text)).command
    except OpsError:
        return None
    return command if isinstance(command, ChangeRequest) else None


def _places(command: ChangeRequest) -> set[str]:
    return {
        str(value)
        for name, value in command.params.items()
        if name == "environment" or value in ("staging", "production")
    }


COMMANDS = st.sampled_from(["", "deploy", "roll back", "restore", "status", "runs", "answer", "help", "ack", "cancel"])
PIECES = st.sampled_from(
    ["to", "staging", "production", "v1", "--env", "--json", "--", "-x", "release", "web", "“", "'", "3", "="]
)


@given(command=COMMANDS, pieces=st.lists(PIECES | st.text(max_size=12), max_size=8))
def test_whatever_is_typed_is_a_command_or_a_sentence(
    command: str, pieces: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree = _shared(tmp_path_factory).front.tree
    text = " ".join([command, *pieces])
    for request in (Request(ALICE, "slack", text=text), Request(ALICE, "terminal", argv=(command, *pieces))):
        try:
            parsed = parse(tree, request)
        except OpsError as error:
            answer = error.sentence()
        else:
            answer = parsed.spec.path
        assert answer


@given(command=COMMANDS.filter(bool), words=st.lists(PIECES | st.text(max_size=12), max_size=8))
def test_words_without_options_mean_what_click_makes_of_them(
    command: str, words: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree = _shared(tmp_path_factory).front.tree
    plain = [word for word in words if not word.startswith("-")]
    found = tree.find([command, *plain])
    assert found
    spec, count = found

    def outcome(understand: Callable[[], Parsed]) -> tuple[object, ...]:
        try:
            parsed = understand()
        except OpsError as error:
            return type(error), error.sentence()
        return parsed.command, parsed.spec, parsed.as_json

    assert outcome(lambda: tree.understand([command, *plain])) == outcome(
        lambda: tree.by_click(spec, [command, *plain][count:])
    )


_worlds: list[World] = []


def _shared(factory: pytest.TempPathFactory) -> World:
    if not _worlds:
        _worlds.append(World(factory.mktemp("shared")))
    return _worlds[0]
