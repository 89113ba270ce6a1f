"""Torch's global random generator: seeded for a while, then given back as it was."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


def _renew_lock() -> None:
    global _LOCK
    _LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):  # the thread that held it is not in the child
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Seed torch's global generator inside the block, for one thread at a time; None at random."""
    import torch

    with _LOCK, torch.random.fork_rng(devices=[]):
        if seed is None:
            torch.seed()
        else:
            torch.manual_seed(seed)
        yield
