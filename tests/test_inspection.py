"""DistillationReport: numbers against scikit-learn's, verdicts of real models, text and page."""

import json
import os
import re
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from shared import Oracle, oracle_data, oracle_frame
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skdistill import MLP, DistillationReport, DistilledClassifier, MLPStudent
from skdistill.metrics import agreement, expected_calibration_error, kl_divergence

SMALL = MLPStudent((16,), n_steps=150)
QUICK = {"n_bootstrap": 100, "speed": False, "random_state": 0}


X, Y = oracle_data()
X_TEST, Y_TEST = oracle_data(1500, seed=1)


@pytest.fixture(scope="module")
def report(oracle_clf):
    return DistillationReport.from_estimator(
        oracle_clf,
        X_TEST,
        Y_TEST,
        control="fit",
        X_train=X[:300],
        y_train=Y[:300],
        segments=[0],
        random_state=0,
    )


def numbers(report, part, model, **more):
    table = report.to_frame()
    keys = {"part": part, "model": model, **more}
    for key, value in keys.items():
        table = table[table[key] == value]
    return table.set_index("metric")


def test_scores_are_those_of_scikit_learn(oracle_clf, report):
    for model, name in ((oracle_clf, "student"), (oracle_clf.teacher_, "teacher")):
        p = model.predict_proba(X_TEST)
        expected = {
            "accuracy": accuracy_score(Y_TEST, p.argmax(axis=1)),
            "log_loss": log_loss(Y_TEST, p),
            "brier": brier_score_loss(Y_TEST, p[:, 1]),
            "ece": expected_calibration_error(Y_TEST, p),
            "auc": roc_auc_score(Y_TEST, p[:, 1]),
        }
        found = numbers(report, "scores", name)
        for metric, value in expected.items():
            assert found.loc[metric, "value"] == pytest.approx(value), metric
            assert found.loc[metric, "low"] < value < found.loc[metric, "high"]


def test_fidelity_is_that_of_the_metrics(oracle_clf, report):
    p, q = oracle_clf.teacher_.predict_proba(X_TEST), oracle_clf.predict_proba(X_TEST)
    found = numbers(report, "fidelity", "student")["value"]
    assert found["agreement"] == pytest.approx(agreement(p, q))
    assert found["kl_divergence"] == pytest.approx(kl_divergence(p, q))
    assert found["largest_probability_gap"] == pytest.approx(np.abs(p - q).max())


def test_differences_are_paired(report):
    """The interval of a difference is narrower than those of two models that err together."""
    between = numbers(report, "differences", "student", versus="teacher").loc["log_loss"]
    alone = [numbers(report, "scores", name).loc["log_loss"] for name in ("student", "teacher")]
    assert between["value"] == pytest.approx(alone[0]["value"] - alone[1]["value"])
    independent = np.hypot(*(one["standard_error"] for one in alone))
    assert between["standard_error"] < independent / 2


def test_weights_are_repeated_rows(oracle_clf):
    weight = np.arange(len(Y_TEST)) % 3
    again = np.repeat(np.arange(len(Y_TEST)), weight)
    weighted = DistillationReport.from_estimator(
        oracle_clf, X_TEST, Y_TEST, sample_weight=weight, **QUICK
    )
    repeated = DistillationReport.from_estimator(oracle_clf, X_TEST[again], Y_TEST[again], **QUICK)
    for part in ("scores", "differences", "fidelity", "classes"):
        a, b = (one.table[one.table["part"] == part] for one in (weighted, repeated))
        np.testing.assert_allclose(a["value"], b["value"])


def test_the_same_seed_gives_the_same_report(oracle_clf):
    one, two = (
        DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, **QUICK).to_frame()
        for _ in "ab"
    )
    pd.testing.assert_frame_equal(one, two)
    other = DistillationReport.from_estimator(
        oracle_clf, X_TEST, Y_TEST, **(QUICK | {"random_state": 1})
    )
    assert (other.to_frame()["low"].dropna() != one["low"].dropna()).any()


