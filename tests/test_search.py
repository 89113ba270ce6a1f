"""Search over temperature, alpha and the student's optimizer."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import (
    DistilledClassifier,
    DistilledClassifierCV,
    DistilledRegressor,
    DistilledRegressorCV,
    MLPStudent,
    SearchDisplay,
)
from skdistill._fit import several
from skdistill.metrics import crps
from skdistill.student import Training

QUICK = MLPStudent((16,), n_steps=60, optimizer="adamw")
PLAIN = {
    **{"student": MLPStudent((32,), n_steps=100), "transfer": None, "random_state": 0},
    **{"early_stopping": False, "cv": None},
}
X, y = make_classification(600, 8, n_informative=6, n_classes=3, random_state=0)
FOREST = RandomForestClassifier(10, random_state=0)


def distilled(**params):
    return DistilledClassifier(FOREST, QUICK, **{"random_state": 0, "transfer": None, **params})


@pytest.mark.parametrize("transfer", [None, "auto"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_candidates_are_what_their_own_fits_make_them(transfer, n_jobs):
    clf = distilled(transfer=transfer)
    grid = {"temperature": [1.0, 4.0], "alpha": [0.1, "auto"]}
    folds = StratifiedKFold(2)
    alone = GridSearchCV(clf, grid, cv=folds, scoring="neg_log_loss").fit(X, y)
    together = DistilledClassifierCV(
        clf, temperatures=[1.0, 4.0], alphas=[0.1, "auto"], cv=folds, n_jobs=n_jobs
    ).fit(X, y)
    found = {
        tuple(sorted(one.items(), key=str)): place
        for place, one in enumerate(together.cv_results_["params"])
    }
    for place, params in enumerate(alone.cv_results_["params"]):
        own = found[tuple(sorted(params.items(), key=str))]
        for number in range(2):
            name = f"split{number}_test_score"
            assert_allclose(
                together.cv_results_[name][own], alone.cv_results_[name][place], atol=1e-4
            )
    assert together.best_params_ == alone.best_params_
    assert_allclose(together.predict_proba(X), alone.predict_proba(X), atol=1e-4)


def test_all_that_can_be_searched_agrees_with_its_own_fit():
    clf = distilled()
    search = DistilledClassifierCV(
        clf,
        temperatures=None,
        alphas=[0.5],
        learning_rates=[0.002, 0.02],
        weight_decays=[0.0, 0.1],
        seeds=[0, 1],
        cv=[(np.arange(400), np.arange(400, 600))],
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) == 8
    for params, score in zip(search.cv_results_["params"], scores, strict=True):
        own = clone(clf).set_params(**params).fit(X[:400], y[:400])
        assert_allclose(search.scorer_(own, X[400:], y[400:]), score, atol=1e-4)


def test_teachers_are_fitted_once_a_fold(monkeypatch):
    fits = []

    class Counting(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            fits.append(len(X))
            return super().fit(X, y, sample_weight)

    clf = DistilledClassifier(Counting(), QUICK, transfer=None, random_state=0, cv=None, alpha=0.3)
    clf.fit(X[:400], y[:400])
    of_one, fits[:] = list(fits), []
    folds = [(np.arange(400), np.arange(400, 600))]
    search = DistilledClassifierCV(
        clf, temperatures=[1, 2, 4], alphas=[0.1, 0.5], cv=folds, refit=False
    )
    search.fit(X, y)
    assert fits == of_one


def test_controls_are_trained_once(monkeypatch):
    started = []

    def start(self):
        started.append(self.loss["alpha"])
        return own_start(self)

    own_start = Training.start
    monkeypatch.setattr(Training, "start", start)
    folds = [(np.arange(550), np.arange(550, 600))]
    clf = distilled(alpha="auto", refit=False, validation_fraction=0.2)
    DistilledClassifierCV(clf, temperatures=[1, 2, 4], alphas=None, cv=folds, refit=False).fit(X, y)
    assert started.count(1.0) == 1


def test_results_say_what_fell_back():
    weak = DistilledClassifier(
        RandomForestClassifier(5, max_depth=1, random_state=0), QUICK, random_state=0
    )
    X, y = make_classification(1200, 6, n_informative=6, n_redundant=0, random_state=1)
    search = DistilledClassifierCV(
        weak, temperatures=[1.0], alphas=[0.05, "auto"], cv=2, refit=False
    ).fit(X, y)
    results = search.cv_results_
    assert results["n_fell_back"].tolist() == [0, 2]
    assert results["split0_alpha"].tolist() == [0.05, 1.0]
    assert results["split1_kept"].tolist() == ["student", "control"]


def test_results_have_the_form_of_a_grid_search():
    search = DistilledClassifierCV(distilled(), temperatures=[1, 2], alphas=[0.3], cv=3).fit(X, y)
    results = search.cv_results_
    scores = np.array([results[f"split{number}_test_score"] for number in range(3)])
    assert_allclose(results["mean_test_score"], scores.mean(axis=0))
    assert_allclose(results["std_test_score"], scores.std(axis=0))
    assert sorted(results["rank_test_score"]) == [1, 2]
    assert results["param_temperature"].tolist() == [1.0, 2.0]
    assert search.best_index_ == results["mean_test_score"].argmax()
    assert search.best_score_ == results["mean_test_score"].max()
    assert len(pd.DataFrame(results)) == 2
    assert search.n_splits_ == 3
    assert search.refit_time_ > 0
    assert "was chosen by DistilledClassifierCV" in search.best_estimator_.decision_


def test_any_scorer_chooses():
    search = DistilledClassifierCV(
        distilled(), temperatures=[1], alphas=[0.0, 1.0], cv=2, scoring="accuracy"
    ).fit(X, y)
    assert 0 <= search.best_score_ <= 1
    worst = DistilledClassifierCV(
        distilled(),
        temperatures=[1],
        alphas=[0.0, 1.0],
        cv=2,
        scoring=lambda e, X, y: -e.score(X, y),
    ).fit(X, y)
    accuracies = search.cv_results_["mean_test_score"]
    assert_allclose(worst.cv_results_["mean_test_score"], -accuracies)
    assert accuracies[0] != accuracies[1]
    assert worst.best_params_ != search.best_params_


def test_weights_weigh_in_fits_and_scores():
    weight = np.where(y == 0, 5.0, 1.0)
    folds = [(np.arange(400), np.arange(400, 600))]
    params = {"temperatures": [2.0], "alphas": [0.5], "cv": folds, "refit": False}
    search = DistilledClassifierCV(distilled(), **params).fit(X, y, sample_weight=weight)
    own = distilled(temperature=2.0, alpha=0.5).fit(X[:400], y[:400], sample_weight=weight[:400])
    p = own.predict_proba(X[400:])[np.arange(200), y[400:]]
    expected = np.average(np.log(p), weights=weight[400:])
    assert_allclose(search.best_score_, expected, atol=1e-4)


def test_no_group_is_in_two_folds(monkeypatch):
    groups = np.arange(600) // 10
    seen = []

    def fit(estimators, arguments, n_threads):
        seen.append(set(arguments.groups))
        return own_fit(estimators, arguments, n_threads)

    own_fit = several.fit_several
    monkeypatch.setattr("skdistill._search.base.fit_several", fit)
    clf = distilled(validation_fraction=GroupKFold(5))
    DistilledClassifierCV(clf, temperatures=[1], alphas=[0.3], cv=3, refit=False).fit(
        X, y, groups=groups
    )
    left_out = [set(groups) - one for one in seen]
    assert len(left_out) == 3
    assert set.union(*left_out) == set(groups)
    assert sum(map(len, left_out)) == len(set(groups))


def test_a_failed_candidate_is_told():
    class Fails(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            if len(X) < 300:
                raise ValueError("too few")
            return super().fit(X, y, sample_weight)

    # Labels out of fold take teachers of fewer rows.
    clf = DistilledClassifier(Fails(), QUICK, transfer=None, cv=2, random_state=0)
    folds = [(np.arange(450), np.arange(450, 600)), (np.arange(250), np.arange(450, 600))]
    search = DistilledClassifierCV(clf, temperatures=[1], alphas=[0.3, 1.0], cv=folds[:1])
    with pytest.raises(ValueError, match="too few"):
        search.set_params(cv=folds[1:]).fit(X, y)


def test_one_of_several_may_fail(monkeypatch):
    own_epoch = Training.epoch

    def epoch(self):
        if self.loss["temperature"] == 2:
            raise ValueError("it diverged")
        return own_epoch(self)

    monkeypatch.setattr(Training, "epoch", epoch)
    search = DistilledClassifierCV(distilled(), temperatures=[1, 2], alphas=[0.3], cv=2)
    with pytest.warns(FitFailedWarning, match="2 fits or scores failed.*it diverged"):
        search.fit(X, y)
    assert search.best_params_["temperature"] == 1
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert search.cv_results_["rank_test_score"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="it diverged"):
        search.set_params(error_score="raise").fit(X, y)


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"temperatures": []}, ValueError, "`temperatures` must be a list of values"),
        ({"temperatures": [1, 1]}, ValueError, "each value once"),
        ({"temperatures": None, "alphas": None}, ValueError, "nothing to search"),
        ({"temperatures": [-1.0]}, ValueError, "temperature"),
        ({"estimator": FOREST}, TypeError, "must be a DistilledClassifier"),
        (
            {"estimator": DistilledClassifier(FOREST, student=type(None)), "learning_rates": [1]},
            ValueError,
            "cannot be set on",
        ),
    ],
)
def test_bad_parameters_are_refused(params, error, match):
    search = DistilledClassifierCV(**{"estimator": distilled(), "cv": 2, **params})
    with pytest.raises(error, match=match):
        search.fit(X, y)
    with pytest.raises(NotFittedError):
        search.predict(X)


def test_labels_are_needed():
    with pytest.raises(ValueError, match="judged by labels"):
        DistilledClassifierCV(distilled()).fit(X, None)


def test_warnings_of_candidates_are_given_once():
    clf = distilled(teacher_weights="auto", early_stopping=False)
    clf.set_params(teacher=[FOREST, LogisticRegression()])
    search = DistilledClassifierCV(clf, temperatures=[1, 2, 4], alphas=[0.3], cv=2, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X[:400], y[:400])
    texts = [str(one.message) for one in caught if "teacher_weights" in str(one.message)]
    assert len(texts) == 2  # a fold


def test_it_stands_in_a_pipeline_and_is_cloned():
    search = DistilledClassifierCV(distilled(), temperatures=[1, 2], alphas=[0.3], cv=2)
    pipe = make_pipeline(StandardScaler(), clone(search)).fit(X, y)
    assert pipe.score(X, y) > 0.6
    assert search.get_params()["estimator__alpha"] == "auto"


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_numbers_are_searched_as_well(head):
    X, y = make_regression(160, 5, noise=10, random_state=0)
    reg = DistilledRegressor(LinearRegression(), QUICK, head=head, transfer=None, random_state=0)
    folds = KFold(2)
    search = DistilledRegressorCV(reg, alphas=[0.2, 0.8], cv=folds).fit(X, y)
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        scores = []
        for train, test in folds.split(X):
            own = clone(reg).set_params(**params).fit(X[train], y[train])
            if head == "mean":
                scores.append(-np.square(own.predict(X[test]) - y[test]).mean())
            else:
                scores.append(-crps(y[test], own.predict_quantiles(X[test]), own.quantiles_))
        assert_allclose(score, np.mean(scores), rtol=1e-4)
    if head == "quantiles":
        assert search.predict_interval(X).shape == (160, 2)


def test_scores_are_shown():
    pytest.importorskip("matplotlib")
    search = DistilledClassifierCV(distilled(), temperatures=[4, 1], alphas=[0.3, 0.6], cv=2)
    search.fit(X, y)
    display = SearchDisplay.from_estimator(search)
    assert display.scores["x"].tolist() == [1, 4, 1, 4]
    assert display.scores["line"].tolist() == [0.3, 0.3, 0.6, 0.6]
    results = search.cv_results_
    place = results["params"].index({"temperature": 1, "alpha": 0.6})
    assert display.scores["mean"][2] == results["mean_test_score"][place]
    folds = [results[f"split{number}_test_score"][place] for number in range(2)]
    assert_allclose(display.scores["error"][2], np.std(folds, ddof=1) / 2**0.5)
    assert display.ax_.get_xscale() == "log"
    assert len(display.lines_) == 2
    other = SearchDisplay.from_estimator(search, x="alpha", line="")
    assert len(other.lines_) == 1
    assert other.scores["mean"].tolist() == [
        max(results["mean_test_score"][[0, 2]]),
        max(results["mean_test_score"][[1, 3]]),
    ]
    with pytest.raises(ValueError, match="did not try values of `seed`"):
        SearchDisplay.from_estimator(search, x="seed")


@parametrize_with_checks(
    [
        DistilledClassifierCV(
            DistilledClassifier(LogisticRegression(), **PLAIN),
            temperatures=[2],
            alphas=[0.3],
            cv=2,
        ),
        DistilledRegressorCV(DistilledRegressor(LinearRegression(), **PLAIN), alphas=[0.3], cv=2),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
