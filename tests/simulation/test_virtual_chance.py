"""Whatever draws by chance inside a step draws from the simulation's seed."""

from __future__ import annotations

import _random
import importlib.util
import multiprocessing.process
import os
import random
import ssl
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import choice
from types import ModuleType
from typing import Any

import cloudpickle
import pytest

from resilkit.network.byvalue import registry
from tests.simulation.drawing import drawn_by_name, draws
from tests.simulation.simulated import SOON, Simulated


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated().open() as one:
        yield one


def drawn_in_steps(seed: int, steps: int = 3) -> list[Any]:
    found = []
    with Simulated(seed).open() as simulated:
        for _ in range(steps):
            simulated.at += 1.0
            draws()
            with simulated.step():
                found += draws()
    return found


def test_all_chance_inside_steps_comes_from_the_seed() -> None:
    found = drawn_in_steps(7)
    assert found == drawn_in_steps(7)
    others = drawn_in_steps(8)
    assert [here for here, there in zip(found, others, strict=True) if here == there] == []
    again = found[len(found) // 3 :]
    assert [here for here, there in zip(found, again, strict=False) if here == there] == [
        found[-1]  # the number of the network card
    ] * 2


def test_the_machines_chance_goes_on_as_if_there_had_been_no_step(simulated: Simulated) -> None:
    def drawn() -> list[float]:
        return [random.random(), drawn_by_name(), random.gauss(0, 1), choice(range(1000))]

    random.seed(5)
    plain = [drawn() for _ in range(3)]
    random.seed(5)
    found = []
    for _ in range(3):
        found.append(drawn())
        with simulated.step():
            random.seed(1)
            draws()
            random.gauss(0, 1)
    assert found == plain
    random.seed()


def test_a_seed_and_a_state_that_are_set_inside_count_inside(simulated: Simulated) -> None:
    with simulated.step():
        random.seed(3)
        before = random.getstate()
        first = [random.random(), random.gauss(0, 1), random.gauss(0, 1)]
    plain = random.Random(3)
    assert first == [plain.random(), plain.gauss(0, 1), plain.gauss(0, 1)]
    with simulated.step():
        random.setstate(before)
        assert random.random() == first[0]
        random.seed()
        assert random.random() != first[1]


def test_the_same_seed_gives_a_generator_the_same_numbers_everywhere(simulated: Simulated) -> None:
    with simulated.step():
        inside = random.Random(11).random()
    assert inside == random.Random(11).random()


def test_ids_made_outside_are_the_machines(simulated: Simulated) -> None:
    with simulated.step():
        inside = uuid.uuid1()
        assert inside.time < uuid.uuid1().time < uuid.uuid1().time  # at one and the same instant
        assert uuid.uuid1(node=1, clock_seq=2).fields[3:] == (0x80, 2, 1)
        assert inside.version == 1
        assert uuid.uuid4().version == 4
        with pytest.raises(ValueError, match="negative"):
            os.urandom(-1)
    # 100 ns each since 1582.
    assert (uuid.uuid1().time - inside.time) / 1e7 > SOON
    assert uuid.getnode() != simulated.host


def test_a_generator_is_copied_where_its_memory_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from resilkit.simulation import virtual_chance

    monkeypatch.setattr(virtual_chance, "_FAST", False)
    one, other = random.Random(1), random.Random(2)
    other.random()
    virtual_chance.state_of(one)[:] = virtual_chance.state_of(other)
    assert one.getstate() == other.getstate()


def test_what_belongs_to_the_process_is_drawn_from_the_machine() -> None:
    def tokens() -> list[Any]:
        class Traveller:
            pass

        with Simulated().open() as simulated, simulated.step():
            first = uuid.uuid4()
            data = cloudpickle.dumps(Traveller)
            token = registry.token(Traveller)
            made = ModuleType("made")
            exec(  # noqa: S102
                "import random, uuid\nname = uuid.uuid4()\ngenerator = random.Random()", vars(made)
            )
            return [first, uuid.uuid4(), data, token, made.name, made.generator.random()]

    one, other = tokens(), tokens()
    assert one[:2] == other[:2]
    assert [here for here, there in zip(one[2:], other[2:], strict=True) if here == there] == []


def test_a_module_that_draws_when_it_is_imported_leaves_the_draws_as_they_are(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "drawing_when_imported.py").write_text("import os\nos.urandom(8)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with Simulated().step():
        plain = uuid.uuid4()
    with simulated.step():
        importlib.import_module("drawing_when_imported")
        assert uuid.uuid4() == plain


def test_a_module_of_the_library_that_draws_when_it_is_imported_does_so_too(
    simulated: Simulated,
) -> None:
    with Simulated().step():
        plain = uuid.uuid4()
    spec = importlib.util.spec_from_file_location("anew", multiprocessing.process.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with simulated.step():
        spec.loader.exec_module(module)  # draws the key by which processes know each other
        assert uuid.uuid4() == plain


def test_what_the_modules_underneath_draw_comes_from_the_seed_too(simulated: Simulated) -> None:
    def drawn() -> list[Any]:
        plain = _random.Random()
        found: list[Any] = [ssl.RAND_bytes(8), plain.random(), _random.Random(None).random()]
        plain.seed()
        return [*found, plain.random()]

    with simulated.step():
        inside = drawn()
        assert _random.Random(3).random() == random.Random(3).random()
        with pytest.raises(ValueError, match="negative"):
            ssl.RAND_bytes(-1)
    with Simulated().step():
        assert drawn() == inside
    assert not {*drawn()} & {*inside}
    assert simulated.told == []


def test_getrandom_takes_what_the_machines_takes_and_refuses_what_it_refuses(
    simulated: Simulated,
) -> None:
    def refused(*args: Any, **options: Any) -> tuple[type[BaseException], object]:
        with pytest.raises((OSError, TypeError)) as caught:
            os.getrandom(*args, **options)
        return caught.type, getattr(caught.value, "errno", None)

    def refusals() -> list[Any]:
        odd = [refused(-1), refused(4, 9999), refused(4, flags="x"), refused("x"), refused()]
        return [*odd, refused(4, 0, 0)]

    with simulated.step():
        found = [
            os.getrandom(4, flags=0),
            os.getrandom(size=4, flags=os.GRND_NONBLOCK),
            os.getrandom(4, os.GRND_NONBLOCK),
        ]
        refused_inside = refusals()
        found.append(os.getrandom(4))
    with Simulated().step():
        assert [os.getrandom(4) for _ in found] == found
    assert len(set(found)) == len(found)
    assert refused_inside == refusals()
    assert simulated.told == []


def test_names_of_temporary_files_are_the_seeds_and_shift_no_other_draws(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def made() -> tuple[list[str], uuid.UUID]:
        found = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as file:
                found += [folder, file.name]
        return found, uuid.uuid4()

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # As in a process that has not used it yet.
    monkeypatch.setattr(tempfile, "_name_sequence", None)
    monkeypatch.setattr(tempfile, "tempdir", None)
    runs = []
    for seed in (7, 7, 8):
        with Simulated(seed).open() as simulated, simulated.step():
            runs.append(made())
        assert not {*made()[0]} & {*runs[-1][0]}, "outside, names are the machine's"
    first, again, other = runs
    assert first == again
    assert len(set(first[0])) == len(first[0])
    assert not {*first[0]} & {*other[0]}
    with Simulated().open() as simulated, simulated.step():
        plain = uuid.uuid4()
    assert first[1] == plain