# --- verdicts of real models ---


def answer(clf, **more):
    arguments = QUICK | more
    return DistillationReport.from_estimator(clf, X_TEST, Y_TEST, **arguments).verdict.answer


def test_serve_the_student(oracle_clf):
    ignorant = DummyClassifier(strategy="prior").fit(X, Y)
    assert answer(oracle_clf, control=ignorant) == "serve the student"


def test_training_without_the_teacher(oracle_clf):
    as_good = LogisticRegression(C=100).fit(X, Y)
    assert answer(oracle_clf, control=as_good) == "training without the teacher is as good here"


def test_keep_the_teacher():
    blind = FunctionTransformer(lambda X: X[:, 1:])  # the student does not see what counts
    poor = DistilledClassifier(Oracle(), SMALL, encoder=blind, transfer=None, random_state=0).fit(
        X, Y
    )
    assert answer(poor) == "keep the teacher"
    control = answer(poor, control="fit", X_train=X, y_train=Y)
    assert control == "keep the teacher"


def test_compiling_is_enough(oracle_clf):
    ignorant = DummyClassifier(strategy="prior").fit(X, Y)
    found = answer(
        oracle_clf, control=ignorant, compiled_teacher=Oracle().predict_proba, speed=True
    )
    assert found == "compiling the teacher is enough here"


def test_without_a_control_the_verdict_is_open(oracle_clf):
    report = DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, **QUICK)
    assert report.verdict.answer == "open: a control is missing"
    assert "There is no control" in str(report)
    assert "retained gain" not in set(report.to_frame()["part"])


# --- the control ---


def test_nothing_else_is_fitted(oracle_clf, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("fitted")

    control = LogisticRegression().fit(X, Y)
    monkeypatch.setattr(DistilledClassifier, "fit", refuse)
    monkeypatch.setattr(LogisticRegression, "fit", refuse)
    DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, control=control, **QUICK)


def test_retained_gain_where_the_teacher_is_ahead(oracle_clf):
    ignorant = DummyClassifier(strategy="prior").fit(X, Y)
    report = DistillationReport.from_estimator(
        oracle_clf, X_TEST, Y_TEST, control=ignorant, **QUICK
    )
    losses = {
        name: numbers(report, "scores", name).loc["log_loss", "value"]
        for name in ("teacher", "control", "student")
    }
    found = numbers(report, "retained gain", "student").loc["log_loss"]
    gain = (losses["control"] - losses["student"]) / (losses["control"] - losses["teacher"])
    assert found["value"] == pytest.approx(gain)
    assert found["low"] < gain < found["high"]


def test_retained_gain_means_nothing_where_the_teacher_is_not_ahead(oracle_clf):
    report = DistillationReport.from_estimator(
        oracle_clf, X_TEST, Y_TEST, control=Oracle(), **QUICK
    )
    found = numbers(report, "retained gain", "student")
    assert found["value"].isna().all()
    assert found["note"].str.startswith("not meaningful").all()
    assert "not meaningful" in str(report)


# --- containers, classes, teachers ---


def on_numbers(classifier):
    return make_pipeline(FunctionTransformer(lambda X: np.asarray(X[["a", "b"]])), classifier)


@pytest.mark.parametrize("library", [pd, pl])
def test_frames_with_categories(library):
    table, y = oracle_frame(library=library)
    teacher = on_numbers(LogisticRegression())
    clf = DistilledClassifier(teacher, SMALL, transfer=None, random_state=0).fit(table, y)
    control = {"control": "fit", "X_train": table[:200], "y_train": y[:200]}
    report = DistillationReport.from_estimator(
        clf, table, y, segments=["colour", "a"], **control, **QUICK
    )
    segments = numbers(report, "segments", "student").loc["accuracy"]
    assert set(segments["column"]) == {"colour", "a"}
    red = segments[segments["level"] == "red"].iloc[0]
    where = np.asarray(table["colour"]) == "red"
    assert red["n_rows"] == where.sum()
    right = clf.predict(table)[where] == y[where]
    assert red["value"] == pytest.approx(right.mean())
    classes = numbers(report, "classes", "student").loc["recall"]
    assert classes["level"].tolist() == ["no", "yes"]
    assert classes["value"].iloc[1] == pytest.approx(
        (clf.predict(table)[y == "yes"] == "yes").mean()
    )


