"""A disk that fills up: new changes are refused in words, what runs is finished, and everything is as before afterwards."""

from __future__ import annotations

from pathlib import Path

from opsbot.store import Store, open_store
from opsbot.store.space import BALLAST, LOW, Space


def test_a_store_on_a_file_keeps_a_ballast_beside_it(store: Store, url: str) -> None:
    ballast = Path(url.removeprefix("sqlite:///") + ".ballast")
    assert ballast.stat().st_blocks * 512 >= BALLAST, "it takes real room, it is no hole"
    assert store.space.short() is None


def test_the_ballast_is_given_back_when_the_disk_fills_up_and_laid_again_when_it_does_not(tmp_path: Path) -> None:
    free = [10 * BALLAST]
    store = tmp_path / "opsbot.db"
    ballast = tmp_path / "opsbot.db.ballast"
    space = Space(store, lambda _path: (free[0], 100 * BALLAST))
    space.keep()
    assert ballast.stat().st_size == BALLAST
    free[0] = LOW - 1
    assert space.short() == "The bot's own state cannot be written: disk full."
    assert not ballast.exists()
    free[0] = BALLAST + LOW - 1
    assert space.short() is not None, "what the ballast left is for what runs"
    assert not space.release()
    free[0] = 10 * BALLAST
    assert space.short() is None
    assert ballast.exists()


def test_a_small_disk_has_a_small_ballast(tmp_path: Path) -> None:
    space = Space(tmp_path / "opsbot.db", lambda _path: (3 * LOW, 4 * LOW))
    space.keep()
    assert (tmp_path / "opsbot.db.ballast").stat().st_size == LOW // 2
    assert space.short() is None


def test_a_store_without_a_file_of_its_own_is_never_short() -> None:
    space = Space(None)
    space.keep()
    assert space.short() is None
    assert not space.release()


def test_opening_again_keeps_the_ballast(store: Store, url: str) -> None:
    ballast = Path(url.removeprefix("sqlite:///") + ".ballast")
    before = ballast.stat().st_ino
    open_store(url).close()
    assert ballast.stat().st_ino == before


def test_a_folder_in_which_no_ballast_can_be_laid_is_not_a_full_disk(tmp_path: Path) -> None:
    space = Space(tmp_path / "nowhere" / "opsbot.db")
    assert space.short() is None
    (tmp_path / "opsbot.db.ballast").mkdir()  # whatever stands in its place
    assert Space(tmp_path / "opsbot.db", lambda _path: (10 * BALLAST, 100 * BALLAST)).short() is None
