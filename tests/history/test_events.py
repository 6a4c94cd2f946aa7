from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resilkit.history import History


def _row(sent, done, status="ok", *, user=0, value=None, error="", name="op"):
    return (name, user, "g1", sent or 0.0, sent, done, status, error, value)


def test_an_operation_is_an_invocation_and_a_completion():
    frame = History([_row(1.0, 2.0, value=7, name="read")]).events_frame(origin=1.0)
    assert frame.to_dict("records") == [
        {
            "index": 0,
            "time": 0.0,
            "process": 0,
            "type": "invoke",
            "f": "read",
            "value": None,
            "error": "",
        },
        {"index": 1, "time": 1.0, "process": 0, "type": "ok", "f": "read", "value": 7, "error": ""},
    ]


def test_a_user_with_two_operations_open_is_two_processes_which_are_used_again():
    frame = History([_row(1, 4), _row(2, 3), _row(5, 6), _row(5.5, 7)]).events_frame()
    invoked = frame[frame["type"] == "invoke"]
    assert invoked["process"].tolist() == [0, 1, 0, 1]


def test_a_process_whose_operation_is_unknown_is_never_used_again():
    frame = History([_row(1, 2, "info", error="timeout"), _row(3, 4), _row(5, 6)]).events_frame()
    assert frame[frame["type"] == "invoke"]["process"].tolist() == [0, 1, 1]
    assert frame["error"].tolist() == ["", "timeout", "", "", "", ""]


def test_processes_of_different_users_are_different():
    frame = History([_row(1, 2, user=0), _row(3, 4, user=1)]).events_frame()
    assert frame["process"].nunique() == 2


def test_what_never_ended_is_unknown_at_the_end_and_what_was_never_sent_is_absent():
    frame = History([_row(1, None, "info"), _row(2, 5), _row(None, None, "fail")]).events_frame()
    assert frame["type"].tolist() == ["invoke", "invoke", "ok", "info"]
    assert frame["time"].tolist() == [1, 2, 5, 5]


def test_at_one_instant_invocations_come_first():
    frame = History([_row(1, 2), _row(2, 3)]).events_frame()
    assert frame["type"].tolist() == ["invoke", "invoke", "ok", "ok"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.integers(0, 5),
            st.sampled_from(["ok", "fail", "info"]),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_no_process_ever_has_two_operations_open(operations):
    rows = [_row(sent, sent + took, status, user=user) for sent, took, status, user in operations]
    frame = History(rows).events_frame()
    assert frame["index"].tolist() == list(range(2 * len(rows)))
    assert frame["time"].is_monotonic_increasing
    for _, own in frame.groupby("process"):
        kinds = own["type"].tolist()
        assert kinds[0::2] == ["invoke"] * (len(kinds) // 2)
        assert "invoke" not in kinds[1::2]
        assert "info" not in kinds[:-1]
