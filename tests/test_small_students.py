"""Students that are served as another net than they were trained: few bits, or fewer units."""

import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.history import History

from skdistill import (
    TRUSTED_TYPES,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    Objective,
    PrunedStudent,
    QuantizedStudent,
    Scorer,
    to_onnx,
)
from skdistill._fit.trials import Trial
from skdistill.student._batches import n_batches
from skdistill.student._quantized import ROUNDING_RATE
from skdistill.student._rounding import n_usual_epochs

X, Y = make_classification(300, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0)
FRAME = pd.DataFrame(X, columns=list("abcdef")).assign(
    a=np.where(X[:, 1] > 1, np.nan, X[:, 0]),
    city=pd.Categorical(np.where(X[:, 2] > 0.2, "Bern", np.where(X[:, 3] > 0, "Oslo", "Rome"))),
)
FOREST = RandomForestClassifier(10, random_state=0)
SIZES, STEPS = (16, 12), 100
QUANTIZED = [QuantizedStudent(SIZES, n_steps=STEPS, bits=bits) for bits in (8, 4, 2)]
PRUNED = [PrunedStudent(SIZES, n_steps=STEPS, keep=0.5)]
AFTERWARDS = QuantizedStudent(SIZES, n_steps=STEPS, start=1.0)
STUDENTS = [*QUANTIZED, *PRUNED, AFTERWARDS]


def make(student, **params):
    usual = {"alpha": 0.3, "transfer": None, "cv": None, "random_state": 0}
    teacher = params.pop("teacher", FOREST)
    return DistilledClassifier(teacher, student, **{**usual, **params})


def make_frame_teacher():
    """Takes a frame of numbers and a category."""
    columns = make_column_transformer(
        (OneHotEncoder(), ["city"]), remainder="passthrough", sparse_threshold=0
    )
    return make_pipeline(columns, FOREST)


@pytest.fixture(scope="module")
def fitted():
    """Students of a frame with a category and missing numbers, by recipe."""
    return {repr(one): make(one, teacher=make_frame_teacher()).fit(FRAME, Y) for one in STUDENTS}


def matrices(module):
    return [p for name, p in module.named_parameters() if p.dim() == 2]


def n_levels(matrix, scale):
    return np.unique(np.rint((matrix / scale).numpy())).size


# --- what is served ---


@pytest.mark.parametrize("student", [*QUANTIZED, AFTERWARDS], ids=repr)
def test_weights_are_integers_times_a_scale_for_each_output(student, fitted):
    module = fitted[repr(student)].student_.module_
    layers = [module.first, module.categories.table, *module.layers]
    for layer in layers:
        most = 2 ** (module.bits_of(layer) - 1) - 1
        codes = layer.weight / layer.scale
        assert_allclose(codes, codes.round(), atol=1e-4)
        assert 1 <= codes.abs().max() <= most + 1e-4
        assert layer.scale.shape == (len(layer.weight), 1)
    rows = module.layers[0].weight
    most = 2 ** (student.bits - 1) - 1
    assert all(row.unique().numel() <= 2 * most + 1 for row in rows)


def test_pruned_is_a_dense_perceptron_of_the_units_that_are_left(fitted):
    net = fitted[repr(PRUNED[0])].student_
    assert type(net.module_).__name__ == "MLP"
    assert net.module__hidden_layer_sizes == (8, 6)
    shapes = [tuple(one.weight.shape) for one in net.module_.layers]
    assert shapes == [(6, 8), (3, 6)]
    assert net.module_.categories.table.weight.shape[1] == 8


@pytest.mark.parametrize("student", STUDENTS, ids=repr)
def test_it_learns_the_teacher(student, fitted):
    clf = fitted[repr(student)]
    agreement = np.mean(clf.predict(FRAME) == clf.teacher_.predict(FRAME))
    assert agreement > (0.6 if student.get_params().get("bits") == 2 else 0.75)


@pytest.mark.parametrize("student", STUDENTS, ids=repr)
def test_files_and_copies_answer_the_same(student, fitted, tmp_path):
    clf = fitted[repr(student)]
    p = clf.predict_proba(FRAME)
    report = to_onnx(clf, tmp_path / "student.onnx", X=FRAME)
    assert report.largest_gap < 1e-5
    bits = student.get_params().get("bits")
    assert f" bytes, {'float32' if bits is None else f'int{bits}'}; on" in str(report)
    assert_allclose(Scorer(tmp_path / "student.onnx").predict_proba(FRAME), p, atol=1e-5)
    light = clf.without_teacher()
    for copy in (
        pickle.loads(pickle.dumps(light)),
        skops.io.loads(skops.io.dumps(light), trusted=TRUSTED_TYPES),
    ):
        assert_array_equal(copy.predict_proba(FRAME), p)
        to_onnx(copy, tmp_path / "copy.onnx", overwrite=True)
    assert_allclose(Scorer(tmp_path / "copy.onnx").predict_proba(FRAME), p, atol=1e-5)


