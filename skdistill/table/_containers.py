"""What X comes in: a frame, or an array; and what to do about what is neither."""

from collections import Counter
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse, vstack

from skdistill._utils.types import Table


def is_frame(X: object) -> bool:
    """Whether X is a data frame with named, typed columns."""
    return not isinstance(X, np.ndarray) and nw.dependencies.is_into_dataframe(X)


def n_dimensions(X: Any) -> int:
    """Dimensions of a frame, an array or nested lists; 2 where the lists differ in length."""
    shape = getattr(X, "shape", None)
    if shape is not None:
        return len(shape)
    try:
        return np.asarray(X).ndim
    except ValueError:
        return 2


def holds_text(X: Any) -> bool:
    """Whether a list, an array or a column begins with a text."""
    return len(X) > 0 and isinstance(next(iter(X)), str)


def stack_tables(parts: list[Table]) -> Table:
    """Tables of one container, one below the other; sparse ones as a CSR matrix."""
    if issparse(parts[0]):
        return vstack(parts, format="csr")
    if isinstance(parts[0], pd.DataFrame):
        return _stacked(parts)
    if is_frame(parts[0]):
        return nw.concat([nw.from_native(one) for one in parts]).to_native()
    return np.concatenate(parts)


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Columns of categories stay so, with the levels of all: pandas makes numbers of them."""
    for name in frames[0].columns:
        types = {frame[name].dtype: None for frame in frames}
        if len(types) > 1 and all(isinstance(one, pd.CategoricalDtype) for one in types):
            levels = [pd.Series(one.categories) for one in types if len(one.categories)]
            shared = pd.CategoricalDtype(pd.concat(levels).unique())
            frames = [frame.astype({name: shared}) for frame in frames]
    return pd.concat(frames, ignore_index=True)


def rows_as_tuples(frame: Table) -> list[tuple[Any, ...]]:
    """The rows of a frame that is not of pandas."""
    return nw.from_native(frame, eager_only=True).rows()


def names_of(frame: Table) -> list[Any]:
    """The names of the columns of a frame as they are, those of pandas of any type."""
    return list(frame.column_names if nw.dependencies.is_pyarrow_table(frame) else frame.columns)


def check_names(frame: Table, what: str = "`X`") -> None:
    """Raise a ValueError for a frame that has a name twice."""
    counts = Counter(names_of(frame))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(
            f"{what} has more than one column of the name(s) {twice}: rename or drop columns "
            "until each has a name of its own."
        )


def check_frame(frame: Table) -> None:
    """Raise a ValueError for a frame without rows or columns, or with a name twice."""
    n_rows, n_columns = frame.shape
    if not n_rows or not n_columns:
        raise ValueError(
            f"Found array with {n_rows} sample(s) and {n_columns} feature(s) in X, but at least 1 "
            "of each is required."
        )
    check_names(frame)
    _refuse_views(frame)


def _refuse_views(frame: Table) -> None:
    """Refuse columns of pyarrow that rows cannot be taken of."""
    if not nw.dependencies.is_pyarrow_table(frame):
        return
    views = [field.name for field in frame.schema if str(field.type).endswith("_view")]
    if views:
        raise ValueError(
            f"X has the column(s) {views} of a type of which pyarrow cannot take rows, as "
            f"{frame.schema.field(views[0]).type}: cast them, for instance to string."
        )


def check_container(X: object, argument: str = "X") -> None:
    """Raise a TypeError for a container that cannot be cut into rows, or would lose what it holds.

    Parameters
    ----------
    X : object
    argument : str, default="X"
        What it was given as.
    """
    if is_frame(X) or issparse(X) or (type(X) is np.ndarray and X.dtype.names is None):
        return
    remedy = _remedy_for(X)
    if remedy:
        raise TypeError(f"`{argument}` is a {type(X).__module__}.{type(X).__name__}, {remedy}.")


def _remedy_for(X: Any) -> str | None:
    """What is wrong with a container, and what to give instead; None for one that will do."""
    if isinstance(X, dict) or (isinstance(X, (list, tuple)) and len(X) and isinstance(X[0], dict)):
        return "which holds dicts: give pandas.DataFrame(...) of it"
    if isinstance(X, np.ndarray) and X.dtype.names is not None:
        return "with named fields: give pandas.DataFrame(...) of it"
    if np.ma.is_masked(X):
        return "whose mask would be lost: give .astype(float).filled(numpy.nan) of it"
    if isinstance(nw.from_native(X, pass_through=True), nw.LazyFrame):
        return "which holds no rows yet: bring it into memory, as by .collect() or .compute()"
    is_column = nw.dependencies.is_into_series(X)
    if hasattr(X, "__arrow_c_stream__") and not is_column:
        return "which cannot be indexed by row: give pyarrow.table(...) of it"
    return None
