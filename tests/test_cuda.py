"""Students and teachers on a CUDA device, where there is one."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier

from skdistill import MLP, DistilledClassifier, MLPStudent, Munge, TorchTeacher

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

X, Y = make_classification(900, 8, n_informative=6, n_classes=3, random_state=0)
X = X.astype(np.float32)


def net_on(device):
    return NeuralNetClassifier(
        MLP,
        module__hidden_layer_sizes=(32,),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.01,
        max_epochs=20,
        batch_size=64,
        device=device,
    )


def fit(student, teacher=None, **params):
    teacher = LogisticRegression() if teacher is None else teacher
    return DistilledClassifier(teacher, student, random_state=0, **params).fit(X, Y)


def test_a_student_is_trained_on_the_device_and_answers_as_on_the_processor():
    on_gpu, on_cpu = fit(net_on("cuda")), fit(net_on("cpu"))
    assert next(on_gpu.student_.module_.parameters()).is_cuda
    # Sums in another order drift apart in the course of a training.
    assert np.abs(on_gpu.predict_proba(X) - on_cpu.predict_proba(X)).mean() < 0.01


def test_muon_takes_its_steps_on_the_device():
    def recipe(device):
        net = MLPStudent((32, 32), optimizer="muon", n_steps=100).make_net(n_rows=len(X))
        return net.set_params(device=device, module__n_inputs=8, module__n_outputs=3)

    on_gpu, on_cpu = fit(recipe("cuda")), fit(recipe("cpu"))
    assert next(on_gpu.student_.module_.parameters()).is_cuda
    assert np.abs(on_gpu.predict_proba(X) - on_cpu.predict_proba(X)).mean() < 0.02


def test_a_stored_student_answers_the_same():
    clf = fit(net_on("cuda")).without_teacher()
    again = pickle.loads(pickle.dumps(clf))
    assert_allclose(again.predict_proba(X), clf.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_a_teacher_stays_where_it_is(dtype):
    torch.manual_seed(0)
    module = torch.nn.Linear(8, 3)
    expected = TorchTeacher(module).predict_proba(X)
    teacher = TorchTeacher(module.to("cuda", dtype), classes=[0, 1, 2])
    assert_allclose(teacher.predict_proba(X), expected, atol=1e-2)
    clf = fit(MLPStudent((16,), n_steps=50), teacher, transfer=Munge(size=1))
    assert clf.predict_proba(X).shape == (900, 3)


def test_objectives_and_layers_of_a_student_on_the_device():
    from skdistill import Objective

    class Calm(Objective):
        student_layers = ("first",)

        def loss(self, batch):
            return batch.layers["first"].square().mean(dim=1)

    clf = fit(net_on("cuda"), objectives=Calm(weight=1e-3), transfer=None)
    assert np.isfinite(clf.predict_proba(X)).all()


def test_a_default_device_changes_nothing():
    student = MLPStudent((16,), n_steps=50)
    before = fit(student).predict_proba(X)
    torch.set_default_device("cuda")
    try:
        clf = fit(student)
        assert_allclose(clf.predict_proba(X), before)
        assert not next(clf.student_.module_.parameters()).is_cuda
    finally:
        torch.set_default_device(None)
