"""What is measured on the kept probabilities: of a cell, and over data sets and seeds."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from _fidelity_cells import Job
from sklearn.metrics import roc_auc_score

from skdistill.targets import scale_temperature

N_BINS = 15
DRAWS = 200
SMALLEST = 1e-15
MEASURES = ("accuracy", "log_loss", "auc", "ece", "agreement", "fit_seconds", "us_per_row", "bytes")


@dataclass(frozen=True)
class Results:
    """The cells that are there and not stale.

    Attributes
    ----------
    methods : tuple of Method
    n_estimators : int
    """

    methods: tuple
    n_estimators: int

    @cached_property
    def _methods(self):
        return {method.name: method for method in self.methods}

    def cell(self, data, seed, method):
        """Figures of one cell with its measures; None where it is missing."""
        return _cell(Job(data, seed, self.n_estimators), self._methods[method])

    def together(self, data, methods, seeds):
        """Arrays of the measures of some methods, over the seeds that all of them have.

        Returns
        -------
        dict of str to dict, or None
            By method and measure, and the number of them as "n_seeds". None where no seed has all
            methods.
        """
        rows = [[self.cell(data, seed, method) for method in methods] for seed in seeds]
        rows = [row for row in rows if None not in row]
        if not rows:
            return None
        columns = dict(zip(methods, zip(*rows, strict=True), strict=True))
        return {
            method: {
                "n_seeds": len(cells),
                **{name: np.array([cell[name] for cell in cells]) for name in _common(cells)},
            }
            for method, cells in columns.items()
        }


def _common(cells):
    """The figures that are numbers, in all cells."""
    return [
        name
        for name, value in cells[0].items()
        if all(isinstance(cell.get(name), (int, float)) for cell in cells) and value is not None
    ]


@cache
def _labels(data, seed):
    y = Job(data, seed).split[3]
    return np.unique(y, return_inverse=True)[1]


def _cell(job, method):
    return _measured(job, method.name) if job.is_done(method) else None


@cache
def _measured(job, name):
    figures = job.figures(name)
    if not job.path(name, "npz").exists():
        return figures
    labels, p = _labels(job.data, job.seed), job.probabilities(name)
    figures |= measures(labels, p)
    if job.path("teacher", "npz").exists():
        teacher = job.probabilities("teacher")
        figures["agreement"] = float((p.argmax(axis=1) == teacher.argmax(axis=1)).mean())
        # The error of the difference in log loss, from the rows of one test set.
        difference = row_losses(labels, p) - row_losses(labels, teacher)
        figures["error_of_gain"] = float(difference.std(ddof=1) / len(labels) ** 0.5)
    if name == "teacher":
        sharpened = scale_temperature(np.maximum(p, SMALLEST), figures["temperature"])
        figures["own_temperature_log_loss"] = float(row_losses(labels, sharpened).mean())
    return figures


def measures(labels, p):
    """Accuracy, log loss, AUC, ECE and the ECE that a perfect calibration would have."""
    if p.shape[1] == 2:
        auc = roc_auc_score(labels, p[:, 1])
    else:
        shares = p / p.sum(axis=1, keepdims=True)  # float32 kept them to 1e-7
        auc = roc_auc_score(labels, shares, multi_class="ovr", average="macro")
    confidence = p.max(axis=1)
    right = p.argmax(axis=1) == labels
    return {
        "accuracy": float(right.mean()),
        "log_loss": float(row_losses(labels, p).mean()),
        "auc": float(auc),
        "ece": calibration_error(confidence, right),
        "perfect_ece": perfect_calibration_error(confidence),
    }


def row_losses(labels, p):
    p = np.maximum(p, SMALLEST)
    return np.log(p.sum(axis=1)) - np.log(p[np.arange(len(labels)), labels])


def calibration_error(confidence, right):
    """Expected calibration error of the top label, in bins of equal width."""
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def perfect_calibration_error(confidence):
    """Mean error where the labels are drawn from the probabilities themselves.

    It is above 0, as a test set has but so many rows.
    """
    rng = np.random.default_rng(0)
    draws = rng.random((DRAWS, len(confidence))) < confidence
    return float(np.mean([calibration_error(confidence, right) for right in draws]))


def standard_error(values):
    """Of the mean; NaN of a single value."""
    return np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
