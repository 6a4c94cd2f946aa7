"""Saved runs of what a notebook or a script defined, replayed and made small there by folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notebooks.notebook import Notebook
from tests.scripts.place import Place

SHOP = """
from dataclasses import dataclass
import resilkit as rk

class Shop(rk.Server):
    def init(self, stock=3):
        self.stock = stock
    def buy(self):
        self.stock -= 1
        return 1 / self.stock

@dataclass
class Town:
    stock: int
    def applications(self, nodes):
        return {nodes[0]: [rk.ChildSpec(Shop, name="shop", args=(self.stock,))]}

async def visit(user):
    await user.whereis("shop").call.buy()
"""

RUN = """
def sale(system, *operations):
    return rk.Experiment(
        1,
        system=system,
        workload=rk.Workload(operations, rk.arrivals.constant(10)),
        scenario=rk.Scenario("sale", criteria=["error_rate < 1 %"]),
        duration=0.6,
        seed=7,
    )

def ran(folder, *given):
    sale(*given).run("simulation", progress=False).save(folder)
"""

SAVED = """
ran("runs/spec", rk.ChildSpec(Shop, name="shop"), rk.Operation.call("shop", "buy"))
ran("runs/own", Town(2), rk.Operation("visit", visit))
"""

AGAIN = """
replays = {name: rk.replay(f"runs/{name}") for name in ("spec", "own")}
print({name: (each.exact, each.reproduced) for name, each in replays.items()})
print({name: rk.shrink(f"runs/{name}", progress=False).case.words for name in replays})
"""

FOUND = """\
{'spec': (True, True), 'own': (True, True)}
{'spec': '3 operations, 0 faults', 'own': '2 operations, 0 faults'}
"""


@pytest.fixture(scope="module")
def shopping(notebook: Notebook) -> Iterator[Notebook]:
    """A notebook that has defined a shop, and saved two runs of it."""
    notebook.run(SHOP)
    notebook.run(RUN)
    notebook.run(SAVED)
    return notebook


def test_a_script_runs_what_it_saved_again_and_so_does_one_that_defines_the_same(
    place: Place,
) -> None:
    assert place.run(str(place.write("shop.py", SHOP + RUN + SAVED + AGAIN))) == FOUND
    assert place.run(str(place.write("later.py", SHOP + AGAIN))) == FOUND


def test_a_prompt_runs_what_it_saved_again_by_folder(place: Place) -> None:
    typed = "\n".join(f"exec({part!r})" for part in (SHOP, RUN, SAVED, AGAIN))
    assert FOUND in place.run("-i", "-q", code=f"{typed}\n").replace(">>> ", "")


def test_a_notebook_runs_what_it_saved_again_by_folder(shopping: Notebook) -> None:
    assert shopping.run(AGAIN).text == FOUND


def test_a_class_whose_cell_ran_again_is_what_it_is_now(shopping: Notebook) -> None:
    shopping.run("made = sale(rk.ChildSpec(Shop, name='shop'), rk.Operation('visit', visit))")
    shopping.run(SHOP.replace("1 / self.stock", "self.stock"))
    failed = "any(row.error for row in rk.replay('runs/{}').result.history)"
    assert shopping.value(failed.format("spec")) is False
    # Saved only after its cell ran again, it names the class all the same.
    shopping.run("made.run('simulation', progress=False).save('runs/late')")
    assert shopping.value(failed.format("late")) is False
    shopping.run(SHOP)
    assert shopping.value("rk.replay('runs/late').exact") is True


@pytest.mark.parametrize("work", ["rk.replay('runs/{}')", "rk.shrink('runs/{}', progress=False)"])
@pytest.mark.parametrize(
    ("folder", "lacking", "part"),
    [("spec", "Shop", "system"), ("own", "Town", "system"), ("own", "visit", "workload")],
)
def test_what_a_notebook_no_longer_defines_is_named_with_what_to_do(
    shopping: Notebook, work: str, folder: str, lacking: str, part: str
) -> None:
    shopping.run(f"kept = {lacking}; del {lacking}")
    cell = shopping.execute(work.format(folder))
    shopping.run(f"{lacking} = kept")
    assert cell.error == "InvalidArgument"
    said = cell.traceback.splitlines()[-1]
    assert f"{part}: of the run cannot be had again" in said
    assert f"{lacking} was defined in a notebook or a script, and is not defined here" in said
    assert "run the cell that defines it" in said
    assert f"give it: replay(run, {part}=…), which shrink takes, too" in said
