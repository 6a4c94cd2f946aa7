"""The command as a shell runs it, in a process of its own: streams, signals, exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from resilkit.cli.app import EXIT
from tests.cluster.traces import wait_gone

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "resilkit"]
SYSTEM = "tests.experiment.systems"
PATIENCE = 60.0


def begun(*arguments, **options):
    """Begin the command; with pipes, unless `options` say otherwise."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    return subprocess.Popen([*COMMAND, *map(str, arguments)], **{**pipes, **options})


def small_run(folder, criteria, *, duration="500 ms", faults="[]"):
    """Return the arguments for a small run whose scenario is in `folder`."""
    path = folder / "scenario.yaml"
    path.write_text(
        f"name: small\nduration: {duration}\nfaults: {faults}\ncriteria: {json.dumps(criteria)}\n"
    )
    return "run", path, "--system", SYSTEM


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Run what ends by itself at the same time: most of it is one core's work, and waiting."""
    folder = tmp_path_factory.mktemp
    failing = small_run(folder("failing"), ["p50 <= 1 ns", "availability > 0.5"])
    holding = small_run(folder("holding"), ["availability > 0.5"])
    screen = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "90", "LINES": "30"}
    controller, terminal = pty.openpty()
    closed = folder("closed")
    # The whole command, but for the size of the figures, which is all that is drawn less.
    code = (
        "import runpy; from resilkit.experiment import figures; figures._WIDTHS = {'wide': 400};"
        "runpy.run_module('resilkit', run_name='__main__', alter_sys=True)"
    )
    demo = [sys.executable, "-c", code, "demo", "--seconds", "1", "--nodes", "2"]
    script = 'exec "$@" <&- >&- 2>&-'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (
        begun(*failing, "--nodes", 1, "--seed", 3, "--duration", "400 ms", "--json") as one,
        begun(*holding, "--nodes", 2, stdout=terminal, stderr=terminal, env=screen) as other,
        subprocess.Popen(["sh", "-c", script, "sh", *demo], cwd=closed, env=environment) as third,
    ):
        os.close(terminal)
        seen = b""
        while select.select([controller], [], [], PATIENCE)[0]:
            try:
                part = os.read(controller, 65536)
            except OSError:  # Linux says so when the last writer has gone
                break
            if not part:
                break
            seen += part
        os.close(controller)
        stdout, stderr = one.communicate(timeout=PATIENCE)
    return SimpleNamespace(
        failing=(one.returncode, stdout, stderr),
        on_a_terminal=(other.returncode, seen.decode()),
        closed=(third.returncode, closed),
    )


def test_a_run_that_does_not_hold_exits_1_and_json_is_all_there_is(ended):
    code, stdout, stderr = ended.failing
    assert code == 1, stderr
    document = json.loads(stdout)
    assert document["passed"] is False
    assert [row["verdict"] for row in document["verdicts"]] == ["fail", "pass"]
    assert (document["seed"], document["ran"], document["report"]) == (3, 0.4, None)
    assert document["summary"][-1]["operation"] == "total"
    assert stderr == ""


def test_a_terminal_sees_a_panel_that_goes_and_the_outcome_that_stays(ended):
    code, seen = ended.on_a_terminal
    assert code == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)
    for part in ("nodes", "n1 running", "availability", "faults now", "time left"):
        assert part in text
    assert "Passed: the one criterion held." in text.splitlines()[-2] + text.splitlines()[-3]


def test_the_exit_code_tells_the_outcome_though_the_standard_streams_are_closed(ended):
    code, folder = ended.closed
    # Which of the two is the criteria's business; a bug would be 4, an abort negative.
    assert code in (EXIT["held"], EXIT["not held"])
    assert (folder / "resilkit-demo.html").exists()


def test_bad_input_is_the_same_from_a_shell():
    with begun("run", "x.yaml", "--system", SYSTEM) as process:
        stdout, stderr = process.communicate(timeout=PATIENCE)
    assert (process.returncode, stdout) == (2, "")
    (line,) = stderr.splitlines()
    assert line.startswith("resilkit: SCENARIO: there is no such file, got 'x.yaml'; allowed: ")


def test_a_reader_that_goes_away_is_no_traceback():
    with begun("capabilities") as process:
        process.stdout.close()
        assert process.stderr.read() == ""


INTERRUPTS = {signal.SIGINT: 130, signal.SIGTERM: 128 + signal.SIGTERM}


@pytest.fixture(scope="module")
def under_load(tmp_path_factory) -> Iterator[dict[int, subprocess.Popen[str]]]:
    """A run for each interrupt: they start at the same time, and stay until they are told."""
    pause = '[{node_pause: {at: "100 ms", targets: n1}}]'
    given = small_run(tmp_path_factory.mktemp("long"), [], duration="1 h", faults=pause)
    runs = {number: begun(*given, "--nodes", 2) for number in INTERRUPTS}
    yield runs
    for process in runs.values():
        with process:
            process.terminate()


@pytest.mark.parametrize(("number", "code"), INTERRUPTS.items())
def test_an_interrupt_cleans_up_and_says_so_by_its_exit_code(under_load, number, code):
    process = under_load[number]
    for line in process.stderr:
        if "node pause strikes: n1" in line:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 1 + 2, "the launcher and the nodes"
    process.send_signal(number)
    rest, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors
    said = "resilkit: interrupted: the cluster was stopped, nothing is left" in errors
    assert said == (number == signal.SIGINT)
    assert rest == ""
    wait_gone([each.pid for each in family])


@pytest.mark.parametrize("arguments", [["capabilities"], ["capabilities", "--json"]])
def test_a_full_disk_is_no_bug_of_ours(arguments):
    with Path("/dev/full").open("w") as full, begun(*arguments, stdout=full) as process:
        told = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == EXIT["refused"]
    assert told.startswith("resilkit: writing failed: ")
    assert "No space left on device" in told
    assert len(told.splitlines()) == 1
