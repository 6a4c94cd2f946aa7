"""What a notebook defines, on its nodes and back: one class, until its cell is run again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notebooks.notebook import Notebook

RECORDS = """
from dataclasses import dataclass
from enum import Enum

class Colour(Enum):
    RED = 1

@dataclass(frozen=True)
class Point:
    x: int
    colour: Colour = Colour.RED

class Empty(Exception):
    pass

class TooMuch(rk.Refused):
    pass

ORIGIN = Point(0)

def shift(point, by=1):
    return Point(point.x + by, point.colour)

class Draw(rk.Server):
    def init(self, step=1):
        self.step = step
    def shift(self, point):
        assert isinstance(point, Point)
        return shift(point, self.step)
    def version(self):
        return 1
    def echo(self, value):
        return value
    def origin(self):
        return ORIGIN
    def refuse(self):
        raise TooMuch("no")
    def crash(self):
        raise Empty("nothing")
    async def through(self, other, value):
        return await self.whereis(other).call.echo(value)
    def tell(self, text):
        import sys
        print(text)
        print(text, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def drawing(notebook: Notebook) -> Iterator[Notebook]:
    """The notebook with a cluster of two nodes, and a server of its own class on each."""
    notebook.run(RECORDS)
    notebook.run("cluster = rk.Cluster(nodes=2)")
    for node in ("n1", "n2"):
        notebook.run(f"{node} = cluster.start(Draw, name='on-{node}', node='{node}')")
    yield notebook
    notebook.run("cluster.close()")
    assert notebook.place.clusters() == []


@pytest.mark.parametrize(
    "true",
    [
        "type(n1.call.shift(Point(1))) is Point",
        "n1.call.shift(Point(1)) == Point(2)",
        "n2.call.origin() == ORIGIN",
        "n1.call.echo(Colour.RED) is Colour.RED",
        "n1.call.through('on-n2', Point(3)) == Point(3)",
        "n1.call.through('on-n2', Colour.RED) is Colour.RED",
        "type(n1.call.echo(Empty('x'))) is Empty",
        "n2.call.through('on-n1', [Draw, Point, Empty]) == [Draw, Point, Empty]",
        "n1.call.echo(shift)(Point(1)) == Point(2)",
        "n1.call.echo({Point(1): ORIGIN})[Point(1)] == ORIGIN",
    ],
)
def test_values_come_back_as_the_notebooks_own(drawing: Notebook, true: str) -> None:
    assert drawing.run(true).value == "True"


def test_exceptions_come_back_as_the_notebooks_own(drawing: Notebook) -> None:
    assert drawing.value("""
try:
    n1.call.refuse()
except TooMuch as error:
    refused = str(error)
refused
""") == "no"  # fmt: skip
    assert drawing.value("""
brief = cluster.start(Draw, node="n2")
try:
    brief.call.crash()
except rk.ServerExit as error:
    reason = error.reason
type(reason) is Empty, str(reason)
""") == (True, "nothing")  # fmt: skip


def test_what_nodes_print_goes_to_their_logs_and_not_into_cells(drawing: Notebook) -> None:
    cell = drawing.run("n1.call.tell('from the node'); n1.sync(); print('from the cell')")
    assert cell.text == "from the cell\n"
    assert drawing.value("cluster.nodes['n1'].log().count('from the node')") == 2


def test_a_cell_that_runs_again_makes_new_classes_for_new_servers_only(drawing: Notebook) -> None:
    drawing.run("first = Point")
    drawing.run(
        RECORDS.replace("point.x + by,", "point.x + 10 * by,").replace("return 1", "return 2")
    )
    assert drawing.value("Point is first") is False
    drawing.run("new = cluster.start(Draw, 2, name='new', node='n1')")
    assert drawing.value("new.call.shift(Point(1)) == Point(21)") is True
    assert drawing.value("n1.call.shift(first(1)) == first(2)") is True
    assert drawing.value("type(n1.call.origin()) is first, type(new.call.origin()) is Point") == (
        True,
        True,
    )
    # A server of the old class knows nothing of the new one: to it, this is any other value.
    assert drawing.value("n2.call.echo(Point(5)) == Point(5)") is True
    assert drawing.value("new.call.through('on-n2', Colour.RED) is Colour.RED") is True
    # What starts again with its node starts as what it was.
    drawing.run("cluster.nodes['n1'].restart()")
    assert drawing.value("n1.call.version(), n2.call.version(), new.call.version()") == (1, 1, 2)