def test_three_classes_and_one_that_is_missing():
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(10, random_state=0)
    clf = DistilledClassifier(forest, SMALL, random_state=0).fit(X[::2], y[::2])
    report = DistillationReport.from_estimator(clf, X[1::2], y[1::2], **QUICK)
    p = clf.predict_proba(X[1::2])
    found = numbers(report, "scores", "student")["value"]
    assert found["auc"] == pytest.approx(roc_auc_score(y[1::2], p, multi_class="ovr"))
    assert found["brier"] == pytest.approx(brier_score_loss(y[1::2], p))

    some = np.flatnonzero(y < 2)[1::2]
    report = DistillationReport.from_estimator(clf, X[some], y[some], **QUICK)
    found = numbers(report, "scores", "student")
    assert np.isnan(found.loc["auc", "value"])
    assert found.loc["auc", "note"] == "AUC is not known: y has no row of 1 of 3 classes"
    assert np.isfinite(found.loc["log_loss", "value"])
    missing = numbers(report, "classes", "student", level="2")
    assert missing["value"].isna().all()
    assert (missing["note"] == "no row in y").all()
    assert "y has no row of 1 of 3 classes" in str(report)
    json.dumps(report.to_dict(), allow_nan=False)


def test_without_a_teacher():
    p = Oracle().predict_proba(X)
    clf = DistilledClassifier(None, SMALL, transfer=None, random_state=0)
    clf.fit(X, Y, soft_targets=p)
    control = DummyClassifier(strategy="prior").fit(X, Y)
    report = DistillationReport.from_estimator(clf, X_TEST, Y_TEST, control=control, **QUICK)
    assert report.verdict.answer == "serve the student"
    assert "There is no teacher" in str(report)
    assert set(report.to_frame()["part"]) == {"scores", "differences", "classes", "size"}
    assert "svg" in report._repr_html_()


def test_a_pipeline_is_asked_as_its_last_step(oracle_clf):
    scale = StandardScaler().fit(X)
    inner = DistilledClassifier(LogisticRegression(), SMALL, transfer=None, random_state=0)
    pipe = make_pipeline(StandardScaler(), inner).fit(X, Y)
    arguments = QUICK | {"control": "fit", "X_train": X, "y_train": Y}
    whole = DistillationReport.from_estimator(pipe, X_TEST, Y_TEST, segments=[0], **arguments)
    arguments["X_train"] = scale.transform(X)
    last = DistillationReport.from_estimator(
        pipe[-1], scale.transform(X_TEST), Y_TEST, segments={"0": X_TEST[:, 0]}, **arguments
    )
    pd.testing.assert_frame_equal(whole.to_frame(), last.to_frame())
    alone = DistillationReport.from_estimator(make_pipeline(oracle_clf), X_TEST, Y_TEST, **QUICK)
    assert numbers(alone, "scores", "teacher").loc["log_loss", "value"] == pytest.approx(
        log_loss(Y_TEST, Oracle().predict_proba(X_TEST))
    )


def test_models_are_aligned_by_label(oracle_clf):
    class Swapped(Oracle):
        classes_ = np.array([1, 0])

        def predict_proba(self, X):
            return super().predict_proba(X)[:, ::-1]

    report = DistillationReport.from_estimator(
        oracle_clf, X_TEST, Y_TEST, control=Swapped(), compiled_teacher=Swapped(), **QUICK
    )
    teacher = numbers(report, "scores", "teacher")["value"]
    for name in ("control", "compiled teacher"):
        pd.testing.assert_series_equal(numbers(report, "scores", name)["value"], teacher)
    assert numbers(report, "fidelity", "compiled teacher").loc["agreement", "value"] == 1


