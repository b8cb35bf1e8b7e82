"""The front: a request in, a reply out, whatever happens. Parse, authorise, act, record."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from opsbot import log, metrics
from opsbot.commands import nearby, subject
from opsbot.commands.authorise import OF_RUNS, OF_TARGETS, admit, authorise
from opsbot.commands.catalog import NOTES, QUERIES, tree
from opsbot.commands.change import change, of_error
from opsbot.commands.deliveries import Deliveries
from opsbot.commands.explain import explain
from opsbot.commands.find_run import find_run
from opsbot.commands.help import help_reply
from opsbot.commands.parse import parse
from opsbot.commands.record import Record
from opsbot.commands.rehearse import rehearse
from opsbot.commands.reply import Code, Reply
from opsbot.commands.request import ChangeRequest, Command, Note, Query, Request
from opsbot.commands.services import Asked, Services
from opsbot.commands.suggest import suggest
from opsbot.commands.tree import Parsed, Tree
from opsbot.errors import OpsError, Refused, UsageError
from opsbot.store.rows import Entry, RunRow
from opsbot.store.seen import Claim

KEPT_BY_ENGINE = (
    *OF_RUNS,
    "lock",
    "unlock",
    "freeze",
    "unfreeze",
    "unblock",
)  # their audit rows are written in the same transaction

_log = log.get(__name__)


class Front:
    """Understands and answers every request, from every door."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.tree: Tree = tree(services.config, services.playbooks)
        self.record = Record(services.store.audit, services.clock)
        self._deliveries = Deliveries(services.store.seen, services.clock)

    @property
    def services(self) -> Services:
        """What commands may use of the rest."""
        return self._services

    def asked(self, request: Request) -> Asked:
        """Who asks, with what they may use."""
        place = request.channel, request.channel_name
        return Asked(request.actor, self._services, request.door, self._groups(request), *place)

    def refused(self, request: Request, what: str, error: Refused) -> None:
        """Keep a refusal that was found before there was a command: somebody opened a form that is not for them."""
        self._record(request, what, None, error.code, {"why": error.what})

    def suggest(self, prefix: str) -> list[str]:
        """What may come next in a half-typed command. Never raises."""
        return suggest(self.tree, self._services, prefix)

    def handle(self, request: Request) -> Reply:
        """The answer. Never raises: what was not expected is logged with an id and answered with it."""
        began = time.monotonic()
        parsed: Parsed | None = None
        try:
            parsed = self._parsed(request)
            reply = self._act(request, parsed)
        except OpsError as error:
            reply = of_error(error)
            reply = replace(reply, buttons=[*reply.buttons, *nearby.buttons(self.tree, request, error)])
            self._refused(request, parsed, error)
        except Exception:  # noqa: BLE001 - the last line before a person: they get an id, the log gets all of it
            reply = _unexpected(request)
        name = parsed.spec.path if parsed else "unknown"
        metrics.COMMANDS.labels(name, request.door, reply.code).inc()
        _log.info(
            "command", name=name, actor=request.actor.id, door=request.door, code=reply.code,
            seconds=round(time.monotonic() - began, 3),
        )  # fmt: skip
        return _as_json(reply) if parsed and parsed.as_json else reply

    def _parsed(self, request: Request) -> Parsed:
        """The words, understood. To a guest it is not explained what they might have meant."""
        try:
            return parse(self.tree, request)
        except OpsError:
            self.admit(request, "unknown")
            raise

    def admit(self, request: Request, what: str) -> None:
        """Refused, and kept, if the asker is a guest. For what is asked before there is a command."""
        try:
            admit(self._services.config, request.actor, None, self._services.called)
        except Refused as error:
            self.refused(request, what, error)
            raise

    def _act(self, request: Request, parsed: Parsed) -> Reply:
        services, command = self._services, parsed.command
        admit(services.config, request.actor, command, services.called)
        asked = self.asked(request)
        if not (isinstance(command, Note) and command.name in (*OF_RUNS, *OF_TARGETS)):
            authorise(services.config, request.actor, command, services.playbooks, asked.groups, services.called)
        if isinstance(command, Query):
            return self._query(asked, command, as_json=parsed.as_json)
        if isinstance(command, Note):
            return self._deliveries.once(request.key, lambda _claim: self._note(asked, request, command), twice=False)
        return self._deliveries.once(
            request.key, lambda claim: self._change(asked, request, command, claim), twice=True
        )

    def _note(self, asked: Asked, request: Request, note: Note) -> Reply:
        reply = replace(NOTES[note.name][1](asked, note.args), news=True)
        if note.name not in KEPT_BY_ENGINE or not reply.ok:
            self._keep(request, note, reply.code, "said" if reply.ok else "why", reply.text)
        return reply

    def _change(self, asked: Asked, request: Request, wanted: ChangeRequest, claim: Claim | None) -> Reply:
        reply = change(asked, request, wanted, claim)
        if not reply.ok and not wanted.plan_only:
            self._keep(request, wanted, reply.code, "why", reply.text)
        return reply

    def _query(self, asked: Asked, query: Query, *, as_json: bool) -> Reply:
        match query.name:
            case "help":
                return help_reply(self.tree, asked, query.args.get("topic"), as_json=as_json)
            case "explain":
                return explain(asked, query.args["what"], lambda text: self._understood(asked, text))
            case "rehearse":
                return rehearse(asked, query.args["playbook"])
        return QUERIES[query.name][1](asked, query.args)

    def _understood(self, asked: Asked, text: str) -> Command:
        return parse(self.tree, Request(asked.actor, asked.door, argv=tuple(text.split()))).command

    def _groups(self, request: Request) -> Collection[str]:
        """The asker's usergroups; none while nobody can tell, so that a doubt never gives a right."""
        if request.actor.kind != "person" or request.actor.guest:
            return ()
        try:
            return self._services.groups(request.actor.id)
        except OpsError as error:
            _log.warning("groups.unknown", actor=request.actor.id, why=error)
            return ()

    def _refused(self, request: Request, parsed: Parsed | None, error: OpsError) -> None:
        if parsed is not None and _is_kept(parsed.command, error):
            self._keep(request, parsed.command, error.code, "why", error.what)

    def _keep(self, request: Request, command: Command, outcome: str, word: str, text: str) -> None:
        """Record what came of a command, under its target. `word`: whether the text is what was `said`, or `why` not."""
        found = subject.of(command, self._services.playbooks, self._run)
        self._record(request, found.what, found.target, outcome, {word: text, **found.told()})

    def _run(self, word: str) -> RunRow | None:
        try:
            return find_run(self._services.store, word) if word else None
        except OpsError:
            return None

    def _record(self, request: Request, what: str, target: str | None, outcome: str, body: dict[str, Any]) -> None:
        self.record.add(Entry(asdict(request.actor), request.door, what, target, outcome, body))


def _unexpected(request: Request) -> Reply:
    number = secrets.token_hex(4)
    _log.exception("command.unexpected", id=number, door=request.door, actor=request.actor.id)
    body = {"code": "unexpected", "what": "Something went wrong inside the bot.", "id": number}
    text = f"Something went wrong inside the bot. Its log has the details under {number}."
    return Reply(text, "bad", json=body, ok=False, code="unexpected", exit_code=1, private=True)


def _is_kept(command: Command, error: OpsError) -> bool:
    """Whether the record has it: every refusal, and every change that did not begin, but not what was only mistyped."""
    wanted = isinstance(command, ChangeRequest) and not command.plan_only
    return isinstance(error, Refused) or (wanted and not isinstance(error, UsageError))


def _as_json(reply: Reply) -> Reply:
    """The reply with its JSON as the only part, for chat; the terminal prints `json` itself."""
    body = json.dumps(reply.json, indent=1, ensure_ascii=False, default=str)
    return replace(reply, parts=[Code(body)], buttons=[], picture=None)
