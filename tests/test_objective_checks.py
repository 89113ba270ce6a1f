"""What a fit says of its objectives before a teacher is fitted for them."""

import warnings

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier

from skdistill import (
    PKT,
    DistilledClassifier,
    Heads,
    Hint,
    HydraStudent,
    InputGradient,
    LeafHint,
    MLPStudent,
    NeighbourhoodGraph,
)
from skdistill.student import Rows

X, Y = load_iris(return_X_y=True)
SMALL = MLPStudent((8,), n_steps=20)
FOREST = RandomForestClassifier(5, random_state=0)
NET = MLPClassifier((6,), max_iter=20, random_state=0)


def model(teacher, student=SMALL, **params):
    return DistilledClassifier(teacher, student, transfer=None, random_state=0, **params)


def messages_of(clf):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        clf.fit(X, Y)
    return " ".join(str(one.message) for one in found)


@pytest.mark.parametrize(
    ("teacher", "objective", "cv", "is_said"),
    [
        (FOREST, LeafHint(), 2, True),
        (FOREST, Heads(2), 2, True),
        (FOREST, NeighbourhoodGraph("probabilities"), 2, False),
        (FOREST, LeafHint(), None, False),
        (FrozenEstimator(FOREST.fit(X, Y)), LeafHint(), None, False),
    ],
    ids=str,
)
def test_objectives_that_do_not_follow_cv_are_named(teacher, objective, cv, is_said):
    student = HydraStudent((8,), n_steps=20, n_heads=2) if isinstance(objective, Heads) else SMALL
    told = messages_of(model(teacher, student, objectives=[("term", objective)], cv=cv))
    assert ("the objectives ['term'] take what they need from teachers" in told) == is_said


@pytest.mark.parametrize("objectives", [None, Heads(2)], ids=str)
def test_heads_without_their_term_are_told(objectives):
    student = HydraStudent((8,), n_steps=20, n_heads=2)
    told = messages_of(model(FOREST, student, objectives=objectives))
    assert ("learn nothing of their own" in told) == (objectives is None)


def test_rows_are_probed_in_columns_that_both_see():
    refused = model(NET, objectives=InputGradient(), student_features=[0, 1])
    with pytest.raises(ValueError, match="`teacher_features` and `student_features` differ"):
        refused.fit(X, Y)
    same = refused.set_params(teacher_features=[1, 0])
    assert same.fit(X, Y).n_features_in_ == 2


def test_sparse_rows_are_refused_before_a_teacher_is_fitted():
    fitted = []

    class Watched(MLPClassifier):
        def fit(self, X, y):
            fitted.append(self)
            return super().fit(X, y)

    clf = model(Watched((6,)), objectives=InputGradient(), encoder="passthrough")
    with pytest.raises(ValueError, match="`InputGradient` moves the numbers of dense tables"):
        clf.fit(sparse.csr_array(X), Y)
    assert fitted == []


def test_hint_reads_a_net_that_was_fitted_on_sparse_rows():
    params = {"objectives": Hint(), "encoder": "passthrough"}
    told = [model(NET, **params).fit(rows, Y).predict_proba(X) for rows in (X, sparse.csr_array(X))]
    np.testing.assert_allclose(told[0], told[1], atol=1e-4)


def test_budget_allows_terms_that_ask_nothing_of_the_teacher():
    forest = FrozenEstimator(RandomForestClassifier(5, random_state=0).fit(X, Y))
    free = model(forest, objectives=PKT("probabilities"), max_queries=500)
    assert free.fit(X, Y).n_queries_ <= 500
    with pytest.raises(ValueError, match="cannot count what the objective `leafhint`"):
        free.set_params(objectives=LeafHint()).fit(X, Y)


def test_auto_weights_are_told(capsys):
    near, far = PKT("probabilities", weight="auto"), PKT("probabilities", weight=0.25)
    terms = [("near", near), ("off", PKT("probabilities", weight=0.0)), ("far", far)]
    clf = model(FOREST, objectives=terms, alpha=0.3, verbose=1).fit(X, Y)
    found = clf.objective_weights_
    assert list(found) == ["near", "far"]
    assert found["far"] == 0.25
    assert found["near"] > 0
    assert f"that 'auto' found: `near` {found['near']:.3g}, `far` 0.25" in capsys.readouterr().out
    assert clf.set_params(objectives=None).fit(X, Y).objective_weights_ == {}


def test_auto_weights_look_at_rows_of_the_whole_table():
    inputs = np.arange(1000, dtype=np.float32)[:, None]
    target = {"label": np.arange(1000) // 100, "weight": np.ones(1000)}
    some, taken = Rows.from_arrays(inputs, target, is_labelled=True).take_some(256)
    assert len(some) == 256
    assert torch.unique(taken["label"]).tolist() == list(range(10))
