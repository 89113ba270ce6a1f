"""The training of a student whose weights are rounded in the end."""

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any, Self

import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch.nn.functional import kl_div

from skdistill.student._batches import Rows
from skdistill.student._changing import Changing
from skdistill.student._pass import DirectPass


class _Rounding(Changing):
    """Over a :class:`RoundingMLP`: a usual training, then a short one with rounded weights.

    In the second, the rounded student learns the answers of the one that it was, and these alone.
    """

    max_epochs: int
    module__start: float
    # Weights of the student that it was, by name.
    unrounded_: dict[str, torch.Tensor] | None

    def initialize_module(self) -> Self:
        """Make the module; see :class:`skorch.NeuralNet`."""
        self.unrounded_ = None
        super().initialize_module()
        self.n_judged_ = n_usual_epochs(self.module_.start, self.max_epochs)
        return self

    def shorten(self, share: float) -> None:
        """Let the usual training take a share of its epochs, and the second all.

        Parameters
        ----------
        share : float
        """
        planned = n_usual_epochs(self.module__start, self.max_epochs)
        kept = max(1, round(share * planned))
        if kept == planned:
            return
        self.max_epochs -= planned - kept
        if self.module__start == 1:  # there is no second
            return
        schedule = dict(self.callbacks)["schedule"]
        rate = schedule.lr_lambda
        skipped = rate.keywords["first"] // planned * (planned - kept)
        schedule.lr_lambda = partial(rate, skipped=skipped)
        self.module__start = (kept - 0.5) / (self.max_epochs - 1)

    def train_epoch(self, iterator: Any, prefix: str, step_fn: Callable, **params: Any) -> None:
        """Begin the second training where it is due, then train; see :class:`Changing`."""
        if len(self.history) == self.n_judged_ + 1:
            self._begin_rounding()
        super().train_epoch(iterator, prefix, step_fn, **params)

    def _done(self, epoch: int) -> float:
        """See :class:`Changing`. An only epoch is one of the first training."""
        return super()._done(epoch) if self.max_epochs > 1 else 0.0

    def _begin_choice(self) -> None:
        """The best epoch of the usual training is what the second begins with."""
        if len(self.history) > self.n_judged_:
            super()._begin_choice()
        for callback in self._stopping():
            callback.misses_ = 0

    def _begin_rounding(self) -> None:
        """Go on from the best epoch, or from the mean of the weights, by AdamW without decay."""
        best = [callback.best_model_weights_ for callback in self._stopping()]
        if self.average_ is not None:
            self.average_.take_mean()
        if best and best[0] is not None:
            self.module_.load_state_dict(best[0])
        weights = self.module_.named_parameters()
        self.unrounded_ = {name: one.detach().clone() for name, one in weights}
        self.optimizer_.state.clear()
        for group in self.optimizer_.param_groups:
            group["weight_decay"] = 0.0
            if "orthogonal" in group:  # Muon's steps are as large for all weights of a matrix
                group["orthogonal"] = False
        for parameter in self.criterion_.parameters():  # they have no part in it
            if parameter.grad is not None:
                parameter.grad.zero_()

    def _mix(self, dataset: Rows) -> Rows:
        mixed = super()._mix(dataset)
        return mixed.with_target({**mixed.target, "weight": dataset.target["weight"]})

    def gradients_of_outputs(
        self, logits: torch.Tensor, inputs: torch.Tensor, target: dict, direct: DirectPass
    ) -> Any:
        """See :class:`Direct`."""
        if self.unrounded_ is None:
            return super().gradients_of_outputs(logits, inputs, target, direct)
        with torch.enable_grad():
            logits = logits.detach().requires_grad_()
            value = self._distance(logits, inputs, target)
        return value.detach(), *torch.autograd.grad(value, logits), {}

    def get_loss(
        self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """Find the loss of a batch; see :class:`skorch.NeuralNet`."""
        if self.unrounded_ is None or not training:
            return super().get_loss(y_pred, y_true, X=X, training=training)
        return self._distance(y_pred, X.to(self.device), y_true)

    def _distance(self, outputs: torch.Tensor, inputs: torch.Tensor, target: dict) -> torch.Tensor:
        """How far the outputs are from those of the unrounded student, on the mean of a batch."""
        with torch.no_grad():
            asked = self.module_.answers_with(self.unrounded_, inputs)
        if self.criterion_.task.has_classes:
            told, asked = outputs.log_softmax(dim=1), asked.log_softmax(dim=1)
            rows = kl_div(told, asked, reduction="none", log_target=True).sum(dim=1)
        else:
            rows = (outputs - asked).square().flatten(1).sum(dim=1)
        return (rows * target["weight"].to(rows.device)).mean()

    def trim_for_prediction(self) -> None:
        """Put what is served in the place of the module; see :class:`Changing`."""
        self.unrounded_ = None
        super().trim_for_prediction()


def n_usual_epochs(start: float, n_epochs: int) -> int:
    """The epochs before the first rounding."""
    return ceil(start * (n_epochs - 1)) if start < 1 and n_epochs > 1 else n_epochs


class RoundingNet(_Rounding, NeuralNetClassifier):
    """A classifier whose weights are rounded in training."""

    takes_direct_steps = True


class RoundingRegressor(_Rounding, NeuralNetRegressor):
    """A regressor whose weights are rounded in training."""

    takes_direct_steps = True


# Of classes and of numbers.
ROUNDING_NETS = (RoundingNet, RoundingRegressor)
