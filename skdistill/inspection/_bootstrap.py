"""Scores of several models on the same rows, with a paired bootstrap over the rows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.utils import check_random_state

from skdistill._utils.types import BoolArray, FloatArray, IntArray, RandomState
from skdistill.metrics import expected_calibration_error
from skdistill.metrics._probabilities import TINY, confidence_bins

ECE_BINS = 15
# Cells of a block of resamples: some 30 MB.
BLOCK_CELLS = 4_000_000
# With fewer rows a resample is too often made of one or two of them to say how sure a score is.
LEAST_ROWS = 20


@dataclass
class Measured:
    """Statistics of one model on the rows and on each resample of them.

    Attributes
    ----------
    values : dict of str to float
    draws : dict of str to ndarray of shape (n_resamples,)
    notes : dict of str to str
        What to know of a value: why it is NaN.
    """

    values: dict[str, float]
    draws: dict[str, FloatArray]
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Add a value that has no resamples."""
        self.values[name] = value

    def without(self, *names: str) -> "Measured":
        """All but these."""
        kept = ({k: v for k, v in one.items() if k not in names} for one in self._dicts)
        return Measured(*kept)

    def named(self, names: dict[str, str]) -> "Measured":
        """The same under other names."""
        called = ({names.get(k, k): v for k, v in one.items()} for one in self._dicts)
        return Measured(*called)

    @property
    def _dicts(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        return self.values, self.draws, self.notes

    def __sub__(self, other: "Measured") -> "Measured":
        """The differences from another model, on the same rows and resamples."""
        return Measured(
            {name: value - other.values[name] for name, value in self.values.items()},
            {name: draws - other.draws[name] for name, draws in self.draws.items()},
            {name: note for name, note in self.notes.items() if np.isnan(self.values[name])},
        )


@dataclass(frozen=True)
class Resampling:
    """Which rows each resample takes; the same for all that is measured on as many rows.

    Attributes
    ----------
    n_resamples : int
    seed : int
    """

    n_resamples: int
    seed: int

    @classmethod
    def drawn_by(cls, random_state: RandomState, n_resamples: int) -> "Resampling":
        """Resamples whose seed is drawn."""
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        return cls(int(n_resamples), int(seed))

    def sums(self, columns: FloatArray) -> FloatArray:
        """Sum each column over the rows of each resample.

        Parameters
        ----------
        columns : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_resamples, n_columns)
        """
        n_rows = len(columns)
        if n_rows < LEAST_ROWS or not self.n_resamples:
            return np.empty((0, columns.shape[1]))
        rng = np.random.default_rng(self.seed)
        size = max(1, BLOCK_CELLS // n_rows)
        starts = range(0, self.n_resamples, size)
        blocks = [min(size, self.n_resamples - start) for start in starts]
        return np.concatenate([_counts(rng, n, n_rows) @ columns for n in blocks])


def _counts(rng: np.random.Generator, n_resamples: int, n_rows: int) -> FloatArray:
    """How often each resample takes each row."""
    drawn = rng.integers(n_rows, size=(n_resamples, n_rows))
    drawn += n_rows * np.arange(n_resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n_resamples * n_rows)
    return counts.reshape(n_resamples, n_rows).astype(np.float64)


def spread(draws: FloatArray) -> float:
    """Standard error from resamples; NaN where there are none."""
    draws = draws[np.isfinite(draws)]
    return float(draws.std(ddof=1)) if len(draws) > 1 else np.nan


def interval(draws: FloatArray, level: float) -> tuple[float, float]:
    """The percentile interval of resamples; NaN where there are none."""
    draws = draws[np.isfinite(draws)]
    if len(draws) < 2:
        return np.nan, np.nan
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def row_means(
    columns: dict[str, FloatArray], weight: FloatArray, resampling: Resampling
) -> Measured:
    """Weighted means of columns of per-row values.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    resampling : Resampling

    Returns
    -------
    Measured
    """
    matrix = np.column_stack([*columns.values(), np.ones(len(weight))]) * weight[:, None]
    sums, total = resampling.sums(matrix), matrix.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws, values = sums[:, :-1] / sums[:, -1:], total[:-1] / total[-1]
    return Measured(
        dict(zip(columns, values.tolist(), strict=True)), dict(zip(columns, draws.T, strict=True))
    )


def row_losses(labels: IntArray, p: FloatArray) -> dict[str, FloatArray]:
    """Hit, log loss of each row; the means of sklearn's accuracy and log loss.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows,)
        Column of the true class.
    p : ndarray of shape (n_rows, n_classes)

    Returns
    -------
    dict of str to ndarray of shape (n_rows,)
    """
    true = np.clip(p[np.arange(len(labels)), labels], TINY, 1 - TINY)
    return {"accuracy": (p.argmax(axis=1) == labels) * 1.0, "log_loss": -np.log(true)}


def score(labels: IntArray, p: FloatArray, weight: FloatArray, resampling: Resampling) -> Measured:
    """The scores of one model, by scikit-learn, and those of each resample.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows,)
        Column of the true class.
    p : ndarray of shape (n_rows, n_classes)
    weight : ndarray of shape (n_rows,)
    resampling : Resampling

    Returns
    -------
    Measured
    """
    classes = np.arange(p.shape[1])
    kind = {"labels": classes, "sample_weight": weight}
    squares = np.square(p - np.eye(len(classes))[labels]).sum(axis=1)
    columns = row_losses(labels, p) | {"brier": squares / (2 if len(classes) == 2 else 1)}
    measured = row_means(columns, weight, resampling)
    measured.values = {
        "accuracy": float(accuracy_score(labels, p.argmax(axis=1), sample_weight=weight)),
        "log_loss": float(log_loss(labels, p, **kind)),
        "brier": float(brier_score_loss(labels, p, **kind)),
        "ece": expected_calibration_error(labels, p, n_bins=ECE_BINS, **kind),
    }
    _add_calibration_draws(measured, labels, p, weight, resampling)
    _add_auc(measured, labels, p, weight, resampling)
    return measured


def _add_calibration_draws(
    measured: Measured,
    labels: IntArray,
    p: FloatArray,
    weight: FloatArray,
    resampling: Resampling,
) -> None:
    confidence = p.max(axis=1)
    gaps = weight * ((p.argmax(axis=1) == labels) - confidence)
    binned = np.zeros((len(labels), ECE_BINS + 1))
    binned[np.arange(len(labels)), confidence_bins(confidence, ECE_BINS)] = gaps
    binned[:, -1] = weight
    sums = resampling.sums(binned)
    draws = np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1]
    if len(draws):  # a resample has more noise in its bins: its error is too high by that
        draws = np.maximum(draws - draws.mean() + measured.values["ece"], 0)
    measured.draws["ece"] = draws


def _add_auc(
    measured: Measured,
    labels: IntArray,
    p: FloatArray,
    weight: FloatArray,
    resampling: Resampling,
) -> None:
    present = np.bincount(labels, weight, minlength=p.shape[1]) > 0
    if not present.all():
        measured.values["auc"] = np.nan
        measured.draws["auc"] = np.full(resampling.n_resamples, np.nan)
        measured.notes["auc"] = (
            f"AUC is not known: y has no row of {np.sum(~present)} of {len(present)} classes"
        )
        return
    if p.shape[1] == 2:
        value = roc_auc_score(labels, p[:, 1], sample_weight=weight)
    else:
        value = roc_auc_score(labels, p, multi_class="ovr", sample_weight=weight)
    measured.values["auc"] = float(value)
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    draws = [_auc_draws(labels == k, p[:, k], weight, resampling) for k in classes]
    measured.draws["auc"] = np.minimum(np.mean(draws, axis=0), 1)


def _auc_draws(
    positive: BoolArray, scores: FloatArray, weight: FloatArray, resampling: Resampling
) -> FloatArray:
    """AUC of each resample, to first order: rows keep their share of the other side's rows.

    That is the structural components of DeLong et al. (1988), resampled; ranking anew in each of a
    thousand resamples would take a hundred times as long.
    """
    share = np.empty(len(scores))
    share[positive] = _share_below(scores[positive], scores[~positive], weight[~positive])
    share[~positive] = 1 - _share_below(scores[~positive], scores[positive], weight[positive])
    parts = [share * positive, share * ~positive, positive, ~positive]
    columns = np.column_stack(parts) * weight[:, None]
    total, sums = columns.sum(axis=0), resampling.sums(columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[:, 0] / sums[:, 2] + sums[:, 1] / sums[:, 3] - total[0] / total[2]


def _share_below(scores: FloatArray, others: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted share of `others` below each score, ties counted by half."""
    order = np.argsort(others)
    cumulated = np.concatenate([[0.0], np.cumsum(weight[order])])
    below = cumulated[np.searchsorted(others[order], scores, side="left")]
    not_above = cumulated[np.searchsorted(others[order], scores, side="right")]
    return (below + not_above) / (2 * cumulated[-1])
