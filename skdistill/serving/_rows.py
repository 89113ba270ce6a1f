"""Rows as an exported graph takes them: a matrix of numbers, a matrix of strings.

Only NumPy is imported here: frames are told by what they have.
"""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn, TypeAlias

import numpy as np

from skdistill._stored.files import current_features
from skdistill._utils.types import FloatArray, ObjectArray, Table
from skdistill._utils.values import is_missing, is_number_type
from skdistill.serving._categories import category_columns
from skdistill.serving._matrix import FEATURES, MATRIX, MatrixLayout

NUMBERS, CATEGORIES = "numbers", "categories"
_PLAIN_NUMBERS = (float, int)
# Types of pyarrow whose nulls become NaN in an array.
_ARROW_NUMBERS = {"halffloat", "float", "double"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
# The quickest pass over as many numbers is a product; over more it would start threads.
MOST_FOR_A_PRODUCT = 4096

# What the graph is given, by the name of the input.
Feed: TypeAlias = dict[str, np.ndarray]


class RowReader:
    """Checks rows and lays them out.

    Parameters
    ----------
    features : dict
        As it stands in the metadata of the file.
    """

    def __init__(self, features: dict[str, Any]) -> None:
        features = current_features(features)
        kinds = features["kinds"]
        self.n_columns, self.names = len(kinds), features["names"]
        self.labels = self.names or [str(i) for i in range(len(kinds))]
        self.number_type = np.dtype(features["number_type"])
        self.allow_missing = features["allow_missing"]
        self.is_number = [kind == "number" for kind in kinds]
        self._numbers = [i for i, kind in enumerate(kinds) if kind == "number"]
        self._categories = [i for i, kind in enumerate(kinds) if kind != "number"]
        self.has_categories = bool(self._categories)
        self._number_labels = [self.labels[i] for i in self._numbers]
        self._category_labels = [self.labels[i] for i in self._categories]
        self._category_columns = category_columns(self._category_labels, features)
        is_matrix = features["layout"] == MATRIX
        self.matrix_layout = MatrixLayout(features, self.labels) if is_matrix else None

    def read(self, X: Table) -> tuple[Feed, int]:
        """Lay rows out.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists

        Returns
        -------
        feed : dict of str to ndarray
        n_rows : int
        """
        feed, n_rows = self._read(X)
        return self.laid_out(feed), n_rows

    def laid_out(self, feed: Feed) -> Feed:
        """Numbers and texts as the file takes them: as they are, or as one matrix.

        Parameters
        ----------
        feed : dict of str to ndarray

        Returns
        -------
        dict of str to ndarray
        """
        if self.matrix_layout is None:
            return feed
        return {FEATURES: self.matrix_layout.matrix(feed.get(NUMBERS), feed.get(CATEGORIES))}

    def _read(self, X: Table) -> tuple[Feed, int]:
        if type(X) is np.ndarray:
            return self._of_array(X)
        if isinstance(X, dict):
            return self._of_dicts([X])
        if hasattr(X, "to_frame"):  # a Series
            raise ValueError(
                f"Expected 2D array, got a {type(X).__name__} instead: a single row is "
                "`df.iloc[[0]]`, or a dict."
            )
        if hasattr(X, "collect") or hasattr(X, "compute"):
            raise TypeError(
                f"X is a {type(X).__name__}, which holds no rows yet: bring it into memory, as by "
                ".collect() or .compute()."
            )
        if hasattr(X, "columns") and hasattr(X, "__getitem__"):
            return self._of_frame(X)
        if isinstance(X, (list, tuple)):
            if any(isinstance(row, dict) for row in X):
                return self._of_dicts(X)
            return self._of_array(_array_of_rows(X))
        if hasattr(X, "toarray"):
            raise TypeError(f"X is a {type(X).__name__}, which is sparse: give X.toarray().")
        if np.ma.is_masked(X):
            raise TypeError(
                "X is a MaskedArray, whose mask would be lost: give "
                ".astype(float).filled(numpy.nan) of it."
            )
        if hasattr(X, "__array__"):
            return self._of_array(np.asarray(X))
        raise TypeError(
            f"X is {type(X).__name__}: give an array, a DataFrame, a dict of one row or a list of "
            "dicts."
        )

    # --- arrays ---

    def _of_array(self, X: np.ndarray) -> tuple[Feed, int]:
        shape = X.shape
        if len(shape) != 2 or shape[1] != self.n_columns or not shape[0]:
            self._refuse_shape(X)
        if self._categories:
            return self._of_columns([X[:, i] for i in range(self.n_columns)], shape[0])
        if X.dtype.kind in "fiub":
            numbers = np.ascontiguousarray(X, dtype=self.number_type)
            self._check(numbers)
            return {NUMBERS: numbers}, shape[0]
        return self._of_columns([X[:, i] for i in range(self.n_columns)], shape[0])

    def _refuse_shape(self, X: np.ndarray) -> NoReturn:
        if X.ndim != 2:
            raise ValueError(
                f"Expected 2D array, got {X.ndim}D array instead: a single row is `X[None]`, or a "
                "dict."
            )
        if not X.shape[0]:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required."
            )
        raise ValueError(
            f"X has {X.shape[1]} features, but Scorer is expecting {self.n_columns} features as "
            "input."
        )

    # --- frames ---

    def _of_frame(self, X: Table) -> tuple[Feed, int]:
        columns = _names_of(X)
        found = [str(column) for column in columns]
        twice = [name for name, count in Counter(found).items() if count > 1]
        if twice:
            raise ValueError(
                f"X has several columns of one name, {twice}: give each a name of its own."
            )
        if self.names is None:
            if len(X) == 0 or len(columns) != self.n_columns:
                self._refuse_shape(np.empty((len(X), len(columns))))
        else:
            if set(found) != set(self.names):
                self._refuse_names(found)
            place = dict(zip(found, columns, strict=True))
            columns = [place[name] for name in self.names]
            if len(X) == 0:
                self._refuse_shape(np.empty((0, len(columns))))
        told = zip(columns, self.is_number, strict=True)
        return self._of_columns(
            [_cells_of(X[column], is_number) for column, is_number in told], len(X)
        )

    def _of_columns(self, columns: list[np.ndarray], n_rows: int) -> tuple[Feed, int]:
        """From one array a column."""
        feed: Feed = {}
        if self._numbers:
            numbers = np.empty((n_rows, len(self._numbers)), self.number_type)
            for place, i in enumerate(self._numbers):
                numbers[:, place] = self._floats(columns[i], self.labels[i])
            self._check(numbers)
            feed[NUMBERS] = numbers
        if self._categories:
            cells = np.empty((n_rows, len(self._categories)), dtype=object)
            for place, i in enumerate(self._categories):
                values = _as_list(columns[i], self.labels[i])
                cells[:, place] = self._category_columns[place].texts(values)
            feed[CATEGORIES] = cells
        return feed, n_rows

    def _floats(self, values: np.ndarray, label: str) -> np.ndarray:
        if values.dtype.kind in "fiu":
            return values
        numbers = [_number(value, label) for value in _as_list(values, label)]
        return _float_array(numbers, self.number_type)

    # --- dicts ---

    def _of_dicts(self, rows: list[dict] | tuple[dict, ...]) -> tuple[Feed, int]:
        if self.names is None:
            raise ValueError(
                "the student was fitted without column names, so a dict does not tell the order: "
                "give an array."
            )
        numbers, cells = [], []
        for row in rows:
            if not isinstance(row, dict):
                raise TypeError(f"X holds dicts and a {type(row).__name__}: give dicts alone.")
            if len(row) != self.n_columns:
                self._refuse_names(row)
            try:
                numbers.append([row[label] for label in self._number_labels])
                cells.append([row[label] for label in self._category_labels])
            except KeyError:
                self._refuse_names(row)
        feed: Feed = {}
        if self._numbers:
            feed[NUMBERS] = self._matrix(numbers)
        if self._categories:
            feed[CATEGORIES] = self._text_matrix(cells)
        return feed, len(rows)

    def _matrix(self, rows: list[list[Any]]) -> FloatArray:
        """The numbers of each row as a matrix; the lists are changed."""
        for values in rows:
            for place, value in enumerate(values):
                if type(value) not in _PLAIN_NUMBERS:
                    values[place] = _number(value, self._number_labels[place])
        numbers = _float_array(rows, self.number_type)
        self._check(numbers)
        return numbers

    def _text_matrix(self, rows: list[list[Any]]) -> ObjectArray:
        """The categories of each row as a matrix of texts."""
        columns = self._category_columns
        if len(rows) == 1:
            texts = [column.text(value) for column, value in zip(columns, rows[0], strict=True)]
            return np.array([texts], dtype=object)
        by_column = zip(columns, zip(*rows, strict=True), strict=True)
        return np.array([column.texts(cells) for column, cells in by_column], dtype=object).T.copy()

    # --- names, numbers ---

    def _refuse_names(self, found: Iterable[str]) -> NoReturn:
        missing = [name for name in self.labels if name not in found]
        extra = [name for name in found if name not in self.labels]
        told = [f"lacks the column(s) {missing}"] if missing else []
        told += [f"has the column(s) {extra} that the student was not fitted with"] if extra else []
        raise ValueError(f"X {' and '.join(told)}: it must have {self.labels}.")

    def _check(self, numbers: FloatArray) -> None:
        """Refuse infinity, and missing numbers where the student takes none."""
        if _all_finite(numbers):
            return
        infinite = np.isinf(numbers).any(axis=0)
        if infinite.any():
            bad = [self._number_labels[i] for i in np.flatnonzero(infinite)]
            raise ValueError(
                f"Input X contains infinity in column(s) {bad}: replace it by a finite number or "
                "NaN."
            )
        if self.allow_missing:
            return
        missing = np.isnan(numbers).any(axis=0)
        if missing.any():
            bad = [self._number_labels[i] for i in np.flatnonzero(missing)]
            raise ValueError(
                f"Input X contains NaN in column(s) {bad}, but the student was fitted without: "
                "impute it first."
            )


