"""The objectives: terms added to the response."""

from dataclasses import dataclass, field
from numbers import Real
from typing import ClassVar

import torch
from sklearn.base import BaseEstimator

from skdistill._utils._compat import Interval


@dataclass
class StudentOutput:
    """What the student gave for a batch.

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
    * `student_layers` names submodules of the student whose outputs `loss` needs;
    * `teacher_view` takes from the fitted teacher what `loss` needs, once per row.

    Parameters
    ----------
    weight : float, default=1.0
        Factor of the term, >= 0.
    """

    reduction = "row"
    student_layers: tuple[str, ...] = ()

    _parameter_constraints: ClassVar[dict] = {"weight": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, weight=1.0):
        self.weight = weight

    def check_parameters(self):
        """Raise a ValueError for a parameter that is not valid."""
        self._validate_params()
        if self.reduction not in ("row", "batch"):
            raise ValueError(
                f"`reduction` of {type(self).__name__} must be 'row' or 'batch', got "
                f"{self.reduction!r}."
            )

    def teacher_view(self, teacher, X):
        """Take from the teacher what the term needs.

        Parameters
        ----------
        teacher : TeacherPool
            Fitted on all rows, never cross-fitted.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Training and transfer rows, as the teacher takes them.

        Returns
        -------
        ndarray of shape (n_samples, ...) or None
            None if the term needs nothing of the teacher.
        """
        return None

    def loss(self, student, view, sample_weight):
        """The term for a batch.

        Parameters
        ----------
        student : StudentOutput
        view : torch.Tensor of shape (n_batch, ...) or None
            Rows of what `teacher_view` returned.
        sample_weight : torch.Tensor of shape (n_batch,)
            With a mean of 1 over all rows that the student is trained on.

        Returns
        -------
        torch.Tensor of shape (n_batch,) or ()
            As `reduction` declares.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `loss`.")


def view_key(name):
    """Where the teacher view of the objective `name` travels in a batch's target."""
    return f"view:{name}"
