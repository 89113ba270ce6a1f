"""The converter for skl2onnx, alone and within the models that scikit-learn puts around a student.

A graph answers as scikit-learn does, or there is none.
"""

import copy

import numpy as np
import onnxruntime
import pytest
import skl2onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DistilledClassifier, MLPStudent, register_skl2onnx_converter

KINDS = {
    "two": (2, np.array([3, 7])),
    "two texts": (2, np.array(["no", "yes"])),
    "three": (3, np.array([5, 1, 9])),
    "three texts": (3, np.array(["a", "b", "c"])),
}


@pytest.fixture(scope="module", autouse=True)
def _registered():
    register_skl2onnx_converter()


def rows(kind="three texts"):
    n_classes, labels = KINDS[kind]
    X, codes = make_classification(
        n_samples=120,
        n_features=4,
        n_informative=3,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        random_state=0,
    )
    return X.astype(np.float32), labels[codes]


def student():
    return DistilledClassifier(
        LogisticRegression(), MLPStudent((8,), n_steps=50), transfer=None, random_state=0
    )


def pipe():
    return make_pipeline(StandardScaler(), student())


def answers(model, X, tensor=FloatTensorType, **options):
    options = {id(model): {"zipmap": False, **options}}
    types = [("X", tensor([None, X.shape[1]]))]
    graph = skl2onnx.convert_sklearn(model, initial_types=types, options=options)
    return onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": X})


def assert_same(model, X, tensor=FloatTensorType):
    label, p = answers(model, X, tensor)
    np.testing.assert_array_equal(label, model.predict(X))
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(p, model.predict_proba(X), rtol=0, atol=1e-5)


def others(first):
    return [("a", first), ("b", LogisticRegression())]


def voting(first, **params):
    return VotingClassifier(others(first), flatten_transform=False, **params)


RIGHT = {
    "calibrated": lambda: CalibratedClassifierCV(student(), cv=2),
    "calibrated as one": lambda: CalibratedClassifierCV(student(), cv=2, ensemble=False),
    "calibrated Pipeline": lambda: CalibratedClassifierCV(pipe(), cv=2),
    "Pipeline of calibrated Pipeline": lambda: make_pipeline(
        StandardScaler(), CalibratedClassifierCV(make_pipeline(StandardScaler(), pipe()), cv=2)
    ),
    "calibrated twice": lambda: CalibratedClassifierCV(
        CalibratedClassifierCV(student(), cv=2), cv=2
    ),
    "calibrated search": lambda: CalibratedClassifierCV(
        GridSearchCV(student(), {"alpha": [0.3]}, cv=2), cv=2
    ),
    "calibrated Bagging": lambda: CalibratedClassifierCV(
        BaggingClassifier(pipe(), n_estimators=2, random_state=0), cv=2
    ),
    "Bagging of some columns": lambda: BaggingClassifier(
        student(), n_estimators=2, max_features=0.5, random_state=0
    ),
    "Bagging of some scaled columns": lambda: BaggingClassifier(
        pipe(), n_estimators=2, max_features=0.5, random_state=0
    ),
    "calibrated one against rest": lambda: CalibratedClassifierCV(
        OneVsRestClassifier(student()), cv=2
    ),
    "calibrated Voting": lambda: CalibratedClassifierCV(voting(student(), voting="soft"), cv=2),
    "one against rest of calibrated": lambda: OneVsRestClassifier(
        CalibratedClassifierCV(student(), cv=2)
    ),
    "soft Voting": lambda: voting(pipe(), voting="soft", weights=np.array([3.0, 1.0])),
    "hard Voting": lambda: voting(student(), voting="hard"),
    "Stacking": lambda: StackingClassifier(others(student()), cv=2),
    "Stacking by a student": lambda: StackingClassifier(
        [("a", LogisticRegression())], final_estimator=student(), cv=2, passthrough=True
    ),
}


@pytest.mark.parametrize("kind", ["two texts", "three"])
@pytest.mark.parametrize("name", RIGHT)
def test_a_model_around_a_student(name, kind):
    X, y = rows(kind)
    assert_same(RIGHT[name]().fit(X, y), X)


