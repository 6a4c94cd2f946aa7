"""How the events of an injection tell what it did."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from resilkit import telemetry
from resilkit.errors import ResilkitError
from resilkit.runtime import reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from resilkit.cluster.session import Session
    from resilkit.cluster.strike import Strike

__all__ = ["Teller", "listed", "told", "why_of"]

_MOST_TOLD = 100
"""Entries of a list in an event: one that is too long is cut, and its id lost with the rest."""

_SLOW = 0.25
"""Seconds: a strike that is not wholly in by then tells that it has begun (``begins``)."""


class Teller:
    """Tells of the strikes of one injection.

    Attributes:
        building: Whether a strike is on its way now.
    """

    def __init__(self, session: Session, fault: str, parameters: dict[str, Any]) -> None:
        self._session = session
        self._fault = fault
        self._parameters = parameters
        self.building = False

    @contextmanager
    def beginning(self, strike: Strike) -> Iterator[None]:
        """Tell of a strike that takes its time while it is on its way, and of others not.

        Whoever counts ``injected`` counts each strike once: this is an event of its own.
        """
        timer = self._session.loop.call_later(
            _SLOW, self.note_beginning, "begins", strike, strike.targets
        )
        self.building = True
        try:
            yield
        finally:
            self.building = False
            timer.cancel()

    def note_beginning(
        self, event: str, strike: Strike, hit: Sequence[str], **measured: Any
    ) -> None:
        """Note an event as of the beginning of a strike.

        Building up a pressure takes time, and does harm meanwhile. So the bands in figures, and
        recovery, begin there too.
        """
        about = {"id": strike.id, "fault": self._fault, "parameters": self._parameters, **measured}
        self._session.events.append(
            strike.row["time"], "fault", event, target=listed(hit), detail=about
        )

    def note_late(self, strike: Strike, time: float, measured: dict[str, Any]) -> None:
        """Tell of a strike that came in, and was over, at a time that was known only later."""
        about = {"id": strike.id, "fault": self._fault} | told(measured)
        first = about | {"parameters": self._parameters}
        for event, detail in (("injected", first), ("healed", about)):
            self._session.events.append(
                time, "fault", event, target=listed(strike.hit), detail=detail
            )

    def note(self, event: str, strike: Strike, **detail: Any) -> None:
        """Note an event of a strike that happens now."""
        target = listed(strike.targets)
        self._session.note("fault", event, target, id=strike.id, fault=self._fault, **detail)

    def span(self, event: str, strike: Strike) -> telemetry.span:
        """Return the span of what is done for a strike."""
        about = {"fault": self._fault, "id": strike.id, "targets": listed(strike.targets)}
        return telemetry.span(f"resilkit.fault.{event}", about)


def listed(targets: Iterable[str] | None) -> str:
    """Return the targets as a text."""
    return ", ".join(targets or ())


def told(measured: dict[str, Any]) -> dict[str, Any]:
    """Return what an event has room for; the whole of it stands in the outcome."""
    lists = {key: value for key, value in measured.items() if isinstance(value, list)}
    rows = {key for key, value in lists.items() if any(isinstance(each, dict) for each in value)}
    short = {key: value[:_MOST_TOLD] for key, value in lists.items()}
    return {key: short.get(key, value) for key, value in measured.items() if key not in rows}


def why_of(error: Exception) -> str:
    """Return what an error says: our own are written to be read, of others we need the type."""
    return str(error) if isinstance(error, ResilkitError) else reasons.describe(error)
