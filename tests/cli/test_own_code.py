"""A system whose own code is wrong: bad input, told by its own lines."""

from __future__ import annotations

import re
import sys

import pytest

from resilkit.cli import main
from tests.cli.test_commands import refuses, run

CALM = "name: calm\nduration: 300 ms\n"
SERVER = (
    "import resilkit as rk\n"
    "class Echo(rk.Server):\n    def say(self):\n        return 1\n"
    "workload = rk.Workload([rk.Operation.call('echo', 'say')],"
    " arrivals=rk.arrivals.constant(50))\n"
)
WHOLE = SERVER + (
    "def applications(nodes):\n"
    "    return {nodes[0]: rk.SupervisorSpec('s', [rk.ChildSpec(Echo, name='echo')])}\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to stand in, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "sc").mkdir()
    (tmp_path / "calm.yaml").write_text(CALM)
    yield tmp_path
    for name in ("echoes", "helpers"):
        sys.modules.pop(name, None)


def refused_system(folder, code):
    (folder / "sc" / "echoes.py").write_text(code)
    line = refuses("run", "calm.yaml", "--system", "sc/echoes.py", "--nodes", 1)
    assert line.startswith("resilkit: --system: "), line
    assert "resilkit/" not in line
    return line


def test_a_function_that_raises_is_named_with_its_error_and_its_own_lines(folder):
    (folder / "sc" / "helpers.py").write_text("def second(nodes):\n    return nodes[1]\n")
    code = SERVER + (
        "import helpers\ndef applications(nodes):\n    return {helpers.second(nodes): Echo}\n"
    )
    line = refused_system(folder, code)
    assert "applications() of sc/echoes.py raised IndexError: list index out of range" in line
    assert "(at sc/echoes.py:8 in applications, sc/helpers.py:2 in second)" in line


def test_what_resilkit_refuses_in_a_function_names_the_function_too(folder):
    code = SERVER + (
        "def applications(nodes):\n    return {nodes[0]: rk.ChildSpec(Echo, restart='often')}\n"
    )
    line = refused_system(folder, code)
    assert "applications() of sc/echoes.py raised InvalidArgument: " in line
    assert "'often'" in line
    assert "(at sc/echoes.py:7 in applications)" in line


def test_a_workload_that_raises_is_named(folder):
    code = WHOLE + "def workload(nodes, rate=1 / 3):\n    return {}['rate']\n"
    line = refused_system(folder, code)
    assert "workload() of sc/echoes.py raised KeyError: 'rate' (at sc/echoes.py:9" in line


def test_an_endless_recursion_is_told_in_a_few_lines(folder):
    code = SERVER + "def applications(nodes):\n    return applications(nodes)\n"
    line = refused_system(folder, code)
    assert "RecursionError" in line
    assert line.count("sc/echoes.py:7") == 5


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "x = 1\ndef applications(nodes)\n    return {}\n",
            r"SyntaxError: .* \(at sc/echoes.py:2\)",
        ),
        ("import no_such_thing\n", r"needs the module 'no_such_thing', .* \(at sc/echoes.py:1 in"),
        ("x = 1\ny = x / 0\n", r"ZeroDivisionError: division by zero \(at sc/echoes.py:2 in"),
        ("y = int('z')\n", r"could not be imported: ValueError: .* \(at sc/echoes.py:1 in"),
        ("import sys\nsys.exit(0)\n", r"could not be imported: SystemExit: 0 \(at sc/echoes.py:2"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_by_file_and_line(folder, code, words):
    line = refused_system(folder, code)
    assert re.search(words, line), line
    assert line.count("'sc/echoes.py'") == 1


def test_errors_of_a_scenario_file_name_it_as_it_was_given(folder):
    (folder / "sc" / "echoes.py").write_text(WHOLE)
    bad = folder / "sc" / "bad.yaml"
    for text, place in (
        ("name: bad\nfaults: [{latency: {low: x}}]\n", "faults[0].latency.low"),
        ("name: bad\nname: bad\n", "gives the key 'name' twice"),
        ("name: bad\nfaults: [{node_crash: {targets: n9}}]\n", "faults[0].targets"),
        ("name: bad\ncriteria: ['p95[shout] < 1 s']\n", "criteria[0]"),
    ):
        bad.write_text(text)
        line = refuses("run", "sc/bad.yaml", "--system", "sc/echoes.py", "--nodes", 1)
        assert line.startswith(f"resilkit: sc/bad.yaml: {place}"), line


def test_a_bug_of_resilkit_is_no_verdict(folder, monkeypatch, capsys):
    from resilkit.experiment import Experiment

    def slip(self, *_, **__):
        raise RuntimeError("unthinkable")

    (folder / "sc" / "echoes.py").write_text(WHOLE)
    monkeypatch.setattr(Experiment, "run", slip)
    assert main(["run", "calm.yaml", "--system", "sc/echoes.py", "--nodes", "1"]) == 4
    told = capsys.readouterr().err
    assert "RuntimeError: unthinkable" in told
    assert told.splitlines()[-1].startswith("resilkit: this is a bug in resilkit")


def test_a_home_that_nobody_has_is_no_bug():
    assert "~nobody-at-all" in refuses(
        "run", "~nobody-at-all/x.yaml", "--system", "tests.experiment.systems"
    )


def test_a_whole_file_runs(folder):
    (folder / "sc" / "echoes.py").write_text(WHOLE)
    done = run("run", "calm.yaml", "--system", "sc/echoes.py", "--nodes", 1)
    assert "Traceback" not in done.stderr, done


def test_a_server_that_nobody_starts_is_refused_before_anything_runs(folder):
    (folder / "sc" / "echoes.py").write_text(WHOLE)
    bad = folder / "sc" / "bad.yaml"
    bad.write_text("name: bad\nduration: 1 s\nfaults: [{server_crash: {targets: ecko}}]\n")
    line = refuses("run", "sc/bad.yaml", "--system", "sc/echoes.py", "--nodes", 1)
    assert line.startswith("resilkit: sc/bad.yaml: faults[0].targets: names no server")
    assert "(did you mean 'echo'?), got 'ecko'; allowed: 's', 'echo'" in line


def test_a_server_that_may_come_later_is_warned_of_in_a_line(folder):
    enroll = (
        "class Echo(rk.Server):\n    async def enroll(self):\n        await self.register('x')\n"
    )
    code = WHOLE.replace("class Echo(rk.Server):\n", enroll)
    (folder / "sc" / "echoes.py").write_text(code)
    late = folder / "late.yaml"
    late.write_text("name: late\nduration: 200 ms\ncriteria: ['queue_length[late] < 5']\n")
    done = run("run", late, "--system", "sc/echoes.py", "--nodes", 1)
    assert done.returncode == 1
    (told,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert told.startswith("resilkit: warning: scenario.criteria[0]: names no server of the system")
    assert told.endswith("since it may come yet: Echo calls register.")
