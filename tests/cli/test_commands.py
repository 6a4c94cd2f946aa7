"""The command: what it prints where, its exit codes, and that it cleans up."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from resilkit.chaos import scenario_names
from resilkit.cli import main
from resilkit.errors import StorageError
from resilkit.experiment import Result, figures, load
from tests.experiment import synthetic

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "resilkit"]
SYSTEM = "tests.experiment.systems"


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(*arguments):
    """Run the command in this process: most of it is the same there, and ten times as quick."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        code = main([str(each) for each in arguments])
    return Done(code, output.getvalue(), errors.getvalue())


def run_apart(*arguments):
    """Run the command as a shell does."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


@pytest.fixture(autouse=True)
def _same_modules(monkeypatch):
    """Forget what a test's own system left behind; draw small figures."""
    monkeypatch.setattr(figures, "_WIDTHS", {"wide": 400})
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("my_system", "broken", "unstartable"):
        sys.modules.pop(name, None)


def refuses(*arguments):
    """The command refuses: exit code 2, nothing on stdout, one line on stderr. Return it."""
    done = run(*arguments)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("resilkit: ")
    return line


@pytest.fixture
def scenario(tmp_path):
    def write(criteria, *, duration="1500 ms", faults="[]"):
        path = tmp_path / "scenario.yaml"
        path.write_text(
            f"name: small\nduration: {duration}\nfaults: {faults}\n"
            f"criteria: {json.dumps(criteria)}\n"
        )
        return path

    return write


def test_help_names_the_commands_and_is_quick():
    before = psutil.Process().cpu_times().children_user
    done = run_apart()
    spent = psutil.Process().cpu_times().children_user - before
    assert done.returncode == 0
    for name in ("demo", "run", "sweep", "replay", "shrink", "report", "lab", "capabilities"):
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE)
    assert spent < 1.0
    for name in ("demo", "run", "sweep", "replay", "shrink", "report", "lab", "capabilities"):
        assert f"resilkit {name}" in run(name, "--help").stdout
    assert run("--version").stdout.startswith("resilkit ")


