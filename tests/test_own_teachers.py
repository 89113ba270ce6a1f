"""Students that need no other model: cohorts, self-distillation and generations."""

import pickle

import numpy as np
import pytest
from shared import make_frame
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import (
    TRUSTED_TYPES,
    DistillationReport,
    DistilledClassifier,
    MLPStudent,
    Munge,
    MutualClassifier,
    QuantizedStudent,
    Scorer,
    SelfDistilledClassifier,
    StudentEnsemble,
    to_onnx,
)
from skdistill.modules import MLP, CohortMLP

QUICK = MLPStudent((16,), n_steps=100)
X, Y = make_classification(
    700, 6, n_informative=4, n_redundant=0, n_classes=3, flip_y=0.1, random_state=0
)
NEW, NEW_Y, X, Y = X[:200], Y[:200], X[200:440], Y[200:440]
ONE = {"refit": False, "random_state": 0}
OWN = [
    MutualClassifier(QUICK, 3, early_stopping=True, validation_fraction=0.3, **ONE),
    MutualClassifier(QUICK, 3, keep="distilled", peers="pooled", transfer=Munge(size=1), **ONE),
    SelfDistilledClassifier(QUICK, 3, transfer=Munge(size=1), **ONE),
    SelfDistilledClassifier(QUICK, scheme="generations", transfer=None, **ONE),
]
NAMES = ["leader", "distilled", "ensemble", "generations"]


@pytest.fixture(scope="module")
def fitted():
    return {name: clone(one).fit(X, Y) for name, one in zip(NAMES, OWN, strict=True)}


@pytest.fixture(scope="module")
def cohort():
    return StudentEnsemble(QUICK, 3, early_stopping=True, validation_fraction=0.3, **ONE).fit(X, Y)


# --- scikit-learn's checks ---

FEW = MLPStudent((16,), n_steps=60, learning_rate=0.02)
EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": "rows come in batches"
    for kind in ("dense", "sparse")
}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [StudentEnsemble(FEW, 2, refit=False, early_stopping=False)],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        MutualClassifier(FEW, 2, refit=False, early_stopping=False),
        SelfDistilledClassifier(FEW, 2, transfer=None, refit=False, early_stopping=False),
    ],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_scikit_learn_checks_of_those_that_use_it(estimator, check):
    check(estimator)


# --- the cohort ---


def test_one_of_a_cohort_answers_as_the_cohort_says():
    """A stacked product gives what the students' own layers give, with categories as well."""
    import torch

    torch.manual_seed(0)
    cohort = CohortMLP(5, 3, (4, 6), (8, 7), n_students=3).eval()
    rows = torch.cat([torch.randn(20, 3), torch.randint(0, 4, (20, 2)).float()], dim=1)
    each = cohort.each(rows)
    for place in range(3):
        student = MLP(5, 3, (4, 6), (8, 7))
        student.load_state_dict(cohort.one(place))
        torch.testing.assert_close(student(rows), each[:, place])
    mean = torch.softmax(each, dim=2).mean(dim=1)
    torch.testing.assert_close(torch.softmax(cohort(rows), dim=1), mean)


def test_students_of_an_ensemble_differ_and_learn(cohort):
    each = cohort.predict_each(NEW)
    assert each.shape == (200, 3, 3)
    np.testing.assert_allclose(each.sum(axis=2), 1)
    assert np.abs(each[:, 0] - each[:, 1]).max() > 0.05
    losses = [log_loss(NEW_Y, each[:, k]) for k in range(3)]
    assert log_loss(NEW_Y, cohort.predict_proba(NEW)) < np.mean(losses)
    assert max(losses) < np.log(3)


def test_leader_has_the_lowest_loss_on_the_rows_held_out(cohort):
    assert cohort.losses_.shape == (3,)
    assert cohort.leader_ == cohort.losses_.argmin()
    assert f"{cohort.losses_.min():.4f}" in cohort.decision_


