"""What can still be read of a frame in which something cannot be unpickled."""

from __future__ import annotations

import collections
import pickle
import subprocess
import sys
import textwrap
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.network import byvalue
from resilkit.network.codec import Codec
from tests.network.test_codec import ENV, Plain, plain


class Bomb:
    """Pickles well; raises when it is made again."""

    def __init__(self, text: str = "boom") -> None:
        self.text = text

    def __reduce__(self) -> Any:
        return (_explode, (self.text,))


def _explode(text: str) -> None:
    raise LookupError(text)


class BadState:
    """Raises when its state is set."""

    def __init__(self) -> None:
        self.here = 1

    def __setstate__(self, state: object) -> None:
        raise LookupError("state")


class Exits:
    """Ends the interpreter that makes it again, if it is let."""

    def __init__(self, how: type[BaseException] = SystemExit) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        return (sys.exit, (3,)) if self.how is SystemExit else (_interrupt, ())


def _interrupt() -> None:
    raise KeyboardInterrupt


class NeedsTwo(Exception):
    """The classic: `args` does not fit the signature."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} {two}")


class Unhashed:
    """Has a hash here, and none where it is made again."""

    def __init__(self) -> None:
        self.here = 1

    def __hash__(self) -> int:
        return hash(self.__dict__["here"])

    def __reduce__(self) -> Any:
        return (object.__new__, (Unhashed,))


BAD = st.sampled_from([
    lambda: Bomb(), lambda: [1, {"x": Bomb()}], lambda: BadState(), lambda: {"k": (BadState(),)},
    lambda: NeedsTwo(1, 2), lambda: collections.deque([Bomb(), 2]),
    lambda: Exits(), lambda: [Exits(KeyboardInterrupt)], lambda: {1: [BadState(), 3], 2: Bomb()},
    lambda: frozenset([Unhashed()]), lambda: {Unhashed()}, lambda: {Unhashed(): 1},
    lambda: Plain(Bomb()), lambda: [Bomb()] * 3, lambda: {frozenset([NeedsTwo(3, 4)])},
])  # fmt: skip


@given(
    st.lists(
        st.one_of(plain.map(lambda x: ("good", x)), BAD.map(lambda make: ("bad", make()))),
        max_size=8,
    )
)
def test_what_can_be_read_is_saved_from_what_cannot(messages: list[tuple[Any, ...]]) -> None:
    kept, errors = Codec().salvage(Codec().encode(messages))

    assert [message for message in messages if message[0] == "good"] == kept
    assert len(messages) - len(kept) == len(errors)
    assert all(
        isinstance(error, LookupError | TypeError | SystemExit | KeyboardInterrupt)
        for error, _ in errors
    )


def test_a_shared_object_that_cannot_be_read_costs_all_who_hold_it() -> None:
    shared = BadState()
    kept, errors = Codec().salvage(Codec().encode([(1, shared), (2,), (3, shared)]))

    assert kept == [(2,)]
    assert len(errors) == 2


def test_a_class_that_cannot_be_read_costs_its_messages_only_and_may_be_readable_later() -> None:
    script = """
        import sys, pickle
        from resilkit.network.codec import Codec
        codec = Codec()
        data = bytes.fromhex(sys.argv[1])
        try:
            codec.decode(data)
        except ImportError:
            pass
        else:
            raise SystemExit("read though a module was missing")
        kept, errors = codec.salvage(data)
        assert kept == [(1,), (3,)], kept
        assert len(errors) == 1 and isinstance(errors[0][0], ImportError), errors
        import types
        sys.modules["not_over_there"] = types.ModuleType("not_over_there")
        assert len(codec.decode(data)) == 3
        print("good")
    """
    module = types.ModuleType("not_over_there")
    sys.modules["not_over_there"] = module
    try:

        class Needs:
            helper = module

        data = Codec().encode([(1,), (2, Needs()), (3,)])
    finally:
        del sys.modules["not_over_there"]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), data.hex()],
        capture_output=True, text=True, timeout=30, check=False, env=ENV,
    )  # fmt: skip

    assert done.stdout == "good\n", done.stderr


def test_an_id_that_was_never_described_is_an_error() -> None:
    with pytest.raises(pickle.UnpicklingError, match="nobody has described"):
        byvalue.named(b"unheard")
