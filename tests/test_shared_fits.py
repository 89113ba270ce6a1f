"""Fits that share their rows: each candidate is what its own fit makes it."""

import threading

import numpy as np
import pytest
import sklearn
import torch
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    BalancedHinton,
    DistilledClassifier,
    DistilledClassifierCV,
    MLPStudent,
    Munge,
    Rounds,
    StudentLadder,
)
from skdistill._fit.inputs import Arguments
from skdistill._fit.several import fit_several
from skdistill.student import Training

QUICK = MLPStudent((8,), n_steps=40, optimizer="adamw")
X, Y = make_classification(
    600, 4, n_informative=3, n_redundant=0, n_clusters_per_class=1, flip_y=0.1, random_state=0
)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
WEAK = np.full((600, 2), 0.5) + np.eye(2)[Y] * 0.02 - 0.01
ONE_HOT = np.eye(2)[np.where(np.arange(600) % 7 == 0, 1 - Y, Y)]


def distilled(teacher=None, **params):
    return DistilledClassifier(
        teacher, QUICK, **{"transfer": None, "cv": None, "random_state": 0, **params}
    )


@pytest.mark.parametrize(
    ("clf", "candidates", "given"),
    [
        # Only temperatures other than 1 take logarithms of soft targets.
        (
            distilled(),
            [{"temperature": 1.0, "alpha": 0.0}, {"temperature": 8.0, "alpha": 0.0}],
            {"soft_targets": ONE_HOT},
        ),
        (
            distilled(validation_fraction=0.2),
            [{"alpha": 1.0}, {"alpha": "auto"}],
            {"soft_targets": WEAK},
        ),
        # "auto" judges by all rows in folds, which choose other weights.
        (
            distilled([GaussianNB(), TREE], teacher_weights="auto"),
            [{"alpha": 0.3}, {"alpha": "auto"}],
            {},
        ),
        (
            distilled(TREE, transfer=Rounds(Munge(size=1), n_rounds=2)),
            [{"alpha": 0.1}, {"alpha": 0.6}],
            {},
        ),
        (
            distilled(TREE, response=BalancedHinton(), class_weight="balanced", cv=3),
            [{"temperature": 1.0}, {"temperature": 3.0}],
            {"sample_weight": 1.0 + (Y == 0)},
        ),
        (
            distilled(TREE, validation_fraction=GroupKFold(4)),
            [{"alpha": 0.1}, {"alpha": 0.6}],
            {"groups": np.arange(600) // 6},
        ),
        (
            distilled(FrozenEstimator(TREE.fit(X, Y))),
            [{"alpha": 0.1}, {"student": MLPStudent((4, 4), n_steps=30)}],
            {"X_transfer": X[:50] + 0.1},
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_each_is_what_its_own_fit_makes_it(clf, candidates, given):
    together = [clone(clf).set_params(**params) for params in candidates]
    assert fit_several(together, Arguments.of(X, Y, given), 2) == [None] * len(candidates)
    for one, params in zip(together, candidates, strict=True):
        own = clone(clf).set_params(**params).fit(X, Y, **given)
        assert one.decision_ == own.decision_
        assert_allclose(one.predict_proba(X), own.predict_proba(X), atol=1e-4)


def search(clf=None, **params):
    params = {"temperatures": [1, 2], "alphas": [0.3], "cv": 2, "refit": False} | params
    return DistilledClassifierCV(distilled(TREE) if clf is None else clf, **params)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_a_search(monkeypatch, n_jobs):
    own_epoch = Training.epoch

    def epoch(self):
        if self.n_epochs == 2:
            self.end("KeyboardInterrupt ended the training")
            return False
        return own_epoch(self)

    monkeypatch.setattr(Training, "epoch", epoch)
    with pytest.warns(UserWarning, match="KeyboardInterrupt"), pytest.raises(KeyboardInterrupt):
        search(n_jobs=n_jobs).fit(X, Y)


class Watcher:
    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return False


@pytest.mark.parametrize("kind", [search, lambda clf: StudentLadder(clf, [(4,), (8,)])])
def test_what_watches_one_fit_is_refused(kind):
    with pytest.raises(ValueError, match="`max_time=5` of `estimator` is that of one fit"):
        kind(distilled(TREE, max_time=5)).fit(X, Y)
    with pytest.raises(ValueError, match="has callbacks, which watch one fit"):
        kind(distilled(TREE).set_callbacks(Watcher())).fit(X, Y)


def test_a_ladder_does_not_go_on():
    with pytest.raises(ValueError, match="`warm_start=True` of `estimator` goes on from one"):
        StudentLadder(distilled(TREE, warm_start=True), [(4,)]).fit(X, Y)


class FailsOnMost(LogisticRegression):
    """Fails where it is given the last row."""

    def fit(self, X, y, sample_weight=None):
        if (X == LAST).all(axis=1).any():
            raise ValueError("the last row is too much")
        return super().fit(X, y, sample_weight)


LAST = X[-1]


def test_a_teacher_that_fails_in_a_fold_fails_there():
    found = search(distilled(FailsOnMost()))
    with pytest.warns(FitFailedWarning, match="2 fits or scores failed.*too much"):
        found.fit(X, Y)
    scores = [found.cv_results_[f"split{number}_test_score"] for number in range(2)]
    assert np.isnan(scores).tolist() == [[True, True], [False, False]]


def test_a_score_that_fails_is_no_score():
    def fails(estimator, X, y):
        if estimator.temperature == 2:
            raise ValueError("no score")
        return 0.5

    with pytest.warns(FitFailedWarning, match="2 fits or scores failed.*no score"):
        found = search(scoring=fails).fit(X, Y)
    assert found.best_params_["temperature"] == 1


def test_a_scorer_without_weights_is_not_given_any():
    found = search(scoring=lambda e, X, y: e.score(X, y)).fit(X, Y, sample_weight=np.ones(600))
    assert 0.5 < found.best_score_ <= 1


def test_only_auto_falls_back():
    found = search(temperatures=[1], alphas=[1.0, "auto"]).fit(X, Y)
    assert found.cv_results_["n_fell_back"][0] == 0


def test_a_splitter_is_given_groups_by_routing():
    groups = np.arange(600) // 6
    with sklearn.config_context(enable_metadata_routing=True):
        clf = distilled(TREE).set_fit_request(groups=False)
        found = search(clf, cv=GroupKFold(3)).fit(X, Y, groups=groups)
    assert found.n_splits_ == 3


def test_the_best_of_a_ladder_is_refreshed():
    pytest.importorskip("onnxruntime")
    ladder = StudentLadder(distilled(TREE), [(4,), (8,)], quantize=False).fit(X, Y)
    assert ladder.best_estimator_.refresh(X[:300] + 0.2, Y[:300]).refresh_.n_rows == 240


class WithDropout(torch.nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_inputs, 16), torch.nn.Dropout(0.3), torch.nn.Linear(16, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


def test_modules_that_draw_random_numbers_are_trained_in_turn(monkeypatch):
    threads = set()
    own_epoch = Training.epoch

    def epoch(self):
        threads.add(threading.current_thread())
        return own_epoch(self)

    monkeypatch.setattr(Training, "epoch", epoch)
    clf = distilled(TREE, refit=False).set_params(student=WithDropout)
    together = [clone(clf).set_params(alpha=alpha) for alpha in (0.1, 0.6)]
    assert fit_several(together, Arguments.of(X, Y, {}), 2) == [None, None]
    assert threads == {threading.main_thread()}
    for one in together:
        own = clone(one).fit(X, Y)
        assert_allclose(one.predict_proba(X), own.predict_proba(X), atol=1e-4)
