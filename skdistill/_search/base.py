"""The search itself: candidates, folds, and the choice among them."""

import time
import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from skdistill._best import BestEstimator
from skdistill._fit.inputs import Arguments
from skdistill._fit.several import fit_several
from skdistill._search.grid import Grid, check_shared, check_student
from skdistill._search.results import Outcome, results_of, summary_of
from skdistill._search.scoring import score_of, usual_scorer
from skdistill._utils._compat import Interval, StrOptions, safe_indexing
from skdistill._utils.auto import alpha_chosen_by
from skdistill._utils.types import ArrayLike, Split, Table
from skdistill._utils.warn import naming, once_each
from skdistill.teacher import check_groups, find_splits, take_rows

GRID = ["array-like", None]


class BaseSearch(BestEstimator):
    """A grid of candidates, judged in folds, that share teachers, labels and synthetic rows."""

    _distiller: ClassVar[Any]
    _parameter_constraints: ClassVar[dict] = {
        "alphas": GRID,
        "learning_rates": GRID,
        "weight_decays": GRID,
        "seeds": GRID,
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "refit": ["boolean"],
        "error_score": [Real, StrOptions({"raise"})],
        "n_jobs": [Interval(Integral, 1, None, closed="left"), None],
        "verbose": ["verbose"],
    }
    # Only classes have one.
    temperatures: Any = None

    def __init__(
        self,
        estimator: Any,
        *,
        alphas: ArrayLike | None = (0.1, 0.3, 0.5, 0.7, 0.9),
        learning_rates: ArrayLike | None = None,
        weight_decays: ArrayLike | None = None,
        seeds: ArrayLike | None = None,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        error_score: float | str = np.nan,
        n_jobs: int | None = None,
        verbose: int | bool = 0,
    ):
        self.estimator = estimator
        self.alphas = alphas
        self.learning_rates = learning_rates
        self.weight_decays = weight_decays
        self.seeds = seeds
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.error_score = error_score
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Table, y: ArrayLike, **fit_params: Any) -> Self:
        """Judge all candidates in folds, and fit the best on all rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        **fit_params : dict
            Arguments of the estimator's ``fit``, such as `sample_weight`, `groups` or
            `X_transfer`. Those with one value for each row of X are reduced to the rows of each
            fold. No group is in two folds. `sample_weight` weighs rows in the scores as well, if
            `scoring` takes it.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or an input is not valid. If all candidates fail, the error of the first.
        TypeError
            If `estimator` is of another class.
        """
        self._forget()
        self._validate_params()
        self._check_estimator()
        with naming(type(self).__name__):
            return self._search(X, y, self._routed(fit_params), fit_params.get("groups"))

    def _check_estimator(self) -> None:
        name = self._distiller.__name__
        if not isinstance(self.estimator, self._distiller):
            raise TypeError(f"`estimator` must be a {name}, got {self.estimator!r}.")
        check_shared(self.estimator)
        check_student(self.estimator.student, self.learning_rates, self.weight_decays, self.seeds)

    def _search(self, X: Table, y: ArrayLike, fit_params: dict[str, Any], groups: Any) -> Self:
        X, truth = self._checked(X, y)
        if truth is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: the "
                "candidates are judged by labels."
            )
        grid = Grid.of(self)
        has_classes = self.estimator._kind.has_classes
        folds = find_splits(self.cv, X, truth, check_groups(groups, X), has_classes)
        self.scorer_ = self._find_scorer()
        self.n_splits_ = len(folds)
        outcomes = []
        for number, fold in enumerate(folds, 1):
            self._say(f"fold {number} of {len(folds)}: {len(grid.candidates)} candidates")
            outcomes.append(self._judge(grid, X, truth, fit_params, fold))
        self._choose(grid, outcomes)
        if self.refit:
            self._say(f"fitting the best on all {len(truth)} rows: {self.best_params_}")
            best = grid.make(self.best_params_)
            started = time.perf_counter()
            with alpha_chosen_by(None if self.alphas is None else type(self).__name__):
                self.best_estimator_ = best.fit(X, truth, **fit_params)
            self.refit_time_ = time.perf_counter() - started
        return self

    def _judge(
        self, grid: Grid, X: Table, y: np.ndarray, fit_params: dict[str, Any], fold: Split
    ) -> list[Outcome]:
        """Fit all candidates on the rows of a fold, and score them on the others."""
        train, test = fold
        estimators = [grid.make(params) for params in grid.candidates]
        for estimator in estimators:
            estimator.set_params(verbose=max(0, int(self.verbose) - 1))
        cut = take_rows(fit_params, train, len(y))
        arguments = Arguments.of(safe_indexing(X, train), y[train], cut)
        started = time.perf_counter()
        with once_each():
            errors = fit_several(estimators, arguments, self.n_jobs)
        seconds = (time.perf_counter() - started) / len(estimators)
        weight = fit_params.get("sample_weight")
        weight = None if weight is None or np.ndim(weight) == 0 else np.asarray(weight)[test]
        rows = safe_indexing(X, test), y[test], weight
        return [
            self._outcome(one, error, rows, seconds)
            for one, error in zip(estimators, errors, strict=True)
        ]

    def _outcome(
        self, estimator: Any, error: Exception | None, rows: tuple, seconds: float
    ) -> Outcome:
        """The score of a candidate on the rows of a fold that it has not seen."""
        try:
            if error is not None:
                raise error
            score = score_of(self.scorer_, estimator, *rows)
        except Exception as raised:
            if isinstance(self.error_score, str):  # "raise"
                raise
            # The other candidates are compared all the same.
            return Outcome(self.error_score, seconds, raised)
        return Outcome(score, seconds, **summary_of(estimator))

    def _choose(self, grid: Grid, outcomes: list[list[Outcome]]) -> None:
        failed = [one.error for fold in outcomes for one in fold if one.error is not None]
        if len(failed) == len(outcomes) * len(grid.candidates):
            raise failed[0]
        if failed:
            warnings.warn(
                f"{type(self).__name__}: {len(failed)} fits or scores failed, and are "
                f"{self.error_score}. The first failed with: {failed[0]}",
                FitFailedWarning,
                stacklevel=2,
            )
        self.cv_results_ = results_of(grid, outcomes)
        self.best_index_ = int(self.cv_results_["rank_test_score"].argmin())
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        self.best_params_ = grid.candidates[self.best_index_]

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing: `estimator` and a splitter as `cv` are given what they request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        router = super().get_metadata_routing()
        if hasattr(self.cv, "get_metadata_routing"):
            mapping = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=self.cv, method_mapping=mapping)
        return router

    def _find_scorer(self) -> Any:
        if self.scoring is None:
            return usual_scorer(self.estimator)
        return check_scoring(self.estimator, self.scoring)

    def _say(self, text: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {text}", flush=True)
