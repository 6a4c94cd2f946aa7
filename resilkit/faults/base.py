"""What a fault is: a small frozen record of what should happen, which knows no backend.

::

    Fault                  when (schedule), whom (targets), how surely (probability)
    ├── LinkFault          verdict(message, rng): what becomes of one message on a touched link
    ├── NodeFault          actions(targets): what to do to nodes, each with its undo
    ├── ServerFault        rule(): what the runtime does to the servers
    ├── PartitionFault     cuts(nodes, rng): the directed pairs that cannot talk
    └── ResourceFault      pressure(): what a node's process has to hold

**For authors.** Subclass one of the five, put ``@register_fault("name")`` on it, annotate the
fields, and write the one method; the decorator makes it a frozen, slotted dataclass. A fault keeps
no state, reads no clock, and draws only from the `rng` it is handed. It never asks for its own
`probability`: the wrapper (`LinkFault.decide`, `occurs`) has asked before. Rules across fields go
into ``validate(self)``. A fault should be idempotent to undo: healing twice is healing once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from resilkit.errors import InvalidArgument
from resilkit.faults.answers import ChildrenRule, MessageView, NodeAction, Pressure, ServerRule
from resilkit.faults.fields import (
    Chance,
    Period,
    PositiveSeconds,
    ScaledCount,
    Seconds,
    Unit,
    field_info,
)
from resilkit.faults.link_targets import (
    BOTH_WAYS,
    choose_ends,
    clean_links,
    named_link,
    named_links,
)
from resilkit.faults.targets import Targets, choose_targets, natural_order
from resilkit.records import readable

if TYPE_CHECKING:
    from random import Random

    from resilkit.network.verdicts import Verdict

__all__ = [
    "Fault",
    "LinkFault",
    "NodeFault",
    "PartitionFault",
    "ResourceFault",
    "ServerFault",
    "occurs",
]


@readable
@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of harm, and when, whom and how surely it hits.

    Every fault has these fields, by keyword only, after its own.

    Args:
        at: Seconds from the start of the run to the first injection. ``None``: at once, or after
            the first `every` where that is given.
        every: Seconds from one injection to the next; ``None`` for a single one. With `random`
            it is the mean of the gaps.
        count: How many injections at most; ``None`` for no limit but the run's end.
        random: Whether the moments are drawn by the seed: gaps as of a Poisson process with
            `every`, else `count` moments (one where there is no count) spread over the run.
        duration: Seconds from the beginning of an injection, where a pressure begins to build
            up, until it heals by itself; ``None``: when the run ends, or at ``heal()``. In a
            scenario file the key is ``for``.
        targets: Who is hit; see `resilkit.faults.targets`.
        probability: The chance, from 0 (inert) to 1, that the fault acts on one occasion. For
            faults on links an occasion is a message, for all others a planned injection.
    """

    fault_name: ClassVar[str] = ""
    inert_at_zero: ClassVar[tuple[str, ...]] = ()
    link_signs: ClassVar[tuple[str, ...] | None] = None
    """What may stand between two nodes in `targets`; ``None``: they name servers."""

    at: Seconds | None = None
    every: Period | None = None
    count: ScaledCount | None = None
    random: bool = False
    duration: PositiveSeconds | None = None
    targets: Targets = "one"
    probability: Chance = 1.0

    def __post_init__(self) -> None:
        """Check every field by its annotation, then the rules across fields."""
        kind = type(self).__name__
        for info in field_info(type(self)):
            clean = info.check(getattr(self, info.name), f"{kind}.{info.name}")
            object.__setattr__(self, info.name, clean)
        if self.link_signs is not None:
            clean = clean_links(self.targets, f"{kind}.targets", self.link_signs)
            object.__setattr__(self, "targets", clean)
        if self.count is not None and self.count > 1 and self.every is None and not self.random:
            raise InvalidArgument(
                "several injections need `every` (the seconds between them) or `random`",
                path=f"{kind}.count",
                value=self.count,
                allowed="1, or any number together with every or random",
            )
        try:
            self.validate()
        except InvalidArgument as error:
            raise error.below(kind) from None

    def validate(self) -> None:
        """Check the rules across fields; a subclass overrides this.

        Raises:
            InvalidArgument: With the field's name as path.
        """

    def scaled(self, factor: float) -> Self:
        """Return the fault with its rates, counts and shares scaled by `factor`.

        Rates, counts and delays are multiplied, `every` is divided, and a share `s` becomes
        ``1 - (1 - s) ** factor``: what `factor` independent tries would hit, so it stays below 1.
        Of what is a factor itself (how many times slower) the part above 1 is multiplied.
        Moments and lengths of time (`at`, `duration`) stay as they are. What would leave the range
        of its field stays at the end of that.

        Examples:
            >>> from resilkit.faults import Loss
            >>> Loss(0.1, every=10.0).scaled(2.0)
            Loss(share=0.19, every=5.0)
        """
        changes: dict[str, object] = {}
        for info in field_info(type(self)):
            value = getattr(self, info.name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                changed = _scaled(value, info.unit, factor)
                if changed != value:
                    changes[info.name] = changed
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def inert(self) -> bool:
        """Whether it is to hit nobody, or does nothing to whom it hits."""
        return self.probability <= 0.0 or self.targets in ("none", 0) or self.harmless

    @property
    def harmless(self) -> bool:
        """Whether it does nothing, whomever it hits: 0 in an `inert_at_zero`."""
        return any(getattr(self, name) == 0.0 for name in self.inert_at_zero)

    def choose(self, candidates: Iterable[str], rng: Random, occurrence: int = 0) -> list[str]:
        """Return who is hit by the injection number `occurrence` (from 0) among `candidates`.

        Raises:
            InvalidArgument: A target is not among the candidates.
        """
        del occurrence
        return choose_targets(self.targets, candidates, rng)

    def __repr__(self) -> str:
        """Show what differs from the defaults."""
        shown = ", ".join(
            f"{info.name}={getattr(self, info.name)!r}"
            for info in field_info(type(self))
            if info.required or getattr(self, info.name) != info.default
        )
        return f"{type(self).__name__}({shown})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's own
        # Of a dataclass, IPython and Hypothesis would write every field, and no code.
        printer.text("..." if cycle else repr(self))

    def _repr_html_(self) -> str:
        from resilkit.faults.display import fault_html

        return fault_html(self)


def _scaled(value: float, unit: Unit, factor: float) -> float:
    match unit.scaling:
        case "up":
            return _within(value * factor, unit)
        case "factor":
            return _within(1.0 + (value - 1.0) * factor, unit)
        case "down":
            return value / factor
        case "count":
            return max(1, round(value * factor))
        case "share":
            return float(round(1.0 - (1.0 - value) ** factor, 12))
    return value


def _within(value: float, unit: Unit) -> float:
    low = -math.inf if unit.low is None else unit.low
    return min(max(value, low), math.inf if unit.high is None else unit.high)


def occurs(fault: Fault, rng: Random) -> bool:
    """Return whether a planned injection takes place, by its probability.

    0 is never and draws nothing; a fault on links takes place unless its probability is 0, since
    there the chance is asked message by message.
    """
    if fault.probability <= 0.0:
        return False
    if isinstance(fault, LinkFault) or fault.probability >= 1.0:
        return True
    return rng.random() < fault.probability


@readable
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LinkFault(Fault):
    """A fault on the links between nodes; by default on all of them.

    `targets` names nodes, or links: ``"n1"`` touches all links of the node, ``"n1<->n2"`` the one
    between the two, both ways. A field ``fraction``, where the fault has one, is the share of these
    links that are touched.
    """

    needs_size: ClassVar[bool] = False
    link_signs: ClassVar[tuple[str, ...] | None] = (BOTH_WAYS,)

    targets: Targets = "all"

    def verdict(self, message: MessageView, rng: Random) -> Verdict:
        """Return what becomes of `message`: pass, deliver after, drop, duplicate, hold."""
        raise NotImplementedError

    def decide(self, message: MessageView, rng: Random) -> Verdict:
        """Return the verdict on `message` once `probability` has been asked; backends call this."""
        chance = self.probability
        if chance >= 1.0 or (chance > 0.0 and rng.random() < chance):
            return self.verdict(message, rng)
        from resilkit.network.verdicts import PASS

        return PASS

    def choose(self, candidates: Iterable[str], rng: Random, occurrence: int = 0) -> list[str]:
        """Return which nodes are hit with all their links, and which links by themselves.

        Args:
            candidates: The names of nodes and, where they are known, of links (``"n1<->n2"``).
            rng: The stream to draw from.
            occurrence: The number of the injection, from 0.

        Raises:
            InvalidArgument: A target is not among the candidates.
        """
        del occurrence
        names = list(candidates)
        links = [(link.source, link.target) for link in named_links(names)]
        return choose_ends(self.targets, [n for n in names if not named_link(n)], links, rng)

    def choose_links(
        self,
        links: Iterable[tuple[str, str]],
        nodes: Iterable[str],
        rng: Random,
        *,
        hit: Iterable[str] | None = None,
    ) -> list[tuple[str, str]]:
        """Return the touched ones of `links`, pairs of node names, in order.

        A ``fraction`` above 0 touches at least one link.

        Args:
            links: All links.
            nodes: All nodes, among whom `targets` chooses.
            rng: The stream to draw from.
            hit: The nodes and links that have been chosen already; ``None``: choose here.

        Raises:
            InvalidArgument: A target is not among `nodes` and `links`.
        """
        known = set(links)
        chosen = set(choose_ends(self.targets, nodes, known, rng) if hit is None else hit)
        apart = {frozenset(link[:2]) for link in named_links(tuple(chosen))}
        near = sorted(link for link in known if chosen & set(link) or frozenset(link) in apart)
        fraction = float(getattr(self, "fraction", 1.0))
        wanted = min(len(near), max(round(fraction * len(near)), 1)) if fraction > 0.0 else 0
        return near if wanted == len(near) else sorted(rng.sample(near, wanted))


@readable
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NodeFault(Fault):
    """A fault of whole nodes; by default of one, drawn by the seed.

    Healing starts a node that was killed or stopped again, lets one that was paused or slowed
    go on as before, and puts clocks right.
    """

    link_signs: ClassVar[tuple[str, ...] | None] = ()

    def actions(self, targets: Sequence[str]) -> Sequence[NodeAction]:
        """Return what to do to the nodes `targets`, in order."""
        raise NotImplementedError


@readable
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ServerFault(Fault):
    """A fault of servers, by name; by default of one, drawn by the seed.

    A rule that waits for messages holds for later servers of the name too, until it is healed.
    """

    def rule(self) -> ServerRule | ChildrenRule:
        """Return what the runtime should do."""
        raise NotImplementedError


@readable
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PartitionFault(Fault):
    """A fault that cuts nodes from each other; all nodes take part by default.

    Load generators and notebooks reach every node all the same. Healing connects the nodes again.
    """

    link_signs: ClassVar[tuple[str, ...] | None] = ()

    targets: Targets = "all"

    def choose(self, candidates: Iterable[str], rng: Random, occurrence: int = 0) -> list[str]:
        """Return all nodes that take part: a partition concerns those on both of its sides."""
        del rng, occurrence
        return sorted(set(candidates), key=natural_order)

    def cuts(self, nodes: Sequence[str], rng: Random) -> frozenset[tuple[str, str]]:
        """Return the pairs (source, target) whose messages no longer get through."""
        raise NotImplementedError


@readable
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ResourceFault(Fault):
    """A fault that uses up what a node needs; by default on one, drawn by the seed.

    The node's own process holds or burns it. Healing gives it back, and so does the node's end.

    What is reached is measured, once it is built up or its `duration` is over, and compared with
    what was asked; what the node uses by itself is part of it, so one that uses so much already is
    pressed as asked. Below 9/10 the outcome says so (``short``), and the run has a remark; below
    3/4 on any node the strike counts as not delivered as asked, and no run passes on it. What of a
    node's cores others have counts as reached: see `CPU`.
    """

    link_signs: ClassVar[tuple[str, ...] | None] = ()

    def pressure(self) -> Pressure:
        """Return what to hold or burn."""
        raise NotImplementedError
