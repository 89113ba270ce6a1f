"""Rows that belong together stay together: held out, in folds, and where a splitter says so."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DistillationReport, DistilledClassifier, MLPStudent, TeacherPool

SMALL = MLPStudent((8,), n_steps=10)
SEEN = []


@pytest.fixture(autouse=True)
def forget():
    SEEN.clear()


class Watching(ClassifierMixin, BaseEstimator):
    """A teacher that remembers the rows it was fitted on, by their first column."""

    def fit(self, X, y):
        SEEN.append(np.asarray(X)[:, 0].astype(int))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def data(n_rows=600):
    X = np.column_stack([np.arange(n_rows), np.random.RandomState(0).normal(size=n_rows)])
    return X, np.arange(n_rows) % 2


def make(**params):
    params = {"teacher": Watching(), "student": SMALL, "transfer": None, "random_state": 0} | params
    return DistilledClassifier(**params)


X, Y = data()
TENS = np.arange(600) // 10


def held_out():
    """The rows that the first teacher did not see."""
    return np.setdiff1d(np.arange(600), SEEN[0])


# --- the rows held out ---


@pytest.mark.parametrize(
    "groups",
    [
        TENS,
        [f"patient {g}" for g in TENS],
        [("ward", int(g)) for g in TENS],
        [int(g) if g % 2 else str(g) for g in TENS],
        pd.Series(TENS, index=np.arange(600)[::-1]),
        pd.Series(TENS).astype("category"),
        pd.Series(TENS, dtype="Int64"),
        pl.Series(TENS),
        pl.Series([str(g) for g in TENS], dtype=pl.Categorical),
        pd.to_datetime("2024-01-01") + pd.to_timedelta(TENS, unit="D"),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_whole_groups_are_held_out(groups):
    make(max_time=1000).fit(X, Y, groups=groups)
    rows = held_out()
    assert len(rows) == 60
    assert_array_equal(np.isin(TENS, TENS[rows]), np.isin(np.arange(600), rows))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros(600), "each is the only one"),
        (TENS[:599], "599 groups, 600 rows"),
        (np.where(TENS == 3, np.nan, TENS), "10 missing values, the first in row 30"),
        ([None, *TENS[1:]], "1 missing values, the first in row 0"),
        (np.column_stack([TENS, TENS]), r"shape \(n_samples,\), got \(600, 2\)"),
        ([{}] * 600, "hashable"),
        ("patient", r"give the column, X\['patient'\]"),
        (Y, "or all rows of a class"),
    ],
)
def test_wrong_groups(groups, message):
    with pytest.raises(ValueError, match=f"`groups`.*{message}"):
        make().fit(X, Y, groups=groups)
    assert not SEEN


def test_rows_of_weight_zero_go_with_their_group():
    weight = np.where(np.arange(600) % 10 == 0, 0.0, 1.0)
    make(teacher=Watching()).fit(X, Y, groups=TENS, sample_weight=weight)
    rows = held_out()
    assert_array_equal(np.isin(TENS, TENS[rows]), np.isin(np.arange(600), rows))


@pytest.mark.parametrize("labels", [Y, None])
def test_groups_beside_soft_targets(labels):
    p = np.column_stack([1 - Y, Y]) * 0.8 + 0.1
    make(teacher=None).fit(X, labels, soft_targets=p, groups=TENS)
    frozen = FrozenEstimator(LogisticRegression().fit(X, Y))
    assert make(teacher=frozen).fit(X, labels, groups=TENS).n_features_in_ == 2


def test_a_second_fit_with_warm_start_holds_out_the_same_groups():
    clf = make(warm_start=True, cv=2)
    clf.fit(X, Y, groups=TENS).fit(X, Y, groups=TENS)
    assert_array_equal(np.sort(np.concatenate(SEEN[1:3])), SEEN[0])
    assert_array_equal(np.sort(np.concatenate(SEEN[3:5])), SEEN[0])


# --- folds ---


@pytest.mark.parametrize(
    ("cv", "n_folds"),
    [
        (3, 3),
        (GroupKFold(4), 4),
        (StratifiedGroupKFold(2, shuffle=True, random_state=0), 2),
        (LeaveOneGroupOut(), 54),
        (list(GroupKFold(3).split(X, Y, TENS)), 3),
        (KFold(3), 3),  # these groups it does not split
    ],
)
def test_folds_do_not_split_groups(cv, n_folds):
    make(cv=cv, max_time=1000, refit=False).fit(X, Y, groups=TENS)
    kept, folds = SEEN[0], SEEN[1:]
    assert len(folds) == n_folds
    for rows in folds:
        assert not np.isin(TENS[rows], TENS[np.setdiff1d(kept, rows)]).any()


def test_groups_of_text_that_an_own_splitter_reads():
    class East:
        def split(self, X, y, groups):
            east = groups == "east"
            return [(~east, east), (east, ~east)]

    make(cv=East(), early_stopping=False).fit(X, Y, groups=np.where(TENS < 20, "east", "west"))
    assert_array_equal(SEEN[2], np.arange(200))


@pytest.mark.parametrize(
    ("cv", "groups", "message"),
    [
        (KFold(7), TENS, r"groups have rows in the training and in the test.*GroupKFold"),
        (5, np.arange(600) // 200, "5 folds need as many groups, but `groups` has 3"),
        (GroupKFold(5), np.arange(600) // 200, "Cannot have number of splits"),
        (GroupKFold(5), None, "'groups' parameter should not be None"),
        (TimeSeriesSplit(), TENS, "exactly one test fold.*`validation_fraction`"),
    ],
)
def test_folds_that_cannot_be(cv, groups, message):
    with pytest.raises(ValueError, match=f"`cv=.*{message}"):
        make(cv=cv).fit(X, Y, groups=groups)
    assert not SEEN


def test_the_pool_alone_keeps_groups_together():
    pool = TeacherPool(Watching()).fit(X, Y)
    pool.cross_fit_proba(X, Y, 4, groups=TENS)
    assert len(SEEN) == 5
    for rows in SEEN[1:]:
        assert not np.isin(TENS[rows], TENS[np.setdiff1d(np.arange(600), rows)]).any()


# --- a splitter in place of a fraction ---


@pytest.mark.parametrize(
    ("splitter", "expected"),
    [
        (TimeSeriesSplit(4), np.arange(480, 600)),
        (PredefinedSplit(np.repeat([-1, 0, 1], 200)), np.arange(400, 600)),
        ([(np.arange(600) < 500, np.arange(600) >= 500)], np.arange(500, 600)),
        (KFold(6), np.arange(500, 600)),
    ],
)
def test_a_splitter_holds_out_its_last_test_part(splitter, expected):
    clf = make(validation_fraction=splitter).fit(X, Y)
    assert_array_equal(held_out(), expected)
    assert clf.trials_
    assert clone(clf).get_params()["validation_fraction"] is not None


def test_a_splitter_holds_out_from_few_rows_too():
    clf = make(validation_fraction=StratifiedShuffleSplit(1, test_size=0.2, random_state=0))
    assert "valid_loss" in clf.fit(X[:100], Y[:100]).history_[-1]
    assert len(SEEN[0]) == 80


def test_rows_in_neither_part_are_left_out():
    splitter = TimeSeriesSplit(4, gap=30, max_train_size=300)
    make(validation_fraction=splitter, cv=2).fit(X, Y)
    assert_array_equal(SEEN[0], np.arange(150, 450))
    assert_array_equal(np.sort(np.concatenate(SEEN[1:3])), np.arange(150, 450))
    test = list(splitter.split(X))[-1][1]
    both = np.union1d(np.arange(150, 450), test)  # at last, those held out join them
    assert_array_equal(SEEN[3], both)
    assert_array_equal(np.sort(np.concatenate(SEEN[4:])), both)


def test_a_splitter_is_given_the_groups():
    splitter = GroupShuffleSplit(1, test_size=0.2, random_state=0)
    make(validation_fraction=splitter).fit(X, Y, groups=TENS)
    assert_array_equal(held_out(), next(splitter.split(X, Y, TENS))[1])


def test_time_is_judged_by_the_last_rows():
    flipped = np.where(np.arange(600) < 480, X[:, 1] > 0, X[:, 1] < 0).astype(int)
    params = {"teacher": LogisticRegression(), "calibrate": False, "refit": False}
    params |= {"student": MLPStudent((8,), n_steps=200), "encoder": "passthrough"}
    losses = []
    for fraction in (0.2, TimeSeriesSplit(4)):
        clf = make(validation_fraction=fraction, **params).fit(X[:, 1:], flipped)
        losses.append(next(t["log_loss"] for t in clf.trials_ if t["who"] == "student"))
    assert losses[0] < 0.69 < losses[1]


@pytest.mark.parametrize(
    ("splitter", "groups", "message"),
    [
        ([(np.arange(300), np.arange(299, 600))], None, "1 rows are in both parts.*row 299"),
        ([(np.arange(600), [])], None, "one at least"),
        ([(np.arange(600), [600])], None, "from 0 to 599, got 600 to 600"),
        ([], None, "it gives no split"),
        (KFold(7), TENS, "groups have rows in the training and in the test"),
        (GroupShuffleSplit(1), None, "'groups' parameter should not be None"),
        (TimeSeriesSplit, None, "must be a number.*got <class"),
        ("last", None, "must be a number.*got 'last'"),
        (1.5, None, "an object implementing 'split'"),
        ([(np.flatnonzero(Y == 0), np.flatnonzero(Y))], None, r"no row of the classes \[1\]"),
        ([1, 2], None, "each split must be a pair"),
        ((np.arange(9), np.arange(9, 18)), None, r"give a list of pairs, \[\(train, test\)\]"),
        (PredefinedSplit([-1] * 20 + [0] * 20), None, "for each of the 600 rows of X, got 40"),
        ([(np.arange(40) < 20, np.arange(40) >= 20)], None, "a mask must have.*600.*got 40"),
        ([(np.arange(300), np.arange(-300, 0))], None, "got -300 to -1"),
        (StratifiedGroupKFold(3), None, "give `groups` to `fit`"),
    ],
)
def test_splitters_that_do_not_split(splitter, groups, message):
    with pytest.raises(ValueError, match=f"validation_fraction.*{message}"):
        make(validation_fraction=splitter).fit(X, Y, groups=groups)
    assert not SEEN


# --- in Pipelines and searches ---


def test_groups_in_a_search_over_a_pipeline():
    with sklearn.config_context(enable_metadata_routing=True):
        distil = make(cv=GroupKFold(2)).set_fit_request(groups=True)
        pipe = make_pipeline(StandardScaler(with_mean=False, with_std=False), distil)
        grid = {"distilledclassifier__temperature": [1.0, 2.0]}
        search = GridSearchCV(pipe, grid, cv=GroupKFold(2), refit=False, error_score="raise")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            search.fit(np.tile(X, (2, 1)), np.tile(Y, 2), groups=np.tile(TENS, 2))
    for rows in SEEN:
        assert len(rows) == 2 * len(np.unique(rows))  # a row and its twin are one group


# --- the loss that a fit believes ---


def world(rng, n_groups):
    """Ten rows a group, nearly alike, and of one label that is half noise."""
    groups = np.repeat(np.arange(n_groups), 10)
    of_group = rng.normal(size=(n_groups, 8))
    labels = (of_group[:, 0] + rng.normal(size=n_groups) > 0).astype(int)[groups]
    return of_group[groups] + 0.05 * rng.normal(size=(len(groups), 8)), labels, groups


def believed(clf):
    (kept,) = [trial for trial in clf.trials_ if trial["is_kept"]]
    return kept["log_loss"]


def test_few_groups_held_out_are_not_all_that_is_judged_by():
    rows, labels, groups = world(np.random.RandomState(1), 60)
    new, truth, _ = world(np.random.RandomState(2), 300)
    teacher = RandomForestClassifier(20, min_samples_leaf=20)
    clf = make(teacher=teacher, student=MLPStudent((8,), n_steps=60)).fit(
        rows, labels, groups=groups
    )
    assert clf.trials_[-1]["n_groups"] == 60
    assert clf.trials_[-1]["is_kept"]
    assert "over all 60 groups, each held out once" in clf.decision_
    assert 0.8 < believed(clf) / log_loss(truth, clf.predict_proba(new)) < 1.25
    at_random = clone(clf).fit(rows, labels)
    assert believed(at_random) < 0.9 * believed(clf)


def test_no_twin_has_seen_the_groups_that_it_is_judged_by():
    make(alpha=0.3, early_stopping=True).fit(X, Y, groups=TENS)
    folds = [np.setdiff1d(np.arange(600), rows) for rows in SEEN[1:]]
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(600))
    for rows in folds:
        assert_array_equal(np.isin(TENS, TENS[rows]), np.isin(np.arange(600), rows))


def test_the_fits_of_all_groups_are_told_and_repeat_no_warning(capsys):
    fitted = RandomForestClassifier(5, random_state=0).fit(X, Y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make(teacher=fitted, alpha=0.3, verbose=1).fit(X, Y, groups=TENS)
    assert sum("is fitted but not frozen" in str(one.message) for one in caught) == 1
    told = "5 more fits; a splitter as `validation_fraction` does without"
    assert capsys.readouterr().out.count(told) == 1


@pytest.mark.parametrize(
    ("params", "groups"),
    [
        ({"validation_fraction": GroupShuffleSplit(1, test_size=0.1, random_state=0)}, TENS),
        ({"warm_start": True}, TENS),
        ({"max_time": 60}, TENS),
        ({"early_stopping": False}, TENS),
        ({}, np.arange(600)),  # 60 groups are held out
        ({}, np.arange(600) // 150),  # there are four
        ({}, None),
    ],
)
def test_where_the_groups_held_out_do(params, groups):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = make(cv=None, refit=False, **params).fit(X, Y, groups=groups)
    assert len(SEEN) == 1
    assert not any("n_groups" in trial for trial in clf.trials_)


def test_a_twin_that_fails_leaves_the_student():
    class Once(Watching):
        def fit(self, X, y):
            if SEEN:
                raise RuntimeError("no more")
            return super().fit(X, y)

    with pytest.warns(UserWarning, match=r"judging the student by all groups failed.*no more"):
        clf = make(teacher=Once()).fit(X, Y, groups=TENS)
    assert clf.predict(X).shape == (600,)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_loss_believed_is_near_the_true_one(seed):
    rng = np.random.RandomState(seed)
    rows, labels, groups = world(rng, 100)
    new, truth, _ = world(rng, 1000)
    clf = DistilledClassifier(RandomForestClassifier(100), random_state=seed)
    clf.fit(rows, labels, groups=groups)
    assert abs(believed(clf) / log_loss(truth, clf.predict_proba(new)) - 1) < 0.2


def test_the_control_of_a_report_takes_groups():
    clf = make(teacher=LogisticRegression(), max_time=1000).fit(X, Y, groups=TENS)
    given = {"control": "fit", "X_train": X, "y_train": Y, "speed": False}
    with pytest.raises(ValueError, match="599 groups, 600 rows"):
        DistillationReport.from_estimator(clf, X[:60], Y[:60], groups_train=TENS[:599], **given)
    with pytest.raises(ValueError, match="`groups_train` are those of `X_train`"):
        DistillationReport.from_estimator(clf, X[:60], Y[:60], groups_train=TENS)
