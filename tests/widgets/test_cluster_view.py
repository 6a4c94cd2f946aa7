"""The live view of a cluster, with real processes and without a browser."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import resilkit as rk
from resilkit_widgets import ClusterView

PATIENCE = 20.0


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=1) as started:
        yield started


def shown(view: ClusterView, text: str) -> threading.Event:
    """Return an event that is set when a picture holds `text`."""
    seen = threading.Event()

    def look(change: dict[str, str]) -> None:
        if text in change["new"]:
            seen.set()

    view.widget.children[0].observe(look, "value")
    if text in view.html:
        seen.set()
    return seen


def test_a_view_shows_what_happens_to_the_cluster(cluster: rk.Cluster) -> None:
    view = ClusterView(cluster, refresh=0.05)
    view.start()
    try:
        assert "running" in view.html
        assert "killed" not in view.html
        killed = shown(view, "killed")
        cluster.nodes["n2"].kill()
        assert killed.wait(PATIENCE)
    finally:
        view.stop()


def test_the_button_ends_the_view_and_its_thread(cluster: rk.Cluster) -> None:
    view = ClusterView(cluster, refresh=0.05)
    view.start()
    view.start()
    assert view.running
    (thread,) = (t for t in threading.enumerate() if t.name == "resilkit ClusterView")
    view.widget.children[1].click()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not view.running
    assert view.widget.children[1].disabled


def test_a_view_ends_with_its_cluster() -> None:
    with rk.Cluster(nodes=1) as cluster:
        view = ClusterView(cluster, refresh=0.05)
        closed = shown(view, "closed")
        view.start()
        (thread,) = (t for t in threading.enumerate() if t.name == "resilkit ClusterView")
    assert closed.wait(PATIENCE)
    thread.join(PATIENCE)
    assert not view.running
    assert "stopped" in repr(view)


def test_an_error_while_drawing_is_shown_and_escaped(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: rk.Cluster) -> str:
        raise ValueError("<no picture>")

    monkeypatch.setattr(rk.Cluster, "_repr_html_", fail)
    view = ClusterView(cluster)
    view.draw()
    assert "ValueError: &lt;no picture&gt;" in view.html


@pytest.mark.parametrize("refresh", [0, -1, float("nan"), "soon"])
def test_a_refresh_that_makes_no_sense_is_refused(cluster: rk.Cluster, refresh: object) -> None:
    with pytest.raises(rk.InvalidArgument, match=r"^refresh"):
        ClusterView(cluster, refresh=refresh)  # type: ignore[arg-type]


def test_something_else_than_a_cluster_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match=r"^cluster: must be a running cluster"):
        ClusterView("n1")  # type: ignore[arg-type]


def test_without_ipywidgets_the_error_says_what_to_install(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(rk.Unavailable, match=r"pip install 'resilkit\[lab\]'"):
        ClusterView(cluster)


ROOT = Path(__file__).parents[2]
# The kernel runs this tree, whatever is installed.
KERNEL = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "widgets")])}

SHOW = """
import resilkit as rk
from resilkit_widgets import ClusterView
cluster = rk.Cluster(nodes=2)
view = ClusterView(cluster, refresh=0.1)
view
"""


def test_a_notebook_keeps_the_last_picture_without_a_kernel() -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in (SHOW, "view.stop(); cluster.close()")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute(env=KERNEL)
    (output,) = notebook.cells[0].outputs
    assert "Cluster of 2 nodes" in output.data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" not in output.data
