"""What a trace has recorded, for whoever reads it and whoever waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from resilkit.cluster.trace_log import TraceLog, TraceMessage
from resilkit.cluster.waiting import Condition


def message(number: int) -> TraceMessage:
    return TraceMessage(float(number), "in", "cast", "a", "b", "go", "", "n1", number, None)


def ids(messages: Any) -> list[int]:
    return [each.id for each in messages]


def filled(count: int, limit: int = 100) -> TraceLog:
    log = TraceLog(limit, Condition())
    log.extend(map(message, range(1, count + 1)))
    return log


def aside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_newest_are_kept_and_the_others_counted_with_those_dropped_before() -> None:
    log = filled(5, limit=3)
    log.extend([message(6)], dropped=10)
    assert ids(log.all()) == [4, 5, 6]
    assert (len(log), log.dropped, log.appended) == (3, 13, 6)


def test_each_look_gives_what_came_since_the_last_one() -> None:
    log = filled(2, limit=3)
    mark, first = log.after(0)
    assert ids(first) == [1, 2]
    log.extend(map(message, range(3, 8)))
    mark, second = log.after(mark)
    assert ids(second) == [5, 6, 7], "what is gone is gone"
    assert log.after(mark) == (7, [])


def test_whoever_waits_is_woken_by_the_message_or_by_the_end() -> None:
    log = filled(1)
    assert log.wait(1, None)
    assert not log.wait(2, 0.0)
    thread = aside(lambda: log.extend([message(2)]))
    assert log.wait(2, None)
    thread.join()
    thread = aside(log.end)
    assert not log.wait(3, None)
    thread.join()


def test_a_stream_gives_what_is_there_and_what_comes_and_ends_with_it() -> None:
    log = filled(2)
    seen: list[int] = []

    def read() -> None:
        for each in log.stream():
            seen.append(each.id)
            if each.id == 2:
                log.extend([message(3)])
            if each.id == 3:
                log.extend([message(4)])
                log.end()

    read()
    assert seen == [1, 2, 3, 4]


def test_a_stream_waits_for_what_has_yet_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(1)
    wait, waits = log.wait, []

    def come(count: int, timeout: float | None) -> bool:
        waits.append(count)
        log.extend([message(count)])
        if count == 3:
            log.end()
        return wait(count, timeout)

    monkeypatch.setattr(log, "wait", come)
    assert ids(log.stream()) == [1, 2, 3]
    assert waits == [2, 3]


def test_an_async_stream_gives_the_same() -> None:
    log = filled(2)

    async def read() -> list[int]:
        seen = []
        async for each in log.astream():
            seen.append(each.id)
            if each.id == 2:
                # From another thread, when everything there is has been read.
                asyncio.get_running_loop().call_soon(
                    lambda: aside(lambda: (log.extend([message(3)]), log.end()))
                )
        return seen

    assert asyncio.run(read()) == [1, 2, 3]
