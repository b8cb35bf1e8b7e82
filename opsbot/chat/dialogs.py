"""What is answered in a modal: a command that lacks something opens its form; modals and home pages are answered in kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from opsbot.chat import views
from opsbot.chat.desk import Asker, Desk
from opsbot.chat.filling import Filling
from opsbot.chat.letter import Letter
from opsbot.chat.place import Place
from opsbot.chat.render import render
from opsbot.chat.screen import Screen
from opsbot.chat.slack import Ask
from opsbot.commands.change import of_error
from opsbot.commands.reply import Reply
from opsbot.errors import OpsError

MISSING = "missing_param"  # the code of a reply to words that lack something


class Dialogs:
    """`put` sends a letter; `told` looks for news at once. Its methods run in the threads that answer words."""

    def __init__(
        self,
        screen: Screen,
        desk: Desk,
        asker: Asker,
        filling: Filling,
        put: Callable[[Letter], None],
        told: Callable[[], None],
    ) -> None:
        self._screen, self._desk, self._asker, self._filling = screen, desk, asker, filling
        self._put, self._told = put, told

    def instead(self, ask: Ask) -> bool:
        """Show the control panel to somebody who said nothing more than our name with a slash; False = not this."""
        if ask.text.strip() or not ask.trigger or ask.argv:
            return False
        try:
            replies = self._desk.panel(self._asker.request(ask))
        except OpsError as error:
            self._asker.say(ask, of_error(error))
            return True
        self._put(Letter(ask.channel, views.board(replies), only_for=ask.user, response_url=ask.response_url))
        return True

    def show(self, ask: Ask, reply: Reply) -> bool:
        """Answer in a modal what belongs there: something is missing, or it was said in a modal or on the home page."""
        if reply.code == MISSING and ask.trigger:
            return self._open(ask, reply)
        if not ask.view and ask.channel:
            return False
        done = reply.ok and bool(reply.run or _noted(reply))
        if done:
            self._told()
        if reply.picture and ask.channel:
            self._asker.say(ask, reply)
        outcome = views.outcome_view(_place(ask), reply)
        if ask.view:
            return self._screen.update(ask.view, outcome)
        # what is done, the page itself shows; what cannot open any more comes as a direct message
        if not done and not self._screen.open(ask.trigger or "", outcome):
            self._put(Letter(ask.user, render(reply)))
        return True

    def _open(self, ask: Ask, words: Reply) -> bool:
        """First something, because the trigger lives for three seconds; then the form (or the words that ask for what is
        missing, where Slack does not take it); then what is true now."""
        view = ask.view or self._screen.open(ask.trigger or "", views.loading(_first_words(ask)))
        if not view:
            return False
        request = self._asker.request(ask)
        try:
            form = self._desk.form(request)
            place = replace(_place(ask), path=form.path)
            values = {field.name: field.value for field in form.fields}
            complete = form.plans and not self._desk.faults(form.path, values)
        except OpsError as error:
            return self._screen.update(view, views.outcome_view(_place(ask), of_error(error)))
        if not self._screen.update(view, views.form_view(form, place, preview=None if complete else [])):
            return self._screen.update(view, views.outcome_view(place, words))
        if complete:
            self._filling.look(view, request, place, values)
        return True


def _place(ask: Ask) -> Place:
    return Place(_first_words(ask), ask.channel, ask.channel_name, ask.thread, ask.response_url)


def _first_words(ask: Ask) -> str:
    return ask.text.strip().split(" ")[0] or "ops"


def _noted(reply: Reply) -> bool:
    return isinstance(reply.json, dict) and bool(reply.json.get("noted"))
