"""In which order tags are offered: versions by their numbers, commits by the age of their images, then the rest by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

Age = Callable[[str], str]  # tag → when its image was made, as ISO 8601 text; empty if unknown

WITHIN = 3.0  # seconds for asking how old images are; whoever waits types meanwhile
AT_ONCE = 8
MOST = 200  # commits whose age is asked for

_VERSION = re.compile(r"[a-zA-Z]*[-_.]?\d+([.\-_+][a-zA-Z0-9]+)*")
_COMMIT = re.compile(r"(?:[\w.]+[-_.])?(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,40}")


def is_commit(tag: str) -> bool:
    """Whether a tag is named after a commit, such as `3f9c2ab` or `main-3f9c2ab`: its name says nothing of its age."""
    return bool(_COMMIT.fullmatch(tag))


def newest_first(tags: Sequence[str], age: Age) -> list[str]:
    """Each tag once. `age` is asked of commits only, in threads, for a bounded time."""
    names = set(tags)
    commits = {tag for tag in names if is_commit(tag)}
    versions = {tag for tag in names - commits if _VERSION.fullmatch(tag)}
    ages = _ages(sorted(commits)[:MOST], age)
    return [
        *sorted(versions, key=natural, reverse=True),
        *sorted(commits, key=lambda tag: (ages.get(tag, ""), tag), reverse=True),
        *sorted(names - commits - versions, key=natural),
    ]


def natural(tag: str) -> list[tuple[int, str]]:
    """A key by which v10 comes after v9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", tag)]


def _ages(commits: Sequence[str], age: Age) -> dict[str, str]:
    if not commits:
        return {}
    asking = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tag-age")
    asked = {asking.submit(age, tag): tag for tag in commits}
    answered, _ = wait(asked, WITHIN)
    asking.shutdown(wait=False, cancel_futures=True)
    return {asked[one]: one.result() for one in answered if one.exception() is None}
