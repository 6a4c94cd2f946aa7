"""What keeps servers inside the simulation, and tells of what leads out of it."""

from __future__ import annotations

import contextlib
import sys
import warnings
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resilkit.runtime.server_process import ServerProcess
from resilkit.settings import options
from resilkit.simulation.clock import BEGINNING
from resilkit.simulation.ending import Ended
from resilkit.simulation.interception import Interception, findings

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.runtime import Node
    from resilkit.runtime.process import Process
    from resilkit.simulation.place import Place
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["Enclosure"]

_known: weakref.WeakKeyDictionary[type, list[str]] = weakref.WeakKeyDictionary()
"""What was found in a server's class: looking takes as long as a hundred calls."""

_PASSED: Final = (str(Path(__file__).parents[2]), contextlib.__file__)
"""Files of frames that are nobody's who calls resilkit."""


class Enclosure(Interception):
    """Virtual time and seeded chance for all that runs in one simulation.

    What cannot be virtual, since no simulation can decide it, is told once for each place: as an
    alert ``nondeterministic`` in the cluster's events, and as a warning where `options` are not
    quiet, when whoever drives the simulation has it back.

    Args:
        scheduler: Whose time it is.
        place: Where the notebook's own work is done.
        seed: Where chance comes from.

    Attributes:
        untold: What was found and not warned of yet.
    """

    def __init__(self, scheduler: Scheduler, place: Place, seed: int) -> None:
        self._scheduler = scheduler
        self._place = place
        self._session: Session | None = None
        self._end: weakref.finalize[[], Enclosure]
        self.untold: list[str] = []
        super().__init__(self._now, self._wall, seed, self._found, sleep=self._sleep)

    # The machine's place -------------------------------------------------------------------------

    def _here(self) -> Place:
        return self._scheduler._here or self._place

    def _now(self) -> float:
        return self._here().time()

    def _wall(self) -> float:
        return BEGINNING + self._now()

    def _sleep(self, seconds: float) -> None:
        self._here().sleep(seconds)

    @property
    def pid(self) -> int | None:
        """The number of the process that the node stands for, which has this step."""
        pid: int | None = None if self._session is None else self._launcher.pid_at(self._here())
        return pid

    @property
    def is_dead(self) -> bool:
        """Whether the node has died whose code runs: in its last step, or to come to its end."""
        return self._here().dead

    def signal(self, pid: int | None, number: int) -> bool:
        """Send a signal to a simulated process; return whether there is one of that number."""
        found: bool = self._launcher.signal_process(pid, number)
        self._end_step()
        return found

    def end(self, status: int) -> None:
        """End the node that has this step."""
        self._launcher.exit_process(self.pid, status)
        self._end_step()

    @property
    def _launcher(self) -> Any:
        assert self._session is not None  # noqa: S101 - who has a pid has a launcher
        return self._session.launcher

    def _end_step(self) -> None:
        if self._here().dead:
            raise Ended

    # As long as the cluster is open --------------------------------------------------------------

    def open(self, session: Session) -> None:
        """Tell this cluster what is found, until `close`, or until it is lost."""
        self._session = session
        self.install()
        self._end = weakref.finalize(self, Interception.uninstall)
        self._end.atexit = False

    def close(self) -> None:
        """End. Twice is once."""
        self._session = None
        self._end()

    def look_through(self, node: Node) -> None:
        """Look at the class of each server that starts on a node from now on."""
        add = node.add

        def looked_at(process: Process) -> None:
            add(process)
            if isinstance(process, ServerProcess):
                for text in _findings(type(process.server)):
                    if text not in self._told:
                        self._told[text] = None
                        self._found(text)

        node.add = looked_at  # type: ignore[method-assign, assignment]

    # What leads out ------------------------------------------------------------------------------

    def _found(self, text: str) -> None:
        session = self._session
        if session is None:
            return
        session.note("alert", "nondeterministic", why=text)
        self.untold.append(text)

    def warn(self) -> None:
        """Warn of what was found since the last time: outside the simulation."""
        found, self.untold = self.untold, []
        if options.quiet:
            return
        for text in found:
            warnings.warn(f"{text} ({_CHECK})", stacklevel=_level())


_CHECK: Final = "two runs may differ; rk.check_determinism shows where"


def _findings(server_class: type) -> list[str]:
    found = _known.get(server_class)
    if found is None:
        found = _known[server_class] = findings(server_class)
    return found


def _level() -> int:
    """Return how many frames up the code is that called resilkit."""
    frame: Any = sys._getframe(2)
    level = 2
    while frame is not None and frame.f_code.co_filename.startswith(_PASSED):
        frame = frame.f_back
        level += 1
    return level
