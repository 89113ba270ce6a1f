"""The rows that judge the rungs: which they are, and what a rung loses on them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import r2_score

from skdistill._base import BaseDistiller
from skdistill._fit.checks import check_soft_targets, untuple
from skdistill._fit.holdout import (
    SHARE,
    groups_to_hold_out,
    is_splitter,
    last_split,
    rows_to_hold_out,
)
from skdistill._fit.number_labelling import soft_numbers
from skdistill._fit.parts import ENOUGH_JUDGES, LARGEST_SHARE
from skdistill._fit.plan import draw_seeds
from skdistill._fit.weights import class_weights, combine_weights, counting_weights
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.auto import is_auto
from skdistill._utils.cache import Cache
from skdistill._utils.types import FloatArray, Split, Table
from skdistill.inspection._ask import ask
from skdistill.inspection._models import TEACHER, find_models
from skdistill.inspection._number_answers import median_of
from skdistill.metrics import agreement, expected_calibration_error
from skdistill.metrics._probabilities import TINY, row_divergences
from skdistill.teacher import check_groups


@dataclass(frozen=True)
class Judges:
    """Rows that no rung was trained on, the same for all.

    Attributes
    ----------
    X : array-like or DataFrame of shape (n_rows, n_features)
    y : ndarray or None
        None where there are no labels: the teacher's answers take their place.
    weight : ndarray of shape (n_rows,)
    groups : ndarray of shape (n_rows,) or None
    told : ndarray of shape (n_rows, n_outputs) or None
        The teacher's answers; None where it gave none.
    """

    X: Table
    y: np.ndarray | None
    weight: FloatArray
    groups: np.ndarray | None
    told: FloatArray | None

    def __len__(self) -> int:
        return len(self.weight)

    def loss_name(self, rung: BaseDistiller) -> str:
        """What `row_losses` are."""
        if self.y is not None:
            return rung._task.loss_name
        return "KL divergence" if rung._kind.has_classes else "squared distance from the teacher"

    def row_losses(self, rung: BaseDistiller, answers: FloatArray) -> FloatArray:
        """Loss of each row, of answers as the teacher's are told; by the labels where there are."""
        task: Any = rung._task
        if rung._kind.has_classes:
            if self.y is None:
                return row_divergences(_known(self.told), answers)
            return task.row_losses(np.log(np.maximum(answers, TINY)), task.encode(self.y))
        outputs = task.soft_of(answers)
        if self.y is None:
            return np.mean((outputs - task.soft_of(_known(self.told))) ** 2, axis=1)
        return task.row_losses(outputs, task.encode(self.y))

    def hard_row(self, rung: BaseDistiller, losses: FloatArray) -> float:
        """What one row of a hard label may cost; 0 without labels."""
        return 0.0 if self.y is None else rung._task.hard_row(losses)

    def scores(self, rung: BaseDistiller, answers: FloatArray) -> dict[str, float]:
        """What `ladder_` says of answers beside their loss; NaN where it is not known."""
        if rung._kind.has_classes:
            return self._scores_of_classes(rung, answers)
        middle = _middle(rung, answers)
        told = None if self.told is None else _middle(rung, self.told)
        return {
            "r2": _r2(self.y, middle, self.weight),
            "r2_to_teacher": _r2(told, middle, self.weight),
        }

    def _scores_of_classes(self, rung: Any, p: FloatArray) -> dict[str, float]:
        found = {"accuracy": np.nan, "agreement": np.nan, "ece": np.nan}
        if self.y is not None:
            hits = rung.classes_[p.argmax(axis=1)] == self.y
            found["accuracy"] = float(np.average(hits, weights=self.weight))
            found["ece"] = expected_calibration_error(
                self.y, p, sample_weight=self.weight, labels=rung.classes_
            )
        if self.told is not None:
            found["agreement"] = agreement(self.told, p, sample_weight=self.weight)
        return found


def _known(told: FloatArray | None) -> FloatArray:
    if told is None:
        raise ValueError(
            "There are neither labels nor answers of a teacher for the rows held out, so nothing "
            "judges the sizes: give `y`, `teacher` or `soft_targets`."
        )
    return told


def _middle(rung: Any, answers: FloatArray) -> FloatArray:
    """Numbers, or medians of quantiles."""
    levels = getattr(rung, "quantiles_", None)
    return answers if levels is None else median_of(answers, levels)


def _r2(truth: np.ndarray | None, answers: FloatArray, weight: FloatArray) -> float:
    if truth is None or len(weight) < 2:
        return np.nan
    truth = truth.reshape(len(truth), -1)
    return float(r2_score(truth, answers.reshape(len(truth), -1), sample_weight=weight))


