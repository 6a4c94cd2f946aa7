"""Starting processes: the name first, then ``init``, then the answer to whoever asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from resilkit.errors import AlreadyStarted, NodeDown, Refused, StartFailed
from resilkit.runtime import reasons
from resilkit.runtime.carried import carry, raised_by
from resilkit.runtime.server import Server, StopServer
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.specs import ChildSpec, SupervisorSpec
from resilkit.runtime.supervisor import Supervisor
from resilkit.runtime.zombies import see_off

if TYPE_CHECKING:
    from resilkit.runtime.messages import Pid
    from resilkit.runtime.node import Node

__all__ = ["spawn"]


async def spawn(
    node: Node, spec: ChildSpec | SupervisorSpec, *, parent: ServerProcess | None = None
) -> ServerProcess:
    """Start what `spec` describes, linked to `parent`, and return it when its ``init`` is done.

    The name is taken before ``init`` runs, and is free again before a failure is reported
    (OTP, rule 12).

    Raises:
        AlreadyStarted: The name is taken; ``init`` did not run.
        StartFailed: ``init`` raised, or the process was ended meanwhile; ``reason`` says why.
    """
    server: Server = (
        Supervisor(spawn) if isinstance(spec, SupervisorSpec) else spec.server.__new__(spec.server)
    )
    number = node.new_number()
    process = ServerProcess(node, number, server, _pid(parent), spec.name, scope=spec.scope)
    if spec.name is not None and spec.name in node.server_rules:
        # A fault that waits for messages goes on with the server that follows the one it ended.
        process.rules = [make() for make in node.server_rules[spec.name].values()] or None
    # Until init is done nobody's messages are handled: they wait, as in OTP.
    process.scheduled = True
    node.add(process)
    if parent is not None:
        process.links[parent.pid] = None
        parent.links[process.pid] = None
    task = node.loop.create_task(carry(_initialize(process, spec)), context=process.context)
    ended: asyncio.Future[Any] = node.loop.create_future()

    def on_end(reason: Any) -> None:
        if not ended.done():
            ended.set_result(reason)
        see_off(process, task)

    process.on_end.append(on_end)
    try:
        await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        _give_up(process, parent, "killed")
        raise
    if ended.done():
        # Ended while it started: by its parent, by a kill, or by a link.
        _unlink(process, parent)
        raise StartFailed(_failed(spec, ended.result()), reason=ended.result())
    error = raised_by(task)
    if error is None:
        process.on_end.remove(on_end)
        ended.cancel()
        process.scheduled = False
        if process.mailbox:
            process.scheduled = True
            node.loop.call_soon(process.run, context=process.context)
        return process
    failure = _failure(spec, error)
    if isinstance(failure, StartFailed) and not isinstance(error, Refused):
        node.crashes.tell(process, "init", failure.reason)
    _give_up(process, parent, failure.reason if isinstance(failure, StartFailed) else "normal")
    if failure is error:
        raise failure
    raise failure from error


def _failure(
    spec: ChildSpec | SupervisorSpec, error: BaseException
) -> AlreadyStarted | NodeDown | StartFailed:
    """Return what the one who asked for the start is told."""
    if isinstance(error, (AlreadyStarted, NodeDown)):
        return error
    if isinstance(error, (StopServer, StartFailed)):
        reason = error.reason
    else:
        reason = reasons.portable(error)
    return StartFailed(_failed(spec, reason), reason=reason)


async def _initialize(process: ServerProcess, spec: ChildSpec | SupervisorSpec) -> None:
    if spec.name is not None:
        await process.node.names.register(spec.name, process, scope=spec.scope)
    if isinstance(spec, SupervisorSpec):
        result = process.server.init(spec)
    else:
        # A plain __init__ of the user's runs too, without arguments, before `init`.
        process.server.__init__()  # type: ignore[misc]
        result = process.server.init(*spec.args, **spec.kwargs)
    if asyncio.iscoroutine(result):
        await result


def _give_up(process: ServerProcess, parent: ServerProcess | None, reason: Any) -> None:
    # The parent hears of a failed start from `spawn` itself, not by the link as well.
    _unlink(process, parent)
    process.end(reason)


def _unlink(process: ServerProcess, parent: ServerProcess | None) -> None:
    if parent is not None:
        process.links.pop(parent.pid, None)
        parent.links.pop(process.pid, None)


def _pid(parent: ServerProcess | None) -> Pid | None:
    return None if parent is None else parent.pid


def _failed(spec: ChildSpec | SupervisorSpec, reason: Any) -> str:
    return f"{spec.id!r} could not start: {reasons.why_not_started(reason)}"
