"""Where what the generators tell arrives, on the notebook's side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.runtime.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.cluster.session import Session
    from resilkit.history import Rows

__all__ = ["Sink"]


class Sink(Process):
    """Takes the rows that the generators send, and how many operations are overdue."""

    __slots__ = ("_note_overdue", "_take")

    def __init__(
        self,
        session: Session,
        take: Callable[[str, Rows], None],
        note_overdue: Callable[[str, int], None],
    ) -> None:
        super().__init__(session.node, session.node.new_number())
        self._take, self._note_overdue = take, note_overdue

    def run(self) -> None:
        """Hand over what waits."""
        self.scheduled = False
        while self.mailbox:
            message = self.mailbox.popleft()[2]
            if not isinstance(message, tuple):
                continue
            if message[0] == "rows":
                self._take(message[1], message[2])
            elif message[0] == "overdue":
                self._note_overdue(message[1], message[2])
