"""Completion: what can stand where the cursor is, in magics and in Python."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from resilkit.ipython.complete_cell import cell_candidates
from resilkit.ipython.complete_line import line_candidates, line_cluster
from resilkit.ipython.complete_python import python_candidates

__all__ = ["Completion"]


class Completion:
    """Completes for one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def matcher(self) -> Any:
        """Return what IPython asks at each press of the key."""

        @context_matcher(identifier="resilkit", priority=200)  # type: ignore[untyped-decorator]
        def resilkit_matcher(context: CompletionContext) -> dict[str, Any]:
            return self.complete(context.full_text, context.cursor_line, context.cursor_position)

        resilkit_matcher.completion = self
        return resilkit_matcher

    def complete(self, text: str, line: int, column: int) -> dict[str, Any]:
        """Return what can stand at the cursor as IPython wants it told; nothing, if we don't know.

        Args:
            text: The whole cell.
            line: The line of the cursor, from 0.
            column: Its place in that line, from 0.
        """
        rows = text.split("\n")[: line + 1]
        if len(rows) <= line:
            return {"completions": []}
        rows[-1] = rows[-1][:column]
        try:
            found = self._candidates(rows)
        except Exception:  # noqa: BLE001 - a cluster that is closed just now: IPython would print it
            found = None
        if found is None:
            return {"completions": []}
        fragment, names = found
        fitting = [SimpleCompletion(name) for name in names if name.startswith(fragment)]
        return {"completions": fitting, "matched_fragment": fragment, "suppress": bool(fitting)}

    def _candidates(self, rows: list[str]) -> tuple[str, list[str]] | None:
        namespace = self._shell.user_ns
        if len(rows) > 1 and re.match(r"%%chaos(\s|$)", rows[0]):
            return cell_candidates(rows[1:], line_cluster(namespace, rows[0].split()))
        found = line_candidates(namespace, rows[-1])
        return python_candidates(namespace, "\n".join(rows)) if found is None else found
