"""What the fields of a fault are drawn from, told from the fault itself: its annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from resilkit.faults import Fault, LinkFault, PartitionFault, ServerFault
from resilkit.faults.fields import FieldInfo, field_info
from resilkit.testing.strategies.numbers import numbers
from resilkit.testing.strategies.partitions import groupings
from resilkit.testing.strategies.places import Places, some_of

__all__ = ["field_values", "target_values"]


_SENSIBLE: Mapping[str, Mapping[str, Sequence[int]]] = {
    "cpu": {"workers": [1, 2, 4]},
    "memory": {"limit_bytes": [64 << 20, 128 << 20, 256 << 20, 512 << 20, 1 << 30]},
    "open_files": {"limit": [64, 128, 256, 512, 1024]},
}
"""What a machine, and a node that is to do something all the same, can bear."""


def target_values(kind: type[Fault], places: Places) -> st.SearchStrategy[Any] | None:
    """Return a strategy for whom a fault hits; ``None``: whom it does by default.

    Nodes and servers are named, so that the draw is Hypothesis's, and not that of a run's seed.
    """
    if issubclass(kind, PartitionFault):
        return None
    if issubclass(kind, ServerFault):
        if "supervisor" in kind.__dataclass_fields__:
            return None  # its targets are the children of that supervisor, whom nobody has named
        return some_of(places.servers, places.most) if places.servers else None
    nodes = some_of(places.nodes, places.most)
    if issubclass(kind, LinkFault):
        return st.just("all") | nodes | some_of(places.links, places.most)
    return nodes


def field_values(
    kind: type[Fault], info: FieldInfo, places: Places, longest: float
) -> st.SearchStrategy[Any] | None:
    """Return a strategy for one field of a fault's own; ``None`` where nothing can be drawn.

    A field with a default shrinks to it, and has it always where no annotation tells what else.

    Args:
        kind: The fault.
        info: The field.
        places: Where it can strike.
        longest: Of a field in seconds, the most.
    """
    values = _values(kind, info, places, longest)
    if info.required:
        return values
    default = st.just(info.default)
    return default if values is None or info.type == "str" else default | values


def _values(
    kind: type[Fault], info: FieldInfo, places: Places, longest: float
) -> st.SearchStrategy[Any] | None:
    borne = _SENSIBLE.get(kind.fault_name, {}).get(info.name)
    if borne is not None:
        return st.sampled_from(borne)
    match info.type:
        case "float" | "int":
            return numbers(info, longest, zero=_does_something_at_zero(kind, info))
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(info.choices)
        case "targets":
            return target_values(kind, places)
        case "groups" if len(places.nodes) > 1:
            return groupings(places.nodes)
        case "str":
            named = {
                "supervisor": places.supervisors,
                "server": places.servers,
                "node": places.nodes,
            }.get(info.name)
            return st.sampled_from(named) if named else None
    return None


def _does_something_at_zero(kind: type[Fault], info: FieldInfo) -> bool:
    """Say whether a fault may do something though one of its numbers is 0.

    One that it cannot do without is what it does: 0 is no harm then, unless a further one of the
    same unit is the upper end of a range.
    """
    if info.name in kind.inert_at_zero:
        return False
    needed = [
        each for each in field_info(kind) if each.required and each.unit.unit == info.unit.unit
    ]
    return not info.required or info.name != needed[-1].name
