"""What makes a net of skorch's ready for a training of ours."""

from typing import Any

import numpy as np
import torch
from skorch.callbacks import BatchScoring, EarlyStopping, EpochScoring

from skdistill._utils.process import on_cpu, usual_torch
from skdistill._utils.seeding import RandomNumbers
from skdistill._utils.types import Estimator
from skdistill._utils.warn import warn
from skdistill.objectives import DistillationLoss
from skdistill.student._batches import Rows
from skdistill.student._callbacks import StopDivergence
from skdistill.student._checks import check_output


@usual_torch()
def rehearse(net: Estimator, loss: dict, rows: Rows, n_outputs: int, has_validation: bool) -> None:
    """Raise what would be wrong with a student's module, before teachers are fitted for it.

    Parameters
    ----------
    net : skorch.NeuralNet
        From :func:`~skdistill.student.prepare_net`; used up.
    loss : dict
        As for :class:`Training`.
    rows : Rows
        A few rows.
    n_outputs : int
    has_validation : bool
        Whether there will be validation rows.
    """
    callbacks_of(net, early_stopping=False, validation=rows if has_validation else None)
    forget_iterators(net)
    net.set_params(
        criterion=DistillationLoss,
        **{f"criterion__{name}": value for name, value in loss.items()},
        verbose=0,
    )
    with RandomNumbers(0, net.device).drawn():
        initialize(net)
        check_output(net, rows, n_outputs)
    for handle in net.criterion_.watch(net.module_):
        handle.remove()


def forget_iterators(net: Estimator) -> None:
    """Drop what the user set for iterators that are replaced, and that ours do not take."""
    for name in list(vars(net)):
        if name.startswith(("iterator_train__", "iterator_valid__")) and not name.endswith(
            ("__shuffle", "__batch_size")
        ):
            delattr(net, name)
    net.callbacks = None if net.callbacks == "disable" else net.callbacks


def initialize(net: Estimator) -> None:
    try:
        with on_cpu():
            net.initialize()
    except TypeError as error:
        raise TypeError(
            f"the module of `student` could not be made: {error}. Its constructor is given "
            "`n_inputs`, `n_outputs` and `cardinalities` where it takes these names; others are "
            "set by a skorch.NeuralNetClassifier(module, module__name=...)."
        ) from error


def softmax(logits: torch.Tensor) -> torch.Tensor:
    return torch.softmax(logits, dim=-1)


def _hard_labels(target: Any) -> np.ndarray:
    return (target["label"] if isinstance(target, dict) else target).cpu().numpy()


def callbacks_of(
    net: Estimator, early_stopping: bool, validation: Rows | None, *always: Any
) -> list:
    """The user's callbacks and ours, ours only where the user has none of the kind."""
    theirs = list(net.callbacks or []) if net.callbacks != "disable" else []
    bare = [c[1] if isinstance(c, tuple) else c for c in theirs]
    has_stopping = any(isinstance(c, EarlyStopping) for c in bare)
    if has_stopping and validation is None:
        raise ValueError(
            "the callback EarlyStopping of `student` needs validation rows: set "
            "`early_stopping=True`, give `X_val` and `y_val`, or leave the callback out."
        )
    ours = [(f"skdistill_{type(c).__name__}", c) for c in (StopDivergence(), *always)]
    if early_stopping and validation is not None and not has_stopping:
        stopping = EarlyStopping(
            patience=max(10, net.max_epochs // 4), threshold=0.0, load_best=True, sink=_silent
        )
        ours.insert(0, ("skdistill_early_stopping", stopping))
    return theirs + ours


def _silent(text: str) -> None:
    pass


def adapt_scoring(net: Estimator, rows: Rows, validation: Rows | None) -> None:
    """Let scoring callbacks see hard labels in place of the dict of targets."""
    kept = []
    for name, callback in net.callbacks_:
        if isinstance(callback, (EpochScoring, BatchScoring)):
            scored = rows if callback.on_train else validation
            if scored is None or not scored.is_labelled:
                if name != "valid_acc":
                    which = "training" if callback.on_train else "validation"
                    warn(
                        f"the student's callback `{name}` is left out: there "
                        f"are no {which} rows, or some of them have no label to score."
                    )
                continue
            callback.target_extractor = _hard_labels
            callback.use_caching = True  # without, it would ask for the labels in skorch's way
        kept.append((name, callback))
    net.callbacks_ = kept
