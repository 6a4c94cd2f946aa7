"""Each test of a notebook gets a place of its own, and leaves it as it was."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import pytest

from tests.notebooks.notebook import Notebook, opened
from tests.scripts.place import Place, own_place

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # they read /proc


@pytest.fixture
def place() -> Iterator[Place]:
    """Folders, an environment and a tag for the processes of one test."""
    with jupyter_place() as place:
        yield place


@pytest.fixture(scope="module")
def notebook() -> Iterator[Notebook]:
    """A notebook that the tests of a module share; they leave no cluster open."""
    with jupyter_place() as place, opened(place) as notebook:
        notebook.run(SERVERS)
        yield notebook


@contextlib.contextmanager
def jupyter_place() -> Iterator[Place]:
    """Make a place where this process, which is the kernels' client, looks for them, too."""
    with own_place() as place, pytest.MonkeyPatch.context() as patch:
        for name, value in place.env.items():
            if name.startswith(("JUPYTER_", "IPYTHON")):
                patch.setenv(name, value)
        yield place


SERVERS = """
import contextlib, os, signal, threading
import psutil
from pathlib import Path
import resilkit as rk

class Counter(rk.Server):
    def init(self):
        self.value = 0
    def increment(self):
        self.value += 1
        return self.value
    def hold(self, gate):
        self.defer()
        Path(gate).write_text(".")
        return rk.NO_REPLY
    def block(self, gate):
        Path(gate).write_text(".")
        signal.sigtimedwait([], 1000)

class Slow(rk.Server):
    async def init(self, gate):
        import asyncio
        Path(gate).write_text(".")
        await asyncio.Event().wait()
"""
