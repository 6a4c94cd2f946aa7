"""What is drawn while a run goes on."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console

from resilkit.cli.live import PlainLines, TerminalDisplay
from resilkit.cli.output import printable
from resilkit.cli.running import exit_code
from resilkit.experiment import Progress
from resilkit.experiment.progress import Quiet, choose_listener
from tests.experiment import synthetic

LOOK = Progress(
    phase="load",
    text="under load",
    elapsed=3.0,
    total=20.0,
    operations=1500,
    rate=512.4,
    availability=0.9987,
    nodes={"n1": "running", "[bold]n2": "killed"},
    faults=("node_crash",),
)


def drawn(look, width=90):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="256")
    console.print(TerminalDisplay(console, "[red]demo").draw(look))
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())  # type: ignore[attr-defined]


def test_the_panel_shows_nodes_rate_availability_faults_and_time_left():
    text = drawn(LOOK)
    for part in ("n1 running", "1,500 (512/s)", "99.87%", "node crash", "17.0 s"):
        assert part in text


def test_names_with_markup_are_shown_as_they_are():
    assert "[bold]n2 killed" in drawn(LOOK)
    assert "[red]demo" in drawn(LOOK)


def test_the_panel_fits_a_narrow_terminal():
    assert max(map(len, drawn(LOOK, width=40).splitlines())) <= 40


def test_plain_lines_come_with_each_phase_and_every_two_seconds():
    stream = io.StringIO()
    with PlainLines(stream, "demo, seed 7") as lines:
        for step in range(40):
            lines.update(Progress(phase="load", text="under load", elapsed=step / 4, total=10.0))
        lines.update(Progress(phase="done", text="Passed.", total=10.0))
    written = stream.getvalue().splitlines()
    assert written[:2] == ["demo, seed 7", "under load"]
    assert [line.split()[0] for line in written[2:]] == ["2.0", "4.0", "6.0", "8.0"]


def test_a_line_names_only_the_nodes_that_do_not_run():
    stream = io.StringIO()
    lines = PlainLines(stream, "demo")
    lines.update(LOOK)
    lines.update(LOOK)
    last = stream.getvalue().splitlines()[-1]
    assert "[bold]n2 killed" in last
    assert "n1" not in last
    assert "faults: node crash" in last


def test_what_a_terminal_would_obey_is_not_printed():
    assert "\x1b" not in printable("\x1b]0;owned\x07 text")


def test_the_exit_code_is_0_only_when_every_criterion_held():
    assert exit_code(synthetic.result(verdicts=synthetic.verdicts("pass"))) == 0
    assert exit_code(synthetic.result(verdicts=synthetic.verdict_frame([]))) == 0
    assert exit_code(synthetic.result(verdicts=synthetic.verdicts("pass", "inconclusive"))) == 1
    assert exit_code(synthetic.result(verdicts=synthetic.verdicts("inconclusive"))) == 1
    assert exit_code(synthetic.result(verdicts=synthetic.verdicts("fail"))) == 1


def test_a_criterion_without_a_verdict_did_not_hold():
    assert exit_code(synthetic.result(verdicts=synthetic.verdict_frame([])), criteria=1) == 1
    assert exit_code(synthetic.result(verdicts=synthetic.verdicts("pass")), criteria=1) == 0


def test_nobody_who_looks_gets_no_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    monkeypatch.delitem(__import__("sys").modules, "IPython", raising=False)
    assert isinstance(choose_listener(True, None), Quiet)
    assert isinstance(choose_listener(False, None), Quiet)


def test_the_bar_moves_and_closes(capsys):
    from resilkit.experiment.progress import TqdmBar

    with TqdmBar() as bar:
        bar.update(LOOK)
        assert bar._bar.n == 3.0
    assert bar._bar is None
    assert "under load" in capsys.readouterr().err


class Handle:
    """What `IPython.display.display` gives back, with what it was told."""

    def __init__(self, shown):
        self.lines = [shown["text/plain"]]

    def update(self, shown, *, raw):
        assert raw
        self.lines.append(shown["text/plain"])


@pytest.fixture
def displays(monkeypatch):
    """A notebook's displays, each with the lines that it showed one after the other."""
    import IPython

    made = []

    def display(shown, *, raw, display_id):
        assert raw
        assert display_id
        made.append(Handle(shown))
        return made[-1]

    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr("IPython.display.display", display)
    return made


def test_a_notebook_has_one_line_that_is_replaced_and_keeps_how_it_ended(displays, capsys):
    with choose_listener(True, None) as line:
        line.update(dataclasses.replace(LOOK, availability=None, elapsed=0.0, text="getting ready"))
        line.update(LOOK)
        line.update(dataclasses.replace(LOOK, phase="done", text="Failed: 1 <of> 4."))
    (shown,) = displays
    assert shown.lines[0] == "getting ready: 0.0/20.0 s"
    assert re.fullmatch(r"under load: 3.0/20.0 s, .*/s, .*% good, .*", shown.lines[1])
    assert shown.lines[2:] == ["Failed: 1 <of> 4."]
    assert "".join(capsys.readouterr()) == ""


def test_a_run_that_is_interrupted_says_so_in_its_last_line(displays):
    with pytest.raises(KeyboardInterrupt), choose_listener(True, None) as line:
        line.update(LOOK)
        raise KeyboardInterrupt
    assert displays[0].lines[-1].endswith("; ended by KeyboardInterrupt")


def test_each_deed_of_a_fault_has_a_line_of_its_own():
    stream = io.StringIO()
    lines = PlainLines(stream, "demo")
    lines.update(LOOK)
    news = ((3.1, "node crash strikes: n1"), (3.9, "node crash is over: n1\x1b[2J"))
    lines.update(dataclasses.replace(LOOK, elapsed=4.0, news=news, faults=()))
    written = stream.getvalue().splitlines()
    assert "  3.1 s  node crash strikes: n1" in written
    assert "  3.9 s  node crash is over: n1�[2J" in written
    assert "3.1 s  node crash strikes: n1" in drawn(dataclasses.replace(LOOK, news=news[:1]))


def test_what_waits_is_shown():
    look = dataclasses.replace(LOOK, waiting=1200)
    stream = io.StringIO()
    lines = PlainLines(stream, "demo")
    lines.update(look)
    lines.update(look)
    assert "1,200 waiting" in stream.getvalue()
    assert "99.87%, 1,200 waiting" in drawn(look)
