"""The default student's training step without autograd."""

from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    EarlyStopping,
    EpochTimer,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
)
from torch.optim.lr_scheduler import ReduceLROnPlateau

from skdistill._utils._compat import adamw_kernel, relu_backward_kernel
from skdistill.modules import MLP
from skdistill.objectives import DistillationLoss
from skdistill.student._average import WeightAverage
from skdistill.student._callbacks import EpochReport, StopDivergence, TimeLimit
from skdistill.student._rows import Rows

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

_adamw, _relu_backward = adamw_kernel(), relu_backward_kernel()


class DirectNet(NeuralNetClassifier):
    """A net over :class:`~skdistill.MLP` with a forward and backward pass of its own.

    The parameters and their gradients are views of two flat buffers, so that one fused step updates
    them all. Epochs, history and callbacks are skorch's; so is every step where there is a callback
    that is not known, or the loss needs more of the module than its logits.

    Parameters
    ----------
    *args, **kwargs : objects
        As for :class:`skorch.NeuralNetClassifier`.
    average_weights : bool, default=True
        Whether the module holds the :class:`WeightAverage` between the epochs and at the end.
    """

    def __init__(self, *args, average_weights=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.average_weights = average_weights

    def initialize_module(self):
        """Make the module; see :class:`skorch.NeuralNet`."""
        self.pass_ = self.average_ = None
        return super().initialize_module()

    def get_all_learnable_params(self):
        """Yield the one flat parameter; see :class:`skorch.NeuralNet`."""
        if self.pass_ is None and self._may_be_direct():
            self.pass_ = DirectPass(self.module_)
        if self.pass_ is None:
            yield from super().get_all_learnable_params()
        else:
            yield "flat", self.pass_.flat

    def get_iterator(self, dataset, training=False):
        """Make the iterator; see :class:`skorch.NeuralNet`."""
        if training and self.pass_ is not None:
            dataset = Rows(dataset.inputs, self.criterion_.mix(dataset.target))
        return super().get_iterator(dataset, training)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run an epoch; see :class:`skorch.NeuralNet`."""
        if not training:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        with self._averaging() if self.average_weights else nullcontext():
            if self.pass_ is None:
                super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            else:
                self._run_direct_epoch(iterator, prefix)

    @contextmanager
    def _averaging(self):
        """The weights of the last step within, their mean without."""
        if self.average_ is None:
            groups = self.optimizer_.param_groups
            self.average_ = WeightAverage([p for group in groups for p in group["params"]])
        else:
            self.average_.exchange()
        try:
            yield
        finally:  # also where a callback ends the training
            self.average_.exchange()

    def train_step(self, batch, **fit_params):
        """Take skorch's own step; see :class:`skorch.NeuralNet`."""
        step = super().train_step(batch, **fit_params)
        self._update_average()
        return step

    def _update_average(self):
        if self.average_ is not None:
            self.average_.update()

    def _run_direct_epoch(self, iterator, prefix):
        self._set_training(True)
        self.history.new_batch()  # one for the whole epoch: nobody reads thousands
        listeners = [c for _, c in self.callbacks_ if isinstance(c, (LRScheduler, TimeLimit))]
        losses, sizes = [], []
        for batch in iterator:
            losses.append(self._direct_step(*batch))
            sizes.append(len(batch[0]))
            for callback in listeners:
                callback.on_batch_end(self, batch=batch, training=True)
        mean = np.average(torch.stack(losses).numpy(), weights=sizes)
        self.history.record_batch(prefix + "_loss", float(mean))
        self.history.record_batch(prefix + "_batch_size", sum(sizes))
        self.history.record(prefix + "_batch_count", len(sizes))

    def trim_for_prediction(self):
        """Drop what only training needs; see :class:`skorch.NeuralNet`."""
        self.pass_ = self.average_ = None
        for parameter in self.module_.parameters():
            parameter.grad = None
            # A view of the flat buffer would be stored with all of it.
            parameter.data = parameter.data.clone()
        super().trim_for_prediction()

    @torch.no_grad()
    def _direct_step(self, inputs, target):
        logits = self.pass_.forward(inputs)
        value, gradient = self.criterion_.value_and_gradient(logits, target)
        self.pass_.backward(gradient)
        self._update()
        self._update_average()
        return value

    def _update(self):
        """Step the optimizer: by its kernel, since its hooks take longer than the update."""
        flat = self.pass_.flat
        state = self.optimizer_.state.get(flat)
        if not state:
            self.optimizer_.step()
            return
        group = self.optimizer_.param_groups[0]
        options = {name: group[name] for name in ("lr", "weight_decay", "eps", "fused")}
        _adamw(
            [flat],
            [flat.grad],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            amsgrad=False,
            maximize=False,
            **options,
        )

    def _may_be_direct(self):
        options = set(self.get_params_for("optimizer"))
        return (
            type(self) is DirectNet
            and type(self.module_) is MLP
            and len(self.module_.layers) > 0
            and self.optimizer is torch.optim.AdamW
            and options <= {"lr", "betas", "eps", "weight_decay", "fused"}
            and str(self.device) == "cpu"
            and isinstance(self.criterion_, DistillationLoss)
            and not self.criterion_.layers
            and all(_is_known(callback) for _, callback in self.callbacks_)
        )


def _is_known(callback):
    """Whether a callback sees no batch but its end, and touches no weight while training goes on.

    Of any other that cannot be told: it is a class of the user's, or may be one day.
    """
    if type(callback) is LRScheduler:
        on_plateau = callback.policy in ("ReduceLROnPlateau", ReduceLROnPlateau)
        return not (on_plateau and callback.step_every == "batch")
    return type(callback) in KNOWN


class DirectPass:
    """Forward and backward pass of an :class:`~skdistill.MLP`, without autograd's graph.

    Parameters
    ----------
    module : MLP
        Its parameters and their gradients become views of two flat buffers.

    Attributes
    ----------
    flat : torch.nn.Parameter of shape (n_parameters,)
        All parameters; ``flat.grad`` holds all gradients.
    """

    def __init__(self, module):
        self.n_numbers, self.first = module.n_numbers, module.first
        self.categories, self.layers = module.categories, list(module.layers)
        self.flat = _flatten(list(module.parameters()))
        self._buffers = {}

    def forward(self, X):
        """Logits of a batch.

        Parameters
        ----------
        X : torch.Tensor of shape (n_batch, n_inputs)

        Returns
        -------
        torch.Tensor of shape (n_batch, n_classes)
        """
        *inner, last = self.layers
        self._X = X
        self._hidden = [self._first(X).relu_()]
        for layer in inner:
            self._hidden.append(self._linear(layer, self._hidden[-1]).relu_())
        return torch.addmm(last.bias, self._hidden[-1], last.weight.t())

    def backward(self, gradient):
        """Write the gradients of the parameters for the batch that last went forward.

        Parameters
        ----------
        gradient : torch.Tensor of shape (n_batch, n_classes)
            That of the logits.
        """
        for layer, inputs in zip(reversed(self.layers), reversed(self._hidden), strict=True):
            _write_gradients(layer, inputs, gradient)
            out = self._buffer("gradient", layer, inputs.shape)
            gradient = torch.mm(gradient, layer.weight, out=out)
            _relu_backward(gradient, inputs, 0, grad_input=gradient)
        self._first_backward(gradient)

    def _first(self, X):
        hidden = 0.0 if self.first is None else self._linear(self.first, X[:, : self.n_numbers])
        if self.categories is None:
            return hidden
        return self.categories(X[:, self.n_numbers :]).add_(hidden)

    def _first_backward(self, gradient):
        if self.first is not None:
            _write_gradients(self.first, self._X[:, : self.n_numbers], gradient)
        if self.categories is not None:
            table = self.categories.table.weight.grad.zero_()
            for rows in self.categories.rows(self._X[:, self.n_numbers :]).unbind(1):
                table.index_add_(0, rows, gradient)
            table[0] = 0.0  # padding: the shared row of unknown values stays as it is

    def _linear(self, layer, X):
        out = self._buffer("output", layer, (len(X), layer.out_features))
        return torch.addmm(layer.bias, X, layer.weight.t(), out=out)

    def _buffer(self, use, layer, shape):
        """Scratch memory that batches of one size share: to allocate it anew costs a tenth."""
        key = use, layer, shape[0]
        if key not in self._buffers:
            self._buffers[key] = layer.weight.new_empty(shape)
        return self._buffers[key]


def _write_gradients(layer, inputs, gradient):
    torch.mm(gradient.t(), inputs, out=layer.weight.grad)
    torch.sum(gradient, 0, out=layer.bias.grad)


def _flatten(parameters):
    """Move parameters, and gradients for them, into views of one flat parameter and its own."""
    flat = torch.nn.Parameter(torch.cat([p.detach().reshape(-1) for p in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [p.numel() for p in parameters]
    pieces = zip(parameters, flat.data.split(sizes), flat.grad.split(sizes), strict=True)
    for parameter, values, gradients in pieces:
        parameter.data = values.view_as(parameter)
        parameter.grad = gradients.view_as(parameter)
    return flat
