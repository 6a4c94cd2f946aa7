"""Saves that are killed, or at the same time: a whole run stands there, and nothing beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resilkit.errors import StorageError
from resilkit.experiment import drafts, load, runs
from tests.experiment import synthetic

MOMENTS = ("written", "swapped", "between")
KILL = """
import os, shutil, signal, sys
from pathlib import Path
from resilkit.experiment import drafts
from tests.experiment import synthetic

def killed(*_args, **_more):
    os.kill(os.getpid(), signal.SIGKILL)

rename = Path.rename

def rename_once(path, other):
    made = rename(path, other)
    return killed() if other.name.endswith(".old") else made

def swap_away(draft, target):
    return False

def save(folder):
    if folder.name == "swapped":
        shutil.rmtree = killed
    if folder.name == "written":
        drafts._swap = killed
    if folder.name == "between":
        drafts._exchange, Path.rename = swap_away, rename_once
    synthetic.result(seed=8).save(folder / "run")

for folder in sys.argv[1:]:
    process = os.fork()
    if not process:
        try:
            save(Path(folder))
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return synthetic.result().save(tmp_path_factory.mktemp("saved") / "run")


@pytest.fixture(scope="module")
def killed(saved, tmp_path_factory):
    """A folder for each moment, in which a save of another run (seed 8) was killed right then.

    One process forks for them all: to start one takes longer than all that it does.
    """
    folders = [tmp_path_factory.mktemp("killed") / moment for moment in MOMENTS]
    for folder in folders:
        shutil.copytree(saved, folder / "run")
    command = [sys.executable, "-c", KILL, *map(str, folders)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["-9"] * len(folders), ended.stderr
    return dict(zip(MOMENTS, folders, strict=True))


@pytest.fixture
def kill(killed):
    """Leaves a target as a save that is killed at that moment does."""

    def kill(target, moment):
        shutil.rmtree(target)
        shutil.copytree(killed[moment], target.parent, dirs_exist_ok=True)

    return kill


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "run"))


@pytest.mark.parametrize(("moment", "seed"), [("written", 7), ("swapped", 8), ("between", 7)])
def test_a_killed_save_leaves_a_whole_run_and_the_next_one_sweeps(kill, target, moment, seed):
    kill(target, moment)
    assert len(names_in(target.parent)) == 2
    assert load(target).seed == seed
    synthetic.result(seed=9).save(target)
    assert load(target).seed == 9
    assert names_in(target.parent) == ["run"]


def test_a_run_that_a_killed_save_moved_aside_is_listed(kill, target):
    kill(target, "between")
    assert not target.exists()
    table = runs(target.parent)
    assert table[["run", "seed", "problem"]].to_numpy().tolist() == [["run", 7, ""]]


def test_a_run_that_a_killed_save_moved_aside_comes_back_with_a_save_that_fails(kill, target):
    kill(target, "between")
    with pytest.raises(OSError, match="full"), drafts.claimed_draft(target):
        drafts.sweep(target)
        raise OSError(28, "full")
    assert load(target).seed == 7
    assert names_in(target.parent) == ["run"]


def test_a_run_that_cannot_be_put_back_is_told_with_its_place(kill, target, monkeypatch):
    kill(target, "between")

    def refuse(_self, _other):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match=r"run' stands in '.*\.run\.[0-9a-f]{8}\.old' since"):
        load(target)
    table = runs(target.parent)
    assert list(table["run"]) == ["run"]
    assert "Permission denied" in table["problem"][0]


def test_a_run_that_was_moved_aside_gives_way_to_one_that_is_saved_at_that_moment(
    kill, target, monkeypatch
):
    kill(target, "between")
    rename = Path.rename

    def beaten(draft, place):
        if draft.suffix == ".old" and not place.exists():
            place.mkdir()
            (place / "file").write_bytes(b"another save's")
        return rename(draft, place)

    monkeypatch.setattr(Path, "rename", beaten)
    drafts.restore(target)
    assert (target / "file").read_bytes() == b"another save's"


def test_a_draft_in_use_is_not_swept(target):
    with drafts.claimed_draft(target) as draft:
        (draft / "half").write_bytes(b"")
        synthetic.result(seed=8).save(target)
        assert (draft / "half").exists()
    assert names_in(target.parent) == ["run"]


def test_drafts_of_other_targets_and_what_only_looks_like_one_stay(target):
    others = [".run.two.12345678.draft", ".run.12345678.old.draft", ".run.1234567.draft", ".run"]
    for name in others:
        (target.parent / name).mkdir()
    synthetic.result(seed=8).save(target)
    assert names_in(target.parent) == sorted([*others, "run"])


@pytest.mark.parametrize("exchange", [True, False])
def test_folders_for_one_target_at_the_same_time_all_get_there(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(drafts, "_exchange", lambda _draft, _target: False)
    target, failures = tmp_path / "run", []

    def place():
        try:
            for _ in range(50):
                drafts.sweep(target)
                with drafts.claimed_draft(target) as draft:
                    (draft / "file").write_bytes(b"whole")
                    drafts.put_in_place(draft, target)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=place) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (target / "file").read_bytes() == b"whole"
    drafts.sweep(target)
    assert names_in(tmp_path) == ["run"]


@pytest.mark.skipif(sys.platform != "linux", reason="no exchange of two folders there")
def test_a_run_is_replaced_without_a_moment_in_which_it_is_missing(target, monkeypatch):
    monkeypatch.delattr(drafts, "_step_aside")
    synthetic.result(seed=8).save(target)
    assert load(target).seed == 8


def test_a_run_with_the_longest_name_of_a_folder_can_be_saved(tmp_path):
    name = "x" * 255
    for seed in (1, 2):
        synthetic.result(seed=seed).save(tmp_path / name)
    assert load(tmp_path / name).seed == 2
    assert names_in(tmp_path) == [name]


def test_a_listing_does_not_give_a_run_with_a_long_name_that_of_its_hash(tmp_path: Path) -> None:
    target = tmp_path / ("r" * 210)
    drafts._hidden(target, "old").mkdir()
    assert drafts.interrupted(tmp_path) == []
    drafts.restore(target)
    assert [each.name for each in tmp_path.iterdir()] == [target.name]
