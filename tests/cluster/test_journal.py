"""The undo journal: its undo, its file, and its care about recycled process ids."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess

import pytest

from resilkit.cluster import journal as journals
from resilkit.cluster.journal import Journal, undo_file
from resilkit.cluster.processes import start_time
from resilkit.errors import InvalidArgument, StorageError


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.fixture
def signals(monkeypatch):
    """Have signals noted down instead of sent; those to processes in ``refusing`` fail."""

    class Sent(list):
        refusing: set[int] = set()

    sent = Sent()

    def send(pid, started, number):
        if pid in sent.refusing:
            raise PermissionError(1, "Operation not permitted")
        sent.append(pid)
        return True

    monkeypatch.setattr(journals, "signal_process", send)
    return sent


def resume(process):
    return entry(process.pid, start_time(process.pid))


def entry(pid, started=1.0):
    return {"undo": "signal", "pid": pid, "start_time": started, "signal": int(signal.SIGCONT)}


def outcomes(results):
    return [(each["key"], each["outcome"]) for each in results]


def stopped(process):
    """Return whether `process` is stopped, after waiting for the news of a change."""
    _, status = os.waitpid(process.pid, os.WUNTRACED | os.WCONTINUED)
    return os.WIFSTOPPED(status)


def test_a_paused_process_is_resumed(sleeper, tmp_path):
    journal = Journal(str(tmp_path / "j"))
    journal.add("pause", resume(sleeper))
    sleeper.send_signal(signal.SIGSTOP)
    assert stopped(sleeper)
    assert outcomes(journal.undo("pause")) == [("pause", "done")]
    assert not stopped(sleeper)
    assert journal.undo("pause") == []


def test_a_later_process_with_the_same_number_is_left_alone(sleeper):
    journal = Journal(None)
    stale = entry(sleeper.pid, start_time(sleeper.pid) - 1)
    journal.add("f", {**stale, "signal": int(signal.SIGKILL)})
    assert outcomes(journal.undo_all()) == [("f", "gone")]
    assert sleeper.poll() is None


def test_a_process_that_ended_has_nothing_to_undo(sleeper):
    journal = Journal(None)
    journal.add("f", resume(sleeper))
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # ended, and not reaped yet
    assert start_time(sleeper.pid) is None
    assert outcomes(journal.undo_all()) == [("f", "gone")]
    sleeper.wait()
    assert start_time(sleeper.pid) is None


def test_entries_are_undone_in_reverse_also_within_a_key(signals):
    journal = Journal(None)
    for key, pid in [("f", 101), ("g", 102), ("f", 103)]:
        journal.add(key, entry(pid))
    assert len(journal) == 3
    journal.undo_all()
    assert signals == [102, 103, 101]
    assert len(journal) == 0


def test_what_was_written_is_undone_by_somebody_else(tmp_path, signals):
    path = tmp_path / "journal.jsonl"
    journal = Journal(str(path))
    for key, pid in [("f", 101), ("g", 102), ("h", 103)]:
        journal.add(key, entry(pid))
    journal.remove("g")
    journal.remove("never there")
    with path.open("ab") as file:  # a write that was cut short
        file.write(json.dumps({"add": "i", "entry": entry(104)}).encode()[:-9])
    assert outcomes(undo_file(str(path))) == [("h", "done"), ("f", "done")]
    assert signals == [103, 101]
    assert not path.exists()
    assert undo_file(str(path)) == []


def test_what_could_not_be_undone_is_not_forgotten_here_or_in_the_file(tmp_path, signals):
    path = tmp_path / "journal.jsonl"
    journal = Journal(str(path))
    for pid in (101, 102, 103):
        journal.add("f", entry(pid))
    signals.refusing = {102}
    results = journal.undo("f")
    assert [each["outcome"] for each in results] == ["done", "failed", "done"]
    assert "Operation not permitted" in results[1]["reason"]
    assert len(journal) == 1
    assert outcomes(undo_file(str(path))) == [("f", "failed")]
    assert path.exists()
    signals.refusing = set()
    assert outcomes(undo_file(str(path))) == [("f", "done")]
    assert outcomes(journal.undo("f")) == [("f", "done")]
    assert signals == [103, 101, 102, 102]
    assert len(journal) == 0


def test_a_fault_that_cannot_be_written_down_is_refused(tmp_path):
    journal = Journal(str(tmp_path / "no such folder" / "journal"))
    with pytest.raises(StorageError, match="cannot write the undo journal"):
        journal.add("f", entry(101))
    assert len(journal) == 0


@contextlib.contextmanager
def room(path, more):
    """Let files of this process have only so many bytes more than `path` has now.

    Not for longer than it takes: what pytest prints may go to a file as well.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("clean", [True, False], ids=["cut back", "left torn"])
def test_a_line_that_the_disk_takes_only_a_part_of_spoils_no_other(
    tmp_path, signals, monkeypatch, clean
):
    def refuse(*_):
        raise OSError(5, "Input/output error")

    path = tmp_path / "journal.jsonl"
    journal = Journal(str(path))
    journal.add("f", entry(101))
    size = path.stat().st_size
    with monkeypatch.context() as patch:
        if not clean:
            patch.setattr(os, "ftruncate", refuse)
        with room(path, 20), pytest.raises(StorageError, match="cannot write the undo journal"):
            journal.add("g", entry(102))
    assert (path.stat().st_size == size) is clean
    journal.add("h", entry(103))
    assert outcomes(undo_file(str(path))) == [("h", "done"), ("f", "done")]
    assert signals == [103, 101]


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({}, "entry.undo"),
        ([], "entry.undo"),
        ({"undo": "rm -rf"}, "entry.undo"),
        ({**entry(99), "path": "/a"}, "entry.path"),
        ({"undo": "signal"}, "entry.pid"),
        (entry(1), "entry.pid"),
        (entry(-1), "entry.pid"),
        (entry(True), "entry.pid"),
        (entry(99, None), "entry.start_time"),
        ({**entry(99), "signal": 999}, "entry.signal"),
        ({**entry(99), "signal": "TERM"}, "entry.signal"),
    ],
    ids=str,
)
def test_an_entry_that_could_not_be_carried_out_is_refused(bad, path):
    with pytest.raises(InvalidArgument) as caught:
        Journal(None).add("f", bad)
    assert caught.value.path == path
