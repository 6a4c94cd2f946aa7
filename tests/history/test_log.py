from __future__ import annotations

import pickle
import threading
from math import isnan

import numpy as np
import pandas as pd
import pytest

from resilkit.errors import InvalidArgument
from resilkit.history import INFO, OK, History, OperationRecord, Rows

GET = ("get", 0, "g1", 1.0, 1.25, 1.5, "ok", "", 42)
LOST = ("put", 3, "g2", 2.0, None, None, "fail", "dropped", None)
HUNG = ("put", 4, "g1", 2.0, 2.0, None, "info", "unfinished", None)


def test_records_come_back_as_they_were_given():
    history = History([GET, OperationRecord(*LOST), HUNG])
    assert list(history) == [OperationRecord(*row) for row in (GET, LOST, HUNG)]
    assert len(history) == 3
    assert history[-1].error == "unfinished"
    with pytest.raises(IndexError):
        history[3]


def test_the_frame_has_response_from_the_intended_and_service_from_the_sent_time():
    frame = History([GET, LOST]).frame()
    assert list(frame.columns) == [
        *("operation", "user", "generator", "intended", "sent", "done"),
        *("status", "error", "value", "response", "service"),
    ]
    first, second = frame.to_dict("records")
    assert (first["response"], first["service"], first["value"]) == (0.5, 0.25, 42)
    assert (second["status"], second["error"]) == ("fail", "dropped")
    assert isnan(second["sent"])
    assert isnan(second["done"])
    assert isnan(second["response"])


def test_values_of_any_shape_are_kept_whole():
    values = [(1, 2), [1, 2], {"a": 1}, None, "text", 3.5]
    history = History([(*GET[:8], value) for value in values])
    assert history.frame()["value"].tolist() == values
    assert [record.value for record in history] == values


def test_an_empty_history_has_an_empty_frame_of_the_same_columns():
    assert list(History().frame().columns) == list(History([GET]).frame().columns)
    assert History().frame().empty
    assert History().events_frame().empty


def test_batches_of_generators_with_different_operations_are_put_together():
    one, two = Rows("g1", ("get", "put")), Rows("g2", ("put", "scan"))
    one.append(1, 0, 1.0, 1.0, 2.0, OK, "", "a")
    two.append(0, 5, 1.0, 1.0, 2.0, INFO, "lost", "b")
    two.append(1, 5, 1.0, 1.0, 2.0, OK, "", "c")
    history = History(one)
    history.extend(two)
    assert [(r.operation, r.generator, r.status, r.error) for r in history] == [
        ("put", "g1", "ok", ""),
        ("put", "g2", "info", "lost"),
        ("scan", "g2", "ok", ""),
    ]
    assert history.frame()["operation"].tolist() == ["put", "put", "scan"]


def test_a_batch_iterates_as_rows_and_survives_a_pickle():
    rows = Rows("g1", ("get",))
    rows.append(0, 7, 1.0, None, None, INFO, "lost", (1, 2))
    again = pickle.loads(pickle.dumps(rows))
    assert list(again) == list(rows) == [("get", 7, "g1", 1.0, None, None, "info", "lost", (1, 2))]


def test_an_offset_moves_every_time_to_the_readers_clock():
    history = History()
    history.extend([GET, LOST], offset=10.0)
    assert [(r.intended, r.sent, r.done) for r in history] == [
        (11.0, 11.25, 11.5),
        (12.0, None, None),
    ]


def test_the_frame_can_start_at_an_origin_and_at_a_row():
    frame = History([GET, HUNG]).frame(first=1, origin=2.0)
    assert frame["intended"].tolist() == [0.0]
    assert frame["operation"].tolist() == ["put"]


def test_columns_are_those_of_the_frame_from_any_row_to_any_other():
    history = History([GET, LOST, HUNG])
    for first, last in ((0, None), (1, None), (1, 2), (3, None), (0, 99)):
        found, frame = history.columns(first, last), history.frame()[first:last]
        assert found.rows == len(frame)
        np.testing.assert_array_equal(found.intended, frame["intended"])
        np.testing.assert_array_equal(found.done, frame["done"])
        np.testing.assert_array_equal(found.status, frame["status"].cat.codes)
        assert [found.texts[code] for code in found.error] == frame["error"].tolist()
    kept = history.columns()
    history.extend([LOST])
    assert kept.rows == 3, "what was taken stays as it was"


def test_a_frame_gives_its_history_back():
    history = History([GET, LOST, HUNG])
    assert list(History.from_frame(history.frame())) == list(history)


def test_a_frame_needs_only_what_matters():
    frame = pd.DataFrame(
        {"operation": ["a"], "intended": [1.0], "sent": [1.0], "done": [2.0], "status": ["ok"]}
    )
    assert list(History.from_frame(frame)) == [OperationRecord("a", 0, "", 1.0, 1.0, 2.0, "ok")]
    with pytest.raises(InvalidArgument, match=r"frame\.done: is missing"):
        History.from_frame(frame.drop(columns="done"))


@pytest.mark.parametrize(
    "bad",
    [
        ("get",),
        (*GET[:6], "lost", "", None),
        None,
        3,
        ("get", 2**70, *GET[2:]),
        (*GET[:3], 10**400, *GET[4:]),
        ("get", 0, ["g1"], *GET[3:]),
        (*GET[:7], ["no"], None),
    ],
)
def test_a_malformed_row_is_refused_and_nothing_is_appended(bad):
    history = History([GET])
    with pytest.raises(InvalidArgument, match=r"rows\[1\]"):
        history.extend([GET, bad])
    assert list(history) == [OperationRecord(*GET)]


def test_frames_can_be_read_while_another_thread_appends():
    history = History()
    stop = threading.Event()
    batch = Rows("g1", ("get",))
    for _ in range(100):
        batch.append(0, 0, 1.0, 1.0, 2.0, OK, "", 1)

    def writer():
        while not stop.is_set() and len(history) < 300_000:
            history.extend(batch)

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        sizes = [len(history.frame()) for _ in range(20)]
    finally:
        stop.set()
        thread.join()
    assert sizes == sorted(sizes)
    assert all(size % 100 == 0 for size in sizes)


def test_the_representation_counts_the_ends():
    assert repr(History([GET, LOST])) == "<History of 2 operations: ok 1, fail 1, info 0>"


def test_values_that_are_all_texts_stay_what_they_are():
    values = ["a", None, "no file caf\udce9"]
    frame = History([("get", 1, "@g1", 0.0, 0.0, 0.1, "ok", "", each) for each in values]).frame()
    assert frame["value"].tolist() == values


def test_an_error_that_is_no_utf_8_is_kept_so_that_it_can_be_written():
    texts = ["no file caf\udce9", "no file caf\udcea", "no file café", "no file caf\udce9"]
    history = History([("get", 1, "@g1", 0.0, 0.0, 0.1, "fail", each, None) for each in texts])
    clean = ["no file caf\ufffd", "no file caf\ufffd", "no file café", "no file caf\ufffd"]
    assert [record.error for record in history] == clean
    assert history.frame()["error"].astype("str").tolist() == clean
