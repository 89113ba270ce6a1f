"""Arguments of the teachers' fit, by metadata routing."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object

from skdistill import DistilledClassifier, MLPStudent

catboost = pytest.importorskip("catboost")
lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

SMALL = MLPStudent((8,), n_steps=10)
ALL, CODES = make_classification(360, random_state=0)
LABELS = np.array(["no", "yes"])[CODES]
X, Y, EVAL = ALL[:300], LABELS[:300], (ALL[300:], LABELS[300:])
GROUPS = np.arange(300) // 5


class Plain(ClassifierMixin, BaseEstimator):
    """A teacher that remembers the arguments of its fit."""

    def fit(self, X, y, offset=None, note=None, table=None, groups=None):
        self.classes_, self.got_ = np.unique(y), (np.asarray(X), offset, note, table)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class Validated(Plain):
    """A teacher with validation rows, that remembers how many rows there were."""

    shapes: ClassVar[list] = []

    def fit(self, X, y, X_val=None, y_val=None):
        self.shapes_ = len(X), len(X_val), len(y_val)
        self.shapes.append(self.shapes_)
        return super().fit(X, y)


class WithoutRequests:
    """The same for who knows no scikit-learn."""

    fit, predict_proba = Plain.fit, Plain.predict_proba


def make(teacher, **params):
    params = {"student": SMALL, "transfer": None, "random_state": 0} | params
    return DistilledClassifier(teacher, **params)


def test_without_routing_the_message_names_it():
    with pytest.raises(TypeError, match=r"\['eval_set'\].*enable_metadata_routing=True.*eval_set"):
        make(xgboost.XGBClassifier()).fit(X, Y, eval_set=[EVAL])


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_xgboost_stops_early_on_text_labels(routing, in_pipeline, cv):
    teacher = xgboost.XGBClassifier(n_estimators=500, early_stopping_rounds=3, verbosity=0)
    name = "watched" if in_pipeline else "eval_set"
    teacher.set_fit_request(eval_set="watched" if in_pipeline else True, verbose=True)
    if in_pipeline:
        teacher = make_pipeline(StandardScaler(with_mean=False, with_std=False), teacher)
    clf = make(teacher, cv=cv).fit(X, Y, verbose=False, **{name: [EVAL]})
    (fitted,) = clf.teacher_.estimators_
    fitted = fitted[-1] if in_pipeline else fitted
    assert fitted.best_iteration < 100
    alone = xgboost.XGBClassifier(n_estimators=500, early_stopping_rounds=3, random_state=0)
    alone.fit(X, CODES[:300], eval_set=[(EVAL[0], CODES[300:])], verbose=False)
    assert fitted.best_iteration == alone.best_iteration


def test_an_evaluation_set_with_other_labels(routing):
    teacher = xgboost.XGBClassifier().set_fit_request(eval_set=True)
    with pytest.raises(ValueError, match=r"`eval_set` has the label 1.*\['no', 'yes'\]"):
        make(teacher).fit(X, Y, eval_set=[(EVAL[0], np.ones(60, dtype=int))])


def test_each_teacher_gets_what_it_requests(routing):
    boosted = lightgbm.LGBMClassifier(n_estimators=500, early_stopping_rounds=3, verbose=-1)
    other = catboost.CatBoostClassifier(500, early_stopping_rounds=3, verbose=0)
    boosted.set_fit_request(eval_set=True)
    teachers = [("lgbm", boosted), ("cat", other), ("lr", LogisticRegression())]
    clf = make(teachers).fit(X, Y, eval_set=[EVAL])
    assert clf.teacher_.named_estimators_["lgbm"].best_iteration_ < 100
    assert clf.teacher_.named_estimators_["cat"].tree_count_ < 200


def test_catboost_takes_columns_of_categories(routing):
    table = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    table["a"] = np.where(table["a"] > 0, "up", "down")
    teacher = catboost.CatBoostClassifier(20, verbose=0)
    clf = make(teacher, cv=2).fit(table, Y, cat_features=["a"])
    assert clf.teacher_.estimators_[0].get_cat_feature_indices() == [0]


def test_values_a_row_go_with_their_rows(routing):
    teacher = Plain().set_fit_request(offset=True, note=True, table=True)
    table = pd.DataFrame({"row": np.arange(300)})
    given = {"offset": X[:, 0].tolist(), "note": {"a": 1}, "table": table}
    clf = make([("it", teacher)], early_stopping=True, refit=False).fit(X, Y, **given)
    rows, offset, note, table = clf.teacher_.estimators_[0].got_
    assert len(rows) == 270
    assert_array_equal(rows[:, 0], offset)
    assert note == {"a": 1}
    assert_array_equal(X[table["row"]], rows)


def test_validation_rows_as_many_as_the_others_stay_whole(routing):
    teacher = Validated().set_fit_request(X_val=True, y_val=True)
    clf = make(teacher, cv=2).fit(X, Y, X_val=(X,), y_val=(Y,))
    assert clf.teacher_.estimators_[0].shapes_ == (300, 300, 300)
    Validated.shapes.clear()
    clf.teacher_.cross_fit_proba(X, Y, 2, fit_params={"validated": {"X_val": X, "y_val": Y}})
    assert Validated.shapes == [(150, 300, 300)] * 2


@pytest.mark.parametrize("name", ["offset", "unknown"])
def test_what_nobody_requests_is_an_error(routing, name):
    teacher = WithoutRequests()
    if name == "offset":
        assert make(teacher).fit(X, Y, offset=X[:, 0]).teacher_.estimators_[0].got_[1] is not None
        teacher = Plain()
    with pytest.raises((TypeError, UnsetMetadataPassedError), match=name):
        make(teacher).fit(X, Y, **{name: X[:, 0]})
    with pytest.raises(TypeError, match=name):
        make(FrozenEstimator(LogisticRegression().fit(X, Y))).fit(X, Y, **{name: X[:, 0]})


def test_a_teacher_that_needs_groups():
    search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=GroupKFold(3))
    with pytest.raises(ValueError, match=r"should not be None.*enable_metadata_routing=True"):
        make(search).fit(X, Y, groups=GROUPS)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = make(search, cv=GroupKFold(2), early_stopping=True).fit(X, Y, groups=GROUPS)
    assert clf.teacher_.estimators_[0].n_splits_ == 3


def test_validation_rows_go_to_teachers_that_request_them(routing):
    asks = HistGradientBoostingClassifier(max_iter=500, early_stopping=True)
    asks.set_fit_request(X_val=True, y_val=True)
    clf = make(asks).fit(X, Y, X_val=EVAL[0], y_val=EVAL[1])
    assert clf.teacher_.estimators_[0].n_iter_ < 100
    make(LogisticRegression()).fit(X, Y, X_val=EVAL[0], y_val=EVAL[1])  # nobody asks


def test_what_is_requested_is_known_before_the_fit(routing):
    teacher = xgboost.XGBClassifier().set_fit_request(eval_set=True)
    names = ["eval_set", "cat_features", "groups"]
    consumes = [
        get_routing_for_object(clone(make(parts, cv=cv))).consumes("fit", names)
        for parts in (teacher, [("x", teacher)], [catboost.CatBoostClassifier()])
        for cv in (None, GroupKFold(2))
    ]
    assert consumes[:4] == [{"eval_set"}, {"eval_set", "groups"}] * 2
    assert consumes[4:] == [{"eval_set", "cat_features"}, {*names}]


def test_a_kept_teacher_takes_no_more_arguments(routing):
    clf = make(WithoutRequests(), warm_start=True).fit(X, Y, note=1)
    with pytest.warns(UserWarning, match=r"\['note'\], which change nothing: .*`warm_start"):
        clf.fit(X, Y, note=2)
