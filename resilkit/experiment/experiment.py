"""An experiment: a cluster, a system, a load, faults and criteria, checked whole, then run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.chaos import Scenario, named, scenario_names
from resilkit.cluster.backend_names import check_backend, check_faults
from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument
from resilkit.experiment.checks import check_scenario, made_by
from resilkit.experiment.names import Unknown, check_names, known_servers
from resilkit.experiment.system import System, names_on_nodes, read_system
from resilkit.experiment.targets import check_targets
from resilkit.rng import fresh_seed
from resilkit.settings import options
from resilkit.texts import plain, writable
from resilkit.workload import Workload

if TYPE_CHECKING:
    from resilkit.experiment.progress import Progress
    from resilkit.experiment.result import Result
    from resilkit.experiment.running import Running

__all__ = ["Experiment"]

_DEFAULT_DURATION = 10.0


@validate.strict
@dataclass(frozen=True, eq=False, repr=False, init=False)
class Experiment:
    """A cluster, a system, a load and faults: one run, judged by the scenario's criteria.

    Everything is checked when it is made; nothing starts before `run`. The same experiment can
    run many times, with the same seed.

    Args:
        cluster: The cluster; a number of nodes for a plain one.
        system: What is tested: a `SupervisorSpec`, a `Server` class, a mapping of node names to
            these (or to lists of them), or an object or module with ``applications(nodes)`` that
            returns such a mapping, and optionally ``workload()``, ``scenario()`` and
            ``audit(cluster, history)``, which looks at the data at the end and returns an
            `Audit`. A class or a child that stands alone has the name of its class:
            ``bank_teller``. ``None``: what the cluster given to `run` runs already.
        workload: The load; ``None`` for the system's own.
        scenario: Faults and criteria, or the name of a named scenario, which is scaled to
            `duration`; ``None`` for the system's own, else no faults.
        duration: Seconds of load that are judged; ``None`` for the scenario's, else 10 s.
        seed: The root of all randomness; ``None`` for the cluster's, else a new one.
        warmup: Seconds of load before that, without faults and not judged.
        name: For display; ``None`` for the scenario's name.

    Raises:
        InvalidArgument: Something is wrong by itself or does not fit the rest: a criterion about
            an operation that the workload does not have, a fault on a node that is not there or
            after the end, a server that no spec of the system or of the nodes names, a method
            that an operation calls and its server's class does not have. The path says where.

    Servers that a fault, a criterion or an operation names must be in the specs. Where others may
    come while the system runs (its servers or operations call ``register`` or ``start_child``, a
    supervisor begins without children, or `system` is ``None``) one that is not is let through,
    and `run` warns of it (`UserWarning`, with the names that there are) when the system has
    started and the load has not. ``targets="matching:late-*"`` is always let through, and so is
    what only an operation's own function knows.

    Attributes:
        last: The result of the latest `run`, also when that was interrupted: then it has what was
            measured until then. ``None`` before the first, and when it ended before the load began.
        running: The run that goes on now, for who looks on from another thread, and to stop it;
            ``None`` while none does.
        unknown: The servers that the scenario or the workload names and no spec has, where others
            may come.
        unknown_why: Why others may come; ``""`` when nothing hints at that.
    """

    cluster: ClusterSpec
    system: Any
    workload: Workload
    scenario: Scenario
    duration: float
    seed: int
    warmup: float
    name: str
    parts: System
    last: Result | None
    running: Running | None
    unknown: tuple[Unknown, ...]
    unknown_why: str
    _given: Mapping[str, Any]

    # Written by hand, since what may be left out is never missing afterwards.
    def __init__(
        self,
        cluster: ClusterSpec | int,
        *,
        system: Any,
        workload: Workload | None = None,
        scenario: Scenario | str | None = None,
        duration: float | None = None,
        seed: int | None = None,
        warmup: float = 0.0,
        name: str | None = None,
    ) -> None:
        spec = _cluster(cluster)
        parts = read_system(system, spec.names, names_on_nodes(spec))
        root = _seed(seed, spec)
        given = validate.duration(duration, "duration", allow_zero=False, allow_none=True)
        hints = {"nodes": list(spec.names), "duration": given, "seed": root}
        plan = _scenario(scenario, parts, hints)
        self._set("cluster", spec)
        self._set("system", system)
        self._set("workload", _workload(workload, parts, hints))
        self._set("scenario", plan)
        self._set("duration", given or plan.duration or _DEFAULT_DURATION)
        self._set("seed", root)
        self._set("warmup", validate.duration(warmup, "warmup"))
        self._set("name", _name(name, plan))
        self._set("parts", parts)
        self._set("last", None)
        self._set("running", None)
        self._set(
            "_given",
            {
                "workload": workload, "scenario": scenario, "duration": duration,
                "warmup": warmup, "name": name,
            },
        )  # fmt: skip
        length = {"duration": self.duration, "warmup": self.warmup}
        check_scenario(plan, spec, self.workload, **length)
        servers = known_servers(parts, spec, self.workload)
        unknown = check_names(plan, servers, spec.names) + check_targets(self.workload, servers)
        self._set("unknown", unknown)
        self._set("unknown_why", servers.more)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def run(
        self,
        backend: str = "processes",
        *,
        schedule: str | None = None,
        record: bool = False,
        progress: bool = True,
        cluster: Any = None,
        abort_on_breach: bool | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Result:
        """Run it: start, load, break, watch, heal, drain, audit, judge.

        Whatever happens, faults are healed, the load is stopped and what was started is stopped
        again, also when the cell is interrupted. An interrupt goes on to the caller as
        `KeyboardInterrupt`; what was measured until then stays, in `last`: criteria that it
        cut short are inconclusive, but for those that were broken for good, and
        `Result.problems` says when it was interrupted. The system's audit is not asked then.

        Args:
            backend: Where the nodes run: ``"processes"``, or ``"simulation"``, where the same run
                takes virtual time, and is the same each time.
            schedule: In a simulation, in which order what is ready happens: ``"random"``, by seed,
                which is used when left out; ``"fifo"``; or ``"pct"``, which finds rare orders.
            record: Whether a simulation writes down all that happens: `Result.trace` has it then.
            progress: Whether to show a bar, in a notebook or a terminal.
            cluster: A cluster that runs already, with the nodes of this experiment's; it is left
                running. ``None`` starts one and closes it.
            abort_on_breach: Whether to end the load as soon as a watched criterion has failed for a
                second, though a share could still have risen by the end; ``None`` leaves it to
                the scenario.
            on_progress: Called with a `Progress` about four times a second, instead of the bar.

        Returns:
            The result. A criterion that did not hold is no exception: see `Result.passed`. Other
            seeds are for `sweep`, and what a run on processes did is done again in a simulation by
            `replay`; `check_determinism` tells whether a simulated run is the same each time.

        Raises:
            InvalidArgument: The backend is not available, or given beside a cluster, which has
                one; a fault is not for it (a simulation has no memory, CPU or open files that
                could run out); the cluster lacks a node; or the experiment runs already, in
                another thread.
            StartFailed: The cluster or the system could not start.
            Nondeterministic: It was checked, as `resilkit.options` has it in CI, and is not the
                same each time; the text shows the first difference. What was measured is its
                ``outcome``, and in `last`. A run that was stopped early is not checked.
        """
        check_backend(backend, schedule, record=record)
        from resilkit.experiment.execution import execute
        from resilkit.experiment.progress import choose_listener

        if cluster is None and self.system is None:
            message = "is None, so give run() the cluster that runs the system"
            raise InvalidArgument(message, path="system")
        where = backend if cluster is None else getattr(cluster, "backend", backend)
        check_faults(where, self.scenario.faults, "scenario.faults")
        checked = cluster is None and backend == "simulation" and options.check_determinism
        self._set("last", None)
        with choose_listener(progress, on_progress) as listener:
            result = execute(
                self,
                cluster=cluster,
                where={"backend": backend, "schedule": schedule, "record": record},
                listener=listener,
                abort_on_breach=abort_on_breach,
                keep=lambda result: self._set("last", result),
            )
        if checked and not result.interrupted:
            from resilkit.experiment.repeating import check_run

            check_run(self, schedule, result, abort_on_breach=abort_on_breach)
        return result

    def changed(self, **arguments: Any) -> Experiment:
        """Return the same experiment with other `arguments`: those of `Experiment`, by keyword.

        Another ``seed`` decides everything that is drawn, by the cluster too where its spec has a
        seed of its own. What the system made of its own, a workload or a scenario, it makes anew.

        Raises:
            InvalidArgument: As for `Experiment`.

        Examples:
            ::

                for seed in range(10):
                    experiment.changed(seed=seed).run(backend="simulation")
        """
        given = {"cluster": self.cluster, "system": self.system, "seed": self.seed, **self._given}
        given = {**given, **validate.known_keys(arguments, "changed", given)}
        spec, seed = given.pop("cluster"), given["seed"]
        if "seed" in arguments and isinstance(spec, ClusterSpec) and spec.seed is not None:
            spec = dataclasses.replace(spec, seed=seed)
        return Experiment(spec, **given)

    def describe(self) -> dict[str, Any]:
        """Return the experiment as plain data for a manifest."""
        return {
            "cluster": self.cluster.to_dict(),
            "system": self.parts.about,
            "workload": self.workload.describe(),
            "scenario": self.scenario.to_dict(),
            "duration": self.duration,
            "warmup": self.warmup,
            "seed": self.seed,
        }

    def recipes(self) -> dict[str, dict[str, Any]]:
        """Return how to make its parts again, or why nobody can: `resilkit.experiment.recipes`."""
        from resilkit.experiment.recipes import recipe_or_why

        parts = {
            "cluster": self.cluster, "system": self.system, "workload": self.workload,
            "scenario": self.scenario,
        }  # fmt: skip
        return {name: recipe_or_why(part) for name, part in parts.items()}

    def how_to_rerun(self, *, backend: str = "processes", schedule: str | None = None) -> str:
        """Return a piece of Python that runs it again; parts of the notebook stay names.

        Args:
            backend: Where it is to run; see `run`.
            schedule: In which order, in a simulation.
        """
        simulated = f"{backend!r}, schedule={schedule!r}" if backend == "simulation" else ""
        lines = [
            "import resilkit as rk",
            "",
            "# system, workload and scenario: as they were defined for this run (see below)",
            "experiment = rk.Experiment(",
            f"    rk.ClusterSpec.from_dict({self.cluster.to_dict()!r}),",
            "    system=system, workload=workload, scenario=scenario,",
            f"    duration={self.duration!r}, warmup={self.warmup!r}, seed={self.seed!r},",
            ")",
            f"result = experiment.run({simulated})",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        parts = [
            plain(len(self.cluster.names), "node"),
            plain(len(self.scenario.faults), "fault"),
            plain(len(self.scenario.criteria), "criterion"),
        ]
        return (
            f"<Experiment {self.name!r}: {', '.join(parts)}, {self.duration:g} s, seed {self.seed}>"
        )

    def _repr_html_(self) -> str:
        from resilkit.experiment.display import experiment_html

        return experiment_html(self)


def _cluster(given: object) -> ClusterSpec:
    if isinstance(given, ClusterSpec):
        return given.validated()
    if isinstance(given, int) and not isinstance(given, bool):
        return ClusterSpec(nodes=given)
    allowed = "a ClusterSpec, or a number of nodes"
    raise InvalidArgument("is no cluster", path="cluster", value=given, allowed=allowed)


def _seed(given: int | None, cluster: ClusterSpec) -> int:
    if given is not None:
        return validate.number(given, "seed", low=0, high=2**63 - 1, integer=True)
    return fresh_seed() if cluster.seed is None else cluster.seed


def _workload(given: object, parts: System, hints: Mapping[str, Any]) -> Workload:
    found = made_by(parts.workload, hints) if given is None else given
    if isinstance(found, Workload):
        return found
    message = "is missing: the system has none of its own" if found is None else "is no Workload"
    raise InvalidArgument(message, path="workload", value=found, allowed="a Workload")


def _scenario(given: object, parts: System, hints: Mapping[str, Any]) -> Scenario:
    found = made_by(parts.scenario, hints) if given is None else given
    if found is None:
        return Scenario("no faults", [])
    if isinstance(found, Scenario):
        return found
    if isinstance(found, str):
        try:
            return named(found, duration=hints["duration"])
        except InvalidArgument as error:
            allowed = f"a Scenario, or one of {error.allowed}"
            raise InvalidArgument(
                error.message, path="scenario", value=found, allowed=allowed
            ) from None
    known = ", ".join(map(repr, scenario_names()))
    allowed = f"a Scenario, or one of {known}"
    raise InvalidArgument("is no Scenario", path="scenario", value=found, allowed=allowed)


def _name(given: object, scenario: Scenario) -> str:
    if given is None:
        return scenario.name
    if isinstance(given, str) and given.strip() and len(given) <= 200 and writable(given) == given:
        return given
    allowed = "text of 1 to 200 characters"
    raise InvalidArgument("is no name", path="name", value=given, allowed=allowed)
