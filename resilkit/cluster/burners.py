"""Burns processor time beside a node: processes that compete with it for its cores."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from typing import Any

from resilkit.clock import monotonic
from resilkit.cluster import gauges
from resilkit.cluster.shortfall import shortfall

__all__ = ["Burners"]

_SLICE = 0.1
"""Seconds: of each, a burner burns its share."""
_LOOK = 5 * _SLICE
"""Seconds over which what the burners get is measured."""
_LEAST_LOOK = 2 * _SLICE
"""Seconds: over less, nobody can say what they get."""
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
        self._asked = self._ramp = 0.0
        self._idle: float | None = None

    async def press(
        self, *, share: float, workers: int, ramp: float, within: float | None
    ) -> dict[str, Any]:
        """Start them; return which share of a core each of them got.

        That is measured over the half second after they have risen, as far as there is time
        `within`; where they have hardly risen by its end, over its last half second, and told for
        its end. ``share`` is ``None`` if there was too little time, or nobody can tell.

        They burn beside whatever else wants the cores. Getting less than they were to is falling
        short only as far as cores were idle meanwhile (``idle``, in cores; ``None`` where nobody
        can tell, which excuses nothing): a core that others had was as busy as was asked, and the
        node had to do without it just so. It is told all the same.
        """
        self._began, self._idle = monotonic(), gauges.idle_seconds()
        self._asked, self._ramp = share, ramp
        for _ in range(workers):
            self._burners.append(_fork_burner(share, ramp))
            # A fork of a large node takes its time; others want to work in between.
            await asyncio.sleep(0)
        rises = within is not None and within < ramp + _LEAST_LOOK
        look_at = max(0.0, within - _LOOK) if within is not None and rises else ramp
        await asyncio.sleep(self._left(look_at, within))
        before, idle_before, since = self._burned(), gauges.idle_seconds(), monotonic()
        await asyncio.sleep(self._left(since - self._began + _LOOK, within))
        after, idle_after, took = self._burned(), gauges.idle_seconds(), monotonic() - since
        because = "its time was over while it still rose" if rises and ramp > 0.0 else ""
        burned = None if before is None or after is None else after - before
        idle = None if idle_before is None or idle_after is None else idle_after - idle_before
        return self._measured(since - self._began, took, burned, idle, because)

    def reached(self, because: str) -> dict[str, Any]:
        """Return which share they get now, by all that they burned so far.

        Args:
            because: Why they are to rise no further.
        """
        took, idle = monotonic() - self._began, gauges.idle_seconds()
        if idle is not None:
            idle = None if self._idle is None else idle - self._idle
        return self._measured(0.0, took, self._burned(), idle, because if took < self._ramp else "")

    def _measured(
        self, since: float, took: float, burned: float | None, idle: float | None, because: str
    ) -> dict[str, Any]:
        """Return what was reached.

        Args:
            since: Seconds after the start at which somebody began to look.
            took: Seconds for which he looked.
            burned: Processor time that they all got meanwhile; ``None``: nobody can tell.
            idle: Processor time that nobody wanted meanwhile; ``None`` as above.
            because: Why it is no more, if that is known.
        """
        share, workers = self._asked, len(self._burners)
        got = part = None
        if took < _LEAST_LOOK:
            because, idle = f"it had {took:.2g} s, and {_LEAST_LOOK:g} s are needed", None
        elif burned is None:
            because, idle = "this system does not tell", None
        else:
            got = _at_end(burned / (took * workers), since, took, self._ramp)
            idle = None if idle is None else idle / took
            part = _part(share, got, None if idle is None else idle / workers)
        if idle is not None and not because:
            some = idle >= 0.05  # less is what the system's own counting cannot tell from none
            because = f"though {idle:.1f} cores were idle" if some else "no core was idle"
        short = shortfall(
            "cpu",
            reached=got,
            asked=share,
            part=part,
            of="a core each",
            because=because,
            own=1.0 if got is None else _part(share, got, None),
        )
        return {"workers": workers, "share": got, "idle": idle} | short

    def _left(self, until: float, within: float | None) -> float:
        """Return the seconds until the moment `until`, or `within`, counted from the beginning."""
        end = until if within is None else min(until, within)
        return max(0.0, self._began + end - monotonic())

    def _burned(self) -> float | None:
        try:
            return sum(_processor_time(pid) for pid in self._burners)
        except OSError:
            return None

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


def _at_end(mean: float, since: float, took: float, ramp: float) -> float:
    """Return what was reached at the end of a time in which it was `mean`, and may have risen.

    Examples:
        >>> _at_end(0.75, 0.5, 0.5, ramp=1.0), _at_end(0.75, 1.0, 0.5, ramp=1.0)
        (1.0, 0.75)
        >>> _at_end(0.75, 0.0, 2.0, ramp=1.0)
        1.0
    """
    if ramp <= 0.0:
        return mean
    last = min(1.0, (since + took) / ramp)
    level = (_risen(since + took, ramp) - _risen(since, ramp)) / took
    return mean * last / level


def _risen(seconds: float, ramp: float) -> float:
    """Return the integral, so long after its beginning, of a level that rises to 1 and stays."""
    rising = min(seconds, ramp)
    return rising * rising / (2.0 * ramp) + max(0.0, seconds - ramp)


def _part(asked: float, got: float, idle: float | None) -> float:
    """Return which part of what was asked of a burner is there, burned by it or by others.

    Args:
        asked: The share of a core that it was to burn.
        got: The share that it burned.
        idle: The idle cores that there were for each burner; ``None``: nobody can tell.

    Examples:
        >>> _part(1.0, 0.25, 0.0), _part(1.0, 0.25, 0.5), _part(1.0, 0.25, None)
        (1.0, 0.5, 0.25)
    """
    if asked <= 0.0:
        return 1.0
    missing = max(0.0, asked - got)
    return 1.0 - (missing if idle is None else min(missing, idle)) / asked


def _fork_burner(share: float, ramp: float) -> int:
    """Fork a process that burns `share` of each tenth of a second, and ends with its node.

    What others take from it, it makes up for within that tenth, as far as that goes. It stays in
    the node's process group, so that killing the node's group ends it too.
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
        began = end = monotonic()
        while os.getppid() == parent:
            now = monotonic()
            end = max(end, now - _SLICE) + _SLICE
            risen = share * min(1.0, (now - began) / ramp) if ramp else share
            burned = time.process_time()
            while time.process_time() - burned < _SLICE * risen and monotonic() < end:
                pass
            if (left := end - monotonic()) > 0.0:
                signal.sigtimedwait([], left)
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
    """Return the seconds of processor time that a child has had.

    Raises:
        OSError: The system does not tell.
    """
    if sys.platform == "linux":
        # The clock of another process, by its number: clock_getcpuclockid(3). No file is opened for
        # that, of which there may be none left.
        return time.clock_gettime(((~pid) << 3) | 2)
    import psutil

    try:
        return sum(psutil.Process(pid).cpu_times()[:2])
    except psutil.Error as error:
        raise OSError(str(error)) from error


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
