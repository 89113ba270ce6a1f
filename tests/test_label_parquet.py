"""Labels of a Parquet folder: those of the teacher, resumed by shard, refused for other inputs."""

import json
import multiprocessing
import os
import signal
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression

from skdistill import FittedTeacher, TeacherPool
from skdistill._utils.lock import locked
from skdistill.scale import label_parquet

pq = pytest.importorskip("pyarrow.parquet")

N_ROWS = 1000


def frame(seed=0):
    X, y = make_classification(
        N_ROWS, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=seed
    )
    return pd.DataFrame(X, columns=list("abcde")).assign(y=np.array(["u", "v", "w"])[y])


@pytest.fixture
def data(tmp_path):
    """Two files of 600 and 400 rows, one in a folder of its own, in row groups of 150."""
    folder, whole = tmp_path / "data", frame()
    (folder / "sub").mkdir(parents=True)
    whole[:600].to_parquet(folder / "one.parquet", index=False, row_group_size=150)
    whole[600:].to_parquet(folder / "sub" / "two.parquet", index=False, row_group_size=150)
    return folder


@pytest.fixture
def teacher():
    whole = frame()
    return LogisticRegression().fit(whole.drop(columns="y"), whole["y"])


def labels_of(out):
    """The labels of all shards, in the order of the rows."""
    files = sorted(out.glob("*.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def contents(out):
    return {file.name: file.read_bytes() for file in out.glob("*.parquet")}


def test_labels_are_those_of_the_teacher(data, teacher, tmp_path):
    report = label_parquet(teacher, data, tmp_path / "out", drop=["y"], shard_rows=300)
    assert (report.n_rows, report.n_new_rows, report.n_shards) == (1000, 1000, 4)
    found = labels_of(tmp_path / "out")
    assert list(found.columns) == ["u", "v", "w"]
    assert set(map(str, found.dtypes)) == {"float16"}
    expected = teacher.predict_proba(frame().drop(columns="y"))
    np.testing.assert_allclose(found.to_numpy(float), expected, atol=5e-4)


@pytest.mark.parametrize("kind", ["frozen", "list", "pool", "function"])
def test_any_fitted_teacher_labels(data, teacher, tmp_path, kind):
    X = frame().drop(columns="y")
    given = {
        "frozen": FrozenEstimator(teacher),
        "list": [("a", teacher), ("b", teacher)],
        "pool": TeacherPool(FrozenEstimator(teacher)).fit(X),
        "function": FittedTeacher(teacher.predict_proba, classes=["u", "v", "w"]),
    }[kind]
    name = "by a function" if kind == "function" else None
    predicts = "classes" if kind == "function" else "auto"
    label_parquet(given, data, tmp_path, drop="y", teacher_id=name, predicts=predicts)
    np.testing.assert_allclose(labels_of(tmp_path), teacher.predict_proba(X), atol=5e-4)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_numbers_are_of_single_precision(tmp_path, n_targets):
    X, y = make_regression(300, 4, n_targets=n_targets, random_state=0)
    X = pd.DataFrame(X, columns=list("abcd"))
    (tmp_path / "data").mkdir()
    X.to_parquet(tmp_path / "data" / "a.parquet", index=False)
    teacher = RandomForestRegressor(5, random_state=0).fit(X, y)
    label_parquet(teacher, tmp_path / "data", tmp_path / "out")
    found = labels_of(tmp_path / "out")
    assert set(map(str, found.dtypes)) == {"float32"}
    assert len(found.columns) == n_targets
    np.testing.assert_allclose(found, teacher.predict(X).reshape(300, -1), rtol=1e-6)


def test_workers_and_chunks_do_not_matter(data, teacher, tmp_path):
    label_parquet(teacher, data, tmp_path / "one", drop="y", shard_rows=150)
    label_parquet(teacher, data, tmp_path / "three", drop="y", shard_rows=150, n_jobs=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    label_parquet(teacher, data, tmp_path / "small", drop="y", shard_rows=150, chunk_rows=40)
    assert labels_of(tmp_path / "one").equals(labels_of(tmp_path / "small"))


def test_goes_on_with_what_is_left(data, teacher, tmp_path):
    first = label_parquet(teacher, data, tmp_path / "out", drop="y", shard_rows=150, max_rows=400)
    assert first.n_rows == 450
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.parquet")}
    (tmp_path / "out" / ".torn.parquet.0123.tmp").write_bytes(b"half")
    second = label_parquet(teacher, data, tmp_path / "out", drop="y", shard_rows=150)
    assert (second.n_rows, second.n_new_rows) == (1000, 550)
    assert before == {file: file.stat().st_mtime_ns for file in before}
    assert not list((tmp_path / "out").glob("*.tmp"))


def test_labels_files_that_are_new(data, teacher, tmp_path):
    label_parquet(teacher, data, tmp_path / "out", drop="y")
    frame(1).to_parquet(data / "three.parquet", index=False)
    assert label_parquet(teacher, data, tmp_path / "out", drop="y").n_new_rows == N_ROWS


def test_order_of_the_shards_is_that_of_the_seed(data, teacher, tmp_path):
    for name, seed in [("a", 0), ("b", 0), ("c", 2)]:
        how = {"shard_rows": 150, "max_rows": 300, "random_state": seed}
        label_parquet(teacher, data, tmp_path / name, drop="y", **how)
    names = {name: set(contents(tmp_path / name)) for name in "abc"}
    assert names["a"] == names["b"] != names["c"]


def test_refuses_another_teacher(data, teacher, tmp_path):
    label_parquet(teacher, data, tmp_path / "out", drop="y")
    whole = frame()
    other = LogisticRegression(C=0.1).fit(whole.drop(columns="y"), whole["y"])
    with pytest.raises(ValueError, match="labelled by another teacher"):
        label_parquet(other, data, tmp_path / "out", drop="y")
    # Frozen or not, it is the same.
    again = label_parquet(FrozenEstimator(teacher), data, tmp_path / "out", drop="y")
    assert again.n_new_rows == 0


def test_refuses_other_data(data, teacher, tmp_path):
    label_parquet(teacher, data, tmp_path / "out", drop="y")
    frame(1)[:600].to_parquet(data / "one.parquet", index=False, row_group_size=150)
    with pytest.raises(ValueError, match=r"'one\.parquet' has changed since it was labelled"):
        label_parquet(teacher, data, tmp_path / "out", drop="y")
    os.remove(data / "one.parquet")
    with pytest.raises(ValueError, match=r"'one\.parquet' was labelled, but is not there"):
        label_parquet(teacher, data, tmp_path / "out", drop="y")


def test_refuses_other_columns_and_shards(data, teacher, tmp_path):
    label_parquet(teacher, data, tmp_path / "out", drop="y")
    with pytest.raises(ValueError, match="begun with `shard_rows=1000000`"):
        label_parquet(teacher, data, tmp_path / "out", drop="y", shard_rows=150)
    frame().rename(columns={"e": "f"}).to_parquet(data / "three.parquet", index=False)
    with pytest.raises(ValueError, match="do not have the same columns"):
        label_parquet(teacher, data, tmp_path / "out", drop="y")


def test_refuses_a_second_writer(data, teacher, tmp_path):
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out" / ".lock"), pytest.raises(RuntimeError, match="is labelling into"):
        label_parquet(teacher, data, tmp_path / "out", drop="y")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"drop": ["z"]}, r"`drop` names \['z'\]"),
        ({"shard_rows": 0}, "`shard_rows` must be an integer of 1"),
        ({"chunk_rows": "9"}, "`chunk_rows` must be an integer of 1"),
        ({"max_rows": True}, "`max_rows` must be an integer of 1"),
        ({"predicts": "class"}, "`predicts` must be 'auto', "),
        ({"teacher": lambda X: X}, "`predicts='auto'` cannot tell"),
        ({"teacher": LinearRegression()}, "not fitted"),
    ],
)
def test_refuses(data, teacher, tmp_path, given, message):
    given = {"teacher": teacher, "drop": ["y"], **given}
    with pytest.raises(ValueError, match=message):
        label_parquet(given.pop("teacher"), data, tmp_path / "out", **given)


