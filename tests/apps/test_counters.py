"""The sample counters: where they are, and what their load does to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import resilkit as rk
from resilkit.apps import counters
from resilkit.cli.systems import scenario_experiment
from tests.cluster.harm import wait_until

NODES = ("n1", "n2", "n3")


def names(placed: Mapping[str, Sequence[rk.SupervisorSpec]]) -> dict[str, list[Any]]:
    """Return the names of what is placed on each node."""
    return {node: [one.name for one in spec.children] for node, [spec] in placed.items()}


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_each_node_has_a_counter_and_there_are_at_least_three(number: int) -> None:
    nodes = [f"n{each}" for each in range(1, number + 1)]
    spread = names(counters.applications(nodes))
    assert list(spread) == nodes
    assert all(spread.values())
    found = sorted(name for some in spread.values() for name in some)
    assert found == [f"counter-{each}" for each in range(max(3, number))]
    assert names(counters.on_one_node(nodes)) == {"n1": found}


def test_the_load_counts_on_every_counter_and_a_node_that_fails_takes_its_share() -> None:
    with rk.Cluster(nodes=NODES, seed=3) as cluster:
        for node, [spec] in counters.applications(NODES).items():
            cluster.start(spec, node=node)
        counts = [cluster.whereis(f"counter-{each}").call for each in range(3)]
        with counters.workload(NODES, rate=200).start(cluster) as load:
            wait_until(lambda: min(counter.get() for counter in counts) > 5)
            total = load.summary().loc["total"]
            assert total["ok"] == total["count"]
            cluster.nodes["n2"].kill()
            wait_until(lambda: load.summary().loc["total", "error_rate"] > 0.1)
            before = counts[0].get(), counts[2].get()
            wait_until(lambda: counts[0].get() > before[0] and counts[2].get() > before[1])
            cluster.nodes["n2"].restart()
            wait_until(lambda: counts[1].get() > 5)


def test_on_the_command_line_the_module_is_a_system_with_its_load() -> None:
    made = scenario_experiment(
        "progressive node failures",
        system="resilkit.apps.counters",
        nodes=5,
        duration="5 s",
        seed=1,
    )
    assert [node for node, _ in made.parts.plan] == ["n1", "n2", "n3", "n4", "n5"]
    assert [each.name for each in made.workload.operations] == ["increment", "get"]
