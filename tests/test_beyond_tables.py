"""Rows that are no tables: images, sequences and texts."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch import NeuralNetClassifier

from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    Gibbs,
    Marginals,
    Mixup,
    MLPStudent,
    Munge,
    Near,
    Rounds,
    Scorer,
    to_onnx,
)

# --- images: 4 dimensions ---


class Convolution(torch.nn.Module):
    """`n_inputs` is the number of channels."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(n_inputs, 4, 3, stride=2), torch.nn.Flatten(), torch.nn.ReLU()
        )
        self.last = torch.nn.Linear(36, n_outputs)

    def forward(self, X):
        return self.last(self.layers(X))


def flatten(X):
    return np.asarray(X).reshape(len(X), -1)


def quick_net():
    return NeuralNetClassifier(
        Convolution,
        module__n_inputs=1,
        module__n_outputs=10,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=3,
        lr=0.05,
    )


def make(student=None, teacher=None, **params):
    teacher = teacher or make_pipeline(
        FunctionTransformer(flatten), RandomForestClassifier(10, random_state=0)
    )
    params = {"encoder": "passthrough", "transfer": None, "random_state": 0} | params
    return DistilledClassifier(teacher, student or quick_net(), **params)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.reshape(-1, 1, 8, 8)[:240] / 16, y[:240]


@pytest.fixture(scope="module")
def fitted(digits):
    return make(Convolution).fit(*digits)


def test_a_module_class_learns_images(fitted, digits):
    assert fitted.score(*digits) > 0.9
    assert fitted.n_features_in_ == 1


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda X: X[:, :, :6], r"\(1, 6, 8\)"),
        (lambda X: X[:, 0], r"\(8, 8\)"),
        (lambda X: flatten(X), r"\(64,\)"),
        (lambda X: X[0], r"\(8, 8\)"),
    ],
)
def test_rows_of_another_shape_are_refused(fitted, digits, change, shape):
    other = pickle.loads(pickle.dumps(fitted))
    expected = rf"X has rows of shape {shape}, .* fitted on rows of shape \(1, 8, 8\)"
    for model in (fitted, other):
        with pytest.raises(ValueError, match=expected):
            model.predict(change(digits[0]))


@pytest.mark.parametrize("name", ["X_transfer", "X_val"])
def test_more_rows_of_another_shape_are_refused(digits, name):
    X, y = digits
    more = {name: (X[:50, :, :6],)} | ({"y_val": (y[:50],)} if name == "X_val" else {})
    with pytest.raises(ValueError, match=f"`{name}`: X has rows of shape"):
        make().fit(X, y, **more)


def test_the_shape_is_that_of_the_last_fit(digits):
    X, y = digits
    clf = make(MLPStudent((8,), n_steps=20), encoder=FunctionTransformer(flatten)).fit(X, y)
    clf.fit(flatten(X), y)
    assert clf.predict(flatten(X[:3])).shape == (3,)
    with pytest.raises(ValueError, match=r"X has \d+ features"):
        clf.predict(flatten(X[:, :, :6]))


def test_an_encoder_may_make_tables_of_images(digits):
    student = MLPStudent((32,), n_steps=150)
    clf = make(student, encoder=FunctionTransformer(flatten)).fit(*digits)
    assert clf.score(*digits) > 0.8


def test_the_default_encoder_says_what_to_give(digits):
    with pytest.raises(ValueError, match=r"4 dimensions, but `encoder='auto'` reads tables: give"):
        make(encoder="auto").fit(*digits)


def test_the_default_student_says_what_to_give(digits):
    with pytest.raises(ValueError, match="give a module class that takes such rows"):
        make(MLPStudent((8,), n_steps=20)).fit(*digits)


def test_missing_numbers_are_refused_without_a_wrong_remedy(fitted, digits):
    with pytest.raises(ValueError, match=r"contains NaN or infinity: impute it\.$"):
        fitted.predict(digits[0] * np.nan)


@pytest.mark.parametrize(
    "sampler", [Munge(1.0), Gibbs(1.0), Mixup(1.0), Marginals(1.0), Rounds(Munge(1.0), n_rounds=2)]
)
def test_samplers_draw_rows_of_the_shape_of_X(digits, sampler):
    X, y = digits
    seen = []

    def watched(rows):
        seen.append(np.shape(rows)[1:])
        return flatten(rows)

    teacher = make_pipeline(FunctionTransformer(watched), RandomForestClassifier(5))
    clf = make(teacher=teacher, transfer=sampler).fit(X[:100], y[:100])
    assert clf.n_transfer_rows_ == 100
    assert set(seen) == {(1, 8, 8)}


