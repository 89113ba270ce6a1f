"""Inputs that are easy to get wrong: what is said, and that nothing is lost or fitted in vain."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils import get_tags

from skdistill import (
    DistilledClassifier,
    Hinton,
    MLPStudent,
    Munge,
    Objective,
    TabularEncoder,
)

SMALL = MLPStudent(hidden_layer_sizes=(8,), learning_rate=0.02, n_steps=40)


def data(n_rows=200, n_classes=2, **params):
    return make_classification(
        n_rows, 5, n_informative=4, n_redundant=0, n_classes=n_classes, random_state=0, **params
    )


def small(teacher=None, **params):
    teacher = LogisticRegression() if teacher is None else teacher
    return DistilledClassifier(teacher, SMALL, random_state=0, **params)


class Counting(GaussianNB):
    """Counts its fits, over all clones."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        Counting.n_fits += 1
        return super().fit(X, y, sample_weight)


class Wide(torch.nn.Module):
    """Seven outputs, whatever the classes."""

    def __init__(self, n_inputs):
        super().__init__()
        self.layer = torch.nn.Linear(n_inputs, 7)

    def forward(self, X):
        return self.layer(X)


class NeedsLayer(Objective):
    student_layers = ("deep",)

    def loss(self, batch):
        return batch.layers["deep"].mean(1)


# --- y ---


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(200), "at least 2 classes"),
        (np.r_[np.nan, np.zeros(199)], r"Input y contains NaN: 1 of 200 labels.*`X_transfer`"),
        (np.linspace(0, 1, 200), "Unknown label type: continuous"),
        (np.zeros(199), "inconsistent numbers of samples"),
        (np.zeros((200, 2)), "1d array"),
    ],
    ids=["one class", "NaN", "continuous", "length", "two columns"],
)
def test_wrong_labels(y, message):
    X, _ = data()
    with pytest.raises(ValueError, match=message):
        small().fit(X, y)


# --- X ---


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X: X[:0], ValueError, "0 sample"),
        (lambda X: X[:, :0], ValueError, "0 feature"),
        (lambda X: X[:, 0], ValueError, "Expected 2D array"),
        (scipy.sparse.csr_array, TypeError, "[Ss]parse"),
        (lambda X: np.where(X > 2, np.inf, X), ValueError, r"infinity in column\(s\) \['\d"),
        (lambda X: X.astype(complex), ValueError, "Complex data not supported"),
    ],
    ids=["no rows", "no columns", "1-D", "sparse", "infinity", "complex"],
)
def test_wrong_rows(change, error, message):
    X, y = data()
    with pytest.raises(error, match=message):
        small().fit(change(X), y[: change(X).shape[0]])


def test_prediction_before_the_fit():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        small().predict(data()[0])


@pytest.mark.parametrize("encoder", ["passthrough", SimpleImputer(keep_empty_features=True)])
def test_nothing_that_is_not_a_number_reaches_a_prediction(encoder):
    X, y = data()
    clf = small(encoder=encoder).fit(X, y)
    bad = X.copy()
    bad[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"contains NaN or infinity|Input X contains infinity"):
        clf.predict_proba(bad)


def test_missing_numbers_are_refused_only_where_the_teacher_refuses_them():
    X, y = data()
    missing = X.copy()
    missing[::3, 1] = np.nan
    imputes = make_pipeline(SimpleImputer(), LogisticRegression())
    for teacher in (imputes, FrozenEstimator(imputes.fit(X, y))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fitted, unfrozen teacher
            clf = small(teacher).fit(X, y)
        assert np.isfinite(clf.predict_proba(missing)).all()
    with pytest.raises(ValueError, match=r"contains NaN in column\(s\) \['1'\]"):
        small().fit(X, y).predict_proba(missing)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(n=range(200))
    clf = small(make_pipeline(SimpleImputer(), LogisticRegression(max_iter=10_000))).fit(frame, y)
    assert np.isfinite(clf.predict_proba(frame.assign(b=np.nan))).all()


# --- weights ---


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.r_[-1.0, np.ones(199)], "Negative values in data passed to `sample_weight`"),
        (np.zeros(200), "every weight is zero"),
        (np.ones(199), r"sample_weight.shape == \(199,\), expected \(200,\)"),
        (np.r_[np.nan, np.ones(199)], "NaN"),
    ],
    ids=["negative", "zero", "length", "NaN"],
)
def test_wrong_weights(weight, message):
    X, y = data()
    with pytest.raises(ValueError, match=message):
        small().fit(X, y, sample_weight=weight)


