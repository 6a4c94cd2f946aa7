"""`resilkit replay` and `resilkit shrink`: a saved run, done again and made small."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from resilkit.cli import rerunning
from resilkit.reruns import shrinking
from tests.cli.test_commands import refuses, run
from tests.reruns.systems import bank, failing

ROOT = Path(__file__).parents[2]
LOST = "data_consistency >= 1"

SHOP = """\
import resilkit as rk

class Shop(rk.Server):
    def init(self):
        self.stock = 3
    def buy(self):
        self.stock -= 1
        return 1 / self.stock

system = rk.ChildSpec(Shop, name="shop")
workload = rk.Workload([rk.Operation.call("shop", "buy")], rk.arrivals.constant(10.0))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    _, result = failing()
    return result.save(tmp_path_factory.mktemp("runs") / "lost"), result


@pytest.fixture
def lost(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return saved[0]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A run of a system that stands in a file, in a folder of its own."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a_shop.py").write_text(SHOP)
    scenario = tmp_path / "sale.yaml"
    scenario.write_text(
        "name: sale\nduration: 600 ms\nfaults: []\ncriteria: ['error_rate < 1 %']\n"
    )
    system = tmp_path / "code" / "a_shop.py"
    folder = tmp_path / "run"
    given = ["--system", system, "--nodes", 2, "--backend", "simulation", "--seed", 3]
    assert run("run", scenario, *given, "--save", folder).returncode == 1
    monkeypatch.setattr(sys, "path", list(sys.path)[1:])
    sys.modules.pop("a_shop", None)
    shutil.move(tmp_path / "code", tmp_path / "moved")
    yield folder, tmp_path / "moved" / "a_shop.py"
    sys.modules.pop("a_shop", None)


def test_a_replay_tells_the_verdicts_and_whether_it_failed_again(lost, saved):
    done = run("replay", lost)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    assert "  ✗ data_consistency >= 1" in done.stdout
    assert "failed again in the simulation" in done.stdout
    assert "step for step: the fingerprints agree" in done.stdout
    document = json.loads(run("replay", lost, "--json").stdout)
    assert document["fingerprint"] == saved[1].fingerprint
    assert (document["reproduced"], document["exact"]) == (True, True)
    assert document["rerun"] == f"resilkit replay {lost}"
    failed = [row["criterion"] for row in document["criteria"] if row["reproduced"]]
    assert failed == [LOST]


def test_a_replay_takes_another_seed_and_writes_a_report(lost, tmp_path):
    given = ["--seed", 4, "--schedule", "fifo", "--report", "again.html"]
    document = json.loads(run("replay", lost, *given, "--json").stdout)
    assert document["schedule"] == "fifo"
    assert document["exact"] is False
    assert document["rerun"].endswith("--seed 4 --schedule fifo")
    assert "--seed 4 --schedule fifo" in (tmp_path / "again.html").read_text("utf-8")


