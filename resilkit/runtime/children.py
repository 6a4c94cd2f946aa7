"""A supervisor's children: their order, their states, and how each is started and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from resilkit.errors import AlreadyStarted, ResilkitError, StartFailed
from resilkit.runtime import reasons, signals
from resilkit.runtime.kinds import EXIT, INFO
from resilkit.runtime.messages import Exit, Pid
from resilkit.runtime.reference import Reference
from resilkit.runtime.specs import ChildSpec, SupervisorSpec

if TYPE_CHECKING:
    import asyncio

    from resilkit.runtime.node import Node
    from resilkit.runtime.server_process import ServerProcess

__all__ = ["Child", "Spawn", "start", "terminate"]

Status = Literal["running", "restarting", "terminated"]


class Spawn(Protocol):
    """Starts what a spec describes. Supervisors are started by it too, so they are handed it."""

    async def __call__(
        self, node: Node, spec: ChildSpec | SupervisorSpec, *, parent: ServerProcess | None = None
    ) -> ServerProcess:
        """Return the process when its ``init`` is done."""
        ...


class Child:
    """One child: its spec, and the process that runs it, if any."""

    __slots__ = ("pid", "process", "restarts", "spec", "status")

    def __init__(self, spec: ChildSpec | SupervisorSpec) -> None:
        self.spec = spec
        self.pid: Pid | None = None
        self.process: ServerProcess | None = None  # the last one
        self.status: Status = "terminated"
        self.restarts = 0

    @property
    def id(self) -> str:
        """Its name among its siblings."""
        return self.spec.id

    @property
    def kind(self) -> str:
        """``"supervisor"`` or ``"worker"``."""
        return "supervisor" if isinstance(self.spec, SupervisorSpec) else "worker"

    def reference(self) -> Reference | None:
        """Return a reference to it: by its name when it has one, so that it outlives a restart."""
        if self.pid is None:
            return None
        if self.spec.name is not None and self.spec.scope == "cluster":
            return Reference(self.spec.name)
        return Reference(self.pid)

    def row(self) -> dict[str, Any]:
        """Return what `children()` shows of it."""
        return {
            "id": self.id,
            "ref": self.reference(),
            "status": self.status,
            "restart": self.spec.restart,
            "kind": self.kind,
            "restarts": self.restarts,
        }


async def start(supervisor: ServerProcess, child: Child, spawn: Spawn) -> Any:
    """Start `child` with `spawn`; return ``None``, or the reason why it did not start."""
    try:
        process = await spawn(supervisor.node, child.spec, parent=supervisor)
    except StartFailed as error:
        return error.reason
    except AlreadyStarted as error:
        return ("already_started", error.ref)
    except ResilkitError as error:
        return error
    child.pid, child.process = process.pid, process
    child.status = "running"
    return None


async def terminate(supervisor: ServerProcess, child: Child) -> Any:
    """End `child` by its shutdown protocol; return the reason that it ended with.

    The wait is on a monitor, since a child may have unlinked itself (OTP, rule 6).
    """
    pid = child.pid
    child.pid = None
    child.status = "terminated"
    if pid is None:
        return None
    node = supervisor.node
    ended: asyncio.Future[Any] = node.loop.create_future()
    signals.monitor(node, supervisor, Reference(pid).address, ended.set_result)
    # Unlinked first, as OTP does: its end is no signal to this supervisor. An exit that comes all
    # the same (it ended by itself just before) asks for no restart: no child has that pid now.
    if supervisor.links.pop(pid, 0) is None:
        process = node.processes.get(pid.number)
        if process is not None:
            process.links.pop(supervisor.pid, None)
    if child.spec.shutdown == "brutal_kill":
        _send(supervisor, pid, "kill")
        reason = await ended
    else:
        _send(supervisor, pid, "shutdown")
        if child.spec.shutdown is not None:
            timer = node.loop.call_later(child.spec.shutdown, _send, supervisor, pid, "kill")
            reason = await ended
            timer.cancel()
        else:
            reason = await ended
    asked = not reasons.is_text(reason, "noproc")
    if not asked:
        # It had ended by itself just before: its own reason waits in the mailbox.
        reason = _own_reason(supervisor, pid)
    node.emit(
        "supervision",
        "terminated",
        child.id,
        supervisor=supervisor.label,
        pid=str(pid),
        reason=reasons.describe(reason),
        asked=asked,
    )
    return reason


def _own_reason(supervisor: ServerProcess, pid: Pid) -> Any:
    for message in supervisor.mailbox:
        ended = message[2] if message[0] == INFO else None
        if isinstance(ended, Exit) and ended.process.address == pid:
            return ended.reason
    return "noproc"


def _send(supervisor: ServerProcess, pid: Pid, reason: str) -> None:
    supervisor.node.signal(pid, (EXIT, pid.number, supervisor.pid, reason, False))
