"""How fast models answer on this machine, and how large they are."""

import pickle
import time

import numpy as np

from skdistill._utils._compat import num_samples, safe_indexing

BATCH_ROWS = 10_000
WARM_UPS = 5
SINGLE_CALLS = 300
# Seconds that one model's calls of one kind may take: a slow teacher is asked less often.
SECONDS = 2.0
LEAST_SINGLE_CALLS = 5
BATCH_CALLS = 5


def measure_speed(ask, X):
    """Time single rows and a large batch.

    Parameters
    ----------
    ask : callable
        Takes rows, returns probabilities.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows to ask about; repeated to make the batch.

    Returns
    -------
    dict of str to float
        ``p50_ms`` and ``p99_ms`` of a call with one row, of ``n_calls`` calls; ``rows_per_second``
        of the fastest of a few calls with 10,000 rows.
    """
    n_rows = num_samples(X)
    singles = [safe_indexing(X, [i % n_rows]) for i in range(min(n_rows, SINGLE_CALLS))]
    for i in range(WARM_UPS):
        ask(singles[i % len(singles)])
    seconds = _timed(ask, singles, SINGLE_CALLS, LEAST_SINGLE_CALLS)
    batch = safe_indexing(X, np.arange(BATCH_ROWS) % n_rows)
    ask(batch)
    batches = _timed(ask, [batch], BATCH_CALLS, 1)
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e3
    return {
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "n_calls": len(seconds),
        "rows_per_second": BATCH_ROWS / min(batches),
    }


def _timed(ask, blocks, n_calls, least):
    """Seconds of each call, of fewer than `n_calls` where they take long."""
    seconds = []
    for i in range(n_calls):
        if i >= least and sum(seconds) > SECONDS:
            break
        rows = blocks[i % len(blocks)]
        start = time.perf_counter()
        ask(rows)
        seconds.append(time.perf_counter() - start)
    return seconds


class _Counter:
    """A file that counts bytes and keeps none: a teacher may be larger than the free memory."""

    def __init__(self):
        self.n_bytes = 0

    def write(self, data):
        n_bytes = memoryview(data).nbytes
        self.n_bytes += n_bytes
        return n_bytes


def stored_bytes(model):
    """Bytes of the model's pickle; None where it cannot be pickled.

    Parameters
    ----------
    model : object

    Returns
    -------
    int or None
    """
    counter = _Counter()
    try:
        pickle.dump(model, counter, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:  # whatever a user's teacher raises
        return None
    return counter.n_bytes


def parameter_bytes(clf):
    """Bytes of the weights and buffers of the student's module."""
    tensors = clf.student_.module_.state_dict().values()
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
