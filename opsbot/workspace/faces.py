"""Faces: a member has one where the page has a picture under their id."""

from dataclasses import replace
from pathlib import Path

from opsbot.workspace.records import User

FOLDER = Path(__file__).parent / "static" / "faces"


def with_face(url: str, user: User) -> User:
    """The member with their picture's address, where there is one."""
    there = (FOLDER / f"{user.id}.svg").exists()
    return replace(user, image=f"{url}/static/faces/{user.id}.svg") if there else user
