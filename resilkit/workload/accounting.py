"""What was to be done and no generator of a load told of, put into its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.workload.due import due, untold
from resilkit.workload.explicit import Explicit

if TYPE_CHECKING:
    from resilkit.history import Rows
    from resilkit.workload.load import LoadRun
    from resilkit.workload.workload import GeneratorPlan

__all__ = ["account"]


async def account(load: LoadRun) -> None:
    """Find out what no generator of a load that is over told of; note it in `LoadRun.lost`.

    What an open loop, or a list, was to send goes into the history as well. Nothing of it does when
    the interpreter ends: then nobody is left who could look.
    """
    for plan in load._plans:
        name = load._generators.name(plan)
        report = load._told.get(name)
        if report is not None and report.intended <= load._taken[name]:
            continue
        if plan.loop == "open" or isinstance(plan.arrivals, Explicit):
            # Thousands of operations a second make this long, and others use the loop.
            try:
                counting = load._session.loop.run_in_executor(None, _untold, load, plan)
            except RuntimeError:  # the interpreter ends, and gives no thread any more
                return
            rows = await counting
            load.lost[name] = len(rows)
            load.take(name, rows)
        elif report is not None:
            load.lost[name] = report.intended - load._taken[name]


def _untold(load: LoadRun, plan: GeneratorPlan) -> Rows:
    name = load._generators.name(plan)
    offset = load._generators.offsets[name]
    told = [row.intended + offset for row in load.history if row.generator == plan.generator]
    start, end = load.started + offset, load._stopped + offset
    expected = due(plan, origin=start, end=end, switches=load._switches.get(name, ()))
    return untold(plan, expected, told)
