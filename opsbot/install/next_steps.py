"""What `init` says at its end: the commands that work from here on, in their order, for a bot on this host or in the swarm. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opsbot.install import bot_stack, files

GUIDE = "docs/operator.md, “As a Swarm service”"


@dataclass(frozen=True)
class Ready:
    """How far the bot's own service is: its stack, its image, whether somebody named that or it is on this engine, and
    the Swarm secrets that it needs and that are not there. `running`: environment → services that can be adopted."""

    folder: Path
    name: str
    image: str
    image_named: bool = False
    image_here: bool = False
    lacking: Sequence[str] = ()
    running: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def config(self) -> str:
        """Where opsbot.yml is, for a command on this host."""
        return f"--config {self.folder / files.SETTINGS} " if self.folder != Path() else ""

    def adopt(self, program: str) -> Iterator[str]:
        """The commands that take over what runs."""
        for environment, services in self.running.items():
            yield from (f"  {program} adopt {service} --env {environment}" for service in services)


def lines(ready: Ready) -> list[str]:
    """The last lines of `init`."""
    whole = not ready.lacking and (ready.image_named or ready.image_here)
    return ["", *(_in_the_swarm(ready) if whole else _here(ready))]


def _in_the_swarm(ready: Ready) -> Iterator[str]:
    service = bot_stack.service(ready.name)
    program = bot_stack.inside(service)
    yield "What comes next:"
    if not ready.image_here:
        yield f"  ({ready.image} is not on this engine: Swarm takes it from its registry, so push it there first.)"
    yield f"  docker stack deploy --with-registry-auth -c {ready.folder / files.BOT} {ready.name}"
    yield f"When `docker service ls` shows 1/1 for {service}, inside it:"
    yield from ready.adopt(program)
    yield f"  {program} doctor"
    yield "It has a record of its own: from then on say all commands inside it, or in chat, not at this terminal."


def _here(ready: Ready) -> Iterator[str]:
    program = f"opsbot {ready.config}".rstrip()
    yield "What comes next, for a bot on this host:"
    yield from ready.adopt(program)
    yield f"  {program} doctor"
    yield f"  {program} serve"
    yield f"For a bot as a Swarm service, with a record of its own, do none of that. First ({GUIDE}):"
    if not (ready.image_named or ready.image_here):
        yield "  build and push an image of the bot, for --image"
    if ready.lacking:
        yield f"  have the values of the Swarm secrets that are not there, for --make-secrets: {', '.join(ready.lacking)}"
    yield f"  opsbot init{_other(ready)} --stack-only --make-secrets --image {ready.image}"


def _other(ready: Ready) -> str:
    folder = f" --folder {ready.folder}" if ready.folder != Path() else ""
    return f"{folder} --name {ready.name}" if ready.name != "opsbot" else folder
