"""DistilledClassifier: inputs, soft targets, transfer rows, Pipeline and search."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skdistill import DistilledClassifier, GivenRows, MLPStudent, Munge, TabularEncoder

SMALL = MLPStudent(hidden_layer_sizes=(16,), learning_rate=0.02, n_steps=100)


def data(n_rows=300, n_classes=3, seed=0):
    return make_classification(n_rows, 6, n_informative=4, n_classes=n_classes, random_state=seed)


def named(y):
    return np.array(["ash", "birch", "cedar"])[y]


def small(teacher=None, **params):
    return DistilledClassifier(
        LogisticRegression() if teacher is None else teacher, SMALL, random_state=0, **params
    )


def mixed_frame(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "count": rng.integers(0, 9, n_rows),
            "colour": pd.Categorical(rng.choice(["red", "blue", "green"], n_rows)),
            "new": rng.random(n_rows) < 0.5,
        }
    )
    X.loc[::7, "size"] = np.nan
    y = np.where((X["count"] > 4) ^ (X["colour"] == "red"), "yes", "no")
    return X, y


# --- the point of it all ---


def test_student_learns_what_the_teacher_knows():
    X, y = make_classification(
        1500, 10, n_informative=6, n_redundant=0, n_classes=3, class_sep=1.2, random_state=1
    )
    X, X_test, y, y_test = train_test_split(X, y, test_size=600, random_state=0)
    forest = RandomForestClassifier(100, random_state=0)
    student = MLPStudent((64, 64), n_steps=300)
    clf = DistilledClassifier(forest, student, transfer=Munge(size=4), random_state=0).fit(X, y)
    assert clf.score(X_test, y_test) > clf.teacher_.score(X_test, y_test) - 0.02
    assert log_loss(y_test, clf.predict_proba(X_test)) < log_loss(
        y_test, clf.teacher_.predict_proba(X_test)
    )
    agreement = (clf.predict(X_test) == clf.teacher_.predict(X_test)).mean()
    assert agreement > 0.85


def test_mixed_frame_with_missing_values():
    X, y = mixed_frame(800)
    from sklearn.ensemble import HistGradientBoostingClassifier

    clf = DistilledClassifier(
        HistGradientBoostingClassifier(max_iter=30, categorical_features="from_dtype"),
        MLPStudent((64, 64), n_steps=200),
        transfer=Munge(size=2),
        random_state=0,
    ).fit(X[:600], y[:600])
    assert clf.score(X[600:], y[600:]) > 0.9
    assert list(clf.feature_names_in_) == list(X.columns)
    assert clf.n_transfer_rows_ == 2 * 600  # all rows are trained on in the end


def test_probabilities_scores_and_labels_agree():
    X, y = data()
    clf = small().fit(X, named(y))
    p = clf.predict_proba(X)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(np.log(p), clf.predict_log_proba(X), atol=1e-5)
    np.testing.assert_array_equal(clf.classes_[p.argmax(axis=1)], clf.predict(X))
    scores = clf.decision_function(X)
    np.testing.assert_allclose(scores.sum(axis=1), 0, atol=1e-5)
    binary = small().fit(X, y > 0)
    odds = binary.decision_function(X)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), binary.predict_proba(X)[:, 1], atol=1e-6)


def test_calibration_only_rescales_the_logits():
    X, y = data(900)
    raw = small(calibrate=False, refit=False).fit(X, y)
    calibrated = small(calibrate=True, refit=False).fit(X, y)
    t = calibrated.calibration_temperature_
    assert raw.calibration_temperature_ == 1
    assert t != 1
    expected = raw.decision_function(X) / t
    np.testing.assert_allclose(calibrated.decision_function(X), expected, atol=1e-4)


# --- soft targets given ---


def test_soft_targets_take_the_place_of_a_teacher():
    X, y = data()
    p = LogisticRegression().fit(X, y).predict_proba(X)
    given = DistilledClassifier(None, SMALL, random_state=0).fit(X, y, soft_targets=p)
    taught = small(FrozenEstimator(LogisticRegression().fit(X, y)), transfer=None).fit(X, y)
    np.testing.assert_array_equal(given.predict_proba(X), taught.predict_proba(X))
    assert given.teacher_ is None


def test_soft_targets_by_column_name():
    X, y = data()
    p = LogisticRegression().fit(X, y).predict_proba(X)
    frame = pd.DataFrame(p[:, [2, 0, 1]], columns=["cedar", "ash", "birch"])
    by_name = DistilledClassifier(None, SMALL, random_state=0).fit(X, named(y), soft_targets=frame)
    by_order = DistilledClassifier(None, SMALL, random_state=0).fit(X, named(y), soft_targets=p)
    np.testing.assert_array_equal(by_name.predict_proba(X), by_order.predict_proba(X))
    unlabelled = DistilledClassifier(None, SMALL, random_state=0).fit(X, soft_targets=frame)
    assert list(unlabelled.classes_) == ["ash", "birch", "cedar"]


def test_without_labels():
    X, y = data()
    teacher = FrozenEstimator(LogisticRegression().fit(X, named(y)))
    clf = small(teacher).fit(X)
    assert clf.alpha_ == 0
    assert (clf.predict(X) == teacher.predict(X)).mean() > 0.85
    with pytest.raises(ValueError, match=r"requires y to be passed.*FrozenEstimator"):
        small().fit(X)
    soft = DistilledClassifier(None, SMALL, random_state=0)
    soft.fit(X, soft_targets=teacher.predict_proba(X))
    assert list(soft.classes_) == [0, 1, 2]


def break_soft_targets(p, how):
    p = p.copy()
    if how == "shape":
        return p[:, :2]
    if how == "NaN":
        p[3, 1] = np.nan
    if how == "negative":
        p[3] = [-0.5, 1, 0.5]
    if how == "sum":
        p[3] = [0.5, 1, 0.5]
    if how == "columns":
        return pd.DataFrame(p, columns=["ash", "birch", "oak"])
    return p


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("shape", r"`soft_targets` must have shape .*\(300, 3\), got \(300, 2\)"),
        ("NaN", "`soft_targets` must hold probabilities"),
        ("negative", "`soft_targets` must hold probabilities"),
        ("sum", "`soft_targets` must sum to 1, but row 3 sums to 2"),
        ("columns", r"`soft_targets` has columns .*'oak'.* for the classes \['cedar'\]"),
    ],
)
def test_wrong_soft_targets(how, message):
    X, y = data()
    p = LogisticRegression().fit(X, y).predict_proba(X)
    with pytest.raises(ValueError, match=message):
        DistilledClassifier(None, SMALL).fit(X, named(y), soft_targets=break_soft_targets(p, how))


def test_what_cannot_work_without_a_teacher_says_so():
    X, y = data()
    p = np.full((300, 3), 1 / 3)
    lone = DistilledClassifier(None, SMALL)
    with pytest.raises(ValueError, match="`teacher` is None: give a teacher, or `soft_targets`"):
        lone.fit(X, y)
    with pytest.raises(ValueError, match="`cv` is 5, but there is no `teacher`"):
        clone(lone).set_params(cv=5).fit(X, y, soft_targets=p)
    with pytest.raises(ValueError, match=r"`transfer` draws rows \(`munge`\)"):
        clone(lone).set_params(transfer=Munge()).fit(X, y, soft_targets=p)
    with pytest.raises(ValueError, match="`X_transfer` has no labels"):
        lone.fit(X, y, soft_targets=p, X_transfer=(X[:50],))
    with pytest.raises(ValueError, match="without `X_transfer`"):
        lone.fit(X, y, soft_targets=p, soft_targets_transfer=(p[:50],))
    fitted = lone.fit(X, y, soft_targets=p, X_transfer=(X[:50],), soft_targets_transfer=(p[:50],))
    assert fitted.n_transfer_rows_ == 50


# --- transfer rows given ---


def test_transfer_rows_reach_the_student_and_weigh_what_they_should():
    X, y = data()
    X_transfer = data(seed=5)[0][:100]
    plain = small(alpha=0.0, transfer=None).fit(X, y)
    more = small(alpha=0.0, transfer=None).fit(X, y, X_transfer=X_transfer)
    assert more.n_transfer_rows_ == 100
    assert not np.allclose(plain.predict_proba(X), more.predict_proba(X))
    light = small(alpha=0.0, transfer=GivenRows(weight=0.0)).fit(X, y, X_transfer=X_transfer)
    np.testing.assert_array_equal(light.predict_proba(X), plain.predict_proba(X))
    heavy = small(alpha=0.0, transfer=GivenRows(weight=9.0)).fit(X, y, X_transfer=X_transfer)
    assert not np.allclose(heavy.predict_proba(X), more.predict_proba(X))


def test_a_tuple_of_one_is_the_same_as_the_bare_rows():
    X, y = data()
    X_transfer = data(seed=5)[0][:100]
    bare = small().fit(X, y, X_transfer=X_transfer)
    tupled = small().fit(X, y, X_transfer=(X_transfer,))
    np.testing.assert_array_equal(bare.predict_proba(X), tupled.predict_proba(X))
    with pytest.raises(ValueError, match="a tuple of one array, got 2"):
        small().fit(X, y, X_transfer=(X_transfer, X_transfer))


def test_a_bare_array_that_cross_validation_would_slice_warns():
    X, y = data()
    with pytest.warns(UserWarning, match=r"`X_transfer` has as many rows as X \(300\).*tuple"):
        small().fit(X, y, X_transfer=X)


def test_alpha_one_leaves_unlabelled_rows_out():
    X, y = data()
    labels_only = small(alpha=1.0).fit(X, y)
    with_rows = small(alpha=1.0, transfer=Munge()).fit(X, y, X_transfer=(X,))
    np.testing.assert_array_equal(labels_only.predict_proba(X), with_rows.predict_proba(X))


class RecordingTransformer(TransformerMixin, BaseEstimator):
    """Adds 100; the student's rows show whether a transfer set went through it."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.asarray(X) + 100.0


