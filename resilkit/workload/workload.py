"""A workload, and each generator's part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.records import readable
from resilkit.texts import plain
from resilkit.workload.explicit import Explicit
from resilkit.workload.operations import Operation
from resilkit.workload.specs import MOST_USERS, Arrivals, Closed, OpenArrivals

if TYPE_CHECKING:
    from resilkit.cluster import Cluster
    from resilkit.workload.load import LoadRun

__all__ = ["GeneratorPlan", "Workload"]

_MOST_SHOWN = 6
"""Operations that a `repr` names."""

_LONGEST_SHOWN = 60
"""Letters that it has for each field of the arrivals."""


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class GeneratorPlan:
    """What one load generator does. Made by `Workload.plan`; travels to the generator's process.

    Attributes:
        generator: Its name: ``g1``, ``g2``, …
        index: Which of the generators it is, from 0.
        generators: How many there are.
        seed: The run's root seed.
        operations: Those with a weight above 0, in the workload's order; of a list all.
        arrivals: The whole workload's arrivals; the engine takes its part.
        users: The indexes of this generator's users (open loop; a closed loop's come and go).
        duration: Seconds of load.
        max_in_flight: Operations of this generator at one time (open loop).
        drain: Seconds to wait, after the load, for operations to end.
    """

    generator: str
    index: int
    generators: int
    seed: int
    operations: tuple[Operation, ...]
    arrivals: Arrivals
    users: tuple[int, ...]
    duration: float
    max_in_flight: int
    drain: float

    @property
    def loop(self) -> str:
        """``"open"`` or ``"closed"``: every result must say which."""
        return self.arrivals.loop

    @property
    def open_arrivals(self) -> OpenArrivals:
        """The arrivals, known to be open."""
        return cast("OpenArrivals", self.arrivals)

    @property
    def closed_arrivals(self) -> Closed:
        """The arrivals, known to be closed."""
        return cast("Closed", self.arrivals)


@validate.strict
@readable
@dataclass(frozen=True, slots=True, repr=False)
class Workload:
    """Weighted operations plus arrivals: what users do to a system, and how often.

    Args:
        operations: What users do; their names differ and at least one weight is above 0.
        arrivals: When: see `resilkit.workload.arrivals`.
        users: Open loop: how many users the operations are dealt out to in turn, one a generator
            when ``None``. They differ in `User.index`, `User.rng` and `User.state`; each may have
            many operations under way. A closed loop's number of users stands in its arrivals, and
            so do the users of a list (`resilkit.arrivals.explicit`).
        generators: How many generator processes share the load.
        max_in_flight: Open loop: how many operations may be under way at one time, over all
            generators. One that comes due beyond that is not sent, and recorded as ``fail`` with
            the error ``"dropped"``.
        drain: Seconds to wait, after the load, for operations to end.

    Raises:
        InvalidArgument: Anything malformed; the path says where. Nothing has started.

    Examples:
        >>> from resilkit.workload import arrivals
        >>> workload = Workload(
        ...     [
        ...         Operation.call("counter-0", "increment", weight=0.8),
        ...         Operation.call("counter-0", "get", weight=0.2),
        ...     ],
        ...     arrivals=arrivals.poisson(rate=500),
        ... )
        >>> workload
        <Workload increment 80 %, get 20 %; open loop, poisson(rate=500)>
        >>> workload.loop
        'open'
    """

    operations: Sequence[Operation]
    arrivals: Arrivals
    users: int | None = None
    generators: int = 1
    max_in_flight: int = 10_000
    drain: float = 5.0

    def __post_init__(self) -> None:
        self._set("operations", _operations(self.operations))
        arrivals: object = self.arrivals
        if not isinstance(arrivals, (OpenArrivals, Closed)):
            allowed = "one of resilkit.arrivals: constant, poisson, stages, burst, closed, explicit"
            raise InvalidArgument(
                "is no arrivals", path="arrivals", value=arrivals, allowed=allowed
            )
        generators = validate.number(self.generators, "generators", low=1, high=1000, integer=True)
        self._set("generators", generators)
        if isinstance(arrivals, Explicit):
            _check_names(arrivals, self.operations)
        self._set("users", self._check_users(generators))
        most = validate.number(self.max_in_flight, "max_in_flight", low=1, integer=True)
        self._set("max_in_flight", most)
        self._set("drain", validate.duration(self.drain, "drain"))

    @property
    def loop(self) -> str:
        """``"open"`` or ``"closed"``: every result must say which."""
        return self.arrivals.loop

    def plan(self, seed: int, duration: float) -> list[GeneratorPlan]:
        """Return each generator's part for a run of `duration` seconds.

        Together the parts are the workload: evenly spaced operations are dealt out in turn,
        Poisson arrivals split into independent ones, users by their index. A user draws the same
        numbers whatever the number of generators.

        Args:
            seed: The run's root seed.
            duration: Seconds of load, above 0.

        Raises:
            InvalidArgument: `seed` is no whole number, or `duration` is out of range.
        """
        root = validate.number(seed, "seed", integer=True)
        seconds = validate.duration(duration, "duration", allow_zero=False)
        used = tuple(self.operations)
        if not isinstance(self.arrivals, Explicit):
            used = tuple(operation for operation in used if operation.weight > 0)
        count = self.generators
        return [
            GeneratorPlan(
                generator=f"g{index + 1}",
                index=index,
                generators=count,
                seed=root,
                operations=used,
                arrivals=self.arrivals,
                users=tuple(range(index, self.users or 0, count)),
                duration=seconds,
                max_in_flight=-(-self.max_in_flight // count),
                drain=self.drain,
            )
            for index in range(count)
        ]

    def start(
        self, cluster: Cluster, *, duration: float | None = None, seed: int | None = None
    ) -> LoadRun:
        """Put this load on a running cluster; returns when it begins.

        Processes of their own send it, from the cluster's machine. It goes on while other cells
        run, and ends with `LoadRun.stop`, with its ``with`` block, after `duration`, and with the
        cluster. Several may run at once.

        Args:
            cluster: The cluster.
            duration: Seconds of load; ``None`` until it is stopped.
            seed: The root of its randomness; the cluster's seed when left out.

        Returns:
            The running load: its rate can be changed, and what it has measured read, at any time.

        Raises:
            InvalidArgument: An argument is out of range, or an operation cannot travel to another
                process; nothing has started.
            ClusterClosed: The cluster was closed.
            StartFailed: A generator did not start; none is left.

        Examples:
            ::

                with workload.start(cluster) as load:
                    cluster.nodes["n2"].kill()
                    load.rate = 500
                load.summary()
        """
        from resilkit.workload.load import start_load

        return start_load(cluster, self, duration=duration, seed=seed)

    def describe(self) -> dict[str, Any]:
        """Return the workload as plain data for a run's manifest."""
        return {
            "loop": self.loop,
            "operations": [operation.describe() for operation in self.operations],
            "arrivals": self.arrivals.describe(),
            "users": self.users,
            "generators": self.generators,
            "max_in_flight": self.max_in_flight,
            "drain": self.drain,
        }

    def __repr__(self) -> str:
        shares = self.shares()
        mix = [f"{name} {share * 100:.3g} %" for name, share in list(shares.items())[:_MOST_SHOWN]]
        if len(self.operations) > _MOST_SHOWN:
            mix.append(f"{len(self.operations) - _MOST_SHOWN} more")
        about = self.arrivals.describe()
        kind = about.pop("kind")
        fields = ", ".join(f"{name}={_shown(value)}" for name, value in about.items())
        if isinstance(self.arrivals, Explicit):
            fields = plain(len(self.arrivals.listed), "operation")
        several = [
            f"{count} {noun}"
            for count, noun, usual in (
                (self.users, "users", self.generators),
                (self.generators, "generators", 1),
            )
            if count not in {None, usual}
        ]
        rest = ", ".join([f"{self.loop} loop", f"{kind}({fields})", *several])
        return f"<Workload {', '.join(mix)}; {rest}>"

    def _repr_html_(self) -> str:
        from resilkit.workload.display_workload import workload_html

        return workload_html(self)

    def shares(self) -> dict[str, float]:
        """Return the share of each operation among all that are sent, by its name."""
        weights: Mapping[str, float] = {one.name: one.weight for one in self.operations}
        if isinstance(self.arrivals, Explicit):
            found = self.arrivals.shares()
            weights = {one.name: found[one.name] for one in self.operations}
        total = sum(weights.values()) or 1.0
        return {name: weight / total for name, weight in weights.items()}

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_users(self, generators: int) -> int | None:
        if isinstance(self.arrivals, Closed):
            if self.users is not None:
                message = "is for open loops: a closed loop's users stand in its arrivals"
                raise InvalidArgument(message, path="users", value=self.users, allowed="None")
            if self.arrivals.most < generators:
                message = "must not be more than the users"
                allowed = f"at most {self.arrivals.most}"
                raise InvalidArgument(message, path="generators", value=generators, allowed=allowed)
            return None
        if isinstance(self.arrivals, Explicit):
            if self.users not in {None, max(self.arrivals.users, generators)}:
                message = "stand in the list of the operations"
                raise InvalidArgument(message, path="users", value=self.users, allowed="None")
            return max(self.arrivals.users, generators)
        if self.users is None:
            return generators
        return validate.number(self.users, "users", low=generators, high=MOST_USERS, integer=True)