def test_class_weight_is_for_validation_rows_too():
    X, y = data(700, class_sep=0.5)
    weight = {0: 1.0, 1: 20.0}
    given_rows = small(class_weight=weight).fit(X[:500], y[:500], X_val=X[500:], y_val=y[500:])
    split = small(class_weight=weight, early_stopping=True).fit(X, y)
    shares = [clf.predict_proba(X)[:, 1].mean() for clf in (given_rows, split)]
    assert min(shares) > 0.8
    with pytest.raises(ValueError, match=r"`class_weight=.balanced.` requires y to be passed"):
        small(FrozenEstimator(LogisticRegression().fit(X, y)), class_weight="balanced").fit(X)


@pytest.mark.parametrize("cv", [None, 2])
def test_a_second_fit_with_warm_start_keeps_the_weights(cv):
    X, y = data()
    weight = np.where(y == 1, 9.0, 1.0)
    clf = small(warm_start=True, cv=cv, alpha=0.0).fit(X, y, sample_weight=weight)
    teacher = LogisticRegression().fit(X, y, sample_weight=weight)
    second = clf.fit(X, y, sample_weight=weight).predict_proba(X)[:, 1].mean()
    assert abs(second - teacher.predict_proba(X)[:, 1].mean()) < 0.02
    assert second > small().fit(X, y).predict_proba(X)[:, 1].mean() + 0.1


def test_class_weight_with_routing_does_not_ask_for_requests():
    X, y = data()
    with sklearn.config_context(enable_metadata_routing=True):
        balanced = small(class_weight={0: 1, 1: 9}, alpha=1.0).fit(X, y)
    assert balanced.predict(X).mean() > small(alpha=1.0).fit(X, y).predict(X).mean()


# --- nothing is fitted in vain, nothing wrong is left behind ---


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("params", "given", "message"),
    [
        ({"calibrate": True}, {}, "`calibrate=True` needs labelled validation rows"),
        ({"cv": 1}, {}, "at least one train/test split|n_splits"),
        ({"cv": 150}, {}, "`cv=150`: n_splits=150"),
        ({"cv": 300}, {}, "`cv=300`: .*number of samples|n_splits=300"),
        ({}, {"X_val": data()[0], "y_val": np.full(200, 7)}, "`y_val` has labels"),
        ({}, {"sample_weight_val": np.ones(3)}, "`sample_weight_val` is given without `X_val`"),
        ({}, {"soft_targets": np.full((200, 3), 1 / 3)}, "must have shape"),
        (
            {},
            {"X_transfer": (data()[0][:9],), "soft_targets_transfer": (np.ones((9, 2)),)},
            "`soft_targets_transfer` must sum to 1",
        ),
        ({}, {"X_transfer": (data()[0][:9, :3],)}, "`X_transfer`: X has 3 features"),
        ({}, {"X_transfer": (data()[0][:0],)}, "`X_transfer`: Found array with 0 sample"),
        ({"teacher": [Counting(), SVC()]}, {}, "has no predict_proba"),
        ({"student": MLPStudent(n_steps=-1)}, {}, "'n_steps' parameter .* Got -1"),
        ({"student": Wide}, {}, "returns .*7.* but there are 2 classes"),
        ({"objectives": NeedsLayer()}, {}, r"`objectives` need the student's layers \['deep'\]"),
        ({"early_stopping": True, "validation_fraction": 0.999}, {}, "leaves one side without"),
        ({"class_weight": {0: 1, 1: -2}}, {}, "`class_weight` must give finite weights >= 0"),
        ({"temperature": 1e200}, {}, "'temperature' parameter .* Got 1e"),
    ],
)
def test_what_is_wrong_shows_before_the_first_teacher_is_fitted(params, given, message):
    X, y = data()
    Counting.n_fits = 0
    clf = small(Counting()).set_params(**params)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y, **given)
    assert Counting.n_fits == 0
    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_a_failed_second_fit_does_not_leave_the_first_student_with_another_encoder():
    X, y = data()
    clf = small().fit(X, y)
    clf.set_params(teacher=LogisticRegression(C=-1.0))
    with pytest.raises(ValueError, match="could not be fitted"):
        clf.fit(X * 100 + 50, y)
    with pytest.raises(NotFittedError):
        clf.predict_proba(X)


