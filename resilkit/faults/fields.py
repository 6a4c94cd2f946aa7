"""What the fields of a fault may hold: their units and ranges, read from the annotations.

A fault's annotations are the only place where a unit stands. They check values, read text such as
``"20 ms"`` from scenario files, label the controls of a panel, and say what an intensity scales.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
import weakref
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from typing import Annotated, Any, Literal, get_args, get_origin

from resilkit import amounts, validate
from resilkit.errors import InvalidArgument

__all__ = [
    "Bytes",
    "Count",
    "FieldInfo",
    "Rate",
    "ScaledSeconds",
    "Scaling",
    "Seconds",
    "Share",
    "Unit",
    "field_info",
]

Scaling = Literal["none", "up", "down", "count", "share", "factor"]
"""What an intensity does to a field: nothing, times, divided by, times and rounded, as a share, or
times what of it is above 1."""

MOST_COUNT = 1_000_000
SCHEDULE_FIELDS = ("at", "every", "count", "random", "duration", "targets", "probability")
"""What every fault has beside its own fields; see `resilkit.faults.base.Fault`."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit and range of a number, put on it with ``Annotated[float, Unit(…)]``.

    Args:
        unit: ``"s"``, ``"share"`` (0..1), ``"bytes"``, ``"bytes/s"``, ``"1/s"``, ``"s/s"`` (what a
            clock gains) or ``""``.
        low: The least value; ``None`` for no limit.
        high: The greatest value; ``None`` for no limit.
        low_open: Whether `low` itself is refused.
        scaling: What an intensity does to it; see `Scaling`.

    Examples:
        >>> class Jitter:
        ...     spread: Annotated[float, Unit("s", low=0.0, high=2.0)] = 0.1
    """

    unit: str = ""
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    scaling: Scaling = "none"


Seconds = Annotated[float, Unit("s", low=0.0, high=validate.LONGEST_DURATION)]
"""A duration or a moment in seconds, from 0."""
PositiveSeconds = Annotated[
    float, Unit("s", low=0.0, high=validate.LONGEST_DURATION, low_open=True)
]
ScaledSeconds = Annotated[float, Unit("s", low=0.0, high=validate.LONGEST_DURATION, scaling="up")]
"""A duration that a higher intensity makes longer."""
Period = Annotated[float, Unit("s", low=1e-3, high=validate.LONGEST_DURATION, scaling="down")]
"""Seconds between two things, at least a millisecond; a higher intensity makes it shorter."""
Share = Annotated[float, Unit("share", low=0.0, high=1.0, scaling="share")]
"""A share from 0 to 1, which an intensity scales."""
Chance = Annotated[float, Unit("share", low=0.0, high=1.0)]
Count = Annotated[int, Unit("", low=1, high=MOST_COUNT)]
"""A whole number from 1."""
ScaledCount = Annotated[int, Unit("", low=1, high=MOST_COUNT, scaling="count")]
Bytes = Annotated[int, Unit("bytes", low=1, high=2**63 - 1)]
"""A size in bytes, from 1."""
Rate = Annotated[float, Unit("1/s", low=0.0, high=1e6, low_open=True, scaling="up")]
"""So many a second, above 0."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a fault, as checks, scenario files, panels and documentation see it.

    Attributes:
        name: Its name in Python.
        key: Its key in a scenario file (``for`` where the name is ``duration``).
        type: ``"float"``, ``"int"``, ``"bool"``, ``"str"``, ``"choice"``, ``"targets"``,
            ``"groups"`` or ``"any"`` (not checked).
        required: Whether it has no default.
        default: Its default, ``None`` where it is required.
        optional: Whether ``None`` is accepted.
        unit: Its `Unit`, with the range.
        choices: What a ``"choice"`` may be.
        own: Whether the fault itself declares it; ``False`` for the schedule that all share.
        doc: Its line of the docstring.
        links: Of ``"targets"``: the signs that may stand between two nodes (``"<->"``, ``"->"``),
            which name a link; nothing where there are no such targets.
    """

    name: str
    key: str
    type: str
    required: bool
    default: object
    optional: bool
    unit: Unit
    choices: tuple[str, ...]
    own: bool
    doc: str
    links: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What the field accepts, in words."""
        words = {
            "bool": "True or False",
            "str": "a text",
            "targets": 'a name, a list of names, a number, "all", "one", "minority", "majority", '
            '"none" or "matching:GLOB"',
            "groups": "a list of lists of node names",
            "any": "anything",
            "choice": ", ".join(repr(choice) for choice in self.choices),
        }
        text = words.get(self.type) or self._range()
        if self.links:
            text += "; or links: " + ", ".join(f'"n1{sign}n2"' for sign in self.links)
        return f"{text}, or None" if self.optional else text

    def _range(self) -> str:
        unit, kind = self.unit, "a whole number" if self.type == "int" else "a number"
        named = {"s": " of seconds", "share": "", "1/s": " a second", "s/s": " of seconds a second"}
        kind += named.get(unit.unit, f" of {unit.unit}" if unit.unit else "")
        if unit.low is not None and unit.high is not None and unit.high < MOST_COUNT:
            joint = " above " if unit.low_open else " from "
            return f"{kind}{joint}{unit.low:g} to {unit.high:g}"
        if unit.low is not None and unit.low < 0:
            return f"{kind}, also a negative one"
        if unit.low is not None:
            return f"{kind} {'>' if unit.low_open else '>='} {unit.low:g}"
        return kind

    def check(self, value: object, path: str) -> object:
        """Return `value`, clean, if the field accepts it as a Python value.

        Raises:
            InvalidArgument: It does not.
        """
        if value is None and self.optional:
            return None
        try:
            return self._checked(value, path)
        except InvalidArgument as error:
            if error.path != path:
                raise
            raise InvalidArgument(
                error.message, path=path, value=value, allowed=self.allowed
            ) from None

    def _checked(self, value: object, path: str) -> object:
        match self.type:
            case "float" | "int":
                low, high, low_open = self.unit.low, self.unit.high, self.unit.low_open
                if self.type == "int":
                    return validate.number(
                        value, path, low=low, high=high, low_open=low_open, integer=True
                    )
                return validate.number(value, path, low=low, high=high, low_open=low_open)
            case "bool":
                return validate.boolean(value, path)
            case "choice":
                return validate.choice(value, path, self.choices)
            case "str":
                if not isinstance(value, str) or not value:
                    raise InvalidArgument("must be a text", path=path, value=value)
                return value
            case "targets":
                from resilkit.faults.targets import clean_targets

                return clean_targets(value, path)
            case "groups":
                return _clean_groups(value, path)
        return value

    def read(self, value: object, path: str) -> object:
        """Return `value` from a file, where text may carry a unit (``"20 ms"``, ``"5 %"``).

        Raises:
            InvalidArgument: It cannot be read, or the field does not accept it.
        """
        if isinstance(value, str) and self.type in {"float", "int"}:
            value = _quantity(value, self.unit, path, self.allowed)
            if self.type == "int" and float(value).is_integer():
                value = int(value)
        return self.check(value, path)


