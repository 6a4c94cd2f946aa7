"""Where panels stand in a notebook: the live widget, and the picture that stays."""

from __future__ import annotations

import gc
import weakref

import nbformat
import pytest
import traitlets
from nbconvert.exporters import HTMLExporter

from resilkit_widgets import panel as panel_module
from resilkit_widgets import showing as showing_module
from resilkit_widgets.panel import Panel
from tests.seen import text_of
from tests.widgets.outputs import Outputs, Shell


class Number(Panel):
    """Shows a number."""

    number = traitlets.Int(1).tag(sync=True)
    _esm = "export default { render() {} }"

    over = False

    def _update(self) -> None:
        """It is set from outside."""

    def _ended(self) -> bool:
        return self.over

    def _picture(self) -> str:
        return f"<b>{self.number}</b>"


def still(number: int) -> str:
    return f'<div class="rk-still">{showing_module._LAST}<b>{number}</b></div>'


def test_a_live_panel_has_its_picture_beside_it_renewed_after_each_cell(
    outputs: Outputs, shell: Shell
) -> None:
    panel = Number()
    panel._ipython_display_()
    widget, picture = outputs
    assert "application/vnd.jupyter.widget-view+json" in widget.bundles[-1]
    assert picture.html == still(1)
    panel.number = 2
    assert picture.html == still(1)
    shell.run_cell()
    assert picture.html == still(2)
    shell.run_cell()
    assert len(picture.bundles) == 2, "nothing is sent again that stands there"


