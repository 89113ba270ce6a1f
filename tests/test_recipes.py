"""The code of the page "Serve it elsewhere", as a reader would run it."""

import re
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skdistill import DistilledClassifier, MLPStudent, Scorer, TabularEncoder, self_check

PAGE = Path(__file__).resolve().parent.parent / "docs" / "user_guide" / "service.rst"
BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?: {3}.*\n|\n)+)", re.MULTILINE)


def test_recipes(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=120), "colour": rng.choice(["red", "blue"], 120)})
    y = np.where((X["size"] > 0) ^ (X["colour"] == "red"), "yes", "no")
    teacher = make_pipeline(TabularEncoder(), LogisticRegression())
    student = MLPStudent((64, 64), n_steps=40)
    clf = DistilledClassifier(teacher, student, transfer=None, random_state=0).fit(X, y)
    monkeypatch.chdir(tmp_path)
    found = {"clf": clf, "X": X, "__name__": "__main__"}
    blocks = BLOCK.findall(PAGE.read_text())
    assert len(blocks) == 3
    for block in blocks:
        exec(textwrap.dedent(block), found)
    expected = clf.predict_proba(X)
    assert found["matrix"].shape == X.shape
    np.testing.assert_allclose(found["p_onnx"], expected, rtol=0, atol=1e-5)
    assert list(found["p_table"]) == ["no", "yes"]
    np.testing.assert_allclose(found["p_table"], expected, rtol=0, atol=1e-5)
    stored = Scorer("as_onnx/model.onnx")
    assert not stored.metadata.is_as_written
    assert self_check(stored).n_rows == 5
