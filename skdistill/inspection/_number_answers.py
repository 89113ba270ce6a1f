"""Numbers, or quantiles of one, that models told on the rows of a report."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from skdistill._utils.quantiles import interpolate, tails_of
from skdistill._utils.types import FloatArray, IntArray
from skdistill.inspection._answers import Answers, Part
from skdistill.inspection._bootstrap import Measured, Resampling, row_means
from skdistill.inspection._models import PREVIOUS, STUDENT, TEACHER
from skdistill.inspection._words import amount
from skdistill.metrics._churn import TOLERANCE, has_moved
from skdistill.metrics._quantiles import row_crps

COVERAGES = (0.8, 0.9)


@dataclass
class NumberAnswers(Answers):
    """Numbers.

    Attributes
    ----------
    y : ndarray of shape (n_rows, n_targets)
    weight : ndarray of shape (n_rows,)
    predictions : dict of str to ndarray of shape (n_rows, n_targets)
    units : ndarray of shape (n_targets,)
        What targets are divided by before they are put together, as of :func:`units_of`.
    """

    y: FloatArray
    weight: FloatArray
    predictions: dict[str, FloatArray]
    units: FloatArray

    losses = {"rmse": "RMSE"}  # noqa: RUF012 - no field
    plot = "residuals"

    @property
    def by_model(self) -> dict[str, FloatArray]:
        """The numbers; see the base."""
        return self.predictions

    @property
    def summary(self) -> str:
        """Rows, and how many targets; see the base."""
        n_targets = self.y.shape[1]
        if n_targets == 1:
            return f"{len(self):,} rows, one target"
        return f"{len(self):,} rows, {n_targets} targets, each divided by its standard deviation"

    def score(self, model: str, resampling: Resampling) -> Measured:
        """RMSE, MAE and R2; see the base."""
        return score_numbers(self.y / self.units, self.middle(model), self.weight, resampling)

    def score_part(self, model: str, resampling: Resampling) -> Measured:
        """MAE and RMSE; see the base."""
        return self.score(model, resampling).without("r2")

    def take(self, where: IntArray) -> Self:
        """The answers for some rows; see the base."""
        answers = {name: told[where] for name, told in self.predictions.items()}
        return replace(self, y=self.y[where], weight=self.weight[where], predictions=answers)

    def nearness(self, model: str, resampling: Resampling) -> Measured:
        """RMSE and R2 of a model, the teacher's numbers in the place of y; see the base."""
        teacher, told = self.middle(TEACHER), self.middle(model)
        found = score_numbers(teacher, told, self.weight, resampling).without("mae")
        found = found.named({"rmse": "rmse_to_teacher", "r2": "r2_to_teacher"})
        found.add("largest_gap", largest_gap(told - teacher, self.weight))
        return found

    def tolerance(self) -> FloatArray:
        """A share of the standard deviations of the previous student's numbers; see the base."""
        old, weight = self.middle(PREVIOUS), self.weight
        apart = old - np.average(old, axis=0, weights=weight)
        return TOLERANCE * np.sqrt(np.average(apart**2, axis=0, weights=weight))

    def changes(self, resampling: Resampling, tolerance: FloatArray | None) -> Measured:
        """Share of rows whose number moved, and mean distance; see the base."""
        assert tolerance is not None
        moved = has_moved(self.middle(PREVIOUS), self.middle(STUDENT), tolerance)
        columns = {"churn": moved * 1.0, "mean_move": np.abs(self._moves()).mean(axis=1)}
        found = row_means(columns, self.weight, resampling)
        most = ", ".join(amount(one) for one in tolerance.tolist())
        found.notes["churn"] = f"a number has changed if it moved by more than {most}"
        return found

    def _moves(self) -> FloatArray:
        """How far each number is from the previous student's."""
        return self.middle(STUDENT) - self.middle(PREVIOUS)

    def middle(self, model: str) -> FloatArray:
        """What a model tells in the middle, in units, of shape (n_rows, n_targets)."""
        return self.predictions[model] / self.units

    def plotted(self, model: str) -> FloatArray:
        """The numbers of all targets; see the base."""
        return self.middle(model).ravel()

    def parts(self) -> list[Part]:
        """Each target, where there are several, in its own unit; see the base."""
        if self.y.shape[1] == 1:
            return []
        parts = []
        for k in range(self.y.shape[1]):
            told = {name: numbers[:, [k]] for name, numbers in self.predictions.items()}
            alone = NumberAnswers(self.y[:, [k]], self.weight, told, np.ones(1))
            parts.append(Part("targets", "target", str(k), alone))
        return parts

    def as_dict(self) -> dict[str, Any]:
        """How many targets; see the base."""
        return {"n_targets": self.y.shape[1]}