def test_an_interrupt_at_the_end_of_a_cell_ends_the_look_and_is_not_told_of(
    outputs: Outputs, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = Number()
    panel._ipython_display_()
    asked = []

    def interrupted() -> dict[str, str]:
        asked.append(panel.number)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(panel._showings, "_made", interrupted)
        panel.number = 2
        shell.run_cell()
    assert asked == [2]
    shell.run_cell()
    assert outputs[1].html == still(2), "the next cell brings it up to date"


def test_at_a_prompt_a_panel_is_one_line(outputs: Outputs, monkeypatch: pytest.MonkeyPatch) -> None:
    class TerminalInteractiveShell(Shell):
        """The shell of IPython without a notebook."""

    shell = TerminalInteractiveShell()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    panel = Number()
    panel._ipython_display_()
    panel.number = 2
    shell.run_cell()
    panel.stop()
    [line] = outputs
    assert line.bundles == [{"text/plain": repr(panel).replace("over", "live")}]


def test_a_picture_without_its_widget_says_so_and_the_widget_says_nothing_as_text(
    outputs: Outputs, shell: Shell
) -> None:
    panel = Number()
    panel._ipython_display_()
    widget, picture = outputs
    assert widget.bundles[-1]["text/plain"] == "", "no repr above the picture in an exported page"
    assert text_of(picture.html).startswith("Last picture of a live panel; run the cell again")
    assert picture.bundles[-1]["text/plain"] == repr(panel), "where there is only text"
    panel.close()
    assert "Last picture" not in widget.html, "it has ended: there is nothing to run again"


def test_an_exported_page_shows_the_picture_and_nothing_in_the_place_of_the_widget(
    outputs: Outputs, shell: Shell
) -> None:
    Number()._ipython_display_()
    shown = [nbformat.v4.new_output("display_data", each.bundles[-1]) for each in outputs]
    cell = nbformat.v4.new_code_cell("panel", outputs=shown)
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    body = page.partition("<body")[2]
    assert "<b>1</b>" in body
    assert "&lt;Number" not in body, "no repr"
    assert "object at 0x" not in body


def test_the_picture_is_renewed_now_and_then_while_no_cell_ends(
    outputs: Outputs, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    for module in (panel_module, showing_module):
        monkeypatch.setattr(module, "monotonic", lambda: now)
    panel = Number()
    panel._ipython_display_()
    panel.number = 2
    now += 9.9
    panel.tick()
    assert outputs[1].html == still(1)
    now += 0.2
    panel.tick()
    assert outputs[1].html == still(2)
    panel.close()


def test_the_last_picture_takes_the_place_of_the_widget(outputs: Outputs, shell: Shell) -> None:
    panel = Number()
    panel._ipython_display_()
    panel.number = 3
    panel.close()
    panel.close()
    widget, picture = outputs
    assert widget.html == "<b>3</b>"
    assert picture.html == "<span></span>"
    assert len(widget.bundles) == len(picture.bundles) == 2
    assert shell.heard == []


def test_what_a_cell_has_ended_has_left_its_last_picture_when_the_cell_is_over(
    outputs: Outputs, shell: Shell
) -> None:
    # Nothing ticks meanwhile, and what comes later nbclient takes for a stray message.
    panel = Number()
    panel._ipython_display_()
    panel.number = 3
    panel.over = True
    shell.run_cell()
    widget, picture = outputs
    assert widget.html == "<b>3</b>"
    assert picture.html == "<span></span>"


def test_a_panel_that_is_displayed_twice_is_renewed_and_left_in_both_places(
    outputs: Outputs, shell: Shell
) -> None:
    panel = Number()
    panel._ipython_display_()
    panel._ipython_display_()
    assert len(shell.heard) == 1
    panel.number = 2
    shell.run_cell()
    assert [outputs[1].html, outputs[3].html] == [still(2)] * 2
    panel.number = 3
    panel.close()
    assert [each.html for each in outputs] == ["<b>3</b>", "<span></span>"] * 2
    assert shell.heard == []


def test_a_panel_that_is_over_shows_its_picture_alone(outputs: Outputs, shell: Shell) -> None:
    panel = Number()
    panel.close()
    panel._ipython_display_()
    assert [each.html for each in outputs] == ["<b>1</b>"]
    assert shell.heard == []


def test_a_picture_that_is_dear_is_not_made_after_each_cell(
    outputs: Outputs, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(showing_module, "monotonic", lambda: now)
    panel, made = Number(), []

    def picture() -> str:
        nonlocal now
        now += 0.1
        made.append(panel.number)
        return f"<b>{panel.number}</b>"

    monkeypatch.setattr(panel, "_picture", picture)
    panel._ipython_display_()
    panel.number = 2
    shell.run_cell()
    assert made == [1], "it took a tenth of a second, so two have to go by"
    panel.tick()
    assert made == [1]
    now += 2.1
    panel.tick()
    assert made == [1, 2], "it was due"
    now += 2.1
    panel.tick()
    assert made == [1, 2], "no cell has ended since"
    panel.number = 3
    shell.run_cell()
    assert outputs[1].html == still(3)
    panel.close()


def test_a_panel_ends_when_the_cell_that_displays_it_is_run_again(
    outputs: Outputs, shell: Shell
) -> None:
    def displayed(cell: str, run: str) -> Number:
        shell.begin(cell, run)
        made = Number()
        made._ipython_display_()
        return made

    first, beside = displayed("a", "1"), displayed("a", "1")
    shell.run_cell()
    other = displayed("b", "2")
    shell.run_cell()
    assert [each.state for each in (first, beside, other)] == ["live"] * 3
    again = displayed("a", "3")
    shell.run_cell()
    assert [first.state, beside.state, other.state, again.state] == [
        "over", "over", "live", "live",
    ]  # fmt: skip
    assert len(shell.heard) == 2
    assert len(outputs[0].bundles) == 1, "that output is gone"
    shell.begin("b", "4")
    shell.run_cell()
    assert (other.state, again.state) == ("over", "live"), "it has displayed nothing"
    again.close()


def test_a_panel_that_is_displayed_again_by_its_cell_goes_on(
    outputs: Outputs, shell: Shell
) -> None:
    first, second = Number(), Number()
    for run in ("1", "2", "3"):
        shell.begin("a", run)
        first._ipython_display_()
        shell.run_cell(part=True)
        second._ipython_display_()
        shell.run_cell()
    assert (first.state, second.state) == ("live", "live")
    first.number = 2
    shell.run_cell()
    assert [each.html for each in outputs[1::4]] == [still(1), still(1), still(2)]
    for each in (first, second):
        each.close()
    assert [each.html for each in outputs] == [
        *["", still(1)] * 4, "<b>2</b>", "<span></span>", "<b>1</b>", "<span></span>",
    ]  # fmt: skip
    assert shell.heard == []


def test_a_panel_in_several_cells_ends_when_it_has_lost_its_place_in_the_last_of_them(
    outputs: Outputs, shell: Shell
) -> None:
    panel = Number()
    for cell in ("a", "b"):
        shell.begin(cell, f"{cell}1")
        panel._ipython_display_()
        shell.run_cell()
    shell.begin("a", "a2")
    shell.run_cell()
    assert panel.state == "live"
    panel.number = 2
    shell.run_cell()
    assert [outputs[1].html, outputs[3].html] == [still(1), still(2)], "the first one is gone"
    shell.begin("b", "b2")
    shell.run_cell()
    assert panel.state == "over"
    assert shell.heard == []


def test_the_shell_holds_no_panel_that_everybody_else_has_forgotten(
    outputs: Outputs, shell: Shell
) -> None:
    panel = Number()
    panel._ipython_display_()
    showing = weakref.ref(panel._showings)
    panel._showings = None
    outputs.clear()
    gc.collect()
    assert showing() is None
    assert shell.heard == []
