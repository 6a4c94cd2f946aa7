"""Replays: what a run on processes recorded, done again in a simulation."""

from __future__ import annotations

import json
import shutil
from itertools import count

import pytest

import resilkit as rk
from resilkit.apps import store
from resilkit.errors import InvalidArgument
from resilkit.reruns.replaying import replay
from tests.reruns.systems import Bank, bank, failing, workload
from tests.seen import HOSTILE, seen


def rows(result):
    """What was sent, with what it drew: the key of the store."""
    ordered = sorted(result.history, key=lambda row: row.intended)
    return [(round(row.intended, 6), row.operation, row.user) for row in ordered]


def keys(result):
    ordered = sorted(result.history, key=lambda row: row.intended)
    return [row.value and row.value[0] for row in ordered]


@pytest.fixture(scope="module")
def real():
    """A run on processes: a store that acknowledges early, and a node that crashes."""
    spec = rk.ClusterSpec(nodes=3)
    scenario = rk.Scenario(
        "early",
        [rk.faults.NodeCrash(at=0.6, restart_after=0.3), rk.faults.Partition("one", at=1.0)],
        criteria=["data_consistency >= 1", "availability >= 0.5"],
    )
    return rk.Experiment(
        spec, system=store.Store(early_ack=True), workload=store.workload(spec.names, rate=100.0),
        scenario=scenario, duration=1.5, warmup=0.2, seed=5,
    ).run(progress=False)  # fmt: skip


@pytest.fixture(scope="module")
def folder(real, tmp_path_factory):
    return real.save(tmp_path_factory.mktemp("runs") / "real")


@pytest.fixture(scope="module")
def again(folder):
    return replay(folder)


def test_the_operations_are_those_of_the_run_with_their_draws(real, again):
    assert real.passed is False
    assert rows(again.result) == rows(real)
    pairs = [(a, b) for a, b in zip(keys(real), keys(again.result), strict=True) if a and b]
    assert len(pairs) > 100
    assert all(a == b for a, b in pairs)


def test_the_faults_are_those_of_the_run_where_and_when_they_really_were(real, again):
    crash, cut = again.experiment.scenario.faults
    events = real.events.frame("fault")
    injected = events[events["event"] == "injected"]
    assert list(crash.targets) == [injected["target"].iloc[0]]
    assert crash.at == pytest.approx(injected["time"].iloc[0] - 0.2, abs=1e-5)
    assert (crash.restart_after, cut.kind, cut.duration) == (0.3, "custom", None)


def test_it_is_judged_by_the_same_criteria_and_says_what_failed_again(real, again):
    assert again.reproduced is True
    assert again.criteria == {"data_consistency >= 1": True, "audit": True}
    told = "Of 2 criteria that failed in the run: data_consistency >= 1 and audit failed again in"
    assert told in again.sentence()
    frame = again.frame()
    assert list(frame["criterion"][:2]) == ["data_consistency >= 1", "availability >= 0.5"]
    assert list(frame["run"][:2]) == list(frame["replay"][:2]) == ["fail", "pass"]
    assert list(frame["reproduced"][:2]) == [True, None]
    assert again.result.backend == "simulation"
    assert not again.exact


def test_it_says_honestly_that_no_real_run_is_replayed_bit_for_bit(again):
    assert "cannot be replayed bit for bit" in again.sentence()
    assert "failed again in the simulation" in again.sentence()
    text = seen(again)
    assert "✗ failed again" in text
    assert again.sentence() in text


def test_a_display_says_fault_of_one_and_faults_of_none():
    shop = store.workload(["n1"], rate=20.0)
    cut = rk.faults.NodePause(at=0.1, duration=0.1)
    for given, words in (([cut], "1 fault, seed 5"), ([], "0 faults, seed 5")):
        run = rk.Experiment(
            rk.ClusterSpec(nodes=1), system=store.Store(), workload=shop, duration=0.5, seed=5,
            scenario=rk.Scenario("brief", given, criteria=["availability >= 0"]),
        ).run("simulation", progress=False)  # fmt: skip
        assert f" operations, {words}" in seen(replay(run))


def test_a_live_result_is_replayed_as_a_saved_one(real, again):
    live = replay(real)
    assert live.result.fingerprint == again.result.fingerprint
    assert repr(live) == repr(again)


def test_another_seed_or_schedule_is_another_order_with_the_same_draws(real, again):
    other = replay(real, seed=99, schedule="random")
    assert other.result.fingerprint != again.result.fingerprint
    assert rows(other.result) == rows(real)
    assert keys(other.result)[:20] == keys(real)[:20]


