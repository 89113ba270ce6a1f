"""Whether a file answers here as it did where it was written."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill._utils.types import FloatArray
from skdistill.serving._answers import TOLERANCE
from skdistill.serving._model_file import read_probe
from skdistill.serving._opening import Source
from skdistill.serving._scorer import Scorer


@dataclass(frozen=True)
class SelfCheck:
    """How the answers here compare with those in the file.

    Parameters
    ----------
    n_rows : int
        Rows that were asked: 0 where the file holds none.
    largest_gap : float
        Largest difference of a probability; of a number, as a share of the range of y.
    tolerance : float
        Largest gap that passes.
    rows : list of list
        The rows, in the order of the columns; None is a missing value. Empty for a file of an older
        version, whose rows are those of its ``probe``.
    expected : list of list of float
        The answers in the file: probabilities, numbers or quantiles.
    """

    n_rows: int
    largest_gap: float
    tolerance: float
    rows: list[list[Any]]
    expected: list[list[float]]

    def __str__(self) -> str:
        if not self.n_rows:
            return "the file holds no rows to check it by"
        return (
            f"{self.n_rows} rows answered as when the file was written: the largest gap is "
            f"{self.largest_gap:.1e}, and {self.tolerance:.0e} is allowed"
        )


def self_check(source: "Scorer | Source") -> SelfCheck:
    """Ask a file for the rows that are stored in it, and compare the answers.

    The rows are made of medians and categories, so none is a row of the training data. The file is
    read by :class:`Scorer`, which refuses one that is damaged.

    Parameters
    ----------
    source : str, Path, bytes, binary file or Scorer

    Returns
    -------
    SelfCheck

    Raises
    ------
    ValueError
        If the file is not whole, or an answer is off by more than 1e-5.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, MLPStudent, self_check, to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(LogisticRegression(max_iter=500), MLPStudent((8,))).fit(X, y)
    >>> folder = TemporaryDirectory()
    >>> report = to_onnx(clf, Path(folder.name) / "student.onnx")
    >>> self_check(Path(folder.name) / "student.onnx").n_rows
    4
    >>> folder.cleanup()
    """
    scorer = source if isinstance(source, Scorer) else Scorer(source)
    stored = scorer._metadata.get("self_check")
    if stored is None:
        return _check_probe(scorer)
    told = json.loads(stored)
    rows, expected = told["rows"], np.array(told["answers"], dtype=np.float64)
    if not rows:
        return SelfCheck(0, 0.0, TOLERANCE, [], [])
    found = scorer._ask([scorer._answers.main], np.array(rows, dtype=object))[0]
    return _compared(scorer, rows, expected, found)


def _check_probe(scorer: Scorer) -> SelfCheck:
    """The same by the rows of a file that has no others."""
    if "probe" not in scorer._metadata:
        return SelfCheck(0, 0.0, TOLERANCE, [], [])
    feed, expected = read_probe(scorer._metadata)
    if not len(expected):
        return SelfCheck(0, 0.0, TOLERANCE, [], [])
    return _compared(scorer, [], expected, scorer._session.run([scorer._answers.main], feed)[0])


def _compared(
    scorer: Scorer, rows: list[list[Any]], expected: FloatArray, found: FloatArray
) -> SelfCheck:
    gaps = [scorer._answers.gap(found[[i]], expected[[i]]) for i in range(len(expected))]
    worst = int(np.argmax(gaps))
    if not gaps[worst] <= TOLERANCE:
        raise ValueError(
            f"the file does not answer here as it did when it was written: on row {worst} of its "
            f"self-check the answer is {found[worst].tolist()}, where {expected[worst].tolist()} "
            f"was stored; {TOLERANCE:.0e} is allowed. Export it again, or use the version of ONNX "
            "Runtime that it was exported with."
        )
    return SelfCheck(len(expected), float(gaps[worst]), TOLERANCE, rows, expected.tolist())
