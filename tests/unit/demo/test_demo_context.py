"""Build contexts: what is copied, what changes the fingerprint, and whether every version's patch still fits."""

from pathlib import Path

import pytest

from opsbot.demo import context, images
from opsbot.errors import OpsError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "package" / "__pycache__").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM base\n")
    (folder / "package" / "page.py").write_text("COLOUR = 'blue'\n")
    (folder / "package" / "__pycache__" / "page.pyc").write_text("junk")
    return folder


def test_caches_are_neither_copied_nor_counted(source: Path, tmp_path: Path) -> None:
    context.copy(source, tmp_path / "copy")
    found = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert found == {"Dockerfile", "package/page.py"}


def test_only_named_entries_are_copied_when_they_are_named(source: Path, tmp_path: Path) -> None:
    context.copy(source, tmp_path / "copy", only=("Dockerfile",))
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["Dockerfile"]


def test_content_path_mode_and_arguments_each_change_the_fingerprint(source: Path) -> None:
    page = source / "package" / "page.py"
    seen = [context.fingerprint(source, "VERSION=v1")]
    seen.append(context.fingerprint(source, "VERSION=v2"))
    page.chmod(0o755)
    seen.append(context.fingerprint(source, "VERSION=v1"))
    page.write_text("COLOUR = 'green'\n")
    seen.append(context.fingerprint(source, "VERSION=v1"))
    page.rename(source / "package" / "pages.py")
    seen.append(context.fingerprint(source, "VERSION=v1"))
    assert len(set(seen)) == len(seen)
    assert context.fingerprint(source, "VERSION=v1") == seen[-1]


@pytest.mark.parametrize("version", [version for version in images.VERSIONS if images.web(version).patch])
def test_the_patch_of_every_version_fits_todays_application(version: str, tmp_path: Path) -> None:
    recipe = images.web(version)
    assert recipe.patch is not None
    context.copy(recipe.source, tmp_path / "app")
    before = context.fingerprint(tmp_path / "app")
    context.patch(tmp_path / "app", recipe.patch)
    assert context.fingerprint(tmp_path / "app") != before


def test_the_first_version_is_the_source_as_it_is_and_the_others_are_patched() -> None:
    assert [version for version in images.VERSIONS if images.web(version).patch is None] == ["v1"]


def test_a_patch_that_no_longer_fits_is_named(source: Path, tmp_path: Path) -> None:
    change = tmp_path / "v9.patch"
    change.write_text("--- a/package/page.py\n+++ b/package/page.py\n@@ -1 +1 @@\n-COLOUR = 'red'\n+COLOUR = 'x'\n")
    with pytest.raises(OpsError, match=r"v9\.patch does not fit the application"):
        context.patch(source, change)
    assert (source / "package" / "page.py").read_text() == "COLOUR = 'blue'\n"
