"""What a fit by `warm_start` can follow, and what it refuses."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from skdistill import DistilledClassifier, MLPStudent, Munge

X, Y = make_classification(1400, 8, n_informative=5, n_classes=3, flip_y=0.1, random_state=0)
SMALL = MLPStudent((16,), n_steps=30)


def frozen(n_rows=1400):
    return FrozenEstimator(LogisticRegression().fit(X[:n_rows], Y[:n_rows]))


def make(teacher=None, **params):
    params = {"transfer": None, "random_state": 0, "warm_start": True, **params}
    teacher = RandomForestClassifier(5) if teacher is None else teacher
    return DistilledClassifier(teacher, SMALL, **params)


@pytest.mark.parametrize(
    ("given", "changed", "named"),
    [
        ({}, {"teacher": LogisticRegression()}, "`teacher`"),
        ({}, {"teacher__max_depth": 2}, "`teacher`"),
        ({"teacher": frozen()}, {"teacher": frozen(700)}, "`teacher`"),
        ({"teacher": frozen()}, {"teacher": None}, "`teacher`"),
        ({}, {"pooling": "geometric"}, "`pooling`"),
        ({}, {"teacher_weights": [2.0]}, "`teacher_weights`"),
        ({}, {"encoder": "passthrough"}, "`encoder`"),
        ({}, {"class_weight": "balanced"}, "`class_weight`"),
        ({}, {"early_stopping": False}, "`early_stopping`"),
        ({}, {"validation_fraction": 0.2}, "`validation_fraction`"),
        ({}, {"encoder": "passthrough", "pooling": "geometric"}, "`pooling`, `encoder`"),
    ],
    ids=str,
)
def test_what_cannot_be_followed_is_refused(given, changed, named):
    clf = make(**given).fit(X, Y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match=f"cannot follow another {named}: set it back"):
        clf.set_params(**changed).fit(X, Y, soft_targets=None)
    assert_array_equal(clf.predict_proba(X), before)


@pytest.mark.parametrize(
    "changed",
    [
        {"alpha": 0.9},
        {"temperature": 2.0},
        {"student__n_steps": 60},
        {"transfer": Munge(size=1)},
        {"calibrate": False},
        {"n_jobs": 2},
        {"random_state": 1},
    ],
    ids=str,
)
def test_what_can_be_followed_is(changed):
    clf = make().fit(X, Y)
    teacher, before = clf.teacher_, clf.predict_proba(X)
    clf.set_params(**changed).fit(X, Y)
    assert clf.teacher_ is teacher
    assert np.abs(clf.predict_proba(X) - before).max() > 0


@pytest.mark.parametrize("teacher", [None, frozen()], ids=["unfitted", "frozen"])
def test_going_on_after_a_round_trip_is_no_change(teacher):
    clf = pickle.loads(pickle.dumps(make(teacher).fit(X, Y)))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*warm_start")
        clf.fit(X, Y)
    with pytest.raises(ValueError, match="another `pooling`"):
        clf.set_params(pooling="geometric").fit(X, Y)


def test_other_rows_that_the_teacher_may_have_seen_are_told_of():
    with pytest.warns(UserWarning, match="goes on with other rows .* Give `X_val` and `y_val`"):
        make().fit(X[:700], Y[:700]).fit(X, Y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*goes on with other rows")
        make().fit(X, Y).fit(X, Y)
        make(frozen()).fit(X[:700], Y[:700]).fit(X, Y)
        make().fit(X[:700], Y[:700]).fit(X[700:], Y[700:], X_val=X[:300], y_val=Y[:300])
        make(warm_start=False, refit=False).fit(X, Y).set_params(warm_start=True).fit(X, Y)
    again = make(warm_start=False, validation_fraction=0.1).fit(X, Y)  # at last of all rows
    with pytest.warns(UserWarning, match="goes on with other rows .* Give `X_val` and `y_val`"):
        again.set_params(warm_start=True).fit(X, Y)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {"groups": np.arange(1400) // 7}),
        ({}, {"sample_weight": np.arange(1400) % 2}),
        ({"X_val": X[:100], "y_val": Y[:100]}, {}),
    ],
    ids=["groups", "weights", "no rows given for validation"],
)
def test_other_rows_held_out_are_told_of(first, then):
    """The rows of both fits are the same, but those are held out that the teacher has seen."""
    clf = make().fit(X, Y, **first)
    with pytest.warns(UserWarning, match="may have been fitted on some of those that are held out"):
        clf.fit(X, Y, **then)
