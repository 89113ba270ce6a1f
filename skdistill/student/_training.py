"""A net in training: start, epochs, finish; it can be stored, resumed and stepped beside others."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from skorch.callbacks import EarlyStopping
from skorch.helper import predefined_split
from skorch.history import History

from skdistill._utils.process import usual_torch
from skdistill._utils.progress import no_step
from skdistill._utils.seeding import RandomNumbers
from skdistill._utils.types import Estimator
from skdistill._utils.warn import warn
from skdistill.objectives import DistillationLoss
from skdistill.student._batches import BatchIterator, Rows, n_batches
from skdistill.student._callbacks import (
    EpochReport,
    StopTraining,
    TimeLimit,
    raise_diverged,
)
from skdistill.student._checks import check_output, forward_few
from skdistill.student._fitted import FittedStudent
from skdistill.student._preparation import (
    adapt_scoring,
    callbacks_of,
    forget_iterators,
    initialize,
    softmax,
)
from skdistill.student._state import load_state, state_of
from skdistill.student._threads import training_threads

KEPT = (
    "the student keeps what it has learned: its best epoch where early stopping watches, else the "
    "last"
)


class Training:
    """A student in training.

    Parameters
    ----------
    net : skorch.NeuralNet
        From :func:`prepare_net`; trained in place.
    loss : dict
        Parameters of :class:`~skdistill.objectives.DistillationLoss`.
    rows : Rows
        What it learns.
    validation : Rows or None
        To choose an epoch by.
    n_outputs : int
    seed : int
        Of the initial weights and the order of the rows.
    early_stopping : bool, default=False
        Whether to stop when the validation loss stalls, and to return the best epoch.
    weights : dict, default=None
        State of a module to start from instead of random weights.
    deadline : float, default=None
        Time, as of :func:`time.monotonic`, at which training stops.
    step : callable, default=no_step
        Called with a name and the net after each epoch; training ends when it returns True.
    verbose : int, default=0
        Above 0, skorch prints a line an epoch.
    kept : str, default=None
        What a warning says of the student, should the training be ended before its time. None says
        that it keeps what it has learned.
    n_planned : int, default=None
        Steps of the schedule. None: all the epochs that the net has, of these rows.
    encoder : transformer or None, default=None
        What the student that :meth:`finish` returns sees of a table.

    Attributes
    ----------
    net : skorch.NeuralNet
    rows : Rows
        What the next epoch learns; another object may take its place between two epochs.
    history : skorch.history.History
        A row an epoch.
    n_epochs : int
        Epochs done.
    is_over : bool
        Whether there is no other epoch.
    was_ended : bool
        Whether the time, the user or a callback ended the training; not early stopping.
    was_interrupted : bool
        Whether it was the user, by Ctrl-C.
    """

    def __init__(
        self,
        net: Estimator,
        loss: dict,
        rows: Rows,
        validation: Rows | None,
        n_outputs: int,
        *,
        seed: int,
        early_stopping: bool = False,
        weights: dict | None = None,
        deadline: float | None = None,
        step: Callable = no_step,
        verbose: int = 0,
        kept: str | None = None,
        n_planned: int | None = None,
        encoder: Estimator = None,
    ):
        self.net = net
        self.loss = loss
        self.rows = rows
        self.validation = validation
        self.n_outputs = n_outputs
        self.seed = seed
        self.early_stopping = early_stopping
        self.weights = weights
        self.verbose = verbose
        self.kept = kept or KEPT
        self.n_planned = n_planned
        self.encoder = encoder
        self.is_over = self.was_ended = self.was_interrupted = False
        self._limit = TimeLimit(deadline)
        self.step = step
        self._report = EpochReport(self._report_epoch)
        self._handles: list[Any] = []
        self._random: RandomNumbers | None = None
        self._done: History | None = None

    @property
    def history(self) -> History:
        """The epochs done, without their thousands of batches that nobody reads."""
        if self._done is not None:
            return self._done
        return History({**epoch, "batches": []} for epoch in self._whole_epochs())

    @property
    def draws_random_numbers(self) -> bool:
        """Whether its epochs may draw from torch's global generator, once it has been started."""
        return self._random is not None

    @property
    def n_epochs(self) -> int:
        return len(self.history if self._done is not None else self._whole_epochs())

    def run(self) -> FittedStudent:
        """Train to the end."""
        self.start()
        while not self.is_over:
            self.epoch()
        return self.finish()

    @usual_torch()
    def start(self) -> None:
        """Make the module, and check what it returns.

        Raises
        ------
        TypeError, ValueError
            If the module cannot be made, or does not return what it should.
        """
        net = self.net
        self._prepare()
        numbers = RandomNumbers(self.seed, net.device)
        with numbers.drawn():
            initialize(net)
            if self.loss["task"].has_classes:  # skorch reads them off y, a dict here
                net.classes_inferred_ = np.arange(self.n_outputs)
            adapt_scoring(net, self.rows, self.validation)
            self._load_weights()
            check_output(net, self.rows, self.n_outputs)
            per_epoch = n_batches(len(self.rows), net.batch_size)
            net.criterion_.begin(net, self.rows, self.n_planned or net.max_epochs * per_epoch)
        draws = vars(type(net.module_)).get("draws_random_numbers", True)  # not of a base class
        self._random = numbers if draws or net.criterion_.draws_random_numbers else None
        self._handles = net.criterion_.watch(net.module_)
        with self._ending_if_it_fails(), self._own_random_numbers():
            net.notify("on_train_begin", X=self.rows, y=None)

    @usual_torch()
    def epoch(self) -> bool:
        """Train for an epoch.

        Returns
        -------
        bool
            Whether there is another.
        """
        self._check_started()
        if self.is_over:
            return False
        net = self.net
        batch_size = len(self.rows) if net.batch_size < 1 else net.batch_size
        with (
            self._ending_if_it_fails(),
            self._own_random_numbers(),
            training_threads(net.module_, batch_size),
        ):
            self._fit_epoch()
        self.is_over = self.is_over or self.n_epochs >= net.max_epochs
        return not self.is_over

    @usual_torch()
    def finish(self) -> FittedStudent:
        """End the training.

        Returns
        -------
        FittedStudent
            Its net is trimmed for prediction: without optimizer, callbacks and data.

        Raises
        ------
        ValueError
            If the student's output is not finite.
        """
        self._check_started()
        net = self.net
        with self._ending_if_it_fails(), self._own_random_numbers():
            net.notify("on_train_end", X=self.rows, y=None)
        self._unwatch()
        self.is_over = True
        if not torch.isfinite(forward_few(net, self.rows)).all():
            raise_diverged(net, "its output is not finite")
        if self._limit.reached:
            self._warn_ended("`max_time` ended the training")
        self._done = self.history
        names = [name for name, _ in net.criterion_.objectives]
        found = dict(zip(names, net.criterion_.factors.tolist(), strict=True))
        net.criterion_.end()
        net.trim_for_prediction()
        net.iterator_valid = torch.utils.data.DataLoader
        net.module_.eval().requires_grad_(False)
        told = self.encoder, self.loss["gives_probabilities"]
        return FittedStudent(net, *told, objective_weights=found)

    def end(self, what: str) -> None:
        """End as the user asks, with a warning: the student keeps what it has learned.

        Parameters
        ----------
        what : str
            What ended it.
        """
        self.is_over = self.was_ended = self.was_interrupted = True
        self._warn_ended(what)

    def state_dict(self) -> dict:
        """What another training, made of the same parts and started, needs to go on from here.

        Returns
        -------
        dict
            For ``torch.save``.
        """
        return state_of(self.net) | {
            "random": None if self._random is None else self._random.state,
            "is_over": self.is_over,
            "was_ended": self.was_ended,
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from where another training was.

        Parameters
        ----------
        state : dict
            Of :meth:`state_dict`, of a training of the same parts. This one has been started.

        Raises
        ------
        ValueError
            If it was made of other parts, or this one has not been started.
        """
        if not getattr(self.net, "initialized_", False):
            raise ValueError("a training takes a state once it has been started: call `start()`.")
        load_state(self.net, state)
        if self._random is not None:
            self._random.state = state["random"]
        self.is_over, self.was_ended = state["is_over"], state["was_ended"]

    # --- steps of the above ---

    def _whole_epochs(self) -> list[dict]:
        return [epoch for epoch in getattr(self.net, "history_", []) if "train_loss" in epoch]

    def _report_epoch(self, name: str, net: Estimator) -> bool:
        return self.step(name, net)

    def _check_started(self) -> None:
        if not getattr(self.net, "initialized_", False):
            raise RuntimeError("this training has not begun: call `start()` first, or `run()`.")

    def _prepare(self) -> None:
        net, validation = self.net, self.validation
        callbacks = callbacks_of(net, self.early_stopping, validation, self._limit, self._report)
        forget_iterators(net)
        net.set_params(
            criterion=DistillationLoss,
            **{f"criterion__{name}": value for name, value in self.loss.items()},
            iterator_train=BatchIterator,
            iterator_train__shuffle=getattr(net, "iterator_train__shuffle", True),
            iterator_train__generator=torch.Generator().manual_seed(self.seed),
            iterator_valid=BatchIterator,
            train_split=predefined_split(validation) if validation is not None else None,
            predict_nonlinearity=softmax if self._has_logits else None,
            callbacks=callbacks,
            verbose=self.verbose,
        )

    @property
    def _has_logits(self) -> bool:
        return self.loss["task"].has_classes and not self.loss["gives_probabilities"]

    def _load_weights(self) -> None:
        if self.weights is None:
            return
        try:
            self.net.module_.load_state_dict(self.weights)
        except RuntimeError as error:
            raise ValueError(
                "`warm_start`, as `refresh`, goes on from the weights of another module than "
                f"`student` now is: set the layers back, or `fit` again without it. {error}"
            ) from error

    def _fit_epoch(self) -> None:
        """skorch's loop for an epoch, but the user's Ctrl-C does not pass without a word."""
        net = self.net
        try:
            net.fit_loop(self.rows, epochs=1)
        except StopTraining:
            self.is_over = self.was_ended = True
        except KeyboardInterrupt:
            if len(net.history) < 2:
                raise  # no epoch is done: there is no student to keep
            self.is_over = True
            stopping = [c for _, c in net.callbacks_ if isinstance(c, EarlyStopping)]
            if not any(c.misses_ >= c.patience for c in stopping):
                self.end("KeyboardInterrupt ended the training")

    def _warn_ended(self, what: str) -> None:
        net = self.net
        warn(f"{what} in epoch {len(net.history)} of {net.max_epochs}; {self.kept}.")

    @contextmanager
    def _own_random_numbers(self) -> Any:
        """Torch's global generator as this training left it, if it draws from it at all."""
        if self._random is None:
            yield
        else:
            with self._random.drawn():
                yield

    @contextmanager
    def _ending_if_it_fails(self) -> Any:
        try:
            yield
        except BaseException:
            self._unwatch()
            raise

    def _unwatch(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
