"""What runs in a node's process: the loop, the transport, the node, its agent and applications."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resilkit import rng
from resilkit.clock import SystemClock
from resilkit.cluster.agent import AGENT_NUMBER, Agent
from resilkit.cluster.applications import load_applications
from resilkit.cluster.event_loop import new_loop
from resilkit.cluster.fork import watch_lifeline
from resilkit.cluster.forked import disown_forks
from resilkit.cluster.node_log import write_log
from resilkit.cluster.resolvers import guarded
from resilkit.metrics.node_sampler import NodeSampler
from resilkit.network.codec import from_value
from resilkit.network.transport import SocketTransport
from resilkit.runtime import Node
from resilkit.runtime.kinds import classify
from resilkit.runtime.server_process import ServerProcess

__all__ = ["main", "run"]


def run(lifeline: int, body: Callable[[asyncio.AbstractEventLoop], Any]) -> None:
    """Run `body` on a new loop in a process that the launcher forked, until it returns."""
    loop = new_loop()
    asyncio.set_event_loop(loop)
    watch_lifeline(loop, lifeline)
    # What the launcher had imported never becomes garbage: keep the collector off those pages,
    # which would otherwise be copied one by one.
    gc.freeze()
    loop.run_until_complete(body(loop))
    os._exit(0)


def main(boot: bytes, lifeline: int, incarnation: int) -> None:
    """Be one node: what the launcher calls in the forked process.

    Args:
        boot: The pickled dict that `session.Session` made.
        lifeline: A pipe whose end-of-file ends this process.
        incarnation: How often the node has been started.
    """
    options = pickle.loads(boot)
    run(lifeline, lambda loop: _serve(loop, options, incarnation))


async def _serve(
    loop: asyncio.AbstractEventLoop, options: dict[str, Any], incarnation: int
) -> None:
    folder = Path(options["folder"])
    name = options["name"]
    agent = Agent()
    node = Node(
        name,
        incarnation=incarnation,
        loop=loop,
        clock=SystemClock(),
        seed=options["seed"],
        config=options["config"],
        storage=folder / "storage" / name,
        emit=agent.event,
        log=write_log,
    )
    node.names.resolver = guarded(from_value(options["name_resolver"]), node)
    process = ServerProcess(node, node.new_number(), agent, None, None)
    assert process.number == AGENT_NUMBER  # noqa: S101 - the handle addresses it by this number
    transport = SocketTransport(
        name,
        incarnation,
        role="member",
        cookie=options["cookie"],
        folder=folder,
        receiver=node,
        members=options["members"],
        edges=options["edges"],
        rng=rng.stream(options["seed"], "transport", name, incarnation),
        detect_after=options["detect_after"],
        classify=classify,
    )
    node.transport = transport
    sampler = NodeSampler(loop, uss_every=options["uss_every"])
    sampler.start()
    agent.init(transport, sampler.read, options["sample_interval"])
    node.add(process)
    if options["latency"] is not None:
        transport.install("base", options["latency"], None)
    standing = from_value(options["faults"])
    agent.standing.become(standing)
    agent.traces.become(options["traces"])
    # A restarted node rejoins those that run before it starts anything: alone it would be its own
    # arbiter of names for a moment.
    disown_forks(node, folder)
    await transport.start()
    if options["autostart"]:
        await transport.wait_neighbours(options["rejoin_timeout"])
    await agent.run_applications(
        load_applications(options["applications"]) if options["autostart"] else {}
    )
    await loop.create_future()
