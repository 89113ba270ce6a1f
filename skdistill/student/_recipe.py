"""What net is trained: the default recipe, a module class, or the user's own."""

import inspect
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import LRScheduler

from skdistill._stored.parameters import OlderParametersMixin
from skdistill._utils._compat import Interval, RealNotInt, StrOptions
from skdistill._utils.types import Estimator
from skdistill.modules import MLP
from skdistill.student._batches import n_batches
from skdistill.student._direct import DirectNet
from skdistill.student._muon import Muon

# Rows to train on from which optimizer="auto" is Muon: with fewer, it overfits sooner than AdamW.
MUON_ROWS = 5_000
# What "auto" takes, by optimizer.
DEFAULTS: dict[str, dict[str, Any]] = {
    "muon": {
        "hidden_layer_sizes": (128, 128, 128, 128),
        "learning_rate": 0.008,
        "weight_decay": 0.1,
        "batch_size": (128, 1024),
    },
    "adamw": {
        "hidden_layer_sizes": (192, 192),
        "learning_rate": 0.006,
        "weight_decay": 0.01,
        "batch_size": (16, 256),
    },
}
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
        Training steps. A float is a share of what "auto" takes.
    average_weights : bool, default=True
        Whether the student is the mean of the weights of the last quarter of its steps, weighted by
        a polynomial decay [1]_. Only for the perceptron; a module class of your own has its weights
        as they are after the last step.
    optimizer : {"auto", "muon", "adamw"}, default="auto"
        Muon [2]_ makes the momentum of the hidden layers' matrices orthogonal, and leaves the other
        parameters to AdamW [3]_. Module classes of your own are trained by AdamW.

    Notes
    -----
    What "auto" takes, for a student that is trained on n rows, synthetic ones included:

    ====================  ====================================  ==============================
    parameter             Muon, from 5,000 rows on              AdamW, with fewer
    ====================  ====================================  ==============================
    `hidden_layer_sizes`  (128, 128, 128, 128)                  (192, 192)
    `learning_rate`       0.008, after a rise of a twentieth    0.006, in a one-cycle schedule
                          of the steps
    `weight_decay`        0.1                                   0.01
    `batch_size`          n / 16, from 128 to 1,024             n / 16, from 16 to 256
    `n_steps`             :math:`10 \sqrt{n}` of 1,024 rows,    :math:`40 \sqrt{n}`, at least
                          at least 200; below 20,000 rows in    200
                          proportion to n
    ====================  ====================================  ==============================

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
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": [tuple, list, StrOptions({"auto"})],
        "learning_rate": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "weight_decay": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "n_steps": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "average_weights": ["boolean"],
        "optimizer": [StrOptions({"auto", *DEFAULTS})],
    }

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | list[int] | str = "auto",
        learning_rate: float | str = "auto",
        weight_decay: float | str = "auto",
        batch_size: int | str = "auto",
        n_steps: int | float | str = "auto",
        average_weights: bool = True,
        optimizer: str = "auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.n_steps = n_steps
        self.average_weights = average_weights
        self.optimizer = optimizer

    def __setstate__(self, state: dict) -> None:
        super().__setstate__({"optimizer": "adamw"} | state)  # the one of older versions

    @classmethod
    def fast(cls, **params: Any) -> Self:
        """Make the recipe of a student a third as large, trained for less than half as long.

        Parameters
        ----------
        **params
            Other parameters.

        Returns
        -------
        MLPStudent
        """
        fast = {"hidden_layer_sizes": (128, 128), "learning_rate": 0.012, "n_steps": 0.4}
        return cls(**{**fast, "optimizer": "muon", **params})

    @classmethod
    def accurate(cls, **params: Any) -> Self:
        """Make the recipe of a student three times as large, where its size matters little.

        Parameters
        ----------
        **params
            Other parameters.

        Returns
        -------
        MLPStudent
        """
        return cls(hidden_layer_sizes=(256, 256, 256), **params)

    def make_net(self, n_rows: int) -> NeuralNetClassifier:
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
        return self._make_net(MLP, n_rows, module__hidden_layer_sizes=self._sizes(n_rows))

    def _make_net(
        self, module: type[torch.nn.Module], n_rows: int, **module_params: Any
    ) -> NeuralNetClassifier:
        rate, batch_size = self._auto("learning_rate", n_rows), self._batch_size(n_rows)
        per_epoch = n_batches(n_rows, batch_size)
        epochs = -(-self._n_steps(n_rows, batch_size) // per_epoch)
        averages = module is MLP and bool(self.average_weights)
        uses_muon = self._optimizer(n_rows) == "muon"
        schedule = _rising if averages and uses_muon else _one_cycle
        net_class = NeuralNetClassifier
        if module is MLP:
            net_class = partial(DirectNet, average_weights=averages)
        return net_class(
            module,
            **module_params,
            criterion=torch.nn.CrossEntropyLoss,
            **(_muon(len(self._sizes(n_rows))) if uses_muon else ADAMW),
            optimizer__weight_decay=self._auto("weight_decay", n_rows),
            lr=rate,
            batch_size=batch_size,
            max_epochs=epochs,
            callbacks=[("schedule", schedule(rate, epochs * per_epoch))],
            callbacks__valid_acc=None,
        )

    def _optimizer(self, n_rows: int) -> str:
        if self.optimizer != "auto":
            return self.optimizer
        return "muon" if n_rows >= MUON_ROWS else "adamw"

    def _auto(self, name: str, n_rows: int) -> Any:
        value = getattr(self, name)
        return DEFAULTS[self._optimizer(n_rows)][name] if isinstance(value, str) else value

    def _sizes(self, n_rows: int) -> tuple[int, ...]:
        return tuple(self._auto("hidden_layer_sizes", n_rows))

    def _batch_size(self, n_rows: int) -> int:
        if not isinstance(self.batch_size, str):
            return self.batch_size
        bounds = self._auto("batch_size", n_rows)
        return int(np.clip(2 ** int(np.log2(max(n_rows, 16) / 16)), *bounds))

    def _n_steps(self, n_rows: int, batch_size: int) -> int:
        if isinstance(self.n_steps, Integral):
            return int(self.n_steps)
        n_steps = 40 * n_rows**0.5
        if self._optimizer(n_rows) == "muon":
            n_steps = 10 * (n_rows * min(1, n_rows / 20_000) * 1024 / batch_size) ** 0.5
        share = 1.0 if isinstance(self.n_steps, str) else self.n_steps
        return max(200, int(share * n_steps))

    def _check_parameters(self) -> None:
        self._validate_params()
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, str):
            return
        if not len(sizes) or not all(map(_is_count, sizes)):
            raise ValueError(
                f"`hidden_layer_sizes` must be a tuple of integers >= 1, got {sizes!r}."
            )


