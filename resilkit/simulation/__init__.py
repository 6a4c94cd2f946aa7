"""One process, one thread, many nodes in virtual time: the same servers, exactly repeatable.

`scheduler` has the time and decides what happens next, by one of the orders in `schedules`; a
`place` is where a node runs, with the event `loop` and the `clock` that it is handed; `transport`
and `network` carry its messages, `disk` keeps what its servers store. None of them knows a cluster:
`resilkit.cluster.simulated` makes nodes out of them.

With the same seed and schedule, and the same done to it, the same happens, byte for byte and step
for step: in another process, with another ``PYTHONHASHSEED``, and whatever ran before. That holds
for all of resilkit, for time and chance that servers ask of the standard library (`interception`),
and for sets of tasks, of calls, of references and of deferred replies (`sets`). It does not hold
for what a server makes of the order of another set (of texts, pids or objects, what
``asyncio.gather`` returns among them), of ``id()`` of an object or its own ``hash()``, of
``hash()`` of a text, or of the times of files: nothing can stand between a server and these, and
nobody is told. Use dicts, or ``sorted()``, and `self.now()`. Nor does it hold for when Python frees
objects that refer to each other in a circle, which ``__del__``, a ``WeakSet`` or a weak reference
shows: between the steps its garbage collector runs when it likes, and by what else the process
does. Break such circles, or call ``gc.disable()`` before the cluster is made.

All nodes live in one process, so that module globals and class attributes are one for all of them:
what a server writes there, servers on other nodes read, it outlives the crash of its node, and the
next simulation in the process finds it. On processes each node has its own. State belongs in
`self`, or in `self.storage` where it is to outlive a crash. `resilkit.check_determinism` finds what
a run leaves behind where the next one does something else for it; nobody is told otherwise.

What leads out of the simulation (a thread, a socket, a process, a device of chance, the machine's
load, a clock taken by name) is told as an alert and a warning, and `resilkit.check_determinism`
shows where two runs differ. `recording` writes down what happens.
"""

from __future__ import annotations

from resilkit.simulation.clock import VirtualClock
from resilkit.simulation.disk import SimulatedDisk
from resilkit.simulation.network import Network
from resilkit.simulation.place import Place
from resilkit.simulation.scheduler import Scheduler
from resilkit.simulation.schedules import SCHEDULES, schedule_of
from resilkit.simulation.transport import SimulatedTransport

__all__ = [
    "SCHEDULES",
    "Network",
    "Place",
    "Scheduler",
    "SimulatedDisk",
    "SimulatedTransport",
    "VirtualClock",
    "schedule_of",
]


def __dir__() -> list[str]:
    return sorted(__all__)
