"""The distribution of true numbers around a teacher's number, for each row."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict

from skdistill._utils._compat import num_samples
from skdistill._utils.public import publish
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.student import encode
from skdistill.table import ColumnSelection
from skdistill.task import weighted_quantile

# Parameters of the scale's model: cautious, since an interval that follows noise is too narrow.
SCALE_MODEL = {"max_iter": 100, "learning_rate": 0.05, "max_leaf_nodes": 15}
SCALE_FOLDS = 5
# Distances are at least this share of their mean: the logarithm of 0 is infinite.
LEAST_SHARE = 1e-3
# With fewer rows, a fold of the scale's model may have no rows to learn from.
FEWEST_ROWS = 4 * SCALE_FOLDS


class Spread:
    """Quantiles around a prediction: a scale for each row, and the shape that all rows share.

    The scale is a regression of the logarithm of the distance between label and prediction, on the
    student's input and on the prediction itself. The shape holds the quantiles of these
    distances divided by their scales.

    Parameters
    ----------
    encoder : transformer or None
        Makes the student's input.
    columns : ColumnSelection
    levels : tuple of float

    Attributes
    ----------
    model_ : HistGradientBoostingRegressor or None
        Predicts the logarithm of the scale; None if there are too few rows.
    shape_ : ndarray of shape (n_levels,)
    """

    def __init__(
        self, encoder: Estimator, columns: ColumnSelection, levels: tuple[float, ...]
    ) -> None:
        self.encoder = encoder
        self.columns = columns
        self.levels = levels

    def fit_quantiles(
        self,
        X: Table,
        means: FloatArray,
        apart: FloatArray,
        weight: FloatArray,
        seed: int | None,
        groups: np.ndarray | None = None,
    ) -> FloatArray:
        """Learn how far labels lie from predictions of teachers that had not seen them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        means : ndarray of shape (n_samples, 1)
            Predictions.
        apart : ndarray of shape (n_samples,)
            Labels minus predictions.
        weight : ndarray of shape (n_samples,)
        seed : int or None
        groups : ndarray of shape (n_samples,), default=None
            Rows that belong together.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
            Quantiles of these rows, by scales that were learned without them.
        """
        used = np.flatnonzero(weight)
        inputs, apart, weight = self._inputs(X, means)[used], apart[used], weight[used]
        groups = None if groups is None else groups[used]
        size = np.abs(apart)
        least = LEAST_SHARE * np.average(size, weights=weight)
        logs = np.log(np.maximum(size, least if least > 0 else 1.0))
        self.model_, told = None, np.zeros(len(apart))
        units = len(apart) if groups is None else len(np.unique(groups))
        if units >= FEWEST_ROWS:
            model = HistGradientBoostingRegressor(**SCALE_MODEL, random_state=seed)
            # With weights it bins each column slowly: the fit takes 6 times as long.
            weights = {} if np.ptp(weight) == 0 else {"sample_weight": weight}
            folds = KFold(SCALE_FOLDS, shuffle=True, random_state=seed)
            told = cross_val_predict(
                model,
                inputs,
                logs,
                cv=folds if groups is None else GroupKFold(SCALE_FOLDS),
                groups=groups,
                params=weights,
            )
            self.model_ = model.fit(inputs, logs, **weights)
        self.shape_ = weighted_quantile(apart / np.exp(told), np.array(self.levels), weight)
        scales = np.ones(num_samples(X))
        scales[used] = np.exp(told)
        return means + scales[:, None] * self.shape_

    def quantiles(self, X: Table, means: FloatArray) -> FloatArray:
        """Quantiles around predictions.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        means : ndarray of shape (n_samples, 1)

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
        """
        if self.model_ is None:
            return means + self.shape_
        return means + np.exp(self.model_.predict(self._inputs(X, means)))[:, None] * self.shape_

    def __repr__(self) -> str:
        return f"Spread({len(self.levels)} levels)"

    def _inputs(self, X: Table, means: FloatArray) -> FloatArray:
        inputs = encode(self.encoder, self.columns.take(X))
        return np.column_stack([inputs.reshape(len(inputs), -1), means])


# The path that stored students know.
publish(Spread, "skdistill.spread")
