"""ContinualClassifier: new rows and new classes, without the rows of before."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch import NeuralNetClassifier

from skdistill import (
    TRUSTED_TYPES,
    ContinualClassifier,
    DarkExperience,
    DistilledClassifier,
    Gibbs,
    LearningWithoutForgetting,
    MLPStudent,
    MutualClassifier,
    Scorer,
    StoredRows,
    SyntheticReplay,
    to_onnx,
)
from skdistill.loops import ReplayPool
from skdistill.objectives import Batch

NOTHING = SyntheticReplay(n_rows=0)


def student(n_steps=150, **params):
    recipe = MLPStudent((32,), n_steps=n_steps)
    params = {"transfer": None, "alpha": 0.3, "random_state": 0, **params}
    return DistilledClassifier(
        make_pipeline(StandardScaler(), LogisticRegression()), recipe, **params
    )


def continual(replay=None, *, n_steps=150, **params):
    replay = SyntheticReplay(n_rows=600) if replay is None else replay
    return ContinualClassifier(student(n_steps), replay, random_state=0, **params)


def digits():
    X, y = load_digits(return_X_y=True)
    # A column that tells each row of the data from all others, and from synthetic ones.
    X = np.column_stack([X, np.arange(len(X)) + np.random.RandomState(0).uniform(size=len(X))])
    return X, y


X, Y = digits()
OLD = Y < 5
IS_TEST = np.arange(len(Y)) % 3 == 0


def in_two_steps(model):
    for part in (OLD, ~OLD):
        model.partial_fit(X[part & ~IS_TEST], Y[part & ~IS_TEST])
    return model


@pytest.fixture(scope="module")
def fitted():
    return in_two_steps(continual())


EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": "rows are drawn at random"
    for kind in ("dense", "sparse")
}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [continual(SyntheticReplay(n_rows=50), n_steps=60)],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_old_classes_are_kept(fitted):
    assert fitted.classes_.tolist() == list(range(10))
    assert fitted.score(X[IS_TEST], Y[IS_TEST]) > 0.88
    assert fitted.score(X[IS_TEST & OLD], Y[IS_TEST & OLD]) > 0.88
    assert fitted.score(X[IS_TEST & ~OLD], Y[IS_TEST & ~OLD]) > 0.88


@pytest.mark.parametrize("replay", [NOTHING, LearningWithoutForgetting()], ids=str)
def test_old_classes_are_forgotten_without_replay(replay, fitted):
    model = in_two_steps(continual(replay))
    own, beside = (one.score(X[IS_TEST & OLD], Y[IS_TEST & OLD]) for one in (model, fitted))
    assert own < 0.6 < beside
    assert model.score(X[IS_TEST & ~OLD], Y[IS_TEST & ~OLD]) > 0.88
    assert len(model.pool_) == 0


def test_old_answers_are_kept_nearer_by_their_term():
    def divergence(weight):
        model = in_two_steps(continual(LearningWithoutForgetting(weight)))
        told = model.predict_proba(X[IS_TEST & ~OLD])[:, :5]
        return np.log(told / told.sum(axis=1, keepdims=True))

    first = continual(NOTHING).partial_fit(X[OLD & ~IS_TEST], Y[OLD & ~IS_TEST])
    before = first.predict_log_proba(X[IS_TEST & ~OLD])
    without, beside = (np.abs(divergence(one) - before).mean() for one in (0.0, 5.0))
    assert beside < without / 2


def held_by(value, seen):
    """All numbers that an object holds, however deep."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield value
    elif isinstance(value, (pd.DataFrame, pd.Series)):
        yield value.to_numpy()
    elif isinstance(value, dict):
        yield from (one for part in value.values() for one in held_by(part, seen))
    elif isinstance(value, (list, tuple, set, np.ndarray)):
        yield from (one for part in value for one in held_by(part, seen))
    elif hasattr(value, "__dict__"):
        yield from held_by(vars(value), seen)


def n_stored(model):
    """Rows of the data that a model holds, by the numbers of a row that stand side by side."""
    rows = {row.tobytes() for row in X.astype(float)}
    found = 0
    for array in held_by(model, set()):
        if array.ndim == 2 and array.shape[1] == X.shape[1] and array.dtype.kind == "f":
            found += sum(row.tobytes() in rows for row in array.astype(float))
    return found


