"""Every notebook runs from a clean kernel, in order, and is kept without outputs."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
# The kernel runs this tree, whatever is installed, and shows figures as a notebook does.
KERNEL = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
KERNEL["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "widgets")])


def kept(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


@cache
def executed(name: str) -> nbformat.NotebookNode:
    notebook = kept(name)
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=90, kernel_name="python3", resources=resources)
        client.execute(env=KERNEL)
    return notebook


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    code = [cell for cell in kept(name).cells if cell.cell_type == "code"]
    assert outputs(kept(name)) == []
    assert {cell.execution_count for cell in code} == {None}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_a_clean_kernel_without_warnings(name: str) -> None:
    told = [
        output.text
        for output in outputs(executed(name))
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert [text for text in told if "Warning" in text or "Traceback" in text] == []


def test_the_quickstart_shows_state_cluster_verdicts_and_a_figure() -> None:
    found = [output.data for output in outputs(executed("quickstart")) if "data" in output]
    texts = [data.get("text/plain", "") for data in found]
    pages = [data.get("text/html", "") for data in found]
    assert "{'value': 5}" in texts
    assert "{'n1': ['n1'], 'n2': ['n2', 'n3'], 'n3': ['n2', 'n3']}" in texts
    assert any("Cluster of 3 nodes" in page for page in pages)
    assert any("availability" in page for page in pages)
    assert any("image/png" in data for data in found)
