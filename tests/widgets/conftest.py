"""What tests of the panels share."""

from __future__ import annotations

import pytest

from resilkit_widgets import ticker
from tests.widgets.outputs import Outputs, Shell


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """The outputs of a cell."""
    return Outputs(monkeypatch)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The shell of the kernel, where nothing ticks."""
    made = Shell()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: made)
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    return made
