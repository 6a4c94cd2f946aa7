"""Panels: flow control, errors, life and end, without a browser."""

from __future__ import annotations

import threading

import pytest

from resilkit_widgets import panel as panel_module
from resilkit_widgets import ticker
from resilkit_widgets.panel import Panel


class Counter(Panel):
    """Sends a frame a tick."""

    ticks = 0
    _esm = "export default { render() {} }"

    def _update(self) -> None:
        self.ticks += 1
        if self.ticks == 3:
            raise ValueError("at three")
        if self._ready():
            self._send_frame(bytes([self._next()]))

    def _picture(self) -> str:
        return f"<b>{self.ticks}</b>"


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """A panel that ticks when the test says so."""
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    made = Counter()
    made.start()
    return made


def test_at_most_two_frames_are_on_their_way(panel: Counter) -> None:
    for _ in range(2):
        panel.tick()
    assert panel.frame == b"\x02"
    for _ in range(5):
        panel.tick()
    assert panel.frame == b"\x02", "nobody has drawn the first one"
    panel.acknowledged = 1
    panel.tick()
    assert panel.frame == b"\x03"


def test_a_frame_is_sent_again_after_a_while_though_nobody_draws(
    panel: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(panel_module, "monotonic", lambda: now)
    for _ in range(4):
        panel.tick()
    assert panel.frame == b"\x02"
    now += 1.9
    panel.tick()
    assert panel.frame == b"\x02"
    now += 0.2
    panel.tick()
    assert panel.frame == b"\x03"
    panel.tick()
    assert panel.frame == b"\x03"


def test_what_goes_wrong_is_shown_until_it_goes_well_again(panel: Counter) -> None:
    panel.tick()
    panel.tick()
    assert panel.error == ""
    panel.tick()
    assert panel.error == "ValueError: at three"
    panel.tick()
    assert panel.error == ""


def test_a_misspelt_trait_is_refused() -> None:
    with pytest.raises(TypeError, match="Counter has no trait framee"):
        Counter(framee=b"")


def ticking() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "resilkit panels"]


def test_one_thread_ticks_for_all_panels_and_ends_with_the_last_of_them() -> None:
    first, second = Counter(), Counter()
    ticked = threading.Event()
    second.observe(lambda _: ticked.set(), "frame")
    for each in (first, second, second):
        each.start()
    [thread] = ticking()
    assert ticked.wait(20.0)
    first.stop()
    assert thread.is_alive()
    second.close()
    thread.join(20.0)
    assert not thread.is_alive()
    assert (first.state, second.state) == ("over", "over")
    again = Counter()
    again.start()
    [thread] = ticking()
    again.close()
    thread.join(20.0)
    assert ticking() == []
