"""Scripts with more than one cluster, thread or process."""

from __future__ import annotations

from tests.scripts.place import Place

COUNTER = """
import asyncio, os, threading
import resilkit as rk

class Counter(rk.Server):
    def init(self, start=0):
        self.value = start
    def increment(self):
        self.value += 1
        return self.value
"""


def test_two_clusters_in_one_script_know_nothing_of_each_other(place: Place) -> None:
    code = """
one, two = rk.Cluster(nodes=2), rk.Cluster(nodes=2)
for cluster, start in ((one, 10), (two, 20)):
    cluster.start(Counter, start, name="counter", node="n2")
say([cluster.whereis("counter").call.increment() for cluster in (one, two)])
say([cluster.health()["n1"]["reachable"] for cluster in (one, two)])
pids = {node.pid for cluster in (one, two) for node in cluster.nodes.values()}
say(len(pids))
hear()
one.nodes["n2"].kill()
one.close()
say(two.whereis("counter").call.increment())
hear()
"""
    with place.script(COUNTER + code) as script:
        assert script.heard() == [11, 21]
        assert script.heard() == [["n1", "n2"], ["n1", "n2"]]
        assert script.heard() == 4
        place.expect(nodes=4, clusters=2)
        script.tell()
        assert script.heard() == 22
        place.expect(nodes=2)
        script.tell()
        assert script.ended() == 0
        assert script.errors() == ""
        place.wait_empty()


def test_clusters_of_two_threads_outlive_them(place: Place) -> None:
    code = """
clusters = {}
def work(name):
    with rk.Cluster(nodes=1) as brief:
        brief.start(Counter, name="counter").call.increment()
    clusters[name] = rk.Cluster(nodes=2)
    counter = clusters[name].start(Counter, name="counter", node="n2")
    for _ in range(100):
        counter.call.increment()

threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
say([clusters[name].whereis("counter").call.increment() for name in "ab"])
hear()
"""
    with place.script(COUNTER + code) as script:
        assert script.heard() == [101, 101]
        place.expect(nodes=4, clusters=2)
        script.tell()
        assert script.ended() == 0
        assert script.errors() == ""
        place.wait_empty()


def test_a_fork_of_the_script_cannot_use_its_cluster_nor_break_it(place: Place) -> None:
    code = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own word on forks beside threads
cluster = rk.Cluster(nodes=2)
counter = cluster.start(Counter, name="counter", node="n2")
counter.call.increment()
child = os.fork()
if child == 0:
    for use in (
        counter.call.increment,
        counter.cast.increment,
        lambda: asyncio.run(counter.acall.increment()),
        cluster.health,
        cluster.nodes["n1"].kill,
    ):
        try:
            say(use())
        except rk.ClusterError as error:
            say(str(error))
    cluster.close()
    with rk.Cluster(nodes=1) as own:
        say(own.start(Counter, 5).call.increment())
    rk.Cluster(nodes=1)  # left open
    sys.exit(0)  # with the interpreter's whole way out, its exit handlers too
say(os.waitpid(child, 0)[1])
say([counter.call.increment() for _ in range(100)][-1])
say({name: row["reachable"] for name, row in cluster.health().items()})
cluster.nodes["n1"].restart()
say(cluster.nodes["n1"].status)
hear()
"""
    with place.script(COUNTER + code) as script:
        for _ in range(5):
            assert "belongs to the process that forked this one" in script.heard()
        assert script.heard() == 6
        assert script.heard() == 0
        assert script.heard() == 101
        assert script.heard() == {"n1": ["n1", "n2"], "n2": ["n1", "n2"]}
        assert script.heard() == "running"
        place.expect(nodes=2)
        script.tell()
        assert script.ended() == 0
        assert script.errors() == ""
        place.wait_empty()
