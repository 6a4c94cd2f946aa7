"""What criteria are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Evidence"]


class Evidence(Protocol):
    """What was observed of a run, or of a part of it, on one clock in seconds.

    A ``closed_loop`` attribute, where there is one and it is true, says that the load waited for
    answers, so that an outage shows as operations that never began. A ``users`` attribute is a
    function that says how many users such a load was to have at a time, where that changes.
    A ``simulated`` attribute that is true says that nothing of a machine could be measured; an
    ``ongoing`` attribute that is true says that the run goes on, so that more may be seen yet.
    """

    @property
    def operations(self) -> DataFrame:
        """The operations that are judged: ``History.frame()``."""

    @property
    def events(self) -> DataFrame:
        """What happened: ``EventLog.frame()``."""

    @property
    def started(self) -> float:
        """When it began."""

    @property
    def duration(self) -> float:
        """How many seconds of it are judged."""

    @property
    def consistency(self) -> tuple[float, int] | None:
        """Share of acknowledged effects that are still there, and how many were looked for."""

    @property
    def memory_limit_bytes(self) -> int | Mapping[str, int] | None:
        """The limit on memory without faults: of all nodes together, or of each node by name."""

    def metric(self, name: str) -> DataFrame:
        """Return the samples of a metric: ``time``, ``node``, ``server``, ``value``."""
