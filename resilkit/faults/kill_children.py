"""Kill children: a supervisor's servers die, again and again."""

from __future__ import annotations

from resilkit.faults.answers import ChildrenRule
from resilkit.faults.base import ServerFault
from resilkit.faults.fields import Rate
from resilkit.faults.registry import register_fault
from resilkit.runtime.naming import check_name

__all__ = ["KillChildren"]


@register_fault("supervisor_children")
class KillChildren(ServerFault):
    """Kills children of a supervisor at random moments, again and again, until it heals.

    `rate` says how often. Each kill cannot be trapped (reason ``"killed"``). More kills than the
    supervisor's intensity allows end the supervisor itself: that is reported, not prevented.

    Applies to: the children of one supervisor; `targets` says which ones each kill hits, by the
    ids of their specs, which are their names where they were given no other.
    Healing: no more kills; restarting is the supervisor's work, not the fault's.
    Deterministic: the gaps between kills and the choice of children, given the seed.

    Args:
        supervisor: The supervisor's name.
        rate: Kills a second, above 0; the gaps are drawn as of a Poisson process.
        whole_tree: Whether servers below nested supervisors are killed too.

    Examples:
        >>> KillChildren("counters", rate=2.0, duration=5.0)
        KillChildren(supervisor='counters', rate=2.0, duration=5.0)
    """

    supervisor: str
    rate: Rate = 1.0
    whole_tree: bool = False

    def validate(self) -> None:
        """Check that the supervisor's name is one."""
        check_name(self.supervisor, "supervisor")

    def rule(self) -> ChildrenRule:
        """Kill children at the rate."""
        return ChildrenRule(
            supervisor=self.supervisor,
            rate=self.rate,
            whole_tree=self.whole_tree,
            targets=self.targets,
        )
