"""What the tests need of the machine: without it they fail and say so, because green means that it was tested."""

from __future__ import annotations

import pytest

from opsbot.demo import packages
from tests import prepare


def test_without_chromium_a_test_of_a_page_fails_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_debian", lambda: False)
    monkeypatch.setattr(prepare, "BROWSER", {"/nowhere/chromium": "chromium"})
    with pytest.raises(pytest.fail.Exception) as failed, prepare.chromium_for_a_test():
        pass
    assert str(failed.value) == (
        "No page can be tested without Chromium. These programs are missing: chromium. As root on Debian, run"
        " `apt-get install -y --no-install-recommends chromium` and try again. `-m 'not browser'` leaves out the tests"
        " that need it."
    )
