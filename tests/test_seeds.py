"""`random_state` on its way to everything random in a teacher."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from shared import seeds_of, small_forest, vote_of_forests
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from skdistill import DistilledClassifier, MLPStudent, TeacherPool

X, Y = make_classification(200, 8, random_state=0)
SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=20)


NESTED = {
    "vote": vote_of_forests(),
    "stack": StackingClassifier(
        [("a", small_forest()), ("b", small_forest())], small_forest(), cv=2
    ),
    "pipeline": make_pipeline(StandardScaler(), vote_of_forests()),
    "bagging": BaggingClassifier(small_forest(), 2),
    "other libraries": VotingClassifier(
        [
            ("x", XGBClassifier(n_estimators=2, n_jobs=1)),
            ("l", LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1)),
            ("f", small_forest()),
        ],
        voting="soft",
    ),
    "pool": TeacherPool([small_forest(), ("mine", small_forest())]),
}


@pytest.mark.parametrize("kind", NESTED)
def test_each_nested_random_state_has_a_number_of_its_own(kind):
    teacher = NESTED[kind]
    first, again, other = (
        seeds_of(TeacherPool(teacher, random_state=seed).fit(X, Y).estimators_[0])
        for seed in (0, 0, 1)
    )
    assert len(set(first.values())) == len(first) > 1
    assert all(isinstance(number, int) for number in first.values())
    assert first == again
    assert not set(first.values()) & set(other.values())
    assert set(seeds_of(teacher).values()) == {None}


def test_a_vote_of_five_forests_is_five_forests():
    """One seed for all makes one forest of it, five times."""
    clf = DistilledClassifier(vote_of_forests(), SMALL, transfer=None, random_state=0).fit(X, Y)
    answers = [part.predict_proba(X) for part in clf.teacher_.estimators_[0].estimators_]
    assert all(np.abs(answers[0] - other).max() > 0.1 for other in answers[1:])
    rows, labels = make_classification(
        1200, 20, n_informative=8, flip_y=0.1, n_clusters_per_class=4, random_state=0
    )
    pool = TeacherPool(vote_of_forests(), random_state=0).fit(rows[:600], labels[:600])
    one = small_forest(random_state=0).fit(rows[:600], labels[:600])
    losses = [log_loss(labels[600:], model.predict_proba(rows[600:])) for model in (pool, one)]
    assert losses[0] < 0.7 * losses[1]


def test_what_is_set_or_frozen_stays():
    frozen = FrozenEstimator(small_forest().fit(X, Y))
    teacher = VotingClassifier(
        [("set", small_forest(random_state=3)), ("free", small_forest()), ("frozen", frozen)],
        voting="soft",
    )
    pool = TeacherPool(teacher, random_state=0).fit(X, Y)
    given, free, kept = pool.estimators_[0].estimators_
    assert given.random_state == 3
    assert free.random_state not in (None, 3)
    assert kept.estimator is frozen.estimator
    assert kept.estimator.random_state is None


def test_a_part_that_is_its_own_clone_stays():
    class Kept(RandomForestClassifier):
        def __sklearn_clone__(self):
            return self

    part = Kept(2)
    TeacherPool(make_pipeline(StandardScaler(), part), random_state=0).fit(X, Y)
    assert part.random_state is None


def test_an_instance_of_random_state_goes_on():
    rng = np.random.RandomState(0)
    pool = TeacherPool([small_forest(), small_forest()], random_state=rng)
    numbers = [seeds_of(part)["random_state"] for _ in range(2) for part in _fitted(pool)]
    assert len(set(numbers)) == 4
    same = TeacherPool([small_forest(), small_forest()], random_state=np.random.RandomState(0))
    assert [seeds_of(part)["random_state"] for part in _fitted(same)] == numbers[:2]


def _fitted(pool):
    return pool.fit(X, Y).estimators_


@pytest.mark.parametrize("random_state", [0, None])
def test_memory_knows_a_vote_again(tmp_path, random_state):
    pools = [
        TeacherPool(vote_of_forests(), memory=str(tmp_path), random_state=random_state).fit(X, Y)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*(pool.predict_proba(X) for pool in pools))
    np.testing.assert_array_equal(*(pool.cross_fit_proba(X, Y, 2) for pool in pools))
    answers = [part.predict_proba(X) for part in pools[1].estimators_[0].estimators_]
    assert np.abs(answers[0] - answers[1]).max() > 0.1


def test_folds_keep_the_numbers():
    out = [
        TeacherPool([vote_of_forests(), LogisticRegression()], random_state=0)
        .fit(X, Y)
        .cross_fit_proba(X, Y, 3)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*out)
