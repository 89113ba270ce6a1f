"""Torch modules as people have them, as teachers."""

import warnings
from collections import UserDict
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit, softmax
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skdistill import DistilledClassifier, MLPStudent, TeacherPool, TorchTeacher

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
NAMES = np.array(["ant", "bee"])
SMALL = MLPStudent((8,), n_steps=10)
torch.manual_seed(0)
LINEAR = nn.Linear(4, 2)
ONE = nn.Linear(4, 1)
with torch.no_grad():
    LOGITS = LINEAR(torch.as_tensor(X)).double().numpy()
    LOGIT = ONE(torch.as_tensor(X)).double().numpy()[:, 0]


class Module(nn.Module):
    """A module whose forward is a function of the inner module and the inputs."""

    def __init__(self, forward, inner=LINEAR):
        super().__init__()
        self.inner = inner
        self.call = forward

    def forward(self, *args, **kwargs):
        return self.call(self.inner, *args, **kwargs)


ONE_LOGIT = {
    "a column": ONE,
    "squeezed": Module(lambda inner, x: inner(x).squeeze(), ONE),
    "flat": Module(lambda inner, x: inner(x)[:, 0], ONE),
    "output": Module(lambda inner, x: SimpleNamespace(logits=inner(x)), ONE),
}


@pytest.mark.parametrize("kind", ONE_LOGIT)
def test_one_logit_is_that_of_the_second_class(kind):
    expected = np.column_stack([1 - expit(LOGIT), expit(LOGIT)])
    for classes in (None, NAMES):
        teacher = TorchTeacher(ONE_LOGIT[kind], classes=classes)
        np.testing.assert_allclose(teacher.predict_proba(X), expected, rtol=1e-6)
        for one in (teacher, FrozenEstimator(teacher)):
            clf = DistilledClassifier(one, SMALL, transfer=None).fit(X)
            np.testing.assert_array_equal(clf.classes_, [0, 1] if classes is None else NAMES)
            np.testing.assert_allclose(clf.teacher_.predict_proba(X), expected, rtol=1e-6)


