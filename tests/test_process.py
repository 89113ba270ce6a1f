"""Settings of the whole process: a fork, another default of torch."""

import pickle
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier

from skdistill import DistilledClassifier, MLPStudent, TorchTeacher, to_onnx

X = np.random.RandomState(0).normal(size=(120, 4))
X[:, 3] = X[:, 3] > 0
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


class Shifting(torch.nn.Module):
    """A module that makes tensors of the default type as it answers."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layer = torch.nn.Linear(n_inputs, n_outputs)

    def forward(self, X):
        return self.layer(X) + torch.ones(1)


def fitted(student, teacher=None, **params):
    teacher = LogisticRegression() if teacher is None else teacher
    params = {"transfer": None, "random_state": 0, **params}
    return DistilledClassifier(teacher, student, **params).fit(X, Y)


STUDENTS = {
    "default": MLPStudent((8,), n_steps=50),
    "module": Shifting,
    "net": NeuralNetClassifier(Shifting, criterion=torch.nn.CrossEntropyLoss, max_epochs=2),
}


@contextmanager
def default(value):
    """Another default type or device, for a while."""
    change = torch.set_default_device if value == "meta" else torch.set_default_dtype
    change(value)
    try:
        yield
        assert value in (str(torch.get_default_device()), torch.get_default_dtype())
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("student", "value"),
    [
        ("default", torch.float64),
        ("default", torch.bfloat16),
        ("default", "meta"),
        ("module", torch.float64),
        ("net", torch.float64),
    ],
)
def test_another_default_of_torch_changes_nothing(student, value, tmp_path):
    student = STUDENTS[student]
    clf = fitted(student)
    expected = clf.predict_proba(X)
    stored = pickle.dumps(clf.without_teacher())
    with default(value):
        for one in (clf, pickle.loads(stored), fitted(student)):
            np.testing.assert_array_equal(one.predict_proba(X), expected)
        to_onnx(clf, tmp_path / "student.onnx")


@pytest.mark.parametrize("value", [torch.float64, "meta"])
def test_another_default_changes_no_warm_start_and_no_torch_teacher(value):
    torch.manual_seed(0)
    teacher = TorchTeacher(torch.nn.Linear(4, 2))

    def answers():
        clf = fitted(STUDENTS["default"], teacher, warm_start=True)
        return clf.fit(X, Y).predict_proba(X)

    expected = answers()
    with default(value):
        np.testing.assert_array_equal(answers(), expected)
