"""The second of two runs that are compared: in a process of its own, if it can travel there."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from resilkit.errors import InternalError
from resilkit.network.codec import by_value, from_value
from resilkit.rng import subseed
from resilkit.runtime.reasons import describe

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CannotTravel", "in_another_process", "main"]

_CODE: Final = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from resilkit.experiment.second_run import main; main()"
)
_MOST_WORDS: Final = 2_000

T = TypeVar("T")


class CannotTravel(Exception):
    """What is to be run exists in this process only."""


def in_another_process(run: Callable[[], T], seed: int, number: int = 0) -> T:
    """Return what `run` returns in a new process, where hashes have another order.

    Args:
        run: What to run. What of it cannot be imported travels by value.
        seed: Which order of hashes: always the same one for a seed, and not that of this process.
        number: Which of those for that seed.

    Raises:
        CannotTravel: It cannot be pickled, or not be made again there.
        InternalError: The process ended without an answer.
    """
    try:
        packed = by_value(run)
        from_value(packed)
    except Exception as error:
        raise CannotTravel(describe(error)) from error
    paths = [str(Path(each).resolve()) for each in sys.path]
    found = subprocess.run(
        [sys.executable, "-c", _CODE],
        input=pickle.dumps(paths) + pickle.dumps(packed),
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": _other_hashes(seed, number)},
        check=False,
    )
    try:
        kind, answer = pickle.loads(found.stdout)
    except (EOFError, pickle.UnpicklingError) as error:
        words = found.stderr.decode(errors="replace").strip()[-_MOST_WORDS:]
        raise InternalError(
            f"the process of the second run ended with status {found.returncode} and no answer: "
            f"{words or '(it wrote nothing)'}"
        ) from error
    if kind == "cannot":
        raise CannotTravel(answer)
    seen: T = answer
    return seen


def _other_hashes(seed: int, number: int) -> str:
    wanted = subseed(seed, "hashes", *([number] if number else [])) % 2**32
    return str(wanted if str(wanted) != os.environ.get("PYTHONHASHSEED") else wanted ^ 1)


def main() -> None:
    """Be that process: read what to run, and write what was seen."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # whatever it prints is no answer
        answers.write(pickle.dumps(_answer()))


def _answer() -> tuple[str, Any]:
    try:
        run: Any = from_value(pickle.load(sys.stdin.buffer))
    except Exception as error:  # noqa: BLE001 - whatever user code raises when it is imported
        return "cannot", describe(error)
    return "seen", run()
