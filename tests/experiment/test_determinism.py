"""A check of determinism finds what differs between two runs, and where."""

from __future__ import annotations

import gc
import os
import pickle
import string
import sys
import threading
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from os import urandom
from time import time as taken_by_name  # noqa: TID251 - on purpose
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest

import resilkit as rk
from resilkit.errors import InternalError
from resilkit.experiment import second_run
from resilkit.experiment.second_run import _other_hashes


class Said:
    """Holds something, and says what."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __repr__(self) -> str:
        return f"Said({self.held})"


class Store(rk.Server):
    """Answers, in one way or another."""

    def init(self) -> None:
        self.kept: dict[str, int] = {}

    def put(self, key: str) -> int:
        self.kept[key] = len(self.kept)
        return self.kept[key]

    def plain(self) -> Any:
        return [self.now(), self.rng.random(), os.urandom(4), uuid.uuid4(), sorted({"b", "a"})]

    def holding_sets(self) -> Any:
        groups = defaultdict(set, all=set(string.ascii_lowercase))
        return [groups, OrderedDict(groups), SimpleNamespace(groups=groups), Said(groups)]

    def of_a_set(self) -> Any:
        return list(set(string.ascii_lowercase))

    def of_two(self) -> Any:
        return next(iter({"alpha", "beta"}))

    def of_an_address(self) -> Any:
        return id(self)

    def of_hashes(self) -> Any:
        return hash("alpha")

    def of_a_thread(self) -> Any:
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(os.urandom(4)))
        thread.start()
        thread.join()
        return found


class Captor(Store):
    """Takes functions by name."""

    def of_the_clock(self) -> Any:
        return taken_by_name()

    def of_the_system(self) -> Any:
        return urandom(4)


class Front(rk.Server):
    """Tells another server on its node what it made up, and nobody else."""

    def go(self) -> None:
        self.whereis("store").cast.put("".join(set(string.ascii_lowercase)))


def using(method: str) -> Callable[[rk.Cluster], None]:
    kind = Store if hasattr(Store, method) else Captor

    def use(cluster: rk.Cluster) -> None:
        store = cluster.start(kind, name="store", node="n2")
        store.call.put("a")
        getattr(store.call, method)()
        store.call.put("b")

    return use


@pytest.mark.parametrize("method", ["plain", "holding_sets"])
def test_what_asks_for_nothing_of_the_machine_is_deterministic(method: str) -> None:
    check = rk.check_determinism(using(method), nodes=3, seed=7)
    assert check
    assert check.first_difference is None
    assert check.suspects == ()
    assert (check.seed, check.schedule) == (7, "random")
    assert check.lines > 50
    assert check.steps > check.lines
    others = "in 5 other processes in turn, each with another order of hashes"
    assert check.second_run == others
    assert check.raise_if_not() is check
    assert repr(check).startswith("<deterministic: two runs with seed 7, schedule random did the")
    assert check.digest in check._repr_html_()
    again = rk.check_determinism(using(method), nodes=3, seed=7, across_processes=False)
    assert (again.digest, again.fingerprint) == (check.digest, check.fingerprint)
    assert again.second_run == "in this process, with the same order of hashes"


class Watcher(rk.Server):
    """Sees by a weak set when Python frees what is in a circle."""

    def init(self) -> None:
        self.alive: WeakSet[Any] = WeakSet()

    def make(self) -> int:
        circle = SimpleNamespace()
        circle.me = circle
        self.alive.add(function := lambda: circle)
        circle.function = function
        return len(self.alive)


def test_what_the_garbage_collector_frees_when_it_likes_is_named_as_a_cause() -> None:
    def use(cluster: rk.Cluster) -> None:
        watcher = cluster.start(Watcher, node="n2")
        for number in range(300):
            if number == 150:
                freed_at()
            watcher.call.make()

    moments = iter([gc.collect, int, int, int])

    def freed_at() -> None:
        next(moments)()

    gc.disable()
    try:
        check = rk.check_determinism(use, nodes=2, seed=7, across_processes=False)
        assert not check
        assert "the garbage collector frees" in repr(check)
        again = rk.check_determinism(use, nodes=2, seed=7, across_processes=False)
        assert again, "nothing is freed as long as nothing collects"
    finally:
        gc.enable()


@pytest.mark.parametrize("method", ["of_a_set", "of_an_address", "of_hashes"])
def test_what_hangs_on_hashes_and_addresses_is_found(method: str) -> None:
    check = rk.check_determinism(using(method), nodes=2, seed=7)
    assert not check
    difference = check.first_difference
    assert difference is not None
    assert difference.first is not None
    assert difference.second is not None
    assert difference.first.kind == difference.second.kind == "reply"
    assert difference.first.number == difference.second.number == difference.number
    assert difference.first.text != difference.second.text
    assert difference.before[-1].text.endswith(f"store.{method}()")
    assert "store.put('b')" in difference.first_after[0].text
    assert "store.put('b')" in difference.second_after[0].text
    with pytest.raises(rk.Nondeterministic, match=f"they differ first in line {difference.number}"):
        check.raise_if_not()


def test_the_order_of_a_small_set_of_texts_is_found_and_named() -> None:
    # Both orders of the two are among the five of this seed, so that one differs from ours.
    check = rk.check_determinism(using("of_two"), nodes=2, seed=7)
    assert not check
    assert check.hashes_differ
    assert "hangs on the order of a set of texts" in repr(check)
    assert check.second_run == "in another process, with another order of hashes"


def test_an_address_is_not_taken_for_a_hash_of_a_text() -> None:
    check = rk.check_determinism(using("of_an_address"), nodes=2, seed=7)
    assert not check
    assert not check.hashes_differ


def test_the_orders_are_the_same_each_time_and_as_many_as_are_asked_for() -> None:
    names = []

    def orders(seed: int, number: int) -> str:
        names.append((seed, number))
        return _other_hashes(seed, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_run, "_other_hashes", orders)
        check = rk.check_determinism(using("plain"), nodes=2, seed=7, orders=2)
    assert check.second_run == "in 2 other processes in turn, each with another order of hashes"
    assert names == [(7, 0), (7, 1)]
    assert len({_other_hashes(7, number) for number in range(20)}) == 20
    assert _other_hashes(7, 3) == _other_hashes(7, 3) != os.environ.get("PYTHONHASHSEED")


@pytest.mark.parametrize(
    ("method", "suspect"),
    [
        ("of_the_clock", "time.time was taken by name, in Captor.of_the_clock"),
        ("of_the_system", "os.urandom was taken by name, in Captor.of_the_system"),
        ("of_a_thread", "threading.Thread.start was used inside the simulation"),
    ],
)
def test_what_leads_out_of_the_simulation_is_found_and_named(method: str, suspect: str) -> None:
    check = rk.check_determinism(using(method), nodes=2, seed=7, across_processes=False)
    assert not check
    assert check.first_difference is not None
    assert any(suspect in each for each in check.suspects)
    assert suspect in repr(check)
    assert suspect in check._repr_html_()


def test_what_servers_of_one_node_say_to_each_other_counts() -> None:
    def use(cluster: rk.Cluster) -> None:
        cluster.start(Store, name="store", node="n1")
        cluster.start(Front, name="front", node="n1").call.go()
        cluster.advance(0.1)

    check = rk.check_determinism(use, nodes=1)
    assert not check
    assert check.first_difference is not None
    assert check.first_difference.first is not None
    assert "store.put(" in check.first_difference.first.text


def test_a_difference_shows_itself() -> None:
    def use(cluster: rk.Cluster) -> None:
        cluster.start(Store, name="<b>", node="n2").call.of_an_address()

    check = rk.check_determinism(use, nodes=2, seed=7)
    text = repr(check).splitlines()
    first = next(place for place, line in enumerate(text) if line.startswith("  first "))
    assert text[first + 1].startswith("  second ")
    mark = text[first + 2].index("^")
    assert text[first + 2].strip() == "^"
    assert text[first][9:mark] == text[first + 1][9:mark]
    assert text[first][mark] != text[first + 1][mark]
    page = check._repr_html_()
    assert "&lt;b&gt;.of_an_address()" in page
    assert "<b>.of" not in page
    assert pickle.loads(pickle.dumps(check)) == check


def test_an_experiment_is_run_twice_with_the_seed_that_is_asked_for() -> None:
    experiment = rk.Experiment(
        rk.ClusterSpec(nodes=2, seed=3),
        system=rk.ChildSpec(Store, name="store"),
        workload=rk.Workload(
            [rk.Operation.call("store", "put", "k")], rk.arrivals.poisson(rate=20)
        ),
        scenario=rk.Scenario("crashes", [rk.faults.NodeCrash(at=0.3, restart_after=0.1)]),
        duration=1.0,
        seed=5,
    )
    own = rk.check_determinism(experiment)
    assert own
    assert own.seed == 5
    other = rk.check_determinism(experiment, 6, schedule="fifo", across_processes=False)
    assert other
    assert (other.seed, other.schedule) == (6, "fifo")
    assert other.digest != own.digest
    assert (experiment.seed, experiment.cluster.seed) == (5, 3)
    assert experiment.last is None


@pytest.mark.parametrize(
    "given", [{"seed": 0, "nodes": 2}, {"cluster": rk.ClusterSpec(nodes=2, seed=0)}]
)
def test_a_seed_of_zero_is_a_seed(given: dict[str, Any]) -> None:
    check = rk.check_determinism(using("plain"), **{"across_processes": False, **given})
    assert check.seed == 0


def test_what_cannot_travel_runs_a_second_time_here_and_says_why() -> None:
    lock = threading.Lock()

    def use(cluster: rk.Cluster) -> None:
        with lock:
            cluster.start(Store).call.plain()

    check = rk.check_determinism(use, nodes=1)
    assert check
    assert "since it cannot travel: TypeError" in check.second_run


def test_what_the_first_run_raises_comes_as_it_is() -> None:
    def use(cluster: rk.Cluster) -> None:
        raise LookupError(len(cluster.nodes))

    with pytest.raises(LookupError, match="2"):
        rk.check_determinism(use, nodes=2)


def test_an_error_of_the_second_run_alone_is_a_difference() -> None:
    runs: list[int] = []

    def use(cluster: rk.Cluster) -> None:
        runs.append(len(cluster.nodes))
        if len(runs) > 1:
            raise LookupError("once only")

    check = rk.check_determinism(use, nodes=1, across_processes=False)
    assert not check
    assert check.errors == ("", "with LookupError: once only")
    assert "the first ended with no error, the second with LookupError" in check.sentence


def test_what_the_other_process_prints_is_no_answer_and_its_sudden_end_is_told() -> None:
    here = os.getpid()

    def talk(cluster: rk.Cluster) -> None:
        os.write(1, b"hello")
        sys.stdout.write(f"{len(cluster.nodes)} nodes")

    assert rk.check_determinism(talk, nodes=1)

    def end(cluster: rk.Cluster) -> None:
        del cluster
        if os.getpid() != here:
            os._exit(3)

    with pytest.raises(InternalError, match="ended with status 3 and no answer"):
        rk.check_determinism(end, nodes=1)


def test_what_fits_nothing_is_refused() -> None:
    experiment = rk.Experiment(
        1,
        system=Store,
        workload=rk.Workload([rk.Operation("nothing", nothing)], rk.arrivals.constant(1)),
    )
    for given, options, path in (
        (3, {}, "what"),
        (using("plain"), {"schedule": "best"}, "schedule"),
        (using("plain"), {"nods": 3}, "nods"),
        (using("plain"), {"seed": -1}, "seed"),
        (experiment, {"nodes": 3}, "nodes"),
        (experiment, {"cluster": 3}, "cluster"),
    ):
        with pytest.raises(rk.InvalidArgument, match=path):
            rk.check_determinism(given, **options)  # type: ignore[arg-type]


async def nothing(user: rk.User) -> None:
    del user
