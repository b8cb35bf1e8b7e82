"""The sentences about migrations: what a plan brings, what is one-way, why an older release does not fit. Pure."""

from __future__ import annotations

from opsbot.runs.step import Fact
from opsbot.runtime import migrations
from opsbot.runtime.migrations import Listed, Standing
from opsbot.store.rows import ReleaseRow

CODE = "one_way"  # the key of what speaks against a plan, and so the code of its refusal
_NAMED = 6  # migrations that a sentence names
_DOUBTS = {
    "not_asked": "The database could not be asked: this is what the record tells.",
    "no_revision": "The database says no revision: this is what the record tells.",
    "unknown_revision": "The database is at {heads}, which no recorded release knows: this is what the record tells.",
}


def brings(new: Listed | None, at: Standing) -> Fact:
    """What is new here of an image's migrations; amber where the database should have said so and did not."""
    if new is None:
        text = "The image lists its migrations, but nobody knows which of them this database has had."
        return Fact("brings", "amber", text, bind="unknown")
    bind = [str(each) for each in new]
    text = f"Brings {_with_kinds(new)}." if new else "Brings no migration."
    if at.doubt in ("not_asked", "unknown_revision"):
        return Fact("brings", "amber", f"{text} {doubt(at)}", bind=bind)
    return Fact("brings", "green", text, bind=bind)


def one_way(new: Listed, let: bool, how: str) -> Fact:
    """New one-way migrations: red until a person lets them through. `how`: what is run then, as a sentence."""
    subject = _are(new)
    begin = subject[:1].upper() + subject[1:]
    if let:
        return Fact(CODE, "amber", f"{begin}; --one-way yes lets {_it(new)} run. {how}".strip(), bind=_bind(new))
    text = (
        f"{begin}: once {_it(new, subject=True)} {_have(new)} run, no earlier release may come back without a restore."
        " Take a backup first, then say it again with --one-way yes."
    )
    return Fact(CODE, "red", text, bind=_bind(new))


def older(strange: Listed, at: Standing, let: bool) -> Fact:
    """An image that does not know one-way migrations which the database has had: a deploy is no way around a rollback."""
    text = f"This image does not know {_names(strange)}, which this database has had: {_are(strange)}."
    if at.doubt:
        return Fact("older", "amber", f"{text} {doubt(at)}", bind=_bind(strange))
    if let:
        return Fact("older", "amber", f"{text} It may fail there; --one-way yes lets it through.", bind=_bind(strange))
    ways = (
        f"Deploy one that knows {_it(strange)}, or restore a backup from before; --one-way yes deploys it all the same."
    )
    return Fact(CODE, "red", f"{text} {ways}", bind=_bind(strange))


def way_back(row: ReleaseRow, own: Listed | None, against: Listed, ran: bool = False) -> Fact:
    """The way back of a deploy after which the release of now does not fit the database. `ran`: it does not fit it now."""
    bind = [row.number, _bind(against)]
    if own is None:
        return Fact("way_back", "amber", _may_be_unsafe(row, against), bind=bind)
    name = f"{row.tag} ({row.id})"
    if ran:
        why = f"A rollback to {name} is unsafe already: {_are(against)}, and {row.tag} does not know {_it(against)}."
        return Fact("way_back", "amber", f"{why} Restore a backup from before, or go forward.", bind=bind)
    ways = f"Once {_it(against, subject=True)} {_have(against)} run, restore a backup from before, or go forward."
    return Fact("way_back", "amber", f"A rollback to {name} will be unsafe: {_are(against)}. {ways}", bind=bind)


def back(row: ReleaseRow, own: Listed | None, against: Listed, at: Standing, backup: str) -> Fact:
    """A rollback past one-way migrations; red only if the database itself says so. `backup`: one that helps, or ""."""
    bind = _bind(against)
    if own is None:
        return Fact(CODE, "amber", _may_be_unsafe(row, against), bind=bind)
    text = f"A rollback to {row.tag} ({row.id}) is unsafe: {_are(against)}, and {row.tag} does not know {_it(against)}."
    if at.doubt:
        return Fact(CODE, "amber", f"{text} {doubt(at)}", bind=bind)
    ways = f"Deploy a release that works on this database, or restore {backup or 'a backup from before'} and then roll back."
    return Fact(CODE, "red", f"{text} {ways}", bind=bind)


def stays(wanted: Listed | None, own: Listed | None, row: ReleaseRow) -> str:
    """What of a deploy's migrations the release before does not know: the end of a sentence that says what failed; or ""."""
    against = migrations.in_the_way(own, wanted) if own is not None and wanted is not None else ()
    if not against:
        return ""
    return (
        f", but {_names(against)} {_have(against)} run, and {row.tag} ({row.id}) does not know {_it(against)}:"
        " look whether it works"
    )


def doubt(at: Standing) -> str:
    """Why this is not the database's own word; empty if it is."""
    return _DOUBTS[at.doubt].format(heads=", ".join(at.heads)) if at.doubt else ""


def _may_be_unsafe(row: ReleaseRow, against: Listed) -> str:
    name = f"{row.tag} ({row.id})"
    return f"A rollback to {name} may be unsafe: {_are(against)}, and {row.tag} does not say what it knows."


def _bind(listed: Listed) -> list[str]:
    return [each.revision for each in listed]


def _with_kinds(listed: Listed) -> str:
    """`migrations 0003 (adds only), 0007 (one-way)`."""
    shown = [f"{each.revision} ({'one-way' if each.one_way else 'adds only'})" for each in listed[:_NAMED]]
    left = len(listed) - len(shown)
    return f"{_word(listed)} {', '.join(shown)}{f' and {left} more' if left else ''}"


def _names(listed: Listed) -> str:
    """`migrations 0007 and 0009`."""
    shown = [each.revision for each in listed[:_NAMED]]
    left = len(listed) - len(shown)
    words = [*shown, f"{left} more"] if left else shown
    return f"{_word(listed)} {' and '.join([', '.join(words[:-1]), words[-1]] if len(words) > 1 else words)}"


def _are(listed: Listed) -> str:
    return f"{_names(listed)} {'is' if len(listed) == 1 else 'are'} one-way"


def _have(listed: Listed) -> str:
    return "has" if len(listed) == 1 else "have"


def _it(listed: Listed, *, subject: bool = False) -> str:
    if len(listed) == 1:
        return "it"
    return "they" if subject else "them"


def _word(listed: Listed) -> str:
    return "migration" if len(listed) == 1 else "migrations"
