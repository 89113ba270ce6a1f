"""What net is trained: the default recipe, a module class, or the user's own."""

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import LRScheduler

from skdistill._stored.parameters import OlderParametersMixin
from skdistill._utils._compat import Interval, RealNotInt, StrOptions
from skdistill._utils.auto import is_auto
from skdistill.modules import MLP, QuantileMLP
from skdistill.student._batches import n_batches
from skdistill.student._direct import DirectNet, DirectRegressor
from skdistill.student._modules import AVERAGED_MODULES
from skdistill.student._muon import muon_options

# Rows to train on from which optimizer="auto" is Muon: with fewer, it overfits sooner than AdamW.
MUON_ROWS = 5_000
# What "auto" takes, by optimizer.
DEFAULTS: dict[str, dict[str, Any]] = {
    "muon": {
        "hidden_layer_sizes": (128, 128, 128, 128),
        "learning_rate": 0.008,
        "weight_decay": 0.1,
        "batch_size": (128, 1024),
        "fewest_steps": 200,
    },
    "adamw": {
        "hidden_layer_sizes": (192, 192),
        "learning_rate": 0.006,
        "weight_decay": 0.01,
        "batch_size": (16, 256),
        "fewest_steps": 1000,
    },
}
# Of Muon, with one or two hidden layers.
SHALLOW_RATE = 0.012
ADAMW = {"optimizer": torch.optim.AdamW, "optimizer__fused": True}


