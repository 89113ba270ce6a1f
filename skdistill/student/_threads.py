"""How many threads a training takes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from skdistill._utils.process import ONE_THREAD

# Multiplications of a batch's largest matrix product below which a second thread gains nothing:
# measured on MLPs of 64 to 512 units in batches of 256 and 1,024.
WORTH_SHARING = 2**26


@contextmanager
def training_threads(module: torch.nn.Module, batch_size: int) -> Iterator[None]:
    """Limit torch to one thread where more would only get in each other's way.

    That is for small matrices, and outside the main thread: what trains there, trains beside
    others, as under joblib's threading backend. (Its processes limit themselves.)

    Parameters
    ----------
    module : torch.nn.Module
    batch_size : int
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and batch_size * _largest_weight(module) >= WORTH_SHARING:
        yield
        return
    with ONE_THREAD:
        yield


def _largest_weight(module: torch.nn.Module) -> float:
    """Entries of the largest matrix; infinite where other layers may have more to multiply."""
    lookups = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    largest = 0
    for part in module.modules():
        weights = [p for p in part.parameters(recurse=False) if p.dim() > 1]
        if weights and not isinstance(part, (torch.nn.Linear, *lookups)):
            return float("inf")
        if not isinstance(part, lookups):
            largest = max([largest, *(weight.numel() for weight in weights)])
    return largest
