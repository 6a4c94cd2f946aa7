"""The undo journal: each kind of undo, its file, and its care about recycled process ids."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
from pathlib import Path

import pytest

from resilkit.cluster.journal import Journal, undo_file
from resilkit.cluster.processes import start_time
from resilkit.errors import InvalidArgument, StorageError


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


def entry(process, undo, **fields):
    started = start_time(process.pid)
    return {"undo": undo, "pid": process.pid, "start_time": started, **fields}


def outcomes(results):
    return [(each["key"], each["outcome"]) for each in results]


def stopped(process):
    """Return whether `process` is stopped, after waiting for the news of a change."""
    _, status = os.waitpid(process.pid, os.WUNTRACED | os.WCONTINUED)
    return os.WIFSTOPPED(status)


def test_a_paused_process_is_resumed(sleeper, tmp_path):
    journal = Journal(str(tmp_path / "j"))
    journal.add("pause", entry(sleeper, "signal", signal=int(signal.SIGCONT)))
    sleeper.send_signal(signal.SIGSTOP)
    assert stopped(sleeper)
    assert outcomes(journal.undo("pause")) == [("pause", "done")]
    assert not stopped(sleeper)
    assert journal.undo("pause") == []


@pytest.mark.parametrize("group", [True, False])
def test_a_process_is_killed_with_its_group_only_if_that_is_said(tmp_path, group):
    shell = "sleep 1000 > /dev/null & echo $!; wait"
    with subprocess.Popen(
        ["sh", "-c", shell], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        other = os.pidfd_open(int(process.stdout.readline()))
        journal = Journal(None)
        journal.add("hog", entry(process, "kill_process", group=group))
        assert outcomes(journal.undo_all()) == [("hog", "done")]
        assert process.wait(20) == -signal.SIGKILL
        assert bool(select.select([other], [], [], 20 if group else 0)[0]) is group
        if not group:
            signal.pidfd_send_signal(other, signal.SIGKILL)
        os.close(other)


def test_a_limit_is_put_back(sleeper):
    soft, hard = resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE)
    journal = Journal(None)
    journal.add("files", entry(sleeper, "prlimit", resource="RLIMIT_NOFILE", soft=soft, hard=hard))
    resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE, (5, hard))
    assert outcomes(journal.undo_all()) == [("files", "done")]
    assert resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE) == (soft, hard)


def test_a_file_is_removed_but_never_a_folder_and_no_link_is_followed(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "kept").touch()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "folder").mkdir()
    journal = Journal(None)
    for name in ("file", "link", "folder", "missing"):
        journal.add(name, {"undo": "unlink", "path": str(tmp_path / name)})
    assert outcomes(journal.undo_all()) == [
        ("missing", "gone"), ("folder", "failed"), ("link", "done"), ("file", "done"),
    ]  # fmt: skip
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "kept"]


@pytest.mark.parametrize(
    ("undo", "fields"),
    [
        ("signal", {"signal": int(signal.SIGKILL)}),
        ("kill_process", {"group": True}),
        ("kill_process", {"group": False}),
        ("prlimit", {"resource": "RLIMIT_NOFILE", "soft": 1, "hard": 1}),
    ],
    ids=str,
)
def test_a_later_process_with_the_same_number_is_left_alone(sleeper, undo, fields):
    stale = {**entry(sleeper, undo, **fields), "start_time": start_time(sleeper.pid) - 1}
    before = resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE)
    journal = Journal(None)
    journal.add("f", stale)
    assert outcomes(journal.undo_all()) == [("f", "gone")]
    assert sleeper.poll() is None
    assert resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE) == before


def test_a_process_that_ended_has_nothing_to_undo(sleeper):
    journal = Journal(None)
    journal.add("f", entry(sleeper, "kill_process", group=True))
    journal.add("g", entry(sleeper, "signal", signal=int(signal.SIGCONT)))
    journal.add("h", entry(sleeper, "prlimit", resource="RLIMIT_NOFILE", soft=1, hard=1))
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # ended, and not reaped yet
    assert start_time(sleeper.pid) is None
    assert {each["outcome"] for each in journal.undo_all()} == {"gone"}
    sleeper.wait()
    assert start_time(sleeper.pid) is None


def test_entries_are_undone_in_reverse_also_within_a_key(tmp_path):
    journal = Journal(None)
    for key, name in [("f", "1"), ("g", "2"), ("f", "3")]:
        journal.add(key, {"undo": "unlink", "path": str(tmp_path / name)})
    assert len(journal) == 3
    paths = [Path(each["entry"]["path"]).name for each in journal.undo_all()]
    assert paths == ["2", "3", "1"]
    assert len(journal) == 0


def test_what_was_written_is_undone_by_somebody_else(tmp_path):
    path = tmp_path / "journal.jsonl"
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
    journal = Journal(str(path))
    journal.add("f", {"undo": "unlink", "path": str(tmp_path / "a")})
    journal.add("g", {"undo": "unlink", "path": str(tmp_path / "b")})
    journal.add("h", {"undo": "unlink", "path": str(tmp_path / "c")})
    journal.remove("g")
    journal.remove("never there")
    with path.open("ab") as file:  # a write that was cut short
        file.write(json.dumps({"add": "i", "entry": {}}).encode()[:-9])
    assert outcomes(undo_file(str(path))) == [("h", "done"), ("f", "done")]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b"]
    assert undo_file(str(path)) == []


def test_a_fault_that_cannot_be_written_down_is_refused(tmp_path):
    journal = Journal(str(tmp_path / "no such folder" / "journal"))
    with pytest.raises(StorageError, match="cannot write the undo journal"):
        journal.add("f", {"undo": "unlink", "path": "/nowhere/x"})
    assert len(journal) == 0


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({}, "entry.undo"),
        ([], "entry.undo"),
        ({"undo": "rm -rf"}, "entry.undo"),
        ({"undo": "unlink"}, "entry.path"),
        ({"undo": "unlink", "path": "relative"}, "entry.path"),
        ({"undo": "unlink", "path": "/a", "pid": 3}, "entry.pid"),
        ({"undo": "signal", "pid": 1, "start_time": 1.0, "signal": 9}, "entry.pid"),
        ({"undo": "signal", "pid": -1, "start_time": 1.0, "signal": 9}, "entry.pid"),
        ({"undo": "signal", "pid": True, "start_time": 1.0, "signal": 9}, "entry.pid"),
        ({"undo": "signal", "pid": 99, "start_time": None, "signal": 9}, "entry.start_time"),
        ({"undo": "signal", "pid": 99, "start_time": 1.0, "signal": 999}, "entry.signal"),
        ({"undo": "kill_process", "pid": 99, "start_time": 1.0, "group": 1}, "entry.group"),
        ({"undo": "prlimit", "pid": 99, "start_time": 1.0, "resource": "NOFILE", "soft": 1,
          "hard": 1}, "entry.resource"),
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_that_could_not_be_carried_out_is_refused(bad, path):
    with pytest.raises(InvalidArgument) as caught:
        Journal(None).add("f", bad)
    assert caught.value.path == path
