"""What y may be, and what is said where it is something else."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputClassifier

from skdistill import DistilledClassifier, MLPStudent

X, Y = load_iris(return_X_y=True)
RNG = np.random.RandomState(0)
RANGES = r"`pandas.cut\(y, bins\).astype\(str\)`"


def make(teacher=None):
    teacher = LogisticRegression(max_iter=1000) if teacher is None else teacher
    return DistilledClassifier(teacher, MLPStudent((8,), n_steps=20), transfer=None, random_state=0)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (load_diabetes().target[:150], rf"different numbers in 150 rows.*{RANGES}"),
        (RNG.randint(0, 1000, 150), r"look like a quantity.*`y.astype\(str\)`"),
        (RNG.normal(size=150), rf"Unknown label type: continuous.*{RANGES}"),
        (Y + 0.5, r"Unknown label type: continuous.*grades or codes.*`y.astype\(str\)`"),
        (np.eye(3)[Y], r"shape \(150, 3\).*MultiOutputClassifier.*`y.argmax\(axis=1\)`"),
        (pd.DataFrame(np.eye(3)[Y]), r"shape \(150, 3\).*MultiOutputClassifier"),
        (csr_array(np.eye(3)[Y]), r"shape \(150, 3\).*MultiOutputClassifier"),
        (np.where(Y == 1, "a", Y.astype(object)).astype(object), r"types \['int', 'str'\]"),
        (Y.astype(object), r"labels are of type int: `y.astype\('int'\)`"),
        ((Y == 1).astype(object), r"labels are of type bool: `y.astype\('bool'\)`"),
        ([[1], [1, 2], [2]] * 50, r"collection of labels for each row.*MultiLabelBinarizer\(\)"),
        ([{"a"}, {"b"}, {"c"}] * 50, r"collection of labels for each row.*MultiOutputClassifier"),
        (pd.Series([{"a"}, {"a", "b"}, set()] * 50), r"collection of labels.*MultiLabelBinarizer"),
    ],
    ids=[
        *("diabetes", "counts", "continuous", "grades", "indicators", "frame", "sparse", "mixed"),
        *("whole numbers", "truth values", "lists", "sets", "series of sets"),
    ],
)
def test_targets_that_are_no_classes_name_the_remedy(y, message):
    with pytest.raises(ValueError, match=message):
        make().fit(X, y)


def test_the_remedies_work():
    assert_array_equal(make().fit(X, Y.astype(object).astype("int")).classes_, [0, 1, 2])
    assert_array_equal(make().fit(X, (Y + 0.5).astype(str)).classes_, ["0.5", "1.5", "2.5"])
    several = np.eye(3, dtype=int)[Y]
    assert MultiOutputClassifier(make()).fit(X, several).predict(X).shape == (150, 3)
    rows, ages = RNG.normal(size=(200, 2)), RNG.randint(18, 80, 200)
    assert len(make().fit(rows, ages.astype(str)).classes_) > 30
    for counts in (ages, pd.Series(ages)):
        assert len(make().fit(rows, pd.cut(counts, 3).astype(str)).classes_) == 3
    bins = pd.cut(ages, [0, 40, 60, 100], labels=["young", "middle", "old"], ordered=False)
    assert len(make().fit(rows, bins).classes_) == 3


def test_many_numbers_are_warned_of_unless_they_are_codes():
    rows = RNG.normal(size=(600, 2))
    with pytest.warns(UserWarning, match="`y` holds 40 different numbers in 600 rows"):
        make().fit(rows, 20 + np.arange(600) % 40)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*different numbers")
        make().fit(rows, np.arange(600) % 40)
        make().fit(rows, (20 + np.arange(600) % 40).astype(str))


def test_an_order_that_is_not_used_is_told_of():
    names = np.array(["low", "middle", "high"])
    y = pd.Series(pd.Categorical(names[Y], names, ordered=True))
    with pytest.warns(UserWarning, match="`y` is an ordered Categorical, but the order is not"):
        clf = make().fit(X, y)
    assert_array_equal(clf.classes_, ["high", "low", "middle"])


def test_a_regressor_as_teacher_is_refused():
    with pytest.raises(ValueError, match="teacher `ridge` .* regressor"):
        make(Ridge()).fit(X, Y)
