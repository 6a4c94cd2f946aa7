"""The bar on top of a lab: what it is of, and which panels are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from resilkit_widgets.panel import Panel, bundle

__all__ = ["LabBar"]


class LabBar(Panel):
    """Shows and hides the panels of a lab.

    Args:
        names: The panels' names and titles.
        chosen: Those that are shown.

    Attributes:
        there: The panels that there are; the buttons of the others wait.
        until: When those come, in words.
    """

    _esm, _css = bundle("lab")

    names: traitlets.List[Any] = traitlets.List().tag(sync=True)
    chosen: traitlets.List[Any] = traitlets.List().tag(sync=True)
    there: traitlets.List[Any] = traitlets.List().tag(sync=True)
    until = traitlets.Unicode("").tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)

    def __init__(self, names: Sequence[tuple[str, str]], chosen: Sequence[str]) -> None:
        self._status = self._error = ""
        super().__init__(names=[list(each) for each in names], chosen=list(chosen))

    def tell(self, status: str) -> None:
        """Show what the lab is of, with the next update."""
        self._status = status

    def complain(self, error: str) -> None:
        """Show what is wrong with the lab, ``""`` for nothing, with the next update."""
        self._error = error

    def _wrong(self) -> str:
        return self._error or super()._wrong()

    def _update(self) -> None:
        self.status = self._status

    def _picture(self) -> str:
        return ""