def test_files_hold_8_over_bits_weights_a_byte(fitted, tmp_path):
    sizes = {}
    for student in QUANTIZED:
        clf = fitted[repr(student)]
        to_onnx(clf, tmp_path / "student.onnx", overwrite=True)
        graph = onnx.load(tmp_path / "student.onnx").graph
        tensors = [onnx.numpy_helper.to_array(one) for one in graph.initializer]
        small = [one for one in tensors if one.dtype in (np.int8, np.uint8) and one.size > 8]
        module = clf.student_.module_
        of_first = module.first.weight.numel()  # a byte each
        n_weights = sum(one.numel() for one in matrices(module)) - of_first
        packed = sum(one.size for one in small) - of_first
        assert n_weights * student.bits / 8 <= packed + 8
        assert packed <= n_weights * student.bits / 8 + len(small)
        sizes[student.bits] = packed
    assert sizes[2] < sizes[4] < sizes[8]


# --- how it learns ---


def test_it_learns_with_few_bits_what_rounding_afterwards_loses():
    def loss(start, bits=2):
        student = QuantizedStudent((32, 32), n_steps=1500, bits=bits, start=start)
        clf = make(student, early_stopping=False, alpha=0.0).fit(X, Y)
        p = np.clip(clf.predict_proba(X), 1e-7, 1)
        return -(clf.teacher_.predict_proba(X) * np.log(p)).sum(axis=1).mean()

    assert loss(0.8) < 0.9 * loss(1.0)


def test_rounding_afterwards_is_training_as_ever_but_for_the_end():
    """The mean of the weights is that of the plain student: 8 bits are nearly it."""
    plain = make(MLPStudent(SIZES, n_steps=STEPS), early_stopping=False).fit(X, Y)
    rounded = make(
        clone(AFTERWARDS).set_params(bits=8, average_weights=True), early_stopping=False
    ).fit(X, Y)
    assert plain.history_[:, "train_loss"] == rounded.history_[:, "train_loss"]
    gap = np.abs(plain.predict_proba(X) - rounded.predict_proba(X)).max()
    assert 0 < gap < 0.02


def test_keeping_all_units_is_the_plain_student():
    plain = make(MLPStudent(SIZES, n_steps=STEPS), early_stopping=False).fit(X, Y)
    whole = clone(PRUNED[0]).set_params(keep=1.0)
    assert_allclose(
        make(whole, early_stopping=False).fit(X, Y).predict_proba(X),
        plain.predict_proba(X),
        atol=1e-5,
    )


class Calm(Objective):
    """Keeps the logits small; it asks the student, so that autograd takes the steps."""

    asks_student = True

    def loss(self, batch):
        return 0.0 * batch.logits.square().mean(dim=1)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("student", [QUANTIZED[1], PRUNED[0]], ids=repr)
def test_steps_by_autograd_are_the_same(student, optimizer):
    student = clone(student).set_params(optimizer=optimizer, n_steps=40)
    direct, by_graph = (
        make(student, objectives=objectives, early_stopping=False, alpha=0.5).fit(X, Y)
        for objectives in (None, Calm(weight=1.0))
    )
    assert_allclose(direct.predict_proba(X), by_graph.predict_proba(X), atol=1e-3)


