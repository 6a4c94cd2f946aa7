"""Notebooks: the tutorials that resilkit ships, and notebooks as pages.

`shipped` finds the tutorials and copies them, `lab` opens JupyterLab on them, `execution` runs a
notebook in a clean kernel, and `page` makes one HTML file of it that needs no network. Jupyter is
loaded only by what needs it.
"""

from __future__ import annotations

from resilkit.notebooks.execution import Execution, Failure, execute
from resilkit.notebooks.page import render, write_page
from resilkit.notebooks.reading import read_notebook

__all__ = ["Execution", "Failure", "execute", "read_notebook", "render", "write_page"]


def __dir__() -> list[str]:
    return sorted(__all__)
