"""Scenarios: faults on a timeline, and the criteria that a system must meet under them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from resilkit import amounts, validate
from resilkit import faults as fault_tools
from resilkit.chaos.criteria import Criterion, as_criteria
from resilkit.chaos.scenario_files import dump_yaml, read_document, read_yaml
from resilkit.errors import InvalidArgument
from resilkit.faults import Fault, occurs, schedule
from resilkit.faults.lasting import lasts
from resilkit.records import readable
from resilkit.rng import stream

if TYPE_CHECKING:
    from resilkit.chaos.running import RunningScenario
    from resilkit.cluster.cluster import Cluster

__all__ = ["INTENSITIES", "Planned", "Scenario"]

Intensity = Literal["low", "medium", "high"]

INTENSITIES: Mapping[str, float] = {"low": 0.5, "medium": 1.0, "high": 2.0}
"""What each intensity scales rates, counts, shares and delays by; see `Fault.scaled`."""

MOST_INJECTIONS = 10_000
_LONGEST_TEXT = 200


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class Planned:
    """One injection of a timeline.

    Attributes:
        time: Seconds from the start of the run.
        fault_index: Which of the scenario's faults.
        occurrence: Which injection of that fault, from 0; a number skipped by chance stays free.
        end: When it heals by itself, in seconds from the start; ``None``: when the run ends. A
            crash that is over at once ends when it begins.
        fault: The fault, scaled by the scenario's intensity.
    """

    time: float
    fault_index: int
    occurrence: int
    end: float | None
    fault: Fault


@validate.strict
@readable
@dataclass(frozen=True, slots=True, repr=False)
class Scenario:
    """Faults on a timeline, and the criteria that a system must meet under them.

    Args:
        name: What to call it, 1 to 200 characters.
        faults: The faults, each with its own schedule. None at all makes a control run.
        criteria: Criteria as text or `Criterion`, whose documentation lists what they can speak
            of; none: the run is not judged.
        duration: Seconds that a run of it takes; ``None`` leaves that to the experiment.
        intensity: ``"low"`` halves the rates, counts, shares and delays of all faults,
            ``"high"`` doubles them (a share never exceeds 1; see `Fault.scaled`).
        grace: Seconds from the start during which a breach of a criterion does not count.
        abort_on_breach: Whether a run ends as soon as a criterion is breached.
        requires: Names of `capabilities()` without which the scenario makes no sense.
        description: One or two sentences.

    Raises:
        InvalidArgument: Something is wrong; the error has the path to it.

    Examples:
        >>> from resilkit import faults
        >>> scenario = Scenario(
        ...     "slow links", [faults.Latency(0.02, 0.2, duration=5.0)], criteria=["p95 <= 500 ms"]
        ... )
        >>> scenario
        <Scenario 'slow links': latency; 1 criterion>
        >>> Scenario.from_dict(scenario.to_dict()) == scenario
        True
    """

    name: str
    faults: tuple[Fault, ...] | Sequence[Fault] = ()
    criteria: tuple[Criterion, ...] | Sequence[str | Criterion] = field(default=(), kw_only=True)
    duration: float | None = field(default=None, kw_only=True)
    intensity: Intensity = field(default="medium", kw_only=True)
    grace: float = field(default=0.0, kw_only=True)
    abort_on_breach: bool = field(default=False, kw_only=True)
    requires: tuple[str, ...] | Sequence[str] = field(default=(), kw_only=True)
    description: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        """Check everything, and store lists as tuples."""
        clean = {
            "name": _text(self.name, "name", least=1),
            "faults": _faults(self.faults),
            "criteria": as_criteria(self.criteria),
            "duration": validate.duration(
                self.duration, "duration", allow_zero=False, allow_none=True
            ),
            "intensity": validate.choice(self.intensity, "intensity", list(INTENSITIES)),
            "grace": validate.duration(self.grace, "grace"),
            "abort_on_breach": validate.boolean(self.abort_on_breach, "abort_on_breach"),
            "requires": _requirements(self.requires),
            "description": _text(self.description, "description", least=0),
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)
        for index, fault in enumerate(self.faults):
            if self.duration is not None and (fault.at or 0.0) >= self.duration:
                raise InvalidArgument(
                    "lies after the end",
                    path=f"faults[{index}].{fault.fault_name}.at",
                    value=fault.at,
                    allowed=f"below the duration of {self.duration:g} seconds",
                )

    @property
    def scaled_faults(self) -> tuple[Fault, ...]:
        """The faults as the intensity makes them: what is injected."""
        factor = INTENSITIES[self.intensity]
        return tuple(fault.scaled(factor) if factor != 1.0 else fault for fault in self.faults)

    def timeline(self, duration: float | None = None, seed: int = 0) -> list[Planned]:
        """Return every injection of a run in order of time: the same for the same seed.

        Each fault draws from streams of its own, so that adding one to a scenario changes
        nothing about the others. Injections that `probability` decides against are left out.

        Args:
            duration: Seconds that the run takes; ``None``: the scenario's own.
            seed: The root seed of the run.

        Raises:
            InvalidArgument: No duration is known, or a fault has more than 10,000 injections.

        Examples:
            >>> from resilkit import faults
            >>> scenario = Scenario("crashes", [faults.NodeCrash(every=2.0, count=2)])
            >>> [planned.time for planned in scenario.timeline(10.0)]
            [2.0, 4.0]
        """
        duration = self.duration if duration is None else duration
        if duration is None:
            raise InvalidArgument("is not known", path="duration", allowed="seconds > 0")
        duration = validate.duration(duration, "duration", allow_zero=False)
        planned: list[Planned] = []
        for index, fault in enumerate(self.scaled_faults):
            moments = schedule(fault, duration, stream(seed, "schedule", index))
            for occurrence, time in enumerate(moments):
                if occurrence >= MOST_INJECTIONS:
                    raise InvalidArgument(
                        "makes too many injections",
                        path=f"faults[{index}].{fault.fault_name}.every",
                        value=fault.every,
                        allowed=f"at most {MOST_INJECTIONS:,} in {duration:g} seconds",
                    )
                if occurs(fault, stream(seed, "occurs", index, occurrence)):
                    end = None if (after := lasts(fault)) is None else time + after
                    end = None if end is not None and end >= duration else end
                    planned.append(Planned(time, index, occurrence, end, fault))
        return sorted(planned, key=lambda one: (one.time, one.fault_index, one.occurrence))

    def check_requirements(self) -> None:
        """Refuse to go on where this machine lacks something that the scenario requires.

        Raises:
            Unavailable: Something is missing; the error says what and why.
        """
        from resilkit.chaos.capabilities import capabilities
        from resilkit.errors import Unavailable

        rows = {row.name: row for row in capabilities().rows} if self.requires else {}
        missing = [rows[name] for name in self.requires if not rows[name].works]
        if missing:
            why = "; ".join(f"{row.name} ({row.why})" for row in missing)
            raise Unavailable(f"the scenario {self.name!r} needs what this machine lacks: {why}")

    def start(
        self, cluster: Cluster, *, duration: float | None = None, seed: int | None = None
    ) -> RunningScenario:
        """Start it on a running cluster, without an experiment; returns at once.

        It strikes as an experiment of the same duration and seed would make it strike. All is
        healed when its duration is over, or when somebody stops it. Its criteria are not judged:
        that takes a load, and so an `Experiment`.

        Args:
            cluster: The cluster.
            duration: Seconds that it takes; ``None``: the scenario's own.
            seed: The root of moments, chances and targets; ``None``: the cluster's.

        Returns:
            The `RunningScenario`, which tells what became of each strike, and stops it.

        Raises:
            InvalidArgument: No duration is known, a fault speaks of nodes or servers that are not
                there, or would not strike before the end. Nothing has been put in then.
            Unavailable: This machine lacks what it requires, or what one of its faults needs.
            ClusterClosed: The cluster was closed.

        Examples:
            ::

                running = named("progressive node failures").start(cluster, duration=30.0)
                running.wait()
                running.frame()
        """
        from resilkit.chaos.running import RunningScenario, begin, checked

        session, length, root = checked(self, cluster, duration, seed)
        beginning = begin(session, self, duration=length, seed=root)
        return session.thread.sync(beginning, RunningScenario.close)

    async def astart(
        self, cluster: Cluster, *, duration: float | None = None, seed: int | None = None
    ) -> RunningScenario:
        """Await it: `start`, for async code. When that is cancelled, it is stopped."""
        from resilkit.chaos.running import RunningScenario, begin, checked

        session, length, root = await asyncio.to_thread(checked, self, cluster, duration, seed)
        beginning = begin(session, self, duration=length, seed=root)
        return await session.thread.bridge(beginning, RunningScenario.close)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a scenario from a YAML or JSON file, by its suffix.

        Raises:
            InvalidArgument: The file cannot be read, or something in it is wrong; the error has
                the file as given and the path inside it.
        """
        document = read_document(path)
        try:
            return cls.from_dict(document)
        except InvalidArgument as error:
            where = f"{path}: {error.path}" if error.path else str(path)
            raise validate.relocated(error, where) from None

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        r"""Read a scenario from the text of a YAML file.

        Raises:
            InvalidArgument: It is no YAML, or something in it is wrong; the error has the path to
                that, or ``yaml``.

        Examples:
            >>> Scenario.from_yaml("name: slow\nfaults:\n  - latency: {low: 20 ms, high: 0.2}")
            <Scenario 'slow': latency; 0 criteria>
        """
        return cls.from_dict(read_yaml(text, "yaml"))

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Read a scenario from plain data: the keys are the arguments of the class.

        Faults are written as `resilkit.faults.from_dict` reads them; durations may be text such
        as ``"45 s"``.

        Raises:
            InvalidArgument: Something is wrong or missing; the error has the path to it.

        Examples:
            >>> Scenario.from_dict({"name": "calm", "duration": "45 s"}).duration
            45.0
        """
        clean = validate.known_keys(data, "", list(cls.__dataclass_fields__))
        if clean.get("name") is None:
            raise InvalidArgument("is missing", path="name", allowed="a text")
        listed = clean.get("faults")
        if listed is None or (isinstance(listed, Mapping) and not listed):
            listed = ()
        if isinstance(listed, str | Mapping) or not isinstance(listed, Iterable):
            raise InvalidArgument(
                "must be a list", path="faults", value=listed, allowed="a list of faults"
            )
        clean["faults"] = tuple(
            fault_tools.from_dict(one, f"faults[{index}]") for index, one in enumerate(listed)
        )
        for name in ("duration", "grace"):
            if isinstance(clean.get(name), str):
                clean[name] = amounts.parse_duration(clean[name], name)
        absent = {name for name, value in clean.items() if value is None and name != "duration"}
        return cls(**{name: value for name, value in clean.items() if name not in absent})  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, object]:
        """Return the scenario as plain data that `from_dict` reads; defaults are left out.

        Raises:
            InvalidArgument: One of the faults is not registered.
        """
        document: dict[str, object] = {
            "name": self.name,
            "description": self.description,
            "duration": self.duration,
            "intensity": self.intensity,
            "faults": [fault_tools.to_dict(fault) for fault in self.faults],
            "criteria": [str(one) for one in as_criteria(self.criteria)],
            "grace": self.grace,
            "abort_on_breach": self.abort_on_breach,
            "requires": list(self.requires),
        }
        usual: dict[str, object] = {
            "description": "",
            "duration": None,
            "intensity": "medium",
            "criteria": [],
            "grace": 0.0,
            "abort_on_breach": False,
            "requires": [],
        }
        return {
            name: value
            for name, value in document.items()
            if name not in usual or value != usual[name]
        }

    def to_yaml(self) -> str:
        """Return the scenario as the text of a YAML file that `from_file` reads."""
        return dump_yaml(self.to_dict())

    def __repr__(self) -> str:
        """Show the name, the faults and the number of criteria."""
        names = ", ".join(fault.fault_name for fault in self.faults) or "no faults"
        count = len(self.criteria)
        return f"<Scenario {self.name!r}: {names}; {count} criteri{'on' if count == 1 else 'a'}>"

    def _repr_html_(self) -> str:
        from resilkit.chaos.display import scenario_html

        return scenario_html(self)


def _text(value: object, path: str, *, least: int) -> str:
    longest = _LONGEST_TEXT if least else _LONGEST_TEXT * 10
    fits = isinstance(value, str) and least <= len(value.strip()) <= longest
    # Half a surrogate pair is a text to Python, but no file and no terminal takes it.
    if not isinstance(value, str) or not fits or any("\ud800" <= c <= "\udfff" for c in value):
        raise InvalidArgument(
            "must be a text", path=path, value=value, allowed=f"{least} to {longest} characters"
        )
    return value.strip()


def _faults(given: object) -> tuple[Fault, ...]:
    if isinstance(given, Fault):
        return (given,)
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidArgument(
            "must be a list of faults", path="faults", value=given, allowed="[Latency(0.02, 0.2)]"
        )
    listed = tuple(given)
    for index, fault in enumerate(listed):
        if not isinstance(fault, Fault) or not fault.fault_name:
            raise InvalidArgument(
                "is no registered fault",
                path=f"faults[{index}]",
                value=fault,
                allowed="a fault of resilkit.faults, or of a class with @register_fault",
            )
    return listed


def _requirements(given: object) -> tuple[str, ...]:
    from resilkit.chaos.capabilities import capability_names

    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidArgument(
            "must be a list of names",
            path="requires",
            value=given,
            allowed=", ".join(capability_names()),
        )
    names = capability_names() if given else []
    return tuple(
        validate.choice(name, f"requires[{index}]", names) for index, name in enumerate(given)
    )
