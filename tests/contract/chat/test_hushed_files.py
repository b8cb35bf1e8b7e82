"""No secret of the settings leaves with a file that is uploaded: not in its name, its title, its description, or the words beside it."""

from __future__ import annotations

import json
from typing import Any

from opsbot.commands.reply import Picture, Reply, Words
from opsbot.log import REDACTED, redactor
from opsbot.workspace import Workspace

DOORS = ("socket", "http")
ALICE, VALUE = "U01ALICE", "hush-hush-of-this-test"


def test_what_stands_beside_a_file_is_blanked(bot: Any, workspace: Workspace) -> None:
    redactor.add(VALUE)
    words = f"Traffic of {VALUE} since 13:05."
    picture = Picture(f"{VALUE}.png", words, b"\x89PNG\r\n\x1a\n", f"{words}\n{VALUE}")
    bot.answer = lambda _request: Reply(words, parts=[Words(f"as {VALUE} says")], picture=picture)
    bot.start()
    workspace.say(ALICE, "#ops", "@opsbot chart staging")

    def shown() -> dict[str, Any] | None:
        return next((message for message in workspace.messages("#ops", ALICE) if message.get("files")), None)

    message = workspace.wait_until(shown)
    [file] = message["files"]
    assert (file["name"], file["title"]) == (f"{REDACTED}.png", f"Traffic of {REDACTED} since 13:05.")
    assert file["alt_txt"].count(REDACTED) == 2
    assert REDACTED in message["text"]
    assert VALUE not in json.dumps(workspace.messages("#ops", ALICE))