class RowsSeen(ClassifierMixin, BaseEstimator):
    """A teacher that remembers the shapes and means of what it labels."""

    seen = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        RowsSeen.seen.append((len(X), float(np.mean(X))))
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def labelled(n_rows):
    return [mean for n, mean in RowsSeen.seen if n == n_rows]


@pytest.mark.usefixtures("routing")
def test_pipeline_transforms_the_transfer_rows():
    X, y = data()
    distil = small(RowsSeen()).set_fit_request(X_transfer=True)
    pipe = Pipeline(
        [("shift", RecordingTransformer()), ("distil", distil)], transform_input=["X_transfer"]
    )
    RowsSeen.seen.clear()
    pipe.fit(X, y, X_transfer=(X[:77],))
    assert labelled(77) == [pytest.approx(X[:77].mean() + 100)]


@pytest.mark.usefixtures("routing")
def test_search_never_slices_a_tuple():
    X, y = data()
    distil = small(RowsSeen()).set_fit_request(X_transfer=True)
    pipe = Pipeline(
        [("shift", RecordingTransformer()), ("distil", distil)], transform_input=["X_transfer"]
    )
    search = GridSearchCV(pipe, {"distil__temperature": [1.0, 2.0]}, cv=3)
    RowsSeen.seen.clear()
    search.fit(X, y, X_transfer=(X + 1.0,))
    whole = [mean for mean in labelled(300) if mean == pytest.approx(X.mean() + 101)]
    assert len(whole) == 2 * 3 + 1