def test_the_last_student_shortens_the_usual_training_alone():
    student = QuantizedStudent(SIZES, n_steps=1000)
    net = make(student, refit=False, early_stopping=True).fit(X, Y).student_
    n_usual, n_epochs = net.n_judged_, net.max_epochs
    assert 0.75 < n_usual / n_epochs < 0.85
    history = History([{"valid_loss": abs(epoch - n_usual // 2)} for epoch in range(n_usual)])
    history.extend({"valid_loss": -1} for _ in range(n_epochs - n_usual))
    fitting = SimpleNamespace(history=history, student=SimpleNamespace(net=net))
    share = Trial.best_share.fget(SimpleNamespace(fittings=[fitting], first=fitting))
    assert share == (n_usual // 2 + 1) / n_usual
    last = student.make_net(300)
    n_epochs, per_epoch = last.max_epochs, n_batches(300, last.batch_size)
    n_usual = n_usual_epochs(0.8, n_epochs)
    kept = round(n_usual / 2)
    planned = dict(last.callbacks)["schedule"].lr_lambda
    last.shorten(0.5)
    rate = dict(last.callbacks)["schedule"].lr_lambda
    assert last.max_epochs == n_epochs - n_usual + kept
    assert rate(kept * per_epoch - 1) == planned(kept * per_epoch - 1)
    assert rate(kept * per_epoch) == planned(n_usual * per_epoch) == ROUNDING_RATE


@pytest.mark.parametrize("student", [QUANTIZED[1], PRUNED[0]], ids=repr)
def test_the_epoch_that_is_kept_is_judged_as_it_is_served(student):
    clf = make(student, early_stopping=True, refit=False, calibrate=False)
    clf.fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    p = np.clip(clf.predict_proba(X[200:]), 1e-7, 1)
    loss = -np.log(p[np.arange(100), Y[200:]]).mean()
    n_epochs = clf.student_.max_epochs
    settled = round((n_epochs - 1) * (0.9 if "bits" in student.get_params() else 0.5) + 0.49)
    assert loss == pytest.approx(min(clf.history_[:, "valid_loss"][settled:]), abs=1e-4)


def test_a_training_that_ends_too_soon_says_so():
    with pytest.warns(UserWarning, match="ended before the student was what it is to be"):
        make(PrunedStudent(SIZES, n_steps=10**6, keep=0.5), max_time=0.01).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(PrunedStudent(SIZES, n_steps=20, end=1.0)).fit(X, Y)
        make(QuantizedStudent(SIZES, n_steps=20, start=1.0)).fit(X, Y)


# --- in scikit-learn ---


@parametrize_with_checks(
    [make(QuantizedStudent((16,), n_steps=60), teacher=LogisticRegression())],
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "equal over seeds alone"
    },
)
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_a_search_reaches_bits_and_units():
    grid = {"student": [QUANTIZED[1]], "student__bits": [2, 4]}, {"student__keep": [0.5]}
    pipe = make_pipeline(StandardScaler(), make(PRUNED[0]))
    names = [{f"distilledclassifier__{k}": v for k, v in one.items()} for one in grid]
    search = GridSearchCV(pipe, names, cv=2).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.cv_results_["params"]) == 3


@pytest.mark.parametrize("student", [QUANTIZED[1], PRUNED[0]], ids=repr)
def test_numbers_and_weights(student, tmp_path):
    y = X[:, 0] + X[:, 1] ** 2
    reg = DistilledRegressor(LinearRegression(), student, alpha=0.3, random_state=0)
    reg.fit(X, y, sample_weight=np.linspace(0.5, 1.5, len(X)))
    assert np.corrcoef(reg.predict(X), reg.teacher_.predict(X))[0, 1] > 0.8
    assert to_onnx(reg, tmp_path / "student.onnx").largest_gap < 1e-5
    with pytest.raises(ValueError, match="tells classes or a mean, and no quantiles"):
        DistilledRegressor(LinearRegression(), student, head="quantiles").fit(X, y)


@pytest.mark.parametrize("student", [QUANTIZED[1], PRUNED[0]], ids=repr)
def test_warm_start_goes_on_with_what_was_served(student):
    clf = make(student, warm_start=True).fit(X, Y)
    sizes = clf.student_.module__hidden_layer_sizes
    before = clf.score(X, clf.teacher_.predict(X))
    clf.fit(X, Y)
    assert clf.student_.module__hidden_layer_sizes == sizes
    assert clf.score(X, clf.teacher_.predict(X)) > before - 0.05


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (QuantizedStudent(bits=3), "'bits' parameter of QuantizedStudent"),
        (QuantizedStudent(start=1.5), "'start' parameter of QuantizedStudent"),
        (PrunedStudent(keep=0.0), "'keep' parameter of PrunedStudent"),
        (PrunedStudent(end=-1), "'end' parameter of PrunedStudent"),
        (PrunedStudent((0,)), "`hidden_layer_sizes` must be a tuple of integers"),
    ],
)
def test_bad_parameters_are_refused(student, message):
    with pytest.raises(ValueError, match=message):
        make(student).fit(X, Y)
