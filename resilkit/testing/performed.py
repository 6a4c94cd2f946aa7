"""What became of one operation of a trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from resilkit.records import readable
from resilkit.testing.calls import Call, Cast
from resilkit.testing.code import as_code

__all__ = ["Performed"]


@readable
@dataclass(slots=True, eq=False, repr=False)
class Performed:
    """One operation of a trial: who did it, when, and how it ended.

    Attributes:
        operation: The `Call` or `Cast`.
        process: Who did it: the number of the process, from 0.
        place: Which of that process's operations it is, from 0.
        by: What the process is called in messages and pictures: ``"@notebook"`` where there is but
            one, ``"@p1"`` and so on where there are several.
        began: When it was sent, in seconds since the operations began; on a simulation virtual
            ones.
        ended: When its end was known; ``None``: it never was, as of a cast.
        status: ``"ok"``; ``"fail"`` (it definitely did not happen); ``"info"`` (nobody knows: it
            may have happened, may happen later, or never); ``"sent"`` (a cast, of which nobody
            hears more); ``"open"`` while it goes on.
        value: The reply.
        error: The exception that it ended with; ``None`` for none.
        ranks: When it began and ended among all beginnings and ends of the trial: what decides
            which of two operations at the same instant came first.
    """

    operation: Call | Cast
    process: int
    place: int
    by: str
    began: float
    ended: float | None = None
    status: str = "open"
    value: Any = None
    error: BaseException | None = None
    ranks: list[int] = field(default_factory=list)

    @property
    def told(self) -> str:
        """How it ended, in a few words."""
        if self.status == "ok":
            return as_code(self.value, width=None)
        if self.error is not None:
            lines = str(self.error).splitlines()
            return (
                f"{type(self.error).__name__}: {lines[0]}" if lines else type(self.error).__name__
            )
        return {"sent": "sent", "open": "did not end"}.get(self.status, self.status)

    def __repr__(self) -> str:
        until = "" if self.ended is None else f"..{self.ended:.4f}"
        when = f"{self.began:.4f}{until} s"
        return f"<{self.by} {self.operation!r} -> {self.told} [{self.status}, {when}]>"
