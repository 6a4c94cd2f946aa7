"""What a run imports is imported whole, whoever interrupts it."""

from __future__ import annotations

import _thread
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
    with pytest.raises(KeyboardInterrupt):
        live.rehearse([])
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(20.0)


def test_what_cannot_be_judged_is_told_by_the_rehearsal() -> None:
    live.rehearse(["p95 <= 1 s", "availability >= 0.5"])
    with pytest.raises(InvalidArgument, match="speed"):
        live.rehearse(["speed <= 1 s"])