def test_no_row_is_stored(fitted):
    assert len(fitted.pool_) > 500
    assert n_stored(fitted) == 0
    data = pickle.dumps(fitted)
    assert n_stored(pickle.loads(data)) == 0
    assert not any(row.tobytes() in data for row in X)
    # Where rows are stored, both ways of looking find them.
    stored = in_two_steps(continual(StoredRows(40)))
    assert n_stored(stored) == 40
    data = pickle.dumps(stored)
    assert sum(row.tobytes() in data for row in X) == 40


def test_rows_that_a_sampler_left_as_they_were_are_dropped():
    few = pd.DataFrame({"a": range(60), "b": list("xy") * 30})
    y = (few["a"] > 30).astype(int).to_numpy()
    model = ContinualClassifier(student(60), SyntheticReplay(n_rows=200), random_state=0)
    model.estimator.teacher = make_pipeline(OrdinalEncoder(), LogisticRegression())
    model.fit(few, y)
    assert 0 < len(model.pool_) < 200
    assert not set(map(tuple, model.pool_.X.to_numpy())) & set(map(tuple, few.to_numpy()))


def test_where_no_row_can_be_drawn_a_warning_says_so():
    rows, y = np.repeat([[0.0], [1.0]], 30, axis=0), np.repeat([0, 1], 30)
    with pytest.warns(UserWarning, match=r"ContinualClassifier: no row was drawn.*`sampler`"):
        model = continual(SyntheticReplay(n_rows=20), n_steps=60).fit(rows, y)
    assert len(model.pool_) == 0


def test_stored_rows_keep_their_labels():
    y = np.where(np.arange(len(Y)) % 7, Y, 9 - Y)  # a seventh is wrong, and so are no answers
    model = continual(StoredRows(50)).fit(X, y)
    row = {one.tobytes(): label for one, label in zip(X, y, strict=True)}
    assert model.pool_.labels.tolist() == [row[one.tobytes()] for one in model.pool_.X]


def test_pool_weighs_as_the_rows_it_stands_for(fitted):
    pool = fitted.pool_
    n_old = np.bincount(Y[~IS_TEST])
    np.testing.assert_array_equal(pool.count, n_old)
    weight = np.bincount(pool.labels, pool.weights, 10)
    np.testing.assert_allclose(weight, n_old)
    assert abs(len(pool) - 600) <= 1
    by_half = (pool.labels < 5).mean()
    assert abs(by_half - n_old[:5].sum() / n_old.sum()) < 0.05


def test_old_weight_lets_older_rows_fade():
    model = in_two_steps(continual(SyntheticReplay(n_rows=100), n_steps=60, old_weight=0.1))
    np.testing.assert_allclose(model.pool_.count[:5], 0.1 * np.bincount(Y[OLD & ~IS_TEST]))
    assert (model.pool_.labels < 5).mean() < 0.25


def test_rows_of_weight_0_are_none():
    weight = np.where(Y[~IS_TEST] == 7, 0, 2)
    model = continual(NOTHING, n_steps=60).fit(X[OLD], Y[OLD])
    model.partial_fit(X[~IS_TEST], Y[~IS_TEST], sample_weight=weight)
    assert 7 not in model.classes_
    assert model.pool_.count.sum() == OLD.sum() + weight.sum()


def test_drift_of_known_classes_changes_what_it_must():
    rows, y = make_blobs(600, centers=[[0, 0], [6, 0]], random_state=0)
    model = continual().fit(rows, y)
    moved = np.where((rows[:, 0] > 3)[:, None], rows + [0, 9], rows)
    told = np.where(rows[:, 0] > 3, 1 - y, y)  # what is right is of class 0 there
    model.partial_fit(moved, told)
    assert model.score(moved, told) > 0.95
    assert model.score(rows, y) > 0.9
    step = model.steps_[-1]
    assert step["new_classes"] == []
    assert 0.3 < step["flip_rate"] < 0.7
    assert step["flip_rate_pool"] < 0.1


