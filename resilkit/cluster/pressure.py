"""Carries out resource faults inside a node: memory, processor time, open files."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import mmap
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from resilkit.clock import monotonic
from resilkit.errors import Refused

__all__ = ["Pressures"]

_PAGE = mmap.PAGESIZE
_MEMORY = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
_FULL = (errno.ENFILE, errno.EMFILE)
_CHUNK = 4 * 1024 * 1024
_STEPS = 50
_ROOM = 1 << 30
_HEADROOM = 8 * 1024 * 1024
"""What is left to the node whatever the share, in bytes: its own runtime must live to release."""
_RESERVE = 512 * 1024 * 1024
"""What is left to the machine whatever the share, in bytes: less would end bystanders."""


class Pressures:
    """What weighs on this node now, by fault. Every release is measured, not assumed."""

    def __init__(self) -> None:
        self._held: dict[str, _Memory | _Files | _Cpu] = {}
        self._building: dict[str, asyncio.Task[Any]] = {}
        self._limits = {number: _Limit(number) for number in (_MEMORY, resource.RLIMIT_NOFILE)}

    async def press(self, fault_id: str, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        """Build up one pressure; return what was reached.

        Raises:
            Refused: This node cannot be pressed so, or it was released before it was built up;
                nothing is held then.
        """
        self.release(fault_id)
        held = self._held[fault_id] = _KINDS[kind](fault_id, self._limits)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._building[fault_id] = task
        try:
            reached: dict[str, Any] = await held.press(**options)
        except (OSError, ValueError, MemoryError) as error:
            self.release(fault_id)
            raise Refused(f"this node cannot be put under {kind} pressure: {error}") from error
        except asyncio.CancelledError:
            raise Refused(f"the {kind} pressure was released before it was built up") from None
        finally:
            if self._building.get(fault_id) is task:
                del self._building[fault_id]
        return reached

    def release(self, fault_id: str) -> dict[str, Any]:
        """Release one pressure, be it half built; return what was measured afterwards.

        Unknown is no error.
        """
        held = self._held.pop(fault_id, None)
        building = self._building.pop(fault_id, None)
        if building is not None and building is not asyncio.current_task():
            building.cancel()
        return {} if held is None else held.release()


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

    async def press(self, *, share: float, limit: int | None, ramp: float) -> dict[str, Any]:
        soft = self._limit.soft()
        if limit is None and soft == resource.RLIM_INFINITY:
            # The machine's own limit is everybody's: a node without one gets one, for as long as
            # the fault lasts, that no bystander feels.
            limit = _memory_used() + min(_ROOM, _memory_available() // 2)
        if limit is not None:
            soft = self._limit.lower(self._id, max(limit, _memory_used() + _HEADROOM))
        goal = min(int(soft * share), soft - _HEADROOM) - _memory_used()
        taken = 0
        while taken < goal and _memory_available() > _RESERVE:
            size = min(_CHUNK, goal - taken)
            try:
                block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            except (OSError, MemoryError):
                break
            # A page that was never written is not memory yet.
            for offset in range(0, size, _PAGE):
                block[offset] = 1
            self._blocks.append(block)
            taken += size
            await asyncio.sleep(ramp * size / goal if ramp else 0)
        used = _memory_used()
        return {"limit_bytes": soft, "used_bytes": used, "share": used / soft}

    def release(self) -> dict[str, Any]:
        for block in self._blocks:
            block.close()
        self._blocks.clear()
        self._limit.restore(self._id)
        return {"used_bytes": _memory_used()}


class _Files:
    """Opens files until a share of the node's real limit is in use."""

    def __init__(self, fault_id: str, limits: _Limits) -> None:
        self._id = fault_id
        self._limit = limits[resource.RLIMIT_NOFILE]
        self._open: list[int] = []

    async def press(self, *, share: float, limit: int | None, ramp: float) -> dict[str, Any]:
        soft = self._limit.soft()
        if limit is not None:
            soft = self._limit.lower(self._id, max(limit, _open_files() + 1))
        goal = int(soft * share)
        step = max(1, goal // _STEPS)
        try:
            while (used := _open_files()) < goal:
                for _ in range(min(step, goal - used)):
                    self._open.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
                await asyncio.sleep(ramp / _STEPS if ramp else 0)
        except OSError as error:
            if error.errno not in _FULL:  # the limit itself, which was the goal
                raise
        used = _open_files()
        return {"limit": soft, "open_files": used, "share": used / soft}

    def release(self) -> dict[str, Any]:
        for file in self._open:
            os.close(file)
        self._open.clear()
        self._limit.restore(self._id)
        return {"open_files": _open_files()}


class _Cpu:
    """Runs processes beside the node that burn a share of one core each."""

    def __init__(self, fault_id: str, limits: _Limits) -> None:
        del fault_id, limits
        self._burners: list[int] = []
        self._began = 0.0

    async def press(self, *, share: float, workers: int, ramp: float) -> dict[str, Any]:
        self._began = monotonic()
        for _ in range(workers):
            self._burners.append(_fork_burner(share, ramp))
            # A fork of a large node takes its time; others want to work in between.
            await asyncio.sleep(0)
        if ramp:
            await asyncio.sleep(ramp)
        return {"workers": len(self._burners), "share": share}

    def release(self) -> dict[str, Any]:
        workers, burned = len(self._burners), 0.0
        for pid in self._burners:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                usage = os.wait4(pid, 0)[2]
                burned += usage.ru_utime + usage.ru_stime
        left = len([pid for pid in self._burners if _exists(pid)])
        self._burners.clear()
        took = monotonic() - self._began
        # What they got, of what one core each could have given: others may have wanted it too.
        share = burned / (took * workers) if workers and took > 0 else 0.0
        return {"workers": left, "cpu_seconds": burned, "share": share}


_KINDS: dict[str, type[_Memory | _Files | _Cpu]] = {
    "memory": _Memory,
    "open_files": _Files,
    "cpu": _Cpu,
}


def _fork_burner(share: float, ramp: float) -> int:
    """Fork a process that works for `share` of each tenth of a second, and ends with its node.

    It stays in the node's process group, so that killing the node's group ends it too.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        # The node's sockets must close with the node: an end that a burner still holds would let
        # the others wait for the heartbeat.
        os.closerange(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        slice_seconds = 0.1
        began = monotonic()
        while os.getppid() == parent:
            now = monotonic()
            risen = share * min(1.0, (now - began) / ramp) if ramp else share
            while monotonic() < now + slice_seconds * risen:
                pass
            if risen < 1.0:
                signal.sigtimedwait([], slice_seconds * (1.0 - risen))
    finally:
        os._exit(0)


def _memory_used() -> int:
    """Return what counts against the limit: private writable memory, as for `Limits`."""
    if sys.platform == "linux":
        with Path("/proc/self/status").open("rb") as status:
            for line in status:
                if line.startswith(b"VmData:"):
                    return int(line.split()[1]) * 1024
    import psutil

    return int(psutil.Process().memory_info().vms)


def _memory_available() -> int:
    with contextlib.suppress(OSError), Path("/proc/meminfo").open("rb") as info:
        for line in info:
            if line.startswith(b"MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 2 * _RESERVE  # nobody can tell: rely on the limit alone


def _open_files() -> int:
    try:
        # The listing itself holds one descriptor open.
        return sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        # There is none left to look with: all are in use.
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
