"""Torch's global random generator: seeded for a while, then given back as it was."""

import threading
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def seeded(seed):
    """Seed torch's global generator inside the block, for one thread at a time; None at random."""
    import torch

    with _LOCK, torch.random.fork_rng(devices=[]):
        if seed is None:
            torch.seed()
        else:
            torch.manual_seed(seed)
        yield
