"""The Scorer where scikit-learn wants a fitted classifier, and as a teacher."""

import pickle

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    accuracy_score,
    get_scorer,
)
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdistill import TRUSTED_TYPES, DistilledClassifier, MLPStudent, Scorer, TeacherPool, to_onnx

mpl.use("Agg")


def student(teacher):
    return DistilledClassifier(teacher, MLPStudent((8,), n_steps=50), transfer=None, random_state=0)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Classifier, X, y, Scorer."""
    X, y = make_classification(200, 4, n_informative=3, n_redundant=0, random_state=0)
    X, y = pd.DataFrame(X, columns=list("abcd")), np.array(["no", "yes"])[y]
    clf = student(LogisticRegression()).fit(X, y)
    path = tmp_path_factory.mktemp("exported") / "a.onnx"
    to_onnx(clf, path)
    return clf, X, y, Scorer(path)


@pytest.mark.parametrize("name", ["neg_log_loss", "accuracy", "roc_auc", "balanced_accuracy"])
def test_scorers(exported, name):
    clf, X, y, scorer = exported
    expected = get_scorer(name)(clf, X, y)
    assert get_scorer(name)(scorer, X, y) == pytest.approx(expected, abs=1e-5)
    for fitted in (scorer, FrozenEstimator(scorer)):
        found = cross_val_score(fitted, X, y, scoring=name, cv=2)
        expected = cross_val_score(FrozenEstimator(clf), X, y, scoring=name, cv=2)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_score(exported):
    clf, X, y, scorer = exported
    weights = np.arange(len(y)) + 1.0
    assert scorer.score(X, y) == clf.score(X, y)
    expected = accuracy_score(y, clf.predict(X), sample_weight=weights)
    assert scorer.score(X, pd.Series(y), sample_weight=weights) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"`y` has shape \(3,\) for 200 rows"):
        scorer.score(X, y[:3])
    assert scorer.score(X, np.asarray(y)[:, None]) == clf.score(X, y)
    with pytest.raises(ValueError, match="give labels of that type"):
        scorer.score(X, np.arange(len(y)))
    with pytest.raises(ValueError, match="`y` lacks 1 of 200 values"):
        scorer.score(X, [None, *y[1:]])
    for bad in ([1.0], np.zeros(len(y)), -weights, weights * np.nan):
        with pytest.raises(ValueError, match="`sample_weight` must have a finite number"):
            scorer.score(X, y, sample_weight=bad)


def test_it_is_a_fitted_classifier(exported):
    _, X, y, scorer = exported
    assert is_classifier(scorer)
    check_is_fitted(scorer)
    assert clone(scorer) is scorer
    assert scorer.fit(X, y) is scorer
    tags = get_tags(scorer)
    assert not tags.input_tags.allow_nan  # the teacher takes none
    assert not tags.input_tags.categorical


def test_displays(exported):
    clf, X, y, scorer = exported
    for display in (RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay):
        display.from_estimator(scorer, X, y)
    found = CalibrationDisplay.from_estimator(scorer, X, y)
    expected = CalibrationDisplay.from_estimator(clf, X, y)
    np.testing.assert_allclose(found.prob_pred, expected.prob_pred, atol=1e-5)
    found = ConfusionMatrixDisplay.from_estimator(scorer, X, y)
    expected = ConfusionMatrixDisplay.from_estimator(clf, X, y)
    np.testing.assert_array_equal(found.confusion_matrix, expected.confusion_matrix)


def test_a_boundary_of_two_columns(exported, tmp_path):
    _, X, y, _ = exported
    clf = student(LogisticRegression()).fit(X[["a", "b"]], y)
    to_onnx(clf, tmp_path / "a.onnx")
    scorer = Scorer(tmp_path / "a.onnx")
    found, expected = (
        DecisionBoundaryDisplay.from_estimator(model, X[["a", "b"]], grid_resolution=10)
        for model in (scorer, clf)
    )
    assert found.response.shape == expected.response.shape


def test_inspection(exported):
    clf, X, y, scorer = exported
    found, expected = (
        permutation_importance(model, X, y, n_repeats=2, random_state=0).importances
        for model in (scorer, clf)
    )
    np.testing.assert_allclose(found, expected, atol=1e-9)
    found, expected = (
        partial_dependence(model, X, ["a"], grid_resolution=5, response_method="predict_proba")
        for model in (scorer, clf)
    )
    np.testing.assert_allclose(found["average"], expected["average"], atol=1e-5)
    PartialDependenceDisplay.from_estimator(scorer, X, ["a"], grid_resolution=3)


def test_calibration_of_a_scorer(exported):
    clf, X, y, scorer = exported
    found, expected = (
        CalibratedClassifierCV(FrozenEstimator(model)).fit(X, y).predict_proba(X)
        for model in (scorer, clf)
    )
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert np.abs(found - expected).mean() < 0.1  # the one has no decision function
    p = cross_val_predict(scorer, X, y, method="predict_proba", cv=2)
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)


def test_a_teacher(exported, tmp_path):
    clf, X, y, scorer = exported
    by_scorer = student(scorer).set_params(memory=str(tmp_path))
    by_clf = student(FrozenEstimator(clf))
    expected = by_clf.fit(X, y).predict_proba(X)
    for teacher in (scorer, FrozenEstimator(scorer)):
        by_scorer.set_params(teacher=teacher)
        np.testing.assert_allclose(by_scorer.fit(X, y).predict_proba(X), expected, atol=1e-3)
    p = TeacherPool(scorer).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)
    assert cross_val_score(by_scorer, X, y, cv=2).shape == (2,)
    search = GridSearchCV(by_scorer, {"alpha": [0.3, 1.0]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.5
    stored = pickle.loads(pickle.dumps(search.best_estimator_))
    p = stored.teacher_.predict_proba(X)
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)


def test_skops(exported):
    clf, X, _, scorer = exported
    data = skops.io.dumps(scorer)
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException):
        skops.io.loads(data)
    found = skops.io.loads(data, trusted=TRUSTED_TYPES)
    np.testing.assert_allclose(found.predict_proba(X), clf.predict_proba(X), atol=1e-5)
