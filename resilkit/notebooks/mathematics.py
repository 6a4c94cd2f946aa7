"""Formulas in a page that loads nothing: as MathML, which browsers show by themselves."""

from __future__ import annotations

from html import escape

__all__ = ["formula"]


def formula(tex: str, *, block: bool) -> str:
    """Return a formula of TeX as MathML; as its own text where that cannot be read.

    Args:
        tex: What stands between the dollars.
        block: Whether it stands alone on its line.

    Examples:
        >>> formula("x", block=False).partition("<mrow>")[2]
        '<mi>x</mi></mrow></math>'
    """
    try:
        from latex2mathml.converter import convert

        return convert(tex.strip(), display="block" if block else "inline")
    except Exception:  # noqa: BLE001 - no library, or a TeX that it cannot read: shown as written
        mark = "$$" if block else "$"
        return f"<code>{escape(f'{mark}{tex}{mark}')}</code>"
