"""Sweeps and simulated runs on the command line."""

from __future__ import annotations

import json
import re
import shlex
import sys
import textwrap
from pathlib import Path

import pytest

from resilkit.cli.sweeping import seeds_of
from resilkit.errors import InvalidArgument
from resilkit.experiment import load
from tests.cli.test_commands import refuses, run

ROOT = Path(__file__).parents[2]

BANK = """\
import resilkit as rk
from tests.reruns.systems import Bank, workload as made

system = Bank()
workload = made()
"""


@pytest.fixture
def bank(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "a_bank.py"
    path.write_text(BANK)
    yield f"{path}:system"
    sys.modules.pop("a_bank", None)


@pytest.fixture
def scenario(tmp_path):
    def write(*criteria, duration="1 s", faults="[]"):
        path = tmp_path / "scenario.yaml"
        path.write_text(
            f"name: small\nduration: {duration}\nfaults: {faults}\n"
            f"criteria: {json.dumps(criteria)}\n"
        )
        return path

    return write


def test_a_run_in_a_simulation_says_how_to_make_it_again_and_that_is_the_same(
    bank, scenario, tmp_path
):
    path = scenario("availability > 0.5", duration="20 s")
    given = ["run", path, "--system", bank, "--backend", "simulation", "--schedule", "pct"]
    done = run(*given, "--seed", 3, "--save", tmp_path / "run")
    assert done.returncode in {0, 1}, done.stderr
    assert "small, seed 3, in virtual time" in done.stderr
    assert done.stdout.splitlines()[-1].endswith(
        "--nodes 3 --seed 3 --backend simulation --schedule pct"
    )
    saved = load(tmp_path / "run")
    assert (saved.backend, saved.schedule) == ("simulation", "pct")
    again = json.loads(run(*given, "--seed", 3, "--json").stdout)
    assert again["fingerprint"] == saved.fingerprint
    assert again["rerun"] == saved.how_to_rerun()


def test_the_demo_runs_in_a_simulation_and_finds_the_broken_store(tmp_path):
    given = ["demo", "--backend", "simulation", "--seconds", 5, "--seed", 3]
    done = run(*given, "--broken", "--report", tmp_path / "demo.html", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["backend"] == "simulation"
    assert document["rerun"].endswith("--broken --seed 3 --backend simulation")
    assert document["consistency"]["share"] < 1.0


def test_a_sweep_lists_the_failing_seeds_first_and_how_to_run_one_again(bank, scenario):
    path = scenario("data_consistency >= 1", duration="500 ms")
    given = ["--system", bank, "--seeds", "0:12", "--processes", 1]
    done = run("sweep", path, *given)
    assert done.returncode == 1, done.stderr
    document = json.loads(run("sweep", path, *given, "--json").stdout)
    failing = document["failing"]
    assert 0 < len(failing) < 12
    assert [row["seed"] for row in document["rows"][: len(failing)]] == failing
    listed = re.findall(
        r"^  ✗ seed (\d+) +data_consistency >= 1 \(measured [\d.]+ %\)$", done.stdout, re.MULTILINE
    )
    assert [int(seed) for seed in listed] == failing
    assert f"12 seeds: {len(failing)} failed, {12 - len(failing)} passed, in " in done.stdout
    again = done.stdout.splitlines()[-1]
    assert again.startswith(f"Run seed {failing[0]} again: resilkit run {path} ")
    assert again.endswith(f"--backend simulation --seed {failing[0]}")
    arguments = again.partition("resilkit ")[2].split()
    once = json.loads(run(*arguments, "--json").stdout)
    assert once["fingerprint"] == document["rows"][0]["fingerprint"]


def written(command, first, folder, name):
    """Write the file that the help of a command shows below a line, and return the help."""
    shown = run(command, "--help").stdout
    block = shown.split(first, 1)[1].lstrip("\n").split("\n\n")[0]
    (folder / name).write_text(textwrap.dedent(block))
    return shown


def test_the_example_in_the_help_of_a_sweep_runs_as_it_stands_and_some_seeds_fail(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    written("run", "by these names:", tmp_path, "shop.py")
    shown = written("sweep", "crash.yaml is a scenario:", tmp_path, "crash.yaml")
    [example] = re.findall(r"^ *resilkit (sweep crash.*)$", shown, re.MULTILINE)
    done = run(*shlex.split(example))
    sys.modules.pop("shop", None)
    assert done.returncode == 1, done.stderr
    failed, passed = re.search(r"20 seeds: (\d+) failed, (\d+) passed", done.stdout).groups()
    assert int(failed) >= 3
    assert int(passed) >= 3


def test_a_sweep_of_which_every_seed_passes_exits_with_0(bank, scenario):
    path = scenario("availability > 0.5", duration="300 ms")
    (path.parent / "a_bank.py").write_text(f"{BANK}system.audit = None\n")
    done = run("sweep", path, "--system", bank, "--seeds", "3,5", "--processes", 1)
    assert done.returncode == 0, done
    assert done.stdout.startswith("2 seeds: none failed, 2 passed, in ")
    assert done.stderr == "small, many seeds\n"
    quiet = run("sweep", path, "--system", bank, "--seeds", 1, "--processes", 1, "-q")
    assert quiet.stderr == ""


def test_a_sweep_goes_on_where_its_folder_ends(bank, scenario, tmp_path):
    path = scenario("data_consistency >= 1", duration="300 ms")
    folder = tmp_path / "seeds"
    given = ["--system", bank, "--processes", 1, "--resume", folder, "--json"]
    first = json.loads(run("sweep", path, *given, "--seeds", 2).stdout)
    both = json.loads(run("sweep", path, *given, "--seeds", 3).stdout)
    kept = {row["seed"]: row for row in both["rows"]}
    assert [kept[row["seed"]] for row in first["rows"]] == first["rows"]
    assert sorted(kept) == [0, 1, 2]
    other = scenario("data_consistency >= 1", duration="400 ms")
    assert "--resume" in refuses("sweep", other, *given, "--seeds", 3)


def test_an_interrupted_sweep_tells_what_is_done_and_how_to_go_on(bank, scenario, monkeypatch):
    from resilkit.reruns import sweeping

    real = sweeping.run_seed

    def interrupted(experiment, seed, where):
        if seed == 2:
            raise KeyboardInterrupt
        return real(experiment, seed, where)

    monkeypatch.setattr(sweeping, "run_seed", interrupted)
    path = scenario("data_consistency >= 1", duration="300 ms")
    done = run("sweep", path, "--system", bank, "--seeds", 9, "--processes", 1)
    assert done.returncode == 130
    assert "2 of 9 seeds: " in done.stdout
    assert done.stderr.splitlines()[-1] == (
        "resilkit: interrupted after 2 of 9 seeds; with --resume FOLDER it can go on"
    )


def test_a_run_of_a_sweep_that_fails_itself_costs_its_seed_and_the_exit_code(
    bank, scenario, monkeypatch
):
    path = scenario("availability > 0.5", duration="300 ms")
    (path.parent / "a_bank.py").write_text(
        f"{BANK}\ndef start(self):\n    raise OSError('no account')\n"
        "from tests.reruns.systems import Account\n"
        "system.applications = lambda nodes: {nodes[0]: rk.ChildSpec("
        "type('Bad', (Account,), {'init': start}), name='account')}\n"
    )
    done = run("sweep", path, "--system", bank, "--seeds", 1, "--processes", 1)
    assert done.returncode == 1
    assert re.search(r"^  ! seed 0  .*no account", done.stdout, re.MULTILINE)
    assert "1 seed: none failed, 1 could not be run, 0 passed" in done.stdout


def test_a_run_of_a_sweep_whose_time_is_up_says_after_how_long(bank, scenario):
    path = scenario("availability > 0.5", duration="300 ms")
    (path.parent / "a_bank.py").write_text(
        f"{BANK}from tests.reruns.systems import spin\nworkload = made(operation=spin)\n"
    )
    done = run(
        "sweep", path, "--system", bank, "--seeds", 1, "--processes", 1, "--timeout", "0.1 s"
    )
    assert done.returncode == 1
    assert "  ! seed 0  time was up after 0.1 s\n" in done.stdout
    assert "1 seed: none failed, 1 ran out of time, 0 passed" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seeds", "5:3"], "--seeds: names no seed, got '5:3'; allowed: such as 0:200"),
        (["--seeds", "-3:3"], "--seeds: has a seed below 0"),
        (["--seeds", "4,-1,5"], "--seeds: has a seed below 0"),
        (["--seeds", "many"], "--seeds: are no seeds"),
        (["--seeds", "1,,2"], "--seeds: are no seeds, got '1,,2'; allowed: such as 0:200"),
        (["--seeds", "1:2:0"], "--seeds: are no seeds"),
        (["--seeds", "0:1000001"], "--seeds: are more than 1,000,000 seeds"),
        (["--seeds", "0:99999999999999999999"], "--seeds: are more than 1,000,000 seeds"),
        (["--schedule", "lifo"], "--schedule: is no schedule, got 'lifo'; allowed: fifo, random"),
        (["--backend", "moon"], "--backend: is not available"),
        (["--backend", "processes", "--schedule", "pct"], "allowed: --backend simulation"),
        (["--processes", "0"], "--processes"),
        (["--timeout", "soon"], "--timeout"),
        (["--resume", "/proc/self/none"], "none"),
    ],
)
def test_bad_options_of_a_sweep_are_one_line(bank, scenario, options, words):
    path = scenario("data_consistency >= 1", duration="300 ms")
    if "/proc" in options[-1]:
        done = run("sweep", path, "--system", bank, "--seeds", 1, "--processes", 1, *options)
        assert done.returncode == 3
        assert words in done.stderr
        return
    assert words in refuses("sweep", path, "--system", bank, *options)


def test_a_scenario_that_a_simulation_cannot_carry_out_is_bad_input(bank):
    for command in ("run", "sweep"):
        line = refuses(
            command, "memory pressure with partitions", "--system", bank,
            "--backend", "simulation",
        )  # fmt: skip
        assert "scenario.faults[0]: is not for the simulation: its nodes have no memory" in line


def test_a_sweep_that_could_judge_nothing_is_refused(bank, scenario):
    (scenario().parent / "a_bank.py").write_text(f"{BANK}system.audit = None\n")
    line = refuses("sweep", scenario(), "--system", bank, "--seeds", 1)
    assert "SCENARIO: has no criteria" in line


def test_seeds_may_be_written_as_a_range_a_number_or_a_list():
    assert seeds_of("0:200") == range(200) == seeds_of("200") == seeds_of(":200")
    assert list(seeds_of("4:10:3")) == [4, 7]
    assert seeds_of("7, 3") == [7, 3]
    with pytest.raises(InvalidArgument):
        seeds_of(",")
