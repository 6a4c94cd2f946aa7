"""A cluster's folder is removed whole, and nothing that is not surely its own."""

from __future__ import annotations

import os
import tempfile

import pytest

import resilkit as rk
from resilkit.cluster import folders
from resilkit.cluster.folders import MARKER, folder_for, is_ours, make_folder, remove_folder
from resilkit.errors import InvalidArgument, StartFailed

TOKEN = "5eed"


def test_a_folder_is_private_and_goes_with_all_that_is_in_it(tmp_path):
    folder = tmp_path / "c"
    make_folder(str(folder), TOKEN)
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "logs" / "n1.log").touch()
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "file").touch()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (folder / "link").symlink_to(tmp_path / "precious")
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe")
    assert remove_folder(str(folder), TOKEN)
    assert not folder.exists()
    assert (tmp_path / "precious" / "file").exists()
    assert remove_folder(str(folder), TOKEN), "removing it again is fine"


def test_an_empty_folder_is_taken_over_and_made_private(tmp_path):
    (tmp_path / "c").mkdir(mode=0o755)
    make_folder(str(tmp_path / "c"), TOKEN)
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("token", ["", "5eed5eed", "5ee", "other"])
def test_a_folder_with_another_mark_is_left_alone(tmp_path, token):
    make_folder(str(tmp_path / "c"), TOKEN)
    assert not is_ours(str(tmp_path / "c"), token)
    assert not remove_folder(str(tmp_path / "c"), token)
    assert (tmp_path / "c" / "logs").exists()


def test_a_folder_without_a_mark_is_left_alone(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "file").touch()
    assert not remove_folder(str(tmp_path / "c"), TOKEN)
    assert (tmp_path / "c" / "file").exists()


def test_a_link_to_a_marked_folder_is_not_followed(tmp_path):
    make_folder(str(tmp_path / "c"), TOKEN)
    (tmp_path / "link").symlink_to(tmp_path / "c")
    assert not remove_folder(str(tmp_path / "link"), TOKEN)
    assert (tmp_path / "c" / MARKER).exists()


def test_what_stands_there_is_never_taken(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("file", "full", "link"):
        with pytest.raises(InvalidArgument, match="folder: is not free"):
            make_folder(str(tmp_path / name), TOKEN)


@pytest.fixture
def temporary(monkeypatch):
    """Set the system's temporary folder."""

    def use(folder):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))

    return use


def test_a_temporary_folder_too_deep_for_sockets_is_replaced(tmp_path, temporary):
    temporary(tmp_path)
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    temporary(deep)
    with rk.Cluster(nodes=2) as cluster:
        assert cluster.health()["n2"]["answers"]
    assert list(deep.iterdir()) == []


def test_where_no_folder_will_do_the_error_says_what_to_set(tmp_path, temporary, monkeypatch):
    temporary(tmp_path / ("x" * 100))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StartFailed, match=r"too deep for sockets.*set TMPDIR to .* 59 bytes"):
        folder_for("5eed5eed")


def test_a_usable_temporary_folder_is_taken(tmp_path, temporary, monkeypatch):
    temporary(tmp_path)
    monkeypatch.setattr(folders, "_LONGEST", 1000)
    assert folder_for("5eed") == f"{tmp_path}/resilkit-5eed"


def test_a_current_folder_that_was_removed_is_told_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(StartFailed, match=r"current folder.* was removed; .*os\.chdir\(\)"):
        rk.Cluster(nodes=1)
