"""Cells and their outputs, without a notebook: what is displayed, and what it becomes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

__all__ = ["Output", "Outputs", "Shell"]


class Output:
    """One output of a cell, as IPython's display handle has it.

    Attributes:
        bundles: What it showed, the last one last.
    """

    def __init__(self, bundle: dict[str, Any]) -> None:
        self.bundles = [bundle]

    @property
    def html(self) -> str:
        """The HTML that it shows now; ``""`` for a live widget."""
        return str(self.bundles[-1].get("text/html", ""))

    def update(self, bundle: dict[str, Any], *, raw: bool) -> None:
        """Show something else."""
        assert raw
        self.bundles.append(bundle)


class Outputs(list[Output]):
    """The outputs of a cell, in their order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        monkeypatch.setattr("IPython.display.display", self.display)

    def display(self, bundle: dict[str, Any], *, raw: bool, **_: Any) -> Output:
        """Add an output."""
        assert raw
        self.append(Output(bundle))
        return self[-1]


class Shell:
    """Tells of cells that have run, as IPython does."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.events = self
        self.parent: dict[str, Any] = {}

    def get_parent(self) -> dict[str, Any]:
        """Return the message that asked for the cell that runs."""
        return self.parent

    def register(self, event: str, callback: Any) -> None:
        """Call `callback` after each cell."""
        assert event == "post_run_cell"
        self.heard.append(callback)

    def unregister(self, event: str, callback: Any) -> None:
        """Call it no more."""
        assert event == "post_run_cell"
        self.heard.remove(callback)

    def begin(self, cell: str, run: str) -> None:
        """Begin a run of a cell, as a notebook asks for it."""
        self.parent = {"metadata": {"cellId": cell}, "header": {"msg_id": run}}

    def run_cell(self, *, part: bool = False) -> None:
        """Tell that a cell has run, or a part of it, as `%run` does for each cell of a notebook."""
        cell = None if part else self.parent.get("metadata", {}).get("cellId")
        for callback in list(self.heard):
            callback(SimpleNamespace(info=SimpleNamespace(cell_id=cell)))
