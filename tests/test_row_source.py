"""A fit on a folder of labelled rows: as good as one in memory, repeatable, an ordinary student."""

import pickle
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    FittedTeacher,
    MLPStudent,
    MutualClassifier,
    Scorer,
    to_onnx,
)
from skdistill._fit import checkpoints, source, source_rows
from skdistill.scale import LabelledFolder, RowSource, label_parquet, label_until_flat
from skdistill.student import Training

pytest.importorskip("pyarrow.parquet")

N_ROWS, N_TEST = 2000, 1000
SHARDS = [f"{name}.{part}.parquet" for name in "ab" for part in ("00000-00001", "00002-00003")]
SHARDS += ["a.00004-00004.parquet", "b.00004-00004.parquet"]
SMALL = MLPStudent((32, 32), n_steps=150)


def write(folder, frame):
    """Two files, in row groups of 200 rows."""
    folder.mkdir()
    half = len(frame) // 2
    frame[:half].to_parquet(folder / "a.parquet", index=False, row_group_size=200)
    frame[half:].to_parquet(folder / "b.parquet", index=False, row_group_size=200)


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """A source of classes with a category and missing numbers, its teacher, and test rows."""
    folder = tmp_path_factory.mktemp("classes")
    X, y = make_classification(
        N_ROWS + N_TEST, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0
    )
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["c"] = pd.Categorical(np.where(X[:, 2] > 0, "high", "low"))
    frame.loc[::9, "d"] = np.nan
    y = np.array(["u", "v", "w"])[y]
    numbers = frame.drop(columns="c")
    teacher = RandomForestClassifier(30, random_state=0).fit(numbers[:N_ROWS], y[:N_ROWS])
    weight = np.random.default_rng(0).uniform(0.5, 1.5, N_ROWS)
    write(folder / "data", frame[:N_ROWS].assign(y=y[:N_ROWS], n=weight))
    named = OnNumbers(teacher)
    label_parquet(named, folder / "data", folder / "labels", drop=["y", "n"], shard_rows=400)
    return folder / "data", folder / "labels", frame[N_ROWS:], y[N_ROWS:], frame[:N_ROWS], named


class OnNumbers:
    """A teacher that leaves the category out."""

    def __init__(self, model):
        self.model = model
        self.classes_ = model.classes_

    def predict_proba(self, X):
        return self.model.predict_proba(X.drop(columns="c"))


def student(**params):
    return DistilledClassifier(student=SMALL, random_state=0, **params)


def test_is_near_to_a_fit_in_memory(classes):
    data, labels, X, y, X_train, teacher = classes
    streamed = student().fit(RowSource(data, labels, buffer_rows=600))
    soft = pd.DataFrame(teacher.predict_proba(X_train), columns=teacher.classes_)
    whole = student(refit=False).fit(X_train, soft_targets=soft)
    losses = [log_loss(y, model.predict_proba(X)) for model in (streamed, whole)]
    assert losses[0] < 1.1 * losses[1]
    assert streamed.alpha_ == 0
    assert streamed.teacher_ is None
    assert list(streamed.classes_) == ["u", "v", "w"]
    assert list(streamed.feature_names_in_) == list("abcdef")
    assert "no other student was tried" in streamed.decision_


def test_learns_of_the_labels_too(classes):
    data, labels, X, y, *_ = classes
    model = student().fit(RowSource(data, labels, target="y", weight="n"))
    assert model.alpha_ == 0.3
    (trial,) = model.trials_
    assert trial["log_loss"] == pytest.approx(log_loss(y, model.predict_proba(X)), rel=0.3)
    assert model.calibration_temperature_ != 1
    alone = student(alpha=1.0).fit(RowSource(data, labels, target="y"))
    assert alone.trials_[0]["who"] == "control"


def test_rows_of_weight_0_are_left_out(classes, tmp_path):
    """Whole row groups of them too, and the first rows of all."""
    *_, X, y, frame, teacher = classes
    counts = np.arange(N_ROWS) >= 900
    told = np.where(counts, teacher.predict_proba(frame).argmax(axis=1), 0)
    write(tmp_path / "data", frame.assign(y=teacher.classes_[told], n=counts.astype(int)))
    rows = RowSource(tmp_path / "data", tmp_path / "out", target="y", weight="n", buffer_rows=200)
    label_parquet(teacher, rows.folder, rows.labels, drop=["y", "n"])
    model = student(alpha=1.0, early_stopping=False).fit(rows)
    assert model.score(X, y) > 0.6
    with pytest.raises(ValueError, match="`weight` is 0 for all rows held out"):
        student().fit(rows)


