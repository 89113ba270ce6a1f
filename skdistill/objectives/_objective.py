"""The objectives: terms added to the response."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import Estimator, Table
from skdistill.task import Task

# The share of the training over which a decaying weight falls to 0.
DECAY_SHARE = 1 / 3


@dataclass
class Batch:
    """What a term of the loss sees of some rows.

    Parameters
    ----------
    inputs : torch.Tensor of shape (n_batch, ...)
        The rows, as the encoder gives them to the student.
    logits : torch.Tensor of shape (n_batch, n_classes)
        The student's.
    layers : dict of str to torch.Tensor
        Outputs of the student's submodules that the objective named in `student_layers`.
    labels : torch.Tensor of shape (n_batch,)
        Position of each row's class in ``classes_``, -1 where there is no label.
    soft : torch.Tensor of shape (n_batch, n_classes) or None
        The teacher's probabilities, at temperature 1.
    view : torch.Tensor of shape (n_batch, ...) or None
        Rows of what `teacher_view` returned, of its dtype.
    weight : torch.Tensor of shape (n_batch,)
        Weights of the rows, with a mean of 1 over all rows that the student is trained on.
    probes : torch.Tensor of shape (n_batch, n_tables, ...) or None
        Rows of what `probe_rows` returned, as the encoder gives them to the student.
    student : callable or None
        Maps inputs, such as ``probes[:, 0]``, to the student's logits, without dropout and by
        running statistics. Only with `asks_student`.
    """

    inputs: torch.Tensor
    logits: torch.Tensor
    layers: dict[str, torch.Tensor]
    labels: torch.Tensor
    soft: torch.Tensor | None
    view: torch.Tensor | None
    weight: torch.Tensor
    probes: torch.Tensor | None = None
    student: Callable[[torch.Tensor], torch.Tensor] | None = None


@dataclass
class StudentOutput:
    """What the student gave for a batch: of the old signature of :meth:`Objective.loss`.

    Attributes
    ----------
    logits : torch.Tensor of shape (n_batch, n_classes)
    layers : dict of str to torch.Tensor
        Outputs of the submodules that an objective named in `student_layers`.
    """

    logits: torch.Tensor
    layers: dict = field(default_factory=dict)


class Objective(BaseEstimator):
    """Base of the objectives: a term added to the response.

    Subclasses declare what they need and what they return:

    * `reduction` is "row" if `loss` returns one value a row, weighted and averaged with the rest
      of the loss, or "batch" if it returns one value that has used the weights itself, as a term
      over pairs of rows must. It multiplies by the weights and divides by the number of rows, or
      of pairs: the weights have a mean of 1 over all rows, though not in each batch;
    * `student_layers` names submodules of the student whose outputs `loss` needs; "penultimate" is
      what enters the linear layer called last, "antepenultimate" what enters the one before it;
    * `check_fit` refuses teachers and targets that the term has no meaning for;
    * `teacher_view` takes from the fitted teacher what `loss` needs, once per row; `fit_view`
      learns before, on the training rows, what is to be the same for all;
    * `probe_rows` gives rows near each row, and `asks_student` says that `loss` asks the student
      about them: such a student is trained by skorch's own steps, which are slower;
    * `make_module` makes what the term trains beside the student, such as a projector;
    * `balances_each_step` says that a weight of "auto" is found at each step and not before the
      first: for a term whose module makes its gradient larger and larger.

    Parameters
    ----------
    weight : float or "auto", default=1.0
        Factor of the term, >= 0. "auto" is the factor at which the gradient of the term, in the
        student's weights, is a fifth as large as that of labels and response, before the first
        step.
    decay : bool, default=False
        Whether the factor falls to 0 over the last third of the training, so that the student ends
        on the response alone.

    Attributes
    ----------
    module_ : torch.nn.Module
        What `make_module` made, during the training.
    """

    reduction: Literal["row", "batch"] = "row"
    student_layers: tuple[str, ...] = ()
    asks_student: bool = False
    balances_each_step: bool = False
    decay: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "weight": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "decay": ["boolean"],
    }

    def __init__(self, weight: float | Literal["auto"] = 1.0, decay: bool = False):
        self.weight = weight
        self.decay = decay

    def check_parameters(self) -> None:
        """Raise a ValueError for a parameter that is not valid; warn of an old signature."""
        self._validate_params()
        if self.reduction not in ("row", "batch"):
            raise ValueError(
                f"`reduction` of {type(self).__name__} must be 'row' or 'batch', got "
                f"{self.reduction!r}."
            )
        if type(self).loss is Objective.loss:
            raise _lacks_loss(self)  # before a teacher is fitted
        if takes_parts(self):
            warnings.warn(
                f"`loss(student, view, sample_weight)` of {type(self).__name__} is deprecated and "
                "will stop working in skdistill 0.3: write `loss(self, batch)`, with "
                "`batch.logits` for `student.logits`, `batch.layers` for `student.layers`, "
                "`batch.view` for `view` and `batch.weight` for `sample_weight`.",
                FutureWarning,
            )

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Raise a ValueError for a fit that lacks what the term needs, before teachers are fitted.

        Parameters
        ----------
        teachers : list of (str, object)
            As they were given, fitted or not; none where soft targets take their place.
        task : Classification or Regression
            What is to be predicted.
        """

    def probe_rows(self, X: Table) -> list[Table]:
        """Make other rows at which the term asks the student.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        list of (array-like or DataFrame of shape (n_samples, n_features))
            Tables like X, the same for the same X; empty if there is nothing to ask.
        """
        return []

    def asks_teacher(self, teachers: list[tuple[str, Estimator]]) -> bool:
        """Whether `teacher_view` asks the teachers for anything; if it is overridden, by default.

        Parameters
        ----------
        teachers : list of (str, object)
            As they were given, fitted or not.

        Returns
        -------
        bool
        """
        return type(self).teacher_view is not Objective.teacher_view

    def teacher_view(self, teacher: Estimator, X: Table) -> np.ndarray | None:
        """Take from the teacher what the term needs; `memory` keeps it.

        Parameters
        ----------
        teacher : TeacherPool
            Fitted on all rows, never cross-fitted.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Training and transfer rows, as ``teacher.predict_proba`` takes them.

        Returns
        -------
        ndarray of shape (n_samples, ...) or None
            None if the term needs nothing of the teacher. The dtype stays what it is.
        """
        return None

    def fit_view(self, teacher: Estimator, X: Table) -> None:
        """Learn what `teacher_view` needs to be the same for all rows, such as components.

        It is called on a clone, which is asked for all views of a training and then forgotten: so
        what it learns goes into attributes, and no file holds it.

        Parameters
        ----------
        teacher : TeacherPool
        X : array-like or DataFrame of shape (n_samples, n_features)
            The training rows, without transfer rows.
        """

    def make_module(self, batch: Batch) -> torch.nn.Module | None:
        """Make what the term trains beside the student: it is dropped after the training.

        `loss` finds it as ``self.module_``.

        Parameters
        ----------
        batch : Batch
            A few rows, which tell the shapes.

        Returns
        -------
        torch.nn.Module or None
            None if the term trains nothing of its own.
        """
        return None

    def loss(self, batch: Batch) -> torch.Tensor:
        """The term for a batch.

        Parameters
        ----------
        batch : Batch

        Returns
        -------
        torch.Tensor of shape (n_batch,) or ()
            As `reduction` declares.
        """
        raise _lacks_loss(self)


def _lacks_loss(objective: Objective) -> NotImplementedError:
    return NotImplementedError(f"{type(objective).__name__} does not implement `loss`.")


def loss_of(objective: Objective, batch: Batch) -> torch.Tensor:
    """The term of an objective, whose `loss` may have the old signature."""
    if not takes_parts(objective):
        return objective.loss(batch)
    student, old_loss = StudentOutput(batch.logits, batch.layers), _as_anything(objective.loss)
    view = None if batch.view is None else batch.view.float()  # as they all were
    return old_loss(student, view, batch.weight)


def takes_parts(objective: Objective) -> bool:
    """Whether `loss` has the signature of old: (student, view, sample_weight)."""
    kind: Any = type(objective)
    return _takes_parts(kind)


@cache
def _takes_parts(kind: Any) -> bool:
    parameters = inspect.signature(kind.loss).parameters.values()
    named = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return len(named) > 2


def _as_anything(value: Any) -> Any:
    return value


def view_key(name: str) -> str:
    """Where the teacher view of the objective `name` travels in a batch's target."""
    return f"view:{name}"


def probes_key(name: str) -> str:
    """Where the probe rows of the objective `name` travel in a batch's target."""
    return f"probes:{name}"
