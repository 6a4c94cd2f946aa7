"""Draws of every kind, by the names of their modules and by names of one's own."""

from __future__ import annotations

import os
import random
import secrets
import uuid
from random import choice, gauss, getrandbits
from random import random as drawn_by_name
from typing import Any

__all__ = ["drawn_by_name", "draws"]


def draws() -> list[Any]:
    people = list(range(100))
    random.shuffle(people)
    return [
        random.random(),
        random.gauss(0, 1),
        random.getrandbits(64),
        random.sample(people, 5),
        drawn_by_name(),
        getrandbits(32),
        choice(range(10**9)),
        gauss(0, 1),
        gauss(0, 1),
        random.Random().random(),
        random.SystemRandom().random(),
        os.urandom(8),
        os.getrandom(8),
        secrets.token_hex(),
        uuid.uuid1(),
        uuid.uuid1(),
        uuid.uuid4(),
        uuid.getnode(),
    ]
