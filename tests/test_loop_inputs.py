"""What loops hand on to their fits (weights, groups, callbacks), and the rows that they replay."""

import pickle

import numpy as np
import onnxruntime
import pytest
import scipy.sparse as sp
import skl2onnx
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skl2onnx.common.data_types import FloatTensorType
from sklearn import config_context
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from test_progress import Recorder

from skdistill import (
    TRUSTED_TYPES,
    ContinualClassifier,
    DarkExperience,
    DistilledClassifier,
    Gibbs,
    MLPStudent,
    MutualClassifier,
    PrunedStudent,
    QuantizedStudent,
    Scorer,
    SelfDistilledClassifier,
    StoredRows,
    StudentEnsemble,
    SyntheticReplay,
    register_skl2onnx_converter,
    to_onnx,
)

QUICK = MLPStudent((8,), n_steps=40)
X, Y = make_classification(240, 6, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
WEIGHT = np.where(np.arange(240) % 2, 1.0, 3.0)
GROUPS = np.repeat(np.arange(24), 10)
ONE = {"transfer": None, "refit": False, "random_state": 0}
OWN = [
    SelfDistilledClassifier(QUICK, 2, **ONE),
    MutualClassifier(QUICK, 2, keep="distilled", **ONE),
]


@pytest.fixture
def asked(monkeypatch):
    """The rows, weights and groups that ensembles were fitted with."""
    found, usual = [], StudentEnsemble.fit

    def fit(self, X, y, sample_weight=None, groups=None):
        found.append((X, sample_weight, groups))
        return usual(self, X, y, sample_weight, groups)

    monkeypatch.setattr(StudentEnsemble, "fit", fit)
    return found


# --- weights and groups ---


@pytest.mark.parametrize("routes", [False, True])
@pytest.mark.parametrize("model", OWN, ids=lambda one: type(one).__name__)
def test_weights_and_groups_reach_the_teacher_that_is_made(model, routes, asked):
    with config_context(enable_metadata_routing=routes):
        model.fit(X, Y, sample_weight=WEIGHT, groups=GROUPS)
    place = {row.tobytes(): k for k, row in enumerate(X)}
    assert asked
    for rows, weight, groups in asked:
        own = [place[row.tobytes()] for row in rows]
        assert_array_equal(weight, WEIGHT[own])
        assert_array_equal(groups, GROUPS[own])


def test_groups_reach_any_teacher_that_holds_rows_out(asked):
    teacher = [("nets", StudentEnsemble(QUICK, 2)), ("line", LogisticRegression())]
    clf = DistilledClassifier(teacher, QUICK, cv=3, **ONE)
    clf.fit(X, Y, groups=GROUPS)
    assert len(asked) > 1
    assert all(len(groups) == len(rows) for rows, _, groups in asked)
    assert all(weight is None for _, weight, _ in asked)


def continual(teacher, replay=None):
    estimator = DistilledClassifier(teacher, QUICK, transfer=None, alpha=0.3, random_state=0)
    replay = SyntheticReplay(n_rows=90) if replay is None else replay
    return ContinualClassifier(estimator, replay, random_state=0)


def test_weights_are_asked_for_alike_in_each_step():
    """The error is that of the teacher, in the first step and in later ones."""
    halves = [slice(None, 120), slice(120, None)]
    with config_context(enable_metadata_routing=True):
        first = continual(LogisticRegression())
        later = continual(LogisticRegression()).partial_fit(X[halves[0]], Y[halves[0]])
        for model in (first, later):
            with pytest.raises(UnsetMetadataPassedError, match=r"LogisticRegression\.fit"):
                model.partial_fit(X[halves[1]], Y[halves[1]], sample_weight=WEIGHT[halves[1]])
        model = continual(LogisticRegression().set_fit_request(sample_weight=True))
        for half in halves:
            model.partial_fit(X[half], Y[half], sample_weight=WEIGHT[half])
        assert len(model.steps_) == 2
        assert model.pool_.count.sum() == WEIGHT.sum()


def test_weights_of_the_pool_need_no_request():
    class Seen(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            weights.append(sample_weight)
            return super().fit(X, y, sample_weight)

    weights, told = [], []
    for routes in (False, True):
        with config_context(enable_metadata_routing=routes):
            teacher = make_pipeline(StandardScaler(), Seen())
            model = continual(teacher, SyntheticReplay(n_rows=40))
            model.partial_fit(X[:180], Y[:180]).partial_fit(X[180:], Y[180:])
            told.append(model.predict_proba(X))
    assert weights[0] is None
    assert np.ptp(weights[1]) > 0
    assert_array_equal(weights[3], weights[1])
    assert_array_equal(*told)


@pytest.mark.filterwarnings("error:.*takes no sample_weight")
def test_a_teacher_without_weights_is_given_none_where_all_are_even():
    nothing = SyntheticReplay(n_rows=0)
    model = continual(KNeighborsClassifier(), nothing).partial_fit(X[:120], Y[:120])
    model.partial_fit(X[120:], Y[120:])
    assert len(model.steps_) == 2


# --- callbacks, and parameters without a use ---


def test_callbacks_follow_the_fit_of_a_cohort():
    recorder = Recorder()
    clf = MutualClassifier(QUICK, 2, random_state=0).set_callbacks(recorder).fit(X, Y)
    assert recorder.begun[0] == "fit"
    assert "fit/fit-student/epoch 1" in recorder.ended
    assert recorder.torn_down == 1
    assert sorted(recorder.begun) == sorted(recorder.ended)
    alone = MutualClassifier(QUICK, 2, random_state=0).fit(X, Y)
    assert_array_equal(clf.predict_proba(X), alone.predict_proba(X))


class Watching(Recorder):
    """It knows the estimators, too."""

    def __init__(self):
        super().__init__()
        self.watched = []

    def setup(self, estimator, context):
        self.watched.append(estimator)


def test_callbacks_follow_each_generation():
    model = SelfDistilledClassifier(QUICK, scheme="generations", n_generations=1, **ONE)
    alone = model.fit(X, Y).generations_
    recorder = Watching()
    clf = model.set_callbacks(recorder).fit(X, Y)
    n_fits = len(clf.generations_)
    assert n_fits == 4
    assert recorder.begun.count("fit") == recorder.torn_down == n_fits
    assert [one["alpha"] for one in clf.generations_] == [one["alpha"] for one in alone]
    losses = [[one["log_loss"] for one in table] for table in (alone, clf.generations_)]
    assert_allclose(*losses, rtol=1e-4)
    first, *_ = recorder.watched  # a teacher, which may be stored
    assert b"Watching" not in pickle.dumps(first)


def test_callbacks_follow_each_step():
    recorder = Recorder()
    model = continual(LogisticRegression())
    model.estimator.set_callbacks(recorder)
    model.partial_fit(X[:120], Y[:120]).partial_fit(X[120:], Y[120:])
    assert recorder.begun.count("fit") == recorder.torn_down == 2


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (
            MutualClassifier(QUICK, 2, transfer=Gibbs(), alpha=0.5, cv=3),
            r"`keep='leader'` does not use `transfer=Gibbs\(\)`, `alpha=0.5`, `cv=3`",
        ),
        (
            SelfDistilledClassifier(QUICK, 2, scheme="generations", transfer=None),
            r"`scheme='generations'` does not use `n_students=2`",
        ),
        (
            SelfDistilledClassifier(QUICK, 2, n_generations=1, transfer=None),
            r"`scheme='ensemble'` does not use `n_generations=1`",
        ),
    ],
)
def test_parameters_without_a_use_are_named(model, text):
    with pytest.warns(UserWarning, match=text):
        model.fit(X, Y)


