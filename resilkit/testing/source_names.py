"""The names that a class or a function has from outside, by its source."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator

__all__ = ["names_at_once", "names_in"]


def names_in(source: str) -> list[str]:
    """Return the names that something has from outside, in order.

    Those of annotations are among them: they may be read. Parameters and variables are not.
    """
    outside = set(_outside(symtable.symtable(source, "<script>", "exec")))
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            outside.update(_before_set(node))
    names = {node.id: None for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return [name for name in names if name in outside]


def names_at_once(source: str) -> list[str]:
    """Return those that are read when the source runs, and not later: annotations are not."""
    lines = f"from __future__ import annotations\n{source}"
    return sorted(set(_outside(symtable.symtable(lines, "<script>", "exec"), later=False)))


def _outside(table: symtable.SymbolTable, *, later: bool = True) -> Iterator[str]:
    for symbol in table.get_symbols():
        inside = symbol.is_assigned() or symbol.is_imported() or symbol.is_parameter()
        inside = inside or symbol.is_free()
        if symbol.is_declared_global() or (symbol.is_referenced() and not inside):
            yield symbol.get_name()
    for inner in table.get_children():
        if later or inner.get_type() == "class":
            yield from _outside(inner, later=later)


def _before_set(node: ast.ClassDef) -> Iterator[str]:
    """Give what the body of a class reads before it sets it: ``limit = limit``."""
    known: set[str] = set()
    for each in node.body:
        if isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            kept = {one.id for one in targets if isinstance(one, ast.Name)}
            within = [] if each.value is None else ast.walk(each.value)
            read = {one.id for one in within if isinstance(one, ast.Name)}
            yield from (read & kept) - known
            known |= kept
