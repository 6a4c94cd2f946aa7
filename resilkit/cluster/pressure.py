"""Carries out resource faults inside a node, in turns so small that they harm nobody."""

from __future__ import annotations

import asyncio
import errno
import mmap
import os
import resource
import sys
from typing import TYPE_CHECKING, Any

from resilkit.clock import monotonic
from resilkit.cluster import gauges
from resilkit.cluster.burners import Burners
from resilkit.cluster.shortfall import shortfall
from resilkit.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Pressures"]

_PAGE = mmap.PAGESIZE
_MEMORY = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
_BLOCK = 4 * 1024 * 1024
_PAGES = 32
"""Pages that are written to between two looks at the clock: some 0.05 ms."""
_FILES = 16
_TURN = 0.002
"""Seconds for which building up, or taking down, holds the node's loop at a time."""
_REST = 0.001
"""Seconds that the node has for its own work in between: it is to suffer from what is taken."""
_ROOM = 1 << 30
_HEADROOM = 8 * 1024 * 1024
"""What is left to the node whatever the share, in bytes: its own runtime must live to release."""
_RESERVE = 512 * 1024 * 1024
"""What is left to the machine whatever the share, in bytes: less would end bystanders."""


class Pressures:
    """What weighs on this node now, by fault. Every release is measured, not assumed."""

    def __init__(self) -> None:
        self._held: dict[str, _Memory | _Files | Burners] = {}
        self._building: dict[str, asyncio.Task[Any]] = {}
        self._limits = {number: _Limit(number) for number in (_MEMORY, resource.RLIMIT_NOFILE)}
        gauges.open_early()

    async def press(
        self, fault_id: str, kind: str, options: dict[str, Any], within: float | None = None
    ) -> dict[str, Any]:
        """Build up one pressure; return what was reached.

        Args:
            fault_id: Whose it is.
            kind: What is to become scarce.
            options: How much of it; see `Pressure.options`.
            within: Seconds that it has for that, after which what is there has to do; ``None``:
                as long as it takes.

        Raises:
            Refused: This node cannot be pressed so, and nothing is held then; or it was halted, or
                released, before it was built up.
        """
        await self.release(fault_id)
        held = self._held[fault_id] = _KINDS[kind](fault_id, self._limits)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._building[fault_id] = task
        try:
            reached: dict[str, Any] = await held.press(within=within, **options)
        except (OSError, ValueError, MemoryError) as error:
            await self.release(fault_id)
            raise Refused(
                f"this node cannot be put under {kind} pressure: {_why(error)}"
            ) from error
        except asyncio.CancelledError:
            raise Refused(f"the {kind} pressure was stopped before it was built up") from None
        finally:
            if self._building.get(fault_id) is task:
                del self._building[fault_id]
        return reached

    async def halt(self, fault_id: str, because: str) -> dict[str, Any]:
        """Build one pressure up no further, and keep what there is; return what was reached.

        Unknown is no error.

        Args:
            fault_id: Whose it is.
            because: Why it is to be no more.

        Raises:
            Refused: Nobody can measure it.
        """
        self._stop_building(fault_id)
        held = self._held.get(fault_id)
        try:
            return {} if held is None else held.reached(because)
        except OSError as error:
            raise Refused(f"nobody can tell what was reached: {_why(error)}") from error

    async def release(self, fault_id: str) -> dict[str, Any]:
        """Release one pressure, be it half built; return what was measured afterwards.

        Unknown is no error.
        """
        held = self._held.pop(fault_id, None)
        self._stop_building(fault_id)
        return {} if held is None else await held.release()

    def _stop_building(self, fault_id: str) -> None:
        building = self._building.pop(fault_id, None)
        if building is not None and building is not asyncio.current_task():
            building.cancel()


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENFILE:
        return (
            "nobody on the whole machine can open a file any more (ENFILE), which bystanders would "
            "suffer from; give the fault a lower limit, or the machine more files (fs.file-max)"
        )
    return str(error)


async def _paced(work: Iterator[float], *, ramp: float = 0.0, within: float | None = None) -> str:
    """Do `work` in turns of a few milliseconds; in between, the node does its own.

    Args:
        work: Does a small piece each time it is asked, and says which share of the whole is done.
        ramp: Seconds over which to spread it evenly.
        within: Seconds after which to stop, done or not.

    Returns:
        Why it was stopped, ``""`` if it was not.
    """
    began = turn = monotonic()
    for done in work:
        now = monotonic()
        if within is not None and now - began >= within:
            return f"its time was over after {within:.3g} s"
        early = ramp * done - (now - began)
        if early > 0.0 or now - turn >= _TURN:
            left = early if within is None else min(early, began + within - now)
            await asyncio.sleep(max(left, _REST))
            turn = monotonic()
    return ""


