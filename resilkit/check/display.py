"""How the verdict of a check looks in a notebook: the word, the sentence, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.markup import display, guarded, paragraph, table
from resilkit.texts import shown

if TYPE_CHECKING:
    from resilkit.check.durability_verdict import DurabilityVerdict

__all__ = ["durability_html"]

_MOST = 10
_WORDS = {
    True: ("good", "✓ kept"),
    False: ("bad", "✗ violated"),
    None: ("unsure", "? unknown"),
}


@guarded
def durability_html(verdict: DurabilityVerdict) -> str:
    """Return whether acknowledged writes were kept, and each that was not."""
    kind, word = _WORDS[verdict.valid]
    said = Markup('<span class="rk-word rk-{}">{}.</span> {}').format(kind, word, verdict.summary)
    lost = [
        (shown(one.key), shown(one.value), shown(one.version), f"{one.acknowledged_at:.3f}",
         "nothing" if one.found_version is None else f"{one.found_value!r} ({one.found_version!r})")
        for one in verdict.lost
    ]  # fmt: skip
    stale = [
        (one.operation, shown(one.key), f"{one.sent_at:.3f}", shown(one.version),
         f"{one.floor!r} at {one.acknowledged_at:.3f} s")
        for one in verdict.stale
    ]  # fmt: skip
    conflicts = [
        (one.operation, shown(one.key), shown(one.version), shown(one.written), shown(one.seen))
        for one in verdict.conflicts
    ]
    return display(
        "durability", "", paragraph(said),
        table(("key", "written", "version", "acknowledged (s)", "found in the end"), lost,
              numbers=(3,), caption="Lost writes", most=_MOST),
        table(("operation", "key", "sent (s)", "was given", "acknowledged before"), stale,
              numbers=(2,), caption="Saw the past", most=_MOST),
        table(("operation", "key", "version", "written", "seen"), conflicts,
              caption="One version, two values", most=_MOST),
    )  # fmt: skip
