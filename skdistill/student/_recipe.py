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
from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import Estimator
from skdistill.modules import MLP
from skdistill.student._batches import n_batches
from skdistill.student._direct import DirectNet


class MLPStudent(OlderParametersMixin, BaseEstimator):
    """Recipe of the default student: a multilayer perceptron and how it is trained.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(192, 192)
    learning_rate : float, default=0.006
        Highest rate of the one-cycle schedule.
    weight_decay : float, default=0.01
        Of AdamW.
    batch_size : int or "auto", default="auto"
        "auto" takes a sixteenth of the rows, between 16 and 256.
    n_steps : int or "auto", default="auto"
        Training steps. "auto" takes 40 times the square root of the number of rows the student
        is trained on, at least 200.
    average_weights : bool, default=True
        Whether the student is the mean of the weights of the last quarter of its steps, weighted by
        a polynomial decay [1]_. Only for the perceptron; a module class of your own has its weights
        as they are after the last step.

    References
    ----------
    .. [1] Shamir and Zhang (2013). Stochastic Gradient Descent for Non-smooth Optimization:
       Convergence Results and Optimal Averaging Schemes.
       https://doi.org/10.48550/arXiv.1212.1824

    Examples
    --------
    >>> from skdistill import MLPStudent
    >>> MLPStudent(hidden_layer_sizes=(64,)).make_net(n_rows=1000).batch_size
    32
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": [tuple, list],
        "learning_rate": [Interval(Real, 0, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "n_steps": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "average_weights": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | list[int] = (192, 192),
        learning_rate: float = 0.006,
        weight_decay: float = 0.01,
        batch_size: int | str = "auto",
        n_steps: int | str = "auto",
        average_weights: bool = True,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.n_steps = n_steps
        self.average_weights = average_weights

    @classmethod
    def fast(cls, **params: Any) -> Self:
        """Make the recipe of a student half as large, and nearly as good.

        Parameters
        ----------
        **params
            Other parameters.

        Returns
        -------
        MLPStudent
        """
        return cls(hidden_layer_sizes=(128, 128), **params)

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
        return self._make_net(
            MLP, n_rows, module__hidden_layer_sizes=tuple(self.hidden_layer_sizes)
        )

    def _make_net(
        self, module: type[torch.nn.Module], n_rows: int, **module_params: Any
    ) -> NeuralNetClassifier:
        batch_size, n_steps = self.batch_size, self.n_steps
        if isinstance(batch_size, str):
            batch_size = int(np.clip(2 ** int(np.log2(max(n_rows, 16) / 16)), 16, 256))
        steps_per_epoch = n_batches(n_rows, batch_size)
        if isinstance(n_steps, str):
            n_steps = max(200, int(40 * n_rows**0.5))
        epochs = -(-n_steps // steps_per_epoch)
        schedule = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            max_lr=self.learning_rate,
            total_steps=epochs * steps_per_epoch,
            pct_start=0.1 + 1e-9,  # exactly a tenth of 10 steps is a phase of no steps: 0 / 0
            cycle_momentum=False,
            step_every="batch",
        )
        net_class = NeuralNetClassifier
        if module is MLP:
            net_class = partial(DirectNet, average_weights=bool(self.average_weights))
        return net_class(
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

    def _check_parameters(self) -> None:
        self._validate_params()
        sizes = self.hidden_layer_sizes
        if not len(sizes) or not all(map(_is_count, sizes)):
            raise ValueError(
                f"`hidden_layer_sizes` must be a tuple of integers >= 1, got {sizes!r}."
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


def constructor_parameters(module: Any) -> set[str]:
    """Names of the parameters of a module class's constructor; none for an instance."""
    is_instance = not isinstance(module, type)
    return set() if is_instance else set(inspect.signature(module.__init__).parameters)


def student_module(student: Any) -> Any:
    """The module class or instance of the parameter `student`."""
    if student is None or isinstance(student, MLPStudent):
        return MLP
    return student.module if isinstance(student, NeuralNet) else student


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
