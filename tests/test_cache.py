"""`memory`: what is fitted, labelled and drawn once, and what makes it be done again."""

import pickle
import shutil
import threading

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
)

from skdistill import (
    BalancedHinton,
    DistilledClassifier,
    MLPStudent,
    Munge,
    Objective,
    TeacherPool,
    TorchTeacher,
    TransferSampler,
)

RNG = np.random.RandomState(0)
X = RNG.normal(size=(120, 4))
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
STUDENT = MLPStudent((16,), n_steps=5)


class Counting(ClassifierMixin, BaseEstimator):
    """A teacher that writes a line to a file at each fit and each labelling, in any process."""

    def __init__(self, log, depth=1, random_state=None):
        self.log = log
        self.depth = depth
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self._note("fit")
        self.classes_ = np.unique(y)
        self.inner_ = LogisticRegression(C=self.depth).fit(X, y, sample_weight)
        return self

    def predict_proba(self, X):
        self._note("label")
        return self.inner_.predict_proba(X)

    def __reduce__(self):
        if hasattr(self, "inner_"):
            self._note("pickle")
        return super().__reduce__()

    def __setstate__(self, state):
        super().__setstate__(state)
        if "inner_" in state:
            self._note("load")

    def _note(self, what):
        with open(self.log, "a") as log:
            log.write(what + "\n")


class Drawing(TransferSampler):
    """A sampler that counts its draws."""

    def __init__(self, log, size=1.0, weight=1.0):
        super().__init__(size=size, weight=weight)
        self.log = log

    def sample(self, X, n, random_state=None):
        with open(self.log, "a") as log:
            log.write("draw\n")
        return X[random_state.randint(len(X), size=n)] + 0.1


class Nothing(Objective):
    def loss(self, batch):
        return batch.logits.sum(dim=1) * 0


@pytest.fixture
def counting(tmp_path):
    return Counting(str(tmp_path / "log"))


@pytest.fixture
def memory(tmp_path):
    return str(tmp_path / "cache")


def count(teacher, what):
    with open(teacher.log, "a+") as log:
        log.seek(0)
        return log.read().split().count(what)


def classifier(teacher, memory, **params):
    params = {"student": STUDENT, "random_state": 0, "memory": memory, **params}
    return DistilledClassifier(teacher, **params)


# --- searches ---


def searches():
    temperatures = {"temperature": [1.0, 1.5, 2.0, 3.0]}
    yield "grid", lambda clf: GridSearchCV(clf, temperatures, cv=5), 6
    yield "grid, two jobs", lambda clf: GridSearchCV(clf, temperatures, cv=5, n_jobs=2), 6
    random = {"alpha": [0.0, 0.2, 0.4, 0.6], "student__learning_rate": [0.001, 0.01]}
    yield (
        "random",
        lambda clf: RandomizedSearchCV(clf, random, n_iter=4, cv=3, random_state=0),
        4,
    )
    # Two rounds, of 60 and 120 rows, two folds each, and the refit.
    halving = {"factor": 2, "min_resources": 60, "cv": 2, "random_state": 0}
    yield "halving", lambda clf: HalvingGridSearchCV(clf, temperatures, **halving), None


@pytest.mark.parametrize(
    ("search", "n_fits"), [s[1:] for s in searches()], ids=[s[0] for s in searches()]
)
def test_a_search_fits_the_teacher_once_a_fold(search, n_fits, counting, memory):
    fitted = search(classifier(counting, memory)).fit(X, Y)
    if n_fits is None:
        n_fits = len(set(fitted.cv_results_["n_resources"])) * 2 + 1
    if fitted.n_jobs is None:
        assert count(counting, "fit") == n_fits
    else:  # two processes at one key: one fit, or two equal ones
        assert n_fits <= count(counting, "fit") <= 2 * n_fits
    plain = search(classifier(counting, None)).fit(X, Y)
    assert_array_equal(fitted.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])
    assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))


def test_out_of_fold_labels_take_one_more_fit_a_fold(counting, memory):
    grid = {"temperature": [1.0, 2.0, 4.0], "alpha": [0.1, 0.5]}
    GridSearchCV(classifier(counting, memory, cv=3), grid, cv=2).fit(X, Y)
    assert count(counting, "fit") == (3 + 1) * (2 + 1)


def test_a_fitted_teacher_is_not_even_read_where_its_labels_are_known(counting, memory):
    classifier(counting, memory, transfer=Munge(size=1)).fit(X, Y)
    before = count(counting, "label")
    again = classifier(counting, memory, transfer=Munge(size=1), temperature=2.0).fit(X, Y)
    assert count(counting, "load") == 0
    assert count(counting, "label") == before
    assert again.teacher_.estimators_[0].classes_.tolist() == [0, 1]
    assert count(counting, "load") == 1


