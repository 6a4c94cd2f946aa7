"""An interception whose time a test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from resilkit.simulation.interception import Interception

__all__ = ["BEGINNING", "SOON", "Simulated"]

BEGINNING = 946_684_800.0
SOON = 1e6
"""Seconds: far less than since 1970, and more than virtual time ever is in these tests."""


class Simulated(Interception):
    """With a time that the test sets."""

    def __init__(self, seed: int = 7) -> None:
        self.at = 0.0
        self.told: list[str] = []
        super().__init__(
            lambda: self.at,
            lambda: BEGINNING + self.at,
            seed,
            self.told.append,
            sleep=self.slept,
        )

    def slept(self, seconds: float) -> None:
        self.at += seconds

    @contextmanager
    def step(self) -> Iterator[None]:
        self.enter()
        try:
            yield
        finally:
            self.leave()

    @contextmanager
    def open(self) -> Iterator[Simulated]:
        self.install()
        try:
            yield self
        finally:
            self.uninstall()
