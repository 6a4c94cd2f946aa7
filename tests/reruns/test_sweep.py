"""Sweeps: an experiment over many seeds, in this process and in workers."""

from __future__ import annotations

import json
from functools import partial
from itertools import count

import psutil
import pytest

import resilkit as rk
from resilkit.apps import store
from resilkit.errors import InvalidArgument, StartFailed
from resilkit.reruns import crew, ledger, sweeping
from resilkit.reruns.sweeping import sweep
from tests.reruns.systems import Unstartable, bank, die, spin, stuck, workload


def here(experiment, **options):
    return sweep(experiment, **{"seeds": 6, "processes": 1, "progress": False, **options})


def of_all_times(frame):
    return frame.drop(columns="wall")


@pytest.fixture(scope="module")
def found():
    return here(bank(), seeds=12)


def test_failing_seeds_stand_first_in_their_order(found):
    assert sorted(found["seed"]) == list(range(12))
    assert {True, False} == set(found["passed"])
    assert list(found["passed"]) == sorted(found["passed"])
    for _, rows in found.groupby("passed"):
        assert list(rows["seed"]) == sorted(rows["seed"])


def test_a_row_has_what_was_measured_and_what_failed(found):
    failing = found[~found["passed"].astype(bool)]
    assert set(failing["failed"]) == {"data_consistency >= 1"}
    assert (failing["data_consistency >= 1"] < 1).all()
    assert (found[found["passed"].astype(bool)]["data_consistency >= 1"] == 1).all()
    assert (found["operations"] > 20).all()
    assert (found["errors"] == 0).all()
    assert (found["ran"] == 1.0).all()
    assert (found["wall"] > 0).all()
    assert set(found["error"]) == {""}


@pytest.fixture
def left():
    """Return which processes came and have not ended; one that clusters keep was there before."""
    before = psutil.Process().children()
    return lambda: [child for child in psutil.Process().children() if child not in before]


def test_the_run_of_a_row_is_the_run_of_its_seed(found):
    row = found.iloc[0]
    result = bank().changed(seed=int(row["seed"])).run("simulation", progress=False)
    assert result.passed is False
    assert result.verdicts["measured"][0] == row["data_consistency >= 1"]
    assert len(result.history) == row["operations"]


def test_the_seed_decides_also_where_the_cluster_has_one_of_its_own(found):
    own = here(bank().changed(cluster=rk.ClusterSpec(nodes=2, seed=99)), seeds=12)
    assert of_all_times(own).equals(of_all_times(found))


def test_workers_find_what_this_process_finds(found, left):
    spread = sweep(bank(), seeds=12, processes=2, progress=False)
    assert of_all_times(spread).equals(of_all_times(found))
    assert spread.attrs["processes"] == 2
    assert left() == []


def test_what_a_script_defines_travels_to_the_workers():
    # As in a notebook: a class and a function that no worker could import.
    class Local(rk.Server):
        def init(self):
            self.value = 0

        def touch(self):
            self.value += 1
            return self.value

    async def touch(user):
        return await user.whereis("local").call.touch()

    experiment = rk.Experiment(
        1,
        system=rk.SupervisorSpec("locals", [rk.ChildSpec(Local, name="local")]),
        workload=rk.Workload([rk.Operation("touch", touch)], rk.arrivals.constant(20)),
        scenario=rk.Scenario("calm", criteria=["error_rate < 50 %"]),
        duration=1.0,
    )
    frame = sweep(experiment, seeds=2, processes=2, progress=False)
    assert list(frame["error"]) == ["", ""]
    assert list(frame["passed"]) == [True, True]


def test_a_worker_that_dies_costs_its_seed_alone():
    frame = sweep(bank(operation=die), seeds=8, processes=2, progress=False)
    lost = frame[frame["error"] != ""]
    assert 0 < len(lost) < len(frame)
    assert all("ended with status 3" in why for why in lost["error"])
    assert sorted(frame["seed"]) == list(range(8))
    assert set(lost["passed"]) == {None}