def test_validation_rows_are_not_sliced_as_a_tuple():
    X, y = data(600)
    tupled = small().fit(X[:400], y[:400], X_val=(X[400:],), y_val=(y[400:],))
    bare = small().fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
    np.testing.assert_array_equal(tupled.predict_proba(X), bare.predict_proba(X))
    with pytest.warns(UserWarning, match="`X_val` has as many rows as X"):
        small().fit(X, y, X_val=X, y_val=(y,))


# --- teachers and soft targets ---


def test_a_class_no_teacher_knows_is_taught_by_its_labels():
    X, y = data(900, 3)
    partial = FrozenEstimator(RandomForestClassifier(30, random_state=0).fit(X[y < 2], y[y < 2]))
    clf = DistilledClassifier(partial, MLPStudent((32,)), random_state=0)
    with pytest.warns(UserWarning, match=r"no teacher knows the classes \[2\]"):
        clf.fit(X, y)
    recall = (clf.predict(X)[y == 2] == 2).mean()
    assert recall > 0.8


def test_a_fitted_teacher_that_is_not_frozen_warns():
    X, y = data()
    with pytest.warns(UserWarning, match="`logisticregression` is fitted but not frozen"):
        small(LogisticRegression().fit(X, y)).fit(X, y)


def test_soft_targets_in_another_order_of_the_index():
    X, y = data()
    X = pd.DataFrame(X, index=np.arange(200) + 7, columns=list("abcde"))
    p = pd.DataFrame(LogisticRegression().fit(X, y).predict_proba(X), index=X.index)
    p.columns = ["0", "1"]  # as a CSV names them
    clf = DistilledClassifier(None, SMALL, random_state=0).fit(X, y, soft_targets=p)
    assert clf.score(X, y) > 0.7
    assert clf.classes_.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"in another order.*`?soft_targets.loc\[X.index\]"):
        DistilledClassifier(None, SMALL).fit(X, y, soft_targets=p.sample(frac=1, random_state=0))