def test_truths_that_a_model_excludes_are_counted(oracle_clf):
    class Sure(Oracle):
        def predict_proba(self, X):
            return np.round(super().predict_proba(X))

    report = DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, control=Sure(), **QUICK)
    n_wrong = int((Sure().predict_proba(X_TEST).argmax(axis=1) != Y_TEST).sum())
    found = numbers(report, "scores", "control").loc["log_loss"]
    assert f"exactly 0 on {n_wrong:,} of 1,500 rows" in found["note"]
    assert f"makes {found['value']:.4f} of its log loss" in found["note"]  # it has no other loss
    assert found["note"] in " ".join(str(report).split())


def test_speed_and_size(report):
    for model in ("teacher", "student"):
        found = numbers(report, "speed", model)["value"]
        assert 0 < found["p50_ms"] <= found["p99_ms"]
        assert found["rows_per_second"] > 0
    sizes = numbers(report, "size", "student")["value"]
    assert sizes["parameter_bytes"] < sizes["pickled_bytes"]
    assert "control" not in set(report.table.loc[report.table["part"] == "speed", "model"])


def test_a_student_that_cannot_be_stored():
    class Local(MLP):
        pass

    clf = DistilledClassifier(Oracle(), Local, transfer=None, random_state=0).fit(X[:100], Y[:100])
    sizes = numbers(
        DistillationReport.from_estimator(clf, X_TEST, Y_TEST, **QUICK), "size", "student"
    )
    assert sizes.loc["parameter_bytes", "value"] > 0
    assert np.isnan(sizes.loc["pickled_bytes", "value"])
    assert sizes["note"].tolist() == ["", "it cannot be pickled"]


def test_a_teacher_that_cannot_be_stored():
    class Local(Oracle):
        pass

    clf = DistilledClassifier(Local(), SMALL, transfer=None).fit(X, Y)
    report = DistillationReport.from_estimator(clf, X_TEST, Y_TEST, **QUICK)
    size = numbers(report, "size", "teacher").loc["pickled_bytes"]
    assert np.isnan(size["value"])
    assert size["note"] == "it cannot be pickled"
    assert "not known" in str(report)


# --- rows in common ---


def test_the_report_warns_of_rows_in_common(oracle_clf):
    with pytest.warns(UserWarning, match="900 of the 900 rows") as caught:
        DistillationReport.from_estimator(
            oracle_clf, X, Y, control="fit", X_train=X, y_train=Y, **QUICK
        )
    assert caught[0].filename == __file__


# --- text, table, page ---


def test_text(report):
    text = str(report)
    assert f"Verdict: {report.verdict.answer}" in text
    for title in ("Scores", "Differences", "Fidelity", "Segments", "Classes", "Speed and size"):
        assert f"\n{title}" in text
    assert max(map(len, text.splitlines())) < 140
    assert repr(report) == f"DistillationReport({report.verdict.answer!r}, 1,500 rows)"


def test_dict_is_json(report):
    back = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert back["verdict"]["answer"] == report.verdict.answer
    assert len(back["numbers"]) == len(report.to_frame())
    assert back["numbers"][0]["column"] is None
    assert back["classes"] == [0, 1]


def test_frame_is_a_copy(report):
    table = report.to_frame()
    table["value"] = 0
    assert report.to_frame()["value"].nunique() > 10


