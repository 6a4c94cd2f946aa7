"""Trace points and those who listen to them.

Shaped after Erlang's ``telemetry``: handlers run in the thread that emits, at once, so they must
be short; one that raises is detached, so that an observer cannot break what it observes.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from resilkit.errors import InvalidArgument
from resilkit.telemetry.patterns import compile_pattern

__all__ = ["Attached", "Handler", "attach", "detach", "emit", "handlers", "listening"]

Handler = Callable[[str, Mapping[str, Any], Mapping[str, Any]], object]
"""Called as ``handler(event, measurements, metadata)``."""

_NOTHING: Mapping[str, Any] = {}
_MOST_ROUTES = 4096


class Attached(NamedTuple):
    """One listener."""

    handler_id: str
    pattern: str
    handler: Handler


class _Table:
    """The listeners at one moment, and which of them each event name goes to.

    Replaced whole on every change and never edited, so that `emit` needs no lock: a route that
    an emitting thread works out from an old table is stored in that old table.
    """

    __slots__ = ("attached", "predicates", "routes")

    def __init__(self, attached: dict[str, Attached]) -> None:
        self.attached = attached
        self.predicates = [(compile_pattern(one.pattern), one) for one in attached.values()]
        self.routes: dict[str, tuple[Attached, ...]] = {}

    def route(self, event: str) -> tuple[Attached, ...]:
        found = self.routes.get(event)
        if found is None:
            found = tuple(one for wanted, one in self.predicates if wanted(event))
            if len(self.routes) >= _MOST_ROUTES:  # names made up as they go must not fill memory
                self.routes.clear()
            self.routes[event] = found
        return found


_lock = threading.Lock()
_fenced: Callable[[], bool] = bool  # whether who emits here is dead: simulations set another
_table: _Table | None = None  # None while nobody listens: the only test that `emit` then makes


def emit(
    event: str,
    measurements: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Tell every listener whose pattern takes `event`, at once and in this thread.

    Costs one test while nobody listens.

    Args:
        event: A dotted name, e.g. ``"resilkit.cluster.start"``.
        measurements: Numbers by name.
        metadata: Anything that says what was measured.

    Warns:
        RuntimeWarning: A handler raised. It was detached; the others were called all the same.

    Examples:
        >>> attach("doc-emit", "shop.*", lambda event, numbers, about: print(event, numbers))
        >>> emit("shop.sold", {"count": 2})
        shop.sold {'count': 2}
        >>> detach("doc-emit")
        True
    """
    table = _table
    if table is None or _fenced():
        return
    failed: list[tuple[Attached, Exception]] = []
    for one in table.route(event):
        try:
            one.handler(
                event,
                _NOTHING if measurements is None else measurements,
                _NOTHING if metadata is None else metadata,
            )
        except Exception as error:  # noqa: BLE001 - whatever an observer does wrong
            failed.append((one, error))
    # Warned about last: where warnings are errors, the other handlers have still been called.
    for one, _ in failed:
        _drop(one)
    for one, why in failed:
        message = (
            f"the telemetry handler {one.handler_id!r} raised "
            f"{type(why).__name__}: {why} on {event!r}; it was detached"
        )
        warnings.warn(message, RuntimeWarning, stacklevel=2)


def attach(handler_id: str, pattern: str, handler: Handler, *, replace: bool = False) -> None:
    """Call `handler` for every event that `pattern` takes, from now on, in any thread.

    Args:
        handler_id: A name of your own, to detach it by.
        pattern: An event name or a pattern: ``resilkit.cluster.*``, ``resilkit.**``. See
            `resilkit.telemetry.patterns`.
        handler: Called as ``handler(event, measurements, metadata)`` in the emitting thread. It
            must be short, must not change what it is given, and is detached when it raises.
        replace: Take the place of a handler with the same id (a notebook cell run again).

    Raises:
        InvalidArgument: The id is taken, the pattern is malformed, or `handler` is not callable.

    Examples:
        >>> sold = []
        >>> attach("doc-attach", "shop.*", lambda event, numbers, about: sold.append(numbers))
        >>> emit("shop.sold", {"count": 2})
        >>> sold, detach("doc-attach")
        ([{'count': 2}], True)
    """
    identity: object = handler_id
    if not (isinstance(identity, str) and identity):
        raise InvalidArgument("must be a non-empty string", path="handler_id", value=handler_id)
    if not callable(handler):
        allowed = "a function of (event, measurements, metadata)"
        raise InvalidArgument("must be callable", path="handler", value=handler, allowed=allowed)
    compile_pattern(pattern)
    with _lock:
        attached = {} if _table is None else dict(_table.attached)
        if handler_id in attached and not replace:
            raise InvalidArgument(
                "is already attached",
                path="handler_id",
                value=handler_id,
                allowed="another id, or replace=True",
            )
        attached[handler_id] = Attached(handler_id, pattern, handler)
        _install(attached)


def detach(handler_id: str) -> bool:
    """Stop calling that handler. An `emit` that runs in another thread may still finish a call.

    Args:
        handler_id: What it was attached by.

    Returns:
        Whether there was such a handler.

    Examples:
        >>> detach("nobody")
        False
    """
    with _lock:
        if _table is None or handler_id not in _table.attached:
            return False
        _install({key: one for key, one in _table.attached.items() if key != handler_id})
        return True


def handlers(event: str | None = None) -> list[Attached]:
    """Return the listeners in the order in which they were attached.

    Args:
        event: Only those that this event would go to; ``None``: all.

    Examples:
        >>> attach("doc-handlers", "shop.*", print)
        >>> [one.handler_id for one in handlers("shop.sold")], handlers("bank.opened")
        (['doc-handlers'], [])
        >>> detach("doc-handlers")
        True
    """
    table = _table
    if table is None:
        return []
    return list(table.attached.values() if event is None else table.route(event))


def listening(event: str) -> bool:
    """Return whether anybody would hear `event`, for work that only a listener needs.

    Args:
        event: A dotted name.

    Examples:
        >>> listening("shop.sold")
        False
    """
    table = _table
    return table is not None and bool(table.route(event))


def _install(attached: dict[str, Attached]) -> None:
    global _table  # noqa: PLW0603 - one registry a process is the point
    _table = _Table(attached) if attached else None


def _drop(failed: Attached) -> None:
    """Detach this very listener, and not a later one that took its id meanwhile."""
    with _lock:
        if _table is not None:
            _install({key: one for key, one in _table.attached.items() if one is not failed})
