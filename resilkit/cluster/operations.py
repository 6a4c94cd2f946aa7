"""What is done to the nodes of a running cluster. Loop thread only."""

from __future__ import annotations

import asyncio
import signal as signals
from contextlib import suppress
from typing import TYPE_CHECKING

from resilkit import telemetry
from resilkit.cluster.applications import specs_of
from resilkit.cluster.deploying import deploy
from resilkit.cluster.launcher_events import Exited, Forked
from resilkit.cluster.node_state import NodeState
from resilkit.cluster.specs import NodeSpec
from resilkit.errors import (
    CallTimeout,
    ClusterError,
    InvalidArgument,
    NodeDown,
    ResilkitError,
    StartFailed,
)
from resilkit.runtime.kinds import SYSTEM

if TYPE_CHECKING:
    from resilkit.cluster.launcher_events import LauncherEvent
    from resilkit.cluster.reference import ClusterReference
    from resilkit.cluster.session import Session

__all__ = [
    "add_node",
    "heal",
    "kill_node",
    "restart_node",
    "signal",
    "stop_node",
    "take_back",
    "take_out",
    "until_gone",
]

_FORGOTTEN_WITHIN = 5.0
_SIGNALS: dict[int, str] = {
    signals.SIGSTOP: "pause",
    signals.SIGCONT: "resume",
    signals.SIGKILL: "kill",
}


def _span(event: str, name: str) -> telemetry.span:
    return telemetry.span(f"resilkit.node.{event}", {"node": name})


async def signal(session: Session, name: str, number: int) -> None:
    """Send a signal to a node's process: SIGSTOP, SIGCONT or SIGKILL."""
    with _span(_SIGNALS[number], name):
        await _signal(session, name, number)


async def _signal(session: Session, name: str, number: int) -> None:
    node = session.nodes[name]
    if node.pid is None:
        raise NodeDown(f"node {name} is {node.status}", node=name, definite=True)
    if number == signals.SIGKILL:
        node.wanted = "killed"
    if number == signals.SIGCONT:
        node.resumed = session.clock.now()  # before it can say how long it stood still
    await session.launcher.signal(name, number, group=number == signals.SIGKILL)
    if number == signals.SIGSTOP:
        session.set_status(node, "paused")
        session.note("node", "paused", name)
    elif number == signals.SIGCONT and node.status == "paused":
        session.set_status(node, "running")
        session.note("node", "resumed", name)


async def heal(session: Session) -> None:
    """Heal every injection, and let paused nodes go on.

    Raises:
        ResilkitError: Something could not be taken back; all else has been by then.
    """
    errors: list[Exception] = []
    with telemetry.span("resilkit.cluster.heal", {"injections": len(session.faults.injections)}):
        for injection in list(session.faults.injections.values()):
            await injection.close()
            errors += injection.unhealed()
        for plan in list(session.faults.plans):
            await plan.close()  # all that it had in has been healed: it ends, and tells so
        for name, node in list(session.nodes.items()):  # another thread may add one meanwhile
            if node.status == "paused" and node.pid is not None:
                await signal(session, name, signals.SIGCONT)
        for error in errors:
            raise error


async def take_back(session: Session, reference: ClusterReference) -> None:
    """Stop what was started, and do not start it again with its node."""
    for name, node in list(session.nodes.items()):
        mine = [
            key
            for key, one in node.deployed.items()
            if one.pid is not None and reference.address in (one.pid, one.spec.name)
        ]
        for key in mine:
            del node.deployed[key]
        if mine:
            await session.update_boot(name)
    pid = session.node.resolve(reference.address)
    if pid is None:
        return
    with suppress(ResilkitError):  # it ended by itself meanwhile
        await session.node.request(SYSTEM, pid, "stop", "normal", _FORGOTTEN_WITHIN)


async def kill_node(session: Session, name: str) -> None:
    """Kill a node, and return when it is gone; its restart policy may bring it back at once."""
    pid = session.nodes[name].pid
    with _span("kill", name):
        await _signal(session, name, signals.SIGKILL)
        await until_gone(session, name, pid)


async def until_gone(session: Session, name: str, pid: int | None, timeout: float = 5.0) -> None:
    """Return when the process `pid` of a node has ended, whether another follows it or not."""
    node = session.nodes[name]
    try:
        async with asyncio.timeout(timeout):
            while pid is not None and node.pid == pid:
                await node.changed.wait()
    except TimeoutError:
        raise CallTimeout(f"node {name} has not ended within {timeout:g} s") from None


async def stop_node(session: Session, name: str, timeout: float = 10.0) -> None:
    """Stop a node in order: its applications first, then the process."""
    node = session.nodes[name]
    if node.pid is None:
        return
    pid = node.pid
    with _span("stop", name):
        try:
            await session.ask_agent(name, "stop_applications", timeout=timeout)
        except ResilkitError as error:
            session.note("alert", "unclean_stop", name, why=str(error))
        node.wanted = "stopped"
        await session.launcher.hold(name)  # whatever its restart policy says
        await session.launcher.signal(name, signals.SIGKILL, group=True)
        await until_gone(session, name, pid)


