"""Each test of a script gets a place of its own, and leaves it as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.scripts.place import Place, own_place

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # they read /proc


@pytest.fixture
def place() -> Iterator[Place]:
    """Folders, an environment and a tag for the processes of one test."""
    with own_place() as place:
        yield place
