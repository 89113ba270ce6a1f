"""Model cards: from a file alone, and from a fitted student with its report."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    DistillationReport,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    Scorer,
    TabularEncoder,
    model_card,
    to_onnx,
)

SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=40)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"size": rng.normal(size=200), "town|village": rng.choice(list("abcdefghijklmnop"), 200)}
    )
    y = np.where(X["size"] > 0, "big", "small")
    teacher = [("lr", make_pipeline(TabularEncoder(), LogisticRegression()))]
    clf = DistilledClassifier(teacher, SMALL, transfer=None, random_state=0).fit(X, y)
    report = DistillationReport.from_estimator(clf, X, y, speed=False, random_state=0)
    return clf, X, report


def rows_under(text, heading):
    """The cells of the first table under a heading."""
    lines = text.split(f"\n{heading}\n", 1)[1].splitlines()
    rows = [line for line in lines if line.startswith("|")]
    cells = [line.strip("|").replace("\\|", "/").split("|") for line in rows]
    return [[cell.strip() for cell in row] for row in cells]


def test_of_a_file_alone(fitted, tmp_path):
    clf, _, report = fitted
    file = tmp_path / "towns.onnx"
    to_onnx(clf, file, licence="CC-BY-4.0", report=report)
    card = model_card(file, path=tmp_path / "README.md")
    assert "Scorer" in repr(card)  # a notebook shows it: skops would load a file as a pickle
    text = (tmp_path / "README.md").read_text()
    assert text == card.render()
    assert (
        f"distilled from `lr`, by skdistill {Scorer(file).metadata.packages['skdistill']}" in text
    )
    assert f"{file.stat().st_size:,} bytes" in text
    inputs = rows_under(text, "## Inputs")
    assert inputs[2] == ["size", "number", "float64", ""]
    assert inputs[3][0] == "town/village"
    assert inputs[3][3].endswith("k, l, ... (16 in all)")
    assert rows_under(text, "## Teachers")[2][1] == "Pipeline(TabularEncoder, LogisticRegression)"
    assert f"**Verdict: {report.verdict.answer}**" in text
    scores = rows_under(text, "## Scores")
    table = report.to_frame()
    is_mine = (table["part"] == "scores") & (table["model"] == "student")
    loss = table[is_mine].set_index("metric")["value"]["log_loss"]
    student = dict(zip(scores[0], scores[3], strict=True))
    assert student["model"] == "student"
    assert float(student["log_loss"]) == pytest.approx(loss, rel=1e-5)
    assert card.select("Licence").content == "CC-BY-4.0"
    assert card.select("Model/Intended use").content == "Not told."
    assert 'Scorer("towns.onnx")' in card.select("How to load").content
    for source in (Scorer(file), file.read_bytes()):
        assert (
            model_card(source).select("Origin/Data").content == card.select("Origin/Data").content
        )


def test_of_a_student_and_its_report(fitted):
    clf, _, report = fitted
    card = model_card(clf, report, licence="MIT", intended_use="Towns.")
    text = card.render()
    assert "to_onnx(student" in text
    assert card.select("Model/Intended use").content == "Towns."
    assert card.select("Licence").content == "MIT"
    assert report.verdict.reasons[0] in text
    scores = rows_under(text, "## Scores")
    assert [row[0] for row in scores[2:]][:2] == ["accuracy", "log loss"]
    assert rows_under(text, "## Differences")[0][1] == "student - teacher"
    assert "Origin/" not in text  # the titles are not paths
    card.add(**{"Model/Ethics": "None."})
    assert "## Ethics\n\nNone." in card.render()


def test_what_is_not_known_is_not_told(fitted):
    card = model_card(fitted[0].without_teacher())
    assert card.select("Origin/Teachers").content == "Not told."
    assert card.select("Evaluation").content == "Not told."
    assert card.select("Licence").content == "Not told."


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_of_numbers(head):
    X, y = make_regression(120, 3, random_state=0)
    reg = DistilledRegressor(
        Ridge(), SMALL, head=head, encoder=StandardScaler(), transfer=None, random_state=0
    )
    card = model_card(reg.fit(X, y))
    told = card.select("Model/Outputs").content
    assert told == "1 number(s)." if head == "mean" else told.startswith("Quantiles of a number")
    assert ".predict(rows)" in card.select("How to load").content
    assert card.select("Model/Inputs").content == "Not told."  # an encoder of one's own


def test_errors(fitted, tmp_path, monkeypatch):
    clf, X, report = fitted
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model_card(clf, path=tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == "mine"
    model_card(clf, path=tmp_path / "README.md", overwrite=True)
    assert (tmp_path / "README.md").read_text() != "mine"
    to_onnx(clf, tmp_path / "a.onnx", report=report)
    other = DistillationReport.from_estimator(clf, X, clf.predict(X), speed=False, random_state=0)
    with pytest.raises(ValueError, match="`report` has the digest .* exported with the report"):
        model_card(tmp_path / "a.onnx", other)
    with pytest.raises(ValueError, match="is the file of the student"):
        model_card(tmp_path / "a.onnx", path=tmp_path / "a.onnx", overwrite=True)
    for source in (clf, tmp_path / "a.onnx"):
        with pytest.raises(TypeError, match="`licence` must be text"):
            model_card(source, licence=3)
        with pytest.raises(TypeError, match="`report` must be a DistillationReport"):
            model_card(source, "report.html")
    with pytest.raises(ValueError, match="is not one that skdistill"):
        model_card(tmp_path / "README.md")
    monkeypatch.setitem(sys.modules, "skops.card", None)
    with pytest.raises(ImportError, match=r'pip install "skdistill\[card\]"'):
        model_card(clf)
