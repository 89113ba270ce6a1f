"""Teachers that are slow, remote or paid: asked in chunks, again, at their pace, and once."""

import pickle
import threading
import time
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skdistill import (
    DistilledClassifier,
    MLPStudent,
    Munge,
    PatientTeacher,
    RegressorPool,
    TeacherPool,
)

X, Y = make_classification(300, 5, random_state=0)
MODEL = LogisticRegression().fit(X, Y)


class Service:
    """Answers as the model does, but fails in the calls that are named; it cannot be pickled."""

    def __init__(self, failing=(), error=ConnectionError):
        self.failing = set(failing)
        self.error = error
        self.calls = []
        self.times = []
        self.lock = threading.Lock()

    def __call__(self, rows):
        self.calls.append(len(rows))
        self.times.append(time.monotonic())
        if len(self.calls) in self.failing:
            raise self.error("the line is busy")
        return MODEL.predict_proba(rows)


def patient(service, **params):
    params = {"classes": [0, 1], "chunk_rows": 100, "wait": 0.001, **params}
    return PatientTeacher(service, **params)


def test_asks_in_chunks_and_again():
    service = Service(failing=[2, 3])
    p = patient(service).predict_proba(X)
    np.testing.assert_array_equal(p, MODEL.predict_proba(X))
    assert service.calls == [100] * 5


class InContext(KNeighborsClassifier):
    """Keeps its rows; notes for each question how many rows it was asked for, and how many it has.

    It fits in no time and answers slowly, as foundation models do.
    """

    asked: ClassVar[list[tuple[int, int]]] = []

    def fit(self, X, y):
        self.context_ = {row.tobytes() for row in np.asarray(X)}
        return super().fit(X, y)

    def predict_proba(self, X):
        time.sleep(1e-5 * len(X))
        known = sum(row.tobytes() in self.context_ for row in np.asarray(X))
        InContext.asked.append((len(X), known))
        return super().predict_proba(X)


def test_a_teacher_in_context_is_asked_for_as_many_rows_as_the_guide_tells():
    """The labels of the student come from contexts without the row."""
    student = MLPStudent((8,), n_steps=20)
    clf = DistilledClassifier(
        InContext(), student, transfer=Munge(size=1), cv=5, refit=False, alpha=0.3, random_state=0
    )
    InContext.asked.clear()
    clf.fit(X, Y)
    n_rows = sum(n for n, _ in InContext.asked)
    assert (
        n_rows == 2 * len(X) + clf.n_transfer_rows_ + 1
    )  # of one row it is asked first, to fail early
    in_context = [(n, known) for n, known in InContext.asked if known > 0]
    assert in_context == [(len(X), len(X))]  # for `leak_gap_` alone
    assert clf.leak_gap_ > 0


def test_gives_up_in_the_end():
    service = Service(failing=range(2, 10))
    with pytest.raises(RuntimeError, match=r"did not answer 100 rows in 3 calls.*Give `memory`"):
        patient(service, n_retries=2).predict_proba(X)
    assert len(service.calls) == 4


def test_other_errors_end_it_at_once():
    service = Service(failing=[1], error=KeyError)
    with pytest.raises(KeyError):
        patient(service).predict_proba(X)
    assert len(service.calls) == 1
    service = Service(failing=[1], error=KeyError)
    assert patient(service, retry_on=(KeyError, OSError)).predict_proba(X).shape == (300, 2)


def test_pauses_double(monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    patient(Service(failing=[1, 2, 3, 4]), wait=1.0, max_wait=3.0).predict_proba(X[:10])
    assert len(pauses) == 4
    for pause, most in zip(pauses, [1, 2, 3, 3], strict=True):
        assert most / 2 <= pause <= most


def test_keeps_the_pace():
    service = Service()
    patient(service, calls_per_minute=300).predict_proba(X)
    assert service.times[-1] - service.times[0] > 0.3  # two gaps of 0.2 s, on a busy machine


def test_keeps_chunks_for_the_next_run(tmp_path):
    service = Service(failing=[3, 4])
    teacher = patient(service, n_retries=1, memory=tmp_path, name="service 1")
    with pytest.raises(RuntimeError, match="What it has answered is kept"):
        teacher.predict_proba(X)
    np.testing.assert_array_equal(teacher.predict_proba(X), MODEL.predict_proba(X))
    assert service.calls == [100] * 5  # two answered, two failed, and the third one
    patient(service, memory=tmp_path, name="service 2").predict_proba(X)
    assert len(service.calls) == 8


def test_memory_needs_a_name_for_what_cannot_be_pickled(tmp_path):
    with pytest.raises(ValueError, match="Or give a `name` to know it by"):
        patient(Service(), memory=tmp_path).predict_proba(X)


def test_tells_the_rest_once(capsys):
    patient(Service(), verbose=1, price_per_row=0.5).predict_proba(X)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("[PatientTeacher] 100 rows in ")
    assert "200 more, if none is known, take " in line
    assert line.endswith("and cost 100")


def test_is_a_teacher_that_is_fitted():
    teacher = patient(MODEL, classes=None)
    assert clone(teacher) is teacher
    pool = TeacherPool(teacher).fit(X)
    np.testing.assert_allclose(pool.predict_proba(X), MODEL.predict_proba(X))
    teacher.predict_proba(X)
    assert pickle.loads(pickle.dumps(teacher)).predict_proba(X).shape == (300, 2)
    frame = pd.DataFrame(X)
    named = patient(lambda rows: pd.DataFrame(MODEL.predict_proba(rows.to_numpy()), columns=[1, 0]))
    assert list(named.set_params(classes=None).predict_proba(frame).columns) == [1, 0]


def test_tells_numbers():
    teacher = patient(lambda rows: rows[:, 0], classes=None)
    np.testing.assert_array_equal(RegressorPool(teacher).fit(X).predict(X), X[:, 0])


def test_a_budget_of_queries_counts_its_rows():
    service = Service(failing=[2])
    clf = DistilledClassifier(
        patient(service), MLPStudent((8,), n_steps=20), max_queries=150, random_state=0
    )
    clf.fit(X, Y)
    assert clf.n_queries_ <= 150
    assert sum(service.calls) <= 150 + 100  # one call failed


@pytest.mark.parametrize(
    "params", [{"chunk_rows": 0}, {"n_retries": -1}, {"wait": -1.0}, {"calls_per_minute": 0}]
)
def test_refuses(params):
    with pytest.raises(ValueError, match=f"`{next(iter(params))}` must be"):
        patient(Service(), **params).predict_proba(X)
