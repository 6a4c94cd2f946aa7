"""What `help` shows of the records that people meet: our words, and nobody's remarks to himself."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import pydoc

import pytest

import resilkit as rk
from resilkit import faults

RECORDS = sorted(
    {
        found
        for module in (rk, faults)
        for found in (getattr(module, name) for name in module.__all__)
        if isinstance(found, type) and dataclasses.is_dataclass(found)
    },
    key=lambda record: (record.__qualname__, record.__module__),
)


@pytest.mark.parametrize(
    "record", RECORDS, ids=lambda record: f"{record.__module__}.{record.__qualname__}"
)
def test_help_on_a_record_shows_no_comment_of_the_standard_library(record: type) -> None:
    shown = pydoc.render_doc(record, renderer=pydoc.plaintext)
    assert "_dataclass_getstate" not in shown


def test_records_are_pickled_and_copied_as_ever() -> None:
    spec = rk.NodeSpec("a", limits=rk.Limits(open_files=64))
    for record in (spec, faults.Latency(0.1, 0.2, duration=3.0), rk.NodeLost("a", majority=True)):
        assert pickle.loads(pickle.dumps(record)) == copy.copy(record) == record
