"""Keeps a workspace in a folder, so that it looks the same after a restart: one JSON file, and the files' bytes."""

import asyncio
import json
import os
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from opsbot.workspace import seed
from opsbot.workspace.hub import Hub, Tokens
from opsbot.workspace.records import Channel, Json, Message, User, Usergroup, View
from opsbot.workspace.shared_file import SharedFile
from opsbot.workspace.signed import RequestUrls

_FILE = "workspace.json"
_BYTES = "files"
_EVERY_SECONDS = 0.5
_Record = TypeVar("_Record", User, Channel, Message, Usergroup, View, SharedFile, Tokens)


def tokens(folder: Path | None) -> Tokens:
    """The tokens of the last time, or new ones."""
    return _record(Tokens, _read(folder).get("tokens", {}))


def load(hub: Hub, folder: Path) -> None:
    """Bring back what was said and made. Open modals are not: no person has them on the screen any more."""
    kept, world = _read(folder), hub.world
    for one in kept.get("newcomers", []):
        world.users[one["id"]] = _record(User, one)
    for one in kept.get("channels", []):
        world.channels[one["id"]] = _record(Channel, one)
        world.messages.setdefault(one["id"], {})
    for one in kept.get("messages", []):
        world.messages[one["channel"]][one["ts"]] = _record(Message, one)
    for one in kept.get("usergroups", []):
        world.usergroups[one["id"]] = _record(Usergroup, one)
    for one in kept.get("homes", []):
        world.homes[one["user"]] = _record(View, one)
    for one in kept.get("files", []):
        content = folder / _BYTES / one["id"]
        if content.exists():
            moved = {"url": f"{hub.url}/files/{one['id']}", "content": content.read_bytes()}
            world.files[one["id"]] = _record(SharedFile, one | moved)
    world.read.update(kept.get("read", {}))
    world.webhooks.update(kept.get("webhooks", {}))
    _move_files(hub)


def request_urls(folder: Path | None) -> RequestUrls | None:
    """Where the bot was delivered to the last time; None for sockets."""
    kept = _read(folder).get("http")
    return RequestUrls(**kept) if kept else None


def save(hub: Hub, folder: Path) -> None:
    """Write everything, replacing the file in one move; it holds tokens, so only its owner may read it."""
    world, http, seeded = hub.world, hub.delivery.http, {user.id for user in seed.users()}
    kept = {
        "tokens": asdict(hub.tokens),
        "http": asdict(http.urls) if http else None,
        "newcomers": [asdict(user) for user in world.users.values() if user.id not in seeded],
        "channels": [asdict(channel) for channel in world.channels.values()],
        "messages": [vars(message) for channel in world.messages.values() for message in channel.values()],
        "usergroups": [asdict(group) for group in world.usergroups.values()],
        "homes": [asdict(view) for view in world.homes.values()],
        "files": [_card(one) for one in world.files.values() if one.done],
        "read": world.read,
        "webhooks": world.webhooks,
    }
    folder.mkdir(parents=True, exist_ok=True)
    _save_bytes(hub, folder / _BYTES)
    _write(folder / _FILE, json.dumps(kept).encode())


async def keep(hub: Hub, folder: Path) -> None:
    """Save whenever something changed, at most twice a second and a tenth of the time, until cancelled."""
    written, took = -1, 0.0
    while True:
        if hub.world.changes != written:
            written, started = hub.world.changes, time.monotonic()
            save(hub, folder)
            took = time.monotonic() - started
        await asyncio.sleep(max(_EVERY_SECONDS, 10 * took))


def _save_bytes(hub: Hub, folder: Path) -> None:
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    wanted = {one.id: one for one in hub.world.files.values() if one.done}
    for id_ in wanted.keys() - there:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / id_, wanted[id_].content)
    for id_ in there - wanted.keys():
        (folder / id_).unlink()


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)


def _card(one: SharedFile) -> Json:
    return {key: value for key, value in vars(one).items() if key != "content"}


def _move_files(hub: Hub) -> None:
    """A message carries its files' addresses, and the port may be another than the last time."""
    for channel in hub.world.messages.values():
        for message in channel.values():
            message.files = [
                hub.world.files[one["id"]].as_slack() if one["id"] in hub.world.files else one for one in message.files
            ]


def _record(kind: type[_Record], kept: Json) -> _Record:
    """A record from what was written, perhaps by a version with other fields."""
    known = {field.name for field in fields(kind)}
    return kind(**{key: value for key, value in kept.items() if key in known})


def _read(folder: Path | None) -> dict[str, Any]:
    if folder is None or not (folder / _FILE).exists():
        return {}
    kept: dict[str, Any] = json.loads((folder / _FILE).read_text("utf-8"))
    return kept
