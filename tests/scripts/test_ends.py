"""However a script ends, its clusters end with it, and leave nothing."""

from __future__ import annotations

import signal

import pytest

from tests.scripts.place import Place, until

# One node that serves, one that is stopped, one that is busy in a handler for ever. No guard.
THREE = """
import os, signal
import resilkit as rk

class Counter(rk.Server):
    def init(self):
        self.value = 0
    def increment(self):
        self.value += 1
        return self.value
    def block(self, path):
        open(path, "w").close()
        signal.sigtimedwait([], 1000)

cluster = rk.Cluster(nodes=3)
for name in cluster.nodes:
    cluster.start(Counter, name=f"on-{name}", node=name)
os.kill(cluster.nodes["n2"].pid, signal.SIGSTOP)
cluster.whereis("on-n3").cast.block("blocked")
say(cluster.whereis("on-n1").call.increment())
hear()
"""


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ("sys.exit(3)", 3),
        ("raise RuntimeError('boom')", 1),
        ("os._exit(4)", 4),
        ("", 0),
    ],
    ids=["sys.exit", "exception", "os._exit", "last line"],
)
def test_a_script_that_ends_without_closing_leaves_nothing(
    place: Place, last: str, status: int
) -> None:
    with place.script(THREE + last) as script:
        assert script.heard() == 1
        until(lambda: not (place.work / "blocked").exists())
        place.expect(nodes=3)
        script.tell()
        assert script.ended() == status
        place.wait_empty()
        assert ("boom" in script.errors()) == ("boom" in last)
        assert "resilkit" not in script.errors()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_script_that_is_killed_leaves_nothing(place: Place, number: signal.Signals) -> None:
    with place.script(THREE) as script:
        assert script.heard() == 1
        until(lambda: not (place.work / "blocked").exists())
        place.expect(nodes=3)
        script.process.send_signal(number)
        assert script.ended() == -number
        place.wait_empty()


def test_a_script_that_is_killed_in_the_middle_of_an_experiment_leaves_nothing(
    place: Place,
) -> None:
    code = """
import resilkit as rk

class Counter(rk.Server):
    def init(self):
        self.value = 0
    def increment(self):
        self.value += 1

def look(progress):
    if progress.operations:
        say(progress.operations)

rk.Experiment(
    2,
    system=rk.ChildSpec(Counter, name="counter"),
    workload=rk.Workload(
        [rk.Operation.call("counter", "increment")], arrivals=rk.arrivals.constant(rate=50)
    ),
    scenario=rk.Scenario("slow", [rk.faults.Latency(0.001, 0.002)]),
    duration=60.0,
).run(on_progress=look)
"""
    with place.script(code) as script:
        assert script.heard() > 0
        place.expect(nodes=3)  # the load generator is one, too
        script.process.kill()
        script.ended()
        place.wait_empty()


def test_who_uses_a_cluster_when_the_interpreter_has_ended_it_is_told(place: Place) -> None:
    code = """
import atexit

@atexit.register
def late():
    cluster.close()  # once more does no harm
    try:
        counter.call.increment()
    except rk.ClusterClosed as error:
        print(error, file=sys.stderr)

import resilkit as rk

class Counter(rk.Server):
    def increment(self):
        return 1

cluster = rk.Cluster(nodes=1)
counter = cluster.start(Counter)
for _ in range(1000):
    counter.cast.increment()
say(counter.call.increment())
"""
    with place.script(code) as script:
        assert script.heard() == 1
        assert script.ended() == 0
        place.wait_empty()
        assert script.errors() == "the interpreter ends, and its clusters have ended\n"


def test_a_script_that_ends_under_load_ends_without_a_word(place: Place) -> None:
    code = """
import resilkit as rk

class Counter(rk.Server):
    def increment(self):
        return 1

cluster = rk.Cluster(nodes=1)
cluster.start(Counter, name="counter")
load = rk.Workload(
    [rk.Operation.call("counter", "increment")], arrivals=rk.arrivals.constant(rate=200)
).start(cluster)
while not len(load.history):
    load.wait(0.05)
say(True)
hear()
"""
    with place.script(code) as script:
        assert script.heard()
        place.expect(nodes=2)  # the load generator is one, too
        script.tell()
        assert script.ended() == 0
        place.wait_empty()
        assert script.errors() == ""