def _all_finite(numbers: FloatArray) -> bool:
    """Whether all are finite; False as well where they are so large that their sum is not."""
    if numbers.size < MOST_FOR_A_PRODUCT:
        return math.isfinite(np.vdot(numbers, numbers))
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(numbers.sum())


def _array_of_rows(rows: list | tuple) -> np.ndarray:
    """Lists as an array of numbers, or of objects where NumPy would make all of them strings."""
    if not rows:
        return np.empty((0, 0))
    array = np.asarray(rows)
    return array if array.dtype.kind in "fiub" else np.asarray(rows, dtype=object)


def _names_of(frame: Table) -> list:
    """The names of the columns; those of a pyarrow Table are not what `columns` gives."""
    return list(frame.column_names if hasattr(type(frame), "column_names") else frame.columns)


def _cells_of(column: Any, is_number: bool) -> np.ndarray:
    """The cells of a column of a frame as an array: of objects, where NumPy has no such type."""
    is_arrow = hasattr(column, "to_pylist")
    # As an array of anything but numbers, pyarrow takes nulls for other values.
    is_plain = is_number and str(getattr(column, "type", "")) in _ARROW_NUMBERS
    if is_plain or not (is_arrow and column.null_count):
        try:
            values = column.to_numpy()
        except Exception:  # each library has errors of its own
            values = None
        if values is not None and values.dtype.kind not in "mM":
            return values
    cells = column.to_pylist() if is_arrow else column.to_list()
    return np.fromiter(cells, object, len(cells))


def _as_list(values: np.ndarray, label: str) -> list:
    if values.dtype.kind in "OUTbfiu":
        return values.tolist()
    raise ValueError(
        f"column '{label}' has dtype {values.dtype}: turn it into numbers (for a date, days since "
        "a day) or strings, as when the student was fitted."
    )


def _float_array(numbers: list, dtype: np.dtype) -> FloatArray:
    try:
        return np.array(numbers, dtype=dtype)
    except OverflowError as error:
        raise ValueError(f"X holds a number that is too large: {error}.") from error


def _number(value: Any, label: str) -> Any:
    if is_missing(value):
        return math.nan
    if is_number_type(type(value)):
        return value
    raise ValueError(
        f"column '{label}' must hold numbers, as when the student was fitted, but holds {value!r}."
    )
