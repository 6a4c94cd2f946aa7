"""What the library emits is what `resilkit.telemetry` documents, and comes when it happens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults, telemetry
from tests.cluster.servers import Counter

DOCUMENTED = frozenset(re.findall(r"^``(resilkit[\w.]+)`` ", telemetry.__doc__ or "", re.MULTILINE))

Seen = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def seen() -> Iterator[Seen]:
    """What the library emitted during the test."""
    events: Seen = []
    telemetry.attach("test", "resilkit.**", lambda event, _, about: events.append((event, about)))
    yield events
    assert telemetry.detach("test"), "it raised"


def emitted(seen: Seen, event: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the ends of one event and what they were about, in order."""
    rows = [(name.removeprefix(f"{event}."), about) for name, about in seen if event in name]
    return [(end, about) for end, about in rows if end in ("start", "stop", "exception")]


def test_every_documented_event_begins_and_ends_and_no_other_comes(seen: Seen) -> None:
    workload = rk.Workload(
        [rk.Operation.call("counter", "increment")], arrivals=rk.arrivals.constant(20)
    )
    with rk.Cluster(nodes=2) as cluster:
        node = cluster.nodes["n2"]
        node.pause()
        node.resume()
        node.pause()
        cluster.heal()
        node.stop()
        node.restart()
        node.kill()
        node.restart()
        cluster.add_node("n3")
        cluster.partition(["n1"]).heal()
        rk.Experiment(
            cluster.spec,
            system=rk.ChildSpec(Counter, name="counter", restart="temporary"),
            workload=workload,
            scenario=rk.Scenario("nothing"),
            duration=0.2,
            name="short",
        ).run(cluster=cluster)
    assert len(DOCUMENTED) == 13
    names = {event.rpartition(".")[0] for event, _ in seen}
    assert names == DOCUMENTED
    for event in DOCUMENTED:
        ends = [end for end, _ in emitted(seen, event)]
        assert ends == ["start", "stop"] * (len(ends) // 2), event
    phases = [about["phase"] for _, about in emitted(seen, "resilkit.experiment.phase")][::2]
    assert phases == ["start", "load", "heal", "drain", "audit", "judge"]
    assert {about["experiment"] for _, about in emitted(seen, "resilkit.experiment.run")} == {
        "short"
    }
    assert {about["node"] for _, about in emitted(seen, "resilkit.node.resume")} == {"n2"}
    assert len(emitted(seen, "resilkit.node.resume")) == 4
    (_, added), *_ = emitted(seen, "resilkit.node.add")
    assert added["node"] == "n3"
    (_, cut), *_ = emitted(seen, "resilkit.fault.inject")
    assert (cut["fault"], cut["id"]) == ("partition", "partition-1")


def test_what_faults_do_to_nodes_is_emitted_and_what_fails_is_an_exception(seen: Seen) -> None:
    with rk.Cluster(nodes=2) as cluster:
        cluster.inject(faults.NodeCrash(targets="n2")).heal()
        assert [end for end, _ in emitted(seen, "resilkit.node.kill")] == ["start", "stop"]
        assert [end for end, _ in emitted(seen, "resilkit.node.restart")] == ["start", "stop"]
        cluster.nodes["n2"].kill()
        with pytest.raises(rk.NodeDown):
            cluster.nodes["n2"].pause()
        assert [end for end, _ in emitted(seen, "resilkit.node.pause")] == ["start", "exception"]
        cluster._session.launcher.signal = refuse  # type: ignore[method-assign]
        with pytest.raises(rk.Refused):
            cluster.inject(faults.NodePause(targets="n1", duration=1.0))
        assert [end for end, _ in emitted(seen, "resilkit.fault.inject")][-1] == "exception"


async def refuse(*_: Any, **__: Any) -> None:
    raise rk.Refused("no")