@pytest.mark.parametrize("peers", ["each", "pooled", "attention"])
def test_peers_bring_students_together(peers):
    """With a large weight they agree more than students that learn alone."""
    alone = StudentEnsemble(QUICK, 3, early_stopping=False, random_state=0).fit(X, Y)
    together = StudentEnsemble(
        QUICK, 3, peers=peers, peer_weight=5.0, early_stopping=False, random_state=0
    ).fit(X, Y)
    spreads = [one.predict_each(NEW).std(axis=1).mean() for one in (alone, together)]
    assert spreads[1] < 0.9 * spreads[0]


@pytest.mark.parametrize("peers", ["each", "pooled", "attention"])
def test_peers_that_are_certain_leave_the_weights_finite(peers):
    """Well apart, probabilities are 0 in float32."""
    apart = np.repeat([[-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], 20, axis=0)
    certain = MLPStudent((16,), n_steps=150, learning_rate=0.5)
    clf = StudentEnsemble(certain, 2, peers=peers, early_stopping=False, random_state=0)
    assert np.isfinite(clf.fit(apart, np.repeat([0, 1, 2], 20)).predict_proba(apart)).all()


def test_peers_that_weigh_nothing_leave_students_alone():
    alone = StudentEnsemble(QUICK, 2, early_stopping=False, random_state=0).fit(X, Y)
    same = clone(alone).set_params(peers="each", peer_weight=0.0).fit(X, Y)
    np.testing.assert_allclose(same.predict_proba(NEW), alone.predict_proba(NEW), atol=1e-5)


def test_an_ensemble_teaches_any_student(cohort):
    clf = DistilledClassifier(clone(cohort), QUICK, transfer=None, **ONE).fit(X, Y)
    assert clf.score(NEW, NEW_Y) > 0.5


# --- what is kept ---


def test_leader_of_a_mutual_cohort_is_that_of_the_ensemble(fitted):
    own = {"early_stopping": True, "validation_fraction": 0.3, **ONE}
    cohort = StudentEnsemble(QUICK, 3, peers="each", **own).fit(X, Y)
    told = cohort.predict_each(NEW)[:, cohort.leader_]
    np.testing.assert_allclose(fitted["leader"].predict_proba(NEW), told, atol=1e-5)
    assert fitted["leader"].decision_ == cohort.decision_


def test_distilled_student_has_the_cohort_as_its_teacher(fitted):
    (teacher,) = fitted["distilled"].teacher_.estimators_
    assert isinstance(teacher, StudentEnsemble)
    assert teacher.peers == "pooled"
    (teacher,) = fitted["ensemble"].teacher_.estimators_
    assert teacher.peers is None
    assert teacher.n_students == 3


def test_best_generation_is_kept(fitted):
    clf = fitted["generations"]
    table = clf.generations_
    (kept,) = [one for one in table if one["is_kept"]]
    assert kept["log_loss"] == min(one["log_loss"] for one in table)
    assert clf.alpha_ == kept["alpha"]
    assert table[0] == {**table[0], "generation": 0, "alpha": 1.0}
    last = table[-1]["generation"]
    assert last in (kept["generation"], kept["generation"] + 1)  # the first that is worse ends it
    assert [one["alpha"] for one in table[1:4]] == [0.0, 0.3, 0.7]


def test_generations_take_a_weight_that_is_given():
    clf = SelfDistilledClassifier(
        QUICK, scheme="generations", n_generations=1, alpha=0.5, transfer=None, **ONE
    ).fit(X, Y)
    assert [one["alpha"] for one in clf.generations_] == [1.0, 0.5]


@pytest.mark.parametrize("name", NAMES)
def test_fitted_student_is_small_stored_and_exported(fitted, name, tmp_path):
    clf = fitted[name]
    told = clf.predict_proba(NEW)
    assert clf.score(NEW, NEW_Y) > 0.5
    assert type(clf.student_.module_) is MLP
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(NEW), told)
    np.testing.assert_allclose(clf.without_teacher().predict_proba(NEW), told)
    to_onnx(clf, tmp_path / "student.onnx")
    np.testing.assert_allclose(
        Scorer(tmp_path / "student.onnx").predict_proba(NEW), told, atol=1e-5
    )