def test_help_imports_nothing_heavy():
    code = (
        "import sys, resilkit.cli as c; c.main(['run', '--help']);"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'pandas', 'scipy',"
        " 'matplotlib', 'pyarrow', 'jinja2', 'hypothesis'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "frobnicate"),
        (["demo", "--nodes", "0"], "--nodes"),
        (["demo", "--nodes", "many"], "--nodes"),
        (["demo", "--seconds", "-3"], "--seconds"),
        (["demo", "--seconds", "nan"], "--seconds"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--colour"], "--colour"),
        (["run"], "SCENARIO"),
        (["run", "x.yaml", "--system", SYSTEM], "no such file, got 'x.yaml'"),
        (["run", "split brian", "--system", SYSTEM], "split brian"),
        (["run", "progressive node failures", "--system", "no.such"], "no such module"),
        (["run", "progressive node failures", "--system", "json"], "has no applications"),
        (["run", "progressive node failures", "--system", "json:nothing"], "has no 'nothing'"),
        (["run", "progressive node failures", "--system", "nothing.py"], "no such file"),
        (["run", "progressive node failures", "--system", ""], "--system"),
        (["run", "progressive node failures", "--system", SYSTEM, "--duration", "soon"], "soon"),
        (["report", "no/such/run"], "does not exist"),
        (["report", str(ROOT / "tests")], "not a saved run"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(arguments, words):
    assert words in refuses(*arguments)


def test_a_damaged_run_is_bad_input(tmp_path):
    folder = synthetic.result().save(tmp_path / "run")
    (folder / "operations.parquet").write_bytes(b"PAR1")
    line = refuses("report", folder)
    assert "RUN: the saved run" in line
    assert "operations.parquet" in line


def test_the_help_of_run_and_the_error_for_an_unknown_scenario_list_the_named_ones():
    shown = " ".join(run("run", "--help").stdout.split())
    missing = refuses("run", "x.yaml", "--system", SYSTEM)
    unknown = refuses("run", "split brian", "--system", SYSTEM)
    for name in scenario_names():
        assert name in shown
        assert name in missing
        assert name in unknown
    assert unknown.startswith("resilkit: SCENARIO: is not known, got 'split brian'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "scenario.yaml"),
        ("name: x\nfautls: []", "fautls"),
        ("name: x\ncriteria: ['p95 < 5oo ms']", "5oo"),
        ("name: x\nfaults: [{node_crash: {targets: n9}}]", "scenario.yaml: faults[0].targets"),
        ("name: x\ncriteria: ['p95[nope] < 1 s']", "nope"),
    ],
)
def test_a_wrong_scenario_file_is_told_with_the_path_to_the_field(tmp_path, text, words):
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    assert words in refuses("run", path, "--system", SYSTEM)


def test_a_system_that_cannot_be_imported_says_why(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("import not_installed_anywhere\n")
    line = refuses("run", "progressive node failures", "--system", broken)
    assert "needs the module 'not_installed_anywhere'" in line
    broken.write_text("1 / 0\n")
    line = refuses("run", "progressive node failures", "--system", broken)
    assert "ZeroDivisionError" in line


def test_a_run_that_holds_exits_0_and_writes_report_and_run(scenario, tmp_path):
    path = scenario(["availability > 0.5"], duration="500 ms")
    report, folder = tmp_path / "report.html", tmp_path / "run"
    again = f"run {path} --system {SYSTEM} --nodes 2 --seed 7"
    done = run(*again.split(), "--report", report, "--save", folder)
    assert done.returncode == 0, done.stderr
    assert "✓ availability > 0.5" in done.stdout
    assert "Passed: the one criterion held." in done.stdout
    assert "acknowledged increments" in done.stdout
    assert "starting 2 nodes" in done.stderr
    again = f"resilkit {again}"
    assert again in done.stdout
    assert again in report.read_text("utf-8")
    assert load(folder).how_to_rerun() == again
    assert load(folder).duration == 0.5


def test_a_system_may_stand_in_a_file_or_be_an_object_of_a_module(scenario, tmp_path):
    path = scenario(["availability > 0.5"], duration="500 ms")
    (tmp_path / "my_system.py").write_text(
        "import resilkit as rk\n"
        "class Echo(rk.Server):\n    def say(self):\n        return 1\n"
        "def applications(nodes):\n"
        "    return {nodes[0]: rk.SupervisorSpec('s', [rk.ChildSpec(Echo, name='echo')])}\n"
        "workload = rk.Workload([rk.Operation.call('echo', 'say')],"
        " arrivals=rk.arrivals.constant(50))\n"
    )
    done = run("run", path, "--system", tmp_path / "my_system.py", "--nodes", 1)
    assert done.returncode == 0, done.stderr


def test_a_quiet_run_tells_its_outcome_and_nothing_meanwhile(scenario):
    done = run(
        "run", scenario(["error_rate <= 100 %"], duration="300 ms"), "--system", SYSTEM, "-q"
    )
    assert done.returncode == 0, done
    assert done.stderr == ""
    assert "error_rate" in done.stdout


def test_a_bad_place_for_report_or_run_is_told_before_anything_runs(scenario, tmp_path):
    path = scenario(["availability > 0.5"])
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").touch()
    for option in ("--report", "--save"):
        line = refuses("run", path, "--system", SYSTEM, option, tmp_path / "thesis")
        assert line.startswith(f"resilkit: {option}: ")
        done = run("run", path, "--system", SYSTEM, option, path / "below" / "a" / "file")
        assert done.returncode == 3, done
        assert re.fullmatch(
            "resilkit: the (report|run) cannot be .* is no folder", done.stderr[:-1]
        )
    folder = synthetic.result().save(tmp_path / "run")
    assert refuses("report", folder, "-o", tmp_path).startswith("resilkit: --output: is a folder")


def test_the_outcome_is_told_though_the_disk_refuses_the_report(scenario, tmp_path, monkeypatch):
    def refuse(self, path):
        raise StorageError("the report could not be written: No space left on device")

    monkeypatch.setattr(Result, "report", refuse)
    path = scenario(["availability > 0.5"], duration="300 ms")
    given = ("run", path, "--system", SYSTEM, "--nodes", 1, "--report", tmp_path / "r.html")
    done = run(*given)
    assert done.returncode == 3
    assert "Passed: the one criterion held." in done.stdout
    assert "The report is" not in done.stdout
    assert done.stderr.splitlines()[-1].endswith("No space left on device")
    document = json.loads(run(*given, "--json").stdout)
    assert (document["passed"], document["report"]) == (True, None)


def test_every_help_fits_a_terminal_of_80_columns_and_says_what_the_exit_codes_mean(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("demo", "run", "sweep", "replay", "shrink", "report", "lab", "capabilities"):
        shown = run(name, "--help").stdout
        assert max(map(len, shown.splitlines())) <= 80
        assert "..." not in shown
    shown = run("--help").stdout
    assert "..." not in shown.replace("[ARGS]...", "")
    assert re.findall(r"^ +(\d+)  ", shown, re.MULTILINE) == ["0", "1", "2", "3", "4", "130"]


def test_a_node_that_cannot_start_is_not_bad_input(scenario, tmp_path):
    (tmp_path / "unstartable.py").write_text(
        "import resilkit as rk\n"
        "class Never(rk.Server):\n    def init(self):\n        raise RuntimeError('cannot begin')\n"
        "    def y(self):\n        pass\n"
        "def applications(nodes):\n    return {nodes[0]: rk.ChildSpec(Never, name='x')}\n"
        "workload = rk.Workload([rk.Operation.call('x', 'y')], arrivals=rk.arrivals.constant(5))\n"
    )
    done = run("run", scenario([]), "--system", tmp_path / "unstartable.py", "--nodes", 1)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("resilkit: ")


def test_the_demo_judges_writes_its_report_and_answers_by_its_exit_code(tmp_path):
    report = tmp_path / "demo.html"
    done = run("demo", "--seconds", 3, "--seed", 7, "--report", report, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == (0 if document["passed"] else 1)
    assert document["rerun"] == "resilkit demo --seconds 3 --nodes 3 --seed 7"
    assert document["consistency"]["share"] == 1.0
    assert "acknowledged writes" in document["sentence"]
    assert "acknowledged writes" in report.read_text("utf-8")


def test_a_saved_run_becomes_a_report(tmp_path):
    folder = synthetic.result().save(tmp_path / "run")
    refused = refuses("report", folder, "-o", tmp_path / "new" / "r.html")
    assert refused.startswith("resilkit: --output: is in a folder that does not exist")
    (tmp_path / "new").mkdir()
    done = run("report", folder, "-o", tmp_path / "new" / "r.html")
    assert done.returncode == 0, done.stderr
    assert synthetic.KEPT in done.stdout
    assert "progressive node failures" in (tmp_path / "new" / "r.html").read_text("utf-8")
    (folder / "events.parquet").unlink()
    damaged = run("report", folder, "-o", tmp_path / "r.html")
    assert damaged.returncode == 2
    assert "events.parquet" in damaged.stderr
    assert len(damaged.stderr.splitlines()) == 1


def test_capabilities_are_listed_for_people_and_for_programs():
    table, document = run("capabilities"), run("capabilities", "--json")
    assert table.returncode == document.returncode == 0
    rows = json.loads(document.stdout)["capabilities"]
    assert {"name", "kind", "works", "why"} <= set(rows[0])
    for row in rows:
        assert row["name"] in table.stdout
    assert "\nIn a simulation all of these faults work, but for cpu, memory, open_files.\n" in (
        table.stdout
    )
