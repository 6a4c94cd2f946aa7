"""Reads scenario files: YAML or JSON, as plain data, with nothing ambiguous left in."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.errors import InvalidArgument
from resilkit.importing import whole

if TYPE_CHECKING:
    import yaml

__all__ = ["dump_yaml", "line_of", "read_document", "read_yaml"]

_LARGEST_FILE = 1 << 20
_MOST_VALUES = 100_000
_DEEPEST = 50
"""Levels of YAML. PyYAML takes seconds for hundreds of them, and scenarios have half a dozen."""

_SUFFIXES = {".yaml", ".yml", ".json"}


def read_document(path: str | Path) -> object:
    """Return what the file at `path` holds: mappings, lists, texts, numbers.

    Args:
        path: A file whose name ends in ``.yaml``, ``.yml`` or ``.json``.

    Raises:
        InvalidArgument: It cannot be read, is no YAML or JSON, gives a key twice, or is larger
            than a scenario can be (1 MiB, 100,000 values once aliases are written out, or 50
            levels).
    """
    try:
        file = Path(path).expanduser()
    except (TypeError, RuntimeError):  # no text at all, or "~nobody/x.yaml"
        raise InvalidArgument(
            "is no path", path="path", value=path, allowed="a YAML or JSON file"
        ) from None
    if file.suffix.lower() not in _SUFFIXES:
        raise InvalidArgument(
            "is no scenario file",
            path="path",
            value=str(path),
            allowed=", ".join(sorted(_SUFFIXES)),
        )
    try:
        with file.open("rb") as opened:
            raw = opened.read(_LARGEST_FILE + 1)
        text = raw.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidArgument(f"cannot be read ({why})", path="path", value=str(path)) from None
    if len(raw) > _LARGEST_FILE:
        raise InvalidArgument("is too large", path=str(path), allowed="at most 1 MiB")
    return _checked(_read_json if file.suffix.lower() == ".json" else _read_yaml, text, str(path))


def read_yaml(text: str, name: str) -> object:
    """Return what YAML that somebody has written into a cell holds.

    Args:
        text: The YAML.
        name: What errors call it.

    Raises:
        InvalidArgument: As `read_document`.

    Examples:
        >>> read_yaml("- latency: {low: 1 ms, high: 2 ms}", "cell")
        [{'latency': {'low': '1 ms', 'high': '2 ms'}}]
    """
    # Half a surrogate pair is a text to Python, but PyYAML fails on it in its own way.
    if not isinstance(text, str) or any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidArgument("must be a text", path=name, value=text)
    if len(text) > _LARGEST_FILE:
        raise InvalidArgument("is too large", path=name, allowed="at most 1 MiB")
    return _checked(_read_yaml, text, name)


def _checked(read: Callable[[str], object], text: str, name: str) -> object:
    try:
        document = read(text)
    except RecursionError:
        raise InvalidArgument("is nested too deeply", path=name) from None
    except InvalidArgument as error:
        raise InvalidArgument(error.message, path=name, allowed=error.allowed) from None
    _check_size(document, name)
    return document


def line_of(text: str, path: str) -> int | None:
    r"""Return the line in a YAML text, from 1, of what a path leads to, or of the last part found.

    Args:
        text: The text.
        path: As errors have it: names with dots between, and places in lists in brackets.

    Returns:
        The line; ``None`` where the text cannot be read, or has nothing of the path.

    Examples:
        >>> line_of("name: x\nfaults:\n  - latency: {low: -1}", "faults[0].latency.low")
        3
    """
    whole("yaml")
    import yaml

    try:
        node = yaml.compose(text, Loader=_loader())
    except (yaml.YAMLError, InvalidArgument):
        return None
    line = None
    for name in re.findall(r"[^.\[\]]+", path):
        found = _child(node, name)
        if found is None:
            break
        line, node = found
    return line


def _child(node: Any, name: str) -> tuple[int, Any] | None:
    if node is None or isinstance(node.value, str):
        return None
    if name.isdigit() and int(name) < len(node.value) and not isinstance(node.value[0], tuple):
        one = node.value[int(name)]
        return one.start_mark.line + 1, one
    pairs = (pair for pair in node.value if isinstance(pair, tuple))
    return next(
        ((key.start_mark.line + 1, value) for key, value in pairs if key.value == name), None
    )


def _read_json(text: str) -> object:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in pairs:
            if key in found:
                raise InvalidArgument(f"gives the key {key!r} twice")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"is no JSON (line {error.lineno}: {error.msg})") from None
    except InvalidArgument:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise InvalidArgument(f"is no JSON ({error})") from None


def _read_yaml(text: str) -> object:
    whole("yaml")
    import yaml

    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InvalidArgument(f"is no YAML ({where}{problem})") from None
    except InvalidArgument:
        raise
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        # PyYAML's constructors of dates, numbers and keys raise these for bad ones.
        raise InvalidArgument(f"is no YAML ({error})") from None


@functools.cache
def _loader() -> type[yaml.SafeLoader]:
    whole("yaml")
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML that refuses a key given twice, which YAML itself would let pass, and depths."""

        depth = 0

        def fetch_flow_collection_start(self, token: Any) -> None:
            # While it is read: each bracket that is open makes each token slower.
            _refuse_depth(self.flow_level + 1)
            super().fetch_flow_collection_start(token)

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            _refuse_depth(self.depth)  # what stands in the deepest list has no level of its own
            self.depth += 1
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

        def construct_mapping(
            self,
            node: yaml.MappingNode,
            deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's own
        ) -> dict[Hashable, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                    if key.value in seen:
                        where = f"in the mapping at line {node.start_mark.line + 1}"
                        raise InvalidArgument(f"gives the key {key.value!r} twice ({where})")
                    seen.add(key.value)
            return super().construct_mapping(node, deep)

    return Loader


def _refuse_depth(levels: int) -> None:
    if levels > _DEEPEST:
        raise InvalidArgument("is nested too deeply", allowed=f"at most {_DEEPEST} levels")


def _check_size(document: object, name: str) -> None:
    """Refuse what aliases blow up: a small file can name more values than memory can hold."""
    left, seen = [document], 0
    while left:
        value = left.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise InvalidArgument(
                "holds too many values, or contains itself", path=name, allowed=f"{_MOST_VALUES:,}"
            )
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list | tuple | set):
            left.extend(value)


def dump_yaml(document: object) -> str:
    """Return `document` as YAML, keys in their order, short lists on one line."""
    whole("yaml")
    import yaml

    return yaml.safe_dump(
        document, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
    )
