"""What runs in a load generator's process: a loop, and the generator on it."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
from pathlib import Path

from resilkit.cluster.event_loop import new_loop
from resilkit.cluster.fork import watch_lifeline
from resilkit.cluster.process_ground import ProcessGround
from resilkit.workload.generator import serve

__all__ = ["main"]


def main(boot: bytes, lifeline: int, incarnation: int) -> None:
    """Be one load generator: what the launcher calls in the forked process."""
    loop = new_loop()
    asyncio.set_event_loop(loop)
    watch_lifeline(loop, lifeline)
    gc.freeze()
    options = pickle.loads(boot)
    ground = ProcessGround(loop, Path(options["folder"]), options["cookie"])
    loop.run_until_complete(serve(ground, options, incarnation))
    os._exit(0)