OUTPUTS = {
    ".logits": lambda inner, x: SimpleNamespace(logits=inner(x), hidden=x),
    "dict": lambda inner, x: {"loss": None, "logits": inner(x)},
    "mapping": lambda inner, x: UserDict(logits=inner(x)),
    "tuple": lambda inner, x: (inner(x), x),
    "list": lambda inner, x: [inner(x)],
    "squeezed": lambda inner, x: inner(x).squeeze(),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_outputs_that_hold_the_logits(kind):
    pool = TeacherPool(TorchTeacher(Module(OUTPUTS[kind]), classes=NAMES)).fit(X)
    np.testing.assert_allclose(pool.predict_proba(X), softmax(LOGITS, axis=1), rtol=1e-6)


def test_several_inputs_by_name_and_by_position():
    def forward(inner, x_num, x_cat):
        assert x_num.dtype == torch.float32
        assert x_cat.dtype == torch.int64
        return inner(x_num) + x_cat[:, :1]

    codes = np.arange(40).reshape(-1, 1) % 3
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(code=codes)

    def split(rows):
        return rows.iloc[:, :4].to_numpy("float64"), rows[["code"]].to_numpy()

    ways = {
        "tuple": split,
        "list": lambda rows: list(split(rows)),
        "tensors": lambda rows: tuple(map(torch.as_tensor, split(rows))),
        "dict": lambda rows: dict(zip(("x_num", "x_cat"), split(rows), strict=True)),
        "mapping": lambda rows: UserDict(zip(("x_cat", "x_num"), split(rows)[::-1], strict=True)),
    }
    for preprocess in ways.values():
        teacher = TorchTeacher(Module(forward), classes=NAMES, preprocess=preprocess)
        pool = TeacherPool(teacher).fit(frame)
        expected = softmax(LOGITS + codes, axis=1)
        np.testing.assert_allclose(pool.predict_proba(frame), expected, rtol=1e-5)


def test_lists_of_token_ids_stay_integers():
    module = Module(lambda inner, input_ids: inner(input_ids).mean(dim=1), nn.Embedding(5, 2))
    teacher = TorchTeacher(module, preprocess=lambda rows: {"input_ids": [[1, 2], [0, 4]]})
    assert teacher.predict_proba(X[:2]).shape == (2, 2)
    teacher = TorchTeacher(module, preprocess=lambda rows: [[1, 2], [0, 4]])
    assert teacher.predict_proba(X[:2]).shape == (2, 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("preprocess", [None, torch.as_tensor, np.asarray])
def test_a_module_gets_its_own_dtype(dtype, preprocess):
    module = nn.Linear(4, 2).to(dtype)
    module.load_state_dict(LINEAR.state_dict())
    p = TorchTeacher(module, preprocess=preprocess).predict_proba(X)
    tolerance = 1e-6 if dtype == torch.float64 else 2e-2
    np.testing.assert_allclose(p, softmax(LOGITS, axis=1), atol=tolerance)
    assert all(one.dtype == dtype for one in module.parameters())


def test_rows_that_are_read_only(recwarn):
    rows = X.copy()
    rows.flags.writeable = False
    TorchTeacher(LINEAR, preprocess=lambda rows: rows).predict_proba(rows)
    assert not recwarn


def test_the_default_dtype_of_the_process_changes_nothing():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        p = TorchTeacher(LINEAR).predict_proba(X)
    finally:
        torch.set_default_dtype(before)
    np.testing.assert_allclose(p, softmax(LOGITS, axis=1), rtol=1e-6)


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (
            TorchTeacher(LINEAR, classes=["a", "b", "c"]),
            "`classes` must have a label for each of t",
        ),
        (TorchTeacher(ONE, classes=["a", "b", "c"]), "each of the 2 classes of the module"),
        (TorchTeacher(nn.Linear(3, 2)), "`module` does not take the input: .*`preprocess`"),
        (TorchTeacher(nn.Embedding(3, 2)), "`module` does not take the input: .*`preprocess`"),
        (TorchTeacher(nn.Bilinear(4, 4, 2)), "`module` does not take the input: .*`preprocess`"),
        (
            TorchTeacher(nn.Sequential(LINEAR, nn.Softmax(dim=1))),
            "probabilities, not logits",
        ),
        (TorchTeacher(Module(lambda inner, x: {"score": inner(x)})), "`module` must return logits"),
        (TorchTeacher(Module(lambda inner, x: ())), "`module` must return logits"),
        (TorchTeacher(Module(lambda inner, x: inner(x)[:, None])), "must give logits of shape"),
        (TorchTeacher(Module(lambda inner, x: inner(x) * np.nan)), "must hold probabilities"),
        (TorchTeacher(nn.Linear), "`module` must be a torch.nn.Module"),
    ],
)
def test_modules_that_are_no_teachers_name_the_remedy(teacher, message):
    with pytest.raises(ValueError, match=f"teacher `torchteacher`.*{message}"):
        DistilledClassifier(teacher, SMALL).fit(X)


def test_text_for_a_module_names_preprocess():
    frame = pd.DataFrame({"a": ["x", "y"] * 20})
    with pytest.raises(ValueError, match="teacher `torchteacher`.*could not convert.*`preprocess`"):
        TeacherPool(TorchTeacher(nn.Linear(1, 2))).fit(frame)


SIGMOIDS = {
    "one": nn.Sequential(ONE, nn.Sigmoid()),
    "squeezed": Module(lambda inner, x: inner(x).squeeze().sigmoid(), ONE),
    "one a class": nn.Sequential(LINEAR, nn.Sigmoid()),
}


@pytest.mark.parametrize("kind", SIGMOIDS)
def test_a_last_sigmoid_is_warned_of(kind):
    with pytest.warns(UserWarning, match="TorchTeacher: every logit.*leave out the last sigmoid"):
        TorchTeacher(SIGMOIDS[kind]).predict_proba(X)


def test_few_small_logits_are_no_sigmoid():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TorchTeacher(SIGMOIDS["one"]).predict_proba(X[:1])
        TorchTeacher(Module(lambda inner, x: torch.zeros(len(x), 1))).predict_proba(X)
        TorchTeacher(ONE).predict_proba(X)


@pytest.mark.parametrize("is_fitted", [True, False])
def test_a_pipeline_that_ends_in_one_names_the_remedy(is_fitted):
    scaler, teacher = StandardScaler().fit(X), TorchTeacher(LINEAR)
    pipe = make_pipeline(scaler, teacher)
    with pytest.raises(ValueError, match="the steps before that part as its `preprocess`"):
        TeacherPool(FrozenEstimator(pipe) if is_fitted else pipe).fit(X, np.arange(40) % 2)
    teacher.set_params(preprocess=scaler.transform)
    assert TeacherPool(teacher).fit(X, np.arange(40) % 2).predict_proba(X).shape == (40, 2)