def test_a_replay_can_be_run_again_and_changed(again):
    calm = again.experiment.changed(scenario=rk.Scenario("calm", criteria=["availability >= 1"]))
    verdicts = calm.run("simulation", progress=False).verdicts
    assert list(verdicts["verdict"][:1]) == ["pass"]


# Simulated runs -----------------------------------------------------------------------------------


def test_a_simulated_run_is_replayed_step_for_step(tmp_path):
    _, result = failing()
    folder = result.save(tmp_path / "run")
    for one in (result, folder):
        found = replay(one)
        assert found.exact
        assert found.reproduced is True
        assert "step for step" in found.sentence()


@pytest.mark.parametrize("saved", [False, True])
def test_what_is_given_as_the_run_had_it_changes_nothing(saved, tmp_path):
    made, result = failing()
    run = result.save(tmp_path / "run") if saved else result
    for given in ({"seed": made.seed}, {"system": Bank()}, {"schedule": result.schedule}):
        found = replay(run, **given)
        assert found.exact, given
        assert "step for step" in found.sentence()
        assert found.why_listed == ""


def test_the_seed_of_a_simulation_is_that_of_its_cluster_where_that_has_one():
    made = bank().changed(cluster=rk.ClusterSpec(nodes=2, seed=0))
    result = made.run("simulation", progress=False)
    assert replay(result, seed=0).exact
    other = replay(result, seed=made.seed)
    assert other.why_listed == "another seed was asked for"
    assert replay(result, schedule="fifo").experiment.cluster.seed == 0


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (lambda: {"seed": 99}, "another seed was asked for"),
        (lambda: {"schedule": "fifo"}, "another schedule was asked for"),
        (lambda: {"workload": workload()}, "a workload was given"),
        (
            lambda: {"seed": 99, "schedule": "pct"},
            "another seed was asked for and another schedule was asked for",
        ),
    ],
)
def test_a_simulated_run_that_is_not_simply_run_again_says_why(given, why):
    found = replay(failing()[1], **given())
    assert not found.exact
    assert f"was not simply run again, since {why}: the operations, their draws" in found.sentence()
    assert "another thing happened" not in found.sentence()


def test_a_simulated_run_whose_experiment_cannot_be_had_again_says_so(tmp_path):
    folder = failing()[1].save(tmp_path / "run")
    manifest = folder / "manifest.json"
    about = json.loads(manifest.read_text())
    about["recipes"].pop("scenario")
    manifest.write_text(json.dumps(about))
    found = replay(folder)
    assert "since its own experiment cannot be had again:" in found.sentence()


def test_a_simulated_run_of_other_code_says_that_another_thing_happened():
    class Slow(Bank):
        def applications(self, nodes):
            return super().applications(nodes[::-1])

    found = replay(failing()[1], system=Slow())
    assert not found.exact
    assert "was run again, but another thing happened: by other code, or" in found.sentence()


def test_what_does_not_show_in_the_simulation_is_said_plainly():
    # With all messages equally fast, no two clients are between their reading and their writing.
    found = replay(failing()[1], schedule="fifo")
    assert found.reproduced is False
    assert found.criteria == {"data_consistency >= 1": False}
    assert "data_consistency >= 1, did not fail in the simulation" in found.sentence()
    assert "✓ did not show" in seen(found)


def test_a_run_that_failed_nothing_says_so():
    calm = bank(rate=2.0).run("simulation", progress=False)
    found = replay(calm)
    assert (found.reproduced, found.criteria) == (None, {})
    assert found.sentence().startswith("Nothing failed in the run")
    assert "nothing had failed" in repr(found)


def test_a_closed_loop_stays_one():
    made = bank(workload=rk.Workload(workload().operations, rk.arrivals.closed(3, 0.05)))
    result = made.run("simulation", progress=False)
    found = replay(result, schedule="pct")
    assert found.result.closed_loop
    assert found.experiment.workload.arrivals.loop == "closed"
    assert len(found.result.history) == len(result.history)


def test_the_draws_that_a_list_gives_are_those_of_the_replay():
    listed = [(0.1, "add", 1, 3), (0.1, "add", 0, (14, 3)), (0.2, "look"), (0.3, "add", 1, 0)]
    run = bank(workload=workload(rk.arrivals.explicit(listed)), duration=0.5).run(
        backend="simulation", progress=False
    )
    # By another seed, so that it is not the run's own experiment that is run again.
    again = replay(run, seed=99)
    due = again.experiment.workload.arrivals.due
    assert [one.draws for one in due] == [3, (14, 3), None, 0]
    assert [row.value for row in again.result.history] == [row.value for row in run.history]


