"""What a search tells of its candidates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from skdistill._search.grid import Grid
from skdistill._utils.auto import is_auto
from skdistill._utils.types import Estimator


@dataclass(frozen=True)
class Outcome:
    """A candidate in a fold.

    Attributes
    ----------
    score : float
    seconds : float
    error : Exception or None, default=None
        What its fit, or the scorer, has raised.
    alpha, temperature : float, default=nan
        By which its student was trained.
    kept : str, default=""
        "student" or "control".
    """

    score: float
    seconds: float
    error: Exception | None = None
    alpha: float = np.nan
    temperature: float = np.nan
    kept: str = ""


def summary_of(estimator: Estimator) -> dict[str, Any]:
    """What a fitted candidate says of its student."""
    whos = [one["who"] for one in estimator.trials_ if one["is_kept"]]
    return {
        "alpha": estimator.alpha_,
        "temperature": getattr(estimator, "temperature_", 1.0),
        "kept": whos[-1] if whos else "student",
    }


def results_of(grid: Grid, outcomes: list[list[Outcome]]) -> dict[str, Any]:
    """The `cv_results_` of a search.

    Parameters
    ----------
    grid : Grid
    outcomes : list of list of Outcome
        By fold, then by candidate.

    Returns
    -------
    dict of str to ndarray
    """
    found: dict[str, Any] = {}
    seconds = np.array([[one.seconds for one in fold] for fold in outcomes])
    found["mean_fit_time"], found["std_fit_time"] = seconds.mean(axis=0), seconds.std(axis=0)
    for name in grid.names:
        values = [candidate[name] for candidate in grid.candidates]
        kind = object if any(isinstance(value, str) for value in values) else None
        found[f"param_{name}"] = np.ma.MaskedArray(np.array(values, dtype=kind), mask=False)
    found["params"] = grid.candidates
    for number, fold in enumerate(outcomes):
        for name in ("alpha", "temperature", "kept"):
            found[f"split{number}_{name}"] = np.array([getattr(one, name) for one in fold])
    kept = np.array([[one.kept for one in fold] for fold in outcomes])
    is_open = [is_auto(grid.make(candidate).alpha) for candidate in grid.candidates]
    found["n_fell_back"] = (kept == "control").sum(axis=0) * np.array(is_open)
    scores = np.array([[one.score for one in fold] for fold in outcomes], dtype=float)
    found |= {f"split{number}_test_score": of_fold for number, of_fold in enumerate(scores)}
    found["mean_test_score"], found["std_test_score"] = scores.mean(axis=0), scores.std(axis=0)
    found["rank_test_score"] = _ranks(found["mean_test_score"])
    return found


def _ranks(scores: np.ndarray) -> np.ndarray:
    """1 is the highest; a score that is not known comes last."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    return rankdata(-known, method="min").astype(np.int32)
