"""The key-value logs among the test data of Porcupine: op maps in EDN that have a key.

::

    {:process 0, :type :invoke, :f :get, :key "7", :value nil}
    {:process 0, :type :ok, :f :get, :key "7", :value "x"}
"""

from __future__ import annotations

from collections.abc import Iterator

from resilkit.errors import InvalidArgument
from resilkit.history.importers.jepsen_edn import maps
from resilkit.history.importers.op import ABSENT, Op, op_from

__all__ = ["ops"]


def ops(text: str, file: str) -> Iterator[Op]:
    """Yield the ops, each with ``(key, value)`` as its value, as Jepsen writes such.

    Raises:
        InvalidArgument: It is no EDN, or an op has no key.

    Examples:
        >>> text = '{:process 0, :type :ok, :f :get, :key "7", :value "x"}'
        >>> next(ops(text, "c01-ok.txt")).value
        ('7', 'x')
    """
    for line, found in maps(text, file):
        op = op_from(found, file, line)
        if op.process is not None and isinstance(found, dict):  # it is one, or was refused
            if "key" not in found:
                path = f"{file}:{line}"
                raise InvalidArgument("is an op without key", path=path, value=found, allowed="key")
            op = op._replace(value=(found["key"], None if op.value is ABSENT else op.value))
        yield op