def test_operations_that_were_never_sent_are_left_out_and_told():
    busy = rk.Workload(workload().operations, rk.arrivals.constant(1000), max_in_flight=1)
    result = bank(workload=busy).run("simulation", progress=False)
    found = replay(result, schedule="fifo")
    assert any("that the run never sent are left out" in note for note in found.notes)
    assert len(found.experiment.workload.arrivals.listed) < len(result.history)


def test_a_run_that_was_ended_early_ends_early_again():
    made = bank(scenario=rk.Scenario("b", criteria=["error_rate > 1 %"], abort_on_breach=True),
                duration=20.0)  # fmt: skip
    result = made.run("simulation", progress=False)
    assert result.ran < 19.0
    found = replay(result, schedule="fifo")
    assert found.result.ran == pytest.approx(result.ran)
    assert "the run ended after" in found.notes[0]


# What a run does not say --------------------------------------------------------------------------


def of_a_notebook():
    class Account(rk.Server):
        def init(self):
            self.value = 0

        def get(self):
            return self.value

        def put(self, value):
            self.value = value

    spec = rk.SupervisorSpec("bank", [rk.ChildSpec(Account, name="account")])
    return bank(system=spec)


def test_a_system_of_a_notebook_is_asked_for(tmp_path):
    made = of_a_notebook()
    folder = made.run("simulation", progress=False).save(tmp_path / "run")
    with pytest.raises(
        InvalidArgument, match=r"Account was defined in a function.*system="
    ) as caught:
        replay(folder)
    assert caught.value.path == "system"
    assert replay(folder, system=made.system).result.passed is None


def test_a_workload_of_a_notebook_is_asked_for(tmp_path):
    async def look(user):
        return await user.whereis("account").call.get()

    made = bank(workload=rk.Workload([rk.Operation("look", look)], rk.arrivals.constant(20)))
    folder = made.run("simulation", progress=False).save(tmp_path / "run")
    with pytest.raises(InvalidArgument, match="workload=") as caught:
        replay(folder)
    assert caught.value.path == "workload"
    found = replay(folder, workload=made.workload)
    assert len(found.result.history) == 20


def old(folder, target):
    """A copy of a saved run as an older version would have saved it."""
    shutil.copytree(folder, target)
    manifest = target / "manifest.json"
    told = json.loads(manifest.read_text())
    for name in ("recipes", "backend", "schedule", "fingerprint"):
        del told[name]
    manifest.write_text(json.dumps(told))
    return target


def test_a_run_of_an_older_version_asks_for_what_it_lacks(folder, tmp_path):
    before = old(folder, tmp_path / "old")
    with pytest.raises(InvalidArgument, match="an older version saved it") as caught:
        replay(before)
    assert caught.value.path == "workload"
    load = store.workload(["n1", "n2", "n3"])
    with pytest.raises(InvalidArgument, match=r"it was resilkit.+:Store") as caught:
        replay(before, workload=load)
    assert caught.value.path == "system"
    found = replay(before, workload=load, system=store.Store(early_ack=True))
    assert found.reproduced is True


def test_a_module_that_an_older_version_names_is_imported(tmp_path):
    from tests.experiment import systems

    made = rk.Experiment(2, system=systems, workload=systems.workload(["n1", "n2"]), duration=0.5)
    before = old(made.run("simulation", progress=False).save(tmp_path / "new"), tmp_path / "old")
    assert replay(before, workload=made.workload).experiment.system is systems


@pytest.mark.parametrize(
    ("path", "work"),
    [
        ("run", lambda _: replay(5)),
        ("path", lambda _: replay("no/such/run")),
        ("workload", lambda run: replay(run, workload=5)),
        ("workload", lambda run: replay(run, workload=store.workload())),
        ("schedule", lambda run: replay(run, schedule="lifo")),
        ("seed", lambda run: replay(run, seed=-1)),
        ("system", lambda run: replay(run, system=5)),
    ],
    ids=count(),
)
def test_a_bad_argument_is_refused_with_the_path(path, work):
    run = bank(duration=0.3).run("simulation", progress=False)
    with pytest.raises(InvalidArgument) as caught:
        work(run)
    assert caught.value.path == path


def test_names_are_escaped():
    made = bank(name=HOSTILE, scenario=rk.Scenario(HOSTILE, criteria=["error_rate > 1 %"]))
    text = replay(made.run("simulation", progress=False))
    assert HOSTILE in seen(text)


def test_a_system_that_is_given_is_the_one_that_runs():
    result = bank().run("simulation", progress=False)

    class Safe(Bank):
        def audit(self, cluster, history):
            return None

    found = replay(result, system=Safe())
    assert found.experiment.parts.audit.__qualname__.endswith("Safe.audit")
