"""The outcome on stdout: what each criterion came to, and what to know of it."""

from __future__ import annotations

import os
import pty
from contextlib import redirect_stdout

import pytest

from resilkit.cli.output import print_result, result_document
from resilkit.experiment.verdicts import verdict_frame
from tests.experiment import synthetic

NOTE = "no fault did any harm"


def outcome(*rows, problems=()):
    names = ("criterion", "verdict", "reason")
    unknown = {"measured": None, "low": None, "high": None, "n": 0, "unit": ""}
    frame = verdict_frame([{**unknown, **dict(zip(names, row, strict=True))} for row in rows])
    return synthetic.result(verdicts=frame, problems=problems)


def test_what_to_know_of_a_criterion_stands_below_it_also_when_it_held(capsys):
    result = outcome(("recovery_time <= 5 s", "pass", NOTE), ("p95 < 1 s", "fail", "too slow"))
    print_result(result)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"      {NOTE}"
    assert lines[2].startswith("  ✗ p95 < 1 s")
    assert lines[3] == "      too slow"
    assert [row["reason"] for row in result_document(result)["verdicts"]] == [NOTE, "too slow"]


def test_on_a_terminal_the_notes_of_what_held_are_dim():
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stdout, redirect_stdout(stdout):
        print_result(outcome(("recovery_time <= 5 s", "pass", NOTE)))
    seen = os.read(controller, 65536).decode()
    os.close(controller)
    assert f"\x1b[2m      {NOTE}\x1b[0m" in seen


@pytest.mark.parametrize("problems", [(), ("latency at 8.0 s was in, but harmed nobody",)])
def test_a_reason_that_a_problem_tells_is_told_once(capsys, problems):
    reason = "it was in, but harmed nobody"
    row = ("fault delivered: latency", "inconclusive", reason)
    print_result(outcome(row, problems=problems))
    assert capsys.readouterr().out.count("was in, but harmed nobody") == 1
