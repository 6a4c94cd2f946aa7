"""What a trial failed of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resilkit.records import readable
from resilkit.testing.performed import Performed

__all__ = ["Failure", "Kind"]

Kind = Literal["model", "invariant", "crash", "unanswered", "misuse", "start", "heal", "step"]


@readable
@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """What a trial failed of: the first that was seen.

    Attributes:
        kind: ``"model"``: no order of the operations explains what was replied; ``"invariant"``;
            ``"crash"``: a server crashed though nothing was broken; ``"unanswered"``: a call had no
            answer though nothing was broken, or a server hangs at the end; ``"misuse"``: an
            operation is none of its server's; ``"start"``: the system did not start; ``"heal"``: a
            fault could not be taken back; ``"step"``: a rule or an invariant of a machine's own
            raised.
        message: What is wrong, in a sentence.
        subject: Of an invariant or a step its name, of a crash the server's; else ``""``.
        time: When it was seen, in seconds since the operations began.
        operation: The operation that it is about, or after which it was seen; ``None`` for none.
        cause: The exception behind it; ``None`` for none.
    """

    kind: Kind
    message: str
    subject: str = ""
    time: float = 0.0
    operation: Performed | None = None
    cause: BaseException | None = None

    @property
    def about(self) -> tuple[str, str]:
        """What two failures have in common that are the same: the kind, and whom it is about."""
        return self.kind, self.subject

    def __str__(self) -> str:
        """Show the sentence."""
        return self.message