def test_search_without_routing():
    X, y = data()
    pipe = make_pipeline(StandardScaler(), small(transfer=None))
    grid = {
        "distilledclassifier__temperature": [1.0, 3.0],
        "distilledclassifier__student__hidden_layer_sizes": [(8,), (16,)],
    }
    search = GridSearchCV(pipe, grid, cv=3, scoring="neg_log_loss").fit(
        X, y, distilledclassifier__X_transfer=(X[:300],)
    )
    scores = search.cv_results_["mean_test_score"]
    assert len(set(np.round(scores, 9))) == 4  # every parameter changes the student
    assert search.best_estimator_[-1].n_transfer_rows_ == 300


def test_search_reaches_a_teacher_in_a_list():
    X, y = data()
    teachers = [("rf", RandomForestClassifier(5, random_state=0)), ("lr", LogisticRegression())]
    search = GridSearchCV(small(teachers), {"teacher__rf__max_depth": [1, 4]}, cv=2).fit(X, y)
    depth = search.best_params_["teacher__rf__max_depth"]
    assert search.best_estimator_.teacher_.named_estimators_["rf"].max_depth == depth
    assert teachers[0][1].max_depth is None


# --- metadata routing ---


@pytest.mark.usefixtures("routing")
def test_routed_sample_weight_reaches_the_teacher_that_requests_it():
    X, y = data()
    weight = np.random.default_rng(0).random(300)
    with pytest.raises(ValueError, match="set_fit_request"):
        small().fit(X, y, sample_weight=weight)
    asks = small(LogisticRegression().set_fit_request(sample_weight=True))
    asks.fit(X, y, sample_weight=weight)
    expected = LogisticRegression().fit(X, y, sample_weight=weight).coef_
    np.testing.assert_allclose(asks.teacher_.estimators_[0].coef_, expected)
    refuses = small(LogisticRegression().set_fit_request(sample_weight=False))
    refuses.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(
        refuses.teacher_.estimators_[0].coef_, LogisticRegression().fit(X, y).coef_
    )


