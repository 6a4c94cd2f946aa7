"""The backend ``simulation``, as a session asks for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from resilkit.cluster.simulated.enclosure import Enclosure
from resilkit.cluster.simulated.endless import Vigil
from resilkit.cluster.simulated.launcher import SimulatedLauncher
from resilkit.cluster.simulated.looking import look_at
from resilkit.cluster.simulated.thread import SimulationThread
from resilkit.rng import subseed
from resilkit.simulation.network import Network
from resilkit.simulation.place import Place
from resilkit.simulation.recording import Recorder
from resilkit.simulation.scheduler import Scheduler
from resilkit.simulation.schedules import schedule_of
from resilkit.simulation.transport import SimulatedTransport
from resilkit.texts import timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.cluster.looking import Look
    from resilkit.cluster.session import Session
    from resilkit.runtime import Node

__all__ = ["SimulationBackend"]


class SimulationBackend:
    """Nodes are places in a simulation, which runs in whichever thread waits for something of it.

    Args:
        seed: The cluster's seed: with the same one, the same happens.
        schedule: One of `resilkit.simulation.schedules.SCHEDULES`.
        record: Whether to write down what happens; see `Recorder`.

    Attributes:
        observers: Who is shown each node when it is set up, before it does anything.
        mourners: Who is told the name of each node that ends, when it has.
    """

    name = "simulation"
    has_processes = False
    one_clock = True

    def __init__(self, seed: int, schedule: str, *, record: bool) -> None:
        self.seed = seed
        self.schedule = schedule
        self.scheduler = Scheduler(schedule_of(schedule, subseed(seed, "schedule")))
        self.network = Network(self.scheduler, subseed(seed, "network"))
        if record:
            self.network.recorder = Recorder(self.scheduler, self.network.label)
        self.place = Place(self.scheduler, "@notebook")
        self.enclosure = Enclosure(self.scheduler, self.place, subseed(seed, "enclosure"))
        self.observers: list[Callable[[Node], None]] = []
        self.mourners: list[Callable[[str], None]] = []
        self.thread = SimulationThread(self.scheduler, self.place, self.enclosure)

    def identity(self) -> str:
        """Return what the seed makes of it: nothing outside the simulation hears of it."""
        return f"{subseed(self.seed, 'identity') & 0xFFFF_FFFF:08x}"

    def launcher(self, session: Session) -> Any:
        """Return what makes nodes of the simulation."""
        recorder = self.network.recorder
        if recorder is not None:
            session.events.told = recorder.event
        self.enclosure.open(session)
        self.thread.vigil = partial(Vigil, self.scheduler, session, self.network)
        launcher = SimulatedLauncher(self, session)
        self.scheduler.handled = launcher.handled
        return launcher

    def transport(self, session: Session, name: str, **options: Any) -> Any:
        """Return what carries the notebook's messages."""
        del session
        return SimulatedTransport(self.network, self.place, name, 1, **options)

    def lost(self, session: Session, close: Callable[[Session], object]) -> None:
        """Close it here and now: nobody is left who would let its time go on."""
        del close
        self.thread.wait(session.close)
        self.ended()

    def ended(self) -> None:
        """Let what the closing has left begun come to its end: nobody drives it any more."""
        self.thread.settle()

    def look(self, session: Session, wanted: Look) -> tuple[dict[str, Any], ...]:
        """Look at the nodes from outside: it takes no time at all."""
        return tuple(look_at(session, method, wanted) for method in wanted.methods)

    def words(self, seed: int) -> str:
        """Return what decides all that happens, and what time it is."""
        now = timed(self.scheduler.now)
        return f"simulation, seed {seed}, schedule {self.schedule}, t = {now} virtual"

    def last_words(self, session: Session, name: str, size_bytes: int) -> str:
        """Return the end of what a node has written."""
        launcher: SimulatedLauncher = session.launcher
        return launcher.log_of(name)[-size_bytes:] or "(it wrote nothing)"
