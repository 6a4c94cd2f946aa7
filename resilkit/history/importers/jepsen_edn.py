"""Jepsen's ``history.edn``: one op map a line, or one vector or list of them."""

from __future__ import annotations

from collections.abc import Iterator

from resilkit.history.importers.edn import Reader
from resilkit.history.importers.op import Op, op_from

__all__ = ["maps", "ops"]


def ops(text: str, file: str) -> Iterator[Op]:
    """Yield the ops of a history in EDN.

    Raises:
        InvalidArgument: It is no EDN, or holds something else than ops.

    Examples:
        >>> text = "{:type :invoke, :f :read, :value nil, :process 0, :time 2000000000, :index 0}"
        >>> next(ops(text, "history.edn"))
        Op(line=1, process=0, type='invoke', f='read', value=None, time=2.0, error='')
    """
    for line, found in maps(text, file):
        yield op_from(found, file, line)


def maps(text: str, file: str) -> Iterator[tuple[int, object]]:
    """Yield what stands for an op, with the number of the line in which it begins."""
    line, counted = 1, 0
    for position, found in Reader(text, file).elements():
        line += text.count("\n", counted, position)
        counted = position
        yield line, found