def test_what_a_step_tells(fitted):
    first, second = fitted.steps_
    assert first["new_classes"] == [0, 1, 2, 3, 4]
    assert second["new_classes"] == [5, 6, 7, 8, 9]
    assert (first["n_replayed"], second["n_replayed"]) == (0, 600)
    assert second["n_rows"] == (~OLD & ~IS_TEST).sum()
    assert np.isnan([first["flip_rate"], first["flip_rate_pool"], second["flip_rate"]]).all()
    assert 0 <= second["flip_rate_pool"] < 0.1
    assert fitted.decision_.startswith("step 2: ")


def test_fit_forgets_all_steps():
    model = in_two_steps(continual(n_steps=60))
    model.fit(X[OLD], Y[OLD])
    assert model.classes_.tolist() == [0, 1, 2, 3, 4]
    assert len(model.steps_) == 1


def test_class_prior_may_name_classes_to_come():
    prior = dict.fromkeys(range(5), 0.02) | dict.fromkeys(range(5, 10), 0.18)
    told = [
        in_two_steps(continual(class_prior=one)).predict_proba(X).mean(axis=0)[:5].sum()
        for one in (None, prior)
    ]
    assert told[1] < told[0]
    with pytest.raises(ValueError, match=r"`class_prior` .* lacks \[3, 4\]"):
        continual(class_prior={0: 0.5, 1: 0.2, 2: 0.1}).fit(X[OLD], Y[OLD])


class Gone(Gibbs):
    """A sampler that Ctrl-C interrupts."""

    def sample(self, X, n, **given):
        raise KeyboardInterrupt


def test_a_step_that_fails_changes_nothing(fitted):
    model = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match="65"):
        model.partial_fit(X[:, :9], Y)
    with pytest.raises(ValueError, match="y"):
        model.partial_fit(X, Y[:-1])
    model.set_params(replay=SyntheticReplay(Gone(), n_rows=600))
    with pytest.raises(KeyboardInterrupt):  # as the rows of the step are drawn, at its end
        model.partial_fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), fitted.predict_proba(X))
    assert len(model.steps_) == 2


def test_files_answer_the_same(fitted, tmp_path):
    expected = fitted.predict_proba(X)
    copies = [
        pickle.loads(pickle.dumps(fitted)),
        skops.io.loads(skops.io.dumps(fitted), trusted=TRUSTED_TYPES),
    ]
    for one in copies:
        np.testing.assert_allclose(one.predict_proba(X), expected, atol=1e-6)
        one.partial_fit(X[~IS_TEST], Y[~IS_TEST])
        assert len(one.steps_) == 3
    to_onnx(fitted.best_estimator_, tmp_path / "student.onnx")
    scorer = Scorer(tmp_path / "student.onnx")
    np.testing.assert_allclose(scorer.predict_proba(X), expected, atol=1e-5)
    assert scorer.classes_.tolist() == list(range(10))


def test_frames_with_categories_and_new_levels():
    frame = pd.DataFrame(
        {"kind": pd.Series(list("abc") * 60, dtype="category"), "x": np.linspace(0, 3, 180)}
    )
    frame.loc[::9, "x"] = np.nan
    y = np.where(frame["kind"] == "a", "one", "two").astype(object)
    teacher = make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        RandomForestClassifier(10, random_state=0),
    )
    model = continual(SyntheticReplay(Gibbs(), n_rows=200))
    model.estimator.teacher = teacher
    model.fit(frame, y)
    new = frame.assign(kind=pd.Series(["d"] * 180, dtype="category"))
    model.partial_fit(new, np.full(180, "three", dtype=object))
    assert model.classes_.tolist() == ["one", "three", "two"]
    assert (model.predict(new) == "three").mean() > 0.9  # an unknown level tells it, too
    assert model.score(frame, y) > 0.9
    assert list(model.feature_names_in_) == ["kind", "x"]


def test_pipeline_and_search():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), continual(n_steps=60)),
        {
            "continualclassifier__estimator__student__n_steps": [1, 60],
            "continualclassifier__replay__n_rows": [50],
        },
        cv=2,
    ).fit(X, Y)
    assert search.best_params_["continualclassifier__estimator__student__n_steps"] == 60
    assert len(search.best_estimator_[-1].pool_) == 50
    assert str(clone(continual())) == str(continual())


