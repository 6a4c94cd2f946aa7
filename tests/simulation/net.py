"""A simulated network with receivers that note what they hear."""

from __future__ import annotations

from typing import Any

from resilkit.rng import stream
from resilkit.runtime import Node
from resilkit.runtime.kinds import classify
from resilkit.simulation import Place, Scheduler, schedule_of
from resilkit.simulation.clock import VirtualClock
from resilkit.simulation.network import Network
from resilkit.simulation.transport import SimulatedTransport

DETECT_AFTER = 0.5


class Ear:
    """Notes who is up, and every change."""

    def __init__(self) -> None:
        self.up: dict[str, int] = {}
        self.heard: list[tuple[str, str]] = []
        self.messages: list[Any] = []
        self.transport: Any = None

    def peer_up(self, name: str, incarnation: int, role: str) -> None:
        assert role == "member"
        self.up[name] = incarnation
        self.heard.append(("up", name))

    def peer_down(self, name: str, incarnation: int) -> None:
        assert self.up.pop(name) == incarnation
        self.heard.append(("down", name))

    def deliver(self, source: str, incarnation: int, messages: list[Any]) -> None:
        assert self.up[source] == incarnation
        self.messages.extend((source, each) for each in messages)

    def routes_changed(self) -> None: ...

    def emit(self, *_: Any, **__: Any) -> None: ...

    def on_unsendable(self, node: str, message: Any, error: BaseException) -> None:
        raise error

    on_undecodable = on_unsendable


class Net:
    """Some nodes of a mesh, each on a place of its own."""

    def __init__(self, *names: str, schedule: str = "random", nodes: bool = False) -> None:
        self._nodes = nodes  # whether the receivers are nodes, which may join together
        self.scheduler = Scheduler(schedule_of(schedule, 1))
        self.network = Network(self.scheduler, 1)
        self.names = names
        self.nodes: dict[str, SimulatedTransport] = {}

    def boot(self, name: str, incarnation: int = 1) -> SimulatedTransport:
        """Make a node, and have it join."""
        place = Place(self.scheduler, name)
        made: list[SimulatedTransport] = []

        def begin() -> None:
            receiver: Any = Ear()
            if self._nodes:
                receiver = Node(name, loop=place.loop, clock=VirtualClock(place))
            node = SimulatedTransport(
                self.network,
                place,
                name,
                incarnation,
                role="member",
                receiver=receiver,
                members=self.names,
                edges=[(one, other) for one in self.names for other in self.names if one < other],
                rng=stream(1, name),
                detect_after=DETECT_AFTER,
                classify=classify,
            )
            receiver.transport = node
            self.network.attach(node)
            made.append(node)

        place.loop.call_soon(begin)
        self.until(lambda: made)
        [self.nodes[name]] = made
        return made[0]

    def run(self, seconds: float = 0.1) -> None:
        """Let virtual time go on."""
        self.scheduler.run(lambda: False, self.scheduler.now + seconds)

    def until(self, condition: Any) -> None:
        """Let it go on until something holds, and not a step longer."""
        assert self.scheduler.run(condition, self.scheduler.now + 1.0)

    def up(self) -> dict[str, list[str]]:
        """Return whom each node reaches."""
        return {name: sorted(node.reachable) for name, node in self.nodes.items()}
