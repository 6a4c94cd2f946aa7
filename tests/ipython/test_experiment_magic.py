"""`%run_experiment`: runs an experiment of the notebook, shows it and keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

import resilkit as rk
from resilkit.cluster.open_clusters import open_clusters
from resilkit.errors import StorageError
from resilkit.experiment import figures
from tests.ipython.conftest import Shell
from tests.ipython.experiments import small


@pytest.fixture(autouse=True)
def _small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_WIDTHS", {"wide": 400})


def test_an_experiment_runs_and_its_result_is_shown_kept_saved_and_reported(
    shell: Shell, tmp_path: Path
) -> None:
    shell.names["experiment"] = small()
    shown = shell.run("%run_experiment experiment --quiet --save 'my runs/one' --report r.html")
    assert shown is shell.names["result"]
    assert shown.passed is True
    assert rk.load("my runs/one").seed == 7
    assert "availability" in (tmp_path / "r.html").read_text("utf-8")
    assert "the report is" in shell.told
    assert open_clusters() == []


def test_it_can_run_on_a_cluster_that_goes_on_and_end_as_soon_as_a_criterion_is_broken(
    shell: Shell,
) -> None:
    cluster = shell.run("%cluster start 1")
    never = rk.Scenario("never", criteria=["p50 <= 1 ns"])
    shell.names["experiment"] = small(scenario=never, duration=30.0)
    line = "%run_experiment experiment --cluster cluster --abort-on-breach --as mine --quiet"
    result = shell.run(line)
    assert shell.names["mine"] is result
    assert result.passed is not True
    assert result.ran < 30.0
    assert not cluster.closed


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "the following arguments are required: EXPERIMENT"),
        ("nothing", "there is no 'nothing' in this notebook"),
        ("number", "'number' is no Experiment"),
        ("experiment --sve x", "unrecognized arguments: --sve x"),
        ("experiment --save taken", "--save: "),
        ("experiment --report taken", "--report: is a folder"),
        ("experiment --cluster nothing", "there is no 'nothing'"),
        ("experiment --as 2x", "no name of a variable"),
        ("experiment --as None", "no name of a variable"),
    ],
)
def test_a_slip_is_told_in_short_before_anything_runs(
    shell: Shell, tmp_path: Path, line: str, words: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").touch()
    shell.names.update(experiment=small(), number=3)
    assert words in shell.refused(f"%run_experiment {line}")
    assert shell.names["experiment"].last is None


def test_a_disk_that_refuses_does_not_lose_the_result(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: rk.Result, path: Path) -> Path:
        raise StorageError("the run could not be saved: No space left on device")

    monkeypatch.setattr(rk.Result, "save", refuse)
    shell.names["experiment"] = small()
    told = shell.refused("%run_experiment experiment --quiet --save one --report r.html")
    assert "No space left on device (the result is in `result`)" in told
    assert "the report is" in told
    assert shell.names["result"].passed is True


def test_an_interrupt_leaves_what_was_measured(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.names["experiment"] = experiment = small()
    ran = experiment.run(progress=False)

    def interrupted(self: rk.Experiment, **_: object) -> rk.Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(rk.Experiment, "run", interrupted)
    assert "measured until then is in `result`" in shell.refused("%run_experiment experiment")
    assert shell.names["result"] is ran
    shell.names["fresh"] = small()
    assert "before the load began" in shell.refused("%run_experiment fresh")


def test_a_server_that_does_not_start_is_told_with_its_own_lines(shell: Shell) -> None:
    class Picky(rk.Server):
        def init(self) -> None:
            raise ValueError("I do not want to")

        def increment(self) -> None:
            """Do nothing."""

    system = rk.SupervisorSpec("s", [rk.ChildSpec(Picky, name="counter")])
    shell.names["experiment"] = small(system=system)
    told = shell.refused("%run_experiment experiment --quiet")
    assert "ValueError: I do not want to" in told
    assert "in init" in told
