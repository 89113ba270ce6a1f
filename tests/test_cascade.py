"""Cascade: the student answers where it may, the teacher the rest."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import (
    Cascade,
    DistilledClassifier,
    DistilledRegressor,
    FittedTeacher,
    MLPStudent,
    Scorer,
    to_onnx,
)

SMALL = MLPStudent((16,), n_steps=200)


# The promise counts rows, and which are held out is drawn at random.
EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": "a row of weight 2 is one row"
    for kind in ("dense", "sparse")
}


# Of the cascade itself: the student's own are elsewhere.
@parametrize_with_checks(
    [Cascade(LogisticRegression(), LogisticRegression(), agreement=0.6)],
    expected_failed_checks=lambda _: EXPECTED,
)
@pytest.mark.filterwarnings("ignore:.*rows held out cannot show:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class Sure:
    """A student that is as sure as its first column says, and tells class 1."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        sure = np.asarray(X)[:, 0]
        return np.column_stack([1 - sure, sure])


def truth(X):
    """A teacher that tells "yes" where the second column is 1."""
    yes = np.asarray(X)[:, 1]
    return np.column_stack([1 - yes, yes])


def rows(n_rows, seed, wrong_below=0.7):
    """Half of the rows below that probability are not what the teacher tells."""
    rng = np.random.RandomState(seed)
    sure = rng.uniform(0.5, 1, n_rows)
    wrong = (sure < wrong_below) & (rng.uniform(size=n_rows) < 0.5)
    return np.column_stack([sure, ~wrong]).astype(float)


TEACHER = FittedTeacher(truth, classes=["no", "yes"])


def test_promise_of_agreement_is_kept_on_new_rows():
    kept = []
    for seed in range(40):
        cascade = Cascade(Sure(), TEACHER, agreement=0.97).fit(rows(1000, seed))
        new = rows(20_000, 1000 + seed)
        told = TEACHER.classes_[truth(new).argmax(axis=1)]
        kept.append(np.mean(cascade.predict(new) == told) >= 0.97)
        assert cascade.is_answered(new).mean() > 0.5
    assert sum(kept) >= 35  # 95 % of 40 are 38; fewer than 35 have a chance of 1 in 500


def test_promise_of_coverage_is_kept_on_new_rows():
    kept = []
    for seed in range(40):
        cascade = Cascade(Sure(), TEACHER, coverage=0.8).fit(rows(500, seed))
        share = cascade.is_answered(rows(20_000, 1000 + seed)).mean()
        kept.append(share >= 0.8)
        assert share < 0.9
    assert sum(kept) >= 35


def test_coverage_that_few_rows_cannot_show_leaves_all_rows_to_the_student():
    cascade = Cascade(Sure(), TEACHER, coverage=0.99).fit(rows(50, 0))
    assert cascade.is_answered(rows(5000, 1)).all()


def test_answers_are_those_of_the_one_who_answers():
    cascade = Cascade(Sure(), TEACHER, agreement=0.95).fit(rows(2000, 0))
    new = rows(500, 1)
    answers = cascade.is_answered(new)
    assert 0 < answers.mean() < 1
    told = cascade.predict_proba(new)
    np.testing.assert_array_equal(told[answers], Sure().predict_proba(new)[answers])
    np.testing.assert_array_equal(told[~answers], truth(new)[~answers])
    held_out = rows(2000, 0)
    assert cascade.coverage_ == cascade.is_answered(held_out).mean()
    same = cascade.predict(held_out) == TEACHER.classes_[truth(held_out).argmax(axis=1)]
    assert cascade.agreement_ == pytest.approx(same.mean())
    assert f"{cascade.coverage_:.1%} of the 2000 rows" in cascade.decision_


def test_teacher_is_asked_for_the_other_rows_only():
    asked = []

    def counting(X):
        asked.append(len(X))
        return truth(X)

    teacher = FittedTeacher(counting, classes=["no", "yes"])
    cascade = Cascade(Sure(), teacher, agreement=0.95).fit(rows(2000, 0))
    asked.clear()
    new = rows(500, 1)
    cascade.predict(new)
    assert asked == [int((~cascade.is_answered(new)).sum())]
    asked.clear()
    cascade.predict(np.array([[0.99, 1.0]]))
    assert asked == []


def test_too_few_rows_leave_all_to_the_teacher_with_a_warning():
    with pytest.warns(
        UserWarning, match="Cascade: 100 rows held out cannot show .* 99.0% of the rows"
    ):
        cascade = Cascade(Sure(), TEACHER).fit(rows(100, 0, wrong_below=0.5))
    assert cascade.threshold_ == np.inf
    assert cascade.coverage_ == 0
    assert not cascade.is_answered(rows(50, 1)).any()


def test_student_without_a_teacher_needs_one():
    with pytest.raises(ValueError, match="holds no teacher of its own: give `teacher`"):
        Cascade(Sure()).fit(rows(100, 0))


def test_student_of_numbers_is_refused():
    with pytest.raises(ValueError, match="DistilledRegressor that predicts numbers"):
        Cascade(DistilledRegressor()).fit(rows(100, 0), np.arange(100.0))