def _quantity(text: str, limits: Unit, path: str, allowed: str) -> float:
    unit, amount = limits.unit, text.strip()
    negative = (limits.low or 0.0) < 0.0 and amount.startswith(("-", "\N{MINUS SIGN}"))
    amount = amount[1:] if negative else amount
    readers: dict[str, tuple[Callable[[str, str], float], ...]] = {
        "s": (amounts.parse_duration,),
        "share": (_percentage,),
        "bytes": (amounts.parse_size,),
        "bytes/s": (_size_per_second,),
        "1/s": (_per_second,),
        "s/s": (_drift,),
    }
    plain = (amounts.parse_duration, _percentage, amounts.parse_size)
    for reader in readers.get(unit, plain):
        try:
            return (-1 if negative else 1) * reader(amount, path)
        except InvalidArgument:
            continue
    examples = {
        "s": ' (or text such as "20 ms")',
        "share": ' (or text such as "5 %")',
        "bytes": ' (or text such as "64 MiB")',
        "bytes/s": ' (or text such as "1 MB/s")',
        "1/s": ' (or text such as "2 /s")',
        "s/s": ' (or text such as "5 %" or "200 ppm")',
    }
    raise InvalidArgument(
        "cannot be read", path=path, value=text, allowed=allowed + examples.get(unit, "")
    )


_PERCENTAGE = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*(%?)\s*")


def _percentage(text: str, path: str) -> float:
    match = _PERCENTAGE.fullmatch(text)
    if match is None:
        raise InvalidArgument("is no share", path=path, value=text)
    return float(match[1]) / (100.0 if match[2] else 1.0)


def _per_second(text: str, path: str) -> float:
    stripped = re.sub(r"\s*(/\s*s|per second)\s*$", "", text)
    match = _PERCENTAGE.fullmatch(stripped)
    if match is None or match[2]:
        raise InvalidArgument("is no rate", path=path, value=text)
    return float(match[1])


def _drift(text: str, path: str) -> float:
    stripped = re.sub(r"\s*(s/s|ppm)$", "", text)
    return _percentage(stripped, path) / (1e6 if text.endswith("ppm") else 1.0)