@pytest.mark.usefixtures("routing")
def test_routing_inside_cross_validation():
    X, y = data()
    teacher = LogisticRegression().set_fit_request(sample_weight=True)
    clf = small([("lr", teacher), ("nb", GaussianNB().set_fit_request(sample_weight=False))])
    clf.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    scores = cross_val_score(clf, X, y, cv=3, params={"sample_weight": np.ones(300)})
    assert scores.mean() > 0.5


def test_class_weight_multiplies_sample_weight():
    X, y = data(n_classes=2)
    by_class = small(class_weight={0: 1.0, 1: 5.0}).fit(X, y)
    by_row = small().fit(X, y, sample_weight=np.where(y == 1, 5.0, 1.0))
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    assert by_class.predict(X).mean() > small().fit(X, y).predict(X).mean()


# --- leak and cross-fitting ---


def test_leak_gap_is_measured_where_it_can_be():
    X, y = data(400)
    forest = RandomForestClassifier(50, random_state=0)
    assert small(forest).fit(X[:200], y[:200]).leak_gap_ is None  # no rows are held out
    held_out = small(forest).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:]).leak_gap_
    out_of_fold = small(forest, cv=5).fit(X, y).leak_gap_
    assert held_out > 0.1
    assert out_of_fold == pytest.approx(held_out, abs=0.1)
    assert small(cv=5).fit(X, y).leak_gap_ < 0.05


def test_cross_fitting_changes_the_targets_of_the_training_rows():
    X, y = data()
    forest = RandomForestClassifier(50, random_state=0)
    in_sample = small(forest, alpha=0.0).fit(X, y).predict_proba(X)
    out_of_fold = small(forest, alpha=0.0, cv=5).fit(X, y).predict_proba(X)
    assert out_of_fold.max(axis=1).mean() < in_sample.max(axis=1).mean()


# --- encoders ---


def test_passthrough_takes_rows_of_any_rank():
    import torch

    class Flat(torch.nn.Module):
        def __init__(self, n_outputs):
            super().__init__()
            self.layer = torch.nn.Linear(12, n_outputs)

        def forward(self, X):
            return self.layer(X.flatten(1))

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4, 3))
    y = (X[:, 0, 0] > 0).astype(int)
    p = np.where(y[:, None] == [0, 1], 0.9, 0.1)
    clf = DistilledClassifier(student=Flat, encoder="passthrough", random_state=0)
    clf.fit(X, y, soft_targets=p)
    assert clf.score(X, y) > 0.9


def test_own_encoder_is_cloned_and_searchable():
    X, y = data()
    encoder = StandardScaler()
    clf = small(encoder=encoder).fit(X, y)
    assert not hasattr(encoder, "mean_")
    np.testing.assert_allclose(clf.encoder_.mean_, X.mean(axis=0))
    assert clone(clf).set_params(encoder__with_mean=False).encoder.with_mean is False


def test_auto_encoder_suits_the_student():
    X, y = mixed_frame()
    import torch

    class Plain(torch.nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.layer = torch.nn.Linear(n_inputs, n_outputs)

        def forward(self, X):
            return self.layer(X)

    teacher = make_pipeline(TabularEncoder(), LogisticRegression())
    codes = small(teacher).fit(X, y).encoder_
    onehot = DistilledClassifier(teacher, Plain, random_state=0).fit(X, y).encoder_
    assert codes.cardinalities_ == (5, 4)
    assert onehot.cardinalities_ == ()


# --- bad input ---


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"temperature": 0}, r"'temperature' .* range \[0.001, 1000.0\] or .* Got 0"),
        ({"temperature": np.nan}, "'temperature' parameter .* Got nan"),
        ({"temperature": "low"}, "'temperature' parameter .* {'auto'}. Got 'low'"),
        ({"alpha": "low"}, r"'alpha' parameter .* in the range \[0.0, 1.0\] .* Got 'low'"),
        ({"alpha": 1.5}, "'alpha' parameter .* Got 1.5"),
        ({"pooling": "median"}, "'pooling' parameter .* Got 'median'"),
        (
            {"teacher_weights": [1, 2]},
            "`teacher_weights` must hold a number >= 0 for each",
        ),
        ({"validation_fraction": 1}, r"'validation_fraction' .*range \(0.0, 1.0\).* Got 1"),
        ({"early_stopping": "yes"}, "'early_stopping' parameter .* Got 'yes'"),
        ({"calibrate": 3}, "'calibrate' parameter .* Got 3"),
        ({"max_time": -1}, "'max_time' parameter .* Got -1"),
        ({"encoder": "onehot"}, "`encoder` must be 'auto', 'passthrough' or a transformer"),
        ({"student": "mlp"}, "`student` must be None, an MLPStudent"),
        ({"teacher": SVC()}, r"`svc` \(SVC\) has no predict_proba.*CalibratedClassifierCV"),
        ({"teacher": LogisticRegression}, "is the class LogisticRegression: give an instance"),
        ({"teacher": []}, "`teacher` is an empty list"),
        ({"transfer": Munge(p=2)}, "'p' parameter of Munge must be a float .* Got 2"),
    ],
)
def test_wrong_parameters(params, message):
    X, y = data(60)
    with pytest.raises(ValueError, match=message):
        small().set_params(**params).fit(X, y)


