"""Training a net on soft targets, and asking it."""

import warnings

import numpy as np
import torch
from skorch.callbacks import BatchScoring, EarlyStopping, EpochScoring
from skorch.helper import predefined_split
from skorch.history import History

from skdistill._utils.process import on_cpu, thread_limit, usual_torch
from skdistill._utils.progress import no_step
from skdistill._utils.seeding import seeded
from skdistill.modules import MLP
from skdistill.objectives import DistillationLoss, as_logits
from skdistill.student._callbacks import (
    EpochReport,
    StopDivergence,
    StopTraining,
    TimeLimit,
    raise_diverged,
)
from skdistill.student._rows import BatchIterator
from skdistill.student._threads import training_threads

# Rows that go through the module at a time: their activations stay in the processor's cache.
PREDICT_ROWS = 1024
# Rows are padded to blocks of this size: matrix kernels sum single rows in another order than many,
# and a row's answer should not depend on the rows it comes with.
ROW_BLOCK = 16
KEPT = (
    "the student keeps what it has learned: its best epoch where early stopping watches, else the "
    "last"
)


@usual_torch()
def train(
    net,
    loss,
    rows,
    validation,
    n_classes,
    *,
    seed,
    early_stopping,
    weights=None,
    deadline=None,
    step=no_step,
    verbose=0,
    kept=None,
):
    """Train a net on soft targets.

    Parameters
    ----------
    net : skorch.NeuralNet
        From :func:`prepare_net`; trained in place.
    loss : dict
        Parameters of :class:`~skdistill.objectives.DistillationLoss`.
    rows, validation : Rows
        `validation` may be None.
    n_classes : int
    seed : int
        Of the initial weights and the order of the rows.
    early_stopping : bool
        Whether to stop when the validation loss stalls, and to return the best epoch.
    weights : dict, default=None
        State to start from instead of random weights.
    deadline : float, default=None
        Time, as of :func:`time.monotonic`, at which training stops.
    step : callable, default=no_step
        Called with a name and the net after each epoch; training ends when it returns True.
    verbose : int, default=0
        Above 0, skorch prints a line an epoch.
    kept : str, default=None
        What a warning says of the student, should the training be ended before its time. None says
        that it keeps what it has learned.

    Returns
    -------
    net : skorch.NeuralNet
        Trimmed for prediction: without optimizer, callbacks and data.
    history : skorch.history.History
        A row an epoch.
    was_ended : bool
        Whether the time, the user or a callback ended the training; not early stopping.
    """
    kept = kept or KEPT
    limit = TimeLimit(deadline)
    callbacks = _callbacks(net, early_stopping, validation, limit, EpochReport(step))
    _forget_iterators(net)
    net.set_params(
        criterion=DistillationLoss,
        **{f"criterion__{name}": value for name, value in loss.items()},
        iterator_train=BatchIterator,
        iterator_train__shuffle=getattr(net, "iterator_train__shuffle", True),
        iterator_train__generator=torch.Generator().manual_seed(seed),
        iterator_valid=BatchIterator,
        train_split=predefined_split(validation) if validation is not None else None,
        predict_nonlinearity=None if loss["gives_probabilities"] else softmax,
        callbacks=callbacks,
        verbose=verbose,
    )
    with seeded(seed):
        _initialize(net)
        net.classes_inferred_ = np.arange(n_classes)  # skorch reads them off y, a dict here
        _adapt_scoring(net, rows, validation)
        draws = vars(type(net.module_)).get("draws_random_numbers", True)  # not of a base class
        if draws:  # under the lock: dropout is repeatable, and the global generator left alone
            was_ended = _run(net, rows, n_classes, weights, kept)
    if not draws:
        was_ended = _run(net, rows, n_classes, weights, kept)
    if limit.reached:
        _warn_ended(net, "`max_time` ended the training", kept)
    history = _whole_epochs(net.history)
    net.trim_for_prediction()
    net.iterator_valid = torch.utils.data.DataLoader
    net.module_.eval().requires_grad_(False)
    return net, history, was_ended


