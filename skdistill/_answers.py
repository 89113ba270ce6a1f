"""Answers of fitted distillers."""

from typing import Any

import numpy as np
from scipy.special import log_softmax
from sklearn.utils.metaestimators import available_if

from skdistill._utils.quantiles import interpolate, levels_of, tails_of
from skdistill._utils.types import ArrayLike, FloatArray, Table


class ProbabilitiesMixin:
    """Answers of a student that predicts classes."""

    classes_: np.ndarray
    _outputs: Any

    def predict_proba(self, X: Table) -> FloatArray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        logits = self._outputs(X)
        logits -= logits.max(axis=1, keepdims=True)
        # The exponentials are cheap in float32; the sums are exact to 1 in float64.
        p = np.exp(logits, out=logits).astype(np.float64)
        return p / p.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Table) -> FloatArray:
        """Logarithms of the probabilities, from the logits: never -inf.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return log_softmax(self._outputs(X).astype(np.float64), axis=1)

    def decision_function(self, X: Table) -> FloatArray:
        """Log-odds of the second class, or centred logits for more than two classes.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        logits = self._outputs(X).astype(np.float64)
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits - logits.mean(axis=1, keepdims=True)

    def predict(self, X: Table) -> np.ndarray:
        """The most probable label.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        outputs = self._outputs(X)  # first: it raises NotFittedError before a fit
        return self.classes_[outputs.argmax(axis=1)]


def _tells_quantiles(reg: Any) -> bool:
    """True, or an AttributeError, as for scikit-learn's methods that depend on a parameter."""
    tells = hasattr(reg, "quantiles_") if hasattr(reg, "student_") else reg.head == "quantiles"
    if not tells:
        raise AttributeError(
            "the student tells the mean, and no quantiles: fit with `head='quantiles'`."
        )
    return True


class QuantilesMixin:
    """Answers of a student that predicts numbers, except the numbers themselves."""

    quantiles_: np.ndarray
    target_scaler_: Any
    clip: bool
    _outputs: Any
    _task: Any

    @available_if(_tells_quantiles)
    def predict_quantiles(self, X: Table, quantiles: ArrayLike | None = None) -> FloatArray:
        """Predict quantiles, in the order of `quantiles`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        quantiles : array-like of shape (n_levels,), default=None
            Levels within the range of ``quantiles_``, which is the default. Levels between those
            learned are interpolated.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)

        Raises
        ------
        ValueError
            If the student predicts no quantiles, or a level is outside those learned.
        """
        values = self._quantiles_of(X)
        return interpolate(values, self.quantiles_, levels_of(quantiles, self.quantiles_))

    @available_if(_tells_quantiles)
    def predict_interval(self, X: Table, coverage: float = 0.8) -> FloatArray:
        """Predict an interval that holds the number with a probability of `coverage`.

        Both ends are conformalised quantiles. Each tail has half of the remaining probability.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        coverage : float, default=0.8
            Between 0 and 1, at most the distance between the lowest and highest level learned.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper end.

        Raises
        ------
        ValueError
            If the student predicts no quantiles, or a level is outside those learned.
        """
        values = self._quantiles_of(X)
        return interpolate(values, self.quantiles_, tails_of(coverage, self.quantiles_))

    def _quantiles_of(self, X: Table) -> FloatArray:
        """Quantiles at the levels learned, on the scale of y."""
        outputs = self._outputs(X).astype(np.float64)
        return self._clipped(self._task.quantiles_of(outputs))

    def _clipped(self, values: FloatArray) -> FloatArray:
        scaler = self.target_scaler_
        return np.clip(values, scaler.low_, scaler.high_) if self.clip else values
