"""What a reader of a report sees first, and the served file's own row."""

import numpy as np
import pytest
from shared import oracle_data
from sklearn.datasets import load_iris, make_friedman1
from sklearn.ensemble import ExtraTreesRegressor

from skdistill import (
    DistillationReport,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    MutualClassifier,
    ReliabilityDisplay,
    Scorer,
    SelfDistilledClassifier,
    to_onnx,
)
from skdistill.inspection import Gap, _models
from skdistill.inspection._summary import summary_of

X, Y = oracle_data()
X_TEST, Y_TEST = oracle_data(1500, seed=1)
QUICK = {"n_bootstrap": 100, "random_state": 0}
LESS = {"log loss": Gap(-0.04, 0.002, 0.4), "errors": Gap(-0.006, 0.001, 0.1)}
CHANCE = {"log loss": Gap(0.004, 0.01, 0.4), "errors": Gap(-0.001, 0.01, 0.1)}


def test_the_summary_says_how_the_student_compares():
    first, second = summary_of(LESS, CHANCE, {"single rows": 0.02, "10,000 rows": 1.02}, 1 / 300)
    assert first == (
        "Beside its teacher, the student is 50 times faster on single rows, 300 times smaller, "
        "0.6 points more accurate and 10 % lower in log loss."
    )
    assert second == (
        "Beside its control, the student is as accurate, within chance (+0.1 points) and as good "
        "in log loss, within chance (+1 %)."
    )


def test_the_summary_hides_no_loss():
    worse = {"RMSE": Gap(0.5, 0.01, 2.0)}
    assert summary_of(worse, None, {"single rows": 3.0}, 2.0) == [
        "Beside its teacher, the student is 3.0 times slower on single rows, 2.0 times larger and "
        "25 % higher in RMSE."
    ]
    assert summary_of(None, None, None, None) == []


def test_text_and_page_begin_with_the_summary(oracle_clf, tmp_path):
    report = DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, speed=False, **QUICK)
    (told,) = report.verdict.summary
    assert told.startswith("Beside its teacher, the student is ")
    assert " ".join(str(report).split()).index(told) < str(report).index("Scores")
    page = report.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"<p>{told}</p>" in page
    assert all(line in page for line in report.about)
    assert report.to_dict()["verdict"]["summary"] == [told]
    assert f"on {X.shape[1]} columns" in report.about[0]


def test_the_exported_student_has_its_own_column(oracle_clf, tmp_path):
    path = tmp_path / "student.onnx"
    to_onnx(oracle_clf, path)
    for exported in (path, str(path), Scorer(path)):
        report = DistillationReport.from_estimator(
            oracle_clf, X_TEST, Y_TEST, exported=exported, **QUICK
        )
        table = report.to_frame().set_index(["part", "model", "metric"])["value"]
        student, served = table["scores", "student"], table["scores", "exported student"]
        np.testing.assert_allclose(served, student, atol=1e-4)
        size = table["size", "exported student", "pickled_bytes"]
        assert path.stat().st_size <= size < path.stat().st_size + 2000
        assert table["speed", "exported student", "rows_per_second"] > 0
    assert "exported student" in str(report)


def test_an_exported_student_of_another_kind_is_refused(oracle_clf):
    class Other(Scorer):
        def __init__(self):
            """A file of numbers has no classes."""

    with pytest.raises(TypeError, match="`exported` is not of a DistilledClassifier"):
        DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, exported=Other(), **QUICK)


def test_a_student_that_is_its_own_control_is_not_trained_twice(oracle_clf, monkeypatch):
    control = DistilledClassifier(
        oracle_clf.teacher, oracle_clf.student, alpha=1.0, transfer=None, random_state=0
    ).fit(X[:300], Y[:300])
    monkeypatch.setattr(_models, "fit_control", None)
    report = DistillationReport.from_estimator(
        control,
        X_TEST,
        Y_TEST,
        control="fit",
        X_train=X[:300],
        y_train=Y[:300],
        speed=False,
        **QUICK,
    )
    assert report.verdict.answer == "training without the teacher is as good here"


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_bars_show_the_rows_of_each_bin(strategy, n_classes):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(n_classes), size=500)
    y = [rng.choice(n_classes, p=row) for row in p]
    display = ReliabilityDisplay.from_predictions(y, p, strategy=strategy, show_counts=True)
    assert display.counts.sum() == 500
    assert len(display.counts) == len(display.prob_true) == len(display.bars_)
    if strategy == "uniform":
        sure = p[:, 1] if n_classes == 2 else p.max(axis=1)
        expected = np.histogram(sure, np.linspace(0, 1, 11))[0]
        np.testing.assert_array_equal(display.counts, expected[expected > 0])
    else:
        assert np.ptp(display.counts) <= 1
    assert ReliabilityDisplay.from_predictions(y, p).bars_ is None


def test_without_labels_the_report_tells_fidelity_alone(oracle_clf, tmp_path):
    with_labels = DistillationReport.from_estimator(oracle_clf, X_TEST, Y_TEST, **QUICK)
    report = DistillationReport.from_estimator(oracle_clf, X_TEST, None, **QUICK)
    assert report.verdict.answer == "open: without labels only fidelity is known"
    assert set(report.to_frame()["part"]) == {"fidelity", "speed", "size"}
    one, other = (
        r.to_frame().query("part == 'fidelity' and model == 'student'").set_index("metric")["value"]
        for r in (report, with_labels)
    )
    assert one.to_dict() == other.to_dict()
    (told,) = report.verdict.summary
    assert "smaller" in told or "larger" in told
    assert "accurate" not in told
    page = report.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Fidelity" in page
    assert "Scores" not in page


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_without_numbers_the_report_tells_fidelity_alone(head):
    X_num, y_num = make_friedman1(300, random_state=0)
    reg = DistilledRegressor(
        ExtraTreesRegressor(20), MLPStudent((8,), n_steps=50), head=head, transfer=None, alpha=0.3
    ).fit(X_num[:200], y_num[:200])
    report = DistillationReport.from_estimator(reg, X_num[200:], None, speed=False, **QUICK)
    assert set(report.to_frame()["part"]) == {"fidelity", "size"}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"control": "fit", "X_train": X, "y_train": Y}, "control"),
        ({"segments": [0]}, "segments"),
        ({"previous": True}, "previous"),
    ],
)
def test_without_labels_some_things_cannot_be_told(oracle_clf, given, name):
    given = {key: oracle_clf if value is True else value for key, value in given.items()}
    with pytest.raises(ValueError, match=f"`{name}` needs labels, but `y` is None"):
        DistillationReport.from_estimator(oracle_clf, X_TEST, None, **given, **QUICK)


def test_without_labels_and_without_a_teacher_there_is_nothing_to_tell(oracle_clf):
    with pytest.raises(ValueError, match="the student holds no teacher"):
        DistillationReport.from_estimator(oracle_clf.without_teacher(), X_TEST, None, **QUICK)


@pytest.mark.parametrize("kind", [SelfDistilledClassifier, MutualClassifier])
def test_a_student_that_makes_its_own_teacher_has_a_control(kind):
    X_own, y_own = load_iris(return_X_y=True)
    clf = kind(MLPStudent((8,), n_steps=60), n_students=2, random_state=0)
    clf.fit(X_own[::2], y_own[::2])
    report = DistillationReport.from_estimator(
        *(clf, X_own[1::2], y_own[1::2]),
        control="fit",
        X_train=X_own[::2],
        y_train=y_own[::2],
        speed=False,
        **QUICK,
    )
    assert "control" in set(report.to_frame()["model"])
