"""A forwarded message ends: at its target's one life, or when it has gone round long enough."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit.network.cuts import Cuts
from resilkit.network.forwarding import Entry, Forwarder
from resilkit.network.handshake import Hello
from resilkit.network.link import LinkCounters
from resilkit.runtime.kinds import CAST
from tests.network.nets import Recorder


class Hop:
    """A node that forwards: its links lead to other hops, and deliver at once."""

    def __init__(self, name: str, incarnation: int = 1) -> None:
        self.name = name
        self.links: dict[str, Any] = {}
        self.ways: dict[str, str] = {}
        self.reachable: dict[str, int] = {}
        self.got = Recorder()
        self.forwarder = Forwarder(
            Hello(name, incarnation, "member"), self.links, Cuts(), self, self.got  # type: ignore[arg-type]
        )  # fmt: skip

    def known(self, name: str, incarnation: int) -> bool:
        """Trust all."""
        return bool(name) and incarnation > 0

    def join(self, other: Hop) -> None:
        """Lay a link to another."""
        self.links[other.name] = To(self, other)


class To:
    """One link, in one direction."""

    def __init__(self, source: Hop, target: Hop) -> None:
        self.peer = Hello(target.name, 1, "member")
        self.source = source
        self.target = target
        self.counters = LinkCounters(target.name)
        self.passed: list[Entry] = []

    def forward(self, entry: Entry) -> bool:
        """Hand over."""
        self.passed.append(entry)
        assert len(self.passed) < 1000, "it goes round for ever"
        self.target.forwarder.take(self.target.links[self.source.name], [entry])
        return True


def pair(incarnation: int = 1) -> tuple[Hop, Hop]:
    """Return two neighbours."""
    one, other = Hop("n1"), Hop("n2", incarnation)
    one.join(other)
    other.join(one)
    return one, other


def test_a_message_that_goes_round_is_dropped_after_a_bounded_number_of_hops() -> None:
    one, other = pair()
    # Each takes the other for the way to n3, as may be for a moment after a link was lost.
    one.ways["n3"], other.ways["n3"] = "n2", "n1"
    one.reachable["n3"] = 1
    assert one.forwarder.send("n3", (CAST, 1))
    passed = sorted(
        (entry[4] for hop, to in ((one, "n2"), (other, "n1")) for entry in hop.links[to].passed),
        reverse=True,
    )
    assert passed == list(range(64, -1, -1)), "each hop takes one off"


@pytest.mark.parametrize(("named", "arrives"), [(2, True), (1, False), (3, False)])
def test_only_the_incarnation_that_an_entry_names_gets_it(named: int, *, arrives: bool) -> None:
    one, other = pair(incarnation=2)
    one.ways["n2"] = "n2"
    one.reachable["n2"] = named
    assert one.forwarder.send("n2", (CAST, 1))
    assert bool(other.got.messages()) is arrives
    assert other.links["n1"].counters.drops == (0 if arrives else 1)
