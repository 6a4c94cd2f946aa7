"""The launcher that the tests of clusters share ends with them."""

from __future__ import annotations

import pytest

from resilkit.cluster.launcher_process import end_launcher


@pytest.fixture(scope="session", autouse=True)
def _the_launcher_ends():
    yield
    end_launcher()
