"""Looking at invariants while a trial goes on, and when it is over."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from resilkit.errors import ClusterClosed, ClusterError
from resilkit.testing.failure import Failure
from resilkit.texts import timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resilkit.cluster.cluster import Cluster
    from resilkit.testing.performed import Performed
    from resilkit.testing.trial import Invariant

__all__ = ["Lookout", "name_of"]


class Lookout:
    """Asks invariants, and says which one does not hold.

    Args:
        invariants: Functions of a cluster, or of a cluster and a history.
        cluster: The cluster.

    Attributes:
        looks: How often they were asked.
        missed: How often one could not look, since something was down, or looked in vain, since an
            operation began or ended meanwhile.
    """

    def __init__(self, invariants: Sequence[Invariant], cluster: Cluster) -> None:
        self.looks = 0
        self.missed = 0
        self._cluster = cluster
        self._asked = [(name_of(each), each, _wants_history(each)) for each in invariants]

    def __len__(self) -> int:
        return len(self._asked)

    def look(self, history: Sequence[Performed], time: float, *, last: bool) -> Failure | None:
        """Return the first invariant that does not hold; ``None``: all hold, as far as is known.

        Args:
            history: What was done until now.
            time: Seconds since the operations began.
            last: Whether this is the last look, where not being able to look counts too.
        """
        self.looks += 1
        for name, invariant, wants_history in self._asked:
            before = _marks(history)
            try:
                held = invariant(self._cluster, list(history)) if wants_history else invariant(
                    self._cluster
                )  # fmt: skip
            except ClusterClosed:
                raise
            except ClusterError as error:
                if not last:
                    self.missed += 1
                    continue
                return _broken(name, "could not be looked at", time, history, error)
            except Exception as error:  # noqa: BLE001 - whatever it raises says that it does not hold
                return _broken(name, "does not hold", time, history, error)
            if held is not None and not held:
                if wants_history and not last and _marks(history) != before:
                    # It asked the system while an operation began or ended, of which the history
                    # that it was given says nothing.
                    self.missed += 1
                    continue
                return _broken(name, "does not hold", time, history, None)
        return None


def _marks(history: Sequence[Performed]) -> int:
    """Return how many operations have begun, and ended."""
    return sum(len(each.ranks) for each in history)


def _broken(
    name: str,
    what: str,
    time: float,
    history: Sequence[Performed],
    error: BaseException | None,
) -> Failure:
    ended = [each for each in history if each.ended is not None or each.status == "sent"]
    latest = max(ended, key=lambda each: each.ranks[-1], default=None)
    after = "" if latest is None else f" after {latest.operation!r} by {latest.by}"
    why = "" if error is None else f": {_told(error)}"
    message = f"the invariant {name} {what}{after} (t = {timed(time)}){why}"
    return Failure("invariant", message, name, time, latest, error)


def _told(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def name_of(invariant: Any) -> str:
    """Return what an invariant is called."""
    name = getattr(invariant, "__name__", None) or type(invariant).__name__
    return str(name)


def _wants_history(invariant: Any) -> bool:
    try:
        parameters = inspect.signature(invariant).parameters.values()
    except (TypeError, ValueError):
        return False
    places = [
        each
        for each in parameters
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        and each.default is each.empty
    ]
    return len(places) > 1
