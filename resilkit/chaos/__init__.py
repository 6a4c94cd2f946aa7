"""Chaos: scenarios of faults, and criteria that say what a system must withstand.

`scenario` puts faults on a timeline, `grammar` reads criteria and `judge` says whether they held,
`watch` does so during the run, `library` holds named scenarios, and `capabilities` says what
this machine can do. Importing this package loads nothing heavy.
"""

from __future__ import annotations

from resilkit.chaos.capabilities import (
    Capabilities,
    Capability,
    capabilities,
    capability_names,
)
from resilkit.chaos.criteria import (
    DEFAULT_CRITERIA,
    Criterion,
    as_criteria,
    check_operations,
)
from resilkit.chaos.evidence import Evidence
from resilkit.chaos.judge import Verdict, judge, overall, verdicts_frame
from resilkit.chaos.library import named, scenario_names
from resilkit.chaos.quantities import MEASURES, Measure
from resilkit.chaos.running import RunningScenario, Struck
from resilkit.chaos.scenario import INTENSITIES, Planned, Scenario
from resilkit.chaos.spans import FaultSpan, fault_spans
from resilkit.chaos.watch import Breach, Watch

__all__ = [
    "DEFAULT_CRITERIA",
    "INTENSITIES",
    "MEASURES",
    "Breach",
    "Capabilities",
    "Capability",
    "Criterion",
    "Evidence",
    "FaultSpan",
    "Measure",
    "Planned",
    "RunningScenario",
    "Scenario",
    "Struck",
    "Verdict",
    "Watch",
    "as_criteria",
    "capabilities",
    "capability_names",
    "check_operations",
    "fault_spans",
    "judge",
    "named",
    "overall",
    "scenario_names",
    "verdicts_frame",
]


def __dir__() -> list[str]:
    return sorted(__all__)
