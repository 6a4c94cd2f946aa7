"""Rules of the house that no linter holds: sizes, names, sleeping, words."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST_FILE = 400
LONGEST_FUNCTION = 80
VAGUE = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "__pycache__" not in path.parts]


OURS = sources("resilkit", "widgets", "tests")
PACKAGES = sources("resilkit", "widgets")


text_of = cache(Path.read_text)


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Give each statement, handler and case at any depth: a tenth of all nodes."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        yield node
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):
            # A lambda and a conditional have a body too, but stand in no block.
            left += getattr(node, block, ())


def long(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    for node in statements(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            size = node.end_lineno - node.lineno + 1
            if size > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {size} lines"


FOR_EVER = 100.0


def sleeps(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    # On a virtual clock a sleep costs nothing and ends exactly when it says.
    virtual = "virtual_loop" in text
    for node in ast.walk(tree) if "sleep" in text else ():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        module = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        if node.func.attr != "sleep" or (module == "asyncio" and virtual):
            continue
        # `asyncio.sleep(0)` gives way once, and an hour stands for "never ends".
        waits = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
        if module == "time" or any(0 < wait < FOR_EVER for wait in waits):
            yield node.lineno, ast.unparse(node)


def swallowed(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    for node in statements(tree):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
            if broad and all(isinstance(step, ast.Pass) for step in node.body):
                yield node.lineno, "an error passes unseen"


def eager(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    if len(tree.body) > 1 and "from __future__ import annotations" not in text:
        yield 1, "no `from __future__ import annotations`"


Rule = Callable[[ast.Module, str], Iterator[tuple[int, str]]]
RULES: tuple[Rule, ...] = (long, sleeps, swallowed, eager)


@cache
def offenders() -> dict[Rule, list[str]]:
    """Read every file once for all rules, and keep no tree: there are half a million nodes."""
    found: dict[Rule, list[str]] = {rule: [] for rule in RULES}
    # Garbage is looked for whenever so much has been made: two thirds of the time, for nothing.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for path in OURS:
            text = text_of(path)
            tree = ast.parse(text)
            for rule in RULES:
                found[rule] += [f"{short(path)}:{line}: {what}" for line, what in rule(tree, text)]
    finally:
        if collecting:
            gc.enable()
    return found


def test_no_file_is_long() -> None:
    sizes = {short(path): len(text_of(path).splitlines()) for path in OURS}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_no_function_is_long() -> None:
    assert offenders()[long] == []


def test_no_file_has_a_vague_name() -> None:
    assert [short(path) for path in OURS if path.stem in VAGUE] == []


def test_nobody_sleeps_for_a_guess() -> None:
    assert offenders()[sleeps] == []


def test_no_error_is_swallowed() -> None:
    assert offenders()[swallowed] == []


def test_annotations_are_never_evaluated_early() -> None:
    assert offenders()[eager] == []


def test_each_package_says_what_is_public() -> None:
    inits = [path for path in PACKAGES if path.name == "__init__.py"]
    assert [short(path) for path in inits if "__all__" not in path.read_text()] == []


# Put together from parts, so that this file does not hold what it forbids.
UNFINISHED = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "place" + "holder"))
ELSEWHERE = "|".join(
    ("/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "files.python" + "hosted", "registry.npm" + "js")
)


HTML_WORD = "place" + "holder: "
"""Of an input's attribute, in the front end."""


def texts() -> list[Path]:
    kinds = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".html", ".css", ".js", ".sh", ".txt"}
    folders = ("resilkit", "widgets", "tests", "notebooks", "binder", ".ci")
    tops = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in kinds]
    below = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    # Bundles are built from what stands in `front`, and have others' code in them.
    others = {"node_modules", "static"}
    return tops + [
        path
        for path in below
        if path.is_file()
        and (path.suffix in kinds or path.name == "run")
        and not others & set(path.parts)
    ]


@pytest.mark.parametrize("pattern", [UNFINISHED, ELSEWHERE], ids=["unfinished", "other machines"])
def test_no_text_speaks_of_what_is_not_here(pattern: str) -> None:
    found = [
        f"{short(path)}:{number}: {line.strip()[:100]}"
        for path in texts()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(rf"(?<!\w)({pattern})", line.replace(HTML_WORD, ""))
    ]
    assert found == []


OTHER_MARK = "\u2715"
"""Looks like the mark of a failure, and is another letter: who searches a page finds half."""


def test_a_failure_has_one_mark_everywhere() -> None:
    found = [short(path) for path in texts() if OTHER_MARK in path.read_text()]
    templates = (ROOT / "resilkit").rglob("*.j2")
    assert found + [short(path) for path in templates if OTHER_MARK in path.read_text()] == []
