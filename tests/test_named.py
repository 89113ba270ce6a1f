"""Lists of named parts, and their parameters in get_params, set_params and clone."""

import pytest
from shared import named_teachers
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DistilledClassifier, Munge, TeacherPool


@pytest.mark.parametrize("parameter", ["teacher", "transfer", "objectives"])
def test_empty_list(parameter):
    with pytest.raises(ValueError, match=f"`{parameter}` is an empty list: give at least one"):
        named_teachers(**{parameter: []}).fit([[0.0], [1.0]], [0, 1])


def test_empty_list_in_a_pool():
    with pytest.raises(ValueError, match=r"teacher.* empty"):
        TeacherPool([]).fit([[0.0], [1.0]], [0, 1])


def test_get_params_reaches_into_lists():
    clf = named_teachers(transfer=Munge(), objectives=None)
    params = clf.get_params()
    assert params["teacher__lr"] is clf.teacher[1][1]
    assert params["teacher__lr__C"] == 2.0
    assert not any("__" in name for name in clf.get_params(deep=False))


def test_get_params_reaches_into_a_pipeline_in_a_list():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=3.0))
    assert (
        named_teachers(teacher=[pipeline]).get_params()["teacher__pipeline__logisticregression__C"]
        == 3.0
    )


def test_set_params_in_two_lists_at_once():
    clf = named_teachers(transfer=[("munge", Munge()), ("more", Munge())])
    returned = clf.set_params(teacher__rf__max_depth=3, transfer__more__size=2.5, temperature=4.0)
    assert returned is clf
    assert clf.teacher[0][1].max_depth == 3
    assert [sampler.size for _, sampler in clf.transfer] == [Munge().size, 2.5]
    assert clf.temperature == 4.0


def test_set_params_of_a_part_named_automatically():
    pool = TeacherPool([RandomForestClassifier(), RandomForestClassifier()])
    pool.set_params(**{"teachers__randomforestclassifier-2__max_depth": 5})
    assert [part.max_depth for part in pool.teachers] == [None, 5]


def test_set_params_of_one_part_without_a_list():
    clf = named_teachers(teacher=RandomForestClassifier()).set_params(teacher__max_depth=4)
    assert clf.teacher.max_depth == 4


def test_a_new_list_and_its_parameters_in_one_call():
    clf = DistilledClassifier().set_params(
        teacher__et__max_depth=2, teacher=[("et", ExtraTreesClassifier())]
    )
    assert clf.teacher[0][1].max_depth == 2


@pytest.mark.parametrize("member_first", [True, False])
def test_a_new_member_and_its_parameter_in_one_call(member_first):
    """As in a scikit-learn Pipeline, whatever the order."""
    params = {"teacher__rf": ExtraTreesClassifier(), "teacher__rf__max_depth": 2}
    if not member_first:
        params = dict(reversed(params.items()))
    assert named_teachers().set_params(**params).teacher[0][1].max_depth == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("teacher__xgb__max_depth", r"`teacher__xgb__max_depth`.*its parts are \['rf', 'lr'\]"),
        ("teacher__xgb", r"`teacher__xgb` names no part of `teacher`"),
        ("teacher__rf__depth", "Invalid parameter 'depth'"),
        ("teachers", "Invalid parameter 'teachers'"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        named_teachers().set_params(**{name: 1})


def test_clone_copies_the_members():
    clf = named_teachers().set_params(teacher__rf__max_depth=3)
    copy = clone(clf)
    copy.set_params(teacher__rf__max_depth=9)
    assert clf.teacher[0][1].max_depth == 3
    assert copy.teacher[0][1].max_depth == 9
    assert copy.get_params()["teacher__lr__C"] == 2.0


def test_grid_search_over_a_member():
    pool = TeacherPool([("rf", RandomForestClassifier(5, random_state=0))])
    X = [[i % 7, i % 5] for i in range(60)]
    y = [int(i % 7 + i % 5 > 5) for i in range(60)]
    search = GridSearchCV(pool, {"teachers__rf__max_depth": [1, 4]}, cv=2).fit(X, y)
    assert search.best_params_ == {"teachers__rf__max_depth": 4}
    chosen = search.best_estimator_.named_estimators_["rf"]
    assert chosen.max_depth == 4
    assert pool.teachers[0][1].max_depth is None