@pytest.mark.parametrize("name", ["agreement", "coverage", "confidence", "test_size"])
def test_shares_are_checked(name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of Cascade"):
        Cascade(Sure(), TEACHER, **{name: 1.5}).fit(rows(100, 0))


def test_student_of_other_labels_than_the_teachers():
    teacher = FittedTeacher(lambda X: np.eye(3)[np.full(len(X), 2)], classes=["a", "no", "yes"])
    cascade = Cascade(Sure(), teacher, agreement=0.5).fit(rows(500, 0))
    assert cascade.classes_.tolist() == ["a", "no", "yes"]
    assert cascade.predict_proba(rows(5, 1)).shape == (5, 3)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True, as_frame=True)
    return train_test_split(X, y.map("class {}".format), random_state=0)


def test_distilled_student_file_and_search(digits, tmp_path):
    X, X_test, y, _ = digits
    forest = RandomForestClassifier(30, random_state=0)
    student = DistilledClassifier(forest, SMALL, transfer=None, random_state=0)
    cascade = Cascade(student, agreement=0.9, random_state=0).fit(X, y)
    assert cascade.teacher_ is cascade.student_.teacher_
    assert cascade.n_calibration_rows_ == np.ceil(0.2 * len(X))
    assert cascade.feature_names_in_.tolist() == X.columns.tolist()
    told = cascade.teacher_.predict(X_test)
    assert np.mean(cascade.predict(X_test) == told) > 0.85
    # From the exported file, with rows that the student has not seen.
    to_onnx(cascade.student_, tmp_path / "student.onnx")
    served = Cascade(
        Scorer(tmp_path / "student.onnx"), FrozenEstimator(cascade.teacher_), agreement=0.9
    )
    half = X_test[: len(X_test) // 2]
    direct = Cascade(FrozenEstimator(cascade.student_), agreement=0.9).fit(half)
    np.testing.assert_array_equal(served.fit(half).predict(X_test), direct.predict(X_test))
    search = GridSearchCV(clone(cascade), {"student__alpha": [0.3, 1.0]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.7


def test_teacher_that_is_not_fitted_learns_from_the_rows_of_the_student(digits):
    X, _, y, _ = digits
    cascade = Cascade(LogisticRegression(max_iter=200), RandomForestClassifier(20), agreement=0.8)
    assert cascade.fit(X, y).teacher_.score(X, y) > 0.95
    with pytest.raises(ValueError, match="are not fitted: wrap fitted ones"):
        cascade.set_params(student=FrozenEstimator(cascade.student_)).fit(X, y)


def test_arguments_of_the_student_are_cut_down_to_its_rows():
    X, y = load_iris(return_X_y=True)
    y[0] = 3  # a class of one row
    groups = np.arange(len(y)) // 10
    student = DistilledClassifier(LogisticRegression(), MLPStudent((8,), n_steps=20))
    weighed = Cascade(student, agreement=0.5, random_state=0)
    weighed.fit(X, y, sample_weight=np.ones(len(y)))
    assert weighed.n_calibration_rows_ == 30
    weight = np.repeat([1.0, 0.0], [51, 100])[: len(y)]
    light = weighed.fit(X, np.where(np.arange(len(y)) < 51, y, 2), sample_weight=weight)
    assert (light.n_calibration_rows_, light.classes_.tolist()) == (10, [0, 1, 3])
    grouped = weighed.fit(X[1:], y[1:], groups=groups[1:])
    assert grouped.n_calibration_rows_ % 10 in (0, 9)  # whole groups
    with pytest.raises(ValueError, match=r"\['sample_weight'\] are for the `fit` of the student"):
        Cascade(Sure(), TEACHER).fit(rows(100, 0), sample_weight=np.ones(100))


def test_inside_a_pipeline_with_a_frame(digits):
    X, X_test, y, y_test = digits
    student = DistilledClassifier(LogisticRegression(max_iter=500), SMALL, random_state=0)
    pipe = make_pipeline(
        StandardScaler().set_output(transform="pandas"), Cascade(student, agreement=0.8)
    )
    assert isinstance(pipe.fit(X, y)[:-1].transform(X_test), pd.DataFrame)
    assert pipe.score(X_test, y_test) > 0.8


def test_a_fitted_student_is_fitted_again_with_a_warning():
    X, y = make_classification(300, random_state=0)
    student = LogisticRegression().fit(X, y)
    with pytest.warns(UserWarning, match="`student` is fitted but not frozen, so a clone"):
        Cascade(student, LogisticRegression(), agreement=0.5, random_state=0).fit(X, y)


def test_too_few_rows_are_told_how_many_it_takes():
    X, y = make_classification(300, random_state=0)
    cascade = Cascade(LogisticRegression(), LogisticRegression(), random_state=0)
    with pytest.warns(UserWarning, match="Even without a difference that takes 299 rows"):
        cascade.fit(X, y)
    assert cascade.decision_ == "the teacher answers all rows"
