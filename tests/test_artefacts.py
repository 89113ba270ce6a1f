"""What an exported file says of itself: where it comes from, and rows to check it by."""

import datetime
import json

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

import skdistill
from skdistill import (
    DistillationReport,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    Scorer,
    TabularEncoder,
    data_hash,
    self_check,
    to_onnx,
)
from skdistill.serving import checksum_of

SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=40)


def mixed(n_rows=201):
    """Numbers, one of them with gaps, text, bools and whole numbers as categories."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "colour": rng.choice(["red", "blue", "green"], n_rows),
            "is_new": rng.random(n_rows) < 0.4,
            "grade": pd.Categorical(rng.choice([1, 2, 3], n_rows)),
        }
    )
    y = np.where((X["size"] > 0) ^ (X["colour"] == "red"), "yes", "no")
    X.loc[::7, "size"] = np.nan
    return X, y


@pytest.fixture(scope="module")
def fitted():
    X, y = mixed()
    teacher = [
        ("lr", make_pipeline(TabularEncoder(), LogisticRegression())),
        ("old", FrozenEstimator(make_pipeline(TabularEncoder(), LogisticRegression()).fit(X, y))),
    ]
    clf = DistilledClassifier(teacher, SMALL, transfer=None, random_state=0)
    return clf.fit(X, y), X, y


@pytest.fixture(scope="module")
def path(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("artefacts") / "student.onnx"
    to_onnx(fitted[0], path, licence="CC-BY-4.0", created="2026-01-31T12:00:00")
    return path


def test_metadata(fitted, path):
    clf, X, y = fitted
    told = Scorer(path).metadata
    assert (told.task, told.classes, told.n_outputs) == ("classification", ["no", "yes"], 2)
    found = [(one.name, one.kind, one.dtype, one.levels) for one in told.columns]
    assert found == [
        ("size", "number", "float64", None),
        ("colour", "category", "string", ["blue", "green", "red"]),
        ("is_new", "category", "bool", [False, True]),
        ("grade", "category", "number", [1, 2, 3]),
    ]
    assert [one.name for one in told.inputs] == ["numbers", "categories"]
    assert [(one.name, one.shape) for one in told.outputs] == [
        ("label", ["n_rows"]),
        ("probabilities", ["n_rows", 2]),
    ]
    assert (told.n_bytes, told.is_as_written, told.quantize) == (path.stat().st_size, True, None)
    assert told.n_parameters == sum(p.numel() for p in clf.student_.module_.parameters())
    assert told.packages["skdistill"] == skdistill.__version__
    names = [(one["name"], one["type"]) for one in told.teachers]
    inner = "Pipeline(TabularEncoder, LogisticRegression)"
    assert names == [("lr", inner), ("old", inner)]
    assert {"skdistill", "sklearn"} == set(told.teachers[1]["packages"])
    assert told.temperature == clf.temperature_
    assert (told.alpha, told.decision) == (clf.alpha_, clf.decision_)
    assert told.calibration_temperature == clf.calibration_temperature_
    assert (told.licence, told.created) == ("CC-BY-4.0", "2026-01-31T12:00:00")
    assert told.data_hash == data_hash(X, y)
    assert told.data_hash != data_hash(X.iloc[:-1], y[:-1])
    assert json.loads(json.dumps(told.to_dict()))["columns"][1]["levels"] == told.columns[1].levels


def test_a_student_without_its_teacher_does_not_know_it(fitted, tmp_path):
    to_onnx(fitted[0].without_teacher(), tmp_path / "a.onnx")
    told = Scorer(tmp_path / "a.onnx").metadata
    assert told.teachers is None
    assert told.data_hash == data_hash(*fitted[1:])


def test_two_exports_are_equal_to_the_byte(fitted, tmp_path, monkeypatch):
    for name in "ab":
        to_onnx(fitted[0], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    to_onnx(fitted[0], tmp_path / "c")
    assert Scorer(tmp_path / "c").metadata.created == "2026-01-01T00:00:00+00:00"
    when = datetime.datetime(2025, 5, 1)
    to_onnx(fitted[0], tmp_path / "d", created=when)
    assert Scorer(tmp_path / "d").metadata.created == when.isoformat()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"licence": 3}, TypeError),
        ({"report": "good"}, TypeError),
        ({"created": "yesterday"}, ValueError),
        ({"created": 3}, ValueError),
    ],
)
def test_bad_notes(fitted, tmp_path, given, error):
    with pytest.raises(error, match=f"`{next(iter(given))}` must be"):
        to_onnx(fitted[0], tmp_path / "a.onnx", **given)
    assert not any(tmp_path.iterdir())


def test_report_in_the_file(fitted, tmp_path):
    clf, X, y = fitted
    report = DistillationReport.from_estimator(clf, X, y, speed=False, random_state=0)
    to_onnx(clf, tmp_path / "a.onnx", report=report)
    told = Scorer(tmp_path / "a.onnx").metadata.report
    assert told["digest"] == report.digest()
    assert (told["verdict"], told["n_rows"]) == (report.verdict.answer, len(X))
    table = report.to_frame()
    mine = table[(table["part"] == "scores") & (table["model"] == "student")]
    expected = mine.set_index("metric")["value"]["log_loss"]
    assert told["scores"]["student"]["log_loss"] == pytest.approx(expected, rel=1e-5)


# --- the rows in the file ---


def test_self_check(fitted, path):
    clf, X, _ = fitted
    check = self_check(path)
    assert (check.n_rows, check.largest_gap < 1e-6) == (5, True)
    rows = pd.DataFrame(check.rows, columns=X.columns)
    np.testing.assert_allclose(clf.predict_proba(rows), check.expected, atol=1e-5)
    assert rows["size"].isna().sum() == 1
    assert "5 rows answered as when the file was written" in str(check)
    assert self_check(Scorer(path)) == self_check(path.read_bytes()) == check
    seen = X.astype(object).where(X.notna(), None).to_numpy().tolist()
    assert not any(row in seen for row in check.rows)


def changed(path, change):
    """The content of the file with other metadata, as another tool would write it."""
    model = onnx.load(path)
    metadata = {one.key: one.value for one in model.metadata_props}
    change(metadata)
    metadata["metadata_sha256"] = checksum_of(metadata)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    return model.SerializeToString()


def test_self_check_finds_another_answer(path):
    def shift(metadata):
        told = json.loads(metadata["self_check"])
        told["answers"][2][0] = round(told["answers"][2][0] + 2e-5, 5)
        metadata["self_check"] = json.dumps(told)

    with pytest.raises(ValueError, match="does not answer here .* on row 2 of its self-check"):
        self_check(changed(path, shift))


def test_metadata_that_were_changed_are_refused(path):
    model = onnx.load(path)
    for one in model.metadata_props:
        one.value = one.value.replace("CC-BY-4.0", "MIT")
    with pytest.raises(ValueError, match="lost or changed some of the metadata"):
        Scorer(model.SerializeToString())


def test_a_file_of_an_older_version(path):
    """It says less, and is checked by its probe."""

    def forget(metadata):
        for key in ("provenance", "self_check"):
            del metadata[key]
        features = json.loads(metadata["features"])
        del features["text_levels"]
        metadata["features"] = json.dumps(features)

    scorer = Scorer(changed(path, forget))
    assert not scorer.metadata.is_as_written
    assert scorer.metadata.teachers is None
    assert [one.levels for one in scorer.metadata.columns[1:3]] == [None, [False, True]]
    check = self_check(scorer)
    assert check.n_rows > 5
    assert check.rows == []


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_numbers(tmp_path, head):
    X, y = make_regression(300, 4, random_state=0)
    reg = DistilledRegressor(Ridge(), SMALL, head=head, transfer=None, random_state=0)
    to_onnx(reg.fit(X, y), tmp_path / "a.onnx")
    told = Scorer(tmp_path / "a.onnx").metadata
    assert told.task == {"mean": "regression", "quantiles": "quantiles"}[head]
    assert told.n_outputs == (1 if head == "mean" else len(reg.quantiles_))
    assert told.classes is told.temperature is None
    assert [one.name for one in told.columns] == ["0", "1", "2", "3"]
    assert self_check(tmp_path / "a.onnx").n_rows == 4  # it takes no missing numbers


def test_an_encoder_of_your_own(tmp_path):
    from sklearn.preprocessing import StandardScaler

    X, y = make_classification(200, 5, random_state=0)
    clf = DistilledClassifier(
        LogisticRegression(), SMALL, encoder=StandardScaler(), transfer=None, random_state=0
    )
    to_onnx(clf.fit(X, y), tmp_path / "a.onnx", X=X)
    assert self_check(tmp_path / "a.onnx").n_rows == 4