def test_refuses_an_empty_folder(teacher, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no rows"):
        label_parquet(teacher, tmp_path / "empty", tmp_path / "out")
    with pytest.raises(NotADirectoryError, match="is no folder"):
        label_parquet(teacher, tmp_path / "nowhere", tmp_path / "out")


def test_refuses_to_write_into_the_data(data, teacher):
    with pytest.raises(ValueError, match="is inside `folder`"):
        label_parquet(teacher, data, data / "labels", drop="y")


def test_index_of_a_frame_is_no_column(data, teacher, tmp_path):
    whole = frame()
    whole.index += 5
    (tmp_path / "indexed").mkdir()
    whole.to_parquet(tmp_path / "indexed" / "one.parquet", index=True)
    label_parquet(teacher, tmp_path / "indexed", tmp_path / "out", drop="y")
    expected = teacher.predict_proba(whole.drop(columns="y"))
    np.testing.assert_allclose(labels_of(tmp_path / "out"), expected, atol=5e-4)


def test_tells_the_cost_before_the_rest(data, teacher, tmp_path, capsys):
    label_parquet(teacher, data, tmp_path / "out", drop="y", shard_rows=300, verbose=1)
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("[label_parquet] 150 of 1000 rows in ")
    assert others[-1] == "[label_parquet] 1000 of 1000 rows are labelled"


class Slow:
    """A teacher that writes down how many rows it labels, and takes its time."""

    classes_ = np.array(["u", "v", "w"])

    def __init__(self, log):
        self.log = log

    def predict_proba(self, X):
        time.sleep(0.02)
        with open(self.log, "a") as log:
            log.write(f"{X.index.size}\n")
        p = np.abs(X.to_numpy()[:, :3]) + 1e-3
        return p / p.sum(axis=1, keepdims=True)


def label_slowly(data, out, log):
    label_parquet(Slow(log), data, out, drop="y", shard_rows=150, chunk_rows=50, teacher_id="slow")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, to be fast")
def test_killed_at_any_moment_loses_and_doubles_nothing(data, tmp_path):
    label_slowly(data, tmp_path / "whole", tmp_path / "log")
    rng, done = np.random.default_rng(0), []
    for number in range(3):
        out = tmp_path / f"killed-{number}"
        process = multiprocessing.get_context("fork").Process(
            target=label_slowly, args=(data, out, tmp_path / "log")
        )
        n_before = len((tmp_path / "log").read_text().splitlines())
        process.start()
        n_chunks = rng.integers(2, 19)  # of 20
        while len((tmp_path / "log").read_text().splitlines()) < n_before + n_chunks:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        manifest = out / "manifest.json"
        done.append(set(json.loads(manifest.read_text())["done"]) if manifest.exists() else set())
        kept = {name: (out / name).stat().st_mtime_ns for name in done[-1]}
        label_slowly(data, out, tmp_path / "log")
        assert contents(out) == contents(tmp_path / "whole")
        assert kept == {name: (out / name).stat().st_mtime_ns for name in kept}
        assert {file.name for file in out.iterdir()} == {*contents(out), "manifest.json"}
    assert any(done)  # one was killed in the midst of it
