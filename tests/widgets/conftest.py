"""What tests of the panels share."""

from __future__ import annotations

import pytest

from tests.widgets.outputs import Outputs


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """The outputs of a cell."""
    return Outputs(monkeypatch)
