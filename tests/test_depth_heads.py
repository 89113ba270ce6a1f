"""DepthHeads: what they are attached to, and what is left of them."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression

from skdistill import (
    DepthHeads,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    PrunedStudent,
    QuantizedStudent,
    Scorer,
    to_onnx,
)

X, Y = make_classification(200, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0)
DEEP = MLPStudent((16, 12, 8), n_steps=60)


def student(recipe=DEEP, **params):
    usual = {"transfer": None, "alpha": 0.3, "early_stopping": False, "random_state": 0}
    return DistilledClassifier(LogisticRegression(), recipe, **{**usual, **params})


def test_files_are_as_small_as_without_heads(tmp_path):
    sizes, answers, n_weights = [], [], []
    for place, objectives in enumerate((None, DepthHeads())):
        clf = student(objectives=objectives).fit(X, Y)
        path = tmp_path / f"{place}.onnx"
        sizes.append(to_onnx(clf, path).n_bytes)
        answers.append(Scorer(path).predict_proba(X))
        np.testing.assert_allclose(answers[-1], clf.predict_proba(X), atol=1e-5)
        n_weights.append(sum(one.numel() for one in clf.student_.module_.parameters()))
    assert n_weights[0] == n_weights[1]
    assert abs(sizes[0] - sizes[1]) < 20  # texts of the description aside
    assert np.abs(answers[0] - answers[1]).max() > 1e-4


def test_each_depth_has_a_head():
    one = student(objectives=DepthHeads()).fit(X, Y).predict_proba(X)
    both = student(objectives=DepthHeads(("first", "antepenultimate"))).fit(X, Y)
    assert np.abs(both.predict_proba(X) - one).max() > 1e-4


@pytest.mark.parametrize(
    "recipe",
    [PrunedStudent((16, 12), n_steps=60), QuantizedStudent((16, 12), n_steps=60)],
    ids=lambda one: type(one).__name__,
)
def test_special_recipes_have_heads_too(recipe):
    plain, pulled = (
        student(recipe, objectives=one).fit(X, Y).predict_proba(X) for one in (None, DepthHeads())
    )
    assert np.isfinite(pulled).all()
    assert np.abs(plain - pulled).max() > 1e-4


def test_rows_without_a_teacher_learn_of_labels():
    certain = np.eye(3)[Y]
    clf = student(objectives=DepthHeads(), alpha=1.0).set_params(teacher=None)
    assert clf.fit(X, Y, soft_targets=certain).score(X, Y) > 0.6


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (DepthHeads(()), r"`layers=\(\)` of DepthHeads must name layers below"),
        (DepthHeads(("penultimate",)), "must name layers below 'penultimate'"),
        (DepthHeads(("nowhere",)), r"need the student's layers \['nowhere'\]"),
        (DepthHeads("antepenultimate"), "layers"),
        (DepthHeads(alpha=1.5), "alpha"),
        (DepthHeads(temperature=0), "temperature"),
        (DepthHeads(feature_weight=-1), "feature_weight"),
    ],
    ids=repr,
)
def test_bad_parameters_are_refused(objective, message):
    with pytest.raises(ValueError, match=message):
        student(objectives=objective).fit(X, Y)


def test_a_student_without_a_lower_layer_is_refused():
    with pytest.raises(ValueError, match="what enters the student: .* two hidden layers"):
        student(MLPStudent((8,), n_steps=20), objectives=DepthHeads()).fit(X, Y)


def test_numbers_have_no_heads():
    rows, y = make_regression(60, 4, random_state=0)
    with pytest.raises(ValueError, match=r"`DepthHeads\(\)` is for classes"):
        DistilledRegressor(LinearRegression(), DEEP, objectives=DepthHeads()).fit(rows, y)
