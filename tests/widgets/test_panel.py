"""Panels: flow control, errors, life and end, without a browser."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import traitlets

from resilkit_widgets import panel as panel_module
from resilkit_widgets import ticker
from resilkit_widgets.panel import Panel
from tests.cluster.harm import wait_until
from tests.widgets.locks import Other

HALF = "\ud800"
"""Half of a surrogate pair: Python takes it in any text, and nothing can write it."""


class Counter(Panel):
    """Shows how often it was brought up to date."""

    seen = traitlets.Int(0).tag(sync=True)
    ended = False
    _esm = "export default { render() {} }"

    def _update(self) -> None:
        self.seen += 1
        if self.seen == 3:
            raise ValueError("at three")

    def _ended(self) -> bool:
        return self.ended

    def _picture(self) -> str:
        return f"<b>{self.seen}</b>"


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """A panel that ticks when the test says so."""
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    made = Counter()
    made.start()
    return made


def test_at_most_two_updates_are_on_their_way(panel: Counter) -> None:
    for _ in range(7):
        panel.tick()
    assert (panel.sent, panel.seen) == (2, 2), "nobody has drawn the first one"
    panel.acknowledged = 1
    panel.tick()
    panel.tick()
    assert (panel.sent, panel.seen) == (3, 3)


def test_an_update_is_sent_again_after_a_while_though_nobody_draws(
    panel: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(panel_module, "monotonic", lambda: now)
    for _ in range(4):
        panel.tick()
    assert panel.sent == 2
    now += 1.9
    panel.tick()
    assert panel.sent == 2
    now += 0.2
    panel.tick()
    assert panel.sent == 3
    panel.tick()
    assert panel.sent == 3


def test_an_update_goes_out_as_one_message_and_one_that_changes_nothing_as_none(
    panel: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = []
    monkeypatch.setattr(panel, "send_state", lambda key: messages.append(set(key)))
    panel.tick()
    assert messages == [{"seen", "sent"}]
    monkeypatch.setattr(panel, "_update", lambda: None)
    panel.tick()
    assert panel.sent == 1
    assert all(not keys for keys in messages[1:])


def test_what_another_thread_sets_while_an_update_goes_out_is_sent_after_it(
    panel: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Other(panel, lambda: setattr(panel, "closed", True))
    messages: list[set[str]] = []
    sends = threading.Event()

    class Held(set[str]):
        """What ipywidgets holds back, and forgets once it is sent: also what has come too late."""

        def add(self, key: str) -> None:
            if other.is_this:
                other.come()
                assert sends.wait(20.0)
            super().add(key)

        def clear(self) -> None:
            if other.came_in:
                other.join()
            super().clear()

    def send(key: str | set[str]) -> None:
        messages.append({key} if isinstance(key, str) else set(key))
        sends.set()

    def update() -> None:
        panel.seen += 1
        other.begin()

    monkeypatch.setitem(panel._trait_values, "_states_to_send", Held())
    monkeypatch.setattr(panel, "send_state", send)
    monkeypatch.setattr(panel, "_update", update)
    panel.tick()
    other.join()
    assert messages == [{"seen", "sent"}, {"closed"}]


def test_what_another_thread_sets_while_the_front_end_does_waits_for_its_turn(
    panel: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Other(panel, lambda: setattr(panel, "error", "of another thread"))
    has_set = panel.set_trait

    def set_trait(name: str, value: Any) -> None:
        has_set(name, value)
        other.begin()
        assert not other.over, "traitlets forgets what comes as it tells of what it has held back"

    monkeypatch.setattr(panel, "set_trait", set_trait)
    told = []
    panel.observe(lambda change: told.append(change["name"]), ["acknowledged", "error"])
    panel.set_state({"acknowledged": 1})
    other.join()
    assert told == ["acknowledged", "error"]


def test_what_goes_wrong_outside_of_an_update_does_not_come_and_go(
    panel: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no room")

    said: list[str] = []
    panel.observe(lambda change: said.append(change["new"]), "error")
    monkeypatch.setattr(panel, "_update", lambda: None)
    with monkeypatch.context() as bad:
        bad.setattr(panel._showings, "tick", fail)
        for _ in range(3):
            panel.tick()
    assert said == ["OSError: no room"]
    for _ in range(2):
        panel.tick()
    assert said == ["OSError: no room", ""]


def test_a_panel_that_nobody_sees_is_not_brought_up_to_date(panel: Counter) -> None:
    panel.shown = False
    panel.tick()
    assert panel.seen == 0
    panel.shown = True
    panel.tick()
    assert panel.seen == 1


def test_a_panel_ends_with_what_it_shows_after_a_last_update_though_nobody_draws(
    panel: Counter,
) -> None:
    for _ in range(4):
        panel.tick()
    panel.ended = True
    panel.tick()
    assert (panel.state, panel.seen) == ("over", 3)
    panel.tick()
    assert panel.seen == 3


def test_an_error_without_a_text_is_shown_all_the_same(
    panel: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HostileError(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    def fail() -> str:
        raise HostileError

    monkeypatch.setattr(panel, "_update", fail)
    monkeypatch.setattr(panel, "_picture", fail)
    panel.tick()
    assert panel.error == "HostileError: (its str raised ValueError)"
    assert "HostileError" in panel.last_picture()["text/html"]


def test_what_goes_wrong_is_shown_until_it_goes_well_again(panel: Counter) -> None:
    said = []
    for number in range(1, 5):
        panel.tick()
        panel.acknowledged = number
        said.append(panel.error)
    assert said == ["", "", "ValueError: at three", ""]


class Told(Counter):
    """Shows what somebody's code has called things, and fails in its words."""

    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def _update(self) -> None:
        self.rows = [{HALF: [HALF, ("caf\udce9", 3, None)]}]
        raise ValueError(HALF)

    def _picture(self) -> str:
        return f"<b>{HALF}</b>"

    def __repr__(self) -> str:
        return f"<Told {HALF}>"