def _size_per_second(text: str, path: str) -> float:
    return amounts.parse_size(re.sub(r"\s*(/\s*s|per second)\s*$", "", text), path)


def _clean_groups(value: object, path: str) -> tuple[tuple[str, ...], ...]:
    """Return groups of names as tuples; a name stands in one group, and no group is empty."""
    if isinstance(value, str) or not isinstance(value, typing.Sequence):
        raise InvalidArgument("must be a list of groups", path=path, value=value)
    groups: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for index, group in enumerate(value):
        where = f"{path}[{index}]"
        if isinstance(group, str) or not isinstance(group, typing.Sequence):
            raise InvalidArgument(
                "must be a list of names", path=where, value=group, allowed='such as ["n1", "n2"]'
            )
        if not group:
            raise InvalidArgument("is an empty group", path=where, allowed="at least one name")
        for place, name in enumerate(group):
            validate.name(name, f"{where}[{place}]")
            if name in seen:
                raise InvalidArgument(
                    "is in two groups", path=f"{where}[{place}]", value=name, allowed="one each"
                )
            seen.add(name)
        groups.append(tuple(group))
    return tuple(groups)


_CACHE: weakref.WeakKeyDictionary[type, tuple[FieldInfo, ...]] = weakref.WeakKeyDictionary()


def field_info(fault_class: type) -> tuple[FieldInfo, ...]:
    """Return the fields of a fault class: its own in order, then the schedule that all share.

    Examples:
        >>> from resilkit.faults import Latency
        >>> [info.name for info in field_info(Latency) if info.own]
        ['low', 'high', 'fraction']
        >>> field_info(Latency)[0].allowed
        'a number of seconds >= 0'
    """
    known = _CACHE.get(fault_class)
    if known is None:
        known = _CACHE[fault_class] = _inspect(fault_class)
    return known


def _inspect(fault_class: type) -> tuple[FieldInfo, ...]:
    try:
        hints = typing.get_type_hints(fault_class, include_extras=True)
    except Exception:  # noqa: BLE001 - a name only known inside a function: values go unchecked
        hints = {}
    docs = _documented(fault_class)
    signs = getattr(fault_class, "link_signs", None) or ()
    infos = [
        _info(field, hints.get(field.name, Any), docs.get(field.name, ""), signs)
        for field in fields(fault_class)
        if field.init
    ]
    return tuple(sorted(infos, key=lambda info: not info.own))


def _info(field: Field[Any], hint: object, doc: str, signs: tuple[str, ...]) -> FieldInfo:
    optional, hint = _without_none(hint)
    kind, unit, choices = _kind(hint)
    default: object = field.default
    if field.default_factory is not MISSING:
        default = field.default_factory()
    required = default is MISSING
    return FieldInfo(
        name=field.name,
        key="for" if field.name == "duration" else field.name,
        type=kind,
        required=required,
        default=None if required else default,
        optional=optional,
        unit=unit,
        choices=choices,
        own=field.name not in SCHEDULE_FIELDS,
        doc=doc,
        links=signs if kind == "targets" else (),
    )


def _without_none(hint: object) -> tuple[bool, object]:
    if get_origin(hint) in {typing.Union, types.UnionType}:
        rest = [part for part in get_args(hint) if part is not type(None)]
        optional = len(rest) < len(get_args(hint))
        return optional, rest[0] if len(rest) == 1 else (hint if not optional else rest)
    return False, hint


def _kind(hint: object) -> tuple[str, Unit, tuple[str, ...]]:
    unit = Unit()
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, Unit):
                unit = extra
            elif isinstance(extra, str):  # a named shape: "targets" or "groups"
                return extra, unit, ()
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if all(isinstance(choice, str) for choice in choices):
            return "choice", unit, choices
    simple: dict[object, str] = {float: "float", int: "int", bool: "bool", str: "str"}
    try:
        return simple.get(hint, "any"), unit, ()
    except TypeError:  # an unhashable hint
        return "any", unit, ()


_ENTRY = re.compile(r"^ {4}(\w+): +(.*(?:\n {5,}.*)*)", re.MULTILINE)


def _documented(fault_class: type) -> dict[str, str]:
    """Return the lines of the ``Args`` sections of the class and its bases, the nearest first."""
    found: dict[str, str] = {}
    for base in fault_class.__mro__:
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        _, _, section = text.partition("\nArgs:\n")
        section = re.split(r"\n\n?(?=\S)", section, maxsplit=1)[0]
        for name, doc in _ENTRY.findall(section):
            found.setdefault(name, re.sub(r"\s+", " ", doc).strip())
    return found
