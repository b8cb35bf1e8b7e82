"""Strict YAML → pydantic: every error names file, line, key and cure. Used by settings and playbooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from opsbot.errors import ConfigError, closest

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


class _Loader(yaml.CSafeLoader):  # twenty times as fast as the one in Python
    """Safe YAML in which a repeated key is an error and `on`, `off`, `yes`, `no` stay text."""


_GUESSED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _GUESSED]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


class Document:
    """A YAML file with the line of every key and item. `value` is plain Python."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines: dict[Place, int] = {}
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise ConfigError(_yaml_sentence(path, error), "Mend the YAML at that line.") from error
        self.value: Any = {} if node is None else self._walk(node, ())

    def _walk(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._walk(item, (*place, index)) for index, item in enumerate(node.value)]
        loader = _Loader("")
        return loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in result:
                raise ConfigError(f"{self.path.name}:{line}: the key “{key}” stands twice.", "Keep one of them.")
            self.lines[(*place, key)] = line
            result[key] = self._walk(value_node, (*place, key))
        return result

    def line(self, place: Place) -> int:
        """The line of the nearest known ancestor of `place`."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def error(self, place: Place, what: str, fix: str = "") -> ConfigError:
        """A ConfigError at `place`."""
        return ConfigError(f"{self.path.name}:{self.line(place)}: {what}", fix)

    def parse(self, model: type[Model]) -> Model:
        """The document as `model`; the first error is raised as a ConfigError, with a count of the others."""
        try:
            return model.model_validate(self.value)
        except ValidationError as invalid:
            raise self._explain(model, invalid) from invalid

    def _explain(self, model: type[BaseModel], invalid: ValidationError) -> ConfigError:
        errors = invalid.errors(include_url=False)
        errors.sort(key=lambda error: error["type"] != "extra_forbidden")
        first = errors[0]
        place = tuple(part for part in first["loc"] if not _is_union_member(part))
        dotted = ".".join(str(part) for part in place)
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        if first["type"] == "extra_forbidden":
            near = closest(str(place[-1]), _keys_at(model, place[:-1]), 1)
            cure = f"Did you mean “{near[0]}”?" if near else "Remove it."
            return self.error(place, f"unknown key “{dotted}”.{more}", cure)
        if first["type"] == "missing":
            return self.error(place, f"the key “{dotted}” is missing.{more}", "Add it.")
        message = str(first["msg"]).removeprefix("Value error, ")
        return self.error(place, f"“{dotted}”: {message}.{more}", "Correct the value.")


def load(path: Path) -> Document:
    """Read a file as a Document; an unreadable file is a ConfigError."""
    try:
        return Document(path, path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no file {path}.", "Name it with --config, or make one.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Check its permissions and encoding.") from error


def _yaml_sentence(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    return f"{path.name}:{line}: not valid YAML: {getattr(error, 'problem', None) or error}."


_UNION_MEMBERS = ("str", "int", "float", "bool", "FromEnv", "FromFile")


def _is_union_member(part: str | int) -> bool:
    """pydantic puts the name of the union's member into the location; people did not write it."""
    return isinstance(part, str) and (part.endswith(("]", ")")) or part in _UNION_MEMBERS)


def _keys_at(model: type[BaseModel], place: Place) -> list[str]:
    """The keys that are allowed at `place` below `model`, following lists and dicts of models."""
    current: Any = model
    for part in place:
        current = _step_into(current, part)
    keys: list[str] = []
    for candidate in _models(current):
        keys += [field.alias or name for name, field in candidate.model_fields.items()]
    return keys


def _step_into(annotation: Any, part: str | int) -> Any:
    for candidate in _models(annotation):
        for name, field in candidate.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
    arguments = getattr(annotation, "__args__", ())
    for argument in arguments:
        if getattr(argument, "__origin__", None) in (dict, Mapping, list, tuple):
            return _step_into(argument, part)
    return arguments[-1] if arguments else annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [
        argument
        for argument in getattr(annotation, "__args__", ())
        if isinstance(argument, type) and issubclass(argument, BaseModel)
    ]