def test_samplers_that_measure_rows_are_refused(digits):
    with pytest.raises(ValueError, match="X has 4 dimensions, and Near reads dense tables only"):
        make(transfer=Near(Munge())).fit(*digits)


def test_auto_draws_no_images(digits):
    assert make(transfer="auto").fit(*digits).n_transfer_rows_ == 0


def test_a_search_reaches_the_net(digits):
    X, y = digits
    grid = {"student__lr": [0.01, 0.1], "alpha": [0.5]}
    search = GridSearchCV(make(), grid, cv=2).fit(X, y)
    assert search.best_estimator_.student.lr in (0.01, 0.1)


# --- sequences: 3 dimensions ---


class Recurrent(torch.nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.gru = torch.nn.GRU(2, 8, batch_first=True)
        self.last = torch.nn.Linear(8, n_outputs)

    def forward(self, X):
        return self.last(self.gru(X)[0][:, -1])


def test_a_recurrent_student_tells_numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6, 2)).cumsum(axis=1)
    y = X[:, -1, 0] - X[:, 0, 1]
    forest = make_pipeline(FunctionTransformer(flatten), RandomForestRegressor(10, random_state=0))
    params = {"encoder": "passthrough", "transfer": None, "random_state": 0}
    reg = DistilledRegressor(forest, Recurrent, early_stopping=False, **params).fit(X, y)
    assert reg.score(X, y) > 0.8
    with pytest.raises(ValueError, match=r"rows of shape \(5, 2\), but DistilledRegressor"):
        reg.predict(X[:, 1:])


# --- texts ---


class Tokens(FunctionTransformer):
    """Codes of the first letters of the words, 0 where there are no more."""

    def __init__(self, length=5):
        super().__init__(self.codes)
        self.length = length

    def codes(self, X):
        found = np.zeros((len(X), self.length))
        for row, text in zip(found, X["text"], strict=True):
            words = text.split()[: self.length]
            row[: len(words)] = [ord(word[0]) % 32 for word in words]
        return found


class Bag(torch.nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.embedding = torch.nn.EmbeddingBag(32, 8, padding_idx=0)
        self.last = torch.nn.Linear(8, n_outputs)

    def forward(self, X):
        return self.last(self.embedding(X.long()))


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    words = ["good", "bad", "film", "story", "warm"]
    found = [" ".join(rng.choice(words, 5)) for _ in range(200)]
    return pd.DataFrame({"text": found}), np.array(["good" in one for one in found])


def of_text(**params):
    reader = ColumnTransformer([("words", TfidfVectorizer(), "text")])
    teacher = make_pipeline(reader, LogisticRegression())
    return DistilledClassifier(teacher, Bag, random_state=0, **params)


def test_a_bag_of_embeddings_learns_texts(texts):
    clf = of_text(encoder=Tokens()).fit(*texts)
    assert clf.score(*texts) > 0.9
    assert clf.n_transfer_rows_ == 0  # copies of the same texts, if any were drawn
    assert clf.predict(pd.DataFrame({"text": ["", "good"]})).shape == (2,)


def test_texts_beside_numbers_are_drawn_from(texts):
    X, y = texts
    clf = of_text(encoder=Tokens()).fit(X[:60].assign(length=X["text"].str.len()), y[:60])
    assert clf.n_transfer_rows_ > 0


@pytest.mark.parametrize(
    "container", [list, np.asarray, lambda column: column, lambda column: column.to_numpy(object)]
)
def test_texts_in_one_dimension_are_told_their_form(texts, container):
    X, y = texts
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array of texts instead: give"):
        of_text(encoder=Tokens()).fit(container(X["text"]), y)


def test_texts_as_they_are_are_no_inputs(texts):
    with pytest.raises(ValueError, match="holds no numbers: could not convert string to float"):
        of_text(encoder="passthrough").fit(*texts)


def test_a_student_of_counts_is_served(texts, tmp_path):
    X, _ = texts
    counts = ColumnTransformer([("words", TfidfVectorizer(lowercase=False), "text")])
    teacher = make_pipeline(counts, LogisticRegression())
    student = MLPStudent((8,), n_steps=50)
    clf = DistilledClassifier(teacher, student, encoder=counts, random_state=0).fit(*texts)
    to_onnx(clf, tmp_path / "a.onnx", X=X)
    told = Scorer(tmp_path / "a.onnx").predict_proba(X)
    np.testing.assert_allclose(told, clf.predict_proba(X), atol=1e-5)