def test_a_run_that_fails_becomes_a_small_one_with_a_script_that_fails(lost, tmp_path):
    done = run("shrink", lost, "--out", "found.py")
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[0] == "bank, made small"
    assert done.stdout.splitlines()[:2] == ["          0 s  add  (by user 0)"] * 2
    assert "35 operations, 0 faults → 2 operations, 0 faults (" in done.stdout
    assert "run once more at the end, it failed again" in done.stdout
    assert done.stdout.splitlines()[-1] == "The script is found.py."
    ended = subprocess.run(
        [sys.executable, "found.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "AssertionError: ['data_consistency >= 1']" in ended.stderr


def test_the_moments_of_a_small_one_have_the_unit_that_fits_them(capsys):
    moments = [
        SimpleNamespace(at=at, what="add", whom="by user 0") for at in (0.1 + 0.2, 0.0117354)
    ]
    rerunning._print(
        SimpleNamespace(case="one", words="two", notes=(), story=lambda: moments, sentence=str)
    )
    told = capsys.readouterr().out.splitlines()[:2]
    assert told == ["       300 ms  add  (by user 0)", "     11.74 ms  add  (by user 0)"]


def test_a_small_one_is_a_document_too(lost):
    done = run("shrink", lost, "--json", "--budget", 9, "--failing", LOST, "--seconds", "1 min")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    assert (document["failing"], document["why"], document["runs"]) == (LOST, "budget", 9)
    assert document["reproduced"] is document["again"] is True
    assert {row["what"] for row in document["story"]} <= {"add", "look"}
    assert f'assert "{LOST}" not in failed' in document["script"]
    assert document["out"] is None


def test_a_system_is_taken_from_a_file(shop):
    folder, system = shop
    for command in ("replay", "shrink"):
        line = refuses(command, folder)
        assert line.startswith(
            "resilkit: --system: is needed: the run does not say how to make its system again, as "
        )
        assert "system=" not in line
        assert "got None" not in line
        assert line.endswith("file.py, or file.py:object")
    done = run("shrink", folder, "--system", system, "--json", "--budget", 40)
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert [row["what"] for row in document["story"]] == ["buy"] * 3
    assert '    system=ChildSpec(Shop, name="shop"),' in document["script"].splitlines()
    again = json.loads(run("replay", folder, "--system", system, "--json").stdout)
    assert again["reproduced"] is True


SCRIPT = (
    SHOP
    + """
sale = rk.Scenario("sale", criteria=["error_rate < 1 %"])
experiment = rk.Experiment(1, system=system, workload=workload, scenario=sale, duration=0.6, seed=3)
experiment.run("simulation", progress=False).save("run")
"""
)


@pytest.mark.parametrize("command", ["replay", "shrink"])
def test_a_run_that_a_script_saved_needs_its_system_and_no_cell(tmp_path, command):
    (tmp_path / "a_tour.py").write_text(SCRIPT)
    subprocess.run([sys.executable, "a_tour.py"], cwd=tmp_path, check=True, timeout=60)
    assert refuses(command, tmp_path / "run") == (
        "resilkit: --system: is needed: the run does not say how to make its system again, as Shop "
        "was defined in a notebook or a script, and is not defined here; allowed: what holds its "
        "system and its workload: file.py, or file.py:object"
    )


def test_a_failure_that_does_not_show_exits_with_0(lost, tmp_path, monkeypatch):
    from tests.reruns.systems import Bank

    monkeypatch.setattr(Bank, "audit", None)
    done = run("shrink", lost, "--seeds", 2, "--out", "found.py")
    assert done.returncode == 0, done
    assert "The failure did not show in the simulation: " in done.stdout
    assert not (tmp_path / "found.py").exists()


def test_an_interrupt_tells_the_best_so_far(lost, monkeypatch):
    def interrupt(self, done, text):
        if done >= 12:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(shrinking.Line, "tell", interrupt)
    done = run("shrink", lost, "-q")
    assert done.returncode == 130
    assert "it was interrupted" in done.stdout
    assert done.stderr == "resilkit: interrupted after 12 runs\n"


# The command as it is, but for standing still after its twelfth run: it must not be done sooner.
HELD = """
import runpy, sys, threading
from resilkit.reruns import shrinking
tell = shrinking.Line.tell
def held(line, done, text):
    tell(line, done, text)
    if done == 12:
        print("held", file=sys.stderr, flush=True)
        threading.Event().wait()
shrinking.Line.tell = held
runpy.run_module("resilkit", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_in_a_shell_ends_it_with_the_best_so_far(lost):
    given = [sys.executable, "-c", HELD, "shrink", str(lost)]
    with subprocess.Popen(
        given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as command:
        assert command.stderr.readline() == "bank, made small\n"
        assert "held\n" in iter(command.stderr.readline, "")
        command.send_signal(signal.SIGINT)
        output, errors = command.communicate(timeout=60)
    assert command.returncode == 130, errors
    assert errors.splitlines()[-1] == "resilkit: interrupted after 12 runs"
    assert "it was interrupted" in output


def test_what_is_no_run_is_refused(lost, tmp_path):
    calm = bank(rate=2.0).run(backend="simulation", progress=False).save(tmp_path / "calm")
    broken = tmp_path / "broken"
    shutil.copytree(lost, broken)
    (broken / "manifest.json").write_text("{")
    for command in ("replay", "shrink"):
        assert "RUN" in refuses(command, tmp_path / "nowhere")
        assert "RUN" in refuses(command, broken)
    nothing = refuses("shrink", calm)
    assert "RUN: failed no criterion: there is nothing to shrink, got " in nothing
    assert "can be given in Python: rk.shrink(run, failing=a function of the result)" in nothing
    assert "--failing" in refuses("shrink", lost, "--failing", "p99 <= 1 s")
    assert "--seconds" in refuses("shrink", lost, "--seconds", "soon")
    assert "budget" in refuses("shrink", lost, "--budget", 3)
    assert "--out" in refuses("shrink", lost, "--out", tmp_path)
    assert "--schedule" in refuses("replay", lost, "--schedule", "worst")
    assert "--report" in refuses("replay", lost, "--report", tmp_path / "no" / "x.html")
