"""Pressure inside one process, where the system is made to refuse."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from typing import Any

import psutil
import pytest

from resilkit.clock import monotonic
from resilkit.cluster import burners, gauges
from resilkit.cluster.pressure import Pressures
from resilkit.errors import Refused
from tests.cluster.harm import wait_until


def _full(number: int) -> OSError:
    return OSError(number, os.strerror(number))


async def _press(kind: str, *, within: float | None = None, **options: Any) -> dict[str, Any]:
    """Press this process, and release it."""
    pressures = Pressures()
    try:
        return await pressures.press("it", kind, {"ramp": 0.0, **options}, within)
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


def test_memory_that_the_machine_does_not_have_is_told_as_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = gauges.memory_used()
    monkeypatch.setattr(gauges, "memory_available", lambda: 0)
    reached = asyncio.run(_press("memory", share=0.7, limit=2 * used))
    short = reached["short"]
    assert 0.4 < reached["share"] < 0.6
    assert short["part"] == pytest.approx(reached["share"] / 0.7, rel=0.01)
    assert short["why"].startswith(f"memory reached {100 * reached['share']:.0f} % of the limit")
    assert short["why"].endswith(", 70 % was asked: the machine has less than 512 MiB left")


def test_a_process_that_uses_more_than_is_asked_is_pressed_as_asked() -> None:
    used = gauges.memory_used()
    reached = asyncio.run(_press("memory", share=0.3, limit=2 * used))
    assert reached["share"] > 0.3
    assert "short" not in reached
    files = gauges.open_files()
    assert "short" not in asyncio.run(_press("open_files", share=0.3, limit=2 * files))


@pytest.mark.parametrize("kind", ["memory", "open_files"])
def test_what_its_time_does_not_suffice_for_is_told_as_short(kind: str) -> None:
    limit = 3 * gauges.memory_used() if kind == "memory" else gauges.open_files() + 300
    asked = _press(kind, share=0.9, limit=limit, ramp=60.0, within=0.1)
    short = asyncio.run(asked)["short"]
    assert 0.0 < short["part"] < 0.75
    assert short["why"].endswith(", 90 % was asked: its time was over after 0.1 s")


def _idler(_share: float, _ramp: float) -> int:
    """Start what burns nothing, in the place of a burner."""
    return os.posix_spawnp("sleep", ["sleep", "60"], os.environ)


@pytest.mark.parametrize(
    ("idle", "part", "because"),
    [
        ([0.0, 1.0], 0.0, r": though \d\.\d cores were idle"),
        ([7.0, 7.0], 1.0, ": no core was idle"),
        ([None, None], 0.0, ""),
    ],
)
def test_burners_fall_short_of_what_they_left_idle_and_not_of_what_others_took(
    monkeypatch: pytest.MonkeyPatch, idle: list[float | None], part: float, because: str
) -> None:
    looks = iter([0.0, *idle])  # the first is for one that is halted before its time
    monkeypatch.setattr(gauges, "idle_seconds", lambda: next(looks))
    monkeypatch.setattr(burners, "_fork_burner", _idler)
    monkeypatch.setattr(burners, "_processor_time", lambda _: 0.0)
    reached = asyncio.run(_press("cpu", share=0.8, workers=2))
    assert reached["share"] == 0.0
    assert reached["short"]["part"] == part
    words = "cpu reached 0 % of a core each, 80 % was asked"
    assert re.fullmatch(words + because, reached["short"]["why"])


def test_what_burners_got_in_too_short_a_time_is_unknown_and_not_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(burners, "_fork_burner", _idler)
    reached = asyncio.run(_press("cpu", share=0.8, workers=1, within=0.0))
    assert reached["share"] is None
    assert reached["short"]["part"] is None
    assert reached["short"]["why"].startswith("what cpu reached could not be measured: it had ")


def test_burners_that_still_rise_when_their_time_is_over_are_measured_by_their_last_moments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gauges, "idle_seconds", lambda: None)
    monkeypatch.setattr(burners, "_fork_burner", _idler)
    times = iter([0.0, 0.01])
    monkeypatch.setattr(burners, "_processor_time", lambda _: next(times))
    reached = asyncio.run(_press("cpu", share=0.8, workers=1, ramp=30.0, within=1.0))
    assert 0.02 < reached["share"] < 0.1
    assert reached["short"]["why"].endswith(
        "of a core each, 80 % was asked: its time was over while it still rose"
    )


def test_cores_are_idle_for_no_longer_than_there_was_time() -> None:
    since, before = monotonic(), gauges.idle_seconds()  # as the machine may stand still in between
    wait_until(lambda: monotonic() - since > 0.5)
    after, now = gauges.idle_seconds(), monotonic()
    assert before is not None
    assert after is not None
    # One of them was at work meanwhile. The system counts hundredths of a second on each.
    cores = os.cpu_count() or 1
    assert -0.01 * cores <= after - before <= cores * (now - since + 0.01)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("open_files", {"share": 0.9, "limit": None}),
        ("cpu", {"share": 0.2, "workers": 2}),
    ],
)
def test_a_pressure_that_is_released_while_it_rises_rises_no_further(
    kind: str, options: dict[str, Any]
) -> None:
    others = set(psutil.Process().children())  # of tests before, whose launchers end by themselves

    async def main() -> None:
        pressures, before = Pressures(), gauges.open_files()
        rising = asyncio.ensure_future(pressures.press("it", kind, {"ramp": 1.0, **options}))
        await asyncio.sleep(0)  # it has begun
        while kind == "open_files" and gauges.open_files() < before + 20:  # noqa: ASYNC110
            await asyncio.sleep(0)
        async with asyncio.timeout(5.0):
            await pressures.release("it")
            with pytest.raises(Refused, match=f"{kind} pressure was stopped before"):
                await rising
        assert gauges.open_files() == before

    try:
        asyncio.run(main())
        assert set(psutil.Process().children()) <= others
    finally:
        for burner in set(psutil.Process().children()) - others:
            burner.kill()
            burner.wait()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("open_files", {"share": 0.9, "limit": None}),
        ("cpu", {"share": 0.8, "workers": 1}),
    ],
)
def test_a_pressure_that_is_halted_while_it_rises_tells_what_it_reached_and_keeps_that(
    monkeypatch: pytest.MonkeyPatch, kind: str, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(gauges, "idle_seconds", lambda: None)  # others may keep all cores busy

    async def main() -> None:
        pressures, before = Pressures(), gauges.open_files()
        rising = asyncio.ensure_future(pressures.press("it", kind, {"ramp": 60.0, **options}))
        await asyncio.sleep(0)  # it has begun
        while kind == "open_files" and gauges.open_files() < before + 20:  # noqa: ASYNC110
            await asyncio.sleep(0)
        if kind == "cpu":
            held = pressures._held["it"]
            assert isinstance(held, burners.Burners)
            enough = held._began + burners._LEAST_LOOK
            while not held._burned() or monotonic() < enough:  # noqa: ASYNC110
                await asyncio.sleep(0)
        reached = await pressures.halt("it", "enough")
        assert 0.0 < reached["share"] < 0.8
        assert reached["short"]["part"] < 0.9
        assert reached["short"]["why"].endswith("was asked: enough")
        with pytest.raises(Refused):
            await rising
        if kind == "open_files":
            assert gauges.open_files() >= before + 20
        await pressures.release("it")
        assert gauges.open_files() == before

    asyncio.run(main())


def test_halting_what_is_not_there_is_no_error() -> None:
    assert asyncio.run(Pressures().halt("it", "enough")) == {}
