"""What several tests of runs again look at."""

from __future__ import annotations

import pytest

from tests.reruns.shrinks import early, quiet
from tests.reruns.systems import failing


@pytest.fixture(scope="session")
def lost():
    """The smallest case of an update that is lost: two clients who read before either writes."""
    made, _ = failing()
    return quiet(made)


@pytest.fixture(scope="session")
def early_loss():
    """The smallest case of a store that acknowledges early, and of what happens to it."""
    return quiet(early())
