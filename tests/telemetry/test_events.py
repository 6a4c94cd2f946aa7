from __future__ import annotations

import subprocess
import sys
import threading
import warnings

import pytest

from resilkit import telemetry
from resilkit.errors import InvalidArgument


@pytest.fixture(autouse=True)
def _nobody_stays():
    yield
    for one in telemetry.handlers():
        telemetry.detach(one.handler_id)


def test_a_handler_hears_the_events_of_its_pattern_and_no_others():
    heard = []
    telemetry.attach("t", "shop.*", lambda *event: heard.append(event))
    telemetry.emit("shop.sold", {"count": 2}, {"item": "tea"})
    telemetry.emit("shop.eu.sold")
    telemetry.emit("bank.sold")
    assert heard == [("shop.sold", {"count": 2}, {"item": "tea"})]


def test_absent_measurements_and_metadata_arrive_as_empty_mappings():
    heard = []
    telemetry.attach("t", "**", lambda *event: heard.append(event))
    telemetry.emit("a")
    assert heard == [("a", {}, {})]


def test_a_detached_handler_hears_no_more():
    heard = []
    telemetry.attach("t", "a", lambda *event: heard.append(event))
    telemetry.emit("a")
    assert telemetry.detach("t") is True
    assert telemetry.detach("t") is False
    telemetry.emit("a")
    assert len(heard) == 1


def test_handlers_are_called_in_the_order_in_which_they_were_attached():
    heard = []
    for number in range(5):
        telemetry.attach(f"t{number}", "a", lambda *_, n=number: heard.append(n))
    telemetry.emit("a")
    assert heard == [0, 1, 2, 3, 4]


def test_a_handler_that_raises_is_detached_with_a_warning_and_the_others_still_hear():
    heard = []

    def broken(*_):
        raise ZeroDivisionError("oops")

    telemetry.attach("broken", "a", broken)
    telemetry.attach("sound", "a", lambda *event: heard.append(event))
    with pytest.warns(RuntimeWarning, match=r"'broken' raised ZeroDivisionError: oops on 'a'"):
        telemetry.emit("a")
    assert [one.handler_id for one in telemetry.handlers()] == ["sound"]
    telemetry.emit("a")
    assert len(heard) == 2


def test_where_warnings_are_errors_the_other_handlers_are_called_first():
    heard = []

    def broken(*_):
        raise ValueError("oops")

    telemetry.attach("broken", "a", broken)
    telemetry.attach("sound", "a", lambda *event: heard.append(event))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            telemetry.emit("a")
    assert len(heard) == 1
    assert [one.handler_id for one in telemetry.handlers()] == ["sound"]


def test_a_handler_that_replaces_itself_and_then_raises_loses_only_the_old_one():
    def late(*_):
        pass

    def broken(*_):
        telemetry.attach("t", "a", late, replace=True)
        raise ValueError("oops")

    telemetry.attach("t", "a", broken)
    with pytest.warns(RuntimeWarning):
        telemetry.emit("a")
    assert [one.handler for one in telemetry.handlers()] == [late]


def test_a_taken_id_is_refused_unless_it_is_to_be_replaced():
    telemetry.attach("t", "a", print)
    with pytest.raises(InvalidArgument, match="already attached"):
        telemetry.attach("t", "b", print)
    telemetry.attach("t", "b", print, replace=True)
    assert [one.pattern for one in telemetry.handlers()] == ["b"]


@pytest.mark.parametrize(
    ("handler_id", "pattern", "handler"),
    [("", "a", print), (3, "a", print), ("t", "a..b", print), ("t", "a", "not callable")],
)
def test_a_bad_attachment_is_refused_and_leaves_nothing(handler_id, pattern, handler):
    with pytest.raises(InvalidArgument):
        telemetry.attach(handler_id, pattern, handler)
    assert telemetry.handlers() == []


def test_one_can_ask_who_would_hear_an_event():
    telemetry.attach("t", "a.*", print)
    assert telemetry.listening("a.b")
    assert not telemetry.listening("b")
    assert [one.handler_id for one in telemetry.handlers("a.b")] == ["t"]
    assert telemetry.handlers("b") == []


def test_a_handler_attached_while_others_emit_hears_what_comes_after():
    """An emitter that works out its route during an attach must not hide the new handler."""
    stop = threading.Event()

    def emitter():
        while not stop.is_set():
            telemetry.emit("busy.event")

    telemetry.attach("first", "busy.*", lambda *_: None)
    threads = [threading.Thread(target=emitter) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(200):
            heard = threading.Event()
            telemetry.attach("probe", "busy.*", lambda *_, heard=heard: heard.set())
            telemetry.emit("busy.event")
            assert heard.is_set(), number
            assert telemetry.detach("probe")
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_names_made_up_as_they_go_do_not_fill_memory():
    telemetry.attach("t", "seen.**", lambda *_: None)
    for number in range(10_000):
        telemetry.emit(f"other.{number}")
    table = telemetry.events._table
    assert table is not None
    assert len(table.routes) <= 4096


def test_a_span_says_when_it_starts_and_how_long_it_took():
    heard = []
    telemetry.attach("t", "work.**", lambda *event: heard.append(event))
    with telemetry.span("work", {"part": 1}) as span:
        span.metadata["rows"] = 7
        span.measurements["bytes"] = 42
    (start, begun, about), (stop, ended, summary) = heard
    assert (start, stop) == ("work.start", "work.stop")
    assert about == {"part": 1, "span": summary["span"]}
    assert summary["rows"] == 7
    assert ended["bytes"] == 42
    assert ended["duration"] == ended["time"] - begun["time"] >= 0


def test_a_span_reports_an_exception_and_lets_it_go_on():
    heard = []
    telemetry.attach("t", "work.**", lambda *event: heard.append(event))
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), telemetry.span("work"):
        raise error
    assert [event for event, *_ in heard] == ["work.start", "work.exception"]
    assert heard[1][2]["error"] is error


def test_spans_can_be_told_apart():
    heard = []
    telemetry.attach("t", "**.start", lambda _event, _numbers, about: heard.append(about["span"]))
    with telemetry.span("a"), telemetry.span("a"):
        pass
    assert len(set(heard)) == 2


def test_nodes_can_import_it_without_the_heavy_libraries():
    code = (
        "import sys, resilkit.telemetry;"
        "heavy = ('numpy', 'pandas', 'scipy', 'hypothesis', 'psutil');"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