def test_a_seed_whose_worker_died_took_the_time_that_this_was_busy_with_it(monkeypatch):
    monkeypatch.setattr(crew.Crew, "do", lambda *_, **__: [((0, 1), crew.Lost("it died", 1.5))])
    frame = sweep(bank(), seeds=2, processes=2, progress=False)
    assert list(frame[["seed", "wall", "error"]].iloc[0]) == [1, 1.5, "it died"]


def test_a_run_that_fails_by_itself_says_why_and_where():
    broken = bank().changed(system={"n1": Unstartable}, workload=workload())
    frame = here(broken, seeds=2)
    assert all(why.startswith("StartFailed") and "cannot begin" in why for why in frame["error"])
    assert frame["ran"].isna().all()


@pytest.mark.parametrize("operation", [spin, stuck])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_that_takes_too_long_is_ended_and_says_so(processes, operation, monkeypatch):
    told = []
    monkeypatch.setattr(crew, "_SLACK", 100.0)  # by itself: nobody has to kill its process
    options = {"seeds": 2, "processes": processes, "timeout": 0.1, "on_progress": told.append}
    frame = here(bank(operation=operation), **options)
    assert list(frame["error"]) == ["time was up after 0.1 s"] * 2
    assert told[-1].startswith("2 of 2 seeds, 0 failed, 2 out of time")


def test_a_worker_that_does_not_end_a_run_whose_time_is_up_is_killed_and_the_row_says_so(
    monkeypatch,
):
    monkeypatch.setattr(crew, "_SLACK", 0.0)
    # The worker itself gives it all the time that there is; the crew does not.
    monkeypatch.setattr(sweeping, "Crew", partial(impatient, 0.1))
    frame = here(bank(operation=spin), seeds=2, processes=2)
    words = "time was up after 0.1 s, and its process had to be killed"
    assert list(frame["error"]) == [words] * 2


def impatient(seconds, *args, **options):
    return crew.Crew(*args, **{**options, "timeout": seconds})


def test_nothing_is_begun_after_enough_have_failed(found):
    first = min(found[~found["passed"].astype(bool)]["seed"])
    frame = here(bank(), seeds=12, stop_after=1)
    assert frame["seed"][0] == first
    assert sorted(frame["seed"]) == list(range(first + 1))
    assert frame.attrs["done"] == first + 1 < frame.attrs["runs"]


def test_parameters_are_tried_in_every_combination():
    def make(rate, name):
        return bank(rate=rate).changed(name=name)

    frame = here(make, seeds=2, parameters={"rate": [5.0, 80.0], "name": ["a", "b"]})
    assert list(frame.columns[:3]) == ["rate", "name", "seed"]
    rows = sorted(zip(frame["rate"], frame["name"], frame["seed"], strict=True))
    assert rows == [(r, n, s) for r in (5.0, 80.0) for n in "ab" for s in (0, 1)]
    assert frame.groupby("rate")["operations"].sum().is_monotonic_increasing


def test_the_frame_says_what_was_run(found):
    about = found.attrs
    assert (about["experiment"], about["seeds"], about["backend"]) == ("bank", 12, "simulation")
    assert (about["done"], about["interrupted"]) == (12, False)
    assert about["description"]["duration"] == 1.0


def test_it_tells_how_far_it_is(monkeypatch):
    told = []
    monkeypatch.setattr(sweeping.Line, "end", lambda _, done, text: told.append((done, text)))
    frame = here(bank(), seeds=4)
    failed = int((~frame["passed"].astype(bool)).sum())
    assert told[-1] == (4, f"4 of 4 seeds, {failed} failed")


# Interrupted and taken up again -------------------------------------------------------------------


def interrupting(monkeypatch, after):
    def interrupt(self, done, text):
        if done >= after:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(sweeping.Line, "tell", interrupt)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupt_keeps_what_is_done(monkeypatch, processes, left):
    interrupting(monkeypatch, 2)
    frame = here(bank(), seeds=50, processes=processes)
    assert len(frame) == 2
    assert frame.attrs["interrupted"]
    assert left() == []


