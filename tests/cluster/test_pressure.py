"""Pressure inside one process, where the system is made to refuse."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import Any

import pytest

from resilkit.cluster import gauges
from resilkit.cluster.pressure import Pressures
from resilkit.errors import Refused


def _full(number: int) -> OSError:
    return OSError(number, os.strerror(number))


async def _press(kind: str, **options: Any) -> dict[str, Any]:
    """Press this process, and release it."""
    pressures = Pressures()
    try:
        return await pressures.press("it", kind, {"ramp": 0.0, **options})
    finally:
        await pressures.release("it")


def test_a_machine_that_is_out_of_files_refuses_in_words_and_gets_its_files_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[int] = []
    plain = os.open

    def scarce(path: Any, *args: Any) -> int:
        if path == os.devnull:
            if len(opened) == 5:
                raise _full(errno.ENFILE)
            opened.append(plain(path, *args))
            return opened[-1]
        return plain(path, *args)

    monkeypatch.setattr(os, "open", scarce)
    with pytest.raises(Refused, match=r"whole machine.*ENFILE.*fs\.file-max"):
        asyncio.run(_press("open_files", share=0.9, limit=None))
    assert len(opened) == 5
    for number in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def test_files_that_nobody_can_count_any_more_are_given_back_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> tuple[int, dict[str, Any]]:
        pressures = Pressures()
        used = gauges.open_files()
        await pressures.press("it", "open_files", {"share": 0.9, "limit": used + 50, "ramp": 0.0})
        held = gauges.open_files() - used
        with monkeypatch.context() as patch:
            patch.setattr(gauges, "open_files", _raise)
            left = await pressures.release("it")
        assert gauges.open_files() == used
        return held, left

    def _raise() -> int:
        raise _full(errno.ENFILE)

    held, left = asyncio.run(main())
    assert held > 0
    assert left == {"open_files": None}
