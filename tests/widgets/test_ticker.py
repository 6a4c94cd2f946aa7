"""The thread that keeps panels up to date: its beat, and what it leaves to others."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit_widgets import ticker


class Beats:
    """A clock and an event that stand for the real ones; who waits is told how long."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waited: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, timeout: float) -> None:
        self.waited.append(timeout)
        self.now += timeout


class Busy:
    """Takes its time at each tick, and has enough after some."""

    def __init__(self, beats: Beats, seconds: float) -> None:
        self.beats, self.seconds, self.ticks = beats, seconds, 0

    def tick(self) -> None:
        self.beats.now += self.seconds
        self.ticks += 1
        if self.ticks == 5:
            ticker._ticking.discard(self)


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [(0.0, 0.1), (0.03, 0.07), (0.05, 0.05), (0.2, 0.2)],
)
def test_the_beat_is_steady_and_half_of_the_time_is_left_to_others(
    monkeypatch: pytest.MonkeyPatch, seconds: float, wait: float
) -> None:
    beats: Any = Beats()
    busy = Busy(beats, seconds)
    monkeypatch.setattr(ticker, "monotonic", beats.monotonic)
    monkeypatch.setattr(ticker, "_wake", beats)
    monkeypatch.setattr(ticker, "_ticking", {busy})
    ticker._run()
    assert busy.ticks == 5
    assert beats.waited == pytest.approx([0.1, *[wait] * 5])
