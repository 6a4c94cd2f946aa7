"""Thresholds such as ``queue_length[counter-*] > 1000``: what is too much of a sampled metric.

::

    threshold   =  metric [ "[" [ who ] [ "@" node ] "]" ] comparison number [ unit ]
    metric      =  a name of `units.METRICS`, or one of your own that has samples
    who         =  a server, a link such as n1->n2, or, for a metric of nodes, a node
    comparison  =  ">" | ">=" | "<" | "<="

Names in brackets are globs: ``*`` stands for any characters, ``?`` for one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from resilkit.metrics.kinds import Kind, kind_of
from resilkit.metrics.reading import (
    Reader,
    begin,
    compares,
    nearest,
    read_amount,
    read_brackets,
    read_comparison,
)
from resilkit.metrics.units import METRICS, format_value, unit_of
from resilkit.records import readable

__all__ = ["Threshold", "of_nodes"]

_OF_SERVERS = ("queue_length", "queue_high_water", "messages", "service_time")


@readable
@dataclass(frozen=True, slots=True)
class Threshold:
    """What is too much, or too little, of a metric: ``Threshold.parse("memory_rss > 200 MiB")``.

    Two are equal when they say the same, however they are written.

    Attributes:
        metric: The metric's name.
        comparison: ``">"``, ``">="``, ``"<"`` or ``"<="``: when it is true, it is too much.
        limit: In the metric's unit: bytes, seconds, cores, shares of 1, counts.
        who: The glob of servers, links, or nodes where the metric is of nodes; ``None``: all.
        node: The glob of nodes, after ``@``; ``None``: all.
        text: As it was written.

    Examples:
        >>> threshold = Threshold.parse("queue_length[counter-*@n2] > 1,000")
        >>> threshold.metric, threshold.who, threshold.node, threshold.limit
        ('queue_length', 'counter-*', 'n2', 1000.0)
        >>> threshold.concerns("n2", "counter-0"), threshold.concerns("n1", "counter-0")
        (True, False)
        >>> Threshold.parse("memory > 200 MiB")
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: threshold: cannot read 'memory > 200 MiB': 'memory' is \
no metric (did you mean 'memory_rss'?); allowed: ...
    """

    metric: str
    comparison: str
    limit: float
    who: str | None = None
    node: str | None = None
    text: str = field(default="", compare=False)

    @classmethod
    def parse(
        cls, text: str | Threshold, path: str = "threshold", *, own: Collection[str] = ()
    ) -> Threshold:
        """Return the threshold that `text` states; one that is read already as it is.

        Args:
            text: The statement.
            path: What an error calls it: where the text stands.
            own: Metrics of your own that there are, beside `units.METRICS`.

        Raises:
            InvalidArgument: It is no threshold; the error shows the place.
        """
        if isinstance(text, cls):
            return text
        several = "one call for each of several thresholds"
        example = "queue_length > 1000"
        reader = begin(text, path, noun="threshold", example=example, several=several)
        metric = _read_metric(reader, own)
        kind = kind_of(unit_of(metric))
        opened = reader.at
        inside = read_brackets(reader, _meaning(metric))
        who, node = _parted(inside)
        if who is not None and node is not None and of_nodes(metric):
            name = f"{metric} is of a node, so {who!r} cannot stand before the @"
            reader.refuse(name, f"{metric}[{node}] …", at=opened)
        comparison = read_comparison(reader)
        reader.skip()
        start = reader.at
        limit = read_amount(reader, kind)
        _check_reach(reader, kind, comparison, limit, start)
        return cls(metric, comparison, limit, who, node, reader.text)

    @property
    def unit(self) -> str:
        """The metric's unit, ``""`` for one of your own."""
        return unit_of(self.metric)

    @property
    def above(self) -> bool:
        """Whether it is values above the limit that are too much, not those below."""
        return self.comparison.startswith(">")

    @property
    def shown_limit(self) -> str:
        """The limit as a person reads it.

        Examples:
            >>> Threshold.parse("memory_rss > 209715200 B").shown_limit
            '200 MiB'
        """
        return format_value(self.limit, self.unit)

    def broken_by(self, value: float) -> bool:
        """Return whether `value`, in the metric's unit, is too much; NaN is not."""
        return compares(value, self.comparison, self.limit)

    def concerns(self, node: str, server: str) -> bool:
        """Return whether it is about the samples of a line: a node, and a server or ``""``."""
        if self.node is not None and not fnmatchcase(node, self.node):
            return False
        return self.who is None or fnmatchcase(server or node, self.who)

    def __str__(self) -> str:
        """Return it as it was written, or in its normal form where it was not."""
        if self.text:
            return self.text
        at = "" if self.node is None else f"@{self.node}"
        inside = f"[{self.who or ''}{at}]" if at or self.who else ""
        units: dict[Kind, str] = {"time": " s", "size": " B"}
        limit = int(self.limit) if self.limit.is_integer() else self.limit
        unit = units.get(kind_of(self.unit), "")
        return f"{self.metric}{inside} {self.comparison} {limit!r}{unit}"


class _Parts(NamedTuple):
    who: str | None
    node: str | None


def _parted(inside: str | None) -> _Parts:
    if inside is None:
        return _Parts(None, None)
    # The last one: the name of a server may have some too, and that of a node has none.
    who, at, node = inside.rpartition("@")
    if not at:
        return _Parts(inside, None)
    return _Parts(who.strip() or None, node.strip() or None)


def _read_metric(reader: Reader, own: Collection[str]) -> str:
    known = sorted({*METRICS, *own})
    for name in sorted(known, key=len, reverse=True):
        if reader.text.startswith(name):
            rest = reader.text[len(name) :].lstrip()
            if not rest or rest[0] in "<>=≤≥[":
                reader.at = len(name)
                return name
    phrase = re.split(r"[<>=≤≥\[]", reader.text)[0].strip()
    listed = ", ".join(known)
    if not phrase:
        reader.refuse("it must begin with the metric", listed)
    # The first of the table: of two sorts of memory the one that is always there.
    near = [name for name in METRICS if name.startswith(phrase.lower())] or nearest(phrase, known)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return reader.refuse(f"{phrase!r} is no metric{hint}", listed, at=0)


def of_nodes(metric: str) -> bool:
    """Return whether a metric is one of whole nodes."""
    return metric in METRICS and metric not in _OF_SERVERS and not metric.startswith("link_")


def _meaning(metric: str) -> str:
    if of_nodes(metric):
        return "node, or a glob such as n*"
    if metric.startswith("link_"):
        return "link, such as n1->*"
    return "server, or server@node, or globs such as counter-*"


def _check_reach(reader: Reader, kind: Kind, comparison: str, limit: float, start: int) -> None:
    """Refuse what no sample can be, such as ``queue_length < 0``."""
    if comparison == "<" and limit == 0.0 and kind != "plain":
        reader.refuse("nothing is below 0, so it would never alert", "> 0", at=start)
    if comparison == ">" and kind == "share" and limit == 1.0:
        message = "nothing is above the whole, so it would never alert"
        reader.refuse(message, ">= 100 %", at=start)
