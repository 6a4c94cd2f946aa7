"""Which lines a panel shows, by names and globs."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit import InvalidArgument
from resilkit_widgets.choosing import Choice, as_names


@pytest.mark.parametrize(
    ("nodes", "servers", "shown"),
    [
        (None, None, ["n1", "n2", "n1 bank", "n2 counter-0"]),
        (("n1",), None, ["n1", "n1 bank"]),
        (("n?",), ("counter-*",), ["n1", "n2", "n2 counter-0"]),
        (("n2",), ("bank",), ["n2"]),
        (None, ("BANK",), ["n1", "n2"]),
    ],
)
def test_lines_of_the_chosen_are_shown_and_those_of_whole_nodes(
    nodes: Any, servers: Any, shown: list[str]
) -> None:
    keys = [("n1", ""), ("n2", ""), ("n1", "bank"), ("n2", "counter-0")]
    choice = Choice(nodes, servers)
    assert [" ".join(key).strip() for key in keys if choice.shows(key)] == shown


@pytest.mark.parametrize(
    ("value", "path"),
    [([], "nodes"), ({}, "nodes"), (3, "nodes"), (" ", "nodes"), (["n1", 3], "nodes[1]"),
     ("n9", "nodes"), (["n*", "n9"], "nodes[1]"), (["n*"] * 201, "nodes")],
)  # fmt: skip
def test_what_names_nobody_is_refused(value: Any, path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        as_names(value, "nodes", ["n1", "n2"])
    assert caught.value.path == path