def test_teachers_are_weighed_and_classes_too():
    class Seen(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            weights.append(np.bincount(y, sample_weight))
            return super().fit(X, y, sample_weight)

    weights, sure = [], []
    rows, y = make_blobs([40, 200], centers=[[0, 0], [9, 0]], random_state=0)
    for chosen in (None, "auto"):
        model = ContinualClassifier(student(alpha=0.0, calibrate=False), NOTHING, random_state=0)
        teachers = [("good", Seen()), ("bad", DummyClassifier(strategy="uniform"))]
        model.estimator.set_params(teacher=teachers, class_weight="balanced")
        model.fit(rows, y).set_params(estimator__teacher_weights=chosen).partial_fit(rows, y)
        sure.append(model.predict_proba(rows).max(axis=1).mean())
    assert len(weights) >= 4
    for one in weights:
        assert one[0] == pytest.approx(one[1], rel=0.1)
    assert sure[0] < 0.8  # a half of the one that knows nothing
    assert sure[1] > 0.9


def test_labels_are_of_one_type():
    model = continual(NOTHING, n_steps=60).fit(X[OLD], Y[OLD])
    with pytest.raises(ValueError, match="labels of one type"):
        model.partial_fit(X[~OLD], Y[~OLD].astype(str))
    with pytest.raises(ValueError, match="y is None"):
        model.partial_fit(X[~OLD], None)


def test_steps_come_in_one_container():
    frame = pd.DataFrame(X[OLD]).add_prefix("x")
    model = continual(n_steps=60).fit(frame, Y[OLD])
    with pytest.raises(ValueError, match=r"X is polars.DataFrame, and .* came as pandas.DataFrame"):
        model.partial_fit(pl.DataFrame(frame.to_dict("list")), Y[OLD])


def test_categories_stay_so_for_the_teacher_of_a_later_step():
    """Of numbers with other levels in each step, pandas would make a column of numbers."""

    class Seen(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            types.append(str(X["code"].dtype))
            return super().fit(X, y, sample_weight)

    types = []
    frame = pd.DataFrame({"code": pd.Categorical([1, 2] * 60), "x": np.linspace(0, 3, 120)})
    y = np.resize([0, 1], 120)
    model = continual(n_steps=60)
    model.estimator.teacher = Seen()
    model.fit(frame, y).partial_fit(frame.assign(code=pd.Categorical([1, 3] * 60)), y)
    assert set(types) == {"category"}
    assert len(types) >= 2


class Plain(torch.nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.only = torch.nn.Linear(n_inputs, n_outputs)

    def forward(self, X):
        return self.only(X)


class Fixed(Plain):
    def __init__(self, n_inputs):
        super().__init__(n_inputs, 5)


def test_modules_of_the_user():
    def net(module):
        adam = {"optimizer": torch.optim.Adam, "lr": 0.03, "max_epochs": 8}
        return NeuralNetClassifier(module, criterion=torch.nn.CrossEntropyLoss, **adam)

    own = student().set_params(student=net(Plain))
    model = in_two_steps(ContinualClassifier(own, SyntheticReplay(n_rows=300), random_state=0))
    assert model.decision_.endswith("its weights began anew")
    assert model.score(X[IS_TEST], Y[IS_TEST]) > 0.5
    model.set_params(estimator__student=net(Fixed)).fit(X[OLD], Y[OLD])
    with pytest.raises(ValueError, match="`n_outputs`"):
        model.partial_fit(X[~OLD], Y[~OLD])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"estimator": LogisticRegression()}, "estimator"),
        ({"estimator": DistilledClassifier()}, "has no `teacher`"),
        ({"replay": "synthetic"}, "replay"),
        ({"replay": SyntheticReplay(n_rows=-1)}, "n_rows"),
        ({"replay": SyntheticReplay("munge")}, "sampler"),
        ({"replay": StoredRows(0)}, "n_rows"),
        ({"replay": LearningWithoutForgetting(temperature=0)}, "temperature"),
        ({"replay": DarkExperience(weight=-1)}, "weight"),
        ({"old_weight": 0}, "old_weight"),
        ({"test_size": 1.0}, "test_size"),
        ({"class_prior": [0.5, 0.5]}, "class_prior"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        continual().set_params(**params).fit(X, Y)


def test_classes_name_what_may_come():
    with pytest.raises(ValueError, match=r"`?y`?"):
        continual().partial_fit(X, Y, classes=range(9))


def test_estimators_that_cannot_go_on_are_refused_at_once():
    X, y = load_digits(return_X_y=True)
    own = MutualClassifier(MLPStudent((8,), n_steps=20), n_students=2)
    with pytest.raises(ValueError, match=r"makes its teacher of its own student"):
        ContinualClassifier(own).partial_fit(X, y)
    prior = DistilledClassifier(LogisticRegression(), class_prior={0: 0.5, 1: 0.5})
    with pytest.raises(ValueError, match="give `class_prior` of ContinualClassifier"):
        ContinualClassifier(prior).partial_fit(X, y)


def test_stored_rows_are_drawn_by_weight_and_of_each_class():
    X = np.arange(1000.0)[:, None]
    y = np.where(np.arange(1000) < 2, 1, 0)
    weight = np.where(np.arange(1000) < 500, 99.0, 1.0)
    rows, labels = StoredRows(n_rows=100).draw(X, y, weight, 100, np.random.RandomState(0))
    assert (labels == 1).any()
    assert np.mean(rows < 500) > 0.9
    assert len(np.unique(rows)) == 100


# --- dark experience replay ---


def dark(weight, replay=DarkExperience):
    """Two steps of a student of labels, as the paper has it."""
    replay = replay(60) if weight is None else replay(60, weight)
    model = ContinualClassifier(student(150, alpha=1.0), replay, random_state=0)
    return in_two_steps(model)


def test_logits_of_stored_rows_are_held_by_their_squared_distance():
    stored, other = np.array([[0.0, 1.0], [2.0, 2.0]]), np.array([[5.0, 5.0], [2.0, 2.0]])
    proba = np.array([[0.5, 0.3, 0.2], [0.8, 0.2, 0.0]])  # the last class came after the second
    term = DarkExperience(weight=2.0).objectives(None, None, ReplayPool(stored, proba, *[Y] * 3))
    ((_, term),) = term
    view = term.teacher_view(None, other)
    assert np.isnan(view).tolist() == [[True] * 3, [False, False, True]]
    logits = torch.tensor([[1.0, 2.0, 3.0], [1.0, -1.0, 7.0]], requires_grad=True)
    told = Batch(None, logits, {}, None, None, torch.from_numpy(view), torch.ones(2))
    loss = term.loss(told)
    own, before = np.array([1.0, -1.0]), np.log([0.8, 0.2])
    expected = np.mean(((own - own.mean()) - (before - before.mean())) ** 2)
    np.testing.assert_allclose(loss.detach().numpy(), [0, expected], rtol=1e-5)
    assert term.weight == 2.0
    loss.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[0] == 0).all()
    assert logits.grad[1, 2] == 0


def test_stored_logits_are_nearer_by_their_term():
    first = ContinualClassifier(student(150, alpha=1.0), DarkExperience(60), random_state=0)
    first.partial_fit(X[OLD & ~IS_TEST], Y[OLD & ~IS_TEST])
    rows, before = first.pool_.X, np.log(first.pool_.proba)

    def apart(model):
        told = model.predict_log_proba(rows)[:, :5]
        shift = told - before
        return np.std(shift, axis=1).mean()

    assert apart(dark(5.0)) < 0.5 * apart(dark(0.0))


def test_no_weight_of_logits_is_replay_of_labels():
    told = [dark(*one).predict_proba(X) for one in ((0.0,), (None, StoredRows))]
    np.testing.assert_array_equal(*told)


def test_dark_experience_remembers_and_is_stored():
    model = dark(0.5)
    assert model.score(X[IS_TEST & OLD], Y[IS_TEST & OLD]) > 0.8
    assert model.best_estimator_.objectives is None
    copies = [
        pickle.loads(pickle.dumps(model)),
        skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES),
    ]
    for one in copies:
        np.testing.assert_allclose(one.predict_proba(X), model.predict_proba(X), atol=1e-6)
