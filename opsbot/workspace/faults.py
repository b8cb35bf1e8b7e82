"""Faults found in blocks, each with its place, and the checks that all of Block Kit shares: texts, strings, lists."""

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]


def shape(value: Any) -> Json:
    """The value where it is an object, else an empty one, whose missing fields are the fault."""
    return value if isinstance(value, dict) else {}


def kind(value: Any) -> str:
    """The `type` of an object; for anything else what it is, in words for a fault."""
    return str(shape(value).get("type", "")) or str(value)


def many(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


class Faults(list[str]):
    """Collected faults, each with its JSON pointer as Slack writes it."""

    def add(self, text: str, at: str) -> None:
        self.append(f"[ERROR] {text} [json-pointer:{at}]")

    def text(self, value: Any, at: str, most: int, *, plain: bool = False) -> None:
        """A text object of 1 to `most` characters."""
        if not isinstance(value, dict) or not isinstance(value.get("text"), str):
            return self.add("must provide a text object", at)
        allowed = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if value.get("type") not in allowed:
            self.add(f"text type must be one of {', '.join(allowed)}", f"{at}/type")
        return self.string(value["text"], f"{at}/text", most)

    def string(self, value: Any, at: str, most: int, least: int = 1) -> None:
        """A string of `least` to `most` characters."""
        if not isinstance(value, str) or len(value) < least:
            self.add(f"must be more than {least - 1} characters", at)
        elif len(value) > most:
            self.add(f"must be less than {most + 1} characters", at)

    def items(self, value: Any, at: str, most: int) -> list[Any]:
        """A list of 1 to `most` items; answers the items."""
        if not isinstance(value, list) or not value:
            self.add("no fewer than 1 items allowed", at)
            return []
        if len(value) > most:
            self.add(f"no more than {most} items allowed", at)
        return value

    def whole(self, holder: Json, key: str, at: str, least: int, most: int) -> None:
        """A whole number that need not be there."""
        value = holder.get(key)
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool):
            self.add("must be an integer", f"{at}/{key}")
        elif not least <= value <= most:
            self.add(f"must be between {least} and {most}", f"{at}/{key}")

    def optional(self, holder: Json, keys: Iterable[str], at: str, most: int) -> None:
        """Strings that need not be there."""
        for key in keys:
            if key in holder:
                self.string(holder[key], f"{at}/{key}", most)

    def optional_text(self, holder: Json, key: str, at: str, most: int) -> None:
        """A plain text object that need not be there."""
        if holder.get(key) is not None:
            self.text(holder[key], f"{at}/{key}", most, plain=True)

    def one_of(self, holder: Json, key: str, at: str, choices: Iterable[str]) -> None:
        """One of these words, or not there."""
        if holder.get(key) is not None and holder[key] not in choices:
            self.add(f"must be one of {', '.join(choices)}", f"{at}/{key}")