@pytest.mark.parametrize("kind", KINDS)
def test_a_frozen_student(kind):
    X, y = rows(kind)
    for fitted in (student().fit(X, y), pipe().fit(X, y)):
        for model in (
            FrozenEstimator(fitted),
            make_pipeline(FrozenEstimator(fitted)),
            CalibratedClassifierCV(FrozenEstimator(fitted)).fit(X, y),
        ):
            assert_same(model, X)


@pytest.mark.parametrize("kind", ["two", "three texts"])
def test_float64(kind):
    X, y = rows(kind)
    X = X.astype(np.float64)
    frozen = FrozenEstimator(pipe().fit(X, y))
    for model in (
        CalibratedClassifierCV(student(), cv=2).fit(X, y),
        CalibratedClassifierCV(frozen).fit(X, y),
        voting(student(), voting="soft").fit(X, y),
    ):
        assert_same(model, X, DoubleTensorType)


@pytest.mark.parametrize("kind", KINDS)
def test_raw_scores(kind):
    X, y = rows(kind)
    for model in (student().fit(X, y), pipe().fit(X, y)):
        label, scores = answers(model, X, raw_scores=True)
        np.testing.assert_array_equal(label, model.predict(X))
        expected = model.decision_function(X)
        if expected.ndim == 1:
            expected = np.column_stack([-expected, expected])
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def refused(model, X, y, match):
    with pytest.raises(ValueError, match=match):
        answers(model.fit(X, y), X)


def test_a_model_that_skl2onnx_converts_to_another_graph():
    X, y = rows("two")
    isotonic = CalibratedClassifierCV(student(), method="isotonic", cv=2)
    refused(isotonic, X, y, "calibrate as CalibratedClassifierCV.* use method='sigmoid'")
    refused(make_pipeline(StandardScaler(), isotonic), X, y, "nearest threshold")
    refused(TunedThresholdClassifierCV(pipe(), cv=2), X, y, "as TunedThresholdClassifierCV around")
    refused(AdaBoostClassifier(student(), n_estimators=1), X, y, "as AdaBoostClassifier around")
    refused(OneVsOneClassifier(student()), X, y, "as OneVsOneClassifier around")
    refused(MultiOutputClassifier(student()), X, np.c_[y, y[::-1]], "as MultiOutputClassifier")
    for method in ("decision_function", "predict"):
        stacking = StackingClassifier(others(student()), stack_method=method, cv=2)
        refused(stacking, X, y, "use stack_method='predict_proba'")
    dropped = VotingClassifier(
        [("c", "drop"), *others(student())],
        voting="soft",
        weights=np.array([9.0, 3.0, 1.0]),
        flatten_transform=False,
    )
    refused(dropped, X, y, "mixes up the `weights` of a VotingClassifier")


def test_one_student_for_two_purposes():
    X, y = rows()
    fitted = student().fit(X, y)
    for other, message in ((fitted, "one fitted student"), (copy.deepcopy(fitted), None)):
        calibrated = CalibratedClassifierCV(FrozenEstimator(other)).fit(X, y)
        model = StackingClassifier([("a", fitted), ("b", calibrated)], cv="prefit").fit(X, y)
        if message:
            refused(model, X, y, message)
        else:
            assert_same(model, X)


def test_a_student_that_knows_another_number_of_classes():
    X, y = rows("three")
    few = np.append(np.flatnonzero(y != 9), np.flatnonzero(y == 9)[:1])
    model = BaggingClassifier(pipe(), n_estimators=4, random_state=0).fit(X[few], y[few])
    assert {len(member.classes_) for member in model.estimators_} == {2, 3}
    with pytest.raises(ValueError, match="knows 2 classes and BaggingClassifier itself 3"):
        answers(model, X)


def test_a_frozen_model_that_is_no_student():
    X, y = rows()
    model = CalibratedClassifierCV(FrozenEstimator(LogisticRegression().fit(X, y))).fit(X, y)
    with pytest.raises(ValueError, match="a FrozenEstimator of LogisticRegression within another"):
        answers(model, X)
    assert_same(make_pipeline(FrozenEstimator(StandardScaler().fit(X)), student()).fit(X, y), X)
