"""A weight is worth that many copies of the row."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ttest_ind
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    DistillationReport,
    DistilledClassifier,
    Gibbs,
    Marginals,
    Mixup,
    MLPStudent,
    Munge,
    Near,
    TabularEncoder,
    TransferSampler,
)

QUICK = MLPStudent((4,), n_steps=3)


class Shifted(TransferSampler):
    """A sampler of the user's, that knows no weights."""

    def sample(self, X, n, random_state=None):
        rows = np.random.RandomState(0).randint(len(X), size=n)
        return np.asarray(X)[rows] + 0.01


class Careless(Munge):
    """A subclass whose `sample` takes no weights, though that of its base does."""

    def sample(self, X, n, random_state=None):
        return super().sample(X, n, random_state) + 0.0


SAMPLERS = [
    Munge(),
    Munge(size=0.5),
    Gibbs(size=2.5),
    Mixup(),
    Marginals(),
    Near(Munge()),
    Near(Shifted(), quantile=1.0),
    Shifted(),
    Careless(),
]


def two_regions():
    """The second, of positive numbers, is to matter 50 times as much."""
    rng = np.random.RandomState(0)
    X = np.r_[rng.normal(-4, 1, size=(200, 2)), rng.normal(4, 1, size=(200, 2))]
    return X, rng.randint(0, 2, 400), np.repeat([1.0, 50.0], 200)


def rows_seen(on_training, X, y, weight, **params):
    """What the student was trained on."""
    seen = []

    def watch(training, run):
        seen.append(training.rows)
        return run()

    on_training(watch)
    params = {"encoder": "passthrough", "early_stopping": False, "random_state": 0} | params
    clf = DistilledClassifier(DecisionTreeClassifier(max_depth=3), QUICK, alpha=0.3, **params)
    clf.fit(X, y, sample_weight=weight)
    return seen[0]


# --- the rows drawn ---


@pytest.mark.parametrize("cv", [None, 2])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_transfer_rows_follow_the_weights(sampler, cv, on_training):
    X, y, weight = two_regions()
    rows = rows_seen(on_training, X.astype(np.float32), y, weight, transfer=sampler, cv=cv)
    numbers, weights = rows.inputs.numpy()[:, 0], rows.target["weight"].numpy()
    labelled = rows.target["label"].numpy() >= 0
    assert_allclose(weights[labelled & (numbers > 0)].sum() / weights[labelled].sum(), 50 / 51)
    drawn = weights * ~labelled
    assert drawn[numbers > 0].sum() / drawn.sum() == pytest.approx(50 / 51, abs=0.02)
    assert drawn.sum() / weights[labelled].sum() == pytest.approx(sampler.size, rel=0.01)


def test_transfer_rows_follow_the_weights_of_the_classes(on_training):
    """Of each class as much as of the other, as there would be of copies."""
    X, _, _ = two_regions()
    y = (X[:, 0] > 0).astype(int)
    X, y = X[180:], y[180:]
    rows = rows_seen(on_training, X, y, None, transfer=Munge(), class_weight="balanced")
    weights, positive = rows.target["weight"].numpy(), rows.inputs.numpy()[:, 0] > 0
    assert weights[positive].sum() / weights.sum() == pytest.approx(0.5, abs=0.02)


def test_rows_drawn_of_a_heavier_fold_weigh_more(on_training):
    """Each fold has its share, whatever the weights of the others."""
    X, y, _ = two_regions()
    weight = np.repeat([1.0, 3.0], 200)
    folds = [(np.arange(200), np.arange(200, 400)), (np.arange(200, 400), np.arange(200))]
    rows = rows_seen(on_training, X, y, weight, transfer=Munge(size=2), cv=folds)
    drawn = rows.target["label"].numpy() < 0
    weights, positive = rows.target["weight"].numpy(), rows.inputs.numpy()[:, 0] > 0
    assert_allclose(weights[drawn & positive].sum() / weights[drawn].sum(), 0.75, atol=0.01)


@pytest.mark.parametrize(
    "sampler", [Munge(), Gibbs(), Mixup(), Marginals(), Near(Munge())], ids=str
)
@pytest.mark.parametrize("n", [0, 30, 95])
def test_samplers_tell_the_weights_of_their_rows(sampler, n):
    X = pd.DataFrame({"number": np.arange(40.0), "text": ["a", "b"] * 20})
    weight = np.where(X["text"] == "a", 1.0, 0.0)
    drawn, weights = sampler.sample(X, n, random_state=0, sample_weight=weight)
    assert isinstance(drawn, pd.DataFrame)
    assert len(drawn) == len(weights) == n
    assert (weights >= 0).all()
    if n == 95:
        assert weights.mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("weight", [np.ones(3), -np.ones(4), np.zeros(4), [1, 2, np.nan, 1]])
