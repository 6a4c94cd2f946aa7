"""What tests of the panels share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from resilkit_widgets import ticker
from resilkit_widgets.lab import Lab
from resilkit_widgets.panel import Panel
from tests.widgets.outputs import Outputs, Shell


@pytest.fixture(autouse=True)
def _nothing_ticks_on() -> Iterator[None]:
    """Stop the panels that a test has left: ipywidgets keeps them, and so they would tick on."""
    yield
    for each in list(ticker._ticking):
        if isinstance(each, Panel | Lab):
            each.stop()


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """The outputs of a cell."""
    return Outputs(monkeypatch)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, ticked_by_hand: None) -> Shell:
    """The shell of the kernel, where nothing ticks."""
    made = Shell()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: made)
    return made


@pytest.fixture
def ticked_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Panels tick when a test says so, and not by the thread that they share."""
    monkeypatch.setattr(ticker, "begin", lambda _: None)
