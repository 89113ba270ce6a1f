"""What watches a training."""

import time
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from skorch.callbacks import Callback

from skdistill._utils.types import Estimator


def raise_diverged(net: Estimator, what: str) -> NoReturn:
    """Raise the error of a loss or output that is not finite."""
    raise ValueError(
        f"the student diverged in epoch {len(net.history)} ({what}): lower its learning rate "
        "(`student=MLPStudent(learning_rate=...)` or `student__lr`)."
    )


class StopTraining(KeyboardInterrupt):
    """Ends skorch's loop, as its own EarlyStopping does, but is ours."""


class StopDivergence(Callback):
    """Raise as soon as an epoch's loss is not a finite number."""

    def on_epoch_end(self, net: Estimator, **kwargs: Any) -> None:
        loss = net.history[-1].get("train_loss")
        if loss is not None and not np.isfinite(loss):
            raise_diverged(net, f"training loss {loss}")


class TimeLimit(Callback):
    """End the training at a time; `reached` tells whether it did.

    Parameters
    ----------
    deadline : float or None
        As of :func:`time.monotonic`.
    """

    def __init__(self, deadline: float | None):
        self.deadline = deadline
        self.reached = False

    def on_batch_end(self, net: Estimator, training: bool = False, **kwargs: Any) -> None:
        is_late = self.deadline is not None and time.monotonic() > self.deadline
        if training and is_late and len(net.history) > 1:  # one epoch, or there is no student
            self.reached = True
            raise StopTraining


class EpochReport(Callback):
    """Report each epoch and the net as it is; end the training if that is the answer.

    Parameters
    ----------
    step : callable
    """

    def __init__(self, step: Callable[[str, Any], bool]):
        self.step = step

    def on_epoch_end(self, net: Estimator, **kwargs: Any) -> None:
        if self.step(f"epoch {len(net.history)}", net):
            raise StopTraining
