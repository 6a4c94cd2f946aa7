"""What a run imports is imported whole, whoever interrupts it."""

from __future__ import annotations

import _thread
import subprocess
import sys
import threading

import pytest

from resilkit.errors import InvalidArgument
from resilkit.experiment import live


def test_an_interrupt_ends_the_wait_and_not_the_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def slow(criteria: object) -> None:
        _thread.interrupt_main()
        assert go_on.wait(20.0)
        ended.set()

    monkeypatch.setattr(live, "_rehearse", slow)
    monkeypatch.setattr(live, "_rehearsed", set())
    with pytest.raises(KeyboardInterrupt):
        live.rehearse([])
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(20.0)


def test_once_in_a_process_is_enough_for_a_kind_of_measure(monkeypatch) -> None:
    rehearsed = []
    monkeypatch.setattr(live, "_rehearse", rehearsed.append)
    monkeypatch.setattr(live, "_rehearsed", set())
    for criteria in (["p95 <= 1 s"], ["p95 <= 2 s"], [], ["p99 <= 1 s", "p95 <= 1 s"]):
        live.rehearse(criteria)
    assert [list(map(str, each)) for each in rehearsed] == [
        ["p95 <= 1 s"], ["p99 <= 1 s", "p95 <= 1 s"],
    ]  # fmt: skip


def test_what_cannot_be_judged_is_told_by_the_rehearsal() -> None:
    live.rehearse(["p95 <= 1 s", "availability >= 0.5"])
    with pytest.raises(InvalidArgument, match="speed"):
        live.rehearse(["speed <= 1 s"])


@pytest.mark.parametrize("ends", [True, False])
def test_an_interrupted_rehearsal_ends_before_the_interpreter_or_does_not_hold_it(
    ends: bool,
) -> None:
    script = f"""
import _thread, atexit, threading
from resilkit.experiment import live
ending = threading.Event()
def slow(criteria):
    _thread.interrupt_main()
    if {ends}:
        ending.wait()
        print("whole", flush=True)
    else:
        threading.Event().wait()
live._rehearse = slow
try:
    live.rehearse([])
except KeyboardInterrupt:
    atexit.register(ending.set)
    print("interrupted", flush=True)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30.0
    )
    assert ended.stdout.split() == ["interrupted", "whole"][: 1 + ends]
    assert (ended.returncode, ended.stderr) == (0, "")
