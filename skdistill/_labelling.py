"""Soft targets for the rows of a fit: the teacher's, out of fold, or given."""

from sklearn.utils.validation import _num_samples

from skdistill._validation import check_soft_targets
from skdistill.objectives import Hinton
from skdistill.targets import floor_probabilities, mean_true_probability
from skdistill.teacher import UNKNOWN_FLOOR, is_frozen, teach_unknown, warn_of_unknown


class Labeller:
    """Labels rows at temperature 1, floored where the response will take logarithms.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    response : Response or None
    temperature : float

    Attributes
    ----------
    teacher : TeacherPool or None
        Set once it is fitted.
    """

    def __init__(self, classes, response, temperature):
        self.classes = classes
        self.response = Hinton() if response is None else response
        self.floored = self.response.needs_floor(temperature)
        self.teacher = None

    def given(self, soft_targets, X, name):
        """Probabilities that the user gave, checked; None stays None."""
        if soft_targets is None:
            return None
        p = check_soft_targets(soft_targets, self.classes, _num_samples(X), name)
        floor = UNKNOWN_FLOOR if self.response.floor == "auto" else self.response.floor
        return floor_probabilities(p, floor if self.floored else 0.0)

    def label(self, X):
        """The teacher's probabilities."""
        return self.teacher.predict_proba(X, floored=self.floored)

    def label_known(self, X, labels):
        """The teacher's probabilities; rows of a class it does not know are taught by label."""
        soft = self.label(X)
        if (labels >= 0).all():
            unknown = teach_unknown(soft, labels, self.teacher.known_columns)
            if len(unknown):
                warn_of_unknown(self.classes[unknown])
        return soft

    def label_out_of_fold(self, X, y, folds, fit_params, step):
        """The probabilities of teachers that have not seen the row."""
        return self.teacher.cross_fit_proba(
            X, y, folds, floored=self.floored, fit_params=fit_params, step=step
        )


def measure_leak(labeller, rows, out_of_fold, validation):
    """How much more the teacher gives the true class on rows it was fitted on.

    Parameters
    ----------
    labeller : Labeller
    rows : Block
        The training rows.
    out_of_fold : bool
        Whether their soft targets are.
    validation : Block or None
        Rows the user gave, which the teacher was not fitted on.

    Returns
    -------
    float or None
        None where there are no rows to measure it on, or no teacher was fitted here.
    """
    teacher = labeller.teacher
    if not rows.is_labelled or all(is_frozen(part) for part in teacher.estimators_):
        return None
    if out_of_fold:
        seen, unseen = _true(labeller.label(rows.X), rows), _true(rows.soft, rows)
    elif validation is not None:
        seen, unseen = _true(rows.soft, rows), _true(labeller.label(validation.X), validation)
    else:
        return None
    return seen - unseen


def _true(soft, rows):
    """Mean probability of the true class."""
    return mean_true_probability(soft, rows.labels, rows.weight)
