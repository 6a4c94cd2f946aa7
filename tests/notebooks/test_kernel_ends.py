"""However a kernel ends, its clusters end with it, and leave nothing."""

from __future__ import annotations

import pytest

from tests.notebooks.conftest import SERVERS
from tests.notebooks.notebook import Notebook, opened
from tests.notebooks.test_interrupts import RUN
from tests.scripts.place import Place

# One node that serves, one that is stopped, one that is busy in a handler for ever; and a fault.
THREE = """
cluster = rk.Cluster(nodes=3)
for name in cluster.nodes:
    cluster.start(Counter, name=f"on-{name}", node=name)
cluster.inject(rk.faults.Latency(0.001, 0.002))
os.kill(cluster.nodes["n2"].pid, signal.SIGSTOP)
cluster.whereis("on-n3").cast.block(GATE)
cluster.whereis("on-n1").call.increment()
"""


def three_nodes(notebook: Notebook) -> set[int]:
    """Start a cluster in each kind of trouble; return the processes that must go."""
    gate = notebook.gate()
    assert notebook.value(SERVERS + THREE.replace("GATE", repr(gate.path))) == 1
    notebook.wait(gate)
    notebook.place.expect(nodes=3)
    return set(notebook.place.processes())


@pytest.mark.parametrize("now", [False, True], ids=["asked", "killed"])
def test_a_restarted_kernel_leaves_nothing_and_the_next_one_works(place: Place, now: bool) -> None:
    with opened(place) as notebook:
        before = three_nodes(notebook)
        notebook.restart(now=now)
        place.wait_gone(before)
        place.wait_only({notebook.pid})
        assert place.files() == []
        last = "(cluster := rk.Cluster(nodes=1)).start(Counter).call.increment()"
        assert notebook.value(SERVERS + last) == 1
        place.expect(nodes=1)
    place.wait_empty()


def test_a_killed_kernel_leaves_nothing(place: Place) -> None:
    with opened(place) as notebook:
        three_nodes(notebook)
        notebook.kill()
        place.wait_empty()


def test_a_kernel_that_is_killed_in_the_middle_of_an_experiment_leaves_nothing(
    place: Place,
) -> None:
    with opened(place) as notebook:
        gate = notebook.gate()
        running = notebook.begin(SERVERS + RUN.replace("GATE", repr(gate.path)), gate)
        place.expect(nodes=3)  # the load generator is one, too
        notebook.kill()
        place.wait_empty()
        notebook.wait_dead(running)