class MLPStudent(OlderParametersMixin, BaseEstimator):
    r"""Recipe of the default student: a multilayer perceptron and how it is trained.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or "auto", default="auto"
    learning_rate : float or "auto", default="auto"
        Highest rate of the schedule.
    weight_decay : float or "auto", default="auto"
        Decoupled.
    batch_size : int or "auto", default="auto"
    n_steps : int, float or "auto", default="auto"
        Training steps. A float, 10 at most, is a share of what "auto" takes; it leaves at least 200
        steps of Muon and 1,000 of AdamW, where "auto" takes as many.
    average_weights : bool, default=True
        Whether the student is the mean of the weights of the last quarter of its steps, weighted by
        a polynomial decay [1]_. Only for the perceptron; a module class of your own has its weights
        as they are after the last step.
    optimizer : {"auto", "muon", "adamw"}, default="auto"
        Muon [2]_ makes the momentum of the hidden layers' matrices orthogonal, and leaves the other
        parameters to AdamW [3]_. Module classes of your own are trained by AdamW.
    random_state : int, default=None
        Seed of the initial weights and of the order of the rows. None takes one that comes of the
        estimator's `random_state`.

    Notes
    -----
    What "auto" takes, for a student that is trained on n rows, synthetic ones included;
    :meth:`for_rows` gives the numbers:

    ====================  ====================================  ==============================
    parameter             Muon, from 5,000 rows on              AdamW, with fewer
    ====================  ====================================  ==============================
    `hidden_layer_sizes`  (128, 128, 128, 128)                  (192, 192)
    `learning_rate`       0.008, after a rise of a twentieth    0.006, in a one-cycle schedule
                          of the steps; 0.012 with one or two
                          hidden layers
    `weight_decay`        0.1                                   0.01
    `batch_size`          n / 16, from 128 to 1,024             n / 16, from 16 to 256
    `n_steps`             :math:`10 \sqrt{1024 n / b}` batches  :math:`40 \sqrt{n}`, at least
                          of b rows; below 20,000 rows less,    200
                          by :math:`\sqrt{n / 20000}`
    ====================  ====================================  ==============================

    `batch_size` is rounded down to a power of two. The last student of a fit, which is trained on
    more rows, keeps the layers and the optimizer it was chosen with; one that goes on by
    `warm_start` keeps its layers.

    The mean of the weights does for Muon what a falling rate would; without `average_weights`, its
    schedule is a one-cycle as well.

    References
    ----------
    .. [1] Shamir and Zhang (2013). Stochastic Gradient Descent for Non-smooth Optimization:
       Convergence Results and Optimal Averaging Schemes.
       https://doi.org/10.48550/arXiv.1212.1824
    .. [2] Jordan et al. (2024). Muon: An optimizer for hidden layers in neural networks.
       https://kellerjordan.github.io/posts/muon/
    .. [3] Loshchilov and Hutter (2019). Decoupled Weight Decay Regularization.
       https://doi.org/10.48550/arXiv.1711.05101

    Examples
    --------
    >>> from skdistill import MLPStudent
    >>> MLPStudent(hidden_layer_sizes=(64,)).make_net(n_rows=1000).batch_size
    32
    >>> recipe = MLPStudent().for_rows(27_000)
    >>> recipe.optimizer, recipe.hidden_layer_sizes, recipe.n_steps
    ('muon', (128, 128, 128, 128), 1643)
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": [tuple, list, StrOptions({"auto"})],
        "learning_rate": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "weight_decay": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "n_steps": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 10, closed="right"),
            StrOptions({"auto"}),
        ],
        "average_weights": ["boolean"],
        "optimizer": [StrOptions({"auto", *DEFAULTS})],
        "random_state": [Interval(Integral, 0, 2**32 - 1, closed="both"), None],
    }

    # Of classes and of numbers.
    _nets: ClassVar[tuple[type, type]] = (DirectNet, DirectRegressor)

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | list[int] | str = "auto",
        learning_rate: float | str = "auto",
        weight_decay: float | str = "auto",
        batch_size: int | str = "auto",
        n_steps: int | float | str = "auto",
        average_weights: bool = True,
        optimizer: str = "auto",
        random_state: int | None = None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.n_steps = n_steps
        self.average_weights = average_weights
        self.optimizer = optimizer
        self.random_state = random_state

    def __setstate__(self, state: dict) -> None:
        super().__setstate__({"optimizer": "adamw"} | state)  # the one of older versions

    @classmethod
    def fast(cls, **params: Any) -> Self:
        """Make the recipe of a student less than half as large, trained for less than half as long.

        Parameters
        ----------
        **params
            Other parameters.

        Returns
        -------
        MLPStudent
        """
        return cls(**{"hidden_layer_sizes": (128, 128), "n_steps": 0.4, **params})

    @classmethod
    def accurate(cls, **params: Any) -> Self:
        """Make the recipe of a student twice to three times as large.

        Parameters
        ----------
        **params
            Other parameters.

        Returns
        -------
        MLPStudent
        """
        return cls(**{"hidden_layer_sizes": (256, 256, 256), **params})

    def for_rows(self, n_rows: int) -> "MLPStudent":
        """Find what "auto" takes.

        Parameters
        ----------
        n_rows : int
            Rows that the student is trained on, synthetic ones included.

        Returns
        -------
        MLPStudent
            The same recipe without "auto".
        """
        self._check_parameters()
        name = _given(self.optimizer, "muon" if n_rows >= MUON_ROWS else "adamw")
        own = DEFAULTS[name]
        sizes = tuple(_given(self.hidden_layer_sizes, own["hidden_layer_sizes"]))
        rate = own["learning_rate"] if len(sizes) > 2 or name == "adamw" else SHALLOW_RATE
        sixteenth = 2 ** int(np.log2(max(n_rows, 16) / 16))  # rounded down to a power of two
        batch_size = _given(self.batch_size, int(np.clip(sixteenth, *own["batch_size"])))
        whole = _whole_training(name, n_rows, batch_size)
        return clone(self).set_params(
            hidden_layer_sizes=sizes,
            learning_rate=_given(self.learning_rate, rate),
            weight_decay=_given(self.weight_decay, own["weight_decay"]),
            batch_size=batch_size,
            n_steps=self._n_steps(whole, own["fewest_steps"]),
            optimizer=name,
        )

    def _n_steps(self, whole: int, fewest: int) -> int:
        """The steps, of `whole` that "auto" takes; a share of these leaves `fewest` at least."""
        if isinstance(self.n_steps, (str, Integral)):
            return int(_given(self.n_steps, whole))
        return max(int(self.n_steps * whole), min(whole, fewest))

    def make_net(
        self, n_rows: int, *, regressor: bool = False, levels: tuple[float, ...] | None = None
    ) -> NeuralNetClassifier | NeuralNetRegressor:
        """Make the net.

        Parameters
        ----------
        n_rows : int
            Rows it will be trained on.
        regressor : bool, default=False
            Whether it tells numbers, and not classes.
        levels : tuple of float, default=None
            Of the quantiles that a regressor tells; None tells the mean.

        Returns
        -------
        skorch.NeuralNetClassifier or skorch.NeuralNetRegressor
            Not initialized.
        """
        params: dict[str, Any] = {
            "module__hidden_layer_sizes": self.for_rows(n_rows).hidden_layer_sizes
        }
        if levels is None:
            return self._make_net(MLP, n_rows, regressor, **params)
        return self._make_net(QuantileMLP, n_rows, regressor, **params, module__levels=levels)

    def _make_net(
        self,
        module: type[torch.nn.Module],
        n_rows: int,
        regressor: bool,
        **module_params: Any,
    ) -> NeuralNetClassifier | NeuralNetRegressor:
        recipe: Any = self.for_rows(n_rows)
        per_epoch = n_batches(n_rows, recipe.batch_size)
        epochs = -(-recipe.n_steps // per_epoch)
        is_ours = module in AVERAGED_MODULES
        averages = is_ours and bool(self.average_weights)
        uses_muon = recipe.optimizer == "muon"
        schedule = _rising if averages and uses_muon else _one_cycle
        net_class: Any = NeuralNetRegressor if regressor else NeuralNetClassifier
        if is_ours:
            net_class = partial(self._nets[regressor], average_weights=averages)
        kind: dict[str, Any] = {"criterion": torch.nn.MSELoss}
        if not regressor:
            kind = {"criterion": torch.nn.CrossEntropyLoss, "callbacks__valid_acc": None}
        optimizer = muon_options(len(recipe.hidden_layer_sizes)) if uses_muon else ADAMW
        return net_class(
            module,
            **module_params,
            **kind,
            **optimizer,
            optimizer__weight_decay=recipe.weight_decay,
            lr=recipe.learning_rate,
            batch_size=recipe.batch_size,
            max_epochs=epochs,
            callbacks=[("schedule", schedule(recipe.learning_rate, epochs * per_epoch))],
        )

    def _going_on_with(self, sizes: tuple[int, ...]) -> "MLPStudent":
        """The recipe of a student that goes on from one with layers of these sizes."""
        if not is_auto(self.hidden_layer_sizes):
            return self
        return clone(self).set_params(hidden_layer_sizes=sizes)

    def _check_parameters(self) -> None:
        self._validate_params()
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, str):
            return
        if not len(sizes) or not all(map(_is_count, sizes)):
            raise ValueError(
                f"`hidden_layer_sizes` must be a tuple of integers >= 1, got {sizes!r}."
            )


def _given(value: Any, auto: Any) -> Any:
    return auto if is_auto(value) else value


def _whole_training(optimizer: str, n_rows: int, batch_size: int) -> int:
    """The steps that "auto" takes."""
    if optimizer == "adamw":
        return max(200, int(40 * n_rows**0.5))
    few = min(1.0, n_rows / 20_000)  # less is to be learned, and it is soon learned by heart
    return max(200, int(10 * (n_rows * few * 1024 / batch_size) ** 0.5))


def _rising(rate: float, n_steps: int) -> LRScheduler:
    """A rate that rises for a twentieth of the steps, and stays."""
    return LRScheduler(
        torch.optim.lr_scheduler.LinearLR,
        start_factor=1 / max(1, n_steps // 20),
        total_iters=max(1, n_steps // 20),
        step_every="batch",
    )


def _one_cycle(rate: float, n_steps: int) -> LRScheduler:
    return LRScheduler(
        torch.optim.lr_scheduler.OneCycleLR,
        max_lr=rate,
        total_steps=n_steps,
        pct_start=0.1 + 1e-9,  # exactly a tenth of 10 steps is a phase of no steps: 0 / 0
        cycle_momentum=False,
        step_every="batch",
    )


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
