"""How many threads a training takes."""

import threading
from contextlib import contextmanager

import torch

# Multiplications of a batch's largest matrix product below which a second thread gains nothing:
# measured on MLPs of 64 to 512 units in batches of 256 and 1,024.
WORTH_SHARING = 2**26


@contextmanager
def training_threads(module, batch_size):
    """Limit torch to one thread where more would only get in each other's way.

    That is for small matrices, and outside the main thread: what trains there, trains beside
    others, as under joblib's threading backend. (Its processes limit themselves.)

    Parameters
    ----------
    module : torch.nn.Module
    batch_size : int
    """
    before = torch.get_num_threads()
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or batch_size * _largest_weight(module) < WORTH_SHARING:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _largest_weight(module):
    lookups = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    multiplied = [part for part in module.modules() if not isinstance(part, lookups)]
    return max(
        (p.numel() for part in multiplied for p in part.parameters(recurse=False)), default=0
    )
