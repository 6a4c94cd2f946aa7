r"""The lines that Jepsen logs for each op, on its console, in ``jepsen.log`` and ``history.txt``.

Process, type, operation, value and, at times, an error, behind what the logger of that year put
before them::

    INFO  jepsen.util - 3	:invoke	:read	nil
    INFO [2017-03-30 15:28:17,423] jepsen worker 2 - jepsen.util 2  :invoke :read nil
    2023-08-18 22:31:00,123{GMT}	INFO	[jepsen worker 3] jepsen.util: 3	:ok	:read	4
    3	:ok	:read	4

Everything else that a log holds is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from resilkit.errors import InvalidArgument
from resilkit.history.importers.edn import Reader
from resilkit.history.importers.op import TYPES, Op, error_text

__all__ = ["op_line", "ops"]

_LOGGER = re.compile(r"\bjepsen\.(?:util|print)(?: -|:)?[ \t]+")
_LONGEST_HEAD = 200
# A line of the logger that speaks of a process is a line of an op, be it cut off.
_LINE = re.compile(r"(?P<process>[0-9]+|:nemesis)(?:[ \t]+(?P<rest>:.*)|[ \t]*)")
_REST = re.compile(r":(?P<type>[a-z]+)[ \t]+:(?P<f>[^\s\"(){}\[\]]+)[ \t]+(?P<value>\S.*)")
_STAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})[,.]([0-9]{3})")
_ALLOWED = "process :type :f value, and an error if there is one"
_TICK = 1e-6
_MOST = 2**63


def op_line(line: str) -> re.Match[str] | None:
    r"""Return what `line` says of a process, if it speaks of one.

    Examples:
        >>> op_line("INFO  jepsen.util - 3\t:ok\t:read\tnil").groupdict()
        {'process': '3', 'rest': ':ok\t:read\tnil'}
        >>> op_line("INFO  jepsen.core - Worker 3 starting")
    """
    head = _head(line)
    return _LINE.fullmatch(line.rstrip(), head.end() if head else 0)


def _head(line: str) -> re.Match[str] | None:
    return _LOGGER.search(line, 0, _LONGEST_HEAD)


def ops(text: str, file: str) -> Iterator[Op]:
    r"""Yield the ops of a log, each from the line that speaks of it.

    Where each line has a time, the ops do: seconds since the first. Such times are whole
    milliseconds, in which many ops may begin and end, while the order of the lines is exact. So an
    op that does not come after the one above is put a microsecond behind it.

    Raises:
        InvalidArgument: The line of an op is cut off or malformed, or there is none at all.

    Examples:
        >>> next(ops("INFO  jepsen.util - 3\t:ok\t:cas\t[3 0]", "etcd_000.log"))
        Op(line=1, process=3, type='ok', f='cas', value=(3, 0), time=None, error='')
    """
    clock = _Clock()
    found = False
    lines = text.split("\n")
    # What a logger's lines are mixed with (results, traces) may begin with a number by chance.
    logged = any(_head(given) and op_line(given) for given in lines)
    for line, given in enumerate(lines, 1):
        matched = op_line(given) if not logged or _head(given) else None
        if not matched:
            continue
        found = True
        if matched["process"] == ":nemesis":
            yield Op(line, None, "info", "", None)
        else:
            yield _op(
                matched, clock.seconds(given[: matched.start()], f"{file}:{line}"), file, line
            )
    if not found:
        allowed = "lines with process, :type, :f and value"
        raise InvalidArgument("has no line of an op", path=file, allowed=allowed)


def _op(matched: re.Match[str], time: float | None, file: str, line: int) -> Op:
    path = f"{file}:{line}"
    rest = _REST.fullmatch(matched["rest"] or "")
    if not rest:
        message = "is the line of an op, but cut off or malformed"
        raise InvalidArgument(message, path=path, value=matched.group(), allowed=_ALLOWED)
    if rest["type"] not in TYPES:
        allowed = ", ".join(f":{name}" for name in TYPES)
        raise InvalidArgument("is no type", path=path, value=f":{rest['type']}", allowed=allowed)
    # As many digits as the largest has: thousands would be refused by `int`.
    if len(matched["process"]) > 19 or int(matched["process"]) >= _MOST:
        raise InvalidArgument("is no process", path=path, value=matched["process"])
    column = matched.start("rest") + rest.start("value") + 1
    reader = Reader(rest["value"], file, line=line, column=column)
    value = reader.one()
    # An error is printed as it is, without quotes: it need not be EDN.
    error = error_text(reader.text[reader.position :].strip().removeprefix(":"))
    return Op(line, int(matched["process"]), rest["type"], rest["f"], value, time, error)


class _Clock:
    """Seconds since the first line, each later than the one before."""

    def __init__(self) -> None:
        self._start: datetime | None = None
        self._last = -_TICK

    def seconds(self, head: str, path: str) -> float | None:
        found = _STAMP.search(head)
        if not found:
            return None
        try:
            now = datetime.fromisoformat(f"{found[1]} {found[2]}.{found[3]}")
        except ValueError as error:
            message = f"is no time: {error}"
            raise InvalidArgument(message, path=path, value=found.group()) from None
        if self._start is None:
            self._start = now
        self._last = max((now - self._start) / timedelta(seconds=1), self._last + _TICK)
        return self._last
