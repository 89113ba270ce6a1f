"""The default student's training step without autograd."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Self

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import (
    EarlyStopping,
    EpochTimer,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
)
from torch.optim.lr_scheduler import ReduceLROnPlateau

from skdistill.objectives import DistillationLoss
from skdistill.student._adamw import FlatUpdate
from skdistill.student._average import WeightAverage
from skdistill.student._batches import Rows
from skdistill.student._callbacks import EpochReport, StopDivergence, TimeLimit
from skdistill.student._modules import OWN_MODULES
from skdistill.student._muon import Muon, muon_options
from skdistill.student._pass import DirectPass, layers_of

# Callbacks that leave the steps of a training alone.
KNOWN = (
    EarlyStopping,
    EpochReport,
    EpochTimer,
    PassthroughScoring,
    PrintLog,
    StopDivergence,
    TimeLimit,
)

# Options of the optimizers that it knows.
OPTIONS = {
    torch.optim.AdamW: {"lr", "betas", "eps", "weight_decay", "fused"},
    Muon: {"lr", "betas", "eps", "weight_decay", "momentum", "param_groups"},
}


class Direct(NeuralNet):
    """A net over :class:`~skdistill.MLP` with a forward and backward pass of its own.

    The parameters and their gradients are views of two flat buffers, so that one step of AdamW
    updates all that Muon leaves to it. Epochs, history and callbacks are skorch's; so is every step
    where there is a callback that is not known, or where the loss needs an output that is not one
    of its layers', or asks the student itself.

    Parameters
    ----------
    *args, **kwargs : objects
        As for :class:`skorch.NeuralNet`.
    average_weights : bool, default=True
        Whether the module holds the :class:`WeightAverage` between the epochs and at the end.
    """

    # Of a class itself, not of its parents: a subclass of the user's may take other steps.
    takes_direct_steps = False
    pass_: DirectPass | None
    average_: WeightAverage | None
    mixed_: tuple[Rows, Rows] | None

    def __init__(self, *args: Any, average_weights: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.average_weights = average_weights

    def initialize_module(self) -> Self:
        """Make the module; see :class:`skorch.NeuralNet`."""
        self.pass_ = self.average_ = self.mixed_ = None
        return super().initialize_module()

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> Self:
        """Make the optimizer; see :class:`skorch.NeuralNet`."""
        self.pass_ = None  # an objective may have come with weights of its own
        return super().initialize_optimizer(*args, **kwargs)

    def load_average(self, state: dict | None) -> None:
        """Go on from an average of weights, between two epochs; None before the first."""
        self.average_ = None
        if state is not None:
            self.average_ = average = self._new_average()
            average.load_state_dict(state)

    def get_all_learnable_params(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Yield what the optimizer steps, of the flat one; see :class:`skorch.NeuralNet`."""
        if self.pass_ is None and self._may_be_direct():
            layers = self.criterion_.layers
            self.pass_ = DirectPass(self.module_, layers, list(self.criterion_.parameters()))
        if self.pass_ is None:
            yield from super().get_all_learnable_params()
        elif self.optimizer is Muon:
            yield from self.pass_.matrices.items()
            yield "rest", self.pass_.rest
        else:
            yield "flat", self.pass_.flat

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make the iterator; see :class:`skorch.NeuralNet`."""
        if training and self.pass_ is not None:
            if self.mixed_ is None or self.mixed_[0] is not dataset:
                self.pass_.forget_buffers()  # other rows may come in batches of other sizes
                self.mixed_ = dataset, self._mix(dataset)
            dataset = self.mixed_[1]
        return super().get_iterator(dataset, training)

    def _mix(self, dataset: Rows) -> Rows:
        """The rows with one target in place of labels and soft targets, where one will do."""
        return dataset.with_target(self.criterion_.mix(dataset.target))

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Callable, **fit_params: Any
    ) -> None:
        """Run an epoch; see :class:`skorch.NeuralNet`."""
        if not training:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        with self._averaging() if self.average_weights else nullcontext():
            self.train_epoch(iterator, prefix, step_fn, **fit_params)

    def train_epoch(self, iterator: Any, prefix: str, step_fn: Callable, **fit_params: Any) -> None:
        """Take the steps of an epoch, with the weights of the last step."""
        if self.pass_ is None:
            super().run_single_epoch(iterator, True, prefix, step_fn, **fit_params)
        else:
            self._run_direct_epoch(self.pass_, iterator, prefix)

    @contextmanager
    def _averaging(self) -> Iterator[None]:
        """The weights of the last step within, their mean without."""
        average = self.average_
        if average is None:
            average = self.average_ = self._new_average()
        else:
            average.exchange()
        try:
            yield
        finally:  # also where a callback ends the training
            average.exchange()

    def _new_average(self) -> WeightAverage:
        if self.pass_ is not None:
            return WeightAverage([self.pass_.flat])
        groups = self.optimizer_.param_groups
        return WeightAverage([p for group in groups for p in group["params"]])

    def train_step(self, batch: Any, **fit_params: Any) -> dict:
        """Take skorch's own step; see :class:`skorch.NeuralNet`."""
        step = super().train_step(batch, **fit_params)
        self._update_average()
        return step

    def _update_average(self) -> None:
        if self.average_ is not None:
            self.average_.update()

    @torch.no_grad()
    def _run_direct_epoch(self, direct: DirectPass, iterator: Any, prefix: str) -> None:
        self._set_training(True)
        self.history.new_batch()  # one for the whole epoch: nobody reads thousands
        listeners = [c for _, c in self.callbacks_ if isinstance(c, (LRScheduler, TimeLimit))]
        losses, sizes, update = [], [], FlatUpdate(self.optimizer_, direct.flat)
        for batch in iterator:
            losses.append(self._direct_step(direct, update, *batch))
            sizes.append(batch[0].shape[0])
            for callback in listeners:
                callback.on_batch_end(self, batch=batch, training=True)
        mean = np.average(torch.stack(losses).numpy(), weights=sizes)
        self.history.record_batch(prefix + "_loss", float(mean))
        self.history.record_batch(prefix + "_batch_size", sum(sizes))
        self.history.record(prefix + "_batch_count", len(sizes))

    def trim_for_prediction(self) -> None:
        """Drop what only training needs; see :class:`skorch.NeuralNet`."""
        self.pass_ = self.average_ = self.mixed_ = None
        for parameter in self.module_.parameters():
            parameter.grad = None
            # A view of the flat buffer would be stored with all of it.
            parameter.data = parameter.data.clone()
        super().trim_for_prediction()

    def _direct_step(
        self,
        direct: DirectPass,
        update: FlatUpdate,
        inputs: torch.Tensor,
        target: dict[str, torch.Tensor],
    ) -> torch.Tensor:
        value = self.pass_gradients(direct, inputs, target)
        update.step()
        self._update_average()
        return value

    def pass_gradients(
        self, direct: DirectPass, inputs: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """The loss of a batch; its gradients are written where the optimizer finds them."""
        logits = direct.forward(inputs)
        value, gradient, of_layers = self.gradients_of_outputs(logits, inputs, target, direct)
        direct.backward(gradient, of_layers)
        return value

    def gradients_of_outputs(
        self,
        logits: torch.Tensor,
        inputs: torch.Tensor,
        target: dict[str, torch.Tensor],
        direct: DirectPass,
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """The loss of a batch, and its gradients in the logits and in layers that are watched."""
        found: Any = self.criterion_.value_and_gradients(logits, target, direct.outputs)
        return found

    def _usual_groups(self) -> list:
        """The only groups of parameters that it knows."""
        if self.optimizer is not Muon:
            return []
        return muon_options(len(self.module_.layers))["optimizer__param_groups"]

    def _may_be_direct(self) -> bool:
        options = self.get_params_for("optimizer")
        return (
            vars(type(self)).get("takes_direct_steps", False)
            and type(self.module_) in OWN_MODULES
            and len(self.module_.layers) > 0
            and self.optimizer in (torch.optim.AdamW, Muon)
            and set(options) <= OPTIONS[self.optimizer]
            and options.get("param_groups", []) == self._usual_groups()
            and str(self.device) == "cpu"
            and isinstance(self.criterion_, DistillationLoss)
            and not self.criterion_.asks_student
            and self.criterion_.layers <= set(layers_of(self.module_))
            and all(_is_known(callback) for _, callback in self.callbacks_)
        )


class DirectNet(Direct, NeuralNetClassifier):
    """A classifier with a pass of its own."""

    takes_direct_steps = True


class DirectRegressor(Direct, NeuralNetRegressor):
    """A regressor with a pass of its own."""

    takes_direct_steps = True


def _is_known(callback: Any) -> bool:
    """Whether a callback sees no batch but its end, and touches no weight while training goes on.

    Of any other that cannot be told: it is a class of the user's, or may be one day.
    """
    if type(callback) is LRScheduler:
        on_plateau = callback.policy in ("ReduceLROnPlateau", ReduceLROnPlateau)
        return not (on_plateau and callback.step_every == "batch")
    return type(callback) in KNOWN