class _Limit:
    """A soft limit of this process that several faults lower, each for as long as it lasts.

    Only the soft limit moves: raising a hard one back needs privilege. The lowest wish is in force;
    the last fault that goes gives back what was there before the first, in whichever order they go.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._wishes: dict[str, int] = {}
        self._before: int | None = None

    def soft(self) -> int:
        """Return the limit in force."""
        return resource.getrlimit(self._number)[0]

    def lower(self, fault_id: str, limit: int) -> int:
        """Lower it to `limit`, unless it is lower; return what is in force now."""
        soft = self.soft()
        if soft == resource.RLIM_INFINITY or limit < soft or self._wishes:
            if self._before is None:
                self._before = soft
            self._wishes[fault_id] = limit
            self._apply()
        return self.soft()

    def restore(self, fault_id: str) -> None:
        """Forget what one fault wished."""
        if self._wishes.pop(fault_id, None) is not None:
            self._apply()

    def _apply(self) -> None:
        before = self._before
        assert before is not None  # noqa: S101 - there is, or was, a wish
        lowest = min(self._wishes.values(), default=before)
        if before != resource.RLIM_INFINITY:
            lowest = min(lowest, before)
        resource.setrlimit(self._number, (lowest, resource.getrlimit(self._number)[1]))
        if not self._wishes:
            self._before = None


_Limits = dict[int, _Limit]


class _Memory:
    """Fills a node's memory up to a share of its limit, a real one of the system.

    Where the fault names a limit, or the node has none, the node's own is lowered, so that what its
    servers ask for beyond it really fails with `MemoryError`.
    """

    def __init__(self, fault_id: str, limits: _Limits) -> None:
        self._id = fault_id
        self._limit = limits[_MEMORY]
        self._blocks: list[mmap.mmap] = []
        self._asked = 0.0
        self._refused = ""

    async def press(
        self, *, share: float, limit: int | None, ramp: float, within: float | None
    ) -> dict[str, Any]:
        soft = self._limit.soft()
        if limit is None and soft == resource.RLIM_INFINITY:
            # The machine's own limit is everybody's: a node without one gets one, for as long as
            # the fault lasts, that no bystander feels.
            limit = gauges.memory_used() + min(_ROOM, _available() // 2)
        if limit is not None:
            soft = self._limit.lower(self._id, max(limit, gauges.memory_used() + _HEADROOM))
        self._asked, self._refused = share, ""
        taking = self._take(self._wanted(soft) - gauges.memory_used())
        return self.reached(await _paced(taking, ramp=ramp, within=within))

    def _wanted(self, soft: int) -> int:
        return min(int(soft * self._asked), soft - _HEADROOM)

    def reached(self, because: str) -> dict[str, Any]:
        """Return how much is in use now, and how far that is less than was asked."""
        # Another fault may have moved the limit meanwhile: what counts is the one in force.
        used, soft = gauges.memory_used(), self._limit.soft()
        wanted = self._wanted(soft)
        return {"limit_bytes": soft, "used_bytes": used, "share": used / soft} | shortfall(
            "memory",
            reached=used / soft,
            asked=self._asked,
            part=used / wanted if wanted > 0 else 1.0,
            of="the limit",
            because=because or self._refused,
        )

    def _take(self, goal: int) -> Iterator[float]:
        taken = 0
        while taken < goal:
            if _available() <= _RESERVE:
                self._refused = f"the machine has less than {_RESERVE >> 20} MiB left"
                return
            size = min(_BLOCK, goal - taken)
            try:
                block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            except (OSError, MemoryError) as error:
                self._refused = f"the system gives no more ({error})"
                return
            self._blocks.append(block)
            if sys.platform == "linux":
                # A fork, of burners say, would stop the node while it copies the tables of it all.
                block.madvise(mmap.MADV_DONTFORK)
            # A page that was never written is not memory yet.
            for offset in range(0, size, _PAGE):
                block[offset] = 1
                if offset % (_PAGES * _PAGE) == 0:
                    yield (taken + offset) / goal
            taken += size
            yield taken / goal

    async def release(self) -> dict[str, Any]:
        await _paced(self._give_back())
        self._limit.restore(self._id)
        try:
            return {"used_bytes": gauges.memory_used()}
        except OSError:  # all is given back, whether or not somebody can tell what is left
            return {"used_bytes": None}

    def _give_back(self) -> Iterator[float]:
        while self._blocks:
            self._blocks.pop().close()
            yield 0.0


def _available() -> int:
    left = gauges.memory_available()
    return 2 * _RESERVE if left is None else left  # nobody can tell: rely on the limit alone


class _Files:
    """Opens files until a share of the node's real limit is in use."""

    def __init__(self, fault_id: str, limits: _Limits) -> None:
        self._id = fault_id
        self._limit = limits[resource.RLIMIT_NOFILE]
        self._open: list[int] = []
        self._asked = 0.0

    async def press(
        self, *, share: float, limit: int | None, ramp: float, within: float | None
    ) -> dict[str, Any]:
        soft = self._limit.soft()
        if limit is not None:
            soft = self._limit.lower(self._id, max(limit, gauges.open_files() + 1))
        self._asked, ended = share, ""
        try:
            ended = await _paced(self._take(int(soft * share)), ramp=ramp, within=within)
        except OSError as error:
            if error.errno != errno.EMFILE:  # the limit itself, which was the goal
                raise
        return self.reached(ended)

    def reached(self, because: str) -> dict[str, Any]:
        """Return how many are open now, and how far that is less than was asked."""
        # As for memory.
        used, soft = gauges.open_files(), self._limit.soft()
        wanted = int(soft * self._asked)
        return {"limit": soft, "open_files": used, "share": used / soft} | shortfall(
            "open_files",
            reached=used / soft,
            asked=self._asked,
            part=used / wanted if wanted > 0 else 1.0,
            of="the limit",
            because=because,
        )

    def _take(self, goal: int) -> Iterator[float]:
        first = gauges.open_files()
        # Looked at again at the end: the node opens and closes files of its own meanwhile.
        while (used := gauges.open_files()) < goal:
            for number in range(goal - used):
                self._open.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
                if number % _FILES == 0:
                    yield (used + number - first) / (goal - first)

    async def release(self) -> dict[str, Any]:
        await _paced(self._give_back())
        self._limit.restore(self._id)
        try:
            return {"open_files": gauges.open_files()}
        except OSError:  # as for memory
            return {"open_files": None}

    def _give_back(self) -> Iterator[float]:
        while self._open:
            for _ in range(min(_FILES, len(self._open))):
                os.close(self._open.pop())
            yield 0.0


_KINDS: dict[str, type[_Memory | _Files | Burners]] = {
    "memory": _Memory,
    "open_files": _Files,
    "cpu": Burners,
}
