"""Durations and sizes are read with their units, and what cannot be read is refused."""

from __future__ import annotations

import pytest

from resilkit import amounts
from resilkit.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5 s", 5.0), ("5s", 5.0), ("200 ms", 0.2), ("1 min", 60.0), ("1.5m", 90.0), ("2h", 7200.0),
        ("10 µs", 1e-5), ("10 us", 1e-5), ("3", 3.0), (4, 4.0), (0.25, 0.25), (" .5 s ", 0.5),
        ("1e3 ms", 1.0), ("0 s", 0.0), ("1 day", 86400.0), ("700 ns", 7e-7),
    ],
)  # fmt: skip
def test_durations_are_read_from_text(text, seconds):
    assert amounts.parse_duration(text, "t") == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "-1 s", "5 parsecs", "nan", "inf", "1e999 s", "5 s 3", "٣ s", True, -1, None]
)
def test_unreadable_durations_are_refused(text):
    with pytest.raises(InvalidArgument, match=r"^t: "):
        amounts.parse_duration(text, "t")


@pytest.mark.parametrize(
    ("text", "size"),
    [("64 MiB", 64 << 20), ("64mib", 64 << 20), ("1 kB", 1000), ("1.5 GiB", 3 << 29), ("7", 7),
     (8, 8), ("0 B", 0), ("2 TB", 2 * 10**12)],
)  # fmt: skip
def test_sizes_are_read_from_text(text, size):
    assert amounts.parse_size(text, "s") == size


@pytest.mark.parametrize("text", ["64 M", "-1 B", "1e30 GiB", "", "MiB", 1.5, True, -1, 2**63])
def test_unreadable_sizes_are_refused(text):
    with pytest.raises(InvalidArgument, match=r"^s: "):
        amounts.parse_size(text, "s")
