"""What makes each fact of a plan green, amber or red: the rules that `explain` shows beside a fact's own sentence."""

from __future__ import annotations

from collections.abc import Mapping

from opsbot.runs.step import Color, Fact

GENERAL: Mapping[Color, str] = {
    "green": "nothing speaks against it",
    "amber": "it may be done, but somebody should know",
    "red": "it is refused while this is so",
}

_ANSWERS = "what it asks does not answer"
_SAYS = "the database could not be asked, or says something that no record knows"
RULES: Mapping[str, Mapping[Color, str]] = {  # key of the fact, or `step:key` where several steps use it → when it is what
    "image": {"green": "there is such an image", "red": f"there is none, or {_ANSWERS}"},
    "image.resolve:changes": {"green": "it only tells what is new"},
    "release": {"green": "people were sent to it before and nobody blocked it", "red": "it is blocked, or never served"},
    "release.choose:ready": {
        "green": "it runs still, or its image is on the engine",
        "amber": "its image must be pulled first",
        "red": f"its image is neither here nor in the registry, or {_ANSWERS}",
    },
    "way_back": {
        "green": "the release of now runs well, its image is here, and no new migration shuts it out",
        "amber": "there is no release before, it would have to be started or pulled first, or a migration may shut it out",
    },
    "blocked": {"red": "exactly this was rolled back, and nobody unblocked it"},
    "blocked_image": {"amber": "this image was rolled back, with other settings"},
    "failed_before": {"amber": "the newest try of exactly this was undone before anybody saw it"},
    "not_adopted": {"red": "somebody else made the service and nobody adopted it"},
    "agrees": {"amber": "another release answers than is recorded"},
    "change": {"green": "something would change", "red": "it is live already, and runs well"},
    "nothing_to_do": {"red": "it is live already, and runs well", "green": "what is there is what is wanted"},
    "migrations": {"green": "it only tells how they are run"},
    "database": {"red": "a database of the stack does not run"},
    "brings": {"green": "the database's own revision tells which are new", "amber": _SAYS},
    "one_way": {
        "amber": f"--one-way yes lets them through, or {_SAYS}",
        "red": "a migration is one-way: a release that does not know it may fail afterwards",
    },
    "older": {"amber": f"the image does not know a one-way migration that has run, and --one-way yes was said, or {_SAYS}"},
    "pull": {"red": f"the place that it goes to cannot get the image, or {_ANSWERS}"},
    "left_out": {"amber": "a step that would have looked is left out"},
    "bot.resolve:schema": {
        "green": "both versions read the same record",
        "amber": "the image does not say, or --migrate yes was said",
        "red": "one of the versions could not read the record of the other",
    },
    "size": {"green": "there are rows to save", "amber": "there are none before a restore", "red": "there are none to back up"},
    "last backup": {"green": "it has at least half the rows of its last backup", "amber": "it has fewer than half of them"},
    "ready": {"green": "what it needs answers", "red": _ANSWERS},
    "backup": {"green": "it is in the bucket, with its manifest", "red": f"it is not, or {_ANSWERS}"},
    "origin": {"amber": "the backup is of another Postgres cluster"},
    "changes": {"amber": "a restore replaces what is there, whatever the counts say"},
    "schema": {"amber": "the backup has another revision of the schema than the database"},
    "server": {"green": "the server can load it", "red": "the server lacks a role, or is older than the backup's"},
    "kept": {"amber": "databases of earlier restores lie there still"},
    "swap": {"green": "it only tells what is noticed"},
    "difference": {"green": "it only adds or changes a setting", "amber": "another image runs then", "red": "rows would be lost"},
    "more": {"amber": "there are more differences than are shown"},
    "loses": {"red": "a volume or a database would be lost"},
    "secret": {"red": "a secret of Swarm is missing"},
    "left": {"amber": "something runs that no file names"},
}  # fmt: skip


def rule(step: str, fact: Fact) -> str:
    """Why this fact has its colour, then what would give it another: `green: …; red if …`. `step`: its kind, image.resolve."""
    key = fact.key if fact.key in RULES else fact.key.partition("-")[0]
    known = RULES.get(f"{step}:{key}") or RULES.get(key) or {}
    own = f"{fact.color}: {known.get(fact.color, GENERAL[fact.color])}"
    return "; ".join([own, *(f"{color} if {words}" for color, words in known.items() if color != fact.color)])