@usual_torch()
def rehearse(net, loss, rows, n_classes, has_validation):
    """Raise what would be wrong with a student's module, before teachers are fitted for it.

    Parameters
    ----------
    net : skorch.NeuralNet
        From :func:`~skdistill.student.prepare_net`; used up.
    loss : dict
        As for :func:`train`.
    rows : Rows
        A few rows.
    n_classes : int
    has_validation : bool
        Whether there will be validation rows.
    """
    _callbacks(net, early_stopping=False, validation=rows if has_validation else None)
    _forget_iterators(net)
    net.set_params(
        criterion=DistillationLoss,
        **{f"criterion__{name}": value for name, value in loss.items()},
        verbose=0,
    )
    with seeded(0):
        _initialize(net)
        _check_output(net, rows, n_classes)
    for handle in net.criterion_.watch(net.module_):
        handle.remove()


def _whole_epochs(history):
    """The finished epochs, without their thousands of batches that nobody reads."""
    finished = [epoch for epoch in history if "train_loss" in epoch]
    return History({**epoch, "batches": []} for epoch in finished)


def _forget_iterators(net):
    """Drop what the user set for iterators that are replaced, and that ours do not take."""
    for name in list(vars(net)):
        if name.startswith(("iterator_train__", "iterator_valid__")) and not name.endswith(
            ("__shuffle", "__batch_size")
        ):
            delattr(net, name)
    net.callbacks = None if net.callbacks == "disable" else net.callbacks


def _initialize(net):
    try:
        with on_cpu():
            net.initialize()
    except TypeError as error:
        raise TypeError(
            f"the module of `student` could not be made: {error}. Its constructor is given "
            "`n_inputs`, `n_outputs` and `cardinalities` where it takes these names; others are "
            "set by a skorch.NeuralNetClassifier(module, module__name=...)."
        ) from error


def _run(net, rows, n_classes, weights, kept):
    if weights is not None:
        try:
            net.module_.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(
                "`warm_start` goes on from the weights of another module than `student` now is: "
                f"set the layers back, or `warm_start=False`. {error}"
            ) from error
    _check_output(net, rows, n_classes)
    batch_size = len(rows) if net.batch_size < 1 else net.batch_size
    handles = net.criterion_.watch(net.module_)
    try:
        with training_threads(net.module_, batch_size):
            was_ended = _fit_epochs(net, rows, kept)
    finally:
        for handle in handles:
            handle.remove()
    if not torch.isfinite(_evaluate(net, rows)).all():
        raise_diverged(net, "its output is not finite")
    return was_ended


def _fit_epochs(net, rows, kept):
    """skorch's ``partial_fit``, but the user's Ctrl-C does not pass without a word.

    Returns whether the training was ended, by other than early stopping.
    """
    was_ended = False
    net.notify("on_train_begin", X=rows, y=None)
    try:
        net.fit_loop(rows)
    except StopTraining:
        was_ended = True
    except KeyboardInterrupt:
        if len(net.history) < 2:
            raise  # no epoch is done: there is no student to keep
        stopping = [c for _, c in net.callbacks_ if isinstance(c, EarlyStopping)]
        if not any(c.misses_ >= c.patience for c in stopping):
            was_ended = True
            _warn_ended(net, "KeyboardInterrupt ended the training", kept)
    net.notify("on_train_end", X=rows, y=None)
    return was_ended


def _warn_ended(net, what, kept):
    warnings.warn(
        f"DistilledClassifier: {what} in epoch {len(net.history)} of {net.max_epochs}; {kept}."
    )


def _evaluate(net, rows):
    """The output for a few rows, in evaluation mode; the mode is left as it was."""
    was_training = net.module_.training
    with torch.inference_mode():
        output = net.module_.eval()(rows.inputs[:PREDICT_ROWS].to(net.device))
    net.module_.train(was_training)
    return output


