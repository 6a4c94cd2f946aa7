"""A cluster that does not start since its launcher died says so, and blames no node."""

from __future__ import annotations

import os
import signal

import pytest

import resilkit as rk
from resilkit.cluster.session import Session


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("step", ["until_running", "until_joined"])
def test_the_launchers_death_is_named_whatever_the_cluster_waited_for(monkeypatch, step, number):
    waits = getattr(Session, step)

    async def kill_and_wait(session, name, **options):
        os.kill(session.launcher.pid, number)
        while session.nodes[name].status == "running":  # else it may have joined before it ends
            await session.nodes[name].changed.wait()
        await waits(session, name, **options)

    monkeypatch.setattr(Session, step, kill_and_wait)
    with pytest.raises(rk.StartFailed, match="could not start: the launcher died"):
        rk.Cluster(nodes=1)
