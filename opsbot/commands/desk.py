"""What chat's forms and pages ask of the commands: the form that is missing, its choices, the panel, the home page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from opsbot.commands import choices, form, home, panel
from opsbot.commands.form import Choice, Form, Said
from opsbot.commands.front import Front
from opsbot.commands.help import guest_reply, places
from opsbot.commands.reply import Part, Reply
from opsbot.commands.request import Request
from opsbot.commands.spec import Spec
from opsbot.errors import NotFound, Refused

Values = Mapping[str, str]


@dataclass(frozen=True)
class Desk:
    """Nothing here changes anything: whatever a form asks for goes through the front, as words do."""

    front: Front

    def form(self, request: Request) -> Form:
        """The form of the command that a request began. NotFound if it names none; Refused if its asker may not say it."""
        self.front.admit(request, "form")
        found = form.begun(self.front.tree, request)
        if found is None:
            raise NotFound("There is no command of that name.", "`help` lists the commands.", code="unknown_command")
        spec, given = found
        try:
            return form.form(self.front.asked(request), self.front.tree, spec, given)
        except Refused as error:
            self.front.refused(request, spec.path, error)
            raise

    def filled(self, request: Request, path: str, values: Values) -> Form:
        """The form of a command with these answers in it."""
        return form.form(self.front.asked(request), self.front.tree, self._spec(path), values)

    def faults(self, path: str, values: Values) -> dict[str, str]:
        """What is wrong with the answers, by field."""
        return form.faults(self._spec(path), values, self.front.tree.known)

    def fault_of(self, path: str, code: str) -> str | None:
        """The field that a refusal is about."""
        return form.fault_of(self._spec(path), code)

    def said(self, path: str, values: Values) -> Said:
        """The words that mean these answers."""
        return form.said(self.front.tree, self._spec(path), values)

    def listed(self, path: str, name: str, values: Values) -> list[Choice]:
        """Everything that may be chosen for one field; it may ask the registry or the bucket."""
        return choices.listed(self.front.services, self.front.tree, self._spec(path), name, values)

    def narrowed(self, found: Sequence[Choice], path: str, name: str, typed: str) -> list[Choice]:
        """Those that fit what was typed."""
        return choices.narrowed(found, self._spec(path), name, typed, self.front.tree)

    def preview(self, request: Request, path: str, values: Values) -> list[Part]:
        """What is true now of the change that the answers ask for."""
        return choices.preview(self.front.asked(request), self.front.tree, self._spec(path), values)

    def panel(self, request: Request) -> Sequence[Reply]:
        """The control panel for a person in a channel."""
        asked = self.front.asked(request)
        return [guest_reply(asked)] if request.actor.guest else panel.panel(asked, self.front.tree, places(asked))

    def home(self, request: Request) -> Sequence[Reply]:
        """The home page of a person."""
        asked = self.front.asked(request)
        return [guest_reply(asked)] if request.actor.guest else home.home(asked, self.front.tree)

    def state(self) -> Hashable:
        """Equal as long as no home page needs to be shown anew."""
        return home.state(self.front.services)

    def _spec(self, path: str) -> Spec:
        spec = self.front.tree.specs.get(path)
        if spec is None:
            raise NotFound(
                f"There is no command “{path}” any more.", "`help` lists the commands.", code="unknown_command"
            )
        return spec
