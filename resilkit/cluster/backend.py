"""Where a cluster's nodes run: what differs between backends, as a session asks for it."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from resilkit.cluster.backend_names import check_backend
from resilkit.cluster.folders import folder_for
from resilkit.cluster.launcher_client import Launcher
from resilkit.cluster.limits import FEWEST_FILES
from resilkit.cluster.loop_thread import LoopThread, loop_thread
from resilkit.cluster.supervision import ask_nodes
from resilkit.errors import StartFailed
from resilkit.network.transport import SocketTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.cluster.looking import Look
    from resilkit.cluster.session import Session

__all__ = ["Backend", "ProcessBackend", "backend_of"]

_PRELOAD = ["resilkit.cluster.node_process", "resilkit.faults"]
"""What the launcher imports for all nodes. A node that loaded the faults when the first one came
would stop for as long as that takes, a tenth of a second, and the fault would be blamed for it."""


class Backend(Protocol):
    """Where the nodes of one cluster run.

    Attributes:
        name: One of `BACKENDS`.
        has_processes: Whether a node's number is that of a process of the machine.
        one_clock: Whether all nodes read one clock, the cluster's: there is nothing to compare.
        thread: What runs the cluster's own work, and waits for it.
    """

    name: str
    has_processes: bool
    one_clock: bool
    thread: Any

    def identity(self) -> str:
        """Return what tells one cluster from all others: short, fit for a file's name."""
        ...

    def launcher(self, session: Session) -> Any:
        """Return what starts and ends nodes; see `Launcher`."""
        ...

    def transport(self, session: Session, name: str, **options: Any) -> Any:
        """Return what carries the notebook's messages; `options` as of `SocketTransport`."""
        ...

    def words(self, seed: int) -> str:
        """Return in words what decides what happens there: the seed, and more."""
        ...

    def last_words(self, session: Session, name: str, size_bytes: int) -> str:
        """Return the end of a node's log."""
        ...

    def look(self, session: Session, wanted: Look) -> tuple[dict[str, Any], ...]:
        """Return what agents tell; see `resilkit.cluster.looking.look`."""
        ...

    def ended(self) -> None:
        """Take note that the cluster was closed."""
        ...

    def lost(self, session: Session, close: Callable[[Session], object]) -> None:
        """See to it that `close` is called, and comes to its end: nobody can use the cluster.

        Called from whichever thread frees memory.
        """
        ...


class ProcessBackend:
    """Nodes are processes of this machine, forked by a launcher."""

    name = "processes"
    has_processes = True
    one_clock = False

    def __init__(self) -> None:
        self.thread: LoopThread = loop_thread()
        self.folder = Path()

    def identity(self) -> str:
        """Return chance: other notebooks on this machine know nothing of this one."""
        return secrets.token_hex(4)

    def launcher(self, session: Session) -> Any:
        """Return a connection to the launcher, which this process's clusters share."""
        _refuse_few_files()
        self.folder = session.folder = Path(folder_for(session.identity))
        return Launcher(self.folder, preload=_PRELOAD, on_event=session.launched)

    def transport(self, session: Session, name: str, **options: Any) -> Any:
        """Return a transport over sockets."""
        return SocketTransport(name, 1, cookie=session.cookie, folder=self.folder, **options)

    def look(self, session: Session, wanted: Look) -> tuple[dict[str, Any], ...]:
        """Ask the nodes, all at once."""

        async def ask() -> list[dict[str, Any]]:
            return await asyncio.gather(
                *(ask_nodes(session, method, wanted) for method in wanted.methods)
            )

        return tuple(self.thread.sync(ask(), within=wanted.within))

    def lost(self, session: Session, close: Callable[[Session], object]) -> None:
        """Have it called on the loop, and wait for nothing."""
        self.thread.submit(close, session)

    def ended(self) -> None:
        """Do nothing: the loop goes on, and what the closing has left begun comes to its end."""

    def words(self, seed: int) -> str:
        """Return the seed: of the rest the machine decides."""
        return f"seed {seed}"

    def last_words(self, session: Session, name: str, size_bytes: int) -> str:
        """Return the end of a node's log file."""
        del session
        try:
            log = (self.folder / "logs" / f"{name}.log").open("rb")
            with log:
                log.seek(max(0, log.seek(0, 2) - size_bytes))
                return log.read(size_bytes).decode(errors="replace") or "(it wrote nothing)"
        except OSError as error:
            return f"(no log: {error})"


def _refuse_few_files() -> None:
    # The nodes inherit the limit. Below it they hang in their handshakes, which tells nobody why.
    try:
        import resource
    except ImportError:  # not on every system; the launcher says what is missing there
        return
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= most < FEWEST_FILES:
        raise StartFailed(
            f"too many open files: this process and the nodes may each have {most} open, and a "
            f"node needs at least {FEWEST_FILES}; raise the limit with `ulimit -n`"
        )


def backend_of(name: str, seed: int, schedule: str | None, *, record: bool) -> Any:
    """Return the backend called `name`.

    Args:
        name: One of `BACKENDS`.
        seed: The cluster's seed.
        schedule: In which order a simulation does what is ready; only there.
        record: Whether a simulation writes down what happens; only there.

    Raises:
        InvalidArgument: There is none of that name, `schedule` is none, or one of them is for
            another backend.
    """
    check_backend(name, schedule, record=record)
    if name == "simulation":
        from resilkit.cluster.simulated.backend import SimulationBackend

        return SimulationBackend(seed, schedule or "random", record=record)
    return ProcessBackend()