# --- what does not matter ---


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": 3.0},
        {"alpha": 0.7},
        {"student": MLPStudent((8,), n_steps=3, learning_rate=0.1)},
        {"student__n_steps": 7},
        {"objectives": Nothing()},
        {"response": BalancedHinton(floor=0.01)},
        {"pooling": "geometric"},
        {"teacher_weights": [2.0]},
        {"calibrate": False},
        {"n_jobs": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("cv", [None, 3])
def test_what_concerns_the_student_asks_no_teacher(params, cv, counting, memory):
    drawing = Drawing(counting.log)
    classifier(counting, memory, transfer=drawing, cv=cv).fit(X, Y)
    before = [count(counting, what) for what in ("fit", "label", "draw")]
    assert before[0] == 1 + (cv or 0)
    assert before[2] == (cv or 1)  # by fold
    classifier(counting, memory, transfer=drawing, cv=cv).set_params(**params).fit(X, Y)
    assert [count(counting, what) for what in ("fit", "label", "draw")] == before


@pytest.mark.parametrize("cv", [None, 3])
def test_chosen_weights_ask_the_teachers_of_the_validation_rows_alone(cv, counting, memory):
    teachers = [("one", counting), ("two", Counting(counting.log, depth=1e-4))]

    def fit(weights, **params):
        clf = classifier(teachers, memory, cv=cv, teacher_weights=weights, **params)
        clf.fit(X[:90], Y[:90], X_val=X[90:], y_val=Y[90:])
        return clf, [count(counting, what) for what in ("fit", "label")]

    _, before = fit(None)
    chosen, after = fit("auto")
    assert after == before
    assert chosen.teacher_.weights_[0] > 0.5
    for other in ([1, 2], "auto", None):
        _, after = fit(other, pooling="geometric")
        assert after == before


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array(["n", "y"], dtype=object)])
@pytest.mark.parametrize("frame", [False, True])
def test_equal_inputs_are_known_again(labels, frame, counting, memory):
    def rows():
        if not frame:
            return X.copy()
        table = pd.DataFrame(X.copy(), columns=list("abcd"))
        return table.iloc[np.arange(len(table))]

    for _ in range(2):
        classifier(counting, memory).fit(rows(), labels[Y].copy())
    assert count(counting, "fit") == 1


def test_results_do_not_depend_on_the_cache(counting, memory):
    teachers = [
        counting,
        RandomForestClassifier(5),
        FrozenEstimator(LogisticRegression().fit(X, Y)),
    ]
    params = {"transfer": Munge(size=1), "cv": 3}
    fits = [classifier(teachers, m, **params).fit(X, Y) for m in (None, memory, memory)]
    for other in fits[1:]:
        assert_array_equal(fits[0].predict_proba(X), other.predict_proba(X))
        assert_array_equal(fits[0].teacher_.predict_proba(X), other.teacher_.predict_proba(X))
        assert fits[0].leak_gap_ == other.leak_gap_


# --- what does matter ---


def one_cell(X, y, params):
    X = X.copy()
    X[7, 2] += 1e-9
    return X, y, params


def one_label(X, y, params):
    y = y.copy()
    y[7] = 1 - y[7]
    return X, y, params


def weights(X, y, params):
    return X, y, {**params, "sample_weight": np.where(np.arange(len(y)) == 3, 2.0, 1.0)}


def parameter(X, y, params):
    return X, y, {**params, "teacher__depth": 2}


def seed(X, y, params):
    return X, y, {**params, "random_state": 1}


def own_seed(X, y, params):
    return X, y, {**params, "teacher__random_state": 1}


def columns(X, y, params):
    return X[:, ::-1].copy(), y, params


def dtype(X, y, params):
    return X.astype(np.float32), y, params


CHANGES = [one_cell, one_label, weights, parameter, seed, own_seed, columns, dtype]


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("cv", [None, 3])
def test_what_concerns_the_teacher_fits_it_again(change, cv, counting, memory):
    def fit(X, y, params):
        params = {**params}
        weight = params.pop("sample_weight", None)
        clf = classifier(counting, memory, cv=cv).set_params(**params)
        clf.fit(X, y, sample_weight=weight)
        return count(counting, "fit")

    first = fit(X, Y, {})
    assert fit(X, Y, {}) == first
    assert fit(*change(X, Y, {})) == 2 * first


