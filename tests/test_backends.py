"""Fits under every kind of joblib backend."""

import joblib
import numpy as np
import pytest
import torch
from joblib.parallel import ThreadingBackend
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skdistill import DistilledClassifier, MLPStudent, TeacherPool, TorchTeacher

X, Y = make_classification(120, 4, random_state=0)
SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=20)
N_TASKS = []


class AllAtTheEnd(ThreadingBackend):
    """As ray's or Spark's: no results before the last one is there."""

    supports_return_generator = False

    def submit(self, func, callback=None):
        N_TASKS.append(1)
        return super().submit(func, callback)


@pytest.fixture(autouse=True)
def _registered():
    joblib.register_parallel_backend("all at the end", AllAtTheEnd)
    N_TASKS.clear()


def distilled():
    teachers = [HistGradientBoostingClassifier(max_iter=3), RandomForestClassifier(5)]
    return DistilledClassifier(teachers, SMALL, cv=2, transfer=None, random_state=0)


@pytest.mark.parametrize("backend", ["multiprocessing", "all at the end", "threading", "loky"])
def test_a_fit_is_the_same_under_every_backend(backend):
    expected = distilled().fit(X, Y).predict_proba(X)
    with joblib.parallel_config(backend, n_jobs=2):
        clf = distilled().fit(X, Y)
        teacher = clf.teacher_.predict_proba(X)
    np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-6)
    np.testing.assert_allclose(teacher, clf.teacher_.predict_proba(X))
    assert bool(N_TASKS) == (backend == "all at the end")


@pytest.mark.parametrize("backend", ["multiprocessing", "all at the end"])
def test_a_search_around_it(backend):
    clf = DistilledClassifier(LogisticRegression(), SMALL, transfer=None, random_state=0)
    with joblib.parallel_config(backend, n_jobs=2):
        search = GridSearchCV(clf, {"temperature": [1.0, 2.0]}, cv=2).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.score(X, Y) > 0.5


def test_an_error_under_a_backend_without_generators_names_the_teacher():
    with (
        joblib.parallel_config("all at the end", n_jobs=2),
        pytest.raises(ValueError, match="teacher `hgb` could not be fitted on 120 rows"),
    ):
        TeacherPool([("hgb", HistGradientBoostingClassifier(max_iter=-1))]).fit(X, Y)


def test_rows_are_labelled_in_this_process():
    """A teacher need not be copied for that, nor go through a fork."""

    class Local(torch.nn.Module):
        def forward(self, rows):
            return rows[:, :2]

    pool = TeacherPool(TorchTeacher(Local()), n_jobs=2).fit(X)
    expected = pool.predict_proba(X)
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        np.testing.assert_array_equal(pool.predict_proba(X), expected)
