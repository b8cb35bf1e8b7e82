"""What may come next in a half-typed command: for shell completion, modals and selects. Never raises, never changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from opsbot.commands import normalise
from opsbot.commands.holds import targets
from opsbot.commands.services import Services
from opsbot.commands.tree import Tree
from opsbot.commands.words import assign, target
from opsbot.errors import OpsError
from opsbot.playbooks.params import NAMED, Param

MOST = 25


def suggest(tree: Tree, services: Services, prefix: str) -> list[str]:
    """The words that fit the end of `prefix`: a last word to be completed, or the next one after a space."""
    try:
        words = normalise.words(prefix)
        last = "" if not words or prefix[-1:].isspace() else words.pop()
        return _suggest(tree, services, words, last)[:MOST]
    except OpsError:
        return []


def _suggest(tree: Tree, services: Services, words: Sequence[str], last: str) -> list[str]:
    beginning = " ".join([*words, last]).lower()
    paths = [path for spec in tree.specs.values() for path in spec.paths if path.startswith(beginning)]
    found = tree.find(words)
    if found is None:
        return paths
    spec, length = found
    begun, equals, value = last.partition("=")
    if last.startswith("-") and not equals:
        return [param.flag for param in spec.params if param.flag.startswith(last)]
    given = _given(tree, spec.params, words[length:])
    asked = _option(spec.params, begun if equals else words[-1])
    if asked:
        values = _beginning(candidates(asked, given, tree, services), value if equals else last)
        return [f"{begun}={one}" for one in values] if equals else values
    free = sorted((param for param in spec.params if param.name not in given), key=lambda param: not param.required)
    fitting = [path for path in paths if path != spec.path] if length == len(words) else []
    for param in free:
        fitting += _beginning(candidates(param, given, tree, services), last)
    return list(dict.fromkeys(fitting))


def _beginning(words: Iterable[str], start: str) -> list[str]:
    return [word for word in words if word.lower().startswith(start.lower())]


def candidates(
    param: Param, given: Mapping[str, Any], tree: Tree, services: Services, most: int = MOST
) -> Sequence[str]:
    """The values that a param may have, as far as they can be listed now; `given` are the params that are known."""
    if param.type in NAMED:
        return tree.known.of(param.type)
    if param.choices:
        return param.choices
    source = _SOURCES.get(param.suggest or "")
    try:
        return list(source(services, given))[:most] if source else ()
    except OpsError:
        return ()  # what does not answer suggests nothing


def _option(params: Sequence[Param], word: str) -> Param | None:
    """The param that `--env` or `--service` is for."""
    return target(params) if word == "--env" else next((param for param in params if param.flag == word), None)


def _given(tree: Tree, params: Sequence[Param], words: Sequence[str]) -> dict[str, Any]:
    options: dict[str, str] = {}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        param = _option(params, name)
        if param:
            options[param.name] = value if equals else next(rest, "")
        elif not word.startswith("-"):
            plain.append(word)
    try:
        return assign(params, plain, {name: value for name, value in options.items() if value}, tree.known)
    except OpsError:
        return {}


def _tags(services: Services, given: Mapping[str, Any]) -> Iterable[str]:
    environment, service = _place(services, given, services.config.services)
    return services.tags(environment, service)


def _releases(services: Services, given: Mapping[str, Any]) -> Iterable[str]:
    environment, service = _place(services, given, services.config.services)
    return [str(row.number) for row in services.store.releases.list(environment, service, MOST) if row.state != "bad"]


def _backups(services: Services, given: Mapping[str, Any]) -> Iterable[str]:
    environment, database = _place(services, given, services.config.databases)
    manifests = sorted(services.backups(environment, database), key=lambda row: row.taken_at, reverse=True)
    return ["latest", *(row.id for row in manifests)]


def _blocked(services: Services, given: Mapping[str, Any]) -> Iterable[str]:
    environment, service = _place(services, given, services.config.services)
    return [row.id for row in services.store.releases.list(environment, service, MOST) if row.state == "bad"]


def _targets(services: Services, given: Mapping[str, Any]) -> Iterable[str]:
    return targets(services.config)


def _playbooks(services: Services, given: Mapping[str, Any]) -> Iterable[str]:
    return [playbook.path for playbook in services.playbooks.values()]


def _runs(services: Services, given: Mapping[str, Any]) -> Iterable[str]:
    return [row.id for row in services.store.runs.list(MOST)]


def _place(services: Services, given: Mapping[str, Any], named: Iterable[str]) -> tuple[str, str]:
    """The environment and service (or database) that were given, or the first ones."""
    environment = given.get("environment") or next(iter(services.config.environments), "")
    return environment, given.get("service") or given.get("database") or next(iter(named), "")


_SOURCES: Mapping[str, Callable[[Services, Mapping[str, Any]], Iterable[str]]] = {
    "tags": _tags,
    "releases": _releases,
    "backups": _backups,
    "runs": _runs,
    "blocked": _blocked,
    "targets": _targets,
    "playbooks": _playbooks,
}