def test_texts_of_the_users_code_that_nobody_can_write_are_sent_as_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    panel, messages = Told(), []
    monkeypatch.setattr(panel, "_send", lambda message, **_: messages.append(message["state"]))
    panel.start()
    panel.tick()
    messages.append(panel.get_state())  # for a page that is opened later
    for state in messages:
        json.dumps(state, ensure_ascii=False).encode()
    assert messages[-1]["error"] == "ValueError: \ufffd"
    assert messages[-1]["rows"] == [{"\ufffd": ["\ufffd", ["caf\ufffd", 3, None]]}]
    assert panel.last_picture() == {"text/html": "<b>\ufffd</b>", "text/plain": "<Told \ufffd>"}


def test_a_misspelt_trait_is_refused() -> None:
    with pytest.raises(TypeError, match="Counter has no trait sean"):
        Counter(sean=1)


def ticking() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "resilkit panels"]


def test_one_thread_ticks_for_all_panels_and_ends_with_the_last_of_them() -> None:
    wait_until(lambda: not ticking())  # the thread of a test before this one may end just now
    first, second = Counter(), Counter()
    ticked = threading.Event()
    second.observe(lambda _: ticked.set(), "seen")
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


def test_a_panel_that_cannot_tick_stops_no_other_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = Counter(), Counter()
    ticked = threading.Event()

    def ended() -> bool:
        raise OSError("gone")

    monkeypatch.setattr(bad, "_ended", ended)
    told = threading.Event()
    bad.observe(lambda _: told.set(), "error")
    good.observe(lambda _: ticked.set(), "seen")
    bad.start()
    assert told.wait(20.0)
    assert bad.error == "OSError: gone"
    good.start()
    assert ticked.wait(20.0), "the thread goes on"
    good.close()
    bad.close()


def test_the_thread_goes_on_whatever_a_ticking_thing_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Bad:
        def tick(self) -> None:
            raise OSError("gone")

    wait_until(lambda: not ticking())
    bad, good = Bad(), Counter()
    ticked = threading.Event()
    good.observe(lambda _: ticked.set(), "seen")
    ticker.begin(bad)
    good.start()
    assert ticked.wait(20.0)
    [thread] = ticking()
    ticker.end(bad)
    good.close()
    thread.join(20.0)
    assert "could not be brought up to date" in caplog.text


def test_a_panel_that_never_ticked_ends_while_others_begin() -> None:
    with ticker._lock:  # as in the midst of `begin`, where memory may be collected
        ends = threading.Thread(target=Counter().close)
        ends.start()
        ends.join(20.0)
        assert not ends.is_alive()


def test_the_thread_takes_its_time_when_one_begins_as_the_last_one_ends() -> None:
    class Last:
        hurried: list[bool] = []
        over = threading.Event()

        def tick(self) -> None:
            ticker.end(self)
            ticker.begin(following)
            self.hurried.append(ticker._wake.is_set())
            self.over.set()

    last, following = Last(), Counter()
    ticker.begin(last)
    assert last.over.wait(20.0)
    ticker.end(following)
    assert last.hurried == [False]
