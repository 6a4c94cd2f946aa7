"""From a fault to simpler ones: fewer targets, plainer numbers, what is the default anyway."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from resilkit.errors import InvalidArgument
from resilkit.faults import Fault
from resilkit.faults.fields import field_info
from resilkit.faults.link_targets import named_link

__all__ = ["plainer", "simpler_fault", "without_nodes"]

_NICE: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
_SHAPES: Final = ("targets", "groups", "kind")
"""Fields that say where a fault is: they are made fewer, not plainer."""


def plainer(value: float, least: float = 0.0) -> Iterator[float]:
    """Give plainer numbers: round ones that are smaller, then the same one rounded.

    Examples:
        >>> list(plainer(2.447)), list(plainer(0.5)), list(plainer(0.0113))
        ([0.1, 0.2, 0.5, 1.0, 2.0, 2.4, 2.45], [0.1, 0.2], [0.01, 0.011])
        >>> list(plainer(3))
        [1, 2]
    """
    if isinstance(value, int):
        yield from (each for each in dict.fromkeys((1, 2, value // 2)) if least <= each < value)
        return
    found = [each for each in _NICE if least < each < value]
    for digits in (0, 1, 2, 3):
        rounded = round(value, digits)
        # Never up to a whole number: that is half as much again, for one digit less.
        if least < rounded != value and (digits or rounded < value) and rounded not in found:
            found.append(rounded)
    yield from found


def simpler_fault(fault: Fault) -> Iterator[Fault]:
    """Give the fault with one thing simpler, the boldest first: it still strikes once, at `at`.

    Examples:
        >>> from resilkit.faults import NodePause
        >>> for each in simpler_fault(NodePause(at=1.0, duration=0.7, targets=("n1", "n2"))):
        ...     print(each)
        NodePause(at=1.0, duration=0.7, targets=('n1',))
        NodePause(at=1.0, duration=0.7, targets=('n2',))
        NodePause(at=1.0, targets=('n1', 'n2'))
        NodePause(at=1.0, duration=0.1, targets=('n1', 'n2'))
        NodePause(at=1.0, duration=0.2, targets=('n1', 'n2'))
        NodePause(at=1.0, duration=0.5, targets=('n1', 'n2'))
    """
    yield from _fewer_targets(fault)
    for info in field_info(type(fault)):
        value: Any = getattr(fault, info.name)
        if info.name in {"at", *_SHAPES} or value == info.default:
            continue
        if not info.required:
            yield from _changed(fault, info.name, info.default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            least = -1.0 if info.unit.low is None else info.unit.low
            for other in plainer(value, least if info.unit.low_open else least - 1e-9):
                yield from _changed(fault, info.name, other)


def without_nodes(fault: Fault, gone: set[str]) -> Fault | None:
    """Return the fault among the nodes that are left; ``None`` where nobody is left to be hit.

    Raises:
        InvalidArgument: What is left of it makes no sense.

    Examples:
        >>> from resilkit.faults import Latency, Partition
        >>> without_nodes(Latency(0, 1, targets=("n1<->n2", "n1<->n3")), {"n3"}).targets
        ('n1<->n2',)
        >>> without_nodes(Partition("custom", [["n3"]]), {"n3"}) is None
        True
    """
    changes: dict[str, Any] = {}
    targets: Any = fault.targets
    named = (targets,) if isinstance(targets, str) else targets
    if isinstance(named, tuple):
        left = tuple(each for each in named if not _names(each) & gone)
        if not left:
            return None
        if left != named:
            changes["targets"] = left
    groups: Any = getattr(fault, "groups", ())
    if groups:
        fewer = tuple(tuple(name for name in group if name not in gone) for group in groups)
        fewer = tuple(group for group in fewer if group)
        if not fewer:
            return None
        changes["groups"] = fewer
    return dataclasses.replace(fault, **changes) if changes else fault


def _names(target: str) -> set[str]:
    link = named_link(target)
    return {target} if link is None else {link.source, link.target}


def _fewer_targets(fault: Fault) -> Iterator[Fault]:
    targets: Any = fault.targets
    if isinstance(targets, tuple) and len(targets) > 1:
        for each in targets:
            yield from _changed(fault, "targets", (each,))
        for place in range(len(targets)) if len(targets) > 2 else ():
            yield from _changed(fault, "targets", targets[:place] + targets[place + 1 :])
    groups: Any = getattr(fault, "groups", ())
    if len(groups) > 1:
        for place in range(len(groups)):
            yield from _changed(fault, "groups", groups[:place] + groups[place + 1 :])


def _changed(fault: Fault, name: str, value: object) -> Iterator[Fault]:
    try:
        made = dataclasses.replace(fault, **{name: value})  # type: ignore[arg-type]
    except InvalidArgument:
        return  # one field may hang on another
    if made != fault:
        yield made
