"""Rows as one float32 matrix, with codes in the place of categories."""

from typing import Any

import numpy as np

from skdistill._utils.levels import as_text
from skdistill._utils.types import FloatArray, ObjectArray

# How a file takes its rows: as numbers and texts, or as one matrix.
COLUMNS, MATRIX = "columns", "matrix"
# The input that takes the matrix.
FEATURES = "features"
UNKNOWN_CODE = -1


class MatrixLayout:
    """Puts numbers and texts into one matrix.

    Parameters
    ----------
    features : dict
        As the metadata of the file describe the table.
    labels : list of str
        What to call the columns in an error.
    """

    def __init__(self, features: dict[str, Any], labels: list[str]) -> None:
        kinds = features["kinds"]
        self._labels = labels
        self._numbers = [i for i, kind in enumerate(kinds) if kind == "number"]
        self._categories = [i for i, kind in enumerate(kinds) if kind != "number"]
        pairs = zip(features["levels"], features["text_levels"], strict=True)
        self._codes = [_codes(text if known is None else known, features) for known, text in pairs]

    def matrix(self, numbers: FloatArray | None, texts: ObjectArray | None) -> FloatArray:
        """The matrix, from the numbers and the texts of the same rows.

        Parameters
        ----------
        numbers : ndarray of shape (n_rows, n_numbers) or None
        texts : ndarray of shape (n_rows, n_categories) or None

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            float32.

        Raises
        ------
        ValueError
            If a number is too large for float32.
        """
        given = numbers if texts is None else texts
        assert given is not None
        matrix = np.empty((len(given), len(self._labels)), np.float32)
        if numbers is not None:
            with np.errstate(over="ignore"):
                matrix[:, self._numbers] = numbers
            self._check(matrix)
        if texts is not None:
            for place, codes, cells in zip(self._categories, self._codes, texts.T, strict=True):
                matrix[:, place] = [codes.get(text, UNKNOWN_CODE) for text in cells.tolist()]
        return matrix

    def _check(self, matrix: FloatArray) -> None:
        infinite = np.isinf(matrix[:, self._numbers]).any(axis=0)
        if infinite.any():
            bad = [self._labels[self._numbers[i]] for i in np.flatnonzero(infinite)]
            raise ValueError(
                f"column(s) {bad} hold a number that is too large for float32, which this file "
                "takes: replace it, or export with layout='columns'."
            )


def _codes(levels: list[Any], features: dict[str, Any]) -> dict[str, float]:
    """The code of each text of a column; NaN of a missing value."""
    codes = {as_text(level): float(code) for code, level in enumerate(levels)}
    return {**codes, features["missing"]: np.nan}
