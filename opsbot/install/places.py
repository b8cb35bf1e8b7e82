"""Which environment each stack becomes, and which image each service has, also where stacks differ. Pure; each guess is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from opsbot.errors import NotFound, did_you_mean
from opsbot.install.discover import Stack

PRODUCTION = "production"
_KINDS = {
    "production": PRODUCTION, "prod": PRODUCTION, "staging": "staging", "stage": "staging", "test": "test",
    "testing": "test", "dev": "dev", "development": "dev",
}  # fmt: skip
REHEARSING = tuple(kind for kind in dict.fromkeys(_KINDS.values()) if kind != PRODUCTION)
_ENDING = re.compile(rf"(?:^|[-_.])({'|'.join(_KINDS)})$", re.IGNORECASE)
_OTHERWISE = "Say --env NAME=STACK to name it otherwise."

Notes = list[str]  # sentences about what was guessed or left out


def environments(stacks: Sequence[Stack]) -> tuple[dict[str, Stack], Notes]:
    """Environment → stack, production first. What a stack's name ends with tells; stacks that would share a name keep their own."""
    names = [stack.name for stack in stacks]
    meant = {name: _meant(name, names) for name in names}
    shared = {kind for kind, count in Counter(meant.values()).items() if count > 1}
    found: dict[str, Stack] = {}
    for stack in stacks:
        kind = meant[stack.name]
        found[_unused(stack.name.lower() if kind in shared else kind, found)] = stack
    notes = [_both(kind, [name for name in names if meant[name] == kind]) for kind in sorted(shared)]
    notes += [
        f"The stack {stack.name} is called {name} here. {_OTHERWISE}"
        for name, stack in found.items()
        if name == PRODUCTION and not _ENDING.search(stack.name)
    ]
    return production_first(found), notes


def _meant(stack: str, every: Sequence[str]) -> str:
    """`shop-staging` → staging; `shop` → production where it is alone or beside a `shop-staging`, and none says that it is
    production; else its own name."""
    said = _said(stack)
    if said:
        return said
    beside = any(other.startswith(stack) and _ENDING.fullmatch(other[len(stack) :]) for other in every)
    guessed = (beside or len(every) == 1) and PRODUCTION not in map(_said, every)
    return PRODUCTION if guessed else stack.lower()


def _said(stack: str) -> str | None:
    ending = _ENDING.search(stack)
    return _KINDS[ending[1].lower()] if ending else None


def _both(kind: str, names: Sequence[str]) -> str:
    return f"{' and '.join(names)} would all be called {kind}, so they keep the names of their stacks. {_OTHERWISE}"


def _unused(name: str, taken: Collection[str]) -> str:
    numbers = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (name, *numbers) if one not in taken)


def production_first(found: Mapping[str, Stack]) -> dict[str, Stack]:
    """The same with production first: what stacks share is taken from it."""
    return {name: found[name] for name in sorted(found, key=lambda name: name != PRODUCTION)}


def services(wanted: Sequence[str], places: Mapping[str, Stack]) -> tuple[dict[str, str], Notes]:
    """Service → image without tag: the wanted ones, or every application. opsbot.yml has one image for all environments:
    production's, else the first one's. NotFound for a wanted one that no stack has."""
    places = production_first(places)
    every = {one.name for stack in places.values() for one in stack.services if one.replicas is not None}
    for name in wanted:
        if name not in every:
            raise NotFound(f"There is no replicated service {name} in these stacks.", did_you_mean(name, sorted(every)))
    ours = {one.name for stack in places.values() for one in stack.of("application")}
    chosen: dict[str, str] = {}
    for stack in places.values():
        for one in stack.services:
            if one.replicas is not None and one.name in (wanted or ours):
                chosen.setdefault(one.name, one.image)
    chosen = {name: chosen[name] for name in wanted or chosen}
    return chosen, list(_other_images(chosen, places))


def elsewhere(chosen: Mapping[str, str], places: Mapping[str, Stack]) -> dict[str, list[str]]:
    """Service → the environments in which it runs another image than the chosen one."""
    found: dict[str, list[str]] = {}
    for name, stack in places.items():
        for one in stack.services:
            if one.image != chosen.get(one.name, one.image):
                found.setdefault(one.name, []).append(name)
    return found


def running(chosen: Mapping[str, str], places: Mapping[str, Stack]) -> dict[str, list[str]]:
    """Environment → the services that run there with the chosen image, and so can be adopted."""
    return {
        name: [one.name for one in stack.services if chosen.get(one.name) == one.image and one.replicas is not None]
        for name, stack in places.items()
    }


def _other_images(chosen: Mapping[str, str], places: Mapping[str, Stack]) -> Iterator[str]:
    for service, names in elsewhere(chosen, places).items():
        for name in names:
            theirs = next(one.image for one in places[name].services if one.name == service)
            yield (
                f"{service} runs {theirs} in {name}, but {chosen[service]} was taken: opsbot.yml has one image of a service"
                f" for all environments, and a deploy would bring it to {name} too. If they are two products, give each a"
                f" folder of its own: --env {name}={places[name].name} --folder {name}."
            )
