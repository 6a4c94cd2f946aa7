"""A notebook as one HTML file that needs no network, in the light and in the dark."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.experiment.storage import write_file
from resilkit.importing import whole
from resilkit.notebooks.mathematics import formula
from resilkit.notebooks.reading import needs_lab

if TYPE_CHECKING:
    from nbconvert.exporters import HTMLExporter

    from resilkit.notebooks.execution import Execution

__all__ = ["render", "write_page"]

# Scripts of outputs work as far as they bring everything along; nothing is fetched, nor sent.
_POLICY = (
    "default-src 'none'; img-src data: blob:; media-src data: blob:; font-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval' blob:; "
    "worker-src blob:; frame-src data: blob:; form-action 'none'; base-uri 'none'"
)
_WIDGET = "application/vnd.jupyter.widget-view+json"
_STILL = '<div class="rk-still">'
"""How a panel's picture begins, which stands below the panel for when there is no kernel."""
_PRIORITY = (
    "text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/latex",
    "text/plain",
)  # fmt: skip


def write_page(
    notebook: Any, path: Path, *, name: str, execution: Execution | None, folder: Path
) -> None:
    """Write a notebook as a page, whole or not at all.

    Args:
        notebook: The notebook, with its outputs.
        path: The file.
        name: What to call it where it has no heading.
        execution: What came of running it; ``None`` where its outputs are as they were saved.
        folder: Where its own pictures are looked for.

    Raises:
        InvalidArgument: `path` is a folder, or in none.
        StorageError: The disk refused.
    """
    page = render(notebook, name=name, execution=execution, folder=folder)
    write_file(path, lambda: page.encode("utf-8", "replace"))


def render(notebook: Any, *, name: str, execution: Execution | None, folder: Path) -> str:
    """Return a notebook as a page. Text is escaped; HTML in outputs is shown, as nbconvert does.

    Raises:
        Unavailable: nbconvert is not installed.
    """
    from resilkit import __version__

    try:
        exporter = _exporter()
    except ModuleNotFoundError as error:
        raise needs_lab("a page of a notebook", error) from error
    _mark(notebook, execution)
    outcome, sign, sentence = _outcome(execution)
    about = {
        "version": __version__,
        "policy": _POLICY,
        "title": _title(notebook, name),
        "style": _style(),
        "outcome": outcome,
        "sign": sign,
        "sentence": sentence,
        "failed": execution is not None and execution.failure is not None,
        "footer": f"{name}, made with resilkit {__version__}",
    }
    page, _ = exporter.from_notebook_node(
        notebook, resources={"resilkit": about, "metadata": {"path": str(folder)}}
    )
    return page


def _exporter() -> HTMLExporter:
    whole("jinja2")
    from jinja2 import pass_context
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from traitlets.config import Config

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return formula(body, block=True)

        def latex_environment(self, name: str, body: str) -> str:
            return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

        def inline_math(self, body: str) -> str:
            return formula(body, block=False)

    class Exporter(HTMLExporter):
        @pass_context
        def markdown2html(self, context: Any, source: str) -> str:
            renderer = Renderer(
                escape=False,
                attachments=context.get("cell", {}).get("attachments", {}),
                embed_images=True,
                path=context.get("resources", {}).get("metadata", {}).get("path", ""),
                exclude_anchor_links=True,
            )
            return MarkdownWithMath(renderer=renderer).render(source)

    folder = Path(str(resources.files("resilkit.notebooks") / "templates"))
    config = Config()
    config.NbConvertBase.display_data_priority = list(_PRIORITY)
    config.HTMLExporter.preprocessors = []
    return Exporter(  # type: ignore[no-untyped-call]
        config=config,
        template_name="resilkit_page",
        extra_template_basedirs=[str(folder)],
        embed_images=True,
    )


def _mark(notebook: Any, execution: Execution | None) -> None:
    """Note on cells and outputs what the template is to do with them."""
    number = 0
    for index, cell in enumerate(notebook.cells):
        cell.metadata["resilkit"] = {"failed": "", "skipped": False}
        if cell.cell_type != "code":
            continue
        number += 1
        if execution is not None and execution.failure is not None:
            if index == execution.failure.index:
                cell.metadata["resilkit"]["failed"] = execution.failure.sentence()
            cell.metadata["resilkit"]["skipped"] = number > execution.ran
        _replace_widgets(cell.outputs)


def _replace_widgets(outputs: list[Any]) -> None:
    """Leave of a live widget the picture that stands below it, or else its line of text."""
    for place, output in enumerate(outputs):
        data = output.get("data", {})
        if _WIDGET not in data:
            continue
        del data[_WIDGET]
        following = outputs[place + 1].get("data", {}) if place + 1 < len(outputs) else {}
        if "text/html" in data:
            continue
        if str(following.get("text/html", "")).startswith(_STILL):
            output.metadata["resilkit_hidden"] = True
        elif "text/plain" in data:
            data["text/plain"] += "\n(a live widget, which shows something in the notebook only)"


def _outcome(execution: Execution | None) -> tuple[str, str, str]:
    if execution is None:
        return "", "–", "Shown with the outputs with which it was saved; nothing was run."
    cells = f"{execution.cells} code cell{'' if execution.cells == 1 else 's'}"
    if execution.failure is None:
        return "good", "✓", f"All {cells} ran from a clean kernel in {execution.seconds:.1f} s."
    failed = execution.failure
    left = execution.cells - execution.ran
    told = f"Code cell {failed.cell} of {execution.cells} failed: {failed.sentence()}."
    rest = {0: "", 1: " The one after it was not run."}
    return "bad", "✗", told + rest.get(left, f" The {left} after it were not run.")


def _title(notebook: Any, name: str) -> str:
    """Return the first heading, else the name of the file."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (
            found := re.search(r"^#\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
        ):
            return re.sub(r"[*_`]", "", found[1])
    return name


def _style() -> str:
    from pygments.formatters import HtmlFormatter

    own = (resources.files("resilkit.notebooks") / "templates" / "page.css").read_text("utf-8")
    light = _colours(HtmlFormatter(style="default"))
    dark = _colours(HtmlFormatter(style="github-dark"))
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _colours(formatter: Any) -> str:
    """Return the colours of code; its paper is the page's."""
    lines = formatter.get_style_defs(".highlight").splitlines()
    return "\n".join(
        re.sub(r"background(-color)?:[^;}]*;?", "", line)
        for line in lines
        if line.startswith(".highlight .") and "linenos" not in line
    )
