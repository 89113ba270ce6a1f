"""How often numbers are below each quantile."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill._utils.weights import check_weights
from skdistill.inspection._display import Display, plot_calibration
from skdistill.inspection._models import subject_of, transformed
from skdistill.metrics._quantiles import check_quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class QuantileDisplay(Display):
    """The share of rows at or below each quantile, by the quantile's level.

    Parameters
    ----------
    shares : ndarray of shape (n_levels,)
        Share of the rows whose number is at or below the quantile.
    levels : ndarray of shape (n_levels,)
        Where the quantiles are calibrated, the shares are these.
    name : str, default=None
        Of the model, for the legend.

    Attributes
    ----------
    line_ : matplotlib Artist
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    ReliabilityDisplay : The same for classes.
    skdistill.metrics.interval_coverage : The share of rows in an interval.

    References
    ----------
    .. [1] Gneiting, Balabdaoui and Raftery (2007). Probabilistic Forecasts, Calibration and
       Sharpness. https://doi.org/10.1111/j.1467-9868.2007.00587.x
    """

    def __init__(self, shares: FloatArray, levels: FloatArray, *, name: str | None = None) -> None:
        self.shares = shares
        self.levels = levels
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        y: ArrayLike,
        *,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "QuantileDisplay":
        """Ask a student for its quantiles, and plot.

        Parameters
        ----------
        estimator : DistilledRegressor, or a Pipeline that ends in one
            With ``head="quantiles"``.
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        name : str, default=None
            None takes "student".
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        QuantileDisplay

        Raises
        ------
        ValueError
            If the student tells no quantiles.
        """
        reg, steps = subject_of(estimator)
        levels = getattr(reg, "quantiles_", None)
        if levels is None:
            raise ValueError("`estimator` tells no quantiles: fit it with `head='quantiles'`.")
        told = reg.predict_quantiles(transformed(steps, X))
        name = "student" if name is None else name
        return cls.from_predictions(y, told, levels, name=name, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_quantiles: ArrayLike,
        quantiles: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "QuantileDisplay":
        """Plot quantiles against the truth.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
        y_quantiles : array-like of shape (n_samples, n_levels)
        quantiles : array-like of shape (n_levels,)
            Their levels, in (0, 1).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        name : str, default=None
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        QuantileDisplay
        """
        y, told, levels = check_quantiles(y_true, y_quantiles, quantiles)
        weight = check_weights(sample_weight, len(y))
        shares = np.average(y[:, None] <= told, axis=0, weights=weight)
        return cls(shares, levels, name=name).plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "QuantileDisplay":
        """Plot the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        QuantileDisplay
        """
        ax = self._prepare(ax)
        self.line_ = plot_calibration(ax, self.levels, self.shares, self.name, kwargs)
        ax.set(xlabel="level of the quantile", ylabel="share of rows at or below it")
        ax.legend(frameon=False, loc="upper left")
        return self
