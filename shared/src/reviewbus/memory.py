"""The cyclic garbage collector of a process that runs for long."""

from __future__ import annotations

import gc

# Applying a batch of records makes tens of thousands of objects and hardly a cycle: looking for one every 700 of them
# was a fifth of a consumer's time.
OBJECTS = 50_000
YOUNGER_ROUNDS, OLDER_ROUNDS = 10, 10


def settle() -> None:
    """Leave what start-up made out of every later collection, and collect less often; call it when all is built."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, YOUNGER_ROUNDS, OLDER_ROUNDS)
