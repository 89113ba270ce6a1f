"""What is measured on the kept probabilities: of a cell, and over data sets and seeds."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from _fidelity_cells import Job
from sklearn.metrics import roc_auc_score

from skdistill.targets import scale_temperature

N_BINS = 15
DRAWS = 200
SMALLEST = 1e-15
MEASURES = (
    "accuracy",
    "log_loss",
    "auc",
    "ece",
    "agreement",
    "fit_seconds",
    "processor_seconds",
    "us_per_row",
    "bytes",
)


@dataclass(frozen=True)
class Results:
    """The cells that are there and not stale.

    Attributes
    ----------
    methods : tuple of Method
    n_estimators : int
    cells : Path
    """

    methods: tuple
    n_estimators: int
    cells: Path

    @cached_property
    def _methods(self):
        return {method.name: method for method in self.methods}

    def job(self, data, seed):
        return Job(data, seed, self.n_estimators, self.cells)

    def cell(self, data, seed, method):
        """Figures of one cell with its measures; None where it is missing, or was skipped."""
        figures = _cell(self.job(data, seed), self._methods[method])
        return None if figures is None or "skipped" in figures else figures

    def skipped(self, data, method):
        """Why a method does not take a data set, seed 0; None where it does."""
        return (_cell(self.job(data, 0), self._methods[method]) or {}).get("skipped")

    def versions(self, data, seeds):
        """Of the packages that methods of their own were measured with, as sorted text."""
        jobs = [self.job(name, seed) for name in data for seed in seeds]
        done = [(job, method) for method in self.methods for job in jobs if job.is_done(method)]
        return sorted(
            {
                f"{name} {job.kept_recipe(method)[name]}"
                for job, method in done
                for name in method.packages
            }
        )

    def together(self, data, methods, seeds):
        """Arrays of the measures of some methods, over the seeds that all of them have.

        Returns
        -------
        dict of str to dict, or None
            By method and measure, and the "seeds" themselves. None where no seed has all methods.
        """
        rows = {seed: [self.cell(data, seed, method) for method in methods] for seed in seeds}
        rows = {seed: row for seed, row in rows.items() if None not in row}
        if not rows:
            return None
        columns = dict(zip(methods, zip(*rows.values(), strict=True), strict=True))
        return {
            method: {
                "seeds": tuple(rows),
                **{name: np.array([cell[name] for cell in cells]) for name in _common(cells)},
            }
            for method, cells in columns.items()
        }

    def is_worth_it(self, data, seeds):
        """Whether the teacher beats the control by more than 2 standard errors in log loss.

        The difference is paired over the test rows, those of all seeds in one.
        """
        return _is_clearly_lower("teacher", "control", [self.job(data, seed) for seed in seeds])


def _is_clearly_lower(name, other, jobs):
    gain = np.concatenate([_row_losses(job, other) - _row_losses(job, name) for job in jobs])
    return bool(gain.mean() > 2 * gain.std(ddof=1) / len(gain) ** 0.5)


@cache
def _row_losses(job, name):
    return row_losses(_labels(job.data, job.seed), job.probabilities(name))


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