def split_rows(
    estimator: BaseDistiller, X: Table, y: np.ndarray | None, fit_params: dict[str, Any]
) -> Split | None:
    """Hold rows out, by the `validation_fraction`, `groups` and seed of the estimator.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
    X : array-like or DataFrame of shape (n_samples, n_features)
        Checked.
    y : ndarray or None
        Checked.
    fit_params : dict of str to object

    Returns
    -------
    train, test : ndarray of int, or None
        None where `X_val` was given.

    Raises
    ------
    ValueError
        If no row can be held out.
    """
    if fit_params.get("X_val") is not None:
        return None
    if estimator.early_stopping is False:
        raise ValueError(
            "`early_stopping=False` holds no rows out, so nothing judges the sizes: set it to "
            "'auto' or True, or give `X_val` and `y_val`."
        )
    groups = check_groups(fit_params.get("groups"), X)
    if is_splitter(estimator.validation_fraction):
        return last_split(estimator.validation_fraction, X, y, groups)
    weight = counting_weights(fit_params.get("sample_weight"), X)
    train, test = _split_by_share(estimator, num_samples(X), y, weight, groups)
    if not len(test):
        raise ValueError(
            f"n_samples={num_samples(X)} leaves no row to hold out, so nothing judges the sizes: "
            "give more rows, or `X_val` and `y_val`."
        )
    return train, test


def _split_by_share(
    estimator: BaseDistiller,
    n_rows: int,
    y: np.ndarray | None,
    weight: FloatArray | None,
    groups: np.ndarray | None,
) -> Split:
    """Hold out a share of the rows that weigh anything, or of the groups."""
    used = np.arange(n_rows) if weight is None else np.flatnonzero(weight)
    share = estimator.validation_fraction
    if is_auto(share):
        share = float(np.clip(ENOUGH_JUDGES / len(used), SHARE, LARGEST_SHARE))
    strata = np.zeros(len(used), dtype=int)
    if y is not None and estimator._kind.has_classes:
        strata = np.unique(y[used], return_inverse=True)[1]
    seed = draw_seeds(estimator.random_state, Cache(estimator.memory))["split"]
    if groups is None:
        test = used[rows_to_hold_out(strata, share, seed)]
        return np.setdiff1d(np.arange(n_rows), test), test
    test = used[groups_to_hold_out(strata, groups[used], share, seed)]
    return np.flatnonzero(~np.isin(groups, groups[test])), test


def judges_of(
    rung: BaseDistiller,
    X: Table,
    y: np.ndarray | None,
    split: Split | None,
    fit_params: dict[str, Any],
) -> Judges:
    """The rows that judge, with the answers of the teacher that labelled the others.

    Parameters
    ----------
    rung : DistilledClassifier or DistilledRegressor
        Fitted without them.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : ndarray or None
    split : (ndarray, ndarray) or None
    fit_params : dict of str to object

    Returns
    -------
    Judges
    """
    weight = counting_weights(fit_params.get("sample_weight"), X)
    by_class = class_weights(rung.class_weight, y, weight)
    if split is None:
        n_rows = num_samples(X)
        rows, own_y, own_weight = (
            untuple(fit_params.get(name), name, n_rows)
            for name in ("X_val", "y_val", "sample_weight_val")
        )
        truth: np.ndarray | None = rung._kind.check_labels(own_y, rows, "y_val")
        own = counting_weights(own_weight, rows, "sample_weight_val")
        groups, told = None, None
    else:
        test = split[1]
        rows, truth = safe_indexing(X, test), None if y is None else y[test]
        own = None if weight is None else weight[test]
        groups = check_groups(fit_params.get("groups"), X)
        groups = None if groups is None else groups[test]
        told = _given_answers(rung, X, test, fit_params.get("soft_targets"))
    own = combine_weights(own, by_class, truth)
    own = np.ones(num_samples(rows)) if own is None else own
    told = _teacher_answers(rung, rows) if told is None else told
    return Judges(rows, truth, own, groups, told)


def _teacher_answers(rung: BaseDistiller, X: Table) -> FloatArray | None:
    if rung.teacher_ is None:
        return None
    return ask(find_models(rung, None, X, None)[TEACHER], rung)


def _given_answers(rung: Any, X: Table, test: np.ndarray, soft: Any) -> FloatArray | None:
    """Soft targets of the user's in the place of the teacher's answers."""
    if soft is None:
        return None
    n_rows = num_samples(X)
    if rung._kind.has_classes:
        return check_soft_targets(soft, rung.classes_, n_rows, "soft_targets")[test]
    return soft_numbers(soft, n_rows, "soft_targets")[test]
