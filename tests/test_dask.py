"""Dask: a student over partitions, and fits on the processes of a cluster."""

import os
import sys

import dask
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client, LocalCluster
from shared import small_table
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from skdistill import DistilledClassifier, DistilledRegressor, MLPStudent, Scorer, to_onnx
from skdistill.scale import score_dask

SMALL = MLPStudent((8,), n_steps=20)
PROBABILITIES = ["probability_a", "probability_b", "probability_c"]


@pytest.fixture(scope="module")
def client():
    """Of a cluster of two processes."""
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def at_once():
    """Computed here, without processes."""
    with dask.config.set(scheduler="synchronous"):
        yield


def table(n_rows=300):
    """Rows with ids; numbers and text are missing in some."""
    X = small_table(n_rows).assign(id=lambda f: np.arange(len(f)) * 10)
    X["colour"] = X["colour"].mask(X["id"] % 110 == 0)
    return X.set_index(X["id"].rename("place"))


def check(answers, X, path):
    """They are those of a Scorer, row by row."""
    scorer, rows = Scorer(path), X[["size", "colour", "is_new"]]
    pd.testing.assert_index_equal(answers.index, X.index)
    np.testing.assert_array_equal(answers[PROBABILITIES], scorer.predict_proba(rows))
    assert answers["prediction"].tolist() == scorer.predict(rows).tolist()


def counted(n=0):
    """Count how often this process opens a Scorer that was sent to it."""
    Scorer.n_opened, opened = n, Scorer.__setstate__

    def watched(self, state):
        Scorer.n_opened += 1
        opened(self, state)

    Scorer.__setstate__ = watched


# --- on a cluster ---


def test_processes_answer_as_a_scorer_does(client, exported):
    _, _, path = exported
    own = client.run(os.getpid)
    assert len({*own.values(), os.getpid()}) == 3
    X = table()
    answers = score_dask(path, dd.from_pandas(X, npartitions=8), keep=["id"])
    assert list(answers.columns) == ["id", "prediction", *PROBABILITIES]
    found = answers.compute()
    check(found, X, path)
    assert found["id"].tolist() == X["id"].tolist()


def test_each_process_opens_the_content_once(client, exported, tmp_path):
    _, _, path = exported
    gone = tmp_path / "gone.onnx"
    gone.write_bytes(path.read_bytes())
    X = table()
    answers = score_dask(gone, dd.from_pandas(X, npartitions=8), keep=["id"])
    gone.unlink()  # no process needs the file
    client.run(counted)
    check(answers.compute(), X, path)
    assert all(n <= 2 for n in client.run(lambda: Scorer.n_opened).values())


def test_a_fit_on_a_cluster_is_the_fit_here(client):
    X, y = small_table(120)[["is_new"]].assign(size=np.linspace(-1, 1, 120)), np.arange(120) % 3
    teachers = [LogisticRegression(), RandomForestClassifier(5)]
    clf = DistilledClassifier(teachers, SMALL, cv=2, transfer=None, random_state=0)
    expected = clf.fit(X, y).predict_proba(X)
    n_before = sum(client.run(lambda dask_worker: dask_worker.state.executed_count).values())
    with joblib.parallel_config("dask"):
        found = clf.fit(X, y).predict_proba(X)
    n_after = sum(client.run(lambda dask_worker: dask_worker.state.executed_count).values())
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert n_after > n_before  # the cluster did work


# --- what partitions may be ---


@pytest.mark.usefixtures("at_once")
def test_empty_partitions(exported):
    _, _, path = exported
    X = table()
    ddf = dd.from_pandas(X, npartitions=4)
    some = score_dask(path, ddf[ddf["id"] < 500], keep=["id"]).compute()
    none = score_dask(path, ddf[ddf["id"] < 0], keep=["id"]).compute()
    check(some, X[X["id"] < 500], path)
    assert len(none) == 0
    pd.testing.assert_series_equal(none.dtypes, some.dtypes)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("known", [True, False])
def test_categories(exported, known):
    _, _, path = exported
    X = table().drop(columns="id").astype({"colour": "category"})
    ddf = dd.from_pandas(X, npartitions=3)
    ddf = ddf if known else ddf.assign(colour=ddf["colour"].cat.as_unknown())
    check(score_dask(path, ddf).compute(), X, path)


@pytest.mark.usefixtures("at_once")
def test_types_are_told_before(exported):
    _, _, path = exported
    ddf = dd.from_pandas(table(), npartitions=3)
    told = score_dask(path, ddf, keep=["colour", "id"])
    assert told.divisions == ddf.divisions
    pd.testing.assert_series_equal(told.dtypes, told.compute().dtypes)
    assert told.dtypes["probability_a"] == np.float32