@pytest.mark.parametrize("sampler", [Munge(), Gibbs(), Mixup(), Marginals(), Near(Munge())])
def test_samplers_refuse_what_is_no_weight(sampler, weight):
    with pytest.raises(ValueError, match="`sample_weight` must hold a finite number >= 0 for each"):
        sampler.sample(np.arange(8.0).reshape(4, 2), 5, random_state=0, sample_weight=weight)


def test_memory_knows_the_weights_of_the_rows_drawn(tmp_path, on_training):
    X, y, weight = two_regions()
    params = {"transfer": Munge(size=1), "memory": str(tmp_path)}
    shares = []
    for weights in (weight, weight[::-1], weight):
        rows = rows_seen(on_training, X, y, weights, **params)
        at = rows.inputs.numpy()[:, 0] > 0
        shares.append(float(rows.target["weight"][at].sum() / rows.target["weight"].sum()))
    assert_allclose(shares, [0.98, 0.02, 0.98], atol=0.01)


# --- weights of nearly nothing ---


@pytest.mark.parametrize("negligible", [1e-9, 1e-30])
@pytest.mark.parametrize("cv", [None, 2])
def test_a_negligible_weight_is_none(negligible, cv):
    """600 rows would be enough to hold some out, and 150 are not."""
    X, y = make_classification(600, 4, random_state=0)
    keep = np.arange(600) % 4 == 0
    X[~keep] *= 10
    clf = DistilledClassifier(
        LogisticRegression(), MLPStudent((4,), n_steps=30), cv=cv, random_state=0
    )
    light = clf.fit(X, y, sample_weight=np.where(keep, 1.0, negligible))
    p, n_drawn, losses = light.predict_proba(X), light.n_transfer_rows_, light.history_[0]
    zero = clf.fit(X, y, sample_weight=keep.astype(float))
    assert_array_equal(p, zero.predict_proba(X))
    assert n_drawn == zero.n_transfer_rows_ == 16 * 150
    assert "valid_loss" not in losses


def test_a_class_of_negligible_weight_counts_as_little_as_one_of_none():
    X, y = make_classification(120, 4, n_informative=3, n_classes=3, n_redundant=0, random_state=0)
    p = [
        DistilledClassifier(
            DecisionTreeClassifier(random_state=0),
            QUICK,
            class_weight={0: 1, 1: 1, 2: light},
            random_state=0,
        )
        .fit(X, y)
        .predict_proba(X)
        for light in (0, 1e-9)
    ]
    assert_array_equal(*p)


def test_weights_that_cancel_are_refused():
    X, y = make_classification(60, random_state=0)
    clf = DistilledClassifier(LogisticRegression(), QUICK, class_weight={0: 0, 1: 1})
    with pytest.raises(ValueError, match="must not be 0 for every class whose rows have a weight"):
        clf.fit(X, y, sample_weight=(y == 0).astype(float))
    with pytest.raises(ValueError, match="`X_val` has no row that weighs anything"):
        clf.fit(X, y, X_val=X[y == 0], y_val=y[y == 0])


def test_a_fold_of_rows_without_weight_has_no_transfer_rows():
    X, y, _ = two_regions()
    y = np.arange(400) % 2
    fold = np.repeat([0, 1, 2], [100, 100, 200])
    folds = [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(3)]
    weight = np.repeat([1.0, 0.0], 200)
    clf = DistilledClassifier(
        DecisionTreeClassifier(max_depth=2), QUICK, cv=folds, transfer=Munge(size=2), random_state=0
    )
    assert clf.fit(X, y, sample_weight=weight).n_transfer_rows_ == 400


# --- the student ---


def test_the_encoder_is_that_of_copies():
    X = np.exp(np.random.RandomState(0).normal(size=(80, 3)))
    X[::7, 1] = np.nan
    y, weight = np.arange(80) % 2, np.where(X[:, 0] > 1, 5, 1)
    clf = DistilledClassifier(DecisionTreeClassifier(), QUICK, transfer=None, random_state=0)
    weighted = clf.fit(X, y, sample_weight=weight).encoder_
    copies = TabularEncoder().fit(np.repeat(X, weight, axis=0))
    for name in ("center_", "scale_", "fine_scale_"):
        assert_allclose(getattr(weighted, name), getattr(copies, name), rtol=0.02)
    assert np.abs(weighted.center_ - TabularEncoder().fit(X).center_).max() > 0.1


