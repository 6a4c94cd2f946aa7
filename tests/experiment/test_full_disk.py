"""A disk that is full at any moment of saving; needs no right to mount one.

`test_saved.py` has the same on a real small disk, where it may be mounted.
"""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from resilkit.errors import StorageError
from resilkit.experiment import figures, load
from tests.experiment import synthetic


class Disk:
    """Takes so many bytes, and so many flushes, and is full then."""

    def __init__(self, monkeypatch):
        self.room = self.flushes = 1 << 30
        self._open, self._fsync = Path.open, os.fsync
        monkeypatch.setattr(Path, "open", lambda path, *how, **more: self.open(path, *how, **more))
        monkeypatch.setattr(os, "fsync", self.fsync)

    def open(self, path, mode="r", *rest, **more):
        if mode == "xb":
            return io.BufferedWriter(File(self, path))
        return self._open(path, mode, *rest, **more)

    def fsync(self, descriptor):
        self.flushes -= 1
        if self.flushes < 0:
            raise no_space()
        self._fsync(descriptor)


class File(io.FileIO):
    """A file on the disk: what still fits is written, as a real one does."""

    def __init__(self, disk, path):
        super().__init__(path, "xb")
        self._disk = disk

    def write(self, data):
        fits = bytes(data)[: self._disk.room]
        if data and not fits:
            raise no_space()
        self._disk.room -= len(fits)
        return super().write(fits)


def no_space():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def disk(monkeypatch):
    figure = {"markup": "x" * 100_000, "caption": ""}
    monkeypatch.setattr(figures, "report_figures", lambda _: [figure])
    return Disk(monkeypatch)


def save(result, folder):
    return result.save(folder / "made" / "run")


def write_report(result, folder):
    return result.report(folder / "report.html")


@pytest.mark.parametrize("write", [save, write_report])
@pytest.mark.parametrize("what", ["room", "flushes"])
def test_a_disk_that_is_full_at_any_moment_is_a_storage_error_and_leaves_nothing(
    tmp_path, disk, what, write
):
    result = synthetic.result()
    begin = getattr(disk, what)
    whole, again = tmp_path / "whole", tmp_path / "again"
    whole.mkdir()
    again.mkdir()
    write(result, whole)
    needs = begin - getattr(disk, what)
    assert needs > 0
    for has in sorted({0, 1, needs // 3, needs // 2, needs - 1} - {needs}):
        setattr(disk, what, has)
        with pytest.raises(StorageError, match="No space left"):
            write(result, again)
        assert list(again.iterdir()) == []
    setattr(disk, what, begin)
    assert write(result, again).exists()


@pytest.mark.parametrize("what", ["room", "flushes"])
def test_what_stood_there_survives_a_disk_that_becomes_full(tmp_path, disk, what):
    target = synthetic.result().save(tmp_path / "run")
    report = synthetic.result().report(tmp_path / "report.html")
    before = report.read_bytes()
    setattr(disk, what, 0)
    with pytest.raises(StorageError, match="No space left"):
        synthetic.result(seed=8).save(target)
    with pytest.raises(StorageError, match="No space left"):
        synthetic.result(seed=8).report(report)
    assert load(target).seed == 7
    assert report.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "run"]
