"""A cluster's folder is removed whole, and nothing that is not surely its own."""

from __future__ import annotations

import os

import pytest

from resilkit.cluster.folders import MARKER, is_ours, make_folder, remove_folder
from resilkit.errors import InvalidArgument

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
