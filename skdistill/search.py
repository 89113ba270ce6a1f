"""Search over the training parameters of a student, at the price of its trainings."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from skdistill._search.base import GRID, BaseSearch
from skdistill._utils.types import ArrayLike
from skdistill.classifier import DistilledClassifier
from skdistill.regressor import DistilledRegressor


class DistilledClassifierCV(ClassifierMixin, BaseSearch):
    r"""Search over temperature, `alpha` and the student's optimizer, by cross-validation.

    In each fold, teachers are fitted once, rows are drawn, labelled and encoded once, and the
    students of all candidates are trained in parallel. Each candidate gets the same result as in
    its own fit under :class:`~sklearn.model_selection.GridSearchCV`.

    Parameters
    ----------
    estimator : DistilledClassifier
        Cloned for each candidate. Parameters without a grid stay as they are.
    temperatures : array-like of (float or "auto"), default=(1.0, 2.0, 4.0, 8.0)
        Of `temperature`. None leaves it.
    alphas : array-like of (float or "auto"), default=(0.1, 0.3, 0.7)
        Of `alpha`, the weight of the labels. None leaves it.
    learning_rates : array-like of float, default=None
        Of the student's `learning_rate`; of a skorch net, of its `lr`. None leaves it.
    weight_decays : array-like of float, default=None
        Of the student's `weight_decay`; of a skorch net, of ``optimizer__weight_decay``. None
        leaves it.
    seeds : array-like of int, default=None
        Of the `random_state` of :class:`MLPStudent`: the initial weights and the order of the rows.
        None leaves it.
    cv : int, cross-validation generator or iterable, default=5
        Folds that judge the candidates, as for
        :class:`~sklearn.model_selection.GridSearchCV`; with `groups`, an int is
        :class:`~sklearn.model_selection.StratifiedGroupKFold`. They are not the folds of the
        estimator's own `cv`.
    scoring : str or callable, default=None
        None is "neg_log_loss", because accuracy hardly depends on the temperature.
    refit : bool, default=True
        Whether the best is fitted on all rows, to predict.
    error_score : float or "raise", default=nan
        Score of a candidate that could not be fitted; "raise" raises its error.
    n_jobs : int, default=None
        Students that are trained at a time, in threads. None takes as many as torch has threads.
        Nets of your own, and modules that draw random numbers, are trained one after the other.
    verbose : int, default=0
        1 prints one line for each fold; 2 prints the steps of each fit as well.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As in GridSearchCV: "params", "param_<name>", "split<i>_test_score", "mean_test_score",
        "std_test_score", "rank_test_score", "mean_fit_time" (seconds; those of a fold, divided
        among its candidates). In addition "split<i>_alpha" and "split<i>_temperature" of the
        student of the fold; "split<i>_kept", "student" or "control"; and "n_fell_back", the number
        of folds in which "auto" fell back to the control, trained on the labels alone.
    best_params_ : dict
        To be set on a clone of the `estimator`. A `student` of None is `MLPStudent()` there.
    best_index_ : int
    best_score_ : float
        Mean over the folds.
    best_estimator_ : DistilledClassifier
        Only with ``refit=True``.
    refit_time_ : float
        Seconds.
    scorer_ : callable
    n_splits_ : int
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    SearchDisplay : Score against temperature and `alpha`.
    StudentLadder : Search over sizes within a budget.

    Notes
    -----
    A fold costs the teacher fits of one candidate, and the trainings of all candidates. With
    ``cv="auto"`` in the estimator, candidates share their out-of-fold labels.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, DistilledClassifierCV, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> student = MLPStudent((16,), n_steps=100)
    >>> clf = DistilledClassifier(LogisticRegression(max_iter=500), student, random_state=0)
    >>> search = DistilledClassifierCV(clf, temperatures=[1, 4], alphas=[0.3], cv=3).fit(X, y)
    >>> search.cv_results_["mean_test_score"].shape
    (2,)
    >>> sorted(search.best_params_)
    ['alpha', 'temperature']
    """

    _distiller = DistilledClassifier
    _parameter_constraints: ClassVar[dict] = {
        **BaseSearch._parameter_constraints,
        "temperatures": GRID,
    }

    def __init__(
        self,
        estimator: Any,
        *,
        temperatures: ArrayLike | None = (1.0, 2.0, 4.0, 8.0),
        alphas: ArrayLike | None = (0.1, 0.3, 0.7),
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
        super().__init__(
            estimator,
            alphas=alphas,
            learning_rates=learning_rates,
            weight_decays=weight_decays,
            seeds=seeds,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.temperatures = temperatures


class DistilledRegressorCV(RegressorMixin, BaseSearch):
    r"""Search over `alpha` and the student's optimizer, by cross-validation.

    In each fold, teachers are fitted once, rows are drawn, labelled and encoded once, and the
    students of all candidates are trained in parallel. Each candidate gets the same result as in
    its own fit under :class:`~sklearn.model_selection.GridSearchCV`.

    Parameters
    ----------
    estimator : DistilledRegressor
        Cloned for each candidate. Parameters without a grid stay as they are.
    alphas : array-like of (float or "auto"), default=(0.1, 0.3, 0.5, 0.7, 0.9)
        Of `alpha`, the weight of the true numbers. None leaves it.
    learning_rates : array-like of float, default=None
        Of the student's `learning_rate`; of a skorch net, of its `lr`. None leaves it.
    weight_decays : array-like of float, default=None
        Of the student's `weight_decay`; of a skorch net, of ``optimizer__weight_decay``. None
        leaves it.
    seeds : array-like of int, default=None
        Of the `random_state` of :class:`MLPStudent`: the initial weights and the order of the rows.
        None leaves it.
    cv : int, cross-validation generator or iterable, default=5
        Folds that judge the candidates. They are not the folds of the estimator's own `cv`.
    scoring : str or callable, default=None
        None is "neg_mean_squared_error"; of quantiles, the CRPS with its sign changed.
    refit : bool, default=True
        Whether the best is fitted on all rows, to predict.
    error_score : float or "raise", default=nan
        Score of a candidate that could not be fitted; "raise" raises its error.
    n_jobs : int, default=None
        Students that are trained at a time, in threads. None takes as many as torch has threads.
        Nets of your own, and modules that draw random numbers, are trained one after the other.
    verbose : int, default=0
        1 prints one line for each fold; 2 prints the steps of each fit as well.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As for :class:`DistilledClassifierCV`.
    best_params_ : dict
        To be set on a clone of the `estimator`. A `student` of None is `MLPStudent()` there.
    best_index_ : int
    best_score_ : float
        Mean over the folds.
    best_estimator_ : DistilledRegressor
        Only with ``refit=True``.
    refit_time_ : float
        Seconds.
    scorer_ : callable
    n_splits_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    SearchDisplay : Score against `alpha`.
    StudentLadder : Search over sizes within a budget.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from skdistill import DistilledRegressor, DistilledRegressorCV, MLPStudent
    >>> X, y = load_diabetes(return_X_y=True)
    >>> student = MLPStudent((16,), n_steps=100)
    >>> reg = DistilledRegressor(Ridge(), student, transfer=None, random_state=0)
    >>> search = DistilledRegressorCV(reg, alphas=[0.1, 0.7], cv=3).fit(X, y)
    >>> list(search.best_params_)
    ['alpha']
    """

    _distiller = DistilledRegressor
