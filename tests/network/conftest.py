"""Both event loops, where a test asks for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_kind(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return str(request.param)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short path (a socket's has about 100 bytes); no descriptor may be left."""
    before = _open()
    with tempfile.TemporaryDirectory(prefix="rk-") as folder:
        yield Path(folder)
    left = _open() - before
    assert not {one for one in left if "socket" in one}, f"sockets were left open: {left}"


def _open() -> set[str]:
    found = set()
    base = Path("/proc/self/fd")
    for one in base.iterdir() if base.exists() else ():
        try:
            found.add(str(one.readlink()))
        except OSError:
            continue
    return found
