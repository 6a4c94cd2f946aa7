"""Faults on the links of real nodes: by who hears whom, how late, how often and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.faults.registry import _REGISTERED
from tests.cluster.harm import fault_events, hears
from tests.parity.grounds import eventually
from tests.parity.probing import probed


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes with a probe on each."""
    return probed(cluster)


def hearing(cluster: rk.Cluster) -> dict[str, list[str]]:
    """Return from whom each node hears an answer: what applications feel."""
    return {name: hears(cluster, name) for name in cluster.nodes}


def views(cluster: rk.Cluster) -> dict[str, list[str]]:
    """Return whom each node counts as reached: what membership says."""
    return {name: cluster.whereis(f"on-{name}").call.reached() for name in cluster.nodes}


EARLY = 0.001
"""Seconds by which a message may come too soon: half a millisecond a hop, by the loop's timers."""


@rk.register_fault("broken_link")
class BrokenLink(rk.LinkFault):
    """Raises."""

    def verdict(self, message: object, rng: object) -> object:
        """Raise."""
        raise ZeroDivisionError


@pytest.fixture(scope="module", autouse=True)
def _the_registry_stays_as_it_was() -> Iterator[None]:
    # A worker that is handed tests of this module a second time sets it up again.
    _REGISTERED.setdefault("broken_link", BrokenLink)
    yield
    del _REGISTERED["broken_link"]


ALL = {name: ["n1", "n2", "n3"] for name in ("n1", "n2", "n3")}


def test_one_is_cut_from_the_rest(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Partition("one", targets="n2")) as injection:
        expected = {"n1": ["n1", "n3"], "n2": ["n2"], "n3": ["n1", "n3"]}
        assert hearing(cluster) == views(cluster) == expected
        assert len(injection.outcomes[0]["cuts"]) == 4
    eventually(cluster, lambda: hearing(cluster) == ALL)


@pytest.mark.parametrize("kind", ["one", "one_way", "bridge"])
def test_who_was_cut_finds_the_others_as_soon_as_it_is_healed(
    cluster: rk.Cluster, kind: str
) -> None:
    for _ in range(10):
        with cluster.inject(faults.Partition(kind)):  # type: ignore[arg-type]
            pass
        assert hearing(cluster) == views(cluster) == ALL


def test_healing_does_not_wait_for_those_whom_another_fault_keeps_apart(
    cluster: rk.Cluster,
) -> None:
    with cluster.inject(faults.Partition("one", targets="n2")):
        began = cluster.clock.now()
        with cluster.inject(faults.Partition("one", targets="n1")):
            pass
        assert cluster.clock.now() - began < 1.0
        assert hearing(cluster)["n1"] == ["n1", "n3"]


def test_halves_are_drawn_by_the_seed_and_hear_only_their_own(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Partition("halves"), seed=3):
        first = hearing(cluster)
        alone = [name for name, heard in first.items() if heard == [name]]
        assert len(alone) == 1
        rest = [name for name in cluster.nodes if name not in alone]
        assert all(first[name] == rest for name in rest)


@pytest.mark.parametrize("kind", ["majorities_ring", "bridge"])
def test_one_in_the_middle_hears_two_that_do_not_hear_each_other(
    cluster: rk.Cluster, kind: str
) -> None:
    with cluster.inject(faults.Partition(kind)):  # type: ignore[arg-type]
        heard = hearing(cluster)
        sizes = sorted(len(names) for names in heard.values())
        assert sizes == [2, 2, 3], heard
        assert len({tuple(names) for names in views(cluster).values()}) == 3


def test_groups_of_ones_own_are_cut_from_each_other(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Partition("custom", [["n1"], ["n2"], ["n3"]])):
        assert hearing(cluster) == {"n1": ["n1"], "n2": ["n2"], "n3": ["n3"]}


