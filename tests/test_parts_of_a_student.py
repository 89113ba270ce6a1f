"""The parts of a student: the direct pass, averaged weights, batches, threads, seeds, processes."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import softmax
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.ensemble._base import _set_random_states
from torch.nn import functional as F

from skdistill import MLP, DistilledClassifier, MLPStudent
from skdistill.student import BatchIterator, Rows
from skdistill.student._direct import DirectPass
from skdistill.student._threads import WORTH_SHARING, training_threads
from skdistill.teacher._clones import seeded_clone

N_CLASSES = 4
SMALL = MLPStudent(hidden_layer_sizes=(16,), n_steps=50)


def batch(n_rows=33, cardinalities=(), n_numbers=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(n_rows, n_numbers, generator=generator)
    codes = [torch.randint(0, size, (n_rows, 1), generator=generator) for size in cardinalities]
    target = {
        "soft": torch.softmax(torch.randn(n_rows, N_CLASSES, generator=generator), dim=1),
        "label": torch.randint(-1, N_CLASSES, (n_rows,), generator=generator),
        "weight": torch.rand(n_rows, generator=generator) + 0.1,
    }
    return torch.cat([numbers, *codes], dim=1).float(), target


@pytest.mark.parametrize("layers", [(8,), (16, 8), (8, 8, 8)])
@pytest.mark.parametrize(("n_numbers", "cardinalities"), [(3, ()), (0, (4, 9)), (3, (4, 9))])
def test_the_gradients_of_all_parameters_are_those_of_autograd(layers, n_numbers, cardinalities):
    torch.manual_seed(0)
    width = n_numbers + len(cardinalities)
    module = MLP(width, N_CLASSES, cardinalities, hidden_layer_sizes=layers)
    module.load_state_dict(
        {k: v + 0.1 for k, v in module.state_dict().items() if v.is_floating_point()}, strict=False
    )
    direct = DirectPass(module)
    for n_rows in (33, 34, 33):  # other sizes have other buffers; the first are used again
        X, target = batch(n_rows, cardinalities, n_numbers)
        direct.flat.grad.zero_()
        logits = module(X)
        F.cross_entropy(logits, target["soft"]).backward()
        expected = direct.flat.grad.clone()
        with torch.no_grad():
            mine = direct.forward(X)
            direct.backward((torch.softmax(mine, 1) - target["soft"]) / n_rows)
        assert_allclose(mine, logits.detach(), atol=1e-6)
        assert_allclose(direct.flat.grad, expected, atol=1e-7)


def test_the_buffers_are_the_parameters():
    direct = DirectPass(module := MLP(3, 2, (4,), (5,)))
    direct.flat.data.fill_(2.0)
    assert all((parameter == 2).all() for parameter in module.parameters())
    assert sum(p.numel() for p in module.parameters()) == direct.flat.numel()


def test_shuffled_batches_hold_every_row_once(monkeypatch):
    monkeypatch.setattr("skdistill.student._batches.GROUP_ROWS", 20)
    inputs = torch.arange(103.0)[:, None]
    rows = Rows(inputs, {"label": torch.arange(103)}, is_labelled=True)
    iterator = BatchIterator(rows, 8, shuffle=True, generator=torch.Generator().manual_seed(0))
    batches = list(iterator)
    assert len(batches) == len(iterator) == 13
    assert {len(X) for X, _ in batches} == {7, 8}
    seen = torch.cat([X[:, 0] for X, _ in batches])
    assert sorted(seen.tolist()) == list(range(103))
    assert seen.tolist() != list(range(103))
    assert_allclose(seen, torch.cat([target["label"] for _, target in batches]))
    again = torch.cat([X[:, 0] for X, _ in iterator])
    assert seen.tolist() != again.tolist()


def test_small_matrices_and_other_threads_train_on_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = {}

        def look(name, width, rows):
            with training_threads(torch.nn.Linear(width, width), rows):
                seen[name] = torch.get_num_threads()
            seen[name, "after"] = torch.get_num_threads()

        look("small", 64, 256)
        look("large", 512, WORTH_SHARING // 512**2)
        thread = threading.Thread(target=look, args=("beside", 512, WORTH_SHARING // 512**2))
        thread.start()
        thread.join()
        assert (seen["small"], seen["large"], seen["beside"]) == (1, 2, 1)
        assert seen["small", "after"] == seen["large", "after"] == 2
    finally:
        torch.set_num_threads(before)


def test_overlapping_trainings_give_the_threads_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    small = torch.nn.Linear(2, 2)
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with training_threads(small, 1):
            inside.set()
            leave.wait()

    try:
        thread = threading.Thread(target=stay)
        thread.start()
        inside.wait()
        with training_threads(small, 1):
            leave.set()
            thread.join()
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError), training_threads(small, 1):
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_layers_of_unknown_work_may_have_all_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with training_threads(torch.nn.Conv2d(1, 1, 3), 1):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def forest(**params):
    return RandomForestClassifier(5, **params)


def vote():
    return VotingClassifier([(name, forest()) for name in "abcde"], voting="soft")


def seeds_of(estimator):
    """Every `random_state` in it, by its name."""
    params = estimator.get_params(deep=True)
    return {key: params[key] for key in sorted(params) if key.split("__")[-1] == "random_state"}


def test_the_numbers_are_those_that_scikit_learn_draws():
    expected = vote()
    _set_random_states(expected, 7)
    assert seeds_of(seeded_clone(vote(), 7)) == seeds_of(expected)


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


def make_data(n=150, seed=0):
    X, y = make_classification(
        n, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=seed, class_sep=1.5
    )
    return X.astype(np.float32), y


def make_soft(X, seed=0):
    """Soft targets of no model: a random linear map."""
    return softmax(X @ np.random.default_rng(seed).normal(size=(X.shape[1], 3)), axis=1)


def make_clf(student=SMALL, **params):
    defaults = {"early_stopping": False, "calibrate": False, "random_state": 0}
    return DistilledClassifier(student=student, **(defaults | params))


def test_prediction_in_chunks_is_prediction_of_the_whole(monkeypatch):
    X, y = make_data()
    clf = make_clf().fit(X, y, soft_targets=make_soft(X))
    whole = clf.predict_proba(X)
    monkeypatch.setattr("skdistill.student._fitted.PREDICT_ROWS", 7)
    np.testing.assert_allclose(clf.predict_proba(X), whole, atol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X[:1]), whole[:1], atol=1e-6)
