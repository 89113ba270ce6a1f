"""DistilledClassifier inside and around the rest of scikit-learn."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from skdistill import BalancedHinton, DistilledClassifier, Hinton, MLPStudent, Munge

SMALL = MLPStudent(hidden_layer_sizes=(16,), learning_rate=0.02, n_steps=100)


def data(n_rows=300, n_classes=2, **params):
    params = {"n_features": 6, "n_informative": 5, "n_redundant": 0, "random_state": 0} | params
    return make_classification(n_rows, n_classes=n_classes, **params)


def small(teacher=None, **params):
    teacher = LogisticRegression() if teacher is None else teacher
    return DistilledClassifier(teacher, SMALL, random_state=0, **params)


def test_it_is_a_classifier_that_shows_its_parameters():
    clf = small([("lr", LogisticRegression(C=3))], temperature=2.0)
    assert is_classifier(clf)
    assert "temperature=2.0" in repr(clf)
    copy = clone(clf)
    assert copy.get_params()["teacher__lr__C"] == 3
    assert copy.teacher[0][1] is not clf.teacher[0][1]


@pytest.mark.parametrize(
    ("teacher", "encoder", "allow_nan"),
    [
        (LogisticRegression(), "auto", False),
        (HistGradientBoostingClassifier(), "auto", True),
        ([HistGradientBoostingClassifier(), LogisticRegression()], "auto", False),
        (HistGradientBoostingClassifier(), "passthrough", False),
        (HistGradientBoostingClassifier(), StandardScaler(), False),
    ],
)
def test_tags_promise_no_more_than_holds(teacher, encoder, allow_nan):
    clf = small(teacher, encoder=encoder)
    assert get_tags(clf).input_tags.allow_nan is allow_nan
    assert not get_tags(clf).input_tags.sparse
    X, y = data()
    X[0, 0] = np.nan
    if allow_nan:
        assert np.isfinite(clf.fit(X, y).predict_proba(X)).all()
    else:
        with pytest.raises(ValueError, match=r"NaN|not finite|diverged"):
            clf.fit(X, y)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1]),
        np.array([-1, 1]),
        np.array([False, True]),
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
    ],
    ids=str,
)
def test_labels_of_every_type(labels):
    X, y = data()
    clf = small().fit(X, labels[y])
    np.testing.assert_array_equal(clf.classes_, labels)
    assert clf.predict(X).dtype == labels.dtype
    assert clf.score(X, labels[y]) > 0.7
    series = small().fit(pd.DataFrame(X), pd.Series(labels[y], index=np.arange(300)[::-1]))
    np.testing.assert_array_equal(series.predict_proba(pd.DataFrame(X)), clf.predict_proba(X))


def test_a_hundred_and_twenty_classes():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(120, 4)) * 6
    y = np.repeat(np.arange(120), 8)
    X = centres[y] + rng.normal(size=(960, 4)) * 0.3
    clf = DistilledClassifier(GaussianNB(), MLPStudent((64,), n_steps=300), random_state=0)
    clf.fit(X, y)
    assert clf.predict_proba(X).shape == (960, 120)
    assert clf.score(X, y) > 0.8


def test_pandas_and_polars_frames_give_the_same():
    X, y = data()
    columns = list("abcdef")
    from_pandas = small().fit(pd.DataFrame(X, columns=columns), y)
    from_polars = small().fit(pl.DataFrame(X, schema=columns), pl.Series(y))
    assert list(from_polars.feature_names_in_) == columns
    np.testing.assert_array_equal(
        from_polars.predict_proba(pl.DataFrame(X, schema=columns)),
        from_pandas.predict_proba(pd.DataFrame(X, columns=columns)),
    )


def test_behind_a_column_transformer():
    X, y = data()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["colour"] = np.where(X[:, 0] > 0, "red", "blue")
    columns = make_column_transformer(
        (OneHotEncoder(), ["colour"]), (StandardScaler(), list("abcdef"))
    )
    pipe = make_pipeline(columns, small()).fit(frame, y)
    assert pipe.score(frame, y) > 0.7
    assert list(pipe.feature_names_in_) == [*"abcdef", "colour"]


def test_cross_validation_tools():
    X, y = data()
    p = cross_val_predict(small(), X, y, cv=3, method="predict_proba")
    assert log_loss(y, p) < 0.65
    scores = cross_validate(small(), X, y, cv=3, scoring=["roc_auc", "neg_log_loss"])
    assert scores["test_roc_auc"].mean() > 0.7
    parallel = cross_val_predict(small(), X, y, cv=3, method="predict_proba", n_jobs=2)
    np.testing.assert_allclose(parallel, p, atol=1e-6)


def test_halving_search():
    X, y = data()
    search = HalvingGridSearchCV(
        small(), {"temperature": [1.0, 2.0, 4.0]}, cv=2, random_state=0, min_resources=100
    ).fit(X, y)
    assert search.best_params_["temperature"] in (1.0, 2.0, 4.0)


def test_calibrated_thresholded_and_voting():
    X, y = data()
    clf = small().fit(X, y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(clf)).fit(X, y)
    assert calibrated.score(X, y) > 0.7
    tuned = TunedThresholdClassifierCV(small(), scoring="balanced_accuracy", cv=2).fit(X, y)
    assert 0 < tuned.best_threshold_ < 1
    voting = VotingClassifier([("student", small()), ("nb", GaussianNB())], voting="soft")
    assert voting.fit(X, y).score(X, y) > 0.7
    stack = StackingClassifier([("student", small())], cv=2).fit(X, y)
    assert stack.score(X, y) > 0.7


def test_inspection():
    X, y = data(400, n_features=4, n_informative=2, shuffle=False)
    clf = small().fit(X, y)
    importance = permutation_importance(clf, X, y, n_repeats=3, random_state=0).importances_mean
    assert set(np.argsort(importance)[-2:]) == {0, 1}
    curve = partial_dependence(clf, X, [0], grid_resolution=5)["average"]
    assert curve.shape == (1, 5)
    assert np.ptp(curve) > 0


def test_a_student_as_the_teacher_of_a_student():
    X, y = data()
    first = small(RandomForestClassifier(20, random_state=0))
    second = DistilledClassifier([("first", first), ("lr", LogisticRegression())], SMALL)
    second.set_params(teacher__first__temperature=3.0, random_state=0).fit(X, y)
    assert second.teacher_.named_estimators_["first"].temperature_ == 3.0
    assert second.score(X, y) > 0.7


def test_balanced_response_helps_the_rare_class_and_keeps_the_probabilities():
    X, y = data(3000, weights=[0.96], class_sep=0.8, flip_y=0)
    X_test, y_test, X, y = X[2000:], y[2000:], X[:2000], y[:2000]

    def loss_on_rare(response):
        narrow = MLPStudent(hidden_layer_sizes=(3,), n_steps=150)
        clf = DistilledClassifier(
            RandomForestClassifier(100, random_state=0),
            narrow,
            response=response,
            alpha=0.0,
            transfer=Munge(size=2),
            calibrate=False,
            random_state=0,
        ).fit(X, y)
        p = clf.predict_proba(X_test)
        target = clf.teacher_.predict_proba(X_test)
        rare = y_test == 1
        return -np.mean((target * np.log(p)).sum(axis=1)[rare]), accuracy_score(
            y_test, p.argmax(axis=1)
        )

    plain, plain_accuracy = loss_on_rare(Hinton())
    balanced, balanced_accuracy = loss_on_rare(BalancedHinton())
    assert balanced < plain
    assert balanced_accuracy > plain_accuracy - 0.02
    assert loss_on_rare(BalancedHinton(balance=0.0)) == (plain, plain_accuracy)


def test_balanced_response_by_hand():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [1.0, 0.0]])
    prior = p.mean(axis=0)
    rarity = (p / prior).mean(axis=1)
    weight = rarity / rarity.mean()
    np.testing.assert_allclose(BalancedHinton().prepare(p, 1.0), weight[:, None] * p)
    assert np.argmax(weight) == 2
    stray = np.full((500, 3), [0.6, 0.4, 0.0])
    stray[7] = [0.59, 0.4, 0.01]
    assert BalancedHinton().prepare(stray, 1.0).sum(axis=1)[7] < 2
    with pytest.raises(ValueError, match="'balance' parameter of BalancedHinton must be .* Got 2"):
        small(response=BalancedHinton(balance=2)).fit(*data())
