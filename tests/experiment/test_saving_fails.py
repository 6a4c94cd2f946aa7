"""A save that does not end well leaves what was there, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from resilkit.errors import StorageError
from resilkit.experiment import drafts, load, storage
from tests.experiment import synthetic


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_place_where_no_folder_can_be_made_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_args, **_more):
        raise FileNotFoundError(2, "No such file or directory")  # as /proc does

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match=r"x' cannot be made there .*; make it first"):
        synthetic.result().save(tmp_path / "x" / "y")


def test_an_interrupt_while_saving_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(path, data):
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "_write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        synthetic.result().save(tmp_path / "a" / "b")
    assert names_in(tmp_path) == []


def test_the_old_run_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target = synthetic.result().save(tmp_path / "run")
    rename = Path.rename

    def refuse(self, other):
        if self.name.endswith(".draft") and not other.exists():
            raise PermissionError(13, "Permission denied")
        return rename(self, other)

    monkeypatch.setattr(drafts, "_exchange", lambda _draft, _target: False)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        synthetic.result(seed=8).save(target)
    assert load(target).seed == 7
    assert names_in(tmp_path) == ["run"]