async def restart_node(session: Session, name: str, timeout: float | None = None) -> None:
    """Start a node again (a running one is killed first) and wait for its applications.

    Of several at once each has its turn, and its `timeout` begins with that.
    """
    with _span("restart", name):
        async with session.nodes[name].restarts:
            await _restart_node(session, name, timeout)


async def _restart_node(session: Session, name: str, timeout: float | None) -> None:
    node = session.nodes[name]
    await session.update_boot(name)
    # Also when there is no process now: its restart policy may start one before the order comes.
    node.wanted = "restarting"
    try:
        await session.launcher.restart(name)
    except ClusterError:
        _ = session.nodes[name]  # that it was taken out meanwhile says more
        raise
    finally:
        if node.wanted == "restarting":  # there was nothing to end
            node.wanted = None
    await session.until_running(name, timeout or session.start_timeout)
    if node.failures:
        failed = "; ".join(f"{each!r}: {why}" for each, why in node.failures)
        raise StartFailed(
            f"node {name} runs, but not all of its applications started: {failed}",
            reason=node.failures[0][1],
        )


async def add_node(session: Session, spec: NodeSpec | None) -> str:
    """Add a node to the running cluster, linked to all others; when that fails, it is not there.

    Faults that stand on links take it in where they would have, had it been there before.
    Without a `spec` it gets the next free name. That is found here, on the loop: two threads that
    add one each must not find the same.
    """
    if spec is None:
        numbers = range(1, len(session.nodes) + 2)
        spec = NodeSpec(next(f"n{i}" for i in numbers if f"n{i}" not in session.nodes))
    with _span("add", spec.name):
        return await _add_node(session, spec)


async def _add_node(session: Session, spec: NodeSpec) -> str:
    name = spec.name
    while name in session.leaving:  # another one of that name has yet to be gone
        await session.leaving[name].wait()
    if name in session.nodes:
        raise InvalidArgument("is the name of a node already", path="name", value=name)
    applications = specs_of(spec, "node")
    others = list(session.nodes)
    session.nodes[name] = NodeState(session.spec.settled(spec))
    session.edges = session.edges | {(other, name) for other in others}
    timeout, joined = session.start_timeout, False
    try:
        async with asyncio.timeout(timeout):
            # First: a fault that stands must not be late for its first messages.
            await session.faults.join(name)
            await _tell_members(session, others)
            await session.fork(name)
            await session.until_running(name)
            there = {each for each in session.nodes if session.nodes[each].status == "running"}
            apart = there & session.faults.apart(name)
            await session.until_joined(name, sorted(there - apart))
            if apart:
                await session.faults.may_reach(name, apart)
            joined = True
            for application in applications:
                await deploy(session, application, name)
    except BaseException as error:  # an interrupt of the cell, too
        await take_out(session, name)
        if joined and isinstance(error, TimeoutError):
            raise StartFailed(
                f"the applications of node {name} had not started within {timeout:g} s; "
                "it was taken out",
                reason=error,
            ) from None
        if isinstance(error, TimeoutError) and not isinstance(error, CallTimeout):
            message = f"node {name} did not join the others within {timeout:g} s; it was taken out"
            raise CallTimeout(message) from None
        raise
    return name


async def _tell_members(session: Session, names: list[str]) -> None:
    """Tell nodes who belongs to the cluster now, and their next processes as well."""
    members = list(session.nodes)
    session.transport.set_members(members, [])
    for name in names:
        await session.update_boot(name)
        node = session.nodes.get(name)
        if node is None:
            continue  # taken out meanwhile
        edges = session.near.of(session.edges, name)
        if node.status == "running":
            with suppress(NodeDown):  # whatever comes in its place is told when it is reached
                await session.ask_agent(name, "set_members", members, edges)
        else:
            await session.faults.tell(name, "set_members", members, edges)


async def take_out(session: Session, name: str) -> None:
    """Forget a node that could not be added, and end its process."""
    # At once: who works on it at the same time must not start it anew.
    node = session.nodes.pop(name)
    session.set_status(node, "killed")
    session.edges = {edge for edge in session.edges if name not in edge}
    ended, gone = asyncio.Event(), asyncio.Event()
    session.leaving[name] = gone
    session.lived[name] = max(session.lived.get(name, 0), node.incarnation, 1)

    def heard(event: LauncherEvent) -> None:
        if isinstance(event, Forked | Exited):
            session.lived[name] = max(session.lived[name], event.incarnation)
        if isinstance(event, Exited):
            ended.set()

    session.helpers[name] = heard
    with suppress(ClusterError, TimeoutError):
        # One request: a launcher that is stuck, and that nobody waits for, does it when it goes on.
        if await session.launcher.forget(name, kill=True):  # fails when it was not even forked
            async with asyncio.timeout(_FORGOTTEN_WITHIN):
                await ended.wait()
    del session.helpers[name], session.leaving[name]
    gone.set()
    with suppress(ResilkitError):
        await session.faults.leave(name)
        await _tell_members(session, list(session.nodes))