def test_columns_of_soft_targets_may_name_classes_that_y_lacks():
    X, y = data(300, 3)
    p = pd.DataFrame(LogisticRegression().fit(X, y).predict_proba(X), columns=[0, 1, 2])
    kept = y < 2
    clf = DistilledClassifier(None, SMALL, random_state=0).fit(
        X[kept], y[kept], soft_targets=p[kept]
    )
    assert clf.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"teacher": ("lr", LogisticRegression())}, "`teacher` is a pair: give a list of pairs"),
        ({"student": MLPStudent}, "`student` is the class MLPStudent: give an instance"),
        ({"response": Hinton}, "`response` holds the class Hinton: give an instance"),
        ({"transfer": Munge}, "`transfer` holds the class Munge: give an instance"),
        ({"teacher": "forest"}, "has no predict_proba: give an estimator"),
    ],
)
def test_the_message_says_what_to_give(params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small().set_params(**params).fit(*data())


def test_parameters_of_a_student_that_is_not_there():
    with pytest.raises(ValueError, match=r"`student` is None.*MLPStudent\(\)"):
        DistilledClassifier(LogisticRegression()).set_params(student__n_steps=3)


def test_a_row_has_one_answer_however_many_rows_it_comes_with():
    X, y = data(400)
    clf = DistilledClassifier(LogisticRegression(), MLPStudent((32,)), random_state=0).fit(X, y)
    whole = clf.decision_function(X)
    for size in (1, 3, 16, 37):
        parts = [clf.decision_function(X[i : i + size]) for i in range(0, 100, size)]
        np.testing.assert_allclose(np.concatenate(parts)[:100], whole[:100], atol=1e-7)


def test_a_class_with_fewer_members_than_folds():
    X, y = data(300, 3)
    y = np.where(y == 2, np.r_[np.full(4, 2), np.zeros(296)], y).astype(int)
    with pytest.warns(UserWarning, match="less than n_splits=5"):
        clf = small(cv=5).fit(X, y)
    assert clf.predict_proba(X).shape == (300, len(np.unique(y)))


def test_transfer_rows_of_other_dtypes():
    X, y = data()
    frame = pd.DataFrame(X, columns=list("abcde"))
    with pytest.raises(ValueError, match="`X_transfer`: column 'b' was numeric"):
        small().fit(frame, y, X_transfer=(frame[:9].assign(b="much"),))


def test_weights_of_one_are_no_weights_for_a_forest_too():
    X, y = data()
    forest = RandomForestClassifier(5, random_state=0)
    plain = small(forest).fit(X, y).predict_proba(X)
    ones = small(forest).fit(X, y, sample_weight=np.ones(200)).predict_proba(X)
    np.testing.assert_array_equal(plain, ones)


def test_a_student_that_overflows_says_so():
    X, y = data()
    student = MLPStudent(n_steps=20)
    clf = DistilledClassifier(LogisticRegression(), student, encoder="passthrough").fit(X, y)
    with pytest.raises(ValueError, match="the student overflows on row 3 of X"):
        clf.predict_proba(np.where(np.arange(200)[:, None] == 3, 3e38, X))


def test_text_categories_that_became_numbers():
    frame = pd.DataFrame({"code": ["1", "2", "3"] * 40, "size": np.arange(120.0)})
    teacher = make_pipeline(TabularEncoder(), LogisticRegression())
    clf = small(teacher).fit(frame, frame["code"] == "2")
    numbers = frame.assign(code=frame["code"].astype(int))
    np.testing.assert_array_equal(clf.predict_proba(numbers), clf.predict_proba(frame))
    words = frame.assign(code="a")
    with pytest.raises(ValueError, match="column 'code' held text, .*'a', .* but now numbers"):
        small(teacher).fit(words, frame["code"] == "2").predict(numbers)


def test_one_epoch_is_trained_however_short_the_time():
    X, y = data()
    with pytest.warns(UserWarning, match="`max_time` ended the training in epoch 2"):
        clf = small(max_time=1e-9).fit(X, y)
    assert len(clf.history_) == 1


def test_html_of_what_cannot_be_fitted():
    for teacher in (LogisticRegression, [("a", SVC()), ("a", SVC())]):
        assert "MLPStudent" in small(teacher)._repr_html_()


def test_without_a_teacher_the_tags_are_still_true():
    X, y = data()
    clf = small().fit(X, y).without_teacher()
    assert not get_tags(clf).input_tags.allow_nan


# --- anything at all ---

KINDS = {
    "float": st.floats(allow_infinity=False, allow_nan=True, width=32),
    "int": st.integers(-(2**40), 2**40),
    "bool": st.booleans(),
    "text": st.sampled_from(["a", "b", "", "ü", None]),
    "odd": st.sampled_from([1, "a", 2.5, None, float("inf")]),
}


@st.composite
def tables(draw):
    n_rows = draw(st.integers(4, 30))
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3))
    columns = {
        f"c{i}": draw(st.lists(KINDS[kind], min_size=n_rows, max_size=n_rows))
        for i, kind in enumerate(kinds)
    }
    label = st.sampled_from([[0, 1], ["x", "y", "z"], [True, False], [0.5, None, 1.5]])
    y = draw(st.lists(st.sampled_from(draw(label)), min_size=n_rows, max_size=n_rows))
    return pd.DataFrame(columns), y


