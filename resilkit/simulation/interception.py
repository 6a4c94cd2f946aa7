"""Time and chance of whatever runs inside a step of a simulation: the simulation's own.

Servers read `time.time`, draw from `random` and make UUIDs as they do anywhere. While a simulated
cluster is open, what they ask is replaced by functions that find out who asks: the thread that runs
a step of a simulation gets virtual time and seeded chance, everybody else (the same thread outside
a step, Jupyter's threads, Hypothesis, a test's time limit) the machine's. What cannot be replaced
is reported: `captured` finds what was taken by name before, `real_machine` what leads out.

resilkit's own draws, and what a module draws when it is imported, stay the machine's; see
`callers`. Not seen is what C code asks by itself (``numpy.datetime64("now")``), and a wait in it
(``select.epoll``, the locks of `multiprocessing`), which blocks the simulation in real time.
"""

from __future__ import annotations

import random
import sys
import threading
from _thread import get_ident
from typing import TYPE_CHECKING, Any, Final

from resilkit import rng, telemetry
from resilkit.simulation import (
    captured,
    real_machine,
    sets,
    virtual_chance,
    virtual_numpy,
    virtual_process,
    virtual_time,
    virtual_waits,
)
from resilkit.simulation.callers import place_of_caller
from resilkit.simulation.driving import STATE, driver
from resilkit.simulation.patching import Patches, Replacement
from resilkit.simulation.virtual_chance import HIDDEN, MACHINES, state_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Interception", "findings"]

findings = captured.findings

_HIDDENS: Final = state_of(HIDDEN)
_MACHINES: Final = state_of(MACHINES)

_REPLACED: Final = (
    *virtual_time.replacements(),
    *virtual_waits.replacements(),
    *virtual_chance.replacements(),
    *virtual_process.replacements(),
    *real_machine.replacements(),
    *sets.replacements(),
    Replacement(telemetry.events, "_fenced", lambda _: _is_dead),
)
_patches = Patches()
_users = 0
_changing = threading.RLock()
"""Of one thread as often as it likes: that a simulation is lost may come to light in the midst."""
_turn = threading.RLock()
"""Held by the thread that is inside a step: others wait until that is over."""

_numpy: virtual_numpy.Position | None = None


