"""Settings of the whole process: a fork, another default of torch."""

import os
import pickle
import subprocess
import sys
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

FORKED = """
import os, pickle, signal, sys, threading
import numpy as np, torch
from skdistill import DistilledClassifier, MLPStudent, TorchTeacher, to_onnx
from skdistill._utils.process import ONE_THREAD
from skdistill._utils.seeding import seeded
from sklearn.linear_model import LogisticRegression

torch.set_num_threads(2)
X = np.random.RandomState(0).normal(size=(4_000, 8))
y = (X[:, 0] > 0).astype(int)
net = torch.nn.Sequential(torch.nn.Linear(8, 512), torch.nn.Linear(512, 2))

def fit(teacher=LogisticRegression()):
    student = MLPStudent((256, 256), n_steps=2)
    clf = DistilledClassifier(teacher, student, transfer=None, cv=None, alpha=0.5, random_state=0)
    return clf.fit(X[:400], y[:400])

def again():
    torch.set_num_threads(2)
    clf.predict_proba(X)

def answers(ask):
    pid = os.fork()
    if not pid:
        signal.alarm(20)  # a child that waits for ever is ended, and fails
        ask()
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

def hold():
    with seeded(0), ONE_THREAD._lock:
        ready.set()
        threading.Event().wait()

clf = fit()
stored = pickle.dumps(clf.without_teacher())
loaded = pickle.loads(stored)
asked = {"loaded": lambda: loaded.predict_proba(X), "a row": lambda: loaded.predict(X[:1])}
failed = [name for name, ask in asked.items() if not answers(ask)]
clf.predict_proba(X)
asked |= {
    "threads set again": again,
    "load": lambda: pickle.loads(stored).decision_function(X),
    "fit": fit,
    "export": lambda: to_onnx(clf, os.path.join(sys.argv[1], "forked.onnx")),
    "torch teacher": lambda: fit(TorchTeacher(net)),
    "torch teacher alone": lambda: TorchTeacher(net).predict_proba(X),
}
failed += [name for name, ask in asked.items() if not answers(ask)]
ready = threading.Event()
threading.Thread(target=hold, daemon=True).start()
ready.wait()
failed += [] if answers(fit) else ["locks held by a thread"]
print(failed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_answers(tmp_path):
    pytest.importorskip("onnxruntime")
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "[]", done.stderr


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
