"""What a person typed → the text Slack would send: escaped, with names turned into mentions."""

import re
from collections.abc import Callable, Mapping

_SPECIAL = {"here": "<!here>", "channel": "<!channel>", "everyone": "<!everyone>"}
_TOKEN = re.compile(
    r"<@(?P<id>[A-Z0-9]+)>"
    r"|(?<![\w/@])@(?P<name>[A-Za-z0-9][\w.-]*)"
    r"|(?<![\w/#&])#(?P<channel>[a-z0-9][\w-]*)"
    r"|(?P<url>https?://[^\s<>|]+)"
)


def escape(text: str) -> str:
    """Slack's three escapes, and no others."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed(
    text: str,
    people: Mapping[str, str],
    channels: Mapping[str, str],
    groups: Mapping[str, str],
    *,
    labels: bool,
) -> str:
    """Escape and link what a person typed.

    `people`, `channels`, `groups` map name → id. With `labels` (slash commands) a mention is `<@U1|alice>`;
    without (messages) `<@U1>`. A literal `<@U1>` of a known person stays a mention, for scripts that type it.
    """
    label: Callable[[str], str] = (lambda name: f"|{name}") if labels else (lambda name: "")

    def person(name: str) -> str | None:
        if name in people:
            return f"<@{people[name]}{label(name)}>"
        if name in groups:
            return f"<!subteam^{groups[name]}|@{name}>" if labels else f"<!subteam^{groups[name]}>"
        return _SPECIAL.get(name)

    def mention(match: re.Match[str]) -> str:
        if match["id"]:
            names = [name for name, id_ in people.items() if id_ == match["id"]]
            return f"<@{match['id']}{label(names[0])}>" if names else escape(match[0])
        if match["name"]:
            name = match["name"].rstrip(".-")
            linked = person(match["name"]) or person(name)
            rest = "" if person(match["name"]) else match["name"][len(name) :]
            return linked + rest if linked else escape(match[0])
        if match["channel"]:
            known = channels.get(match["channel"])
            return f"<#{known}|{match['channel']}>" if known else escape(match[0])
        return f"<{escape(match['url'])}>"

    parts, at = [], 0
    for match in _TOKEN.finditer(text):
        parts += [escape(text[at : match.start()]), mention(match)]
        at = match.end()
    return "".join([*parts, escape(text[at:])])
