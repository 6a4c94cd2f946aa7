"""How a history shows itself."""

from __future__ import annotations

from resilkit.history import History
from tests.seen import HOSTILE, seen


def test_a_history_shows_how_its_operations_ended_and_the_usual_errors() -> None:
    rows = [(HOSTILE, 0, "g1", 1.0, 1.1, 1.2, "ok", "", None)] * 3
    rows += [("get", 0, "g1", 1.0, 1.1, 3.5, "info", HOSTILE, None)]
    text = seen(History(rows))
    assert "history 4 operations over 2.5 s" in text
    assert f"{HOSTILE} 3 3 0 0" in text
    assert "get 1 0 0 1" in text
    assert f"error times {HOSTILE} 1" in text


def test_an_empty_history_says_so() -> None:
    assert "No operation has ended." in seen(History())
