"""The state folder: what it promises about ports, passwords, sockets and other people's files."""

import socket
import stat
from pathlib import Path

import pytest

from opsbot.demo import state as states
from opsbot.demo.state import State
from opsbot.errors import OpsError


def test_a_part_keeps_its_port_and_no_other_part_gets_it(tmp_path: Path) -> None:
    state = State(tmp_path)
    first = {name: state.port(name) for name in ("registry", "s3", "edge")}
    assert len(set(first.values())) == 3
    assert {name: State(tmp_path).port(name) for name in first} == first


def test_a_preferred_port_is_taken_when_free_and_another_one_when_not(tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        busy = stranger.getsockname()[1]
        assert State(tmp_path / "a").port("page", prefer=busy) != busy
    assert State(tmp_path / "b").port("page", prefer=busy) == busy


def test_a_forgotten_port_is_chosen_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path)
    old = state.port("page")
    state.forget_port("page")
    monkeypatch.setattr(states, "port_is_free", lambda port, *_: port != old)
    assert state.port("page") != old


def test_a_password_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    state = State(tmp_path)
    password = state.secret("registry_password")
    assert len(password) == 40
    assert State(tmp_path).secret("registry_password") == password
    assert state.secret("s3_secret") != password
    assert stat.S_IMODE((tmp_path / "secrets" / "registry_password").stat().st_mode) == 0o600


def test_sockets_stay_within_the_length_that_the_kernel_allows(tmp_path: Path) -> None:
    near, far = State(Path("/srv/.state")), State(Path("/" + "x" * 120))
    assert near.runtime_folder == Path("/srv/.state/engine")
    assert far.runtime_folder.parent == Path("/run")
    assert far.runtime_folder != State(Path("/" + "y" * 120)).runtime_folder


def test_a_folder_with_somebody_elses_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(OpsError, match="was not made by the demo") as refused:
        State(tmp_path).claim()
    assert "OPSBOT_STATE" in refused.value.fix
    assert not State(tmp_path).ours
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_a_folder_of_ours_can_be_claimed_again(tmp_path: Path) -> None:
    state = State(tmp_path / "new")
    state.claim()
    state.secret("some")
    state.claim()
    assert state.ours


def test_the_folder_comes_from_the_environment_or_is_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSBOT_STATE", str(tmp_path))
    assert State.default().root == tmp_path
    monkeypatch.delenv("OPSBOT_STATE")
    assert State.default().root == Path(states.__file__).parents[2] / ".state"
