"""How the verdict of the durability check shows itself."""

from __future__ import annotations

from resilkit.check.durability_verdict import (
    Conflict,
    DurabilityVerdict,
    LostWrite,
    StaleOperation,
)
from tests.seen import HOSTILE, seen


def test_a_violation_shows_each_lost_write() -> None:
    lost = LostWrite(HOSTILE, 3, HOSTILE, 1.5, None, None)
    stale = StaleOperation(HOSTILE, "k", 1, 2.0, 2, 1.0)
    conflict = Conflict("get", "k", 1, HOSTILE, "b")
    verdict = DurabilityVerdict(12, 1, (lost,), (stale,), 1, (conflict,), 1)
    text = seen(verdict)
    assert "✗ violated." in text
    assert f"'{HOSTILE}' '{HOSTILE}' 3 1.500 nothing" in text
    assert f"{HOSTILE} 'k' 2.000 1 2 at 1.000 s" in text
    assert f"get 'k' 1 '{HOSTILE}' 'b'" in text
    short = "<DurabilityVerdict violated: 11 of 12 checked, 1 lost, 1 stale, 1 conflict>"
    assert repr(verdict) == short


def test_what_was_kept_and_what_nobody_knows_have_words_of_their_own() -> None:
    assert "✓ kept." in seen(DurabilityVerdict(3))
    assert "? unknown." in seen(DurabilityVerdict(0))
    assert repr(DurabilityVerdict(3)) == "<DurabilityVerdict kept: 3 of 3 checked>"
