"""The servers of the store, on nodes within one event loop."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

import resilkit as rk
from resilkit.apps.store.coordination import Coordination
from resilkit.apps.store.protocol import Store
from resilkit.apps.store.registers import Registers
from resilkit.runtime.storage import Storage

from .memory import MemoryCluster


def run(test, *args, **kwargs):
    async def body():
        async with MemoryCluster(*args, **kwargs) as cluster:
            return await test(cluster)

    return asyncio.run(body())


def test_what_is_put_through_one_coordinator_is_got_through_another(tmp_path):
    async def test(cluster):
        version = await cluster.coordinator("n1").call.put("k", {"a": 1})
        assert await cluster.coordinator("n3").call.get("k") == (version, {"a": 1})
        assert await cluster.coordinator("n2").call.get("other") == ((0, ""), None)

    run(test, tmp_path)


def test_many_keys_are_got_at_once(tmp_path):
    async def test(cluster):
        version = await cluster.coordinator("n1").call.put("k", 1)
        found = await cluster.coordinator("n2").call.get_many(["k", "absent", "k"])
        assert found == {"k": (version, 1), "absent": ((0, ""), None)}
        assert await cluster.coordinator("n2").call.get_many([]) == {}

    run(test, tmp_path)


@pytest.mark.parametrize("key", ["", 7, None, ["k"]])
def test_a_key_that_is_no_text_is_refused(tmp_path, key):
    async def test(cluster):
        with pytest.raises(rk.Refused, match="a key is a text"):
            await cluster.coordinator("n1").call.put(key, 1)
        with pytest.raises(rk.Refused, match="a key is a text"):
            await cluster.coordinator("n1").call.get_many([key])
        with pytest.raises(rk.Refused, match="a key is a text"):
            await cluster.coordinator("n1").call.get_many(key and "k")

    run(test, tmp_path)


def test_a_majority_goes_on_without_one_node(tmp_path):
    async def test(cluster):
        await cluster.coordinator("n1").call.put("k", "old")
        cluster.crash("n3")
        version = await cluster.coordinator("n1").call.put("k", "new")
        assert await cluster.coordinator("n2").call.get("k") == (version, "new")

    run(test, tmp_path)


def test_a_minority_refuses_at_once(tmp_path):
    async def test(cluster):
        cluster.cut("n3")
        with pytest.raises(rk.Refused, match="n3 reaches no majority"):
            await cluster.coordinator("n3").call.put("k", 1)
        with pytest.raises(rk.Refused, match="n3 reaches no majority"):
            await cluster.coordinator("n3").call.get("k")
        await cluster.coordinator("n1").call.put("k", 1)

    run(test, tmp_path)


def deafen(server, method):
    """Let a server take calls of `method` and do nothing: handlers are looked up on the class."""
    cls = type(server)
    server.__class__ = type(cls.__name__, (cls,), {"__slots__": (), method: lambda *_: None})


def test_a_put_that_no_majority_takes_ends_as_unknown_to_the_client(tmp_path):
    async def test(cluster):
        coordinator = cluster.coordinator("n1")
        # Two nodes can be reached and answer queries, but their replicas never store.
        for node in ("n2", "n3"):
            deafen(cluster.server(f"replica-{node}"), "store")
        with pytest.raises(rk.CallTimeout) as caught:
            await coordinator.call.put("k", 1)
        assert caught.value.definite is False

    run(test, tmp_path, patience=0.2)


class NeverTwice(Coordination):
    """Rules that never ask again by the clock."""

    def __init__(self, writer, replicas, *, timeout):
        super().__init__(writer, replicas, timeout=timeout, resend=60.0)


def test_a_replica_that_restarts_is_asked_again_at_once(tmp_path):
    async def test(cluster):
        for node in ("n2", "n3"):
            deafen(cluster.server(f"replica-{node}"), "query")
        put = cluster.coordinator("n1").call.put("k", 1)
        await cluster.coordinator("n1").sync()
        cluster.replica("n2").kill()
        assert (await put)[0] == 1

    run(test, tmp_path, patience=5.0, rules=NeverTwice)


def test_whole_crashes_forget_no_acknowledged_put(tmp_path):
    async def test(cluster):
        keys = [f"k{index}" for index in range(40)]
        coordinator = cluster.coordinator("n1")
        versions = await asyncio.gather(*(coordinator.call.put(key, key) for key in keys))
        for node in cluster.names:
            cluster.crash(node)
        await asyncio.gather(*(cluster.restart(node) for node in cluster.names))
        found = await cluster.coordinator("n2").call.get_many(keys)
        assert found == {key: (version, key) for key, version in zip(keys, versions, strict=True)}
        assert await coordinator.call.put("k0", "again") not in versions

    run(test, tmp_path)


def test_a_replica_that_lost_its_disk_catches_up_before_it_answers(tmp_path):
    async def test(cluster):
        cluster.crash("n3")
        version = await cluster.coordinator("n1").call.put("k", "v")
        cluster.crash("n2")
        await cluster.restart("n3")
        cluster.crash("n3", wipe=True)
        await cluster.restart("n2")
        await cluster.restart("n3")
        await cluster.replica("n3").call.ready()
        cluster.crash("n1")  # now n3 must be half of the only majority
        assert await cluster.coordinator("n2").call.get("k") == (version, "v")
        cluster.crash("n2")
        await cluster.restart("n1")
        assert await cluster.coordinator("n3").call.get("k") == (version, "v")
        state = await cluster.replica("n3").state()
        assert state["registers"].epoch == 1

    run(test, tmp_path, patience=1.0)


def test_many_puts_share_one_sync(tmp_path, monkeypatch):
    syncs = []
    append = Storage._append
    monkeypatch.setattr(
        Storage,
        "_append",
        lambda self, records: (syncs.append(len(records)), append(self, records)),
    )

    async def test(cluster):
        syncs.clear()
        coordinator = cluster.coordinator("n1")
        await asyncio.gather(*(coordinator.call.put(f"k{index}", 1) for index in range(200)))

    run(test, tmp_path)
    assert sum(syncs) >= 400, "a majority put them all on disk"
    assert len(syncs) <= 60


class Listener:
    """A coordinator to a replica: it notes what it is told."""

    def __init__(self, log):
        self.cast = self
        self._log = log

    def answered(self, answer):
        self._log.append(answer.request)


def test_what_is_stored_during_a_sync_is_answered_after_the_next_one(tmp_path, monkeypatch):
    log = []
    synced = Storage.synced

    async def test(cluster):
        replica, listener = cluster.server("replica-n1"), Listener(log)
        late = [Store("late", "k", (2, "w"), "during the sync")]

        async def slowly(storage):
            await synced(storage)
            # As if it had come while the disk was at work: this sync does not hold it.
            while late:
                replica.store(listener, late.pop())
            log.append("synced")

        monkeypatch.setattr(Storage, "synced", slowly)
        replica.store(listener, Store("early", "k", (1, "w"), "before it"))
        await cluster.replica("n1").sync()
        await cluster.replica("n1").sync()
        assert log == ["synced", "early", "synced", "late"]

    run(test, tmp_path)


def test_no_two_lives_on_one_storage_use_one_writer(tmp_path):
    async def test(cluster):
        state = await cluster.coordinator("n1").state()
        version = await cluster.coordinator("n1").call.put("k", "v")
        return str(state["here"]), version[1]

    # Whole clusters: the pids of the second one begin anew.
    (first, one), (second, other) = run(test, tmp_path), run(test, tmp_path)
    assert first == second
    assert one != other


def test_the_broken_coordinator_forgets_what_it_acknowledged(tmp_path):
    async def test(cluster):
        version = await cluster.coordinator("n1").call.put("k", "v")
        assert version[0] == 1
        cluster.crash("n1")
        return await cluster.coordinator("n2").call.get("k")

    assert run(test, tmp_path, early_ack=True) == ((0, ""), None)


def test_the_broken_coordinator_replicates_in_the_end(tmp_path):
    async def test(cluster):
        await cluster.coordinator("n1").call.put("k", "v")
        reader = cluster.coordinator("n2")
        async with asyncio.timeout(5.0):
            while (await reader.call.get("k"))[1] != "v":
                pass

    run(test, tmp_path, early_ack=True)


def test_a_server_that_dies_with_the_replica_answers_again(tmp_path):
    async def test(cluster):
        await cluster.coordinator("n1").call.put("k", 1)
        before = await cluster.coordinator("n1").state()
        cluster.replica("n1").kill()
        async with asyncio.timeout(5.0):
            after = before
            while after["here"] == before["here"]:
                await asyncio.sleep(0)  # a call of nobody fails at once, and would starve the rest
                with contextlib.suppress(rk.NoProcess, rk.ServerExit):
                    after = await cluster.coordinator("n1").state()
        assert (await cluster.coordinator("n1").call.get("k"))[1] == 1

    run(test, tmp_path)


def test_a_lost_disk_is_remembered_on_the_others_disks_before_they_send_theirs(
    tmp_path, monkeypatch
):
    sent, plain = [], Registers.snapshot

    def snapshot(registers, fetch):
        sent.append((registers.name, list(registers._storage._pending)))
        return plain(registers, fetch)

    async def test(cluster):
        cluster.crash("n3", wipe=True)
        monkeypatch.setattr(Registers, "snapshot", snapshot)
        await cluster.restart("n3")
        await cluster.replica("n3").call.ready()
        assert len(sent) >= 2
        assert all(pending == [] for _, pending in sent)

    run(test, tmp_path)