def test_skops_stores_an_ensemble_and_its_student(fitted, cohort):
    skops = pytest.importorskip("skops.io")
    for one in (cohort, fitted["ensemble"]):
        stored = skops.dumps(one)
        trusted = [name for name in skops.get_untrusted_types(data=stored) if name in TRUSTED_TYPES]
        copy = skops.loads(stored, trusted=trusted)
        np.testing.assert_array_equal(copy.predict_proba(NEW), one.predict_proba(NEW))


def test_report_compares_student_and_ensemble(fitted):
    report = DistillationReport.from_estimator(fitted["ensemble"], NEW, NEW_Y)
    assert "teacher" in str(report)


# --- around it ---


def test_pipeline_and_search_reach_the_parameters():
    clf = MutualClassifier(QUICK, 2, early_stopping=False, random_state=0)
    pipe = make_pipeline(StandardScaler(), clf)
    grid = {
        "mutualclassifier__peer_weight": [0.5, 1.0],
        "mutualclassifier__student__n_steps": [40],
    }
    search = GridSearchCV(pipe, grid, cv=2).fit(X, Y)
    assert search.best_params_["mutualclassifier__student__n_steps"] == 40
    assert search.predict(NEW).shape == (200,)


@pytest.mark.parametrize("name", NAMES)
def test_frames_with_categories_and_missing_values(name):
    frame = make_frame(120)
    labels = np.where(frame["colour"] == "red", "yes", "no")
    clf = clone(OWN[NAMES.index(name)]).fit(frame, labels, sample_weight=np.ones(len(labels)))
    assert np.isfinite(clf.predict_proba(frame)).all()


def test_rows_of_weight_zero_teach_nothing():
    weight = np.ones(len(X))
    weight[::3] = 0
    spoilt = Y.copy()
    spoilt[::3] = 0
    params = {"early_stopping": False, "random_state": 0}
    told = [
        StudentEnsemble(QUICK, 2, **params).fit(X, y, sample_weight=weight).predict_proba(NEW)
        for y in (Y, spoilt)
    ]
    np.testing.assert_allclose(*told, atol=1e-5)


@pytest.mark.parametrize(
    ("clf", "text"),
    [
        (MutualClassifier(QUICK, 1), "n_students"),
        (MutualClassifier(QUICK, peers="none"), "peers"),
        (MutualClassifier(QUICK, keep="best"), "keep"),
        (StudentEnsemble(MLP), "student"),
        (SelfDistilledClassifier(QUICK, scheme="born"), "scheme"),
        (
            SelfDistilledClassifier(QUICK, scheme="generations", early_stopping=False),
            "early_stopping=False",
        ),
    ],
)
def test_bad_parameters_are_refused(clf, text):
    with pytest.raises(ValueError, match=text):
        clf.fit(X, Y)


def test_leader_refuses_rows_without_labels():
    with pytest.raises(ValueError, match="keep='distilled'"):
        MutualClassifier(QUICK).fit(X, Y, X_transfer=NEW)


def test_recipes_that_are_not_plain_are_refused_where_copies_are_kept():
    special = QuantizedStudent((8,), n_steps=20, bits=2)
    for model in (StudentEnsemble(special, n_students=2), MutualClassifier(special, n_students=2)):
        with pytest.raises(ValueError, match="is no plain MLPStudent"):
            model.fit(X, Y)
    clf = SelfDistilledClassifier(special, n_students=2, random_state=0).fit(X, Y)
    assert clf.student_.module_.layers[0].weight[0].unique().numel() <= 3


def test_what_generations_cannot_do_is_said():
    clf = SelfDistilledClassifier(MLPStudent((8,), n_steps=20), scheme="generations")
    with pytest.raises(ValueError, match="`X_val` without `y_val`"):
        clf.fit(X, Y, X_val=X[:20])
    with pytest.raises(ValueError, match="has no `refresh`|`teacher_` is None"):
        clf.fit(X, Y).refresh(X, Y)
