"""The default student's training where the module is served as another than it is trained."""

from collections.abc import Callable
from typing import Any

import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EarlyStopping

from skdistill._utils.process import on_cpu
from skdistill._utils.seeding import seeded
from skdistill._utils.warn import warn
from skdistill.student._direct import Direct
from skdistill.student._modules import ChangingMLP
from skdistill.student._pass import DirectPass


class Changing(Direct):
    """A net over a :class:`ChangingMLP`, which is replaced after training by what is served."""

    module_: Any

    def train_epoch(self, iterator: Any, prefix: str, step_fn: Callable, **params: Any) -> None:
        """Let the module change, then train; see :class:`Direct`."""
        before, now = (self._done(len(self.history) - ago) for ago in (1, 0))
        if self.module_.is_changing(before) and self.average_ is not None:
            self.average_.n_steps = 0  # a mean over two nets would be neither
        if not self.module_.is_settled(before):
            self._begin_choice()
        self.module_.begin_epoch(now)
        super().train_epoch(iterator, prefix, step_fn, **params)

    def run_single_epoch(self, iterator: Any, training: bool, *args: Any, **params: Any) -> None:
        """Run an epoch; see :class:`skorch.NeuralNet`."""
        super().run_single_epoch(iterator, training, *args, **params)
        if training:
            self.module_.end_epoch()

    def _done(self, epoch: int) -> float:
        """How far a training is in an epoch: from 0, in the first, to 1, in the last."""
        return (epoch - 1) / (self.max_epochs - 1) if self.max_epochs > 1 else float(epoch)

    def _begin_choice(self) -> None:
        """Let early stopping forget the best epoch so far: it was of another net."""
        for callback in self._stopping():
            callback.on_train_begin(self)

    def _stopping(self) -> list[EarlyStopping]:
        return [one for _, one in self.callbacks_ if isinstance(one, EarlyStopping)]

    def pass_gradients(self, direct: DirectPass, inputs: torch.Tensor, target: dict) -> Any:
        """Gradients at the weights that a pass is to see; see :class:`Direct`."""
        with torch.enable_grad():
            seen = self.module_.weights_in_pass()
        if not seen:
            return super().pass_gradients(direct, inputs, target)
        parameters = [self.module_.get_parameter(name) for name in seen]
        exact = direct.flat.data.clone()
        for parameter, values in zip(parameters, seen.values(), strict=True):
            parameter.data.copy_(values.detach())
        value = super().pass_gradients(direct, inputs, target)
        direct.flat.data.copy_(exact)
        gradients: list[Any] = [parameter.grad.clone() for parameter in parameters]
        found = torch.autograd.grad(list(seen.values()), parameters, gradients)
        for parameter, gradient in zip(parameters, found, strict=True):
            parameter.grad.copy_(gradient)
        return value

    def trim_for_prediction(self) -> None:
        """Put what is served in the place of the module; see :class:`skorch.NeuralNet`."""
        trained: ChangingMLP = self.module_
        if not trained.is_settled(self._done(len(self.history))):
            warn(
                "training ended before the student was what it is to be: it is changed once, at "
                "the end. Give it more time, or a smaller `start` or `end` of the recipe."
            )
        super().trim_for_prediction()
        given = self.get_params_for("module")
        served, params = trained.served(given)
        with seeded(0), on_cpu():
            module = served(**params)
        module.load_state_dict(trained.served_weights())
        for name in given:
            delattr(self, f"module__{name}")
        for name, value in params.items():
            setattr(self, f"module__{name}", value)
        self.module = served
        self.module_ = module.to(self.device)


def refuse_quantiles(recipe: Any, levels: tuple[float, ...] | None) -> None:
    """Raise a ValueError where a recipe is asked for a net that tells quantiles."""
    if levels is not None:
        name = type(recipe).__name__
        raise ValueError(
            f"`student={name}()` tells classes or a mean, and no quantiles: leave `head` at "
            "'mean', or give `MLPStudent()`."
        )


class ChangingNet(Changing, NeuralNetClassifier):
    """A classifier that is served as another module."""

    takes_direct_steps = True


class ChangingRegressor(Changing, NeuralNetRegressor):
    """A regressor that is served as another module."""

    takes_direct_steps = True


# Of classes and of numbers.
CHANGING_NETS = (ChangingNet, ChangingRegressor)
