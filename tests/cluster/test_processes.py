"""Processes are told apart from later ones that got the same number."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from resilkit.cluster.processes import signal_process, start_time


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which waits for a signal."""
    code = "import signal; print(flush=True); signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.parametrize("group", [False, True])
def test_a_later_process_with_the_same_number_is_left_alone(
    process: subprocess.Popen[bytes], group: bool
) -> None:
    started = start_time(process.pid)
    assert started is not None
    assert not signal_process(process.pid, started - 1, signal.SIGKILL, group=group)
    # Had it got the signal, this would be another end.
    assert signal_process(process.pid, started, signal.SIGTERM, group=group)
    assert process.wait(20.0) == -signal.SIGTERM
    assert start_time(process.pid) is None
    assert not signal_process(process.pid, started, signal.SIGKILL, group=group)


def test_who_leads_no_group_is_not_signalled_as_one() -> None:
    code = "import signal; print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = start_time(process.pid)
        assert started is not None
        assert not signal_process(process.pid, started, 0, group=True)
        process.kill()
