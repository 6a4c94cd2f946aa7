"""What was done to a machine, step by step: what a script of it does again."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis.control import current_build_context, currently_in_test_context
from hypothesis.errors import HypothesisException
from hypothesis.stateful import (
    INITIALIZE_RULE_MARKER,
    INVARIANT_MARKER,
    RULE_MARKER,
    MultipleResults,
)

from resilkit.records import readable

if TYPE_CHECKING:
    from resilkit.testing.machines.machine import ClusterMachine

__all__ = ["Step", "ending", "is_shown", "record_steps", "recorded", "substituted"]

_MARKERS: Final = (RULE_MARKER, INITIALIZE_RULE_MARKER, INVARIANT_MARKER)

_PLAIN: Final = (bool, int, float, str, bytes, type(None))
"""What may be the same object without being the same thing, and reads better as it is."""


@readable
@dataclass(slots=True, eq=False)
class Step:
    """One step of a machine.

    Attributes:
        name: Which of its methods.
        args: What it was given by position.
        kwargs: What it was given by name.
        targets: Whether what it returned went into a bundle, from which later steps have it.
        results: That; empty where it raised.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    targets: bool = False
    results: tuple[Any, ...] = ()


def record_steps(cls: type[ClusterMachine]) -> None:
    """Have each rule and invariant of a machine, inherited ones too, note that it was done."""
    for name, function in inspect.getmembers(cls, inspect.isfunction):
        marker = next((each for each in _MARKERS if getattr(function, each, None)), None)
        if marker is not None and not hasattr(function, "_records"):
            made = copy.copy(getattr(function, marker))
            step = recorded(function, name, targets=bool(getattr(made, "targets", ())))
            # What Hypothesis calls is not the method, but the function that its mark has.
            object.__setattr__(made, "function", step)
            setattr(step, marker, made)
            setattr(cls, name, step)
    if "teardown" in vars(cls):
        cls.teardown = ending(cls.teardown)  # type: ignore[method-assign]


def recorded(
    function: Callable[..., Any], name: str, *, targets: bool = False
) -> Callable[..., Any]:
    """Return a method that is noted as a step, unless another step calls it.

    Args:
        function: The method.
        name: What it is called.
        targets: Whether what it returns goes into a bundle.
    """

    @functools.wraps(function)
    def step(self: ClusterMachine, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if self._within:
            return function(self, *args, **kwargs)
        named = {key: _as_given(each, self._results) for key, each in kwargs.items()}
        this = Step(name, tuple(_as_given(each, self._results) for each in args), named, targets)
        self._steps.append(this)
        self._within = True
        try:
            result = function(self, *args, **kwargs)
            if targets:
                several = isinstance(result, MultipleResults)
                this.results = tuple(result.values) if several else (result,)
                self._results |= {id(each): each for each in this.results}
        except HypothesisException:  # it is no failure: what was drawn does not suit
            raise
        except Exception as error:
            self._tell_of(error, name)
            raise
        else:
            return result
        finally:
            self._within = False
            self._note_time()

    step._records = True  # type: ignore[attr-defined]
    return step


def _as_given(value: Any, results: Mapping[int, Any]) -> Any:
    """Return a value that stays what it is now, though a rule may add to the list that it gets.

    What an earlier step returned is known by its identity.
    """
    changes = type(value) in {list, dict, set} and id(value) not in results
    return copy.copy(value) if changes else value


def substituted(value: Any, known: Mapping[int, Any]) -> Any:
    """Return what stands for a value that an earlier step returned, or for those in a list.

    Args:
        value: The value.
        known: What stands for it, by the identity of the value.
    """
    if not isinstance(value, _PLAIN) and id(value) in known:
        return known[id(value)]
    return [substituted(each, known) for each in value] if type(value) is list else value


def ending(function: Callable[..., None]) -> Callable[..., None]:
    """Return the method that ends a machine: what it does is no step of its own."""

    @functools.wraps(function)
    def teardown(self: ClusterMachine) -> None:
        self._within = True
        try:
            function(self)
        except HypothesisException:
            raise
        except Exception as error:
            self._tell_of(error, "teardown")
            raise

    return teardown


def is_shown() -> bool:
    """Whether people will see what is raised now: not while Hypothesis looks for what is smallest.

    It may fail hundreds of times then, and a script takes a while to write.
    """
    return not currently_in_test_context() or current_build_context().is_final
