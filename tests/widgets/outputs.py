"""The outputs of a cell, without a notebook: what is displayed, and what it becomes."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["Output", "Outputs"]


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

    def display(self, bundle: dict[str, Any], *, raw: bool, display_id: bool, **_: Any) -> Output:
        """Add an output."""
        assert raw
        assert display_id
        self.append(Output(bundle))
        return self[-1]
