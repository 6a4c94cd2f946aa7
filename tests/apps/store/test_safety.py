"""The protocol on a hostile network: what was acknowledged stays, whatever crashes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from resilkit.apps.store.broken import EarlyAck

from .world import World, violations


def acknowledged(world):
    return sum(1 for each in world.operations if each.kind == "put" and each.version is not None)


def test_no_acknowledged_write_is_lost_over_many_seeds():
    writes = 0
    for seed in range(60):
        world = World(seed)
        world.run(600)
        assert violations(world.operations) == [], f"seed {seed}"
        writes += acknowledged(world)
    assert writes > 1_000, "the runs must have acknowledged something to lose"


def test_a_coordinator_that_acknowledges_early_is_caught():
    caught = 0
    for seed in range(20):
        world = World(seed, rules=EarlyAck, crashes=0.02)
        world.run(600)
        caught += bool(violations(world.operations))
    assert caught >= 15


def test_a_replica_that_loses_its_disk_catches_up_before_it_serves():
    wiped = 0
    for seed in range(60):
        world = World(seed, crashes=0.02, wipes=0.7)
        world.run(600)
        assert violations(world.operations) == [], f"seed {seed}"
        wiped += world.lost_disks
    assert wiped > 40, "disks must have been lost"


def test_five_replicas_lose_two_disks_at_a_time_and_no_write():
    writes = wiped = 0
    for seed in range(25):
        world = World(seed, nodes=5, crashes=0.01, wipes=0.9)
        world.run(800)
        assert violations(world.operations) == [], f"seed {seed}"
        writes += acknowledged(world)
        wiped += world.lost_disks
    assert writes > 300
    assert wiped > 80, "disks must have been lost"


def test_disks_that_are_lost_while_some_replicas_cannot_reach_each_other_lose_no_write():
    writes = wiped = 0
    for seed in range(60):
        world = World(seed, nodes=5, loss=0.02, crashes=0.01, wipes=0.9, cuts=0.05)
        world.run(800)
        assert violations(world.operations) == [], f"seed {seed}"
        writes += acknowledged(world)
        wiped += world.lost_disks
    assert writes > 1_000
    assert wiped > 200, "disks must have been lost"


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    nodes=st.integers(1, 5),
    keys=st.integers(1, 4),
    steps=st.integers(1, 400),
    loss=st.sampled_from([0.0, 0.05, 0.3]),
    repeat=st.sampled_from([0.0, 0.2]),
    crashes=st.sampled_from([0.0, 0.01, 0.05]),
    wipes=st.sampled_from([0.0, 0.5, 1.0]),
    cuts=st.sampled_from([0.0, 0.05]),
)
def test_the_register_is_atomic_under_any_mix_of_faults(
    *, seed, nodes, keys, steps, loss, repeat, crashes, wipes, cuts
):
    world = World(
        seed, nodes=nodes, loss=loss, repeat=repeat, crashes=crashes, wipes=wipes, cuts=cuts
    )
    world.run(steps, keys=keys)
    assert violations(world.operations) == []
