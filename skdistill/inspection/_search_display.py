"""The score of a search's candidates."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skdistill._utils.types import Estimator
from skdistill.inspection._display import Display

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer

# What the axis is called, by parameter.
LABELS = {
    "temperature": "temperature",
    "alpha": "alpha, the weight of the labels",
    "student__learning_rate": "learning rate",
    "student__lr": "learning rate",
    "student__weight_decay": "weight decay",
    "student__optimizer__weight_decay": "weight decay",
    "student__random_state": "seed",
}
ON_A_LOGARITHM = ("temperature", "student__learning_rate", "student__lr")


class SearchDisplay(Display):
    """Mean score over folds against a parameter, with a line for each value of another.

    Parameters
    ----------
    scores : DataFrame
        Columns "x", "line" (None where there is one), "mean" and "error", the standard error of the
        mean over the folds. Of candidates that differ in other parameters, the best one's.
    x : str
        The parameter along the axis.
    line : str, default=""
        The parameter of the lines; "" where there is one line.
    score : str, default="mean test score"
        What it is called.

    Attributes
    ----------
    lines_ : list of matplotlib ErrorbarContainer
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(
        self, scores: pd.DataFrame, *, x: str, line: str = "", score: str = "mean test score"
    ) -> None:
        self.scores = scores
        self.x = x
        self.line = line
        self.score = score

    @classmethod
    def from_estimator(
        cls,
        search: Estimator,
        *,
        x: str | None = None,
        line: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "SearchDisplay":
        """Plot the scores of a fitted search.

        Parameters
        ----------
        search : DistilledClassifierCV or DistilledRegressorCV
        x, line : str, default=None
            Parameters, as in `best_params_`. None takes the first and the second.
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``errorbar``.

        Returns
        -------
        SearchDisplay

        Raises
        ------
        ValueError
            If the search did not try values of such a parameter.
        """
        if not hasattr(search, "cv_results_") or not hasattr(search, "best_params_"):
            raise ValueError(
                "`search` must be a fitted DistilledClassifierCV or DistilledRegressorCV, got "
                f"{type(search).__name__}."
            )
        names = list(search.best_params_)
        x = names[0] if x is None else x
        others = [name for name in names if name != x]
        line = (others or [""])[0] if line is None else line
        unknown = [name for name in (x, line) if name and name not in names]
        if unknown:
            raise ValueError(
                f"the search did not try values of `{unknown[0]}`, only of {names}: take one of "
                "them as `x` or `line`."
            )
        scores = _scores_of(search, x, line)
        score = f"{_name_of(search)}, mean of {search.n_splits_} folds (higher is better)"
        return cls(scores, x=x, line=line, score=score).plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "SearchDisplay":
        """Plot a line for each value, with its standard errors.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``errorbar``.

        Returns
        -------
        SearchDisplay
        """
        ax = self._prepare(ax)
        self.lines_: list[ErrorbarContainer] = []
        for value, rows in self.scores.groupby("line", sort=False, dropna=False):
            label = f"{self.line.removeprefix('student__')} {value}" if self.line else None
            style: dict[str, Any] = {"marker": "o", "capsize": 2, "label": label} | kwargs
            self.lines_.append(ax.errorbar(rows["x"], rows["mean"], yerr=rows["error"], **style))
        numbers = pd.to_numeric(self.scores["x"], errors="coerce")
        if self.x in ON_A_LOGARITHM and (numbers > 0).all():
            ax.set_xscale("log")
            ax.set_xticks(sorted(set(numbers)), [f"{one:g}" for one in sorted(set(numbers))])
            ax.minorticks_off()
        ax.set_xlabel(LABELS.get(self.x, self.x))
        ax.set_ylabel(self.score)
        if self.line:
            ax.legend(frameon=False)
        return self


def _name_of(search: Estimator) -> str:
    """What the scores are called."""
    if isinstance(search.scoring, str):
        return search.scoring
    return "score" if search.scoring is not None else search.scorer_.__name__


def _scores_of(search: Estimator, x: str, line: str) -> pd.DataFrame:
    """The best candidate for each value of `x` and `line`, in the order of the search."""
    results, n_folds = search.cv_results_, search.n_splits_
    folds = np.array([results[f"split{number}_test_score"] for number in range(n_folds)])
    spread = folds.std(axis=0, ddof=1) if n_folds > 1 else np.zeros(folds.shape[1])
    table = pd.DataFrame(
        {
            "x": [one[x] for one in results["params"]],
            "line": [one[line] if line else None for one in results["params"]],
            "mean": results["mean_test_score"],
            "error": spread / n_folds**0.5,
        }
    )
    ranked = table.sort_values("mean", ascending=False, kind="stable")
    best = ranked.drop_duplicates(["x", "line"]).sort_index()
    order = list(dict.fromkeys(table["line"]))
    places = best["line"].map(lambda value: order.index(value))
    # A number among words, such as "auto", has no place on the axis but its own name.
    if any(isinstance(value, str) for value in best["x"]):
        best = best.assign(x=[str(value) for value in best["x"]])
        return best.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)
    return (
        best.assign(place=places)
        .sort_values(["place", "x"])
        .drop(columns="place")
        .reset_index(drop=True)
    )
