"""What a simulated server would do to the process of whoever drives it: refused, or told of."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk

REFUSED: dict[str, Callable[[], Any]] = {
    "signal": lambda: signal.signal(signal.SIGUSR1, signal.SIG_DFL),
    "alarm": lambda: signal.alarm(3600),
    "setitimer": lambda: signal.setitimer(signal.ITIMER_PROF, 3600.0),
    "pthread_sigmask": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]),
    "set_wakeup_fd": lambda: signal.set_wakeup_fd(-1),
}

TOLD: dict[str, Callable[[], Any]] = {
    "os.chdir": lambda: os.chdir(Path.cwd()),
    "os.umask": lambda: os.umask(0o022),
    "os.putenv": lambda: os.environ.__setitem__("RESILKIT_TEST_OF_SHARING", "1"),
    "os.unsetenv": lambda: os.environ.__delitem__("RESILKIT_TEST_OF_SHARING"),
}


class Reaching(rk.Server):
    def refused(self, name: str) -> str:
        try:
            REFUSED[name]()
        except rk.Unavailable as error:
            return str(error)
        return ""

    def told(self, name: str) -> None:
        TOLD[name]()


@pytest.mark.parametrize("name", REFUSED)
def test_signal_handlers_and_alarms_are_refused(name: str) -> None:
    def state() -> object:
        return signal.getsignal(signal.SIGUSR1), signal.pthread_sigmask(signal.SIG_BLOCK, [])

    before = state()
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        said = cluster.start(Reaching).call.refused(name)
        assert f"signal.{name} would be for the process that runs the simulation" in said
        assert "self.send_after()" in said
    assert (
        signal.getsignal(signal.SIGUSR1),
        signal.pthread_sigmask(signal.SIG_BLOCK, []),
    ) == before
    assert signal.setitimer(signal.ITIMER_PROF, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize("name", TOLD)
def test_what_changes_the_process_of_all_nodes_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESILKIT_TEST_OF_SHARING", "0")
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        reaching = cluster.start(Reaching)
        with pytest.warns(UserWarning, match=rf"{name} was used .* changes the process that runs"):
            reaching.call.told(name)
