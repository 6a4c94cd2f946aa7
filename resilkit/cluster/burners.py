"""Burns processor time beside a node: processes that compete with it for its cores."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from resilkit.clock import monotonic

__all__ = ["Burners"]

_LOOK = 0.5
"""Seconds over which what the burners get is measured: five of their slices."""
_REAP_EVERY = 0.001


class Burners:
    """Runs processes beside the node that burn a share of one core each.

    Args:
        fault_id: Whose they are.
        limits: The limits of the node's process, of which this lowers none.
    """

    def __init__(self, fault_id: str, limits: object) -> None:
        del fault_id, limits
        self._burners: list[int] = []
        self._began = 0.0

    async def press(
        self, *, share: float, workers: int, ramp: float, within: float | None
    ) -> dict[str, Any]:
        """Start them; return which share of a core each of them gets once they have risen.

        That is measured over half a second, or as long as there is `within`.
        """
        self._began = monotonic()
        for _ in range(workers):
            self._burners.append(_fork_burner(share, ramp))
            # A fork of a large node takes its time; others want to work in between.
            await asyncio.sleep(0)
        await asyncio.sleep(self._left(ramp, within))
        before, since = self._burned(), monotonic()
        await asyncio.sleep(self._left(since - self._began + _LOOK, within))
        took = (monotonic() - since) * len(self._burners)
        got = (self._burned() - before) / took if took > 0 else 0.0
        return {"workers": len(self._burners), "share": got}

    def _left(self, until: float, within: float | None) -> float:
        """Return the seconds until the moment `until`, or `within`, counted from the beginning."""
        end = until if within is None else min(until, within)
        return max(0.0, self._began + end - monotonic())

    def _burned(self) -> float:
        return sum(_processor_time(pid) for pid in self._burners)

    async def release(self) -> dict[str, Any]:
        """End them; return that they are gone, and what they burned."""
        workers, burned = len(self._burners), 0.0
        for pid in self._burners:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in self._burners:
            # On a busy machine a process may take its time to die.
            while (seconds := _reaped(pid)) is None:  # noqa: ASYNC110 - a node handles no SIGCHLD
                await asyncio.sleep(_REAP_EVERY)
            burned += seconds
        left = len([pid for pid in self._burners if _exists(pid)])
        self._burners.clear()
        took = monotonic() - self._began
        # What they got, of what one core each could have given: others may have wanted it too.
        share = burned / (took * workers) if workers and took > 0 else 0.0
        return {"workers": left, "cpu_seconds": burned, "share": share}


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


def _reaped(pid: int) -> float | None:
    """Return the processor time that an ended child has had; ``None``: it has not ended yet."""
    try:
        ended, _, usage = os.wait4(pid, os.WNOHANG)
    except ChildProcessError:
        return 0.0
    return usage.ru_utime + usage.ru_stime if ended else None


def _processor_time(pid: int) -> float:
    """Return the seconds of processor time that a process has had, 0 for one that is gone."""
    if sys.platform == "linux":
        try:
            # The name before it, in brackets, may have blanks.
            fields = (
                Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            )
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    import psutil

    try:
        return sum(psutil.Process(pid).cpu_times()[:2])
    except psutil.Error:
        return 0.0


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
