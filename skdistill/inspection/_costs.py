"""What models cost: how fast they answer on this machine, and how large they are."""

import os
import pickle
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from skdistill._base import BaseDistiller
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import Estimator, Table
from skdistill.inspection._models import COMPILED, CONTROL, EXPORTED, STUDENT, TEACHER, Model

BATCH_ROWS = 10_000
WARM_UPS = 5
SINGLE_CALLS = 300
# Seconds that one model's calls of one kind may take: a slow teacher is asked less often.
SECONDS = 2.0
LEAST_SINGLE_CALLS = 5
BATCH_CALLS = 5


@dataclass(frozen=True)
class Costs:
    """What it costs to serve each model.

    Attributes
    ----------
    sizes : dict of str to (dict of str to (int or None))
        Bytes by model; None where it cannot be pickled.
    speeds : dict of str to (dict of str to float)
        What :func:`measure_speed` found, by model; empty where nothing was timed.
    machine : str
        Where it was timed.
    """

    sizes: dict[str, dict[str, int | None]]
    speeds: dict[str, dict[str, float]] = field(default_factory=dict)
    machine: str = ""

    def slowness(self, one: str, other: str) -> dict[str, float] | None:
        """How many times as long one takes, by the rows of a call; None if one was not timed."""
        if one not in self.speeds or other not in self.speeds:
            return None
        a, b = self.speeds[one], self.speeds[other]
        return {
            "single rows": a["p50_ms"] / b["p50_ms"],
            f"{BATCH_ROWS:,} rows": b["rows_per_second"] / a["rows_per_second"],
        }

    def relative_size(self, one: str, other: str) -> float | None:
        """How many times as many pickled bytes one has; None if one of both is not known."""
        a, b = (self.sizes.get(name, {}).get("pickled_bytes") for name in (one, other))
        return a / b if a and b else None


def measure_costs(models: dict[str, Model], speed: bool) -> Costs:
    """Time and weigh what would be served; a control costs what the student does.

    Parameters
    ----------
    models : dict of str to Model
    speed : bool
        Whether they are timed.

    Returns
    -------
    Costs
    """
    served = {name: model for name, model in models.items() if name != CONTROL}
    speeds = {}
    if speed:
        speeds = {name: measure_speed(model.ask, model.rows) for name, model in served.items()}
    clf = models[STUDENT].estimator
    sizes: dict[str, dict[str, int | None]] = {}
    sizes[STUDENT] = {
        "parameter_bytes": parameter_bytes(clf),
        "pickled_bytes": stored_bytes(clf.without_teacher()),
    }
    for name in (TEACHER, EXPORTED, COMPILED):
        if name in served:
            sizes[name] = {"pickled_bytes": stored_bytes(served[name].estimator)}
    return Costs(sizes, speeds, _machine() if speed else "")


def _machine() -> str:
    import torch

    processor = platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, torch threads: {torch.get_num_threads()}"


def measure_speed(ask: Callable, X: Table) -> dict[str, float]:
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
    seconds, batches = seconds_of_calls(ask, singles, tiled(X))
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e3
    return {
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "n_calls": len(seconds),
        "rows_per_second": BATCH_ROWS / min(batches),
    }


def tiled(X: Table) -> Table:
    """The rows again and again, until there are as many as a large batch has."""
    return safe_indexing(X, np.arange(BATCH_ROWS) % num_samples(X))


def seconds_of_calls(
    ask: Callable, singles: list[Table], batch: Table
) -> tuple[list[float], list[float]]:
    """Time calls with one row each, and calls with a large batch, both warmed up.

    Parameters
    ----------
    ask : callable
        Takes rows, returns answers.
    singles : list of array-like or DataFrame of shape (1, n_features)
    batch : array-like or DataFrame of shape (10,000, n_features)

    Returns
    -------
    seconds, batch_seconds : list of float
        Of each call.
    """
    for i in range(WARM_UPS):
        ask(singles[i % len(singles)])
    seconds = _timed(ask, singles, SINGLE_CALLS, LEAST_SINGLE_CALLS)
    ask(batch)
    return seconds, _timed(ask, [batch], BATCH_CALLS, 1)


def _timed(ask: Callable, blocks: list[Table], n_calls: int, least: int) -> list[float]:
    """Seconds of each call, of fewer than `n_calls` where they take long."""
    seconds: list[float] = []
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

    def __init__(self) -> None:
        self.n_bytes = 0

    def write(self, data: bytes | bytearray | memoryview | pickle.PickleBuffer) -> int:
        n_bytes = memoryview(data).nbytes
        self.n_bytes += n_bytes
        return n_bytes


def stored_bytes(model: Estimator) -> int | None:
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


def parameter_bytes(clf: BaseDistiller) -> int:
    """Bytes of the weights and buffers of the student's module."""
    tensors = clf.student_.module_.state_dict().values()
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
