"""The service of an exported student: health, schema, answers, errors that name row and column."""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    Scorer,
    TabularEncoder,
    to_onnx,
)
from skdistill.service import create_app

ROOT = Path(__file__).resolve().parent.parent
IS_JSON = {"content-type": "application/json"}
SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=40)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Classifier, rows as a client sends them, file, application."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size in m": rng.normal(size=120),
            "colour": rng.choice(["red", "blue"], 120),
            "is_new": rng.random(120) < 0.4,
            "grade": pd.Categorical(rng.choice([1, 2, 3], 120)),
        }
    )
    y = np.where((X["size in m"] > 0) ^ (X["colour"] == "red"), "yes", "no")
    X.loc[::7, "size in m"] = np.nan
    teacher = make_pipeline(TabularEncoder(), LogisticRegression())
    clf = DistilledClassifier(teacher, SMALL, transfer=None, random_state=0).fit(X, y)
    path = tmp_path_factory.mktemp("served") / "student.onnx"
    to_onnx(clf, path)
    plain = X.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return clf, X, rows, path, create_app(path)


def asked(app, path, content=None):
    """What the application answers: to a GET, or to a POST of JSON, which may be its text."""

    async def ask():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            if content is None:
                return await client.get(path)
            text = content if isinstance(content, str) else json.dumps(content)
            return await client.post(path, content=text, headers=IS_JSON)

    return asyncio.run(ask())


def test_answers(served):
    clf, X, rows, _, app = served
    found = asked(app, "/predict", {"rows": rows})
    assert found.status_code == 200
    assert found.json()["classes"] == ["no", "yes"]
    assert found.json()["labels"] == clf.predict(X).tolist()
    np.testing.assert_allclose(found.json()["probabilities"], clf.predict_proba(X), atol=1e-5)


def test_health_and_schema(served):
    *_, path, app = served
    assert asked(app, "/health").json() == {
        "status": "ok",
        "task": "classification",
        "self_check_rows": 5,
    }
    assert asked(app, "/schema").json() == Scorer(path).metadata.to_dict()
    row = asked(app, "/openapi.json").json()["components"]["schemas"]["Row"]
    assert list(row["properties"]) == ["size in m", "colour", "is_new", "grade"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"size in m": "large"}, "size in m"),
        ({"size in m": True}, "size in m"),
        ({"colour": 3}, "colour"),
        ({"is_new": "yes"}, "is_new"),
        ({"grade": "1"}, "grade"),
        ({"weight": 1.0}, "weight"),
    ],
)
def test_a_bad_cell_is_named(served, change, place):
    _, _, rows, _, app = served
    found = asked(app, "/predict", {"rows": [rows[0], rows[1] | change, rows[2]]})
    assert found.status_code == 422
    assert found.json()["detail"][0]["loc"][:4] == ["body", "rows", 1, place]


@pytest.mark.parametrize("cell", ["NaN", "-Infinity", "1e999", r'"\ud800"'])
def test_a_cell_that_json_cannot_repeat_is_named(served, cell):
    """Python writes NaN and Infinity into JSON; the answer has to be JSON all the same."""
    _, _, rows, _, app = served
    bad = json.dumps({"rows": [rows[1] | {"size in m": 0.125}]}).replace("0.125", cell)
    found = asked(app, "/predict", bad)
    assert found.status_code == 422
    assert found.json()["detail"][0]["loc"] == ["body", "rows", 0, "size in m"]


def test_other_bad_requests(served):
    _, _, rows, path, app = served
    lacking = {name: cell for name, cell in rows[0].items() if name != "colour"}
    found = asked(app, "/predict", {"rows": [lacking]}).json()["detail"][0]
    assert (found["type"], found["loc"]) == ("missing", ["body", "rows", 0, "colour"])
    for bad in ({"rows": []}, {"rows": rows[0]}, {}, {"rows": rows, "more": 1}, [rows[0]]):
        assert asked(app, "/predict", bad).status_code == 422
    few = create_app(Scorer(path), max_rows=2)
    assert asked(few, "/predict", {"rows": rows[:2]}).status_code == 200
    assert asked(few, "/predict", {"rows": rows[:3]}).status_code == 422


def test_what_only_the_scorer_refuses(served, tmp_path):
    clf, _, rows, _, _ = served
    to_onnx(clf, tmp_path / "a.onnx", layout="matrix")
    found = asked(
        create_app(tmp_path / "a.onnx"), "/predict", {"rows": [{**rows[1], "size in m": 1e300}]}
    )
    assert found.status_code == 422
    assert "['size in m'] hold a number that is too large" in found.json()["detail"][0]["msg"]


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_numbers_in_rows_without_names(tmp_path, head):
    X, y = make_regression(120, 3, random_state=0)
    reg = DistilledRegressor(Ridge(), SMALL, head=head, transfer=None, random_state=0).fit(X, y)
    to_onnx(reg, tmp_path / "a.onnx")
    app = create_app(tmp_path / "a.onnx")
    found = asked(app, "/predict", {"rows": X[:5].tolist()}).json()
    if head == "mean":
        answers, expected = found["predictions"], reg.predict(X[:5])
    else:
        answers, expected = found["quantiles"], reg.predict_quantiles(X[:5])
        assert found["levels"] == reg.quantiles_.tolist()
    np.testing.assert_allclose(answers, expected, atol=1e-5 * np.ptp(y))
    bad = X[:2].tolist()
    bad[1][2] = None  # fitted without missing numbers
    found = asked(app, "/predict", {"rows": bad})
    assert found.json()["detail"][0]["loc"] == ["body", "rows", 1, 2]


def test_which_file(served, monkeypatch):
    *_, path, _ = served
    monkeypatch.delenv("SKDISTILL_MODEL", raising=False)
    with pytest.raises(ValueError, match="SKDISTILL_MODEL is not set"):
        create_app()
    monkeypatch.setenv("SKDISTILL_MODEL", str(path))
    assert asked(create_app(), "/health").status_code == 200
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(ImportError, match=r'pip install "skdistill\[serve\]"'):
        create_app(path)


WITHOUT = """
import sys
for name in {blocked}:
    sys.modules[name] = None  # as if it were not installed
import asyncio, httpx
from skdistill.service import create_app
async def ask():
    transport = httpx.ASGITransport(app=create_app({path!r}))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        print((await client.post("/predict", json={{"rows": {rows}}})).status_code)
asyncio.run(ask())
"""


def test_the_image_needs_no_more_than_it_installs(served):
    """The Dockerfile leaves out what training needs."""
    *_, rows, path, _ = served
    told = (ROOT / "examples" / "service" / "requirements.txt").read_text()
    installed = set(re.findall(r"^([a-z]+)", told, re.MULTILINE))
    assert installed == {"fastapi", "numpy", "onnxruntime", "uvicorn"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.match(r"[\w-]+", one)[0] for one in project["dependencies"]}
    blocked = {"torch", "skorch", "sklearn", "pandas", "scipy", "joblib", "narwhals"}
    assert needed - installed == blocked - {"sklearn"} | {"scikit-learn"}
    code = WITHOUT.format(blocked=sorted(blocked), path=str(path), rows=rows[:2])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stdout.strip() == "200", done.stderr
