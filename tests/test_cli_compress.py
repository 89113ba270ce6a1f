"""`skdistill compress`: teachers from files, bars, and what is written."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import catboost
import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier, MLPStudent, Scorer, to_onnx
from skdistill.cli import main

ROOT = Path(__file__).resolve().parent.parent
N_ROWS = 400


@pytest.fixture(scope="module")
def table():
    X, codes = make_classification(N_ROWS, 4, n_informative=3, n_redundant=0, random_state=0)
    y = np.array(["no", "yes"], dtype=object)[codes]
    return pd.DataFrame(X, columns=list("abcd")).assign(y=y, id=range(N_ROWS))


@pytest.fixture
def folder(tmp_path, table, monkeypatch):
    """The data, and a logistic regression as the teacher."""
    monkeypatch.chdir(tmp_path)
    table.to_parquet("train.parquet")
    joblib.dump(LogisticRegression().fit(table[list("abcd")], table["y"]), "teacher.joblib")
    return tmp_path


@pytest.fixture(autouse=True)
def small_students(monkeypatch):
    """A fit takes a second: 60 steps, few synthetic rows, two sizes."""
    from skdistill._fit import transfer_set
    from skdistill._ladder import sizes
    from skdistill.student import _recipe

    monkeypatch.setattr(_recipe, "_whole_training", lambda *_: 60)
    monkeypatch.setattr(transfer_set, "ENOUGH_FOR_FEW", 500)
    monkeypatch.setattr(sizes, "AUTO_SIZES", ((8,), (16,)))


def arguments(*more, teacher="teacher.joblib", data="train.parquet", drop="id"):
    line = ["compress", "--teacher", teacher, "--data", data, "--target", "y"]
    return [*line, "--out", "student.onnx", "--drop", drop, "-q", *more]


def run(capfd, *args, **kwargs):
    """Exit code, stdout read as JSON, stderr."""
    code = main(arguments("--json", *args, **kwargs))
    out, err = capfd.readouterr()
    return code, json.loads(out) if out else None, err


def test_a_student_is_written_and_tested(folder, table, capfd):
    wanted = ["--report", "report.html", "--card", "card.md", "--licence", "CC0"]
    code, told, err = run(capfd, "--trust", "--min-agreement", "0.5", *wanted)
    assert code == 0
    assert told["verdict_summary"].startswith(f"{told['verdict']}. Beside its teacher")
    assert err.splitlines()[-1] == f"skdistill: verdict: {told['verdict_summary']}"
    assert (told["task"], told["train_rows"], told["test_rows"]) == ("classification", 320, 80)
    assert told["bytes"] == (folder / "student.onnx").stat().st_size
    assert told["agreement"] >= 0.5
    scorer, teacher = Scorer("student.onnx"), joblib.load("teacher.joblib")
    X = table[list("abcd")]
    assert (scorer.predict(X) == teacher.predict(X)).mean() > 0.5
    assert "retained_gain" in told
    assert "<html" in (folder / "report.html").read_text()
    assert "CC0" in (folder / "card.md").read_text()
    assert (scorer.metadata.licence, scorer.metadata.report["n_rows"]) == ("CC0", 80)
    names = ["card.md", "report.html", "student.onnx", "teacher.joblib", "train.parquet"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_the_same_seed_gives_the_same_file(folder, capfd):
    files = []
    for seed in ("1", "1", "2"):
        assert main(arguments("--trust", "--seed", seed, "--force")) == 0
        files.append((folder / "student.onnx").read_bytes())
    assert files[0] == files[1] != files[2]


@pytest.mark.parametrize(
    "bar",
    [
        ("--min-agreement", "1.01"),
        ("--min-retained", "1e9"),
        ("--max-bytes", "10"),
        ("--max-latency-us", "0.001"),
        ("--max-loss", "1e-9"),
    ],
)
def test_a_bar_that_is_not_met(folder, capfd, bar):
    code, told, err = run(capfd, "--trust", *bar)
    assert (code, told) == (3, None)
    assert err.splitlines()[-1].startswith("skdistill: not met: ")
    assert bar[0][2:].replace("-", "_").split("_")[1] in err
    assert not (folder / "student.onnx").exists()


def test_a_budget_takes_the_smallest_that_meets_it(folder, capfd):
    code, told, _ = run(capfd, "--trust", "--max-bytes", "60000")
    assert code == 0
    assert told["bytes"] == (folder / "student.onnx").stat().st_size <= 60_000
    assert told["us_one_row"] > 0


def test_a_column_for_the_teacher_alone_and_one_warning_of_the_student_that_is_kept(
    folder, table, capfd
):
    """The tree knows all labels by heart, so that each size is far behind it."""
    tree = DecisionTreeClassifier(random_state=0).fit(table[list("abcd")], table["y"])
    joblib.dump(tree, "teacher.joblib")
    table.drop(columns=["y", "id"]).to_csv("more.csv", index=False)
    code, told, err = run(
        capfd, "--trust", "--teacher-only", "b", "--transfer", "more.csv", "--max-bytes", "60000"
    )
    assert code == 0
    assert (told["columns"], told["teacher_only"], told["teacher_accuracy"]) == (
        list("acd"),
        ["b"],
        1,
    )
    metadata = Scorer("student.onnx").metadata
    assert [one.name for one in metadata.columns] == list("acd")
    assert "was given" not in metadata.decision
    assert "was chosen by StudentLadder, of 2 the" in metadata.decision
    assert err.count("\n") == err.count("far behind") == 1
    assert "--test" in err
    assert "X_val" not in err


def test_numbers(tmp_path, table, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    X = table[list("abcd")]
    y = X["a"] * 3 + X["b"]
    joblib.dump(HistGradientBoostingRegressor(max_iter=30).fit(X, y), "teacher.joblib")
    X.assign(y=y, id=0, colour="x").to_csv("train.csv", index=False)
    code, told, _ = run(
        capfd, "--trust", "--drop", "colour", "--layout", "matrix", data="train.csv"
    )
    assert (code, told["task"]) == (0, "regression")
    assert told["agreement"] > 0.5
    scorer = Scorer("student.onnx")
    assert [one.name for one in scorer.metadata.inputs] == ["features"]
    assert np.corrcoef(scorer.predict(X), y)[0, 1] > 0.8


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        ([], 1, "a pickle, which runs code"),
        (["--trust", "--test-fraction", "2"], 2, "test-fraction"),
        (["--trust", "--size", "huge"], 2, "size"),
        (["--trust", "--max-bytes", "-5"], 2, "max-bytes"),
        (["--trust", "--task", "regression"], 1, "LogisticRegression, says that it does the other"),
        (["--trust", "--max-bytes", "9", "--int8"], 2, "--int8"),
        (["--trust", "--drop", "none"], 1, "['none']"),
        (["--trust", "--drop", "a"], 1, "reads the column(s) ['a']"),
        (["--trust", "--teacher-only", "id"], 1, "['id'], which the teacher does not read"),
        (["--trust", *(f"--teacher-only={one}" for one in "abcd")], 1, "leaves the student none"),
        (["--trust", "--out", "none/a.onnx"], 1, "no folder"),
        (["--trust", "--out", "broken.json"], 1, "give --force"),
        (["--trust", "--out", "train.parquet", "--force"], 1, "is read as well"),
        (["--trust", "--out", "./teacher.joblib", "--force"], 1, "is read as well"),
        (["--trust", "--report", "student.onnx"], 1, "is another output"),
        (["--trust", "--teacher", "none.joblib"], 1, "there is no file"),
        (["--trust", "--teacher", "train.parquet"], 1, "tells no kind of model"),
        (["--teacher", "broken.json"], 1, "cannot be read"),
        (["--trust", "--data", "none.csv"], 1, "`--data`"),
        (["--trust", "--data", "unlabelled.csv"], 1, "lacks the target 'y' in 3 rows"),
        (["--trust", "--data", "others.csv"], 1, "['maybe']"),
        (["--trust", "--classes", "no,maybe"], 1, "--classes has ['no', 'maybe']"),
        (["--trust", "--target", "z"], 1, "no column(s) ['z']"),
        (["--trust", "--transfer", "none.csv"], 1, "`--transfer`"),
        (["--trust", "--transfer", "wide.csv"], 1, "`--transfer` has the column(s) ['more']"),
        (["--trust", "--test", "narrow.csv"], 1, "`--test` lacks the column(s) ['d']"),
        (["--trust", "--groups", "g"], 1, "no column(s) ['g']"),
        (["--trust", "--data", "mixed"], 1, "`--data` has files of different columns"),
        (["--trust", "--data", "empty"], 1, "has no rows"),
        (["--trust", "--weight", "w"], 1, "no column(s) ['w']"),
        (["--trust", "--weight", "a"], 1, "`--weight a`"),
    ],
)
def test_what_is_refused_before_there_is_any_work(folder, table, capfd, args, code, told):
    table.assign(y=table["y"].where(table["id"] > 2)).to_csv("unlabelled.csv", index=False)
    table.assign(y=table["y"].where(table["id"] > 2, "maybe")).to_csv("others.csv", index=False)
    table.assign(more=1).to_csv("wide.csv", index=False)
    table.drop(columns=["d", "id"]).to_csv("narrow.csv", index=False)
    for name, parts in {"mixed": [table, table.drop(columns="d")], "empty": [table[:0]]}.items():
        (folder / name).mkdir()
        for number, part in enumerate(parts):
            part.to_parquet(folder / name / f"{number}.parquet")
    (folder / "broken.json").write_text("{}")
    assert main(arguments(*args)) == code
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert told in err
    assert not (folder / "student.onnx").exists()


def test_unlabelled_rows_and_groups(folder, table, capfd):
    table.assign(y=None, other=1).to_csv("more.csv", index=False)
    table.assign(group=table["id"] // 10).to_parquet("train.parquet")
    more = ["--groups", "group", "--transfer", "more.csv", "--drop", "other"]
    code, _, err = run(capfd, "--trust", *more)
    assert (code, "no column(s) ['other']" in err) == (1, True)
    table.assign(y=None).to_csv("more.csv", index=False)
    code, told, _ = run(capfd, "--trust", *more[:4], "--dry-run")
    assert (code, told["transfer_rows"], told["train_rows"] % 10) == (0, N_ROWS, 0)
    table.to_parquet("test.parquet")  # it is not split, and has no groups
    code, told, _ = run(capfd, "--trust", *more[:2], "--test", "test.parquet", "--dry-run")
    assert (code, told["test_rows"]) == (0, N_ROWS)
    assert told["dry_run"]
    assert not (folder / "student.onnx").exists()


def test_weights_count_in_the_fit_and_in_the_test(folder, table, capfd):
    """Rows of weight 0 say nothing: their labels are wrong, in the training and in the test."""
    wrong = table["id"] % 2 == 0
    y = table["y"].where(~wrong, table["y"].map({"no": "yes", "yes": "no"}))
    table.assign(y=y, w=np.where(wrong, 0.0, 2.0)).to_parquet("train.parquet")
    joblib.dump(DecisionTreeClassifier(max_depth=3), "teacher.joblib")
    code, told, _ = run(capfd, "--trust", "--weight", "w")
    assert code == 0
    assert told["accuracy"] > 0.75
    assert told["teacher_accuracy"] > 0.6
    assert "w" not in told["columns"]


def store(name, X, y, codes):
    """A teacher of one of the libraries, in its own format."""
    if name == "a.json":
        xgboost.XGBClassifier(n_estimators=5).fit(X, codes).save_model(name)
    elif name == "a.ubj":
        xgboost.XGBRegressor(n_estimators=5).fit(X, codes * 1.5).save_model(name)
    elif name == "a.txt":
        lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, codes).booster_.save_model(name)
    elif name == "a.cbm":
        model = catboost.CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False)
        model.fit(X, y).save_model(name)
    elif name == "a.onnx":
        small = MLPStudent((8,), n_steps=30)
        clf = DistilledClassifier(LogisticRegression(), small, transfer=None, random_state=0)
        to_onnx(clf.fit(X, y), name)
    else:
        skops.io.dump(DecisionTreeClassifier(max_depth=4).fit(X, y), name)


@pytest.mark.parametrize(
    ("name", "task", "more"),
    [
        ("a.json", "classification", ["--classes", "no,yes"]),
        ("a.ubj", "regression", []),
        ("a.txt", "classification", ["--classes", "no,yes"]),
        ("a.cbm", "classification", []),
        ("a.onnx", "classification", []),
        ("a.skops", "classification", ["--trust-type", "sklearn.tree._tree.Tree"]),
    ],
)
def test_teachers_that_need_no_trust(folder, table, capfd, name, task, more):
    X, y = table[list("abcd")], table["y"].to_numpy()
    store(name, X, y, (y == "yes").astype(int))
    if task == "regression":
        table.assign(y=1.5 * (y == "yes")).to_parquet("train.parquet")
    if more:  # without, it is said what to give
        code, _, err = run(capfd, "--dry-run", teacher=name)
        assert (code, more[0] in err) == (1, True)
    code, told, err = run(capfd, "--dry-run", *more, teacher=name)
    assert (code, err) == (0, "")
    assert told["task"] == task
    if name in ("a.json", "a.ubj"):
        code, told, err = run(capfd, *more, teacher=name)
        assert code == 0
        assert told["agreement"] > 0.7


def test_ctrl_c_ends_the_fit_and_writes_nothing(folder, table):
    """In the middle of a training, which Ctrl-C alone would only cut short."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    table.assign(g=table["id"] // 4, w=1.0 + table["id"] % 2).to_parquet("train.parquet")
    more = ["--report", "report.html", "--groups", "g", "--weight", "w"]
    line = [sys.executable, "-m", "skdistill", *arguments("--trust", *more)]
    line.remove("-q")
    with subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(200, process.kill)
        watchdog.start()
        for said in process.stderr:
            if "training the student" in said:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        watchdog.cancel()
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert sorted(path.name for path in folder.iterdir()) == ["teacher.joblib", "train.parquet"]
