"""What teachers answer: frames in any order, sums, several outputs, codes in place of labels."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from lightgbm import LGBMClassifier
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from shared import NAMES, insects
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skorch import NeuralNetClassifier
from torch import nn
from xgboost import XGBClassifier

from skdistill import (
    DistillationReport,
    DistilledClassifier,
    FittedTeacher,
    MLPStudent,
    TeacherPool,
)

X, CODES = insects()
SMALL = MLPStudent((8,), n_steps=20)
FRAMES = {
    "pandas": pd.DataFrame,
    "polars": lambda p, columns: pl.DataFrame(p, schema=[str(one) for one in columns]),
    "arrow": lambda p, columns: pa.table(dict(zip(map(str, columns), p.T, strict=True))),
}


class Framed(ClassifierMixin, BaseEstimator):
    """Answers with a frame whose columns are in reverse order, named by `name_of` a class."""

    def __init__(self, make=pd.DataFrame, name_of=lambda label: label, says_classes=True):
        self.make = make
        self.name_of = name_of
        self.says_classes = says_classes

    def fit(self, X, y):
        self.model_ = LogisticRegression().fit(X, y)
        if self.says_classes:
            self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        p = self.model_.predict_proba(X)[:, ::-1]
        return self.make(p, columns=[self.name_of(one) for one in self.model_.classes_[::-1]])


class Answers:
    """Answers whatever it is told, and has no tags, no ``fit`` and no parameters."""

    def __init__(self, answer, classes=None):
        self.answer = answer
        if classes is not None:
            self.classes_ = classes

    def predict_proba(self, X):
        return self.answer(len(X))


LABELS = {"text": NAMES[CODES], "integer": CODES + 3, "bool": CODES > 0, "float": CODES * 1.0}


@pytest.mark.parametrize("says_classes", [True, False])
@pytest.mark.parametrize("make", FRAMES)
@pytest.mark.parametrize("kind", LABELS)
def test_columns_are_read_by_name(kind, make, says_classes):
    y = LABELS[kind]
    expected = LogisticRegression().fit(X, y).predict_proba(X)
    names = [str] if make != "pandas" else [str, lambda label: label, np.array(y[:1]).dtype.type]
    for name_of in names:
        teacher = Framed(FRAMES[make], name_of, says_classes)
        fitted = clone(teacher).fit(X, y)
        bare = Answers(lambda n, fitted=fitted: fitted.predict_proba(X[:n]))
        pipe = make_pipeline(StandardScaler(with_mean=False, with_std=False), clone(teacher))
        frozen = FrozenEstimator(pipe.fit(X, y))
        for one in (teacher, pipe, frozen, FrozenEstimator(fitted), bare, FrozenEstimator(bare)):
            pool = TeacherPool(one).fit(X, y)
            np.testing.assert_array_equal(pool.classes_, np.unique(y))
            np.testing.assert_allclose(pool.predict_proba(X), expected)
        pool = TeacherPool([LogisticRegression(), teacher, bare]).fit(X, y)
        np.testing.assert_allclose(pool.predict_proba(X), expected)
        np.testing.assert_allclose(
            TeacherPool(teacher).fit(X, y).cross_fit_proba(X, y, 2),
            (TeacherPool(LogisticRegression()).fit(X, y).cross_fit_proba(X, y, 2)),
        )


def test_a_frame_names_the_classes_where_nobody_else_does():
    fitted = Framed(says_classes=False).fit(X, NAMES[CODES])
    clf = DistilledClassifier(FrozenEstimator(fitted), SMALL, transfer=None).fit(X)
    np.testing.assert_array_equal(clf.classes_, NAMES)
    expected = fitted.model_.predict_proba(X)
    np.testing.assert_allclose(clf.teacher_.predict_proba(X), expected)


def test_a_class_in_a_frame_that_y_lacks():
    bare = Answers(lambda n: pd.DataFrame([[0.2, 0.3, 0.5]] * n, columns=["7", "1", "2"]))
    pool = TeacherPool(bare).fit(X, CODES % 2 + 1)
    np.testing.assert_array_equal(pool.classes_, [1, 2, 7])
    np.testing.assert_allclose(pool.predict_proba(X[:1]), [[0.3, 0.5, 0.2]])


def test_a_default_frame_is_read_by_position_where_the_teacher_has_classes():
    def answer(n):
        return pd.DataFrame([[0.2, 0.3, 0.5]] * n)

    bare = Answers(answer, NAMES[[2, 0, 1]])
    pool = TeacherPool(bare).fit(X, NAMES[CODES])
    np.testing.assert_allclose(pool.predict_proba(X[:1]), [[0.3, 0.5, 0.2]])
    told = FittedTeacher(Answers(answer), classes=NAMES)
    pool = TeacherPool(told).fit(X, NAMES[CODES])
    np.testing.assert_allclose(pool.predict_proba(X[:1]), [[0.2, 0.3, 0.5]])
    with pytest.raises(ValueError, match=r"`answers` knows the codes \[0, 1, 2\]"):
        TeacherPool(Answers(answer)).fit(X, NAMES[CODES])


def test_a_default_frame_beside_classes_in_another_order_is_no_plain_answer():
    p = np.full((1000, 3), [0.7, 0.2, 0.1])
    frame = Answers(lambda n: pd.DataFrame(p[:n]), classes=[2, 0, 1])
    with pytest.raises(ValueError, match=r"`answers`.*counted or named.*\[2, 0, 1\]"):
        TeacherPool(frame).fit(X, CODES)
    named = Answers(lambda n: pd.DataFrame(p[:n], columns=[2, 0, 1]), classes=[2, 0, 1])
    array = Answers(lambda n: p[:n], classes=[2, 0, 1])
    for teacher in (named, array):
        assert_allclose(TeacherPool(teacher).fit(X, CODES).predict_proba(X[:1]), [[0.2, 0.1, 0.7]])


def test_numbers_among_objects_are_numbers():
    teacher = Answers(lambda n: np.full((n, 3), 1 / 3), np.array([0, 1, 2], dtype=object))
    assert TeacherPool(teacher).fit(X, CODES).classes_.dtype == int


@pytest.mark.parametrize("is_frozen", [True, False])
@pytest.mark.parametrize("in_pipeline", [True, False])
def test_a_vote_that_would_read_frames_by_place(is_frozen, in_pipeline):
    vote = VotingClassifier([("it", Framed()), ("lr", LogisticRegression())], voting="soft")
    teacher = make_pipeline(StandardScaler(), vote) if in_pipeline else vote
    if is_frozen:
        teacher = FrozenEstimator(teacher.fit(X, CODES))
    with pytest.raises(ValueError, match=r"takes the columns of Framed by their places.*a list of"):
        TeacherPool(teacher).fit(X, CODES)
    arrays = VotingClassifier([("lr", LogisticRegression())], voting="soft")
    assert TeacherPool(arrays).fit(X, CODES).score(X, CODES) > 0.5


def test_a_frame_where_an_array_is_wanted_names_the_remedy():
    with pytest.raises(ValueError, match="answers with a DataFrame.*let it return an array"):
        TeacherPool(CalibratedClassifierCV(Framed(), cv=2)).fit(X, CODES > 0)


def test_a_sparse_answer_is_read():
    teacher = Answers(lambda n: csr_array(np.eye(3)[CODES[:n]]))
    assert (TeacherPool(teacher).fit(X, CODES).predict(X) == CODES).all()


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_column_of_two_classes_names_the_remedy(shape):
    teacher = Answers(lambda n: np.full(n, 0.3).reshape(shape))
    with pytest.raises(ValueError, match=r"`answers`.*column_stack\(\[1 - p, p\]\)"):
        TeacherPool(teacher).fit(X, CODES > 0)


def rows(*row, **columns):
    return lambda n: pd.DataFrame([row] * n, **columns) if columns else np.tile(row, (n, 1))


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (Answers(rows(0.5, 0.5, columns=["ant", "bee"]), NAMES), r"none of them .* \['cat'\]"),
        (
            Answers(rows(0.2, 0.3, 0.5, columns=["ant", "bee", "dog"]), NAMES),
            r"columns \['dog'\] that are not classes",
        ),
        (Answers(rows(0.2, 0.8, 0, columns=["ant", "bee", "ant"]), NAMES), "two columns for one"),
        (Answers(lambda n: [np.full((n, 2), 0.5)] * 3), "one array, got 3 arrays, as a multilabel"),
        (Answers(lambda n: np.full((n, 3), 0.5), [[0, 1]] * 3), "multi-output model is no teacher"),
        (Answers(lambda n: np.full(n, 0.5)), r"must have shape .*, got \(1,\)"),
        (Answers(lambda n: np.full((n, 3, 2), 0.5)), r"must have shape .*, got \(1, 3, 2\)"),
        (Answers(lambda n: None), "must be an array of probabilities|must have shape"),
        (Answers(rows(0.9, 0.9, 0.1)), "row 0 sums to 1.9"),
        (Answers(rows(0.3, 0.3, 0.4), ["ant", "ant", "bee"]), "one label for each class"),
    ],
)
def test_answers_that_are_no_probabilities_name_the_teacher(teacher, message):
    for one in (teacher, FrozenEstimator(teacher)):
        for y in (NAMES[CODES], None):
            if y is None and "shape" in message:
                message = r"must have shape .*, got|must be an array"
            with pytest.raises(ValueError, match=f"teacher `mine`.*({message})"):
                DistilledClassifier([("mine", one)], SMALL, transfer=None).fit(X, y)


def test_multioutput_forest():
    fitted = RandomForestClassifier(5).fit(X, np.column_stack([CODES, CODES > 0]))
    with pytest.raises(ValueError, match="teacher `frozenestimator`.*multi-output"):
        TeacherPool(FrozenEstimator(fitted)).fit(X, CODES)


def test_multiclassova_names_the_remedy_and_the_remedy_works():
    ova = LGBMClassifier(n_estimators=5, objective="multiclassova", verbose=-1, n_jobs=1)
    with pytest.raises(ValueError, match="`lgbmclassifier` must sum to 1.*CalibratedClassifierCV"):
        DistilledClassifier(ova, SMALL, transfer=None).fit(X, NAMES[CODES])
    DistilledClassifier(CalibratedClassifierCV(ova, cv=2), SMALL, transfer=None).fit(X, CODES)


def test_lists_and_rounded_sums_are_read():
    bare = Answers(lambda n: [[0.333, 0.333, 0.333]] * n)
    np.testing.assert_allclose(TeacherPool(bare).fit(X, CODES).predict_proba(X[:2]), 1 / 3)


# --- codes ---


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", ["one more", "signs", "text", "float"])
def test_a_teacher_that_knows_codes_beside_other_labels(kind, n_classes):
    codes = np.minimum(CODES, n_classes - 1)
    labels = {
        "one more": codes + 1,
        "signs": codes * 2 - 1,
        "text": NAMES[codes],
        "float": codes + 1.0,
    }[kind]
    fitted = XGBClassifier(n_estimators=3, n_jobs=1).fit(X, codes)
    for teacher in (FrozenEstimator(fitted), [FrozenEstimator(fitted), LogisticRegression()]):
        clf = DistilledClassifier(teacher, SMALL, transfer=None)
        with pytest.raises(ValueError, match=r"knows the codes \[0, 1(, 2)?\], but y"):
            clf.fit(X, labels)
    # What the message names.
    told = FittedTeacher(fitted, classes=np.unique(labels))
    expected = fitted.predict_proba(X)
    for teacher in (told, FrozenEstimator(told), XGBClassifier(n_estimators=3, n_jobs=1)):
        pool = TeacherPool(teacher).fit(X, labels)
        np.testing.assert_array_equal(pool.classes_, np.unique(labels))
        np.testing.assert_allclose(pool.predict_proba(X), expected, rtol=1e-5)


def test_a_subset_of_the_codes_is_no_mistake():
    fitted = FrozenEstimator(LogisticRegression().fit(X, CODES))
    some = CODES > 0
    pool = TeacherPool(fitted).fit(X[some], CODES[some])
    np.testing.assert_array_equal(pool.classes_, [0, 1, 2])
    two = FrozenEstimator(LogisticRegression().fit(X[~(CODES == 2)], CODES[~(CODES == 2)]))
    np.testing.assert_array_equal(TeacherPool(two).fit(X, CODES).classes_, [0, 1, 2])


def test_told_labels_may_overlap():
    """Somebody who says the labels is not asked again."""
    told = FittedTeacher(lambda X: np.tile([0.2, 0.3, 0.5], (len(X), 1)), classes=[0, 1, 2])
    np.testing.assert_array_equal(TeacherPool(told).fit(X, CODES + 1).classes_, [0, 1, 2, 3])


# --- hints ---


@pytest.mark.parametrize("params", [{"early_stopping": True}, {"cv": 5}])
def test_a_level_that_the_encoder_of_a_teacher_did_not_see(params):
    frame = pd.DataFrame({"a": X[:, 0], "k": np.where(CODES == 0, "u", "v")})
    frame.loc[:30, "k"] = [f"rare {i}" for i in range(31)]
    encoder = make_column_transformer((OneHotEncoder(), ["k"]), remainder="passthrough")
    clf = DistilledClassifier(
        make_pipeline(encoder, LogisticRegression()), SMALL, transfer=None, random_state=0, **params
    )
    with pytest.raises(ValueError, match="Found unknown categories.*handle_unknown='ignore'"):
        clf.fit(frame, CODES)
    clf.set_params(teacher__columntransformer__onehotencoder__handle_unknown="ignore")
    clf.fit(frame, CODES)


@pytest.mark.parametrize("rows", [X, pd.DataFrame(X, columns=list("abcde")), X.tolist()])
def test_a_torch_net_fed_float64_is_told_the_remedy(rows):
    from sklearn.preprocessing import FunctionTransformer

    net = NeuralNetClassifier(
        nn.Linear,
        module__in_features=5,
        module__out_features=3,
        criterion=nn.CrossEntropyLoss,
        max_epochs=1,
        verbose=0,
    )
    with pytest.raises(ValueError, match=r"a torch net takes float32 arrays.*FunctionTransformer"):
        DistilledClassifier(net, SMALL, transfer=None).fit(rows, CODES)
    fitted = clone(net).fit(X.astype("float32"), CODES)
    with pytest.raises(ValueError, match=r"a torch net takes float32 arrays"):
        DistilledClassifier(FrozenEstimator(fitted), SMALL, transfer=None).fit(rows)
    first = FunctionTransformer(np.asarray, kw_args={"dtype": "float32"})
    DistilledClassifier(make_pipeline(first, net), SMALL, transfer=None).fit(rows, CODES)


# --- the same reader elsewhere ---


def test_a_report_reads_frames_by_name():
    fitted = Framed().fit(X, NAMES[CODES])
    clf = DistilledClassifier(LogisticRegression(), SMALL, random_state=0).fit(X, NAMES[CODES])
    report = DistillationReport.from_estimator(
        clf, X, NAMES[CODES], control=fitted, n_bootstrap=100, speed=False
    )
    p = report.answers.probabilities["control"]
    np.testing.assert_allclose(p, fitted.model_.predict_proba(X))


def test_a_frozen_object_without_tags():
    frozen = FrozenEstimator(Answers(rows(0.2, 0.3, 0.5), NAMES))
    clf = DistilledClassifier(frozen, SMALL, random_state=0).fit(X, NAMES[CODES])
    assert clf.predict(X).shape == (240,)
    assert isinstance(repr(clf), str)
    clf._repr_html_()
    clone(clf).fit(X)