def test_calibrate_true_needs_labelled_validation_rows():
    X, y = data()
    with pytest.raises(ValueError, match="`calibrate=True` needs labelled validation rows"):
        small(calibrate=True).fit(X, y)
    assert small(calibrate="auto").fit(X, y).calibration_temperature_ == 1


def test_parts_of_the_wrong_kind():
    X, y = data(60)
    with pytest.raises(TypeError, match="`transfer` must hold instances of TransferSampler"):
        small(transfer=StandardScaler()).fit(X, y)


def test_one_class():
    X, _ = data(60)
    with pytest.raises(ValueError, match="class"):
        small(GaussianNB()).fit(X, np.zeros(60))


def test_frozen_teacher_of_other_columns_shows_at_once():
    X, y = data()
    narrow = FrozenEstimator(LogisticRegression().fit(X[:, :3], y))

    class Expensive(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("fitted before the frozen teacher was tried")

    with pytest.raises(ValueError, match="teacher `frozenestimator` could not label the rows"):
        small([Expensive(), narrow]).fit(X, y)


def test_columns_are_checked_where_they_arrive():
    X, y = mixed_frame()
    teacher = make_pipeline(TabularEncoder(), LogisticRegression())
    with pytest.raises(ValueError, match="feature names"):
        small(teacher).fit(X, y, X_transfer=(X[["count", "size", "colour", "new"]],))
    with pytest.raises(ValueError, match="4 features"):
        small(teacher).fit(X.to_numpy(), y, X_transfer=(X.to_numpy()[:9, :2],))
    fitted = small(teacher).fit(X, y)
    words = X.assign(size="large")
    with pytest.raises(ValueError, match="'size' was numeric"):
        fitted.predict(words)
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['size'\]"):
        fitted.predict(X.assign(size=np.inf))
    unknown = X.assign(colour="violet")
    assert np.isfinite(fitted.predict_proba(unknown)).all()


def test_validation_rows_are_checked():
    X, y = data()
    with pytest.raises(ValueError, match="`X_val` and `y_val` must be given together"):
        small().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match=r"`y_val` has labels .*7.* not in classes_"):
        small().fit(X, y, X_val=X[:5], y_val=[0, 1, 2, 7, 0])


# --- estimators as users have them ---


def test_several_teachers_by_automatic_names():
    X, y = data()
    clf = small([RandomForestClassifier(5), ExtraTreesClassifier(5), ExtraTreesClassifier(6)])
    clf.fit(X, y)
    names = ["randomforestclassifier", "extratreesclassifier-1", "extratreesclassifier-2"]
    assert list(clf.teacher_.named_estimators_) == names
    assert "teacher__extratreesclassifier-2__n_estimators" in clf.get_params()


def test_a_distilled_classifier_as_teacher():
    X, y = data()
    first = small().fit(X, named(y))
    second = small(FrozenEstimator(first)).fit(X)
    assert (second.predict(X) == first.predict(X)).mean() > 0.85


def test_seeding_is_total():
    """One number seeds teachers without a seed, split, sampler and student."""
    X, y = data(600)

    def fitted(seed):
        return (
            DistilledClassifier(
                RandomForestClassifier(10), SMALL, transfer=Munge(size=1), random_state=seed
            )
            .fit(X, y)
            .predict_proba(X)
        )

    np.testing.assert_array_equal(fitted(3), fitted(3))
    assert not np.allclose(fitted(3), fitted(4))