@pytest.mark.usefixtures("at_once")
def test_columns_by_their_order(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2))
    clf = DistilledClassifier(LogisticRegression(), SMALL, random_state=0).fit(X, X[:, 0] > 0)
    to_onnx(clf, tmp_path / "a.onnx")
    frame = pd.DataFrame({"id": range(90), "second": X[:, 0], "first": X[:, 1]})
    answers = score_dask(tmp_path / "a.onnx", dd.from_pandas(frame, npartitions=2), keep=["id"])
    assert list(answers.columns) == ["id", "prediction", "probability_False", "probability_True"]
    np.testing.assert_allclose(
        answers.compute().to_numpy(float)[:, 2:], clf.predict_proba(X), atol=1e-5
    )
    with pytest.raises(ValueError, match=r"takes 2 columns by their order, but .* has 3"):
        score_dask(tmp_path / "a.onnx", dd.from_pandas(frame, npartitions=2))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    "labels", [["no", "yes"], np.array(["no", "yes"], object), [3, 7], [0.0, 1.0], [False, True]]
)
def test_types_of_labels(tmp_path, labels):
    """As Parquet takes them."""
    X = pd.DataFrame({"size": np.linspace(-1, 1, 90)})
    clf = DistilledClassifier(LogisticRegression(), SMALL, random_state=0)
    to_onnx(clf.fit(X, np.asarray(labels)[(X["size"] > 0).astype(int)]), tmp_path / "a.onnx")
    answers = score_dask(tmp_path / "a.onnx", dd.from_pandas(X, npartitions=2))
    answers.to_parquet(tmp_path / "out")
    found = pd.read_parquet(tmp_path / "out")["prediction"]
    assert found.tolist() == clf.predict(X).tolist()
    assert list(answers)[1:] == [f"probability_{label}" for label in labels]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("head", ["mean", "quantiles", "two"])
def test_numbers(tmp_path, head):
    X = pd.DataFrame({"size": np.linspace(-1, 1, 120)})
    y = np.column_stack([X, -X]) if head == "two" else X["size"].to_numpy()
    params = {"head": "quantiles"} if head == "quantiles" else {}
    reg = DistilledRegressor(
        ExtraTreesRegressor(5), SMALL, transfer=None, random_state=0, **params
    ).fit(X, y)
    to_onnx(reg, tmp_path / "a.onnx")
    scorer = Scorer(tmp_path / "a.onnx")
    found = score_dask(scorer, dd.from_pandas(X, npartitions=2)).compute()
    if head == "two":
        assert list(found) == ["prediction_0", "prediction_1"]
        np.testing.assert_array_equal(found, scorer.predict(X))
        return
    np.testing.assert_array_equal(found["prediction"], scorer.predict(X))
    if head == "quantiles":
        assert list(found)[1:] == [f"quantile_{level:g}" for level in scorer.quantiles_]
        np.testing.assert_array_equal(found.iloc[:, 1:], scorer.predict_quantiles(X))


# --- what is refused ---


@pytest.mark.parametrize(
    ("change", "keep", "message"),
    [
        ({"colour": None}, [], r"lacks the column\(s\) \['colour'\]"),
        ({"age": 1}, [], r"has the column\(s\) \['id', 'age'\] that the student does not read"),
        ({}, ["age"], r"`keep` has \['age'\], which the table does not have"),
        ({}, ["id", "id"], r"`keep` has \['id'\] twice"),
        ({"prediction": 1}, ["id", "prediction"], r"`keep` has \['prediction'\], and answers"),
    ],
)
def test_columns_that_are_refused(exported, change, keep, message):
    _, _, path = exported
    X = table(20)
    X = X.assign(**{name: value for name, value in change.items() if value is not None})
    X = X.drop(columns=[name for name, value in change.items() if value is None])
    with pytest.raises(ValueError, match=message):
        score_dask(path, dd.from_pandas(X, npartitions=1), keep=keep)


def test_a_name_is_no_list(exported):
    _, _, path = exported
    with pytest.raises(TypeError, match=r"`keep` must be a list of names, got 'id'"):
        score_dask(path, dd.from_pandas(table(20), npartitions=1), keep="id")


@pytest.mark.usefixtures("at_once")
def test_a_row_that_has_no_answer(exported):
    _, _, path = exported
    X = table(20).assign(size=np.inf)
    answers = score_dask(path, dd.from_pandas(X, npartitions=1), keep=["id"])
    with pytest.raises(ValueError, match="contains infinity in column"):
        answers.compute()


def test_without_dask(exported, monkeypatch):
    _, X, path = exported
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r'pip install "skdistill\[dask\]"'):
        score_dask(path, X)