@given(
    table=tables(),
    temperature=st.sampled_from([1.0, 3.0, 0.0, "hot"]),
    alpha=st.sampled_from([0.0, 0.5, 1.0, -1]),
    cv=st.sampled_from([None, 2, 50]),
    transfer=st.sampled_from([None, Munge(size=1)]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_input_works_or_says_why_not(table, temperature, alpha, cv, transfer):
    X, y = table
    clf = DistilledClassifier(
        make_pipeline(TabularEncoder(), GaussianNB()),
        MLPStudent(hidden_layer_sizes=(4,), n_steps=3),
        temperature=temperature,
        alpha=alpha,
        cv=cv,
        transfer=transfer,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            p = clf.fit(X, y).predict_proba(X)
        except (ValueError, TypeError) as error:
            if not str(error):
                raise
            return
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


@st.composite
def sound_tables(draw):
    """Tables that nobody could object to, and the rows of another to predict."""
    n_rows = draw(st.integers(12, 30))
    kinds = draw(st.lists(st.sampled_from(["float", "text", "bool"]), min_size=1, max_size=3))
    columns = {
        f"c{i}": draw(st.lists(KINDS[kind], min_size=2 * n_rows, max_size=2 * n_rows))
        for i, kind in enumerate(kinds)
    }
    table = pd.DataFrame(columns)
    weight = draw(st.lists(st.floats(0.1, 10), min_size=n_rows, max_size=n_rows))
    return table[:n_rows], np.arange(n_rows) % 3, weight, table[n_rows:]


@given(
    table=sound_tables(),
    temperature=st.floats(0.5, 20),
    alpha=st.floats(0, 1),
    cv=st.sampled_from([None, 2]),
    pooling=st.sampled_from(["arithmetic", "geometric"]),
    class_weight=st.sampled_from([None, "balanced", {0: 1, 1: 2, 2: 0.5}]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_sound_input_works(table, temperature, alpha, cv, pooling, class_weight):
    X, y, weight, X_new = table
    teacher = make_pipeline(TabularEncoder(), RandomForestClassifier(5))
    clf = DistilledClassifier(
        [teacher, make_pipeline(TabularEncoder(), LogisticRegression(max_iter=5000))],
        MLPStudent(hidden_layer_sizes=(4,), n_steps=3),
        temperature=temperature,
        alpha=alpha,
        cv=cv,
        pooling=pooling,
        class_weight=class_weight,
        transfer=Munge(size=1),
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = clf.fit(X, y, sample_weight=weight).predict_proba(X_new)
    assert p.shape == (len(X_new), 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


def test_class_weight_reaches_a_teacher_beside_weights_of_one():
    X, y = data(120)
    y = np.where(np.arange(120) < 20, 1, 0)
    seen = []

    class Noting(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            seen.append(None if sample_weight is None else np.unique(sample_weight.round(3)))
            return super().fit(X, y, sample_weight)

    with sklearn.config_context(enable_metadata_routing=True):
        teacher = Noting().set_fit_request(sample_weight=True)
        for weight in (np.ones(120), np.full(120, 2.0)):
            small(teacher, class_weight="balanced").fit(X, y, sample_weight=weight)
    assert len(seen[0]) == 2
    np.testing.assert_allclose(seen[0] * (seen[1][0] / seen[0][0]), seen[1], rtol=1e-3)
