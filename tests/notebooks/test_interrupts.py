"""A cell that is interrupted ends soon: its cluster stays usable, or nothing of it is left."""

from __future__ import annotations

import re

import pytest

from tests.notebooks.notebook import Cell, Notebook

AT_ONCE = 5.0  # seconds; on an idle machine it is a fraction of one

# The launcher of a closed cluster stays for the next one, as long as its kernel.

# An experiment of two nodes that passes the gate under load, when its fault is in.
RUN = """
def look(progress):
    if progress.faults and progress.operations and not passed:
        passed.append(True)
        Path(GATE).write_text(".")

passed = []
experiment = rk.Experiment(
    2,
    system=rk.ChildSpec(Counter, name="counter"),
    workload=rk.Workload(
        [rk.Operation.call("counter", "increment")], arrivals=rk.arrivals.constant(rate=50)
    ),
    scenario=rk.Scenario("slow", [rk.faults.Latency(0.001, 0.002)]),
    duration=60.0,
)
experiment.run(on_progress=look)
"""

# Closing takes long, since the launcher does not answer.
CLOSING = """
def look():
    while not cluster.closed:
        signal.sigtimedwait([], 0.01)
    Path(GATE).write_text(".")

launcher.suspend()
threading.Thread(target=look, daemon=True).start()
cluster.close()
"""

# What is waited for when the interrupt comes.
WAITS = {
    "a call": "c.call.hold(GATE)",
    "an awaited call": "await c.acall.hold(GATE)",
    "a barrier": "c.cast.block(GATE); c.with_timeout(None).sync()",
    "a start": "cluster.start(Slow, GATE)",
    "a monitor": "down = c.monitor(); Path(GATE).write_text('.'); down.wait(None)",
}


def cut_short(notebook: Notebook, code: str, *, times: int = 1) -> Cell:
    """Run `code` until it has passed its gate, interrupt it, and check that it ends by that."""
    gate = notebook.gate()
    cell, seconds = notebook.interrupted(code.replace("GATE", repr(gate.path)), gate, times=times)
    # IPython cancels a cell that awaits. An interrupt that comes while it shows the one before ends
    # the showing, and then it just says so.
    expected = "CancelledError" if "await " in code else "KeyboardInterrupt"
    assert (cell.error or cell.text.strip()) == expected, cell.text
    assert seconds < AT_ONCE
    return cell


def usable(notebook: Notebook) -> None:
    """Check that the cluster of the notebook still does what it did."""
    assert notebook.value("cluster.start(Counter, node='n2').call.increment()") == 1
    assert notebook.value("[node.status for node in cluster.nodes.values()]") == ["running"] * 2


@pytest.mark.parametrize("code", WAITS.values(), ids=WAITS)
def test_an_interrupted_wait_leaves_the_cluster_usable(notebook: Notebook, code: str) -> None:
    notebook.run("cluster = rk.Cluster(nodes=2); c = cluster.start(Counter, node='n1')")
    try:
        cut_short(notebook, code)
        usable(notebook)
    finally:
        notebook.run("cluster.close()")


def test_an_interrupted_block_undoes_its_fault(notebook: Notebook) -> None:
    notebook.run("cluster = rk.Cluster(nodes=2); c = cluster.start(Counter, node='n1')")
    try:
        cut_short(notebook, "with cluster.partition(['n1'], ['n2']):\n    c.call.hold(GATE)")
        usable(notebook)
        faults = "cluster.events.frame('faults')['event'].tolist()[-1]"
        assert notebook.value(faults) == "healed"
        # Across what was cut.
        across = "class Asks(rk.Server):\n    async def ask(self, other):\n        "
        across += "return await self.whereis(other).call.increment()\n"
        across += "cluster.start(Counter, name='there', node='n1')\n"
        assert notebook.value(across + "cluster.start(Asks, node='n2').call.ask('there')") == 1
    finally:
        notebook.run("cluster.close()")


def nothing_left(notebook: Notebook) -> None:
    """Check that nothing is left but the kernel and its launcher, and that the next one works."""
    place = notebook.place
    place.wait_only({notebook.pid} | place.launchers())
    another = (
        "with rk.Cluster(nodes=1) as another:\n    value = another.start(Counter).call.increment()"
    )
    assert notebook.value(f"{another}\nvalue") == 1


def test_an_interrupted_launch_leaves_nothing(notebook: Notebook) -> None:
    spec = "rk.NodeSpec('n1', applications=[rk.ChildSpec(Slow, args=(GATE,))])"
    cut_short(notebook, f"rk.Cluster(nodes=[{spec}])")
    nothing_left(notebook)


@pytest.mark.parametrize("times", [1, 3])
def test_a_cluster_is_closed_though_its_closing_is_interrupted(
    notebook: Notebook, times: int
) -> None:
    notebook.run("cluster = rk.Cluster(nodes=2)")
    notebook.place.expect(nodes=2)
    [launcher] = notebook.place.launchers()
    notebook.run(f"launcher = psutil.Process({launcher})")
    cell = cut_short(notebook, CLOSING, times=times)
    # Python swallows an interrupt that comes while it drops a weak reference, and says so.
    notice = r"Exception ignored in: .*?\n\nKeyboardInterrupt: *\n?"
    told = re.sub(notice, "", cell.text, flags=re.DOTALL)
    assert told.strip() in {"", "KeyboardInterrupt"}
    notebook.place.wait_only({notebook.pid} | notebook.place.launchers())
    # One that still did not answer when the closing was over has been ended.
    notebook.run("with contextlib.suppress(psutil.NoSuchProcess):\n    launcher.resume()")
    assert notebook.value("cluster.closed")
    nothing_left(notebook)


@pytest.mark.parametrize("times", [1, 3])
def test_an_interrupted_run_leaves_nothing(notebook: Notebook, times: int) -> None:
    cut_short(notebook, RUN, times=times)
    nothing_left(notebook)


def test_an_interrupted_run_on_a_given_cluster_leaves_it_as_it_was(notebook: Notebook) -> None:
    place = notebook.place
    notebook.run("cluster = rk.Cluster(nodes=2)")
    before = set(place.processes())
    cut_short(notebook, RUN.replace("run(", "run(cluster=cluster, "))
    place.wait_gone(set(place.processes()) - before)  # the load generator
    assert notebook.value("list(cluster.names())") == []
    usable(notebook)
    assert notebook.value("cluster.events.frame('faults')['event'].tolist()[-1]") == "healed"
    notebook.run("cluster.close()")
    nothing_left(notebook)