def _check_output(net, rows, n_classes):
    try:
        output = _evaluate(net, rows)
    except RuntimeError as error:
        raise ValueError(
            f"the module of `student` could not take rows of shape {tuple(rows.inputs.shape[1:])}, "
            f"as the encoder gives them: {error}. A constructor parameter `n_inputs` is given "
            "their number of columns."
        ) from error
    expected = (min(len(rows), PREDICT_ROWS), n_classes)
    if not isinstance(output, torch.Tensor) or output.shape != expected:
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise ValueError(
            f"the module of `student` returns {shape} for {expected[0]} rows, but there are "
            f"{n_classes} classes: it must return a tensor of shape (n_rows, {n_classes}). A "
            "constructor parameter `n_outputs` is given that number."
        )
    are_probabilities = bool((output >= 0).all() and ((output.sum(dim=1) - 1).abs() < 1e-4).all())
    if are_probabilities and not net.criterion_.gives_probabilities:
        raise ValueError(
            "the module of `student` returns probabilities, but logits are expected: leave its "
            "softmax out, or give a skorch.NeuralNetClassifier with criterion=torch.nn.NLLLoss."
        )
    if net.criterion_.gives_probabilities and not are_probabilities:
        raise ValueError(
            "the `criterion` of `student`, NLLLoss, declares that its module returns "
            "probabilities, but its rows are negative or do not sum to 1: return softmax, or "
            "logits with criterion=torch.nn.CrossEntropyLoss."
        )


def softmax(logits):
    return torch.softmax(logits, dim=-1)


def _hard_labels(target):
    return (target["label"] if isinstance(target, dict) else target).cpu().numpy()


def _callbacks(net, early_stopping, validation, *always):
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
            patience=max(10, net.max_epochs // 2), threshold=0.0, load_best=True, sink=_silent
        )
        ours.insert(0, ("skdistill_early_stopping", stopping))
    return theirs + ours


def _silent(text):
    pass


def _adapt_scoring(net, rows, validation):
    """Let scoring callbacks see hard labels in place of the dict of targets."""
    kept = []
    for name, callback in net.callbacks_:
        if isinstance(callback, (EpochScoring, BatchScoring)):
            scored = rows if callback.on_train else validation
            if scored is None or not scored.is_labelled:
                if name != "valid_acc":
                    which = "training" if callback.on_train else "validation"
                    warnings.warn(
                        f"DistilledClassifier: the student's callback `{name}` is left out: there "
                        f"are no {which} rows, or some of them have no label to score."
                    )
                continue
            callback.target_extractor = _hard_labels
            callback.use_caching = True  # without, it would ask for the labels in skorch's way
        kept.append((name, callback))
    net.callbacks_ = kept


def predict_logits(net, inputs, probabilities):
    """Logits of encoded rows, straight through the module.

    Parameters
    ----------
    net : skorch.NeuralNet
        Trained.
    inputs : ndarray of shape (n_rows, ...)
        float32.
    probabilities : bool
        Whether the module returns probabilities.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
    """
    n_rows = len(inputs)
    if n_rows % ROW_BLOCK:
        padded = np.zeros((n_rows + -n_rows % ROW_BLOCK, *inputs.shape[1:]), np.float32)
        padded[:n_rows] = inputs
        inputs = padded
    rows, module = torch.from_numpy(inputs), net.module_
    # Of ours it is known that no new tensor takes the default type.
    setting = thread_limit() if type(module) is MLP else usual_torch()
    with torch.inference_mode(), setting:
        if len(rows) <= PREDICT_ROWS:
            logits = as_logits(module(rows.to(net.device)), probabilities)
        else:
            pieces = rows.split(PREDICT_ROWS)
            logits = torch.cat(
                [as_logits(module(piece.to(net.device)), probabilities) for piece in pieces]
            )
    if logits.dtype != torch.float32:
        logits = logits.float()
    return logits[:n_rows].cpu().numpy()