def test_a_sweep_goes_on_where_it_was_interrupted(monkeypatch, tmp_path, found):
    folder = tmp_path / "sweep"
    interrupting(monkeypatch, 3)
    assert len(here(bank(), seeds=12, resume=folder)) == 3
    runs = []
    real = sweeping.run_seed

    def run_seed(experiment, seed, where):
        runs.append(seed)
        return real(experiment, seed, where)

    monkeypatch.setattr(sweeping, "run_seed", run_seed)
    frame = here(bank(), seeds=12, resume=folder)
    assert runs == list(range(3, 12))
    assert of_all_times(frame).equals(of_all_times(found))
    assert here(bank(), seeds=range(4, 6), resume=str(folder))["seed"].isin([4, 5]).all()
    assert len(runs) == 9


def test_seeds_whose_time_was_up_are_run_again(tmp_path):
    late = here(bank(), seeds=3, resume=tmp_path, timeout=1e-9)
    assert list(late["error"]) == ["time was up after 1e-09 s"] * 3
    assert here(bank(), seeds=range(1, 3), resume=tmp_path)["error"].tolist() == ["", ""]
    # Of two rows of a seed in the folder the later one holds.
    frame = here(bank(), seeds=3, resume=tmp_path, timeout=1e-9)
    assert list(frame["seed"][frame["error"] != ""]) == [0]


def test_a_row_that_a_kill_has_torn_is_run_again(tmp_path):
    here(bank(), seeds=3, resume=tmp_path)
    rows = tmp_path / "seeds.jsonl"
    whole = rows.read_text()
    rows.write_text(whole[:-20])
    assert len(here(bank(), seeds=3, resume=tmp_path)) == 3
    assert [json.loads(line)["key"][1] for line in rows.read_text().splitlines()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("other", "part"),
    [
        (lambda: bank(rate=41.0), "workload"),
        (lambda: bank(rk.faults.NodePause(at=0.5, duration=0.1)), "scenario"),
        (lambda: bank(duration=1.5), "duration"),
        (lambda: bank(operation=die), "workload"),
        (lambda: bank().changed(cluster=3), "cluster"),
    ],
    ids=["workload", "scenario", "duration", "operation", "cluster"],
)
def test_the_sweep_of_something_else_is_refused_with_what_differs(tmp_path, other, part):
    here(bank(), seeds=1, resume=tmp_path)
    with pytest.raises(InvalidArgument, match=f"another .*{part}") as caught:
        here(other(), seeds=1, resume=tmp_path)
    assert caught.value.path == "resume"


def test_other_code_of_a_server_or_an_operation_is_refused(tmp_path, monkeypatch):
    here(bank(), seeds=1, resume=tmp_path)
    here(bank(seed=8), seeds=1, resume=tmp_path)

    class Account(rk.Server):
        def init(self):
            self.value = 0

    monkeypatch.setattr("tests.reruns.systems.Account", Account)
    with pytest.raises(InvalidArgument, match="another code"):
        here(bank(), seeds=1, resume=tmp_path)


def test_another_schedule_is_another_sweep(tmp_path):
    here(bank(), seeds=1, resume=tmp_path)
    with pytest.raises(InvalidArgument, match="another schedule"):
        here(bank(), seeds=1, resume=tmp_path, schedule="fifo")


def test_a_folder_of_something_else_is_refused_and_untouched(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="holds something else"):
        here(bank(), seeds=1, resume=tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InvalidArgument, match="is no folder"):
        here(bank(), seeds=1, resume=tmp_path / "mine.txt")


def test_two_sweeps_at_once_in_one_folder_are_refused(tmp_path, monkeypatch):
    inner = []

    def tell(self, done, text):
        with pytest.raises(InvalidArgument, match="in use") as caught:
            here(bank(), seeds=1, resume=tmp_path)
        inner.append(caught.value)

    monkeypatch.setattr(sweeping.Line, "tell", tell)
    here(bank(), seeds=1, resume=tmp_path)
    assert len(inner) == 1