def _muon(n_hidden: int) -> dict[str, Any]:
    """Muon, for the matrices of all layers but the last."""
    names = ["first.weight", *(f"layers.{place}.weight" for place in range(n_hidden - 1))]
    groups = [(name, {"orthogonal": True}) for name in names]
    return {"optimizer": Muon, "optimizer__param_groups": groups}


def _rising(rate: float, n_steps: int) -> LRScheduler:
    """A rate that rises for a twentieth of the steps, and stays."""
    return LRScheduler(
        torch.optim.lr_scheduler.LinearLR,
        start_factor=1e-3,
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


def prepare_net(
    student: Any, n_rows: int, n_inputs: int, n_outputs: int, cardinalities: tuple[int, ...]
) -> NeuralNet:
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
        net = MLPStudent(optimizer="adamw")._make_net(student, n_rows)
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


def constructor_parameters(module: Any) -> set[str]:
    """Names of the parameters of a module class's constructor; none for an instance."""
    is_instance = not isinstance(module, type)
    return set() if is_instance else set(inspect.signature(module.__init__).parameters)


def student_module(student: Any) -> Any:
    """The module class or instance of the parameter `student`."""
    if student is None or isinstance(student, MLPStudent):
        return MLP
    return student.module if isinstance(student, NeuralNet) else student


def first_width(student: Any, n_rows: int) -> int | None:
    """Units of the student's first layer; None where its recipe does not tell."""
    student = MLPStudent() if student is None else student
    return student._sizes(n_rows)[0] if isinstance(student, MLPStudent) else None


def as_large_as(student: Any, net: NeuralNet) -> Any:
    """The parameter `student`, with the layers of a trained net where they are "auto"."""
    recipe = MLPStudent() if student is None else student
    sizes = net.get_params().get("module__hidden_layer_sizes")
    if not isinstance(recipe, MLPStudent) or recipe.hidden_layer_sizes != "auto" or not sizes:
        return student
    return clone(recipe).set_params(hidden_layer_sizes=sizes)


def check_student(student: Any) -> None:
    """Raise a ValueError for a `student` that cannot be trained on soft targets."""
    if isinstance(student, MLPStudent):
        student._check_parameters()
    if student is None or isinstance(student, MLPStudent):
        return
    if isinstance(student, type) and issubclass(student, torch.nn.Module):
        return
    if isinstance(student, type) and issubclass(student, (MLPStudent, NeuralNet)):
        raise ValueError(
            f"`student` is the class {student.__name__}: give an instance, {student.__name__}(...)."
        )
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
    params += _set_on_instance(criterion)
    if params:
        raise ValueError(
            f"`student` sets {params}, but its criterion is replaced by the distillation loss: "
            "remove them; for class weights use `class_weight`."
        )


def _set_on_instance(criterion: Any) -> list[str]:
    """Names of the parameters of a criterion instance that are not the usual ones."""
    usual = {"weight": None, "label_smoothing": 0.0, "ignore_index": -100, "reduction": "mean"}
    if isinstance(criterion, type):
        return []
    given = {name: getattr(criterion, name, value) for name, value in usual.items()}
    return [name for name in usual if given[name] is not usual[name] and given[name] != usual[name]]


def gives_probabilities(net: Estimator) -> bool:
    """Whether the net's module returns probabilities: its criterion is NLLLoss."""
    criterion = net.criterion if isinstance(net.criterion, type) else type(net.criterion)
    return issubclass(criterion, torch.nn.NLLLoss)
