"""How fast a load goes: its plan, and the factor that somebody has changed it by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.workload.explicit import Explicit
from resilkit.workload.specs import MOST_RATE, MOST_USERS, Closed, Constant

if TYPE_CHECKING:
    from resilkit.workload.specs import Arrivals

__all__ = ["Pace"]

_ROUNDING = 1e-9


class Pace:
    """The plan's rate, or number of users, times a factor.

    Args:
        arrivals: The plan.

    Attributes:
        factor: What the plan is multiplied by now.

    Examples:
        >>> from resilkit.workload import arrivals
        >>> pace = Pace(arrivals.constant(200))
        >>> pace.factor_for_rate(300)
        1.5
        >>> pace.factor = 1.5
        >>> pace.rate(10.0)
        300.0
    """

    __slots__ = ("_arrivals", "factor")

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self.factor = 1.0

    def rate(self, time: float) -> float | None:
        """Return the operations a second at `time` s of the load; ``None`` in a closed loop."""
        if isinstance(self._arrivals, Closed):
            return None
        return self._arrivals.rate_at(time) * self.factor

    def users(self, time: float) -> int | None:
        """Return the users at `time` s of the load; ``None`` in an open loop."""
        if not isinstance(self._arrivals, Closed):
            return None
        return math.floor(self._arrivals.active(time) * self.factor + 0.5)

    def checked(self, factor: float) -> float:
        """Return `factor` as a float.

        Raises:
            InvalidArgument: It is negative, not finite, or takes the plan beyond what there may be
                of operations a second or users; or the plan is a list, which has no rate.
        """
        factor = validate.number(factor, "factor", low=0.0)
        arrivals = self._arrivals
        if isinstance(arrivals, Explicit):
            raise self._other("factor", factor, "")
        limit = MOST_USERS if isinstance(arrivals, Closed) else MOST_RATE
        if arrivals.most * factor > limit * (1 + _ROUNDING):
            allowed = f"at most {limit / arrivals.most:g}"
            raise InvalidArgument("is too much", path="factor", value=factor, allowed=allowed)
        return factor

    def factor_for_rate(self, rate: float) -> float:
        """Return the factor that makes the plan one of `rate` operations a second.

        Raises:
            InvalidArgument: The plan is not one rate, or `rate` is out of range.
        """
        if not isinstance(self._arrivals, Constant):
            raise self._other("rate", rate, "users" if self._fixed_users else "set_rate(factor)")
        wanted = validate.number(rate, "rate", low=0.0, high=MOST_RATE)
        return wanted / self._arrivals.rate

    def factor_for_users(self, users: int) -> float:
        """Return the factor that makes the plan one of so many `users`.

        Raises:
            InvalidArgument: The plan is not one number of users, or `users` is out of range.
        """
        if not self._fixed_users:
            how = "rate" if isinstance(self._arrivals, Constant) else "set_rate(factor)"
            raise self._other("users", users, how)
        wanted = validate.number(users, "users", low=0, high=MOST_USERS, integer=True)
        return wanted / self._arrivals.most

    @property
    def _fixed_users(self) -> bool:
        return isinstance(self._arrivals, Closed) and not self._arrivals.ramped

    def _other(self, what: str, value: object, how: str) -> InvalidArgument:
        plan = self._arrivals.kind
        if isinstance(self._arrivals, Closed) and self._arrivals.ramped:
            plan = "closed, and a ramp"
        message = f"is not what decides here (the arrivals are {plan})"
        if isinstance(self._arrivals, Explicit):
            return InvalidArgument(message, path=what, value=value, allowed="none: it is a list")
        return InvalidArgument(message, path=what, value=value, allowed=f"a change of {how}")
