"""How a cluster starts: the launcher, the connections, the nodes, their applications."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from resilkit import rng
from resilkit.cluster.applications import specs_of
from resilkit.cluster.console import Console
from resilkit.cluster.deploying import deploy
from resilkit.cluster.given_up import why_it_stays_down
from resilkit.cluster.reference import ClusterReference
from resilkit.errors import InvalidArgument, NodeDown, ResilkitError, StartFailed
from resilkit.runtime import Node
from resilkit.runtime.kinds import classify
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.cluster.session import Session

__all__ = ["start"]

_CONSOLE = "@notebook"

_TELLING = 0.2  # seconds in which a launcher's end is told, when that of its nodes has been


async def start(session: Session, report: Callable[[str], None]) -> None:
    """Start everything; on any failure nothing is left.

    Raises:
        StartFailed: With the reason.
    """
    try:
        async with asyncio.timeout(session.start_timeout):
            await _start(session, report)
    except TimeoutError as error:
        waiting = [
            f"{name} ({why})" if (why := session.trouble(name)) else name
            for name, node in session.nodes.items()
            if node.status == "starting"
        ]
        await session.close()
        raise StartFailed(
            f"the cluster was not ready within {session.start_timeout:g} s; "
            f"waiting for {', '.join(waiting) or 'applications'}",
            reason=error,
        ) from None
    except (OSError, ResilkitError) as error:
        death = await _death_of_launcher(session, error)
        await session.close()
        if death:
            raise StartFailed(f"the cluster could not start: {death}", reason=error) from error
        if isinstance(error, (StartFailed, InvalidArgument)):
            raise
        raise StartFailed(f"the cluster could not start: {error}", reason=error) from error
    except BaseException:
        await session.close()
        raise


async def _death_of_launcher(session: Session, error: BaseException) -> str:
    """Return what the launcher died of, ``""`` if it did not: its nodes end with it, or before."""
    if not hasattr(session, "launcher"):
        return ""
    crashed = isinstance(error, StartFailed) and error.reason == "crashed"
    if crashed or isinstance(error, NodeDown):
        changed = asyncio.Event()
        session.on_change.append(changed.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(_TELLING):
                while session.launcher.alive:
                    await changed.wait()
                    changed.clear()
        session.on_change.remove(changed.set)
    _, events = session.events.after(0)
    deaths = [each.detail for each in events if each.event == "launcher_died"]
    return str(json.loads(deaths[0])["reason"]) if deaths else ""


async def _start(session: Session, report: Callable[[str], None]) -> None:
    applications = {
        name: specs_of(node.spec, f"nodes[{name}]") for name, node in session.nodes.items()
    }
    report("starting the launcher")
    session.launcher = session.backend.launcher(session)
    # Before the time of the whole start is over: the error is then about the launcher.
    await session.launcher.start(min(10.0, 0.9 * session.start_timeout))
    session.node = Node(
        _CONSOLE, loop=session.loop, clock=session.clock, seed=session.seed, role="client"
    )
    session.node.names.why_ended = lambda name: why_it_stays_down(session.events, name)
    session.console = Console(session)
    session.node.add(session.console)
    session.transport = session.backend.transport(
        session,
        _CONSOLE,
        role="client",
        receiver=session.console.receiver,
        members=list(session.nodes),
        edges=[],
        rng=rng.stream(session.seed, "transport", _CONSOLE),
        detect_after=session.spec.detect_after,
        classify=classify,
        bind=lambda address, timeout: ClusterReference(session, address, timeout),
    )
    session.node.transport = session.transport
    await session.transport.start()
    report(f"starting {plain(len(session.nodes), 'node')}")
    await asyncio.gather(*(session.fork(name) for name in session.nodes))
    await asyncio.gather(*(session.until_running(name) for name in session.nodes))
    report("connecting the nodes")
    await asyncio.gather(*(session.until_joined(name, confirmed=False) for name in session.nodes))
    report("starting applications")
    for name, specs in applications.items():
        for spec in specs:
            await deploy(session, spec, name)