def test_one_way_loses_what_goes_out_and_lets_in_what_comes(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    with cluster.inject(faults.Partition("one_way", targets="n1")):
        one.call.tell("on-n2", ["from n1"])
        two.call.tell("on-n1", ["from n2"])
        eventually(cluster, lambda: one.call.noted() == ["from n2"])
        assert hears(cluster, "n3") == ["n2", "n3"], "n1 gets the question; its answer is lost"
        assert two.call.noted() == []


def test_latency_delays_each_way_and_keeps_the_order(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    before = min(one.call.call_took("on-n2") for _ in range(5))
    assert before < 0.05
    with cluster.inject(faults.Latency(0.05, 0.1, targets="n2")) as injection:
        assert injection.outcomes[0]["links"] == ["n1-n2", "n2-n3"]
        for name in ("on-n1", "on-n3"):
            times = [cluster.whereis(name).call.call_took("on-n2") for _ in range(4)]
            assert all(0.1 - EARLY <= seconds < 1.0 for seconds in times), times
        assert min(one.call.call_took("on-n3") for _ in range(5)) < 0.05, "not touched"
        one.call.tell("on-n2", list(range(100)))
        eventually(cluster, lambda: len(two.call.noted()) == 100)
        assert two.call.noted() == list(range(100))
    assert min(one.call.call_took("on-n2") for _ in range(5)) < 0.05


def test_a_fraction_of_the_links_is_a_fraction(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Latency(0.05, 0.05, fraction=0.3)) as injection:
        assert len(injection.outcomes[0]["links"]) == 1
        a, b = injection.outcomes[0]["links"][0].split("-")
        assert cluster.whereis(f"on-{a}").call.call_took(f"on-{b}") >= 0.1 - EARLY


def test_loss_takes_its_share_of_the_messages_and_no_more_when_healed(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    with cluster.inject(faults.Loss(0.5)):
        one.call.tell("on-n2", list(range(400)))
        # Signals between nodes get lost too: the calls that look come from the notebook, whose
        # connections no fault touches.
        eventually(cluster, lambda: len(two.call.noted()) > 0)
        one.call.tell("on-n3", ["after"])
    one.call.tell("on-n2", ["healed"])
    eventually(cluster, lambda: two.call.noted()[-1:] == ["healed"])
    got = two.call.noted()[:-1]
    # Binomial(400, 0.5): outside with a chance of about one in ten million.
    assert 147 <= len(got) <= 253
    assert got == sorted(got), "what is not lost keeps its order"


def test_duplicates_arrive_twice_in_a_row(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    with cluster.inject(faults.Duplicate(1.0)):
        one.call.tell("on-n2", [1, 2, 3])
        eventually(cluster, lambda: len(two.call.noted()) >= 6)
        assert two.call.noted() == [1, 1, 2, 2, 3, 3]
        assert one.call.call_took("on-n2") < 5.0, "a second reply bothers nobody"


class Page(rk.Server):
    """Adds to what it gets, and keeps it."""

    def init(self) -> None:
        self.kept: list[list[int]] = []

    def keep(self, page: list[int]) -> None:
        """Add to it and keep it."""
        page.append(0)
        self.kept.append(page)

    def all_kept(self) -> list[list[int]]:
        """Return what was kept."""
        return self.kept

    def hand_on(self, name: str, page: list[int]) -> None:
        """Send it to another one."""
        self.whereis(name).cast.keep(page)


@pytest.mark.parametrize(
    ("topology", "link"),
    [("mesh", "n1<->n3"), ("line", "n1<->n2"), ("line", "n2<->n3")],
    ids=["mesh", "at its sender", "on its way"],
)
def test_each_of_two_duplicates_is_a_copy_of_its_own(
    cluster_of: Callable[..., rk.Cluster], topology: str, link: str
) -> None:
    cluster = cluster_of(nodes=3, topology=topology)
    one, three = (cluster.start(Page, name=f"page-{node}", node=node) for node in ("n1", "n3"))
    with cluster.inject(faults.Duplicate(1.0, targets=link)):
        one.call.hand_on("page-n3", [1])
        eventually(cluster, lambda: len(three.call.all_kept()) == 2)
    assert three.call.all_kept() == [[1, 0], [1, 0]]


def test_reordered_messages_overtake_each_other_and_none_is_lost(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    with cluster.inject(faults.Reorder(0.3, window=0.1)):
        one.call.tell("on-n2", list(range(200)))
        eventually(cluster, lambda: len(two.call.noted()) == 200)
        got = two.call.noted()
        assert got != sorted(got)
        assert sorted(got) == list(range(200))


def fastest(one: rk.ClusterReference, size_bytes: int) -> float:
    """Return the least seconds that a call with so much takes: once a machine may stand still."""
    times: list[float] = [one.call.call_took("on-n2", b"x" * size_bytes) for _ in range(3)]
    return min(times)


def test_the_time_over_a_narrow_link_grows_with_the_size(cluster: rk.Cluster) -> None:
    one = cluster.whereis("on-n1")
    with cluster.inject(faults.Bandwidth(100_000)):
        small, large = fastest(one, 1_000), fastest(one, 40_000)
    assert small < 0.2
    assert 0.4 - EARLY <= large < 1.0
    assert fastest(one, 40_000) < 0.2


def test_faults_on_one_link_add_up_and_heal_one_by_one(cluster: rk.Cluster) -> None:
    one = cluster.whereis("on-n1")
    with cluster.inject(faults.Latency(0.05, 0.05)):
        with cluster.inject(faults.Latency(0.05, 0.05)):
            assert one.call.call_took("on-n2") >= 0.2 - 2 * EARLY
        assert 0.1 - EARLY <= min(one.call.call_took("on-n2") for _ in range(3)) < 0.2
    assert min(one.call.call_took("on-n2") for _ in range(3)) < 0.05


def test_a_probability_of_0_or_a_share_of_0_is_inert(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    injections = [
        cluster.inject(fault)
        for fault in (
            faults.Loss(1.0, probability=0.0),
            faults.Partition("one", probability=0.0),
            faults.Latency(9.0, 9.0, probability=0.0),
            faults.Loss(0.0),
            faults.Duplicate(0.0),
            faults.Loss(1.0, targets="none"),
        )
    ]
    one.call.tell("on-n2", list(range(50)))
    eventually(cluster, lambda: len(two.call.noted()) == 50)
    assert two.call.noted() == list(range(50))
    assert hearing(cluster) == ALL
    assert not any(row["delivered"] for one in injections for row in one.outcomes)
    told = [row.event for one in injections for row in fault_events(cluster, one)]
    assert told == ["skipped"] * len(injections)


def test_a_fault_class_made_in_a_function_works_on_the_links(cluster: rk.Cluster) -> None:
    secret = "psst"

    @rk.register_fault("deaf_to_casts")
    class DeafToCasts(rk.LinkFault):
        """Loses casts, and nothing else."""

        def verdict(self, message: object, rng: object) -> object:
            assert secret == "psst"
            return rk.Drop() if message.kind == "cast" else rk.Deliver(after=0.03)

    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    try:
        with cluster.inject(DeafToCasts()) as injection:
            one.call.tell("on-n2", [1, 2, 3])
            assert one.call.call_took("on-n2") >= 0.06 - EARLY
            assert two.call.noted() == []
        one.call.tell("on-n2", [4])
        eventually(cluster, lambda: two.call.noted() == [4])
        (injected,) = fault_events(cluster, injection, "injected")
        assert injected.detail["parameters"] == {"deaf_to_casts": {}}
    finally:
        del _REGISTERED["deaf_to_casts"]


def test_what_a_link_fault_has_touched_is_told_when_it_is_healed(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    with (
        cluster.inject(faults.Duplicate(1.0, targets="n1")) as busy,
        cluster.inject(faults.Loss(1e-9, targets="n1")) as idle,
    ):
        assert "touched" not in busy.outcomes[0]
        one.call.tell("on-n2", list(range(10)))
        eventually(cluster, lambda: len(two.call.noted()) == 20)
    assert busy.outcomes[0]["touched"] >= 10
    assert idle.outcomes[0]["touched"] == 0
    (healed,) = fault_events(cluster, busy, "healed")
    assert healed.detail["touched"] == busy.outcomes[0]["touched"]


def test_what_a_node_that_ended_had_touched_is_not_known(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Loss(1e-9, targets="n3")) as injection:
        cluster.nodes["n3"].restart()
    outcome = injection.outcomes[0]
    assert outcome["touched"] is None
    assert outcome["why"] == ("how many it touched is not known: n3 was started anew meanwhile")
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["why"] == outcome["why"]


def test_a_fault_on_one_link_says_that_it_is_on_that_one(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Latency(0.01, 0.02, fraction=0.3)) as injection:
        (link,) = injection.outcomes[0]["links"]
        assert repr(injection).endswith(f", hit {link.replace('-', ' – ')}>")
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["links"] == [link]


def test_a_partition_says_who_is_cut_from_whom(cluster: rk.Cluster) -> None:
    with cluster.inject(faults.Partition("one", targets="n3")) as injection:
        assert repr(injection).endswith(", hit n1 – n3, n2 – n3>")
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["cuts"] == ["n1->n3", "n2->n3", "n3->n1", "n3->n2"]


def test_a_link_fault_that_raises_harms_nobody_but_is_told(cluster: rk.Cluster) -> None:
    with cluster.inject(BrokenLink()):
        assert hearing(cluster) == ALL
    logs = "".join(cluster._session.last_words(name) for name in cluster.nodes)
    assert "ZeroDivisionError" in logs


def test_no_link_is_no_place_for_a_fault_on_links(cluster_of: Callable[..., rk.Cluster]) -> None:
    with cluster_of(nodes=1) as cluster:
        for fault in (faults.Latency(0.1, 0.2), faults.Partition("halves")):
            with pytest.raises(rk.Refused):
                cluster.inject(fault)
        kinds = [row.event for row in cluster.events if row.kind == "fault"]
        assert kinds == ["failed", "failed"]
