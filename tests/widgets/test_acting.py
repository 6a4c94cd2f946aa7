"""What panels are asked to do, without a browser."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from resilkit_widgets.acting import ActingPanel
from tests.cluster.harm import wait_until


class HostileError(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


class Doer(ActingPanel):
    """Does as it is told, one thing after the other."""

    _esm = "export default { render() {} }"

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []
        self.gate = threading.Event()

    def _update(self) -> None:
        """Nothing to look at."""

    def _picture(self) -> str:
        return ""

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        return f"{what} {content.get('number', '')}"

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        if what == "wait":
            assert self.gate.wait(20.0)
        if what == "fail":
            raise OSError("no")
        if what == "hostile":
            raise HostileError
        if what == "exit":
            sys.exit("no config")
        self.done.append(content.get("number"))


def ask(panel: Doer, what: str, **content: Any) -> None:
    panel._handle_custom_msg({"do": what} | content, [])


def test_what_is_asked_for_is_done_in_its_order_however_many_wait() -> None:
    panel = Doer()
    ask(panel, "wait", number=0)
    for number in range(1, 50):
        ask(panel, "add", number=number)
    wait_until(lambda: panel.doing == "wait 0")
    panel.gate.set()
    wait_until(lambda: len(panel.done) == 50)
    assert panel.done == list(range(50))
    ask(panel, "add", number=50)
    wait_until(lambda: len(panel.done) == 51)
    wait_until(lambda: panel.doing == "")


def test_what_cannot_be_done_is_told_and_the_next_thing_is_done() -> None:
    panel = Doer()
    ask(panel, "fail")
    wait_until(lambda: panel.refused == "OSError: no")
    ask(panel, "add", number=1)
    wait_until(lambda: panel.done == [1])
    wait_until(lambda: panel.refused == "")


def test_what_finds_no_thread_is_told_and_the_next_thing_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    panel = Doer()
    with monkeypatch.context() as bad:
        bad.setattr(threading.Thread, "start", full)
        ask(panel, "add", number=0)
    assert panel.refused == "RuntimeError: can't start new thread"
    ask(panel, "add", number=1)
    wait_until(lambda: panel.done == [1])
    wait_until(lambda: panel.refused == "")


def test_code_that_would_end_the_process_ends_no_buttons() -> None:
    panel = Doer()
    ask(panel, "exit")
    wait_until(lambda: panel.refused == "SystemExit: no config")
    ask(panel, "add", number=1)
    wait_until(lambda: panel.done == [1])
    panel._aside(lambda: sys.exit("aside"))
    wait_until(lambda: panel.refused == "SystemExit: aside")


def test_what_is_to_be_done_aside_is_told_where_there_is_no_thread_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = Doer()

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(panel, "_begin_thread", refuse)
    panel._aside(panel.gate.set)
    assert panel.refused == "RuntimeError: can't start new thread"


def test_an_error_without_a_text_is_told_all_the_same() -> None:
    panel = Doer()
    ask(panel, "hostile")
    wait_until(lambda: panel.refused == "HostileError: (its str raised ValueError)")
    ask(panel, "add", number=1)
    wait_until(lambda: panel.done == [1])
    wait_until(lambda: panel.refused == "")


def test_what_is_done_aside_waits_for_nobody_and_tells_what_it_cannot_do() -> None:
    panel = Doer()
    ask(panel, "wait", number=0)
    wait_until(lambda: panel.doing == "wait 0")

    def fail() -> None:
        raise OSError("aside")

    panel._aside(fail)
    wait_until(lambda: panel.refused == "OSError: aside")
    assert panel.done == []
    panel.gate.set()
    wait_until(lambda: panel.done == [0])
