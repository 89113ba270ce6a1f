"""The student: a skorch net, trained on soft targets and asked without a DataLoader."""

import inspect
import time
import warnings
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import BatchScoring, Callback, EarlyStopping, EpochScoring, LRScheduler
from skorch.helper import predefined_split

from skdistill._seeding import seeded
from skdistill.modules import MLP
from skdistill.objectives import DistillationLoss, as_logits

# Rows that go through the module at a time: their activations stay in the processor's cache.
PREDICT_ROWS = 1024


class MLPStudent(BaseEstimator):
    """Recipe of the default student: a multilayer perceptron and how it is trained.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(256, 256)
    learning_rate : float, default=0.003
        Highest rate of the one-cycle schedule.
    weight_decay : float, default=0.01
        Of AdamW.
    batch_size : int or "auto", default="auto"
        "auto" takes a sixteenth of the rows, between 16 and 256.
    n_steps : int or "auto", default="auto"
        Training steps. "auto" takes 40 times the square root of the number of rows the student
        is trained on, at least 200.

    Examples
    --------
    >>> from skdistill import MLPStudent
    >>> MLPStudent(hidden_layer_sizes=(64,)).make_net(n_rows=1000).batch_size
    32
    """

    def __init__(
        self,
        hidden_layer_sizes=(256, 256),
        learning_rate=0.003,
        weight_decay=0.01,
        batch_size="auto",
        n_steps="auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.n_steps = n_steps

    def make_net(self, n_rows):
        """Make the net.

        Parameters
        ----------
        n_rows : int
            Rows it will be trained on.

        Returns
        -------
        skorch.NeuralNetClassifier
            Not initialized.
        """
        self._check_parameters()
        return self._make_net(
            MLP, n_rows, module__hidden_layer_sizes=tuple(self.hidden_layer_sizes)
        )

    def _make_net(self, module, n_rows, **module_params):
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = int(np.clip(2 ** int(np.log2(max(n_rows, 16) / 16)), 16, 256))
        steps_per_epoch = n_batches(n_rows, batch_size)
        n_steps = max(200, int(40 * n_rows**0.5)) if self.n_steps == "auto" else self.n_steps
        epochs = -(-n_steps // steps_per_epoch)
        schedule = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            max_lr=self.learning_rate,
            total_steps=epochs * steps_per_epoch,
            pct_start=0.1,
            cycle_momentum=False,
            step_every="batch",
        )
        return NeuralNetClassifier(
            module,
            **module_params,
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=self.weight_decay,
            optimizer__fused=True,
            lr=self.learning_rate,
            batch_size=batch_size,
            max_epochs=epochs,
            callbacks=[("schedule", schedule)],
            callbacks__valid_acc=None,
        )

    def _check_parameters(self):
        sizes = self.hidden_layer_sizes
        if not isinstance(sizes, (tuple, list)) or not sizes or not all(map(_is_count, sizes)):
            raise ValueError(
                f"`hidden_layer_sizes` must be a tuple of integers >= 1, got {sizes!r}."
            )
        for name in ("batch_size", "n_steps"):
            value = getattr(self, name)
            if value != "auto" and not _is_count(value):
                raise ValueError(f"`{name}` must be 'auto' or an integer >= 1, got {value!r}.")
        for name in ("learning_rate", "weight_decay"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not 0 <= value < float("inf"):
                raise ValueError(f"`{name}` must be a number >= 0, got {value!r}.")


def _is_count(value):
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1


class Rows(torch.utils.data.Dataset):
    """Encoded rows and their targets as whole tensors.

    Parameters
    ----------
    inputs : torch.Tensor of shape (n_rows, ...)
    target : dict of str to torch.Tensor of shape (n_rows, ...)
        "weight", "label" (-1 where there is none) and, for training, "soft" and teacher views.
    """

    def __init__(self, inputs, target):
        self.inputs = inputs
        self.target = target

    @classmethod
    def from_arrays(cls, inputs, target):
        """Make the rows of NumPy arrays."""
        dtypes = {"label": torch.int64}
        tensors = {
            key: torch.as_tensor(value, dtype=dtypes.get(key, torch.float32))
            for key, value in target.items()
        }
        return cls(torch.from_numpy(inputs), tensors)

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return self.inputs[index], {key: value[index] for key, value in self.target.items()}


class BatchIterator:
    """Iterate over slices of whole tensors, where a DataLoader would collate row by row.

    Parameters
    ----------
    dataset : Rows
    batch_size : int
    shuffle : bool, default=False
    generator : torch.Generator, default=None
        Source of the order.
    """

    def __init__(self, dataset, batch_size, shuffle=False, generator=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    def __iter__(self):
        n_rows = len(self.dataset)
        inputs, target = self.dataset.inputs, self.dataset.target
        if self.shuffle:
            order = torch.randperm(n_rows, generator=self.generator)
            inputs, target = self.dataset[order]
        pieces = n_batches(n_rows, self.batch_size)
        columns = [one.tensor_split(pieces) for one in target.values()]
        for batch, *parts in zip(inputs.tensor_split(pieces), *columns, strict=True):
            yield batch, dict(zip(target, parts, strict=True))

    def __len__(self):
        return n_batches(len(self.dataset), self.batch_size)


def n_batches(n_rows, batch_size):
    """Number of batches of nearly equal size: no remainder of a few rows takes a whole step."""
    if batch_size < 1:  # skorch's -1: all rows at once
        return 1
    return max(1, round(n_rows / batch_size))


def prepare_net(student, n_rows, n_inputs, n_outputs, cardinalities):
    """Turn the parameter `student` into a net of its own, ready for the data.

    Parameters
    ----------
    student : None, MLPStudent, torch.nn.Module class or skorch.NeuralNet
    n_rows : int
        Rows the student will be trained on.
    n_inputs, n_outputs : int
    cardinalities : tuple of int

    Returns
    -------
    skorch.NeuralNet
        A new net; the user's is cloned.
    """
    if student is None or isinstance(student, MLPStudent):
        net = (student or MLPStudent()).make_net(n_rows)
    elif isinstance(student, type):
        net = MLPStudent()._make_net(student, n_rows)
    else:
        net = clone(student)
    sizes = {"n_inputs": n_inputs, "n_outputs": n_outputs, "cardinalities": cardinalities}
    given = net.get_params()
    wanted = constructor_parameters(net.module)
    return net.set_params(
        **{
            f"module__{name}": value
            for name, value in sizes.items()
            if name in wanted and f"module__{name}" not in given
        }
    )


def constructor_parameters(module):
    """Names of the parameters of a module class's constructor; none for an instance."""
    if not isinstance(module, type):
        return set()
    return set(inspect.signature(module.__init__).parameters)


def student_module(student):
    """The module class or instance of the parameter `student`."""
    if student is None or isinstance(student, MLPStudent):
        return MLP
    return student.module if isinstance(student, NeuralNet) else student


def check_student(student):
    """Raise a ValueError for a `student` that cannot be trained on soft targets."""
    if student is None or isinstance(student, MLPStudent):
        return
    if isinstance(student, type) and issubclass(student, torch.nn.Module):
        return
    if not isinstance(student, NeuralNet):
        raise ValueError(
            "`student` must be None, an MLPStudent, a torch.nn.Module class or a "
            f"skorch.NeuralNetClassifier, got {student!r}."
        )
    criterion = student.criterion
    known = (torch.nn.NLLLoss, torch.nn.CrossEntropyLoss)
    if not (
        isinstance(criterion, known)
        or (isinstance(criterion, type) and issubclass(criterion, known))
    ):
        raise ValueError(
            "the `criterion` of `student` declares what its module returns: NLLLoss for "
            f"probabilities, CrossEntropyLoss for logits; got {criterion!r}."
        )
    params = [key for key in student.get_params() if key.startswith("criterion__")]
    if params:
        raise ValueError(
            f"`student` sets {params}, but its criterion is replaced by the distillation loss: "
            "remove them; for class weights use `class_weight`."
        )


def gives_probabilities(net):
    """Whether the net's module returns probabilities: its criterion is NLLLoss."""
    criterion = net.criterion if isinstance(net.criterion, type) else type(net.criterion)
    return issubclass(criterion, torch.nn.NLLLoss)


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
    verbose=0,
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
    verbose : int, default=0
        Above 0, skorch prints a line an epoch.

    Returns
    -------
    net : skorch.NeuralNet
        Trimmed for prediction: without optimizer, callbacks and data.
    history : skorch.history.History
        A row an epoch.
    """
    has_labels = validation is not None and bool((validation.target["label"] >= 0).all())
    limit = TimeLimit(deadline)
    net.set_params(
        criterion=DistillationLoss,
        **{f"criterion__{name}": value for name, value in loss.items()},
        iterator_train=BatchIterator,
        iterator_train__shuffle=getattr(net, "iterator_train__shuffle", True),
        iterator_train__generator=torch.Generator().manual_seed(seed),
        iterator_valid=BatchIterator,
        train_split=predefined_split(validation) if validation is not None else None,
        predict_nonlinearity=None if loss["gives_probabilities"] else _softmax,
        callbacks=_callbacks(net, early_stopping and validation is not None, limit),
        verbose=verbose,
    )
    with seeded(seed):
        net.initialize()
        net.classes_inferred_ = np.arange(n_classes)  # skorch reads them off y, a dict here
        _adapt_scoring(net, has_labels)
        if getattr(net.module_, "draws_random_numbers", True):
            # Under the lock, so that dropout is repeatable and the global generator left alone.
            _run(net, rows, n_classes, weights)
    if not getattr(net.module_, "draws_random_numbers", True):
        _run(net, rows, n_classes, weights)
    if limit.reached:
        warnings.warn(
            f"DistilledClassifier: `max_time` ended the training in epoch {len(net.history)} of "
            f"{net.max_epochs}; the student is the best so far."
        )
    history = net.history[:]
    for epoch in history:
        epoch["batches"] = []  # thousands of entries that nobody reads
    net.trim_for_prediction()
    net.iterator_valid = torch.utils.data.DataLoader
    net.module_.eval().requires_grad_(False)
    return net, history


def _run(net, rows, n_classes, weights):
    if weights is not None:
        net.module_.load_state_dict(weights)
    _check_output(net, rows, n_classes)
    handles = net.criterion_.watch(net.module_)
    try:
        net.partial_fit(rows)
    finally:
        for handle in handles:
            handle.remove()


def _check_output(net, rows, n_classes):
    with torch.inference_mode():
        was_training = net.module_.training
        output = net.module_.eval()(rows.inputs[:1].to(net.device))
        net.module_.train(was_training)
    if not isinstance(output, torch.Tensor) or output.shape != (1, n_classes):
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise ValueError(
            f"the module of `student` returns {shape} for one row, but there are {n_classes} "
            f"classes: it must return a tensor of shape (n_rows, {n_classes}). A constructor "
            "parameter `n_outputs` is given that number."
        )


def _softmax(logits):
    return torch.softmax(logits, dim=-1)


def _hard_labels(target):
    return (target["label"] if isinstance(target, dict) else target).cpu().numpy()


def _callbacks(net, early_stopping, limit):
    """The user's callbacks and ours, ours only where the user has none of the kind."""
    theirs = list(net.callbacks or []) if net.callbacks != "disable" else []
    bare = [c[1] if isinstance(c, tuple) else c for c in theirs]
    ours = [("divergence", StopDivergence()), ("time_limit", limit)]
    if early_stopping and not any(isinstance(c, EarlyStopping) for c in bare):
        patience = max(10, net.max_epochs // 2)
        stopping = EarlyStopping(patience=patience, load_best=True, sink=_silent)
        ours.insert(0, ("early_stopping", stopping))
    return theirs + ours


def _silent(text):
    pass


def _adapt_scoring(net, has_labels):
    """Let scoring callbacks see hard labels in place of the dict of targets."""
    kept = []
    for name, callback in net.callbacks_:
        if isinstance(callback, (EpochScoring, BatchScoring)):
            if not has_labels and not callback.on_train:
                if name != "valid_acc":
                    warnings.warn(
                        f"DistilledClassifier: the student's callback `{name}` is left out: there "
                        "are no labelled validation rows to score."
                    )
                continue
            callback.target_extractor = _hard_labels
        kept.append((name, callback))
    net.callbacks_ = kept


class StopDivergence(Callback):
    """Raise as soon as an epoch's loss is not a finite number."""

    def on_epoch_end(self, net, **kwargs):
        loss = net.history[-1].get("train_loss")
        if loss is not None and not np.isfinite(loss):
            raise ValueError(
                f"the student diverged in epoch {len(net.history)} (training loss {loss}): lower "
                "its learning rate (`student=MLPStudent(learning_rate=...)` or `student__lr`)."
            )


class TimeLimit(Callback):
    """End the training at a time; `reached` tells whether it did.

    Parameters
    ----------
    deadline : float or None
        As of :func:`time.monotonic`.
    """

    def __init__(self, deadline):
        self.deadline = deadline
        self.reached = False

    def on_batch_end(self, net, training=False, **kwargs):
        if self.deadline is not None and training and time.monotonic() > self.deadline:
            self.reached = True
            raise KeyboardInterrupt  # skorch's own way to end fit_loop


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
    rows = torch.from_numpy(inputs)
    with torch.inference_mode():
        pieces = [
            as_logits(net.module_(piece.to(net.device)), probabilities)
            for piece in rows.split(PREDICT_ROWS)
        ]
        logits = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
    return logits.cpu().numpy()
