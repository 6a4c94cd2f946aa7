"""What runs in a worker's process: the experiments that it was sent, once a seed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from resilkit import clock
from resilkit.network.codec import from_value
from resilkit.reruns.first_imports import import_first
from resilkit.reruns.in_time import TimeIsUp, run_in_time
from resilkit.reruns.rows import failed_row, out_of_time, row_of, why_of

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment
    from resilkit.reruns.rows import Row

__all__ = ["main", "run_seed"]


def main(descriptor: int) -> None:
    """Do what comes over a connection, until that ends; what a worker's process calls.

    Args:
        descriptor: The connection's.
    """
    # Who interrupts means the process that has the workers, which ends them.
    signal.signal(signal.SIGINT, _ignored)
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    connection = Connection(descriptor)
    try:
        given = connection.recv_bytes()
        try:
            job = from_value(given)
            import_first()  # before it is ready: no seed is to pay for it
        except Exception as error:  # noqa: BLE001 - reading it runs the user's own code
            connection.send(why_of(error))
            return
        connection.send("")
        while True:
            number, seed = connection.recv()
            connection.send(run_seed(job["experiments"][number], seed, job["where"]))
    except (EOFError, OSError):
        return  # nobody is left to work for


def _ignored(number: int, frame: object) -> None:
    # A function, and not `SIG_IGN`: what ends a handler that never gives way, when the time of a
    # seed is up, needs one that it can stand in for.
    del number, frame


def _end_with_parent() -> None:
    # Whatever a run is in the middle of: nobody would hear of it.
    sys.stdin.buffer.read()
    os._exit(1)


def run_seed(experiment: Experiment, seed: int, where: dict[str, Any]) -> Row:
    """Run an experiment with a seed, and return its row.

    Args:
        experiment: The experiment, whatever its own seed is.
        seed: The seed.
        where: ``backend``, ``schedule``, and ``timeout``: the seconds that it may take.
    """
    began = clock.monotonic()
    until = None if where["timeout"] is None else began + where["timeout"]
    try:
        result = run_in_time(
            experiment.changed(seed=seed),
            backend=where["backend"],
            schedule=where["schedule"],
            until=until,
        )
        return row_of(result, seed, clock.monotonic() - began)
    except TimeIsUp:
        return failed_row(seed, out_of_time(where["timeout"]), clock.monotonic() - began)
    except Exception as error:  # noqa: BLE001 - whatever a run raises costs its own seed only
        return failed_row(seed, why_of(error), clock.monotonic() - began)
