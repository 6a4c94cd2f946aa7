"""The notebooks that come with resilkit: found, and copied without harm to what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from resilkit.errors import InvalidArgument, StorageError
from resilkit.notebooks import shipped as module
from resilkit.notebooks.shipped import FIRST, copy_to, shipped

ROOT = Path(__file__).parents[2]


def test_a_checkout_has_them_in_its_own_folder_the_quickstart_first() -> None:
    found = shipped()
    assert {path.parent for path in found} == {ROOT / "notebooks"}
    assert {path.name for path in found} == {
        path.name for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    assert found[0].name == FIRST


def test_an_installed_package_has_them_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "resilkit" / "notebooks"
    (package / "originals").mkdir(parents=True)
    for name in ("a.ipynb", FIRST):
        (package / "originals" / name).touch()
    monkeypatch.setattr(module, "__file__", str(package / "shipped.py"))
    assert [path.name for path in shipped()] == [FIRST, "a.ipynb"]


def test_copies_are_made_once_and_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "books"
    made = copy_to(folder)
    assert [path.name for path in made] == [path.name for path in shipped()]
    assert made[0].read_bytes() == shipped()[0].read_bytes()
    made[0].write_text("mine")
    made[-1].unlink()
    again = copy_to(folder)
    assert again == [made[-1]] if len(made) > 1 else True
    if len(made) > 1:
        assert made[0].read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / FIRST).symlink_to(tmp_path / "elsewhere.ipynb")
    copy_to(tmp_path)
    assert not (tmp_path / "elsewhere.ipynb").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match="DIR: is no folder"):
        copy_to(tmp_path / "file")
    with pytest.raises((StorageError, InvalidArgument)):
        copy_to(tmp_path / "file" / "below")
