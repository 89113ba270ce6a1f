"""Messages name the remedy that fits."""

import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from skdistill import DKD, DistilledClassifier, FromTrees, Hint, MLPStudent, to_onnx

X, Y = load_iris(return_X_y=True)
SMALL = MLPStudent((8,), n_steps=20)


def fit(teacher, **params):
    params = {"transfer": None, "random_state": 0, **params}
    return DistilledClassifier(teacher, SMALL, **params).fit(X, Y)


@pytest.mark.parametrize(
    ("teacher", "remedy"),
    [
        (RidgeClassifier(), r"CalibratedClassifierCV\(RidgeClassifier\(...\), ensemble=False\)"),
        (
            FrozenEstimator(RidgeClassifier().fit(X, Y)),
            r"CalibratedClassifierCV\(FrozenEstimator\(RidgeClassifier\(...\)\)\), fitted on other",
        ),
    ],
)
def test_a_teacher_without_probabilities_is_wrapped_by_its_own_name(teacher, remedy):
    with pytest.raises(ValueError, match=remedy):
        fit(teacher)


def test_no_teacher_names_the_classes_that_need_none():
    with pytest.raises(ValueError, match="`SelfDistilledClassifier` and `MutualClassifier`"):
        fit(None)


def test_a_response_among_the_objectives_is_told_where_it_goes():
    with pytest.raises(TypeError, match=r"give it as `response=DKD\(\)`"):
        fit(RandomForestClassifier(5), objectives=DKD())


def test_an_unfitted_forest_is_one_of_trees():
    with pytest.raises(ValueError, match="fit RandomForestClassifier first"):
        FromTrees().rows(RandomForestClassifier(), 10)


def test_a_hint_on_the_input_of_the_student_is_refused():
    net = FrozenEstimator(MLPClassifier((8,), max_iter=500, random_state=0).fit(X, Y))
    fit(net, objectives=Hint())
    with pytest.raises(ValueError, match="`student_layer='antepenultimate'` is the student's inp"):
        fit(net, objectives=Hint(student_layer="antepenultimate"))


def test_an_export_of_what_wraps_a_student_names_the_student():
    student = fit(RandomForestClassifier(5, random_state=0))
    with pytest.raises(TypeError, match="give what is frozen in it, its `estimator`"):
        to_onnx(FrozenEstimator(student), "student.onnx")
    search = GridSearchCV(student, {"alpha": [0.5]}, cv=2).fit(X, Y)
    with pytest.raises(TypeError, match="give the fitted student in it, its `best_estimator_`"):
        to_onnx(search, "student.onnx")