def test_is_repeatable(classes):
    data, labels, X, *_ = classes
    rows = RowSource(data, labels, buffer_rows=500)
    first, second = (student().fit(rows).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = student().set_params(random_state=1).fit(rows).predict_proba(X)
    assert np.abs(first - other).max() > 0.01


def test_is_an_ordinary_student(classes, tmp_path):
    data, labels, X, *_ = classes
    model = student().fit(RowSource(data, labels))
    p = model.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), p)
    to_onnx(model, tmp_path / "a.onnx")
    np.testing.assert_allclose(Scorer(tmp_path / "a.onnx").predict_proba(X), p, atol=1e-5)
    assert not hasattr(clone(model), "student_")
    with pytest.raises(ValueError, match="teacher"):
        model.refresh(X)


def test_each_row_is_seen_once_a_pass(classes, monkeypatch):
    """Rows are cut into epochs, and none is left out or comes twice."""
    data, labels, *_ = classes
    seen, rows_of = [], source_rows.SourceEncoder.training

    def watch(self, arrays, is_labelled):
        seen.append(arrays["inputs"][:, 0])
        return rows_of(self, arrays, is_labelled)

    monkeypatch.setattr(source_rows.SourceEncoder, "training", watch)
    monkeypatch.setattr(source, "EPOCH_ROWS", 512)
    model = student(early_stopping=False).fit(RowSource(data, labels, buffer_rows=700))
    batch = model.student_.batch_size
    assert {len(one) for one in seen} == {512 // batch * batch}
    assert len(seen) == len(model.history_)
    counts = np.unique(np.concatenate(seen), return_counts=True)[1]
    assert len(counts) == N_ROWS
    assert np.ptp(counts) == 1  # the last pass is not at its end


def test_holds_out_a_shard_or_row_groups_of_it(classes):
    data, labels, *_ = classes
    folder = RowSource(data, labels).open()
    training, held_out = folder.split(True, seed=0)
    assert sum(group.n_rows for group in held_out) == 200  # a shard of 400 is more than a tenth
    assert not {*training} & {*held_out}
    assert sum(group.n_rows for group in training) == N_ROWS - 200
    assert folder.split(False, seed=0)[1] == []


def test_shards_that_are_left_out(classes):
    data, labels, *_ = classes
    folder = RowSource(data, labels, without=SHARDS[:4]).open()
    training, held_out = folder.split(True, seed=0)
    assert {group.labels.name for group in [*training, *held_out]} == set(SHARDS[4:])


def test_sample_is_drawn_from_all_row_groups(classes):
    data, labels, _, _, X_train, teacher = classes
    folder = RowSource(data, labels, target="y").open()
    training, _ = folder.split(False, seed=0)
    sample = folder.sample(training, 500, seed=0)
    assert len(sample.X) == len(sample.y) == 500
    assert sample.X["c"].dtype == "category"
    places = X_train["a"].reset_index().set_index("a")["index"].reindex(sample.X["a"])
    assert places.is_monotonic_increasing
    assert places.is_unique
    assert set(places // 200) == set(range(10))
    expected = teacher.predict_proba(X_train.loc[places])
    np.testing.assert_allclose(sample.soft, expected, atol=1e-3)


def test_goes_on_after_a_kill(classes, tmp_path, monkeypatch):
    """With the same rows in the same order; of what was learned before, little is read again."""
    data, labels, X, *_ = classes
    monkeypatch.setattr(source, "EPOCH_ROWS", 512)
    monkeypatch.setattr(checkpoints, "MOST_SHARE", float("inf"))
    rows = RowSource(data, labels, target="y", buffer_rows=100)  # an epoch takes several buffers
    epoch, read, n_read, rest = Training.epoch, LabelledFolder.read, Counter(), [8]

    def fit(name, path=None, rows=rows):
        model = DistilledClassifier(student=MLPStudent((8,), batch_size=100, n_steps=60))

        def counted(self, group):
            n_read[name] += 1
            return read(self, group)

        monkeypatch.setattr(LabelledFolder, "read", counted)
        return model.set_params(checkpoint_dir=path, random_state=0).fit(rows)

    def dies(self):
        rest[0] -= 1
        if rest[0] < 0:
            raise SystemExit
        return epoch(self)

    expected = fit("whole")
    monkeypatch.setattr(Training, "epoch", dies)
    with pytest.raises(SystemExit):
        fit("killed", tmp_path)
    monkeypatch.setattr(Training, "epoch", epoch)
    with pytest.raises(ValueError, match="These differ: `X`"):
        fit("other", tmp_path, replace(rows, buffer_rows=300))
    again = fit("rest", tmp_path)
    assert n_read["rest"] < 0.7 * n_read["whole"]
    np.testing.assert_array_equal(again.predict_proba(X), expected.predict_proba(X))
    assert again.history_[:, "train_loss"] == expected.history_[:, "train_loss"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", [None, "y"])
def test_numbers(tmp_path, target):
    X, y = make_regression(N_ROWS, 5, noise=5, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y)
    teacher = ExtraTreesRegressor(20, random_state=0).fit(frame[list("abcde")], y)
    write(tmp_path / "data", frame)
    label_parquet(teacher, tmp_path / "data", tmp_path / "labels", drop="y", shard_rows=400)
    model = DistilledRegressor(student=SMALL, random_state=0)
    model.fit(RowSource(tmp_path / "data", tmp_path / "labels", target=target, sample_rows=300))
    assert model.score(frame[list("abcde")], y) > 0.9
    if target is not None:  # of all rows, and not of the sample alone
        assert model.target_scaler_.high_ == pytest.approx(y.max())
    with pytest.raises(ValueError, match="a RowSource of numbers"):
        student().fit(RowSource(tmp_path / "data", tmp_path / "labels"))


def test_quantiles(tmp_path):
    """Around the teacher's numbers, as wide as labels lie apart, by rows held out."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(-1, 1, (N_ROWS + N_TEST, 2)), columns=list("ab"))
    scale = np.where(frame["a"] > 0, 1.0, 0.1)
    frame["y"] = frame["b"] + scale * rng.normal(size=len(frame))
    train, test = frame[:N_ROWS], frame[N_ROWS:]
    write(tmp_path / "data", train)
    told = FittedTeacher(lambda X: X["b"].to_numpy())
    label_parquet(told, tmp_path / "data", tmp_path / "labels", drop="y", predicts="numbers")
    rows = RowSource(tmp_path / "data", tmp_path / "labels", target="y")
    model = DistilledRegressor(student=SMALL, head="quantiles", quantiles=9, random_state=0)
    X = test[["a", "b"]]
    low, high = model.set_params(alpha=0.0).fit(rows).predict_interval(X, coverage=0.8).T
    assert 0.72 < np.mean((low <= test["y"]) & (test["y"] <= high)) < 0.88
    wide = test["a"].to_numpy() > 0
    assert (high - low)[wide].mean() > 4 * (high - low)[~wide].mean()
    assert model.teacher_spread_ is None
    assert "CRPS" in model.decision_
    with pytest.raises(ValueError, match="needs labels to learn how far"):
        model.fit(replace(rows, target=None))
    with pytest.raises(ValueError, match="`early_stopping=False` holds no rows out"):
        clone(model).set_params(early_stopping=False).fit(rows)
    with pytest.raises(ValueError, match="on 80 rows or more, but 50 are held out"):
        model.fit(replace(rows, validation_rows=50))


@pytest.mark.parametrize(
    ("params", "fit_params", "message"),
    [
        ({"teacher": FrozenEstimator(RandomForestClassifier())}, {}, "`teacher=.*cannot be"),
        ({"cv": 3}, {}, "`cv=3` cannot be followed"),
        ({"temperature": "auto"}, {}, "`temperature='auto'` cannot be followed"),
        ({"class_weight": "balanced"}, {}, "`class_weight='balanced'` cannot be"),
        ({"warm_start": True}, {}, "`warm_start=True` cannot be"),
        ({}, {"y": [0, 1]}, "`y` is given too"),
        ({}, {"X_val": [[0]], "y_val": [0]}, "`X_val` is given too"),
        ({"alpha": 1.0}, {}, "`alpha=1` trains on labels alone"),
    ],
)
def test_refuses(classes, params, fit_params, message):
    with pytest.raises(ValueError, match=message):
        student(**params).fit(RowSource(*classes[:2]), **fit_params)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": "nowhere"}, "holds no manifest.json"),
        ({"target": "z"}, "`target='z'` is no column"),
        ({"weight": "a"}, "`weight='a'` is a column that the teacher was shown"),
        ({"target": "n"}, "Unknown label type"),
        ({"without": SHARDS}, "leaves no shard to take rows of"),
        ({"without": ["a.parquet"]}, r"`without` names \['a.parquet'\], which are no shards"),
        ({"buffer_rows": 0}, "`buffer_rows` must be an integer of 1"),
    ],
)
def test_refuses_a_source(classes, given, message):
    data, labels, *_ = classes
    with pytest.raises(ValueError, match=message):
        student().fit(RowSource(**{"folder": data, "labels": labels, **given}))


def test_refuses_labels_that_are_not_done(classes, tmp_path):
    data, labels, *_, teacher = classes
    how = {"drop": ["y", "n"], "shard_rows": 400}
    label_parquet(teacher, data, tmp_path / "out", max_rows=800, **how)
    RowSource(data, tmp_path / "out").open()  # it is what was asked for
    label_parquet(teacher, data, tmp_path / "out", **how)
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"n_wanted": 2000', '"n_wanted": 4000'))
    with pytest.raises(ValueError, match="holds 2000 of 4000 rows"):
        RowSource(data, tmp_path / "out").open()
    assert len(RowSource(data, tmp_path / "out", partial=True).open().shards) == 6


def test_refuses_one_row_group(tmp_path):
    frame = pd.DataFrame({"a": np.arange(50) / 7, "b": np.arange(50) % 3})
    (tmp_path / "data").mkdir()
    frame.to_parquet(tmp_path / "data" / "a.parquet", index=False)
    teacher = RandomForestClassifier(2, random_state=0).fit(frame, frame["a"] > 3)
    label_parquet(teacher, tmp_path / "data", tmp_path / "out")
    rows = RowSource(tmp_path / "data", tmp_path / "out")
    with pytest.raises(ValueError, match="the data is one row group"):
        student().fit(rows)
    assert student(early_stopping=False).fit(rows).classes_.tolist() == [False, True]


def test_grows_until_it_is_flat(classes, tmp_path):
    data, *_, teacher = classes
    how = {"drop": ["n"], "target": "y", "shard_rows": 200, "first_rows": 300}
    report = label_until_flat(teacher, data, tmp_path, student(), tolerance=0.9, **how)
    assert report.n_rows == [400, 800]
    assert report.n_enough == 400
    assert "400 rows were enough" in str(report)
    assert report.losses[0] > 0
    again = label_until_flat(teacher, data, tmp_path, student(), tolerance=0.01, **how)
    assert again.losses[:2] == report.losses
    assert again.n_rows[2:] == [1600, 1800][: len(again.n_rows) - 2]  # 200 rows judge
    assert again.student.classes_.tolist() == ["u", "v", "w"]


@pytest.mark.parametrize(
    "params",
    [{"growth": 1.0}, {"tolerance": 0}, {"first_rows": 0}, {"max_rows": 3}],
)
def test_growth_refuses(classes, tmp_path, params):
    data, *_, teacher = classes
    with pytest.raises(ValueError, match=f"`{next(iter(params))}`"):
        label_until_flat(teacher, data, tmp_path, student(), target="y", **params)


def test_growth_needs_two_shards(classes, tmp_path):
    data, *_, teacher = classes
    (tmp_path / "one").mkdir()
    shutil.copy(data / "a.parquet", tmp_path / "one")
    with pytest.raises(ValueError, match="`folder` is one shard"):
        label_until_flat(
            teacher, tmp_path / "one", tmp_path / "out", student(), target="y", drop=["n"]
        )


def test_schemes_with_a_loop_refuse_it(classes):
    with pytest.raises((ValueError, TypeError)):
        MutualClassifier(2, random_state=0).fit(RowSource(*classes[:2]))
