"""Completion: what can stand where the cursor is, in magics and in Python."""

from __future__ import annotations

from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from resilkit.ipython.complete_line import line_candidates

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
        rows = text.split("\n")
        before = rows[line][:column] if line < len(rows) else ""
        found = line_candidates(self._shell.user_ns, before) or None
        if found is None:
            return {"completions": []}
        fragment, names = found
        fitting = [SimpleCompletion(name) for name in names if name.startswith(fragment)]
        return {"completions": fitting, "matched_fragment": fragment, "suppress": bool(fitting)}