def test_the_weighted_mean_of_the_probabilities_is_the_weighted_share():
    """So it is at the optimum of a weighted loss; most batches hold no row of the rare class."""
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(3000, 2)), np.zeros(3000, dtype=int)
    y[:24] = 1
    clf = DistilledClassifier(
        LogisticRegression(),
        MLPStudent((8,), n_steps=1200, batch_size=64),
        alpha=1.0,
        transfer=None,
        class_weight="balanced",
        early_stopping=False,
        random_state=0,
    )
    p = clf.fit(X, y).predict_proba(X)[:, 1]
    assert np.mean([p[y == 0].mean(), p[y == 1].mean()]) == pytest.approx(0.5, abs=0.04)
    # What the history says is the weighted loss of the whole table.
    losses = -np.log(np.where(y == 1, p, 1 - p))
    loss = np.mean([losses[y == 0].mean(), losses[y == 1].mean()])
    assert clf.history_[-1]["train_loss"] == pytest.approx(loss, rel=0.1)


def log_odds(clf, X, y, weight, new):
    """Of each of 20 seeds, at each new row."""
    found = []
    for seed in range(20):
        fitted = clf.set_params(random_state=seed).fit(X, y, sample_weight=weight)
        p = fitted.predict_proba(new)
        found.append(np.log(p[:, 1] / p[:, 0]))
    return np.array(found)


def p_value(some, others):
    """Whether the log odds differ in their mean over the rows, or at any of them (Bonferroni)."""
    mean = ttest_ind(some.mean(axis=1), others.mean(axis=1), equal_var=False).pvalue
    each = ttest_ind(some, others, equal_var=False).pvalue.min() * some.shape[1]
    return 2 * min(mean, each)


@pytest.mark.parametrize(
    "params",
    [
        {"transfer": None},
        pytest.param({"transfer": None, "class_weight": "balanced"}, marks=pytest.mark.slow),
        pytest.param({"transfer": Munge(size=1)}, marks=pytest.mark.slow),
        pytest.param(
            {"transfer": Munge(size=1), "class_weight": "balanced"}, marks=pytest.mark.slow
        ),
    ],
    ids=str,
)
def test_weights_are_copies_over_many_seeds(params):
    """scikit-learn's check of weight equivalence, as a test at the level 0.005.

    The number of steps and the batch size are given, since "auto" takes them from the number of
    rows: what weighs 10 times as much is not trained longer, as only ratios of weights matter.
    """
    X, y = make_classification(
        330, 4, n_informative=3, n_redundant=0, flip_y=0, class_sep=0.5, weights=[0.95],
        random_state=1,
    )  # fmt: skip
    X, y, new = X[:300], y[:300], X[300:]
    rng = np.random.RandomState(0)
    weight = np.where(y == 1, rng.randint(0, 40, 300), rng.randint(0, 4, 300))
    student = MLPStudent((4,), n_steps=600, batch_size=8)
    clf = DistilledClassifier(LogisticRegression(), student, early_stopping=False, **params)
    weighted = log_odds(clf, X, y, weight, new)
    copies = log_odds(clf, np.repeat(X, weight, axis=0), np.repeat(y, weight), None, new)
    assert p_value(weighted, copies) > 0.005
    clf.set_params(student=MLPStudent((4,), n_steps=100, batch_size=8))
    assert p_value(log_odds(clf, X, y, None, new), copies) < 0.005


def test_the_control_of_a_report_has_the_weights_of_its_rows():
    """Labels of weight 0 are wrong: a control that counts them is right nowhere."""
    X, y = make_classification(500, 3, n_informative=3, n_redundant=0, random_state=0)
    wrong = np.arange(500) % 10 < 7
    told, weight = np.where(wrong, 1 - y, y)[:400], np.where(wrong, 0.0, 1.0)[:400]
    clf = DistilledClassifier(
        LogisticRegression(), MLPStudent((8,), n_steps=60), transfer=None, alpha=0.5, random_state=0
    ).fit(X[:400], told, sample_weight=weight)
    given = {"control": "fit", "X_train": X[:400], "y_train": told, "speed": False}
    given |= {"n_bootstrap": 100, "random_state": 0}
    for rows_weight, is_right in ((weight, True), (None, False)):
        report = DistillationReport.from_estimator(
            clf, X[400:], y[400:], sample_weight_train=rows_weight, **given
        )
        p = report.answers.by_model["control"]
        assert (np.mean(p.argmax(axis=1) == y[400:]) > 0.6) == is_right
    with pytest.raises(ValueError, match="`sample_weight_train` are those of `X_train`"):
        DistillationReport.from_estimator(clf, X[400:], y[400:], sample_weight_train=weight)
