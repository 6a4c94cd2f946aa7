"""The faults of a run as they were really injected: one a strike, with its moment and targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from resilkit import faults as kinds
from resilkit.errors import InvalidArgument
from resilkit.faults import (
    ChildrenRule,
    Fault,
    LinkFault,
    NodeFault,
    PartitionFault,
    ResourceFault,
    ServerFault,
    Signal,
)
from resilkit.faults.fields import field_info
from resilkit.faults.lasting import lasts
from resilkit.faults.link_targets import ONE_WAY, link_name
from resilkit.faults.partition import separate
from resilkit.faults.targets import natural_order
from resilkit.metrics.event_bands import detail_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["recorded_faults", "struck"]

_LISTED: Final = 100
"""Entries that an event lists at most: of as many there may be more."""

_NEAR: Final = 0.002
"""Seconds by which a strike may have healed before its time, by the clocks of a machine."""

_DEATHS: Final = {"killed": "was killed", "crashed": "crashed"}
_ENDING: Final = frozenset({"kill", "stop", "restart"})
"""Signals that end a process."""


class _Strike(NamedTuple):
    """One injection, read from the events."""

    time: float
    healed: float | None
    target: str
    detail: Mapping[str, Any]
    fault: Fault


def recorded_faults(
    events: pd.DataFrame,
    *,
    begin: float,
    end: float,
    nodes: Iterable[str],
    links: Iterable[tuple[str, str]],
) -> tuple[list[Fault], list[str]]:
    """Return the faults that were injected in a run, and in words what of them cannot come again.

    Each strike becomes a fault of its own, at its real moment, on those that it really hit, for as
    long as it really was in. Nothing of that is left to chance any more; what a fault draws for
    each message still is.

    Args:
        events: The events of a run, in seconds since its load began.
        begin: When its faults began: the end of the warm-up.
        end: When its load ended.
        nodes: The nodes that there were.
        links: The links that there were.
    """
    rows = [
        (float(row["time"]), row["kind"], row["event"], row["target"], detail_of(row["detail"]))
        for row in events.to_dict("records")
    ]
    found: list[Fault] = []
    notes: list[str] = []
    strikes = list(_strikes(rows, notes))
    for strike in strikes:
        try:
            made = list(struck(strike, rows, nodes=list(nodes), links=list(links)))
        except InvalidArgument as error:
            notes.append(f"{_told(strike)} cannot be put in again: {error}")
            continue
        if not made:
            notes.append(f"{_told(strike)} is left out: {_why_not(strike.fault)}")
        found += [_at(fault, at - begin, end - begin) for at, fault in made if at < end]
    for at, fault, note in _deaths(rows, strikes, begin, end):
        found.append(_at(fault, at - begin, end - begin))
        notes.append(note)
    return sorted(found, key=lambda fault: fault.at or 0.0), list(dict.fromkeys(notes))


def _strikes(rows: list[tuple[Any, ...]], notes: list[str]) -> Iterator[_Strike]:
    ends = {
        str(detail.get("id")): time
        for time, kind, event, _, detail in reversed(rows)
        if kind == "fault" and event in {"healed", "heal_failed"}
    }
    for time, kind, event, target, detail in rows:
        if (kind, event) != ("fault", "injected"):
            continue
        try:
            fault = kinds.from_dict(detail.get("parameters"))
        except InvalidArgument as error:
            what = detail.get("fault", "a fault")
            notes.append(f"{what} at {time:.1f} s cannot be put in again: {error}")
            continue
        yield _Strike(time, ends.get(str(detail.get("id"))), str(target), detail, fault)


def struck(
    strike: _Strike,
    rows: list[tuple[Any, ...]],
    *,
    nodes: list[str],
    links: list[tuple[str, str]],
) -> Iterator[tuple[float, Fault]]:
    """Give what one strike is to be again: when, and a fault without a schedule of its own."""
    fault = _once(strike)
    if isinstance(fault, ResourceFault):
        return  # a simulated node has nothing to run out of
    if isinstance(fault, ServerFault):
        yield from _on_servers(strike, fault, rows)
    elif isinstance(fault, PartitionFault):
        yield strike.time, _cut(strike, fault, nodes)
    elif isinstance(fault, LinkFault):
        yield strike.time, _on_links(strike, fault, links)
    else:
        hit = strike.detail.get("pids")
        names = list(hit) if isinstance(hit, dict) and hit else _names(strike.target)
        changes: dict[str, Any] = {"targets": tuple(names)}
        fields = {info.name: info.choices for info in field_info(type(fault))}
        if "chosen" in fields.get("kind", ()):
            changes["kind"] = "chosen"
        yield strike.time, dataclasses.replace(fault, **changes)


def _once(strike: _Strike) -> Fault:
    """Return the fault of a strike as one that strikes once, for as long as it was in."""
    fault = strike.fault
    chance = fault.probability if isinstance(fault, LinkFault) else 1.0
    once = dataclasses.replace(
        fault, at=None, every=None, count=None, random=False, probability=chance
    )
    planned = lasts(once)
    if strike.healed is None:
        return once
    took = max(strike.healed - strike.time, 0.0)
    if planned is not None and took >= planned - _NEAR:
        return once  # it ended by itself
    if planned is not None and getattr(once, "restart_after", None) == planned:
        return dataclasses.replace(once, restart_after=max(took, 0.001))  # type: ignore[call-arg]
    return dataclasses.replace(once, duration=max(took, 0.001))


def _at(fault: Fault, at: float, length: float) -> Fault:
    """Put a fault at its moment; one that was in until the end needs no end of its own."""
    start = round(max(at, 0.0), 6)
    changes: dict[str, Any] = {"at": start}
    if fault.duration is not None:
        left = start + fault.duration < length - _NEAR
        changes["duration"] = round(fault.duration, 6) if left else None
    return dataclasses.replace(fault, **changes)


def _names(target: str) -> list[str]:
    return [name for name in target.split(", ") if name]


# Links --------------------------------------------------------------------------------------------


def _on_links(strike: _Strike, fault: LinkFault, links: list[tuple[str, str]]) -> Fault:
    told = strike.detail.get("links")
    if not isinstance(told, list) or len(told) >= _LISTED:
        return fault  # of very many links not all were told: they are drawn again
    known = {f"{a}-{b}": link_name(a, b) for a, b in links}
    chosen = tuple(known[each] for each in told if each in known)
    changes: dict[str, Any] = {}
    if len(chosen) == len(known):
        changes["targets"] = "all"
    elif chosen:
        changes["targets"] = chosen
    if hasattr(fault, "fraction"):
        changes["fraction"] = 1.0
    return dataclasses.replace(fault, **changes)


def _cut(strike: _Strike, fault: PartitionFault, nodes: list[str]) -> Fault:
    told = strike.detail.get("cuts")
    if not isinstance(told, list) or not told or len(told) >= _LISTED:
        return fault
    pairs = {(a, b) for a, found, b in (str(each).partition(ONE_WAY) for each in told) if found}
    changes: dict[str, Any] = {"duration": fault.duration}
    groups = _groups(pairs, nodes)
    if groups:
        return kinds.Partition("custom", groups, **changes)
    links = [
        f"{a}<->{b}" if (b, a) in pairs else f"{a}{ONE_WAY}{b}"
        for a, b in sorted(pairs)
        if a < b or (b, a) not in pairs
    ]
    return kinds.Partition("links", targets=links, **changes)


def _groups(pairs: set[tuple[str, str]], nodes: list[str]) -> list[list[str]]:
    """Return the groups that such cuts separate, without the last one; none where no groups do."""
    groups: list[list[str]] = []
    for name in sorted(nodes, key=natural_order):
        mine = next((g for g in groups if (g[0], name) not in pairs), None)
        if mine is None:
            groups.append([name])
        else:
            mine.append(name)
    if len(groups) < 2 or set(separate(groups)) != pairs:
        return []
    # The nodes that no group names are one more: the largest need not be written down.
    return sorted(groups, key=len)[:-1]


# Servers ------------------------------------------------------------------------------------------


def _on_servers(
    strike: _Strike, fault: ServerFault, rows: list[tuple[Any, ...]]
) -> Iterator[tuple[float, Fault]]:
    rule = fault.rule()
    told = strike.detail.get("outcomes")
    names = list(told) if isinstance(told, dict) and told else _names(strike.target)
    if isinstance(rule, ChildrenRule) or rule.share is not None:
        # Its moments were drawn while it was in: what it really ended is ended again.
        for time, server, reason in _ended(rows, str(strike.detail.get("id"))):
            again = "kill" if reason == "killed" else reason
            yield time, kinds.ServerCrash(targets=(server,), reason=again)
        return
    yield strike.time, dataclasses.replace(fault, targets=tuple(names))


def _ended(rows: list[tuple[Any, ...]], strike_id: str) -> Iterator[tuple[float, str, str]]:
    for time, kind, event, target, detail in rows:
        if (kind, event) == ("fault", "struck") and str(detail.get("id")) == strike_id:
            yield time, str(target), str(detail.get("reason", "chaos"))


# What happened to nodes without a fault -----------------------------------------------------------


def _deaths(
    rows: list[tuple[Any, ...]], strikes: list[_Strike], begin: float, end: float
) -> Iterator[tuple[float, Fault, str]]:
    """Give the nodes that died under load and were no fault's: somebody killed them, say."""
    for time, kind, event, node, detail in rows:
        if kind != "node" or event not in _DEATHS or not begin <= time < end:
            continue
        if any(_explains(strike, node, detail.get("pid")) for strike in strikes):
            continue
        back = next(
            (t for t, k, e, n, _ in rows if (k, e, n) == ("node", "started", node) and t >= time),
            None,
        )
        after = None if back is None else round(max(back - time, 0.001), 6)
        fault = kinds.NodeCrash(restart_after=after, kind="chosen", targets=(node,))
        note = f"{node} {_DEATHS[event]} at {time:.1f} s, by no fault: that becomes one"
        yield time, fault, note


def _explains(strike: _Strike, node: str, pid: object) -> bool:
    """Whether a strike ended that very process: each dies once, and of one thing."""
    hit = strike.detail.get("pids")
    if not isinstance(strike.fault, NodeFault) or not isinstance(hit, dict):
        return False
    if pid is None or hit.get(node) != pid:
        return False
    # A process whose clock is off, or that stands still or is slow, may die meanwhile by itself.
    return any(
        isinstance(action, Signal) and action.node == node and action.signal in _ENDING
        for action in strike.fault.actions(list(hit))
    )


def _told(strike: _Strike) -> str:
    where = f" on {strike.target}" if strike.target else ""
    return f"{strike.fault.fault_name}{where} at {strike.time:.1f} s"


def _why_not(fault: Fault) -> str:
    if isinstance(fault, ResourceFault):
        return "a simulated node has nothing of that kind to run out of"
    return "it ended no server while it was in"
