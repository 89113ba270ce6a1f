"""Torch's global random generator: seeded for a while, then given back as it was."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOCK = threading.RLock()


def _renew_lock() -> None:
    global _LOCK
    _LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):  # the thread that held it is not in the child
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Seed torch's global generator inside the block, for one thread at a time; None at random."""
    with RandomNumbers(seed).drawn():
        yield


class RandomNumbers:
    """A stream of random numbers that torch's global generator draws, now and then.

    Two streams do not disturb each other, nor the generator as others see it.

    Parameters
    ----------
    seed : int or None
        None begins at random.
    device : str or torch.device, default="cpu"
        A CUDA device has a generator of its own, whose state is kept as well.

    Attributes
    ----------
    state : tuple or None
        Where the stream is; None before it was first drawn from.
    """

    def __init__(self, seed: int | None, device: Any = "cpu"):
        self.seed = seed
        self.device = str(device)
        self.state: tuple | None = None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw from the stream inside the block, one thread at a time."""
        import torch

        with _LOCK, torch.random.fork_rng(devices=[]):
            if self.state is not None:
                self._resume()
            elif self.seed is None:
                torch.seed()
            else:
                torch.manual_seed(self.seed)
            yield
            self.state = self._read()

    def _read(self) -> tuple:
        import torch

        cuda = torch.cuda.get_rng_state(self.device) if self._is_cuda() else None
        return torch.get_rng_state(), cuda

    def _resume(self) -> None:
        import torch

        assert self.state is not None
        torch.set_rng_state(self.state[0])
        if self.state[1] is not None:
            torch.cuda.set_rng_state(self.state[1], self.device)

    def _is_cuda(self) -> bool:
        return self.device.startswith("cuda")
