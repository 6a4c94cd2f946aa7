"""The lines of source in which a class or a function was written, in a file or in a cell."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

__all__ = ["defaults_in", "functions_of", "source_of", "with_code"]

_GENERATED = "<string>"
"""Where the methods stand that ``dataclass`` makes."""


def source_of(thing: Any, name: str) -> str | None:
    """Return the source of a class or a function; ``None`` where it was not found.

    Args:
        thing: The class or the function.
        name: What a lambda is assigned to.
    """
    try:
        found = _class_source(thing) if isinstance(thing, type) else None
        source = textwrap.dedent(inspect.getsource(thing) if found is None else found)
    except (OSError, TypeError):
        return None
    if isinstance(thing, FunctionType) and thing.__name__ == "<lambda>":
        found = _lambda_in(source, thing.__code__)
        return None if found is None else f"{name} = {found}"
    return source.rstrip()


def _class_source(thing: type) -> str | None:
    """Return the lines of a class by where its methods are: those of a notebook have no file.

    ``inspect`` looks for a class in the file of its module, by its name.
    """
    codes = (inspect.unwrap(each).__code__ for each in functions_of(thing))
    code = next((each for each in codes if each.co_filename != _GENERATED), None)
    if code is None:
        return _source_in_cells(thing)
    lines = linecache.getlines(code.co_filename)
    around = [
        node
        for node in _classes_in(lines, thing.__name__)
        if node.lineno <= code.co_firstlineno <= (node.end_lineno or 0)
    ]
    return _lines_of(max(around, key=lambda node: node.lineno), lines) if around else None


def _source_in_cells(thing: type) -> str | None:
    """Return the lines of a class without methods from the newest cell that has it."""
    if thing.__module__ != "__main__":
        return None
    for _, changed, lines, _ in reversed([each for each in _cached() if len(each) == 4]):
        if changed is None:  # there is no file
            for node in _classes_in(lines, thing.__name__):
                return _lines_of(node, lines)
    return None


def _cached() -> list[Any]:
    return list(linecache.cache.values())


def _classes_in(lines: list[str], name: str) -> list[ast.ClassDef]:
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):  # what was compiled is not the whole of that file
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]


def _lines_of(node: ast.ClassDef, lines: list[str]) -> str:
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return "".join(lines[first - 1 : node.end_lineno])


def _lambda_in(source: str, code: CodeType) -> str | None:
    """Return the text of a lambda among the lines in which it stands."""
    start = source.find("lambda")
    while start >= 0:
        for end in range(len(source), start, -1):
            text = source[start:end]
            try:
                tree = compile(text, "<script>", "eval", flags=ast.PyCF_ONLY_AST)
            except (SyntaxError, ValueError):
                continue
            made = isinstance(tree, ast.Expression) and isinstance(tree.body, ast.Lambda)
            if made and _shape(_code_of(text)) == _shape(code):
                return text.strip()
        start = source.find("lambda", start + 1)
    return None


def _code_of(text: str) -> CodeType:
    """Return the code of a lambda, which comes after that of its defaults."""
    consts = compile(text, "<script>", "eval").co_consts
    return [each for each in consts if isinstance(each, CodeType)][-1]


def _shape(code: CodeType) -> object:
    """Return what is the same for a function wherever it stands: what it has from others is not."""
    consts = [_shape(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    names = sorted({*code.co_names, *code.co_freevars})
    return code.co_argcount, code.co_varnames, names, consts


def functions_of(thing: Any) -> Iterator[FunctionType]:
    """Give the function itself, or the functions that were written in a class."""
    if isinstance(thing, FunctionType):
        yield thing
    elif isinstance(thing, type):
        for value in vars(thing).values():
            inner = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(inner, FunctionType):
                inner = inspect.unwrap(inner)
            if isinstance(inner, FunctionType) and inner.__module__ == thing.__module__:
                yield inner


def defaults_in(source: str, function: FunctionType) -> list[tuple[ast.expr, Any]]:
    """Return where in its source the defaults of a function stand, and what they are.

    Args:
        source: Of the function; of a lambda with what it is assigned to.
        function: The function.
    """
    made = ast.parse(source).body[0]
    if isinstance(made, ast.Assign):
        made = made.value  # type: ignore[assignment]
    if not isinstance(made, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return []
    wanted, given = made.args, function.__defaults__ or ()
    if len(wanted.defaults) != len(given):  # what decorates it takes other arguments
        return []
    found = list(zip(wanted.defaults, given, strict=True))
    named = function.__kwdefaults__ or {}
    for argument, default in zip(wanted.kwonlyargs, wanted.kw_defaults, strict=True):
        if default is not None and argument.arg in named:
            found.append((default, named[argument.arg]))
    return found


def with_code(source: str, instead: Sequence[tuple[ast.expr, str]]) -> str:
    """Return source with other code for some of its expressions."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    begins = [sum(map(len, lines[:number])) for number in range(len(lines))]
    text = b"".join(lines)
    for node, code in sorted(instead, key=lambda each: (each[0].lineno, each[0].col_offset))[::-1]:
        start = begins[node.lineno - 1] + node.col_offset
        end = begins[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        text = text[:start] + code.encode() + text[end:]
    return text.decode()
