"""Keeps a workspace in one JSON file, so that it looks the same after a restart."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from opsbot.workspace.hub import Hub, Tokens
from opsbot.workspace.records import Channel, Message

_FILE = "workspace.json"
_EVERY_SECONDS = 0.5


def tokens(folder: Path | None) -> Tokens:
    """The tokens of the last time, or new ones."""
    kept = _read(folder).get("tokens")
    return Tokens(**kept) if kept else Tokens()


def load(hub: Hub, folder: Path) -> None:
    """Bring back channels and messages."""
    kept = _read(folder)
    for fields in kept.get("channels", []):
        hub.world.channels[fields["id"]] = Channel(**fields)
        hub.world.messages.setdefault(fields["id"], {})
    for fields in kept.get("messages", []):
        hub.world.messages[fields["channel"]][fields["ts"]] = Message(**fields)


def save(hub: Hub, folder: Path) -> None:
    """Write everything, replacing the file in one move; it holds tokens, so only its owner may read it."""
    world = hub.world
    kept = {
        "tokens": {"bot": hub.tokens.bot, "app": hub.tokens.app},
        "channels": [asdict(channel) for channel in world.channels.values()],
        "messages": [asdict(message) for channel in world.messages.values() for message in channel.values()],
    }
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{_FILE}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(kept, file)
    new.replace(folder / _FILE)


async def keep(hub: Hub, folder: Path) -> None:
    """Save whenever something changed, at most twice a second, until cancelled."""
    written = -1
    while True:
        if hub.world.changes != written:
            written = hub.world.changes
            save(hub, folder)
        await asyncio.sleep(_EVERY_SECONDS)


def _read(folder: Path | None) -> dict[str, Any]:
    if folder is None or not (folder / _FILE).exists():
        return {}
    kept: dict[str, Any] = json.loads((folder / _FILE).read_text("utf-8"))
    return kept
