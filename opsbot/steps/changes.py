"""What a deploy changes since what is live: from which commit to which, where they can be compared, releases between."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from opsbot.runtime import release as rules
from opsbot.runtime.registry import Image
from opsbot.store import Store
from opsbot.store.rows import ReleaseRow

_LOOK_BACK = 200  # releases of each environment
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HOST = re.compile(r"[\w.-]+(:\d+)?")
_SHOWN = 12  # characters of a commit's hash: forges find it by these
_NOT_KNOWN = ("", "unknown")  # what builders write outside a checkout


def since(live: ReleaseRow, wanted: Image, between: Iterable[str] = ()) -> str:
    """The change from the live release to another image as sentences, also if little is known; empty for the same image.

    Whether it is empty depends on the two digests alone, so that a plan does not become another one by what is known.
    """
    if live.digest == wanted.digest:
        return ""
    tags = ", ".join(between)
    released = f" Released between them: {tags}." if tags else ""
    return f"Since {live.tag} ({live.id}): {_commits(live, wanted)}.{released}"


def released_between(store: Store, environments: Iterable[str], service: str, one: str, other: str) -> list[str]:
    """The tags that served well between two digests, oldest first, in the first environment that had both; else none."""
    for environment in environments:
        rows = store.releases.list(environment, service, _LOOK_BACK)
        first: dict[str, str] = {}
        for row in reversed(rows):
            if rules.served_well(row):
                first.setdefault(row.digest, row.tag)
        order = list(first)
        if one in first and other in first:
            begins, ends = sorted((order.index(one), order.index(other)))
            return list(dict.fromkeys(first[digest] for digest in order[begins + 1 : ends]))
    return []


def compare_link(source: str, before: str, after: str) -> str:
    """Where a forge shows what is between two commits; empty if the source is no address of one. Logins in it are left out."""
    try:
        found = urlsplit(source.strip())
    except ValueError:
        return ""
    path = found.path.strip("/").removesuffix(".git")
    host = found.netloc.rpartition("@")[2]
    if found.scheme not in ("http", "https") or not _HOST.fullmatch(host) or not path:
        return ""
    page = "-/compare" if "gitlab" in host else "compare"
    return f"{found.scheme}://{host}/{quote(path)}/{page}/{quote(before, safe='')}...{quote(after, safe='')}"


def _commits(live: ReleaseRow, wanted: Image) -> str:
    before, after = _short(live.revision), _short(wanted.revision)
    if not before and not after:
        return "the images name no commit"
    if not before or not after:
        return f"the image of {wanted.tag if before else live.tag} names no commit"
    if before == after:
        return f"the same commit, {before}"
    link = compare_link(wanted.source, before, after)
    return f"commit {before} → {after}" + (f", {link}" if link else "")


def _short(revision: str | None) -> str:
    known = (revision or "").strip()
    if known in _NOT_KNOWN:
        return ""
    return known[:_SHOWN] if _HASH.fullmatch(known) else known