@pytest.mark.filterwarnings("error:.*does not use")
def test_parameters_at_their_defaults_draw_no_warning():
    MutualClassifier(QUICK, 2, temperature=1).fit(X, Y)


# --- rows that are no table ---

IMAGES, DIGITS = load_digits(return_X_y=True)
IMAGES, DIGITS = IMAGES[:500].reshape(-1, 1, 8, 8).astype(np.float32), DIGITS[:500]


class Net(torch.nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.looks, self.tells = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(144, n_outputs)

    def forward(self, X):
        return self.tells(torch.relu(self.looks(X / 16)).flatten(1))


def flat(rows):
    return rows.reshape(len(rows), -1)


def in_two_steps(model, rows):
    for part in (DIGITS < 5, DIGITS >= 5):
        model.partial_fit(rows[part], DIGITS[part])
    return model


@pytest.mark.parametrize("replay", [SyntheticReplay(n_rows=150), DarkExperience(100)], ids=repr)
def test_images_are_replayed(replay):
    teacher = make_pipeline(FunctionTransformer(flat), RandomForestClassifier(20, random_state=0))
    estimator = DistilledClassifier(
        teacher, Net, encoder="passthrough", transfer=None, alpha=0.3, random_state=0
    )
    model = in_two_steps(ContinualClassifier(estimator, replay, random_state=0), IMAGES)
    assert model.pool_.X.shape[1:] == (1, 8, 8)
    rows, seen = flat(model.pool_.X), {row.tobytes() for row in flat(IMAGES)}
    n_same = sum(row.astype(np.float32).tobytes() in seen for row in rows)
    assert n_same == (0 if isinstance(replay, SyntheticReplay) else len(rows))
    assert model.score(IMAGES[DIGITS < 5], DIGITS[DIGITS < 5]) > 0.6


@pytest.mark.parametrize("replay", [StoredRows(100), DarkExperience(100)], ids=repr)
def test_sparse_rows_are_stored(replay):
    rows = sp.csr_matrix(flat(IMAGES))
    estimator = DistilledClassifier(
        RandomForestClassifier(20, random_state=0),
        MLPStudent((16,), n_steps=100),
        encoder="passthrough",
        transfer=None,
        alpha=0.3,
        random_state=0,
    )
    model = in_two_steps(ContinualClassifier(estimator, replay, random_state=0), rows)
    assert sp.issparse(model.pool_.X)
    dense = {row.tobytes() for row in flat(IMAGES)}
    assert all(row.tobytes() in dense for row in model.pool_.X.toarray())
    assert model.score(rows[DIGITS < 5], DIGITS[DIGITS < 5]) > 0.5
    synthetic = ContinualClassifier(estimator, SyntheticReplay(Gibbs()))
    with pytest.raises(ValueError, match=r"by Gibbs, .* X is sparse: give StoredRows\(\)"):
        synthetic.fit(rows, DIGITS)


# --- few bits and fewer units ---

SMALL = [
    *(QuantizedStudent((16,), n_steps=150, bits=bits) for bits in (8, 4, 2)),
    PrunedStudent((32, 16), n_steps=150),
]


@pytest.mark.parametrize("student", SMALL[1:], ids=repr)
def test_small_students_learn_new_classes(student):
    rows = flat(IMAGES).astype(float)
    estimator = DistilledClassifier(
        RandomForestClassifier(20, random_state=0), student, transfer=None, alpha=0.3
    ).set_params(random_state=0)
    model = ContinualClassifier(estimator, SyntheticReplay(n_rows=300), random_state=0)
    sizes = []
    for part in (DIGITS < 5, DIGITS >= 5):
        model.partial_fit(rows[part], DIGITS[part])
        sizes.append(model.best_estimator_.student_.get_params()["module__hidden_layer_sizes"])
    assert sizes[0] == sizes[1] == ((16, 8) if isinstance(student, PrunedStudent) else (16,))
    assert "began anew" not in model.decision_
    assert model.score(rows, DIGITS) > (0.7 if getattr(student, "bits", 4) == 4 else 0.5)
    if isinstance(student, QuantizedStudent):
        last = model.best_estimator_.student_.module_.layers[-1]
        codes = last.weight / last.scale
        assert_allclose(codes, codes.round(), atol=1e-4)


@pytest.mark.parametrize("student", SMALL, ids=repr)
def test_small_students_are_stored_and_converted_in_a_pipeline(student, tmp_path):
    clf = DistilledClassifier(
        LogisticRegression(), student, transfer=None, alpha=0.3, random_state=0
    )
    pipe = make_pipeline(StandardScaler(), clf).fit(X, Y)
    told = pipe.predict_proba(X)
    copy = skops.io.loads(skops.io.dumps(pipe), trusted=TRUSTED_TYPES)
    assert_array_equal(copy.predict_proba(X), told)
    register_skl2onnx_converter()
    rows = X.astype(np.float32)
    graph = skl2onnx.convert_sklearn(
        copy,
        initial_types=[("X", FloatTensorType([None, X.shape[1]]))],
        options={id(copy): {"zipmap": False}},
    )
    labels, found = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"X": rows})
    assert_allclose(found, told, atol=1e-4)
    assert_array_equal(labels, pipe.predict(X))
    to_onnx(copy[-1], tmp_path / "student.onnx")
    scaled = pipe[0].transform(X)
    assert_allclose(Scorer(tmp_path / "student.onnx").predict_proba(scaled), told, atol=1e-5)