def _shown(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _check_names(arrivals: Explicit, operations: Sequence[Operation]) -> None:
    names = [operation.name for operation in operations]
    for number, one in enumerate(arrivals.listed):
        validate.choice(one.operation, f"arrivals.due[{number}].operation", names)


def _operations(given: object) -> tuple[Operation, ...]:
    allowed = "a list of Operation"
    if isinstance(given, Operation) or not isinstance(given, Sequence):
        raise InvalidArgument("must be a list", path="operations", value=given, allowed=allowed)
    if not given:
        raise InvalidArgument("must not be empty", path="operations", value=given, allowed=allowed)
    seen: dict[str, int] = {}
    for number, operation in enumerate(given):
        path = f"operations[{number}]"
        if not isinstance(operation, Operation):
            allowed = "Operation(name, function) or Operation.call(target, method)"
            raise InvalidArgument("is no operation", path=path, value=operation, allowed=allowed)
        if operation.name in seen:
            message = f"is the name of operations[{seen[operation.name]}] too"
            raise InvalidArgument(
                message, path=f"{path}.name", value=operation.name, allowed="names that differ"
            )
        seen[operation.name] = number
    if not any(operation.weight > 0 for operation in given):
        raise InvalidArgument(
            "must not all weigh 0",
            path="operations",
            value=[operation.weight for operation in given],
            allowed="a weight above 0 somewhere",
        )
    return tuple(given)