def test_other_folds_fit_again(counting, memory):
    for cv in (3, 4, KFold(5), StratifiedKFold(3, shuffle=True, random_state=0)):
        before = count(counting, "fit")
        classifier(counting, memory, cv=cv).fit(X, Y)
        n_folds = cv if isinstance(cv, int) else cv.get_n_splits()
        assert count(counting, "fit") - before == n_folds + (before == 0)


@pytest.mark.parametrize("package", ["skdistill", "sklearn"])
def test_another_version_fits_again(package, counting, memory, monkeypatch):
    classifier(counting, memory).fit(X, Y)
    monkeypatch.setattr(f"{package}.__version__", "99")
    classifier(counting, memory).fit(X, Y)
    assert count(counting, "fit") == 2


def test_a_frozen_teacher_is_known_by_what_it_holds(counting, memory):
    labelled = [0]
    for depth in (1, 1, 5):
        teacher = Counting(counting.log, depth).fit(X, Y)
        classifier(FrozenEstimator(teacher), memory).fit(X, Y)
        labelled.append(count(counting, "label"))
    first, second, third = np.diff(labelled)
    assert first == third > second == 1  # one row to look at


@pytest.mark.parametrize("params", [{"size": 2.0}, {"weight": 3.0}])
def test_another_sampler_draws_again(params, counting, memory):
    for one in ({}, params):
        classifier(counting, memory, transfer=Drawing(counting.log, **one)).fit(X, Y)
    assert count(counting, "draw") == 2
    assert count(counting, "fit") == 1


def test_without_a_seed_what_is_there_is_used(counting, memory):
    for _ in range(2):
        clf = classifier(counting, memory, random_state=None, transfer=Drawing(counting.log))
        clf.fit(X, Y)
    assert count(counting, "fit") == 1
    assert count(counting, "draw") == 1


@pytest.mark.parametrize("random_state", [0, None])
def test_two_of_a_kind_stay_two(random_state, counting, memory):
    drawing = [("a", Drawing(counting.log)), ("b", Drawing(counting.log))]
    teachers = [("a", RandomForestClassifier(3)), ("b", RandomForestClassifier(3))]
    seen = []
    pool = TeacherPool.label

    def label(self, rows, **params):
        seen.append(rows)
        return pool(self, rows, **params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TeacherPool, "label", label)
        clf = classifier(teachers, memory, transfer=drawing, random_state=random_state).fit(X, Y)
    assert np.abs(seen[-1] - seen[-2]).max() > 0.1
    first, second = (part.predict_proba(X) for part in clf.teacher_.estimators_)
    assert np.abs(first - second).max() > 0


# --- the store itself ---


def fit_many(log, memory, seeds):
    for one in seeds:
        classifier(Counting(log), memory, random_state=one, transfer=Munge(size=1)).fit(X, Y)


def test_concurrent_writers_leave_no_torn_file(counting, memory, recwarn):
    seeds = list(range(6))
    jobs = [joblib.delayed(fit_many)(counting.log, memory, order) for order in (seeds, seeds[::-1])]
    joblib.Parallel(n_jobs=2)(jobs * 2)
    before = count(counting, "fit")
    assert len(seeds) <= before <= 4 * len(seeds)
    fit_many(counting.log, memory, seeds)
    assert count(counting, "fit") == before
    assert not [w for w in recwarn if "cache" in str(w.message).lower()]


def test_a_teacher_that_the_cache_has_lost(counting, memory):
    classifier(counting, memory).fit(X, Y)
    clf = classifier(counting, memory).fit(X, Y)
    kept = pickle.loads(pickle.dumps(classifier(counting, memory).fit(X, Y)))
    p = kept.teacher_.predict_proba(X)
    shutil.rmtree(memory)
    assert_array_equal(kept.teacher_.predict_proba(X), p)
    assert clf.predict(X).shape == (120,)
    with pytest.raises(RuntimeError, match="teacher `counting` could not be read from the cache"):
        clf.teacher_.predict_proba(X)
    fits = count(counting, "fit")
    clf.fit(X, Y)
    assert count(counting, "fit") == fits + 1


def break_files(memory, function):
    items = joblib.Memory(memory).store_backend.get_items()
    broken = [item.path for item in items if f"/{function}/" in item.path]
    assert broken
    for path in broken:
        with open(f"{path}/output.pkl", "wb") as file:
            file.write(b"broken")