class Interception:
    """Virtual time and seeded chance for what runs between `enter` and `leave`.

    Args:
        now: Reads virtual time: seconds of a clock that never goes back.
        wall: Reads virtual seconds since 1970.
        seed: Decides all that is drawn, together with the order of the draws.
        report: Called with a text, once each, for what was used inside a step that no simulation
            can decide: threads, sockets, processes, numpy's global generator taken by name.
        sleep: Called with the seconds of a `time.sleep` inside a step, which blocks a real node
            for so long. It returns when virtual time has passed.

    Examples:
        >>> import time
        >>> simulated = Interception(
        ...     now=lambda: 2.5, wall=lambda: 946684802.5, seed=7, report=print, sleep=print
        ... )
        >>> simulated.install()
        >>> simulated.enter()
        >>> time.monotonic(), time.gmtime().tm_year
        (2.5, 2000)
        >>> simulated.leave()
        >>> time.monotonic() == 2.5
        False
        >>> simulated.uninstall()
    """

    def __init__(
        self,
        now: Callable[[], float],
        wall: Callable[[], float],
        seed: int,
        report: Callable[[str], None],
        *,
        sleep: Callable[[float], None],
    ) -> None:
        self.now = now
        self.wall = wall
        self.sleep = sleep
        self.entropy = rng.stream(seed, "interception", "system")
        self.hidden: random.Random = rng.stream(seed, "interception", "random")
        self.names = rng.stream(seed, "interception", "names")
        self.host = rng.stream(seed, "interception", "host").getrandbits(48) | 1 << 40
        self.numpys: Any = None
        self.threads = False
        self.last_uuid = 0
        self.state = state_of(self.hidden)
        self._report = report
        self._told: dict[str, None] = {}

    # While a cluster is open ---------------------------------------------------------------------

    def install(self) -> None:
        """Have the functions replaced from now on, whoever else wants them so too."""
        global _users  # noqa: PLW0603 - the standard library is one for all
        with _changing:
            _users += 1
            if _users == 1:
                virtual_chance.share()
                _patches.put(_REPLACED)
                sys.meta_path.insert(0, _importing)

    @staticmethod
    def uninstall() -> None:
        """Want it no more; the last one who does so puts back what was there."""
        global _users, _numpy  # noqa: PLW0603 - as above
        with _changing:
            _users -= 1
            if _users == 0:
                _patches.take_back()
                sys.meta_path[:] = [each for each in sys.meta_path if each is not _importing]
                virtual_chance.unshare()
                _numpy = None

    # Around each step ----------------------------------------------------------------------------

    def enter(self) -> None:
        """Be inside a step: all is virtual from here on, in this thread.

        Steps may be entered inside others, of this simulation or of another one. While another
        thread is inside one, this waits for its end.
        """
        me = get_ident()
        if STATE.thread != me:
            _turn.acquire()
            if _numpy is None and virtual_numpy.is_loaded():
                _watch_numpy()
            if _numpy is not None:
                STATE.drawn_elsewhere, _numpy.before = False, _numpy.read()
        # Nothing is called from here on, so that neither an interrupt nor another thread can come
        # between: Python looks for them at calls.
        outer = STATE.by
        if outer is None:
            _MACHINES[:] = _HIDDENS
        elif outer is not self:
            outer.state[:] = _HIDDENS
        if outer is not self:
            _HIDDENS[:] = self.state
        STATE.outer = (outer, STATE.outer)
        STATE.by = self
        STATE.thread = me

    def leave(self) -> None:
        """Be where `enter` was called: outside, or in the step around this one.

        Where no step was entered this does nothing. An interrupt can come before it has begun; so
        whoever may be interrupted calls `leave_all` behind it.
        """
        if STATE.by is self and STATE.thread == get_ident():
            # As in `enter`.
            outer, STATE.outer = STATE.outer
            if outer is not self:
                self.state[:] = _HIDDENS
                _HIDDENS[:] = _MACHINES if outer is None else outer.state
            STATE.by = outer
            if outer is not None:
                return
            STATE.thread = 0
        if STATE.thread != get_ident() and _turn._is_owned():  # type: ignore[attr-defined]
            _turn.release()
            self._look_at_numpy()

    def leave_all(self) -> None:
        """Be outside, however many steps this thread has entered and not left."""
        while STATE.by is not None and STATE.thread == get_ident():
            STATE.by.leave()
        while _turn._is_owned():  # type: ignore[attr-defined]
            _turn.release()

    # The process ---------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The number of the process that the node stands for; here it is the real one."""
        return None

    @property
    def is_dead(self) -> bool:
        """Whether the node has died whose code runs: nobody hears what it emits. Here none has."""
        return False

    def signal(self, pid: int | None, number: int) -> bool:
        """Send a signal to a simulated process: here there is none."""
        del pid, number
        return False

    def end(self, status: int) -> None:
        """End the process whose step this is: here there is none."""

    # What no simulation decides ------------------------------------------------------------------

    def tell(self, what: str, why: str, *, where: str | None = None) -> None:
        """Report, once for each place, that something was used that no simulation can decide.

        Args:
            what: Its full name.
            why: Why not.
            where: Where it was used, in words, "" if nobody knows; ``None`` for whoever calls
                this, outside the standard library.
        """
        place = place_of_caller() if where is None else where
        text = f"{what} was used inside the simulation{place}: {why}"
        if text not in self._told:
            self._told[text] = None
            self._report(text)

    def _look_at_numpy(self) -> None:
        if _numpy is None or STATE.drawn_elsewhere or _numpy.read() == _numpy.before:
            return
        self.tell(virtual_numpy.WHAT, virtual_numpy.WHY, where="")


def _watch_numpy() -> None:
    global _numpy  # noqa: PLW0603 - as above
    with _changing:
        if _numpy is None and _users:
            _patches.put(virtual_numpy.replacements())
            _numpy = virtual_numpy.Position()
            _numpy.before = _numpy.read()


def _is_dead() -> bool:
    by = driver()
    return by is not None and by.is_dead


_importing: Final = virtual_numpy.Importing(_watch_numpy)
