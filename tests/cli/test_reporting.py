"""`resilkit report`: of notebooks, and that it tells them from saved runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from tests.cli.test_commands import refuses, run
from tests.cluster.traces import wait_gone
from tests.experiment import synthetic

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _this_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have kernels run this tree, with files of their own."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'widgets'}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)


def written(path: Path, *cells: str, **metadata: Any) -> Path:
    """Write a notebook; a cell that begins with ``#`` and a space is prose."""
    notebook = nbformat.v4.new_notebook(metadata=metadata)
    for text in cells:
        made = nbformat.v4.new_markdown_cell if text[:2] == "# " else nbformat.v4.new_code_cell
        notebook.cells.append(made(text))
    nbformat.write(notebook, path)
    return path


def test_a_notebook_is_executed_in_its_folder_and_written_as_one_page(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "data.txt").write_text("from the folder")
    path = written(
        tmp_path / "below" / "my book.ipynb",
        "# Title & all",
        "print(open('data.txt').read())",
        "6 * 7",
    )
    before = path.read_bytes()
    done = run("report", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "The report is my book.html."
    assert done.stderr.splitlines() == [
        "cell 1 of 2: print(open('data.txt').read())",
        "cell 2 of 2: 6 * 7",
    ]
    page = Path("my book.html").read_text("utf-8")
    assert "<title>Title &amp; all</title>" in page
    assert "from the folder" in page
    assert "<pre>42</pre>" in page
    assert "All 2 code cells ran" in page
    assert path.read_bytes() == before


def test_a_cell_that_fails_ends_it_with_a_report_that_shows_where(tmp_path: Path) -> None:
    path = written(
        tmp_path / "bad.ipynb", "x = 1", "def f():\n    return x / 0\nf()", "print('never')"
    )
    done = run("report", path, "-o", "out.html", "--json")
    assert done.returncode == 1
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert (document["passed"], document["cells"], document["ran"]) == (False, 3, 2)
    assert document["failure"] == {
        "cell": 2,
        "error": "ZeroDivisionError",
        "message": "division by zero",
    }
    page = Path("out.html").read_text("utf-8")
    assert 'id="failed"' in page
    assert "Traceback" in page
    assert "The one after it was not run." in page
    assert "– not run" in page
    done = run("report", path, "--quiet")
    assert done.stderr == ""
    told = done.stdout
    assert "Code cell 2 of 3 failed: ZeroDivisionError: division by zero" in told


@pytest.mark.parametrize(
    ("code", "limit", "error", "words"),
    [
        ("import time\nwhile True: time.sleep(100)", "2 s", "Timeout", "longer than it may"),
        (
            "import os\nos.write(2, b'my last words'); os._exit(1)",
            "90 s",
            "DeadKernel",
            "my last words",
        ),
        ("input()", "90 s", "StdinNotImplementedError", "input"),
        ("%load_ext resilkit\n%cluster kill n1", "90 s", "UsageError", "no cluster is open"),
    ],
)
def test_a_cell_may_also_hang_die_ask_or_be_refused(
    tmp_path: Path, code: str, limit: str, error: str, words: str
) -> None:
    done = run("report", written(tmp_path / "b.ipynb", code, "1"), "--timeout", limit, "--json")
    assert done.returncode == 1, done.stderr
    failure = json.loads(done.stdout)["failure"]
    assert failure["error"] == error
    assert words in failure["message"]
    assert Path("b.html").exists()


def test_without_execution_the_saved_outputs_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path / "saved.ipynb", "raise SystemError")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="as it was\n")]
    nbformat.write(notebook, path)
    done = run("report", path, "--no-execute")
    assert done.returncode == 0, done.stderr
    page = Path("saved.html").read_text("utf-8")
    assert "as it was" in page
    assert "nothing was run" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.ipynb"], "NOTEBOOK: there is no such file"),
        (["text.ipynb"], "NOTEBOOK: is no notebook"),
        (["list.ipynb"], "NOTEBOOK: is no notebook"),
        (["shape.ipynb"], "NOTEBOOK: is no notebook"),
        (["binary.ipynb"], "NOTEBOOK: is no notebook"),
        (["good.ipynb", "-o", "nowhere/x.html"], "--output: is in a folder that does not exist"),
        (["good.ipynb", "-o", "."], "--output: is a folder"),
        (["good.ipynb", "--timeout", "soon"], "--timeout: is no duration"),
        (["good.ipynb", "--timeout", "0"], "--timeout: is out of range"),
        (["good.ipynb", "--timeout", "3", "--no-execute"], "--timeout: is for cells that run"),
        (["run", "--no-execute"], "--no-execute: is for notebooks"),
        (["run", "--timeout", "3"], "--timeout: is for notebooks"),
    ],
)
def test_bad_input_is_refused_before_a_kernel_starts(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "text.ipynb").write_text("hello")
    (tmp_path / "list.ipynb").write_text("[1, 2]")
    (tmp_path / "shape.ipynb").write_text('{"nbformat": 4, "cells": 3}')
    (tmp_path / "binary.ipynb").write_bytes(b"\xff\xfe\x00")
    written(tmp_path / "good.ipynb", "open('ran', 'w').close()")
    synthetic.result().save(tmp_path / "run")
    assert words in refuses("report", *arguments)
    assert not (tmp_path / "ran").exists()


def test_a_kernel_that_is_not_installed_is_told_in_one_line(tmp_path: Path) -> None:
    spec = {"name": "cobol", "display_name": "COBOL", "language": "cobol"}
    done = run("report", written(tmp_path / "c.ipynb", "1", kernelspec=spec))
    assert done.returncode == 3
    assert (
        done.stderr
        == "resilkit: the notebook needs the kernel 'cobol', which is not installed here\n"
    )
    assert not Path("c.html").exists()


def test_a_saved_run_can_be_told_as_json(tmp_path: Path) -> None:
    folder = synthetic.result().save(tmp_path / "run")
    document = json.loads(run("report", folder, "--json").stdout)
    assert document["report"] == "report.html"
    assert document["name"] == "progressive node failures"


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, None)])
def test_an_interrupt_stops_the_kernel_and_writes_nothing(
    tmp_path: Path, sent: signal.Signals, code: int | None
) -> None:
    path = written(tmp_path / "long.ipynb", "1", "import time\nwhile True: time.sleep(100)")
    command = [sys.executable, "-m", "resilkit", "report", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("cell 2"):
                break
        kernels = psutil.Process(process.pid).children(recursive=True)
        assert kernels
        process.send_signal(sent)
        _, told = process.communicate(timeout=60)
    assert process.returncode == code if code is not None else process.returncode != 0
    if code == 130:
        assert told.splitlines()[-1].startswith("resilkit: interrupted: the kernel was stopped")
    wait_gone([each.pid for each in kernels])
    assert not Path("long.html").exists()
