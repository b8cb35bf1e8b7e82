"""Forms: what is asked for a command, and that the answers mean exactly what the same words mean."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pretend_world import ALICE, BOB, CAROL, EVE, ROOT, World, shown

from opsbot.commands.desk import Desk
from opsbot.commands.form import Choice, Form, said, wanted
from opsbot.commands.front import Front
from opsbot.commands.parse import parse
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.errors import NotFound, OpsError, Refused, Unavailable
from opsbot.playbooks.load import load


def asks(text: str, actor: Actor = ALICE, channel: str | None = None) -> Request:
    return Request(actor, "slack", text=text, channel="C1", channel_name=channel)


def form(world: World, text: str, actor: Actor = ALICE) -> Form:
    return Desk(world.front).form(asks(text, actor))


def offered(world: World, path: str, name: str, typed: str, values: dict[str, str]) -> list[Choice]:
    desk = Desk(world.front)
    return desk.narrowed(desk.listed(path, name, values), path, name, typed)


def test_a_deploy_asks_where_first_and_finds_its_tags_while_one_types(world: World) -> None:
    found = form(world, "deploy")

    assert [(field.name, field.kind, field.required) for field in found.fields] == [
        ("environment", "choice", True),
        ("service", "choice", False),
        ("tag", "search", True),
        ("smoke", "yes_no", False),
    ]
    assert [choice.value for choice in found.fields[0].choices] == ["staging", "production"]
    assert [field.value for field in found.fields] == ["", "web", "", "yes"]


def test_what_was_typed_already_stands_in_the_form(world: World) -> None:
    found = form(world, "deploy v2 --smoke no --env staging --plan")

    assert {field.name: field.value for field in found.fields} == {
        "environment": "staging",
        "service": "web",
        "tag": "v2",
        "smoke": "no",
    }


def test_what_is_dangerous_is_in_a_form_only_if_it_was_typed(world: World) -> None:
    for words in ("--one-way yes", "--one_way=yes"):
        fields = {field.name: field for field in form(world, f"deploy v2 {words}").fields}
        assert (fields["one_way"].label, fields["one_way"].value) == ("One way", "yes")


def test_a_form_offers_only_the_environments_in_which_its_asker_may_say_it(world: World) -> None:
    with pytest.raises(Refused) as refused:
        form(world, "deploy", EVE)
    assert refused.value.code == "not_allowed"
    kept = world.store.audit.list()[0]
    assert (kept.what, kept.outcome, kept.actor["id"]) == ("deploy", "not_allowed", EVE.id)
    assert [choice.value for choice in form(world, "deploy", CAROL).fields[0].choices] == ["staging", "production"]


def test_every_command_that_lacks_something_has_a_form(world: World) -> None:
    for spec in world.front.tree.specs.values():
        found = form(world, spec.path)
        settled = {one.name for one in spec.params if one.terminal or (one.type == "database" and not one.required)}
        settled |= {one.name for one in spec.params if one.option and one.default is False}  # only where it was typed
        assert {field.name for field in found.fields} | settled == {param.name for param in spec.params}


def test_where_there_is_nothing_to_choose_nothing_is_asked(world: World) -> None:
    assert [field.name for field in form(world, "backup").fields] == ["environment"]


def test_words_that_name_no_command_have_no_form(world: World) -> None:
    with pytest.raises(NotFound):
        form(world, "dance")


def test_wrong_answers_are_said_beside_their_fields(world: World) -> None:
    desk = Desk(world.front)

    assert desk.faults("deploy", {"environment": "stagin", "tag": "v 2"}).keys() == {"environment", "tag"}
    assert desk.faults("deploy", {"environment": "staging"}) == {"tag": "This is needed."}
    assert "such as 30s" in desk.faults("lock", {"target": "staging", "for": "long", "reason": "x"})["for"]
    assert desk.faults("deploy", {"environment": "staging", "tag": "v2"}) == {}


def test_a_refusal_is_about_the_field_that_its_code_names(world: World) -> None:
    desk = Desk(world.front)

    assert desk.fault_of("deploy", "unknown_tag") == "tag"
    assert desk.fault_of("rollback", "unknown_release") == "to"
    assert desk.fault_of("deploy", "locked") is None
    assert desk.fault_of("deploy", "tag") is None


@pytest.mark.parametrize(
    ("path", "values", "text"),
    [
        ("deploy", {"environment": "staging", "tag": "v2", "service": "web", "smoke": "yes"}, "deploy v2 to staging"),
        ("deploy", {"environment": "staging", "tag": "v2", "smoke": "no"}, "deploy v2 to staging --smoke no"),
        ("deploy", {"environment": "staging", "tag": "v2", "one_way": "yes"}, "deploy v2 to staging --one-way yes"),
        ("deploy", {"environment": "production", "tag": "v2", "service": "api"}, "deploy v2 to production api"),
        ("rollback", {"environment": "production"}, "rollback production"),
        ("rollback", {"environment": "production", "to": "3"}, "rollback production 3"),
        ("backup", {"environment": "staging", "database": "main"}, "backup staging"),
        ("status", {}, "status"),
        ("ack", {"alert": "4"}, "ack 4"),
        ("lock", {"target": "staging", "for": "2h", "reason": "a demo"}, "lock staging --for 2h a demo"),
        ("answer", {"run": "rabcde", "text": "the disk was replaced"}, "answer rabcde the disk was replaced"),
    ],
)
def test_answers_become_the_words_that_people_would_type(
    world: World, path: str, values: dict[str, str], text: str
) -> None:
    assert Desk(world.front).said(path, values).text == text
    assert Desk(world.front).said(path, values).argv is None


def test_free_text_with_quotes_and_dashes_means_itself(world: World) -> None:
    for reason in ('say "no" twice', "--plan is what I want", "it's “curly”", "`code` <b> & more", "a\n\nb"):
        heard = Desk(world.front).said("lock", {"target": "staging", "for": "1h", "reason": reason})
        request = Request(ALICE, "slack", text=heard.text, argv=heard.argv)
        command = parse(world.front.tree, request).command
        assert command.args["reason"].split() == reason.split()  # type: ignore[union-attr]  # a note


def test_any_answers_that_a_form_takes_mean_what_their_words_mean(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World(tmp_path_factory.mktemp("forms"))
    specs = [spec for spec in world.front.tree.specs.values() if not spec.verbatim]
    words = st.one_of(
        st.sampled_from(
            ["staging", "production", "web", "api", "main", "v2", "1.10", "latest", "yes", "no", "2h", "7"]
        ),
        st.sampled_from(["to", "from", "back", "service", "release", "plan", "--json", "please", "now", "in"]),
        st.text(alphabet="av1.- \"'`<&“”", min_size=1, max_size=6),
    )

    @given(st.sampled_from(specs).flatmap(lambda spec: st.tuples(st.just(spec), st.fixed_dictionaries(
        {param.name: st.one_of(st.just(""), words) for param in spec.params}
    ))))  # fmt: skip
    def holds(filled: tuple[object, dict[str, str]]) -> None:
        spec, values = filled
        values = {name: " ".join(text.split()) for name, text in values.items()}
        try:
            command = wanted(spec, values, world.front.tree.known)  # type: ignore[arg-type]  # from the tree
        except OpsError:
            return
        heard = said(world.front.tree, spec, values)  # type: ignore[arg-type]  # from the tree
        assert parse(world.front.tree, Request(ALICE, "slack", text=heard.text, argv=heard.argv)).command == command

    holds()
    world.store.close()


def test_a_playbook_that_nobody_knows_has_its_form_by_its_file_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.playbooks = {"reference": load(ROOT / "playbooks" / "reference.yml", world.steps)}
    desk = Desk(Front(world.services()))

    found = desk.form(asks("reference card staging --times 3"))

    assert {field.name: (field.kind, field.value) for field in found.fields} == {
        "environment": ("choice", "staging"),
        "service": ("choice", "web"),
        "size": ("choice", "small"),
        "times": ("number", "3"),
        "pause": ("text", "1s"),
        "note": ("text", ""),
    }
    values = {"environment": "staging", "size": "large", "pause": "2m", "note": "well done"}
    assert desk.said("reference card", values).text == 'reference card staging large 2m --note "well done"'
    assert desk.faults("reference card", {**values, "times": "often"}).keys() == {"times"}
    world.store.close()


def test_tags_are_newest_first_and_say_what_became_of_them(world: World) -> None:
    world.release("v1")
    world.release("v1", "production")
    world.release("v0", state="bad")
    world.release("v2")
    world.tags = lambda _environment, _service: ["v10", "v2", "v1", "v0"]

    found = offered(world, "deploy", "tag", "", {"environment": "staging"})

    assert [choice.value for choice in found] == ["v10", "v2", "v1", "v0"]
    notes = {choice.value: choice.note for choice in found}
    assert notes["v10"] == ""
    assert notes["v2"].startswith("live now in staging, ")
    assert notes["v1"].startswith("was live ")
    assert notes["v1"].endswith("live in production")
    assert notes["v0"].startswith("blocked")


def test_a_search_finds_parts_of_words_and_keeps_what_was_typed(world: World) -> None:
    world.tags = lambda _environment, _service: [f"v{number}" for number in range(500, 0, -1)]

    assert len(offered(world, "deploy", "tag", "", {})) == 100
    assert [choice.value for choice in offered(world, "deploy", "tag", "v499", {})] == ["v499"]
    assert [choice.value for choice in offered(world, "deploy", "tag", "sha-abc", {})] == ["sha-abc"]
    assert offered(world, "deploy", "tag", "not a tag", {}) == []


def test_a_registry_that_is_dead_suggests_what_was_typed(world: World) -> None:
    def dead(_environment: str, _service: str) -> list[str]:
        raise Unavailable("The registry does not answer.")

    world.tags = dead

    assert [choice.value for choice in offered(world, "deploy", "tag", "v2", {})] == ["v2"]


def test_releases_and_runs_say_what_they_are(world: World) -> None:
    world.release("v1")
    world.release("v2")
    reply = world.say("deploy v2 to staging")

    releases = offered(world, "rollback", "to", "", {"environment": "staging"})
    assert [choice.value for choice in releases] == ["2", "1"]
    assert releases[1].note.startswith("v1 · was live ")
    [run] = offered(world, "cancel", "run", "", {})
    assert (run.value, run.note) == (reply.run, "Deploy web v2 to staging · queued")


def test_a_form_shows_what_would_happen_and_changes_nothing(world: World) -> None:
    desk = Desk(world.front)

    assert desk.preview(asks(""), "deploy", {"environment": "production"}) == []
    parts = desk.preview(asks(""), "deploy", {"environment": "production", "tag": "v2"})
    told = shown(Reply("", parts=parts))
    assert "image.resolve is ready." in told
    assert "Needs a yes of an approver" in told
    assert world.store.runs.list() == []
    world.red["image.resolve"] = NotFound("There is no tag v22.", "Did you mean v2?", code="unknown_tag")
    assert "There is no tag v22." in shown(
        Reply("", parts=desk.preview(asks(""), "deploy", {"environment": "staging", "tag": "v22"}))
    )


def test_a_form_for_a_command_that_is_gone_is_said(world: World) -> None:
    with pytest.raises(NotFound):
        Desk(world.front).faults("no such playbook", {})


def test_a_plan_of_somebody_else_waits_on_the_panel_with_a_yes_and_a_no(world: World) -> None:
    run = world.say("deploy v2 to production", CAROL).run
    desk = Desk(world.front)

    def buttons(actor: Actor) -> list[str]:
        return [button.command for reply in desk.panel(asks("", actor)) for button in reply.buttons]

    plan = world.engine.view(run or "").fingerprint
    assert {f"approve {run} --plan {plan}", f"reject {run} --plan {plan}"} <= set(buttons(BOB))
    assert f"cancel {run}" in buttons(CAROL)
    assert not [command for command in buttons(CAROL) if command.startswith("approve")]
    assert not any(command.startswith(("approve", "deploy", "backup")) for command in buttons(EVE))


def test_the_panel_is_that_of_the_channels_environment(world: World) -> None:
    world.release("v1")
    world.release("v2")
    world.release("v9", "production")

    told = "\n".join(shown(reply) for reply in Desk(world.front).panel(asks("", channel="#staging")))

    assert "web v2" in told
    assert "Deploy…: opsbot deploy --environment staging" in told
    assert "Roll back to v1: opsbot rollback staging --service web --to 1 --from 2" in told
    assert "Back up: opsbot backup main on staging" in told
    assert "v9" not in told
    assert "Times are those of UTC." in told


def test_the_home_page_tells_times_in_its_viewers_zone_and_is_equal_until_something_changes(world: World) -> None:
    desk = Desk(world.front)
    before = desk.state()
    assert desk.state() == before
    world.store.alerts.open(
        "probe:x", "front fails", "critical", "staging", None, {}, datetime(2026, 1, 5, 12, tzinfo=UTC)
    )
    assert desk.state() != before
    somewhere = Actor("person", "U01ALICE", "alice", "Asia/Tokyo")

    told = "\n".join(shown(reply) for reply in desk.home(asks("", somewhere)))

    assert "1 alert is open" in told
    assert "since 5 Jan 21:00" in told
    assert "Ack 1: opsbot ack 1" in told


def test_every_button_of_panel_and_home_is_a_command_that_may_be_typed(world: World) -> None:
    world.release("v1")
    world.release("v2")
    world.say("deploy v2 to production", CAROL)
    world.store.alerts.open("probe:x", "x", "critical", "staging", None, {}, datetime.now(UTC))

    def understood(command: str) -> str:
        try:
            parse(world.front.tree, asks(command))
        except OpsError as error:
            return error.code
        return "yes"

    buttons = [button for reply in Desk(world.front).home(asks("", BOB)) for button in reply.buttons]
    assert len(buttons) > 8
    for button in buttons:
        opens_a_form = button.label.endswith("…")
        assert understood(button.command) == ("missing_param" if opens_a_form else "yes"), button.command
