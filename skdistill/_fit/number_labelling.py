"""Soft targets where numbers are predicted."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._fit.labelling import Labeller
from skdistill._utils._compat import num_samples
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import BoolArray, FloatArray, Table
from skdistill.table import is_frame
from skdistill.task import Regression

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs


class NumberLabeller(Labeller):
    """Labels rows by the teacher's numbers, on the scale of the student.

    Parameters
    ----------
    task : Regression
    response : Response
    temperatures : tuple of float
    teacher : RegressorPool or None, default=None
        Fitted.
    """

    def by(self, teacher: Any) -> "NumberLabeller":
        """The same by a teacher, once it is fitted."""
        return NumberLabeller(self.task, self.response, self.temperatures, teacher)

    def given(self, soft_targets: Any, X: Table, name: str) -> FloatArray | None:
        """Numbers that the user gave, checked; None stays None."""
        if soft_targets is None:
            return None
        return self.task.soft_of(check_soft_numbers(soft_targets, self.task, X, name))

    def label(self, X: Table, step: Step = no_step) -> FloatArray:
        """The teacher's numbers."""
        return self.task.soft_of(self.pool.label(X, step=step))

    def label_known(
        self, X: Table, labels: np.ndarray, step: Step = no_step, warns: bool = True
    ) -> FloatArray:
        """The same: of numbers there is none that a teacher does not know."""
        return self.label(X, step)

    def knows(self, labels: np.ndarray) -> BoolArray:
        """True for all."""
        return np.ones(len(labels), dtype=bool)

    def outputs(self, X: Table) -> FloatArray:
        """Outputs of a net that would answer as the teacher does."""
        return self.label(X)

    def label_out_of_fold(
        self, given: "Inputs", others: list[list[Table]], step: Step
    ) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
        """The numbers of teachers that have not seen the row; see the base."""
        assert given.y is not None
        assert given.folds is not None
        own, of_others, is_answer = self.pool.label_folds(
            given.X, given.y, given.folds, others, False, given.fit_params, step
        )
        others_soft = [[self.task.soft_of(one) for one in tables] for tables in of_others]
        return self.task.soft_of(own), others_soft, is_answer


def check_soft_numbers(soft_targets: Any, task: Regression, X: Table, name: str) -> FloatArray:
    """Soft targets as an array of shape (n_samples, n_targets), on the scale of y.

    Raises
    ------
    ValueError
        If they are no finite numbers, or not as many as there are rows and targets.
    """
    given = soft_targets.to_numpy() if is_frame(soft_targets) else soft_targets
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must hold numbers: {error}.") from error
    values = values[:, None] if values.ndim == 1 else values
    shape = num_samples(X), task.n_outputs
    if values.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape}, got {np.shape(given)}.")
    if not np.isfinite(values).all():
        raise ValueError(f"`{name}` contains NaN or infinity: leave those rows out.")
    return values
