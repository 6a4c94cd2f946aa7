"""How a kind of fault is drawn: from what, which values go together, and whether it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults import Fault, LinkFault, PartitionFault, field_info, registered_faults
from resilkit.faults.fields import FieldInfo
from resilkit.faults.partition import Partition
from resilkit.testing.strategies import options
from resilkit.testing.strategies.fields import field_values, target_values
from resilkit.testing.strategies.partitions import partition_fields, partition_kinds
from resilkit.testing.strategies.places import Places

__all__ = ["FaultShape", "Given", "fault_shapes"]

Given = Mapping[str, Mapping[str, st.SearchStrategy[Any]]]
"""Fault to field to what is drawn for it, in place of what the fault's annotations tell."""


class FaultShape:
    """One kind of fault as it is drawn: its own fields and its targets, without a schedule.

    Args:
        name: Its name in the registry.
        places: Where it can strike.
        longest: Of a field in seconds, the most.
        given: Strategies for some of its fields.

    Raises:
        InvalidArgument: It cannot be drawn.
    """

    def __init__(
        self,
        name: str,
        places: Places,
        longest: float,
        given: Mapping[str, st.SearchStrategy[Any]],
    ) -> None:
        self.name = name
        self.kind = registered_faults()[name]
        self.given = dict(given)
        if issubclass(self.kind, LinkFault | PartitionFault) and len(places.nodes) < 2:
            raise InvalidArgument(
                "hits nobody in a cluster of one node", value=name, allowed="nodes=2, or more"
            )
        self.values: st.SearchStrategy[dict[str, Any]]
        if issubclass(self.kind, Partition):
            kinds = self.given.pop("kind", partition_kinds(places))
            self.values = partition_fields(kinds, places)
        else:
            self.values = st.fixed_dictionaries(self._separate(places, longest))
        self.others = st.fixed_dictionaries(self.given)

    def draw(self, draw: st.DrawFn) -> Fault:
        """Draw one of it."""
        return self.made({**draw(self.values), **draw(self.others)})

    def made(self, drawn: Mapping[str, Any]) -> Fault:
        """Return the fault with these values, or with the nearest ones that its rules allow.

        A fault may have rules across its fields, such as that `low` is not above `high`, which no
        annotation tells. Where it refuses what was drawn, numbers of one unit are put in order,
        and then what has a default gets it.

        Raises:
            InvalidArgument: It refuses these as well.
        """
        ordered = {**drawn, **self._in_order(drawn)}
        needed = {info.name for info in field_info(self.kind) if info.required} | set(self.given)
        fewest = {name: value for name, value in ordered.items() if name in needed}
        for values in (drawn, ordered):
            try:
                return self.kind(**values)
            except InvalidArgument:
                continue
        try:
            return self.kind(**fewest)
        except InvalidArgument as error:
            raise InvalidArgument(
                f"refuses what was drawn for it: {error}",
                path=f"fields.{self.name}",
                value=dict(drawn),
                allowed="strategies for its fields whose values go together",
            ) from error

    def _separate(self, places: Places, longest: float) -> dict[str, st.SearchStrategy[Any]]:
        """Return what each field is drawn from that nobody gave a strategy for."""
        found: dict[str, st.SearchStrategy[Any]] = {}
        for info in field_info(self.kind):
            if info.own and info.name not in self.given:
                values = field_values(self.kind, info, places, longest)
                if values is None:
                    raise self._undrawable(info)
                found[info.name] = values
        targets = target_values(self.kind, places)
        return found if targets is None else {**found, "targets": targets}

    def _undrawable(self, info: FieldInfo) -> InvalidArgument:
        option = {"supervisor": "supervisors", "server": "servers", "groups": "nodes"}.get(
            info.name
        )
        example = f'fields={{"{self.name}": {{"{info.name}": st.just(…)}}}}'
        return InvalidArgument(
            f"cannot be drawn: nothing says what its field {info.name!r} may be",
            value=self.name,
            allowed=f"{option}=[…], or {example}" if option else example,
        )

    def _in_order(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return the numbers of each unit in ascending order, moving none that has a strategy."""
        units: dict[tuple[str, str], list[str]] = {}
        for info in field_info(self.kind):
            if info.own and isinstance(drawn.get(info.name), int | float):
                units.setdefault((info.type, info.unit.unit), []).append(info.name)
        found: dict[str, Any] = {}
        for names in units.values():
            free = [name for name in names if name not in self.given]
            found.update(zip(free, sorted(drawn[name] for name in free), strict=True))
            for place, name in enumerate(names):
                if name in found:
                    before = [drawn[one] for one in names[:place] if one in self.given]
                    after = [drawn[one] for one in names[place:] if one in self.given]
                    found[name] = min([max([found[name], *before]), *after])
        return found


def fault_shapes(
    names: object, places: Places, longest: float, fields: object
) -> tuple[FaultShape, ...]:
    """Return how each of the named faults is drawn, in the order given.

    Args:
        names: Names of the registry; ``None``: all that can be drawn.
        places: Where they can strike.
        longest: Of a field in seconds, the most.
        fields: Fault to field to strategy; ``None`` for none.

    Raises:
        InvalidArgument: A name or a field is unknown, or a fault cannot be drawn.
    """
    known = registered_faults()
    listed = list(known) if names is None else options.selection(names, "faults", list(known))
    given = _given(fields, listed)
    found: list[FaultShape] = []
    for place, name in enumerate(listed):
        try:
            found.append(FaultShape(name, places, longest, given.get(name, {})))
        except InvalidArgument as error:
            if names is not None:
                raise validate.relocated(error, f"faults[{place}]") from None
    return tuple(found)


def _given(fields: object, names: list[str] | tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, own in validate.known_keys(fields or {}, "fields", names).items():
        known = [info.name for info in field_info(registered_faults()[name])]
        found[name] = {
            key: options.checked_strategy(
                value, f"fields.{name}.{key}", "a strategy, such as st.just(…) for one value"
            )
            for key, value in validate.known_keys(own, f"fields.{name}", known).items()
        }
    return found
