"""What holds for every test: a seedable Hypothesis, no windows, and no process left behind."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator

import hypothesis
import psutil
import pytest

from tests.bytecode import compile_packages

os.environ.setdefault("MPLBACKEND", "Agg")
# In CI each simulated run is done twice. Here are tests for that; the others count what is done.
os.environ.setdefault("RESILKIT_CHECK_DETERMINISM", "0")

# A shell starts what it runs in the background deaf to Ctrl-C, and every child inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

PATIENCE = 10.0


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # once, and not again in each worker of xdist
        compile_packages()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # Some hundred thousand objects of modules and of tests live to the end. None is garbage while
    # they are made, and a test that collects some need not look at each of them again.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_folder() -> Iterator[None]:
    """Give this run folders of its own, so that what others leave in /tmp is not taken for ours."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="rkt", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        yield
        tempfile.tempdir = before


@pytest.fixture(scope="session", autouse=True)
def _every_process_ends(_own_temporary_folder: None) -> Iterator[None]:
    """Fail the run when a process that a test started outlives the tests."""
    yield
    left = _outliving(but_launchers=True)
    # The launcher stays for the next cluster by design, and takes what it hosts along: so first
    # its nodes, and only then itself.
    if "resilkit.cluster.launcher_process" in sys.modules:
        sys.modules["resilkit.cluster.launcher_process"].end_launcher()
    left += _outliving(but_launchers=False)
    assert not left, f"processes outlived the tests that started them: {left}"


def _outliving(*, but_launchers: bool) -> list[str]:
    own = psutil.Process()
    watched = [
        child
        for child in own.children(recursive=True)
        if not _belongs_to_python(child)
        and not (but_launchers and _is_launcher(child) and child.ppid() == own.pid)
    ]
    _, alive = psutil.wait_procs(watched, timeout=PATIENCE)
    found = [f"{child.pid}: {' '.join(_command(child))[:200]}" for child in alive]
    for child in alive:
        child.kill()
    return found


def _is_launcher(process: psutil.Process) -> bool:
    """Say whether this is a launcher, or a node that it forked: those differ by their parent."""
    return any(part.endswith("cluster/boot.py") for part in _command(process))


def _belongs_to_python(process: psutil.Process) -> bool:
    """Say whether this is multiprocess's own helper, which ends with the interpreter."""
    return any("resource_tracker" in part or "forkserver" in part for part in _command(process))


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