def test_broken_files(counting, memory):
    p = classifier(counting, memory).fit(X, Y).predict_proba(X)
    for function in ("_label", "_describe"):
        break_files(memory, function)
        assert_array_equal(classifier(counting, memory).fit(X, Y).predict_proba(X), p)
    for function in ("_label", "_fit"):
        break_files(memory, function)
    with pytest.raises(RuntimeError, match=r"teacher `counting` could not be read .*: fit again"):
        classifier(counting, memory).fit(X, Y)
    assert_array_equal(classifier(counting, memory).fit(X, Y).predict_proba(X), p)


def test_a_teacher_without_a_key_is_not_mistaken_for_another(counting, memory):
    for labels in (Y, 1 - Y):
        pool = TeacherPool(LogisticRegression()).fit(X, labels).set_params(memory=memory)
        assert_array_equal(pool.label(X), pool.predict_proba(X))


def test_a_frozen_teacher_that_is_changed_is_another(counting, memory):
    inner = LogisticRegression().fit(X, Y)
    clf = classifier(FrozenEstimator(inner), memory, warm_start=True).fit(X, Y)
    inner.coef_ *= -1
    clf.fit(X[:100], Y[:100])
    inner.coef_ *= -1
    pool = TeacherPool(FrozenEstimator(inner), memory=memory).fit(X, Y)
    assert_array_equal(pool.label(X[:100]), pool.predict_proba(X[:100]))


class Unstorable(Counting):
    def fit(self, X, y, sample_weight=None):
        self.function_ = lambda: 0
        return super().fit(X, y, sample_weight)


def test_a_teacher_that_cannot_be_stored_once_it_is_fitted(counting, memory):
    teacher = Unstorable(counting.log)
    for _ in range(2):
        with pytest.raises(ValueError, match="`memory` cannot keep teacher `unstorable`"):
            classifier(teacher, memory).fit(X, Y)
    classifier(teacher, None).fit(X, Y)


def test_pickling_when_the_cache_has_gone(counting, memory):
    classifier(counting, memory).fit(X, Y)
    clf = classifier(counting, memory).fit(X, Y)
    shutil.rmtree(memory)
    copy = pickle.loads(pickle.dumps(clf))
    assert_array_equal(copy.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(RuntimeError, match="could not be read from the cache"):
        copy.teacher_.predict_proba(X)


class Scaled(torch.nn.Linear):
    scale = 1.0

    def forward(self, X):
        return self.scale * super().forward(X)


def test_a_torch_teacher_whose_attribute_is_changed_is_asked_again(memory):
    teacher = TorchTeacher(Scaled(4, 2))
    first = classifier(teacher, memory).fit(X).teacher_.label(X)
    teacher.module.scale = -1.0
    again = classifier(teacher, memory).fit(X).teacher_.label(X)
    assert_allclose(again, teacher.predict_proba(X))
    assert np.abs(again - first).max() > 0.01


def test_an_edited_sampler_draws_again(counting, memory):
    drawn = []
    for sign in ("", "-"):
        scope = {"TransferSampler": TransferSampler, "__name__": "nowhere"}
        code = "class Own(TransferSampler):\n    def sample(self, X, n, random_state=None):\n"
        exec(code + f"        return {sign}random_state.rand(n, X.shape[1])", scope)
        clf = classifier(FrozenEstimator(counting.fit(X, Y)), memory, transfer=scope["Own"]())
        drawn.append(clf.fit(X, Y).predict_proba(X))
    assert np.abs(drawn[0] - drawn[1]).max() > 0


def test_memory_may_be_a_path_an_object_or_none(counting, tmp_path):
    for memory in (tmp_path / "a", str(tmp_path / "b"), joblib.Memory(tmp_path / "c", verbose=0)):
        for _ in range(2):
            classifier(counting, memory).fit(X, Y)
    assert count(counting, "fit") == 3
    with pytest.raises(ValueError, match="memory"):
        classifier(counting, 3).fit(X, Y)


def test_a_teacher_that_cannot_be_told_from_another(counting, memory):
    counting.lock = threading.Lock()
    message = r"`memory` cannot tell teacher .* from another: `estimator.lock`: .*use `memory=None`"
    with pytest.raises(ValueError, match=message):
        classifier(FrozenEstimator(counting.fit(X, Y)), memory).fit(X, Y)


def test_a_teacher_that_cannot_be_stored_is_refused_before_it_is_fitted(counting, memory):
    class Local(Counting):
        pass

    teacher = Local(counting.log)
    with pytest.raises(ValueError, match=r"`memory` cannot keep teacher `local`.*in a module"):
        classifier(teacher, memory).fit(X, Y)
    assert count(counting, "fit") == 0
    classifier(FrozenEstimator(teacher.fit(X, Y)), memory).fit(X, Y)
