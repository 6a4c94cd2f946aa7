"""What stands in a saved run and is no regular file is refused at once, and never waited for."""

from __future__ import annotations

import os
import socket

import pytest

from resilkit.errors import InvalidArgument, StorageError
from resilkit.experiment import load, runs
from tests.experiment import synthetic


def pipe(path):
    os.mkfifo(path)


def folder(path):
    path.mkdir()


def device(path):
    path.symlink_to("/dev/zero")


def listener(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(path))  # whose path may have about 100 characters


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return synthetic.result().save("run").absolute()


FILES = ["manifest.json", "operations.parquet", "events.parquet", "metrics/cpu.parquet"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("make", [pipe, folder, device, listener])
@pytest.mark.timeout(20)
def test_what_is_no_regular_file_in_a_run_is_refused_with_its_name(run, name, make):
    (run / name).unlink()
    make(run / name)
    with pytest.raises(StorageError, match=f"{name}' is no regular file"):
        load(run)
    assert runs(run.parent)["problem"][0].endswith(f"{name}' is no regular file")


def test_a_link_to_a_file_of_a_run_is_read(run):
    (run / "events.parquet").rename(run.parent / "elsewhere")
    (run / "events.parquet").symlink_to(run.parent / "elsewhere")
    assert load(run).seed == 7


def test_a_folder_whose_manifest_is_no_file_is_never_replaced(tmp_path):
    (tmp_path / "mine" / "manifest.json").mkdir(parents=True)
    with pytest.raises(InvalidArgument, match="there is something else already"):
        synthetic.result().save(tmp_path / "mine")
