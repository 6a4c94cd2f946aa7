"""What runs in a node's process: a loop, and the node on it."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resilkit.cluster.event_loop import new_loop
from resilkit.cluster.fork import watch_lifeline
from resilkit.cluster.node_set_up import serve
from resilkit.cluster.process_ground import ProcessGround

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

    def body(loop: asyncio.AbstractEventLoop) -> Any:
        ground = ProcessGround(loop, Path(options["folder"]), options["cookie"])
        return serve(ground, options, incarnation)

    run(lifeline, body)
