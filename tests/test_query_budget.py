"""`max_queries`: what teachers that cost money or seconds are asked for in a fit."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors

from skdistill import (
    Disagreement,
    DistilledClassifier,
    DistilledClassifierCV,
    DistilledRegressor,
    FromNet,
    FromSchema,
    Gibbs,
    Marginals,
    MLPStudent,
    Munge,
    Objective,
    Rounds,
    TeacherPool,
    TorchTeacher,
    TransferSampler,
)

X, Y = make_classification(240, 6, n_informative=4, n_classes=3, random_state=0)
MODEL = LogisticRegression().fit(X, Y)
MODEL_FROZEN = FrozenEstimator(MODEL)
SMALL = MLPStudent((8,), n_steps=40)


def rows_of(table):
    return [tuple(row) for row in np.asarray(table).tolist()]


class Service:
    """Answers, and counts the rows that it was asked for."""

    def __init__(self, model=MODEL):
        self.model, self.classes_ = model, model.classes_
        self.asked = []

    def __getstate__(self):  # what it has counted does not tell it from another
        return {"model": self.model, "classes_": self.classes_}

    def __setstate__(self, state):
        vars(self).update(state | {"asked": []})

    def predict_proba(self, table):
        self.asked += rows_of(table)
        return self.model.predict_proba(np.asarray(table))


class Numbers:
    """The same of numbers."""

    def __init__(self, model):
        self.model, self.asked = model, []

    def predict(self, table):
        self.asked += rows_of(table)
        return self.model.predict(np.asarray(table))


class Local(ClassifierMixin, BaseEstimator):
    """A teacher that is fitted here, and says what it was asked for."""

    asked: list = []

    def fit(self, table, y):
        self.model_ = LogisticRegression().fit(table, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, table):
        self.asked += rows_of(table)
        return self.model_.predict_proba(table)


@pytest.fixture
def local():
    Local.asked.clear()
    yield Local()
    Local.asked.clear()


def make(teacher, most, **params):
    params = {"student": SMALL, "alpha": 0.3, "early_stopping": False, "random_state": 0, **params}
    return DistilledClassifier(teacher, max_queries=most, **params)


# --- the count ---


@pytest.mark.parametrize(
    "transfer",
    [
        "auto",
        None,
        Munge(),
        [Munge(size=3), Gibbs(size=3)],
        Rounds(Munge(size=4), n_rounds=3),
        Rounds(Disagreement(Munge(size=9)), n_rounds=3, replace=False),
    ],
    ids=str,
)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_budget_is_kept_and_no_row_is_asked_twice(transfer, early_stopping):
    service = Service()
    clf = make(service, 700, transfer=transfer, early_stopping=early_stopping).fit(X, Y)
    assert len(set(service.asked)) == len(service.asked) == clf.n_queries_ <= 700
    if transfer is None:
        assert len(service.asked) <= 241  # and one to see what it takes
    else:
        assert len(service.asked) > 680  # a new row may be one that is known
    assert f"of `max_queries=700`, {clf.n_queries_} rows were asked for" in clf.decision_


def test_own_rows_are_asked_before_new_ones():
    service, given = Service(), X[:50] + 0.01
    make(service, 400, transfer=Munge()).fit(X, Y, X_transfer=given)
    own = set(rows_of(X))
    places = {row: place for place, row in enumerate(service.asked)}
    of_own = [places[row] for row in own]
    of_given = [places[row] for row in rows_of(given)]
    others = sorted(set(places.values()) - set(of_own) - set(of_given))
    assert max(of_own) < min(of_given)
    assert len(others) >= 100
    assert max(of_given) < others[1]  # the first of them is the row that shows what it takes


def test_what_there_is_no_budget_for_is_taught_by_label():
    service = Service()
    with pytest.warns(UserWarning, match="does for .* of 240 training rows.*taught by their label"):
        clf = make(service, 100).fit(X, Y)
    assert len(service.asked) == 100
    assert clf.n_transfer_rows_ == 0
    assert clf.score(X, Y) > 0.42


def test_rows_without_labels_that_there_is_no_budget_for_are_left_out():
    service = Service()
    with pytest.warns(UserWarning, match="are left out"):
        make(service, 100, alpha=0.0).fit(X)
    assert len(service.asked) == 100


def test_given_rows_that_there_is_no_budget_for_are_left_out():
    service = Service()
    with pytest.warns(UserWarning, match="of the 300 rows of `X_transfer`"):
        clf = make(service, 340, transfer=None).fit(X, Y, X_transfer=np.repeat(X, 2, 0)[:300] + 0.1)
    assert 98 <= clf.n_transfer_rows_ <= 100
    assert len(service.asked) <= 340


def test_without_a_budget_nothing_is_counted():
    service = Service()
    clf = make(service, None, transfer=Munge(size=2)).fit(X, Y)
    assert not hasattr(clf, "n_queries_")
    assert len(service.asked) > 3 * 240


def test_after_the_fit_the_teacher_is_asked_as_often_as_one_likes():
    service = Service()
    clf = make(service, 300).fit(X, Y)
    before = len(service.asked)
    clf.teacher_.predict_proba(np.vstack([X, X]))
    assert len(service.asked) == before + 480


def test_several_teachers_are_asked_for_the_same_rows():
    services = Service(), Service(LogisticRegression(C=0.1).fit(X, Y))
    clf = make(list(services), 400, teacher_weights=[1, 2], n_jobs=2).fit(X, Y)
    for service in services:
        assert len(set(service.asked)) == len(service.asked) == clf.n_queries_ <= 400


def test_weights_of_teachers_are_found_within_the_budget():
    services = Service(), Service(LogisticRegression(C=0.1).fit(X, Y))
    clf = make(list(services), 400, teacher_weights="auto", early_stopping=True).fit(X, Y)
    assert max(len(service.asked) for service in services) == clf.n_queries_ <= 400


def test_answers_are_those_of_a_fit_without_a_budget():
    """Of the same rows the student learns the same, to the bit."""
    params = {"transfer": Munge(size=2), "student": SMALL}
    free = make(Service(), None, **params).fit(X, Y)
    counted = make(Service(), 5000, **params).fit(X, Y)
    np.testing.assert_array_equal(free.predict_proba(X), counted.predict_proba(X))


@pytest.mark.parametrize("kind", ["frame", "objects", "sparse", "twice"])
def test_rows_of_any_container_are_told_apart(kind):
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(c=np.where(X[:, 2] > 0, "up", "down"))
    tables = {
        "frame": frame,
        "objects": frame.to_numpy(),
        "sparse": sparse.csr_matrix(X),
        "twice": np.repeat(X[:120], 2, axis=0),
    }

    class Any(Service):
        def predict_proba(self, table):
            table = table.toarray() if sparse.issparse(table) else np.asarray(table)
            self.asked += [tuple(map(str, row)) for row in table.tolist()]
            numbers = np.delete(table, 2, axis=1).astype(float)
            return self.model.predict_proba(np.column_stack([numbers, numbers[:, :1]]))

    service = Any()
    transfer = None if kind == "sparse" else Munge(size=1)
    encoder = "passthrough" if kind == "sparse" else "auto"
    make(service, 300, transfer=transfer, encoder=encoder).fit(tables[kind], Y)
    assert len(set(service.asked)) == len(service.asked) <= 300
    assert len(service.asked) >= (120 if kind == "twice" else 239)


# --- teachers that are fitted, and answers that are kept ---


def test_rows_that_a_teacher_was_fitted_on_are_not_asked(local):
    clf = make(local, 300, early_stopping=True).fit(X, Y)
    own = set(rows_of(X))
    assert len(set(Local.asked)) == len(Local.asked) <= 300
    assert sum(row in own for row in Local.asked) <= 5  # a new row may be one of them
    assert clf.n_transfer_rows_ > 280


@pytest.mark.parametrize("transfer", [Munge(size=2), "auto"], ids=str)
def test_what_memory_has_costs_nothing(transfer, tmp_path):
    first, again = Service(), Service()
    params = {"transfer": transfer, "memory": str(tmp_path)}
    one = make(first, 500, **params).fit(X, Y)
    two = make(again, 500, **params).fit(X, Y)
    assert len(first.asked) > 480
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert len(again.asked) <= 1  # the row that shows that it answers
    assert "were in `memory`" in two.decision_


# --- numbers ---


@pytest.mark.parametrize("with_labels", [True, False])
def test_numbers(with_labels):
    table, y = make_regression(200, 4, noise=5.0, random_state=0)
    service = Numbers(LinearRegression().fit(table, y))
    reg = DistilledRegressor(service, SMALL, max_queries=300, early_stopping=False, random_state=0)
    reg.fit(table, y if with_labels else None)
    assert len(set(service.asked)) == len(service.asked) == reg.n_queries_ <= 300
    assert len(service.asked) > 280


def test_student_of_numbers_can_be_held_against_its_teacher():
    table, y = make_regression(200, 4, random_state=0)
    rounds = Rounds(Disagreement(Munge(size=1), by="teacher"), n_rounds=2)
    reg = DistilledRegressor(LinearRegression(), SMALL, transfer=rounds, random_state=0)
    assert reg.fit(table, y).n_transfer_rows_ == 200


# --- Disagreement ---


class Unsure:
    """Unsure where the first number is near 0."""

    def predict_proba(self, table):
        p = 1 / (1 + np.exp(-5 * np.asarray(table, dtype=float)[:, 0]))
        return np.column_stack([p, 1 - p])


class Sure:
    """Another opinion where the second number is above 1."""

    def predict_proba(self, table):
        table = np.asarray(table, dtype=float)
        p = Unsure().predict_proba(table)
        return np.where(table[:, 1:2] > 1, p[:, ::-1], p)


class Context:
    teacher, student, task, round, n_left = Sure(), Unsure(), None, 1, None


def drawn(n_left=None, n=10, **params):
    context = Context()
    context.n_left = n_left
    sampler = Disagreement(Munge(), random_share=0.0, **params)
    return sampler.sample(X, n, random_state=0, context=context)


def test_rows_are_those_on_which_the_student_is_unsure():
    plain = Munge().sample(X, 200, random_state=0)
    for params in ({"by": "student"}, {"n_left": 10}):
        assert np.abs(drawn(**params)[:, 0]).max() < np.abs(plain[:, 0]).mean()


def test_rows_are_those_on_which_both_differ():
    assert (drawn(by="teacher")[:, 1] > 1).all()
    np.testing.assert_array_equal(drawn(), drawn(by="teacher"))


def test_share_at_random_is_kept():
    context = Context()
    some = Disagreement(Munge(), random_share=0.5).sample(X, 200, random_state=0, context=context)
    above = (some[:, 1] > 1).sum()
    assert 100 <= above < 150


def test_without_a_student_rows_are_those_near_the_data():
    near, plain = (one.sample(X, 200, random_state=0) for one in (Disagreement(Munge()), Munge()))
    gaps = [NearestNeighbors(n_neighbors=1).fit(X).kneighbors(one)[0] for one in (near, plain)]
    assert gaps[0].max() < gaps[1].max()


def test_where_too_few_rows_are_near_the_nearest_are_taken():
    far = Marginals()
    assert Disagreement(far, quantile=0.0).sample(X, 50, random_state=0).shape == (50, 6)


def test_weights_follow_the_rows():
    weight = np.linspace(0.5, 1.5, len(X))
    rows, own = Disagreement(Munge()).sample(
        X, 30, random_state=0, sample_weight=weight, context=Context()
    )
    assert rows.shape == (30, 6)
    assert own.shape == (30,)


def test_search_reaches_the_parameters():
    clf = make(Service(), None, transfer=Rounds(Disagreement(Munge(size=1)), n_rounds=2))
    grid = {"transfer__sampler__random_share": [0.0, 1.0]}
    search = GridSearchCV(clf, grid, cv=2).fit(X, Y)
    assert clone(search.best_estimator_).transfer.sampler.random_share in (0.0, 1.0)


def test_memory_tells_rows_of_another_student_apart(tmp_path):
    params = {"transfer": Rounds(Disagreement(Munge(size=1)), n_rounds=2), "memory": str(tmp_path)}
    one = make(MODEL_FROZEN, None, **params).fit(X, Y)
    other = MLPStudent((8,), n_steps=80)
    two = make(MODEL_FROZEN, None, **(params | {"student": other})).fit(X, Y)
    plain = make(MODEL_FROZEN, None, transfer=params["transfer"], student=other).fit(X, Y)
    np.testing.assert_array_equal(two.predict_proba(X), plain.predict_proba(X))
    assert not np.array_equal(one.predict_proba(X), two.predict_proba(X))


# --- what does not go ---


class Asks(Objective):
    def teacher_view(self, teacher, table):
        return teacher.predict_proba(table)

    def loss(self, batch):
        return ((batch.logits - batch.view) ** 2).mean(dim=1)


class Greedy(TransferSampler):
    """Asks the teacher for more than there is."""

    def sample(self, table, n, random_state=None, *, context=None):
        context.teacher.predict_proba(np.random.RandomState(0).normal(size=(1000, 6)))
        return table[:n]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"max_queries": 1}, "max_queries"),
        ({"max_queries": 2.5}, "max_queries"),
        ({"cv": 3}, "`cv` fits and asks another in each fold"),
        ({"objectives": [("asks", Asks())]}, "objective `asks` .Asks. takes from the teacher"),
        (
            {"transfer": Rounds(Disagreement(Munge(), by="teacher"))},
            r"Disagreement\(by='student'\)",
        ),
        ({"transfer": Rounds(Munge()), "temperature": "auto"}, "`temperature='auto'` begins three"),
        ({"transfer": Greedy(size=1)}, "`max_queries=300` does not do"),
    ],
)
def test_wrong_combinations_say_what_is_missing(params, text):
    service = Service()
    with pytest.raises(ValueError, match=text):
        make(service, 300).set_params(**params).fit(X, Y)
    assert len(service.asked) <= 300


def test_what_numbers_cannot_do():
    table, y = make_regression(60, 4, random_state=0)
    reg = DistilledRegressor(LinearRegression(), SMALL, max_queries=100)
    with pytest.raises(ValueError, match="`head='mean'` alone"):
        clone(reg).set_params(head="quantiles").fit(table, y)
    with pytest.raises(ValueError, match="a student of numbers cannot tell"):
        reg.set_params(transfer=Rounds(Disagreement(Munge()))).fit(table, y)


def test_budget_needs_a_teacher():
    soft = MODEL.predict_proba(X)
    with pytest.raises(ValueError, match="there is no `teacher`"):
        make(None, 100).fit(X, Y, soft_targets=soft)


def test_search_and_ladder_say_that_they_count_nothing():
    search = DistilledClassifierCV(make(Service(), 300), alphas=[0.1, 0.9], temperatures=None, cv=2)
    with pytest.raises(ValueError, match="`max_queries=300` counts the rows of one fit"):
        search.fit(X, Y)


def test_pool_alone_counts_nothing():
    service = Service()
    pool = TeacherPool(service).fit(X, Y)
    pool.predict_proba(X)
    pool.predict_proba(X)
    assert len(service.asked) >= 480


NET = TorchTeacher(torch.nn.Linear(6, 3), classes=[0, 1, 2])


@pytest.mark.parametrize(
    ("teacher", "sampler", "message"),
    [
        (MODEL_FROZEN, FromSchema(class_prior="balanced"), "`class_prior` of the sampler out"),
        (NET, FromNet(), r"cannot count how often the sampler `fromnet` \(FromNet\) runs"),
    ],
    ids=["prior", "net"],
)
def test_sampler_that_asks_the_teacher_itself_is_refused(teacher, sampler, message):
    clf = DistilledClassifier(teacher, transfer=sampler, max_queries=300)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, Y)