def test_page(report, tmp_path):
    import matplotlib.pyplot as plt

    path = report.to_html(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert page.startswith("<!DOCTYPE html>")
    # Nothing is loaded: no scripts, links, images but those inside the page.
    assert not re.search(r"<(script|link|img)\b|@import|url\((?!#)", page)
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "prefers-color-scheme: dark" in page
    assert "#010203" not in page
    assert plt.get_fignums() == []
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]

    with pytest.raises(FileExistsError, match="overwrite=True"):
        report.to_html(path)
    with pytest.raises(IsADirectoryError, match="is a folder: give the path of a file"):
        report.to_html(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder '.*nodir': make it first"):
        report.to_html(tmp_path / "nodir" / "report.html")
    path.write_text("old")
    assert report.to_html(path, overwrite=True).read_text(encoding="utf-8") == page


def test_page_escapes_what_users_named(oracle_clf):
    report = DistillationReport.from_estimator(
        oracle_clf,
        X_TEST,
        Y_TEST,
        segments={"<b>x</b>": np.where(X_TEST[:, 1] > 0, "<i>", "b&c")},
        **QUICK,
    )
    page = report._repr_html_()
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page
    assert "<i>" not in page


def test_an_unfinished_page_leaves_nothing_behind(report, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        report.to_html(tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(report, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "<svg" not in report._repr_html_()
    with pytest.raises(ImportError, match=r"skdistill\[plot\]"):
        report.to_html(tmp_path / "report.html")


# --- what is refused ---


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_bootstrap": 10}, ValueError, "`n_bootstrap` must be an integer >= 100, got 10"),
        ({"n_bootstrap": 2.5}, ValueError, "`n_bootstrap`"),
        ({"confidence_level": 95}, ValueError, "`confidence_level` must be in"),
        ({"speed": "yes"}, ValueError, "`speed` must be True or False"),
        ({"control": "train"}, ValueError, "`control` must be None, 'fit' or a fitted"),
        ({"control": "fit"}, ValueError, "`X_train` and `y_train`"),
        ({"X_train": X, "y_train": Y}, ValueError, "control='fit'"),
        ({"control": LogisticRegression()}, ValueError, "`control` is not fitted"),
        ({"control": LogisticRegression}, TypeError, "`control` must have predict_proba"),
        ({"compiled_teacher": "model.onnx"}, TypeError, "`compiled_teacher` must have"),
        (
            {"compiled_teacher": lambda X: np.ones((len(X), 3)) / 3},
            ValueError,
            "predict_proba of compiled_teacher",
        ),
        ({"segments": ["b"]}, ValueError, r"`segments` names \['b'\]"),
        ({"segments": {"b": [1, 2]}}, ValueError, "a value for each of the 1500 rows"),
        ({"sample_weight": -np.ones(len(Y_TEST))}, ValueError, "sample_weight"),
    ],
)
def test_bad_arguments(oracle_clf, arguments, error, message):
    with pytest.raises(error, match=message):
        DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, **(QUICK | arguments))


def test_bad_rows_and_models(oracle_clf):
    from_estimator = DistillationReport.from_estimator
    with pytest.raises(ValueError, match=r"`y` has labels .*2.* not in classes_"):
        from_estimator(oracle_clf, X_TEST, Y_TEST * 2, **QUICK)
    with pytest.raises(ValueError, match="`y` lacks 2 of 1500 labels: .* leave those rows out"):
        from_estimator(oracle_clf, X_TEST, [None, np.nan, *Y_TEST[2:].tolist()], **QUICK)
    with pytest.raises(ValueError, match="inconsistent"):
        from_estimator(oracle_clf, X_TEST, Y_TEST[:-1], **QUICK)
    with pytest.raises(ValueError, match="5 rows; a report needs 20"):
        from_estimator(oracle_clf, X_TEST[:5], Y_TEST[:5], **QUICK)
    with pytest.raises(TypeError, match="must be a fitted DistilledClassifier"):
        from_estimator(LogisticRegression().fit(X, Y), X_TEST, Y_TEST, **QUICK)
    with pytest.raises(ValueError, match="not fitted"):
        from_estimator(DistilledClassifier(), X_TEST, Y_TEST, **QUICK)
    with pytest.raises(ValueError, match="`y_train` has labels"):
        from_estimator(oracle_clf, X_TEST, Y_TEST, control="fit", X_train=X, y_train=Y + 5, **QUICK)
    stranger = LogisticRegression().fit(X, Y + 5)
    with pytest.raises(ValueError, match=r"`control` knows classes \[5, 6\]"):
        from_estimator(oracle_clf, X_TEST, Y_TEST, control=stranger, **QUICK)
