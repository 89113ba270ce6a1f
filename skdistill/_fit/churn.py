"""The changes between an old student and a new one, on the same rows."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from skdistill._fit.judge import MeanGap, is_clearly_lower
from skdistill._fit.labelling import Labeller
from skdistill._fit.new_rows import NewRows
from skdistill._fit.number_labelling import NumberLabeller
from skdistill._utils._compat import num_samples
from skdistill._utils.public import publish
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill.metrics import prediction_churn, total_variation
from skdistill.metrics._churn import TOLERANCE, has_moved
from skdistill.metrics._probabilities import row_divergences

FIDELITY = {
    "classes": "KL divergence from the teacher",
    "numbers": "squared distance from the teacher",
    "quantiles": "mean distance from the teacher's quantiles",
}


@dataclass(frozen=True)
class RefreshResult:
    """The changes of a refresh, on new rows from which neither student has learned.

    Parameters
    ----------
    n_rows : int
        New rows that the refreshed student was trained on.
    n_rows_held_out : int
        New rows that both students were compared on.
    flip_rate : float
        Share of these rows whose predicted class changed, or whose number moved by more than
        `tolerance`. For quantiles it is the median.
    tolerance : tuple of float or None
        One for each target, in the unit of y; None for classes.
    drift : float
        For classes the mean total variation distance of the probabilities, in [0, 1]. For numbers
        and quantiles the mean absolute difference, in the unit of y; several targets are first
        divided by the standard deviations of the old student's numbers.
    loss_name : str
        Of the losses. Without y they measure the distance from the teacher.
    loss_before : float
        Mean loss of the old student, on the scale of ``trials_``.
    loss_after : float
        That of the refreshed student.
    standard_error : float
        Of ``loss_after - loss_before``, paired by row, or by group with `groups`; NaN
        if there is only one.
    is_kept : bool
        Whether the estimator now answers by the refreshed student. False if it is clearly
        worse on these rows.

    See Also
    --------
    DistilledClassifier.refresh, DistilledRegressor.refresh : What leaves it as ``refresh_``.
    """

    n_rows: int
    n_rows_held_out: int
    flip_rate: float
    tolerance: tuple[float, ...] | None
    drift: float
    loss_name: str
    loss_before: float
    loss_after: float
    standard_error: float
    is_kept: bool

    def __str__(self) -> str:
        what = "of the predictions changed"
        if self.tolerance is not None:
            most = ", ".join(f"{one:.3g}" for one in self.tolerance)
            what = f"of the numbers moved by more than {most}"
        return (
            f"{self.loss_name} {self.loss_after:.4f} on {self.n_rows_held_out} new rows that "
            f"neither student learned from (before: {self.loss_before:.4f}, standard error of the "
            f"difference {self.standard_error:.4f}); {self.flip_rate:.1%} {what}"
        )


# The path that stored estimators know.
publish(RefreshResult, "skdistill.refresh")


def compare(
    old: Estimator, new: Estimator, train: NewRows, rows: NewRows, tolerance: ArrayLike | None
) -> RefreshResult:
    """Compare two students on rows that neither has learned from.

    Parameters
    ----------
    old, new : BaseDistiller
    train : NewRows
        That the new one has learned from.
    rows : NewRows
    tolerance : float, array-like of shape (n_targets,) or None

    Returns
    -------
    RefreshResult
    """
    losses, others = (_losses(one, rows) for one in (old, new))
    weight = np.ones(len(losses)) if rows.class_weighted is None else rows.class_weighted
    hard_row = old._task.hard_row(losses)
    is_worse = is_clearly_lower(losses, others, weight, rows.groups, hard_row)
    before, after = (float(np.average(one, weights=weight)) for one in (losses, others))
    moves = _moves_of_classes if old._task.has_classes else _moves_of_numbers
    flip_rate, most, drift = moves(old, new, rows, tolerance)
    return RefreshResult(
        num_samples(train.X),
        len(losses),
        flip_rate,
        most,
        drift,
        _loss_name(old, rows),
        before,
        after,
        MeanGap.of(others - losses, weight, rows.groups).standard_error,
        not is_worse,
    )


def check_tolerance(estimator: Estimator, tolerance: ArrayLike | None) -> None:
    """Raise a ValueError for an invalid tolerance, before anything is trained."""
    if tolerance is None:
        return
    if estimator._task.has_classes:
        raise ValueError(
            f"`tolerance={tolerance!r}` is for numbers: leave it out, any other class is a flip."
        )
    nothing = np.zeros((1, estimator.n_targets_))
    has_moved(nothing, nothing, tolerance)


def _moves_of_classes(
    old: Estimator, new: Estimator, rows: NewRows, tolerance: ArrayLike | None
) -> tuple[float, None, float]:
    """Flip rate, no tolerance, and drift of probabilities."""
    p, q = (one.predict_proba(rows.X) for one in (old, new))
    weight = {"sample_weight": rows.sample_weight}
    flip_rate = prediction_churn(p.argmax(axis=1), q.argmax(axis=1), **weight)
    return flip_rate, None, total_variation(p, q, **weight)


def _moves_of_numbers(
    old: Estimator, new: Estimator, rows: NewRows, tolerance: ArrayLike | None
) -> tuple[float, tuple[float, ...], float]:
    """Share of rows that moved, the tolerance, and drift of numbers or quantiles."""
    weight = rows.sample_weight
    n_rows = num_samples(rows.X)
    p, q = (one.predict(rows.X).reshape(n_rows, -1) for one in (old, new))
    spread = np.sqrt(np.average((p - np.average(p, axis=0, weights=weight)) ** 2, 0, weight))
    most = TOLERANCE * spread if tolerance is None else np.asarray(tolerance, dtype=float)
    most = np.broadcast_to(most, spread.shape)
    flip_rate = prediction_churn(p, q, tolerance=most, sample_weight=weight)
    if hasattr(old, "quantiles_"):
        p, q = (one.predict_quantiles(rows.X) for one in (old, new))
    moved = np.abs(q - p)
    if len(spread) > 1:
        moved = moved / np.where(spread > 0, spread, 1.0)
    drift = float(np.average(moved.mean(axis=1), weights=weight))
    return flip_rate, tuple(most.tolist()), drift


def _losses(estimator: Estimator, rows: NewRows) -> FloatArray:
    """Loss of each row against its label, or against the teacher's answer."""
    task, outputs = estimator._task, estimator._outputs(rows.X).astype(np.float64)
    if rows.y is not None:
        return task.row_losses(outputs, task.encode(rows.y))
    soft = _teacher_answers(estimator, rows.X)
    if task.has_classes:
        return row_divergences(soft, softmax(outputs, axis=1))
    if task.levels is None:
        return task.row_losses(outputs, soft)
    return np.abs(outputs - soft).mean(axis=1)


def _teacher_answers(estimator: Estimator, X: Table) -> FloatArray:
    """The teacher's probabilities, or its numbers or quantiles on the scale of the student."""
    task, response = estimator._task, estimator._kind.response_class()
    one = task, response, (), estimator.teacher_
    if task.has_classes:
        return Labeller(*one).label(X)
    return NumberLabeller(*one, getattr(estimator, "teacher_spread_", None)).label(X)


def _loss_name(estimator: Estimator, rows: NewRows) -> str:
    task = estimator._task
    if rows.y is not None:
        return task.loss_name
    if task.has_classes:
        return FIDELITY["classes"]
    return FIDELITY["numbers" if task.levels is None else "quantiles"]
