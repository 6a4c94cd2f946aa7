"""Where what the generators tell arrives, on the notebook's side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.runtime.process import Process

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.workload.load import LoadRun

__all__ = ["Sink"]


class Sink(Process):
    """Takes the rows that the generators send, and how many operations are overdue."""

    __slots__ = ("_run",)

    def __init__(self, session: Session, run: LoadRun) -> None:
        super().__init__(session.node, session.node.new_number())
        self._run = run

    def run(self) -> None:
        """Hand over what waits."""
        self.scheduled = False
        while self.mailbox:
            message = self.mailbox.popleft()[2]
            if not isinstance(message, tuple):
                continue
            if message[0] == "rows":
                self._run.take(message[1], message[2])
            elif message[0] == "overdue":
                self._run.note_overdue(message[1], message[2])
