"""Soft targets for the rows of a fit: the teacher's, out of fold, or given."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import _num_samples

from skdistill._validation import check_soft_targets
from skdistill.objectives import Response
from skdistill.targets import floor_probabilities, mean_true_probability
from skdistill.teacher import UNKNOWN_FLOOR, TeacherPool


@dataclass
class Labeller:
    """Labels rows at temperature 1, floored where the response will take logarithms."""

    teacher: TeacherPool | None
    classes: np.ndarray
    response: Response
    temperature: float

    @property
    def floored(self):
        return self.response.needs_floor(self.temperature)

    def label(self, X):
        """The teacher's probabilities."""
        return self.teacher.predict_proba(X, floored=self.floored)

    def label_out_of_fold(self, X, y, cv, fit_params, step):
        """The probabilities of teachers that have not seen the row."""
        return self.teacher.cross_fit_proba(
            X, y, cv, floored=self.floored, fit_params=fit_params, step=step
        )

    def given(self, soft_targets, n_rows, name):
        """Probabilities that the user gave, checked."""
        p = check_soft_targets(soft_targets, self.classes, n_rows, name)
        floor = UNKNOWN_FLOOR if self.response.floor == "auto" else self.response.floor
        return floor_probabilities(p, floor if self.floored else 0.0)

    def label_or_check(self, X, soft_targets, name):
        """The probabilities that the user gave or, for None, the teacher's."""
        if soft_targets is None:
            return self.label(X)
        return self.given(soft_targets, _num_samples(X), name)


def measure_leak(labeller, rows, cv, validation):
    """How much more the teacher gives the true class on rows it was fitted on.

    Parameters
    ----------
    labeller : Labeller
    rows : Block
        The training rows; their soft targets are out of fold if `cv` is not None.
    cv : object
    validation : Block or None
        Rows the user gave, which the teacher has not seen.

    Returns
    -------
    float or None
        None where there are no rows to measure it on.
    """
    if labeller.teacher is None or not rows.is_labelled:
        return None
    if cv is not None:
        unseen = mean_true_probability(rows.soft, rows.labels)
    elif validation is not None:
        unseen = mean_true_probability(labeller.label(validation.X), validation.labels)
    else:
        return None
    return mean_true_probability(labeller.label(rows.X), rows.labels) - unseen