def test_a_folder_is_taken_before_its_rows_are_read(tmp_path, monkeypatch):
    # Who reads the rows first, and writes after another has, cuts off what that one wrote.
    here(bank(), seeds=2, resume=tmp_path)
    real = ledger._read

    def while_another_begins(path):
        monkeypatch.setattr(ledger, "_read", real)
        with pytest.raises(InvalidArgument, match="in use"):
            here(bank(), seeds=4, resume=tmp_path)
        return real(path)

    monkeypatch.setattr(ledger, "_read", while_another_begins)
    here(bank(), seeds=3, resume=tmp_path)
    lines = (tmp_path / "seeds.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"][1] for line in lines] == [0, 1, 2]


def test_of_two_sweeps_that_begin_in_a_new_folder_one_is_refused(tmp_path, monkeypatch):
    real = ledger.write_file

    def while_another_begins(target, content):
        monkeypatch.setattr(ledger, "write_file", real)
        with pytest.raises(InvalidArgument, match="in use"):
            here(bank(rate=9.0), seeds=1, resume=tmp_path)
        return real(target, content)

    monkeypatch.setattr(ledger, "write_file", while_another_begins)
    assert len(here(bank(), seeds=1, resume=tmp_path)) == 1
    assert len(here(bank(), seeds=2, resume=tmp_path)) == 2


@pytest.mark.parametrize("name", ["seeds.jsonl", "sweep.json"])
def test_a_file_of_somebody_else_with_a_name_of_ours_stays_as_it_is(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InvalidArgument, match="holds something else"):
        here(bank(), seeds=1, resume=tmp_path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(name, "mine")]


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "work"),
    [
        ("experiment", lambda: here(5)),
        ("experiment", lambda: here(lambda: 5)),
        ("experiment.system", lambda: here(rk.Experiment(2, system=None, workload=workload()))),
        ("seeds", lambda: here(bank(), seeds=[])),
        ("seeds", lambda: here(bank(), seeds="abc")),
        ("seeds", lambda: here(bank(), seeds=0)),
        ("seeds[1]", lambda: here(bank(), seeds=[1, -1])),
        ("seeds[0]", lambda: here(bank(), seeds=[1.5])),
        ("seeds", lambda: here(bank(), seeds=10**30)),
        ("seeds", lambda: here(bank(), seeds=count())),
        ("on_progress", lambda: here(bank(), seeds=1, on_progress=3)),
        ("processes", lambda: here(bank(), processes=0)),
        ("timeout", lambda: here(bank(), timeout=0)),
        ("stop_after", lambda: here(bank(), stop_after=0)),
        ("progress", lambda: here(bank(), progress=1)),
        ("backend", lambda: here(bank(), backend="simulator")),
        ("schedule", lambda: here(bank(), schedule="lifo")),
        ("parameters", lambda: here(bank, parameters=[])),
        ("parameters.rate", lambda: here(bank, parameters={"rate": 5})),
        ("experiment", lambda: here(bank(), parameters={"rate": [5]})),
    ],
    ids=count(),
)
def test_a_bad_argument_is_refused_with_the_path(path, work):
    with pytest.raises(InvalidArgument) as caught:
        work()
    assert caught.value.path == path


def test_a_module_as_the_system_is_swept_in_workers():
    load = rk.Workload([rk.Operation.call("coordinator-n1", "get", "x")], rk.arrivals.constant(20))
    made = rk.Experiment(3, system=store, workload=load, duration=0.3, seed=1)
    found = sweep(made, seeds=2, processes=2, progress=False)
    assert list(found["error"]) == ["", ""]
    assert (found["operations"] > 0).all()


def test_a_worker_that_cannot_read_the_experiment_ends_the_sweep_at_once(monkeypatch, left):
    monkeypatch.setattr(sweeping, "by_value_or_refuse", lambda _: b"no pickle")
    with pytest.raises(StartFailed, match="cannot read the experiment"):
        sweep(bank(), seeds=5, processes=2, progress=False)
    assert left() == []
