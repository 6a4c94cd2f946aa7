"""Which faults and features work on this machine, and why the others do not."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from resilkit import validate
from resilkit.cluster.backend_names import is_simulated
from resilkit.faults import Fault, NodeFault, ResourceFault, registered_faults
from resilkit.importing import whole

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Capabilities", "Capability", "capabilities", "capability_names"]

_PATIENCE = 15.0
"""Seconds that the probes may take together."""

_SYSTEM: Final[Mapping[str, str]] = {
    "fork": "nodes are forked, in milliseconds",
    "signals": "a process can be stopped, continued and killed",
    "unix_sockets": "nodes talk over socket files",
    "rlimits": "a node's memory and files can be limited",
    "prlimit": "the limits of a running process can be changed",
    "proc": "memory and files of a process can be read",
    "pidfd": "the end of a process is noticed at once",
    "cgroup_v2": "the resources of a group of processes can be limited",
    "network_namespaces": "a process can have a network of its own",
    "netem": "the kernel can delay and drop packets",
}
_MODULES: Final[Mapping[str, tuple[str, str]]] = {
    "uvloop": ("uvloop", "a faster event loop"),
    "widgets": ("anywidget", "panels in a notebook can be shown"),
    "dask": ("distributed", "Dask is installed"),
}
_PROGRAMS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "redis_server": (("redis-server", "valkey-server"), "a Redis server is installed"),
    "browser": (
        ("chromium", "chromium-browser", "google-chrome", "chrome"),
        "a browser is installed",
    ),
}


@dataclass(frozen=True, slots=True)
class Capability:
    """One fault or feature.

    Attributes:
        name: A fault's registered name, or a feature's.
        kind: ``"fault"`` or ``"feature"``.
        works: Whether it works on this machine.
        why: What it is good for where it works, and why not where it does not.
        simulated: Whether a simulation carries the fault out, on any machine; ``None`` for a
            feature.
    """

    name: str
    kind: Literal["fault", "feature"]
    works: bool
    why: str
    simulated: bool | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Capabilities:
    """What works on this machine; a table in a notebook.

    Attributes:
        rows: Faults, then features.
    """

    rows: tuple[Capability, ...]

    def __getitem__(self, name: str) -> Capability:
        """Return the row called `name`.

        Raises:
            InvalidArgument: There is none.
        """
        names = [row.name for row in self.rows]
        return self.rows[names.index(validate.choice(name, "capability", names))]

    def __iter__(self) -> Iterator[Capability]:
        """Give the rows in order."""
        return iter(self.rows)

    def frame(self) -> DataFrame:
        """Return the rows as a frame: ``name``, ``kind``, ``works``, ``why``, ``simulated``."""
        whole("pandas")
        import pandas as pd

        columns = ["name", "kind", "works", "why", "simulated"]
        return pd.DataFrame([asdict(row) for row in self.rows], columns=columns)

    def __repr__(self) -> str:
        """Show how many work, and name those that do not."""
        lacking = [row.name for row in self.rows if not row.works]
        text = f"<Capabilities: {len(self.rows) - len(lacking)} of {len(self.rows)} work"
        return f"{text}; not: {', '.join(lacking)}>" if lacking else f"{text}>"

    def _repr_html_(self) -> str:
        from resilkit.chaos.display import capabilities_html

        return capabilities_html(self)


def capability_names() -> list[str]:
    """Return the names of all rows of `capabilities`, without probing anything."""
    return [*registered_faults(), *_SYSTEM, *_MODULES, *_PROGRAMS]


def capabilities(*, refresh: bool = False) -> Capabilities:
    """Probe this machine and return what works, and which faults a simulation carries out.

    Each probe really tries: it forks, stops and kills a child, runs into a limit, takes a network
    of its own. All of that happens in a process of its own that ends within 15 seconds, and
    leaves nothing behind. The answers are kept for this process.

    Args:
        refresh: Whether to probe again.

    Examples:
        >>> capabilities()["latency"].works
        True
    """
    if refresh:
        _features.cache_clear()
    features = _features()
    faults = [_of_fault(name, found, features) for name, found in registered_faults().items()]
    return Capabilities((*faults, *features.values()))


@functools.cache
def _features() -> dict[str, Capability]:
    found = {**_probe_system(), **_probe_modules(), **_probe_programs()}
    return {row.name: row for row in found.values()}


def _probe_system() -> dict[str, Capability]:
    answers, failed = _run_probes()
    rows = {}
    for name, use in _SYSTEM.items():
        works, why = answers.get(name, (False, failed or "the probe gave no answer"))
        rows[name] = Capability(name, "feature", works, use if works else why or "it does not work")
    return rows


def _run_probes() -> tuple[dict[str, tuple[bool, str]], str]:
    """Return the answers of the probes, or why there are none."""
    script = str(Path(__file__).with_name("probe_script.py"))
    # Isolated: what the user's environment puts on the path is not part of the machine.
    command = [sys.executable or "python3", "-I", script]
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=_PATIENCE)
            finally:
                # Its children are in its session: none outlives it, whatever happened.
                if hasattr(os, "killpg"):
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, signal.SIGKILL)
                process.kill()
        return json.loads(output), ""
    except subprocess.TimeoutExpired:
        return {}, f"the probes took longer than {_PATIENCE:g} seconds"
    except (OSError, ValueError) as error:
        return {}, f"the probes could not be run ({error})"


def _probe_modules() -> dict[str, Capability]:
    rows = {}
    for name, (module, use) in _MODULES.items():
        works = importlib.util.find_spec(module) is not None
        why = use if works else f"the package {module} is not installed"
        rows[name] = Capability(name, "feature", works, why)
    return rows


def _probe_programs() -> dict[str, Capability]:
    rows = {}
    for name, (commands, use) in _PROGRAMS.items():
        works = any(shutil.which(command) for command in commands)
        why = use if works else f"no program {' or '.join(commands)} is on the path"
        rows[name] = Capability(name, "feature", works, why)
    return rows


_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "clock_skew": (),  # the runtime's own doing
    "cpu": ("fork",),
    "memory": ("rlimits", "proc"),
    "open_files": ("rlimits", "proc"),
}


def _of_fault(
    name: str, fault_class: type[Fault], features: Mapping[str, Capability]
) -> Capability:
    """Tell whether a fault works: what resilkit does in its own links and servers always does."""
    needs: tuple[str, ...] = ()
    if name in _NEEDS:
        needs = _NEEDS[name]
    elif issubclass(fault_class, NodeFault):
        needs = ("signals",)
    elif issubclass(fault_class, ResourceFault):
        needs = ("rlimits", "proc")
    simulated = is_simulated(fault_class)
    lacking = [features[need] for need in needs if not features[need].works]
    if lacking:
        why = "; ".join(f"{row.name}: {row.why}" for row in lacking)
        return Capability(name, "fault", False, why, simulated)
    about = (fault_class.__doc__ or "").strip().splitlines()
    return Capability(name, "fault", True, about[0].rstrip(".") if about else "", simulated)
