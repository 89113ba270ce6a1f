"""scikit-learn's own checks, on the configurations that differ in what they run through."""

import numpy as np
import pytest
import torch
from shared import FrozenTeacherMixin, Net
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
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

REASON = "equal over seeds alone: see tests/test_weights.py"
FOREST = "a forest draws its rows at random, as scikit-learn's own does"
QUICK = MLPStudent(hidden_layer_sizes=(32,))


class Embedded(Net):
    """Takes the codes of categories, in the last columns."""

    def __init__(self, n_inputs, n_outputs, cardinalities):
        super().__init__(n_inputs + 3 * len(cardinalities), n_outputs)
        self.embeddings = torch.nn.ModuleList(torch.nn.Embedding(n, 4) for n in cardinalities)

    def forward(self, X):
        codes = X[:, X.shape[1] - len(self.embeddings) :].long()
        parts = [embed(column) for embed, column in zip(self.embeddings, codes.T, strict=True)]
        return super().forward(torch.cat([X[:, : X.shape[1] - len(parts)], *parts], dim=1))


class Calm(Objective):
    """Keeps the logits small."""

    def loss(self, batch):
        return batch.logits.square().mean(dim=1)


class WithFrozenTeacher(FrozenTeacherMixin, DistilledClassifier):
    pass


def own_net():
    return NeuralNetClassifier(
        Net,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=25,
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
    DistilledClassifier(LogisticRegression(), own_net(), random_state=0),
    TabularEncoder(),
    TabularEncoder("codes", unseen_missing="error"),
    TabularEncoder(nominal="auto"),
    TeacherPool(LogisticRegression()),
    TeacherPool([("lr", LogisticRegression()), ("rf", RandomForestClassifier(5))], random_state=0),
    TeacherPool(
        VotingClassifier([("nb", GaussianNB()), ("lr", LogisticRegression())], voting="soft"),
        pooling="geometric",
    ),
]

# They differ less from those above: `make test-all` runs them.
MORE_CONFIGURATIONS = [
    DistilledClassifier(LogisticRegression(), Embedded, transfer=None, random_state=0),
    DistilledClassifier(LogisticRegression(), QUICK, cv=2, random_state=0),
    DistilledClassifier(
        LogisticRegression(),
        QUICK,
        transfer=Munge(size=1),
        objectives=Calm(weight=1e-4),
        random_state=0,
    ),
    DistilledClassifier(
        make_pipeline(StandardScaler(), LogisticRegression()), QUICK, transfer=None, random_state=0
    ),
    DistilledClassifier(
        LogisticRegression(), QUICK, encoder=StandardScaler(), transfer=None, random_state=0
    ),
    DistilledClassifier(KNeighborsClassifier(3), QUICK, transfer=None, random_state=0),
    DistilledClassifier(
        LogisticRegression(), QUICK, class_weight="balanced", transfer=None, random_state=0
    ),
    DistilledClassifier(
        LogisticRegression(), QUICK, early_stopping=True, transfer=None, random_state=0
    ),
]


def expected_failures(estimator):
    if not isinstance(estimator, DistilledClassifier):
        kinds = ("dense", "sparse") if "RandomForestClassifier" in repr(estimator) else ()
        return {f"check_sample_weight_equivalence_on_{kind}_data": FOREST for kind in kinds}
    return {"check_sample_weight_equivalence_on_dense_data": REASON}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(CONFIGURATIONS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(MORE_CONFIGURATIONS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks_of_more_configurations(estimator, check):
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