@dataclass
class QuantileAnswers(NumberAnswers):
    """Quantiles of one number.

    Attributes
    ----------
    y : ndarray of shape (n_rows, 1)
    weight : ndarray of shape (n_rows,)
    predictions : dict of str to ndarray of shape (n_rows, n_levels)
        In ascending order.
    levels : ndarray of shape (n_levels,)
    """

    levels: FloatArray

    losses = {"crps": "CRPS"}  # noqa: RUF012 - no field
    plot = "quantiles"

    @property
    def summary(self) -> str:
        """Rows and levels; see the base."""
        return f"{len(self):,} rows, quantiles at {len(self.levels)} levels"

    def score(self, model: str, resampling: Resampling) -> Measured:
        """CRPS, MAE of the median, coverage and width of intervals; see the base."""
        told, y = self.predictions[model], self.y[:, 0]
        columns = {"crps": row_crps(y, told, self.levels)}
        columns["mae"] = np.abs(y - self.middle(model)[:, 0])
        for name, tails in self._intervals.items():
            low, high = interpolate(told, self.levels, tails).T
            columns[f"coverage_{name}"] = ((low <= y) & (y <= high)) * 1.0
            columns[f"width_{name}"] = high - low
        return row_means(columns, self.weight, resampling)

    def score_part(self, model: str, resampling: Resampling) -> Measured:
        """CRPS, and coverage and width of the first interval; see the base."""
        others = list(self._intervals)[1:]
        unshown = [f"{what}_{name}" for what in ("coverage", "width") for name in others]
        return self.score(model, resampling).without("mae", *unshown)

    def nearness(self, model: str, resampling: Resampling) -> Measured:
        """Distance of the quantiles from the teacher's; see the base."""
        apart = self.predictions[model] - self.predictions[TEACHER]
        squares = row_means({"rmse_to_teacher": np.mean(apart**2, axis=1)}, self.weight, resampling)
        found = Measured(_roots(squares.values), _roots(squares.draws))
        found.add("largest_gap", largest_gap(apart, self.weight))
        return found

    def _moves(self) -> FloatArray:
        """How far each quantile is from the previous student's."""
        return self.predictions[STUDENT] - self.predictions[PREVIOUS]

    def middle(self, model: str) -> FloatArray:
        """The median of each row; see :meth:`NumberAnswers.middle`."""
        return median_of(self.predictions[model], self.levels)

    def as_dict(self) -> dict[str, Any]:
        """The levels; see the base."""
        return super().as_dict() | {"levels": self.levels.tolist()}

    @property
    def _intervals(self) -> dict[str, FloatArray]:
        """The levels of the usual intervals, as far as they were learned, else of the widest."""
        widest = 2 * min(0.5 - self.levels[0], self.levels[-1] - 0.5)
        known = [c for c in COVERAGES if c <= widest + 1e-9] or [widest]
        return {f"{round(100 * c)}": tails_of(c, self.levels) for c in known if c > 0}


def score_numbers(
    y: FloatArray, told: FloatArray, weight: FloatArray, resampling: Resampling
) -> Measured:
    """RMSE, MAE and R2, each the mean over the targets, and those of each resample.

    Parameters
    ----------
    y, told : ndarray of shape (n_rows, n_targets)
    weight : ndarray of shape (n_rows,)
    resampling : Resampling

    Returns
    -------
    Measured
    """
    centre = np.average(y, axis=0, weights=weight) if weight.any() else y.mean(axis=0)
    apart, centred = told - y, y - centre
    targets = range(y.shape[1])
    columns = {"mae": np.mean(np.abs(apart), axis=1)}
    for k in targets:
        columns |= {f"error{k}": apart[:, k] ** 2, f"y{k}": centred[:, k]}
        columns[f"square{k}"] = centred[:, k] ** 2
    means = row_means(columns, weight, resampling)

    def scores(found: dict[str, Any]) -> dict[str, Any]:
        errors = [found[f"error{k}"] for k in targets]
        spreads = [found[f"square{k}"] - found[f"y{k}"] ** 2 for k in targets]
        with np.errstate(divide="ignore", invalid="ignore"):
            pairs = zip(errors, spreads, strict=True)
            shares = [error / np.where(spread > 0, spread, np.nan) for error, spread in pairs]
        rmse = np.mean(np.sqrt(errors), axis=0)
        return {"rmse": rmse, "mae": found["mae"], "r2": 1 - np.mean(shares, axis=0)}

    values = {name: float(value) for name, value in scores(means.values).items()}
    constant = "y is" if len(targets) == 1 else "a target is"
    notes = {} if np.isfinite(values["r2"]) else {"r2": f"R2 is not known: {constant} constant"}
    return Measured(values, scores(means.draws), notes)


def largest_gap(apart: FloatArray, weight: FloatArray) -> float:
    """The largest distance on rows that weigh anything."""
    return float(np.abs(apart[weight > 0]).max(initial=0.0))


def units_of(y: FloatArray, weight: FloatArray) -> FloatArray:
    """What targets are divided by: a single one by 1, several by their standard deviations."""
    if y.shape[1] == 1:
        return np.ones(1)
    spread = np.sqrt(np.cov(y.T, ddof=0, aweights=weight).diagonal())
    return np.where(spread > 0, spread, 1.0)


def median_of(told: FloatArray, levels: FloatArray) -> FloatArray:
    """The medians of quantiles, of shape (n_rows, 1)."""
    return interpolate(told, levels, np.array([0.5]))


def _roots(found: dict[str, Any]) -> dict[str, Any]:
    return {name: np.sqrt(value) for name, value in found.items()}
