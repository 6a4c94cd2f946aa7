"""What cannot be taken back is told to whoever heals, and all else is taken back all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import resilkit as rk
from resilkit import faults
from tests.cluster.harm import Probe, fault_events
from tests.parity.grounds import eventually


class Once(Probe):
    """Starts the first time only."""

    def init(self, mark: str) -> None:
        """Refuse, once the mark is there."""
        super().init()
        if Path(mark).exists():
            raise RuntimeError("not again")
        Path(mark).touch()


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster], tmp_path: Path) -> rk.Cluster:
    """Two nodes, with what starts once on the second."""
    cluster = cluster_of(nodes=2)
    cluster.start(Once, str(tmp_path / "mark"), name="once", node="n2")
    return cluster


def test_healing_raises_what_cannot_be_taken_back_once_and_takes_back_the_rest(
    cluster: rk.Cluster,
) -> None:
    latency = cluster.inject(faults.Latency(0.01, 0.01))
    crash = cluster.inject(faults.NodeCrash(targets="n2"))
    with pytest.raises(rk.StartFailed, match="not again"):
        cluster.heal()
    assert latency.done
    assert crash.done
    assert "not again" in crash.outcomes[0]["heal_failed"]
    assert "healed" not in crash.outcomes[0]
    assert "healed" in latency.outcomes[0]
    events = [row.event for row in fault_events(cluster, crash)]
    assert events == ["injected", "heal_failed"], "its time has an end"
    cluster.heal()
    crash.heal()


def test_one_that_failed_to_heal_by_itself_says_so_to_whoever_heals_it_next(
    cluster: rk.Cluster,
) -> None:
    crash = cluster.inject(faults.NodeCrash(targets="n2", restart_after=0.05))
    assert crash.wait(20.0)
    assert fault_events(cluster, crash)[-1].event == "heal_failed"
    with pytest.raises(rk.StartFailed, match="not again"):
        crash.heal()


def test_leaving_the_block_raises_it_unless_an_error_is_on_its_way(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.StartFailed), cluster.inject(faults.NodeCrash(targets="n2")):
        pass
    eventually(cluster, lambda: cluster.nodes["n2"].status == "running")
    with (
        pytest.raises(ZeroDivisionError) as caught,
        cluster.inject(faults.NodeCrash(targets="n2")) as crash,
    ):
        raise ZeroDivisionError
    (note,) = caught.value.__notes__
    assert crash.id in note
    assert "not again" in note


def test_awaiting_the_end_of_the_block_raises_it_as_well(cluster: rk.Cluster) -> None:
    import asyncio

    async def main() -> None:
        async with await cluster.ainject(faults.NodeCrash(targets="n2")):
            pass

    with pytest.raises(rk.StartFailed, match="not again"):
        asyncio.run(main())
