"""A notebook of `notebooks/`, executed from a clean kernel in a place of its own."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.notebooks.conftest import jupyter_place

__all__ = ["NAMES", "Executed", "executed", "kept"]

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
_CELL_TIMEOUT = 90


class Executed:
    """What the cells of a notebook have put out."""

    def __init__(self, cells: list[Any]) -> None:
        self._outputs = [output for cell in cells for output in cell.get("outputs", [])]

    def shown(self, kind: str) -> list[str]:
        """Return the displays and values of a kind, such as ``"text/html"``, from the top."""
        found = [output.data for output in self._outputs if "data" in output]
        return [data[kind] for data in found if kind in data]

    @property
    def kinds(self) -> set[str]:
        """The kinds of all that is displayed."""
        return {kind for output in self._outputs if "data" in output for kind in output.data}

    @property
    def text(self) -> str:
        """What the cells printed, and their values as text."""
        printed = [output.text for output in self._outputs if output.output_type == "stream"]
        return "\n".join([*printed, *self.shown("text/plain")])

    @property
    def errors(self) -> str:
        """What stands on the standard error stream."""
        return "".join(
            output.text
            for output in self._outputs
            if output.output_type == "stream" and output.name == "stderr"
        )

    def number(self, pattern: str) -> float:
        """Return the number that a group of `pattern` matches in the text."""
        found = re.search(pattern, self.text)
        assert found, f"nothing like {pattern!r} in:\n{self.text}"
        return float(found[1].replace(",", ""))


def kept(name: str) -> Any:
    """Return a notebook as it is kept."""
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


@cache
def executed(name: str) -> Executed:
    """Run every cell of a notebook in order; fail when one raises or something is left over."""
    notebook = kept(name)
    with jupyter_place() as place:
        # The kernel runs this tree, whatever is installed, and shows figures as a notebook does.
        place.env["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "widgets")])
        resources = {"metadata": {"path": str(place.work)}}
        client = NotebookClient(
            notebook, timeout=_CELL_TIMEOUT, kernel_name="python3", resources=resources
        )
        with client.setup_kernel(env=place.env):
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            # It closes what it opens: nothing waits for its kernel to end.
            place.wait_only({client.km.provisioner.pid} | place.launchers())
    return Executed(notebook.cells)
