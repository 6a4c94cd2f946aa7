"""Paths as users give them: what can be none is refused in words, by all who take one."""

from __future__ import annotations

from pathlib import Path

import pytest

from resilkit.errors import InvalidArgument, StorageError
from resilkit.experiment import figures, load, runs
from tests.experiment import synthetic


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch):
    monkeypatch.setattr(figures, "report_figures", lambda _: [])


NO_PATHS = [None, 3, b"run", "", "a\0b", "\ud800", "~nobody-has-this-name/run"]


@pytest.mark.parametrize("value", NO_PATHS, ids=ascii)
def test_what_can_be_no_path_is_refused_by_all_who_take_one(value):
    result = synthetic.result()
    for take, where in (
        (result.save, "path"), (result.report, "path"), (load, "path"), (runs, "folder"),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument) as caught:
            take(value)
        assert (caught.value.path, caught.value.value) == (where, value)
        assert caught.value.allowed.startswith("the path of a ")


def test_a_name_that_is_too_long_is_told_in_the_words_of_the_house(tmp_path):
    long = tmp_path / ("x" * 300)
    for write in (synthetic.result().save, synthetic.result().report):
        with pytest.raises(StorageError, match="File name too long"):
            write(long)
    with pytest.raises(InvalidArgument, match="does not exist"):
        load(long)
    with pytest.raises(InvalidArgument, match="is no folder"):
        runs(long)


def test_the_current_folder_is_not_taken_away_under_its_user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match="is the current folder"):
        synthetic.result().save(".")
    assert Path.cwd() == tmp_path


def test_a_current_folder_that_was_removed_is_told(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for write in (synthetic.result().save, synthetic.result().report):
        with pytest.raises(StorageError, match="current folder, which was removed"):
            write("run")
    assert load(synthetic.result().save(tmp_path / "run")).seed == 7
