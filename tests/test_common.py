"""scikit-learn's own checks, on the configurations that differ in what they run through."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch import NeuralNetClassifier

from skdistill import (
    BalancedHinton,
    DistilledClassifier,
    MLPStudent,
    Munge,
    Objective,
    TabularEncoder,
    TeacherPool,
)

REASON = "mini-batches and the split depend on the number of rows: weight 2 is not two rows"
QUICK = MLPStudent(hidden_layer_sizes=(32,))


class Net(torch.nn.Module):
    draws_random_numbers = False

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_inputs, 32), torch.nn.ReLU(), torch.nn.Linear(32, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class Calm(Objective):
    """Keeps the logits small."""

    def loss(self, student, view, sample_weight):
        return student.logits.square().mean(dim=1)


class WithFrozenTeacher(DistilledClassifier):
    """Freezes a teacher fitted on the rows at hand: the checks bring data of every shape."""

    def fit(self, X, y=None, sample_weight=None):
        given = self.teacher
        fitted = clone(given).fit(X, y, sample_weight=sample_weight)
        try:
            self.teacher = FrozenEstimator(fitted)
            return super().fit(X, y, sample_weight=sample_weight)
        finally:
            self.teacher = given


def own_net():
    return NeuralNetClassifier(
        Net,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=60,
        batch_size=64,
    )


CONFIGURATIONS = [
    DistilledClassifier(LogisticRegression(), random_state=0),
    DistilledClassifier(
        [("lr", LogisticRegression()), ("rf", RandomForestClassifier(10, random_state=0))],
        QUICK,
        random_state=0,
    ),
    # A frozen teacher knows nothing of `class_weight`, and would label new rows without.
    WithFrozenTeacher(LogisticRegression(), QUICK, transfer=None, random_state=0),
    DistilledClassifier(LogisticRegression(), QUICK, cv=2, random_state=0),
    DistilledClassifier(LogisticRegression(), own_net(), random_state=0),
    DistilledClassifier(
        LogisticRegression(),
        QUICK,
        transfer=Munge(size=1),
        objectives=Calm(weight=1e-4),
        random_state=0,
    ),
    TabularEncoder(),
    TeacherPool(LogisticRegression()),
    TeacherPool([("lr", LogisticRegression()), ("rf", RandomForestClassifier(5))], random_state=0),
    TeacherPool(
        VotingClassifier([("nb", GaussianNB()), ("lr", LogisticRegression())], voting="soft"),
        pooling="geometric",
    ),
]


def expected_failures(estimator):
    if isinstance(estimator, DistilledClassifier):
        return {"check_sample_weight_equivalence_on_dense_data": REASON}
    if "RandomForestClassifier" in repr(estimator):
        return dict.fromkeys(
            [
                "check_sample_weight_equivalence_on_dense_data",
                "check_sample_weight_equivalence_on_sparse_data",
            ],
            "a forest draws rows, whatever they weigh: as of a RandomForestClassifier alone",
        )
    return {}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(CONFIGURATIONS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 0.0},
        {"alpha": 0.5},
        {"alpha": 1.0},
        {"alpha": 0.5, "class_weight": "balanced"},
        {"alpha": 0.0, "response": BalancedHinton()},
    ],
    ids=str,
)
def test_weights_are_repetitions_with_full_batches(params):
    """The one check that mini-batches fail holds where the batch is the whole set."""
    X, y = make_classification(60, 5, random_state=0)
    weight = np.random.default_rng(0).integers(0, 4, 60)
    net = NeuralNetClassifier(
        Net,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=0.1,
        max_epochs=50,
        batch_size=-1,
    )
    clf = DistilledClassifier(
        LogisticRegression(tol=1e-10, max_iter=10_000),
        net,
        transfer=None,
        encoder="passthrough",
        early_stopping=False,
        random_state=0,
        **params,
    )
    weighted = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    repeated = clf.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight)).predict_proba(X)
    np.testing.assert_allclose(weighted, repeated, atol=1e-5)
    assert np.abs(weighted - clf.fit(X, y).predict_proba(X)).max() > 1e-3
