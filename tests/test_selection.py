"""Columns of a table, by names, positions, slices, masks and callables."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer, make_column_selector

from skdistill.table import ColumnSelection

VALUES = np.arange(12.0).reshape(3, 4)
FRAME = pd.DataFrame(VALUES, columns=list("abcd")).assign(c=["x", "y", "z"])
MASK = [True, False, False, True]
BY_PLACE = [
    ([3, 0], [3, 0]),
    ([0, -1], [0, 3]),
    (2, [2]),
    (slice(1, 3), [1, 2]),
    (MASK, [0, 3]),
    (np.array(MASK), [0, 3]),
    (lambda X: [1], [1]),
]
BY_NAME = [
    (["d", "a"], [3, 0]),
    ("b", [1]),
    (slice("b", "d"), [1, 2, 3]),
    (pd.Index(["c"]), [2]),
    (lambda X: ["a"], [0]),
]


@pytest.mark.parametrize(("columns", "expected"), [*BY_PLACE, *BY_NAME])
@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas, pa.table])
def test_frames_stay_what_they_are(make, columns, expected):
    X = make(FRAME)
    selection = ColumnSelection(columns).fit(X)
    assert selection.indices.tolist() == expected
    assert selection.names == tuple(FRAME.columns[expected])
    taken = selection.take(X)
    assert type(taken) is type(X)
    taken = taken if make is pd.DataFrame else taken.to_pandas()
    pd.testing.assert_frame_equal(taken, FRAME.iloc[:, expected], check_dtype=make is pd.DataFrame)


@pytest.mark.parametrize(("columns", "expected"), BY_PLACE)
@pytest.mark.parametrize(
    "make", [np.array, np.ndarray.tolist, sparse.csr_matrix, sparse.csc_array, sparse.coo_array]
)
def test_arrays_lists_and_sparse_matrices(make, columns, expected):
    X = make(VALUES)
    selection = ColumnSelection(columns).fit(X)
    assert selection.names == tuple(map(str, expected))
    taken = selection.take(X)
    assert sparse.issparse(taken) == sparse.issparse(X)
    assert isinstance(taken, list) == isinstance(X, list)
    values = taken.toarray() if sparse.issparse(taken) else np.asarray(taken)
    np.testing.assert_array_equal(values, VALUES[:, expected])


def test_as_scikit_learn_selects():
    columns = make_column_selector(dtype_include="number")
    transformer = ColumnTransformer([("own", "passthrough", columns)]).set_output(
        transform="pandas"
    )
    expected = transformer.fit_transform(FRAME)
    taken = ColumnSelection(columns).fit(FRAME).take(FRAME)
    assert (
        [f"own__{name}" for name in taken.columns]
        == list(expected.columns)
        == [
            "own__a",
            "own__b",
            "own__d",
        ]
    )


def test_columns_are_found_once():
    """A selector by type means the columns that it meant, whatever the types are later."""
    columns = make_column_selector(dtype_include="number")
    selection = pickle.loads(pickle.dumps(ColumnSelection(columns).fit(FRAME)))
    later = FRAME.astype({"a": str})
    assert list(selection.take(later).columns) == ["a", "b", "d"]


def test_none_is_all():
    selection = ColumnSelection(None).fit(FRAME)
    assert selection.take(FRAME) is FRAME
    texts = ["ant", "bee"]
    assert ColumnSelection(None).fit(texts).take(texts) is texts


@pytest.mark.parametrize(
    ("X", "columns", "message"),
    [
        (FRAME, ["a", "z"], r"`student_features` is \['a', 'z'\].*\{'z'\}.*columns 'a', 'b', 'c'"),
        (FRAME, slice("q", None), r"`student_features` is slice.*'q' is not in list"),
        (FRAME, [4], r"`student_features` is \[4\].*in \[0, 3\]"),
        (FRAME, [True, False], r"`student_features` is \[True, False\], which does not select"),
        (FRAME, ["a", 1], r"`student_features`.*No valid specification of the columns"),
        (VALUES, ["a"], r"`student_features`.*only supported for dataframes\. X has 4 columns wit"),
        (FRAME, [], r"`student_features` is \[\], which selects no column of X"),
        (FRAME, [False] * 4, "`student_features` is .*, which selects no column of X"),
        (
            FRAME,
            make_column_selector(pattern="zebra"),
            r"`student_features` is a callable that gave \[\], which selects no column",
        ),
        (FRAME, [0, -4], r"`student_features` is .* selects column\(s\) \['a'\] more than once"),
        (["ant", "bee"], [0], "`student_features` selects columns, but X is no table"),
        (VALUES.reshape(3, 2, 2), [0], "`student_features` selects columns, but X is no table"),
        (pd.concat([FRAME, FRAME], axis=1), [0], "more than one column of the name"),
    ],
)
def test_what_selects_nothing_sound(X, columns, message):
    with pytest.raises(ValueError, match=message):
        ColumnSelection(columns, "student_features").fit(X)


def test_a_table_of_another_width():
    selection = ColumnSelection([0], "student_features").fit(VALUES)
    with pytest.raises(ValueError, match="3 features, but `student_features` was resolved for 4"):
        selection.take(VALUES[:, :3])
