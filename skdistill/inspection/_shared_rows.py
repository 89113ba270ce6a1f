"""Test rows that are training rows as well."""

import warnings

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skdistill._utils.types import Table
from skdistill.table import WIDE_INTEGERS, is_frame, with_types

# Data sets hold rows twice: as large a share of the rows held out is found among the training rows
# as of those have a twin. A share that is no more than a half, or than twice that, is no sign.
SUSPICIOUS_SHARE = 0.5
SUSPICIOUS_RATIO = 2.0


def warn_of_shared_rows(X: Table, X_train: Table) -> None:
    """Warn if more than half of the rows of X are among those of X_train.

    Not where rows are alike anyway, as in a few columns of categories: where the share is less than
    twice that of the rows of X_train that are there more than once.

    Parameters
    ----------
    X, X_train : array-like or DataFrame of shape (n_samples, n_features)
    """
    keys, known = _row_keys(X), _row_keys(X_train)
    n_shared = int(np.isin(keys, known).sum())
    share, twins = n_shared / len(keys), pd.Series(known).duplicated(keep=False).mean()
    if share > SUSPICIOUS_SHARE and share > SUSPICIOUS_RATIO * twins:
        warnings.warn(
            f"{n_shared:,} of the {len(keys):,} rows to test on (`X`) are training rows "
            "(`X_train`) as well: scores on rows that the models were trained on are too good. "
            "Give rows that were held out.",
            UserWarning,
            stacklevel=3,
        )


def _row_keys(X: Table) -> np.ndarray:
    """A hash of each row; equal rows have equal ones, whatever the container."""
    return pd.util.hash_pandas_object(pd.DataFrame(_columns(X)), index=False).to_numpy()


def _columns(X: Table) -> dict[int, pd.Series]:
    """The columns by position, as floats where they are numbers and as text elsewhere."""
    if is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        columns = [_values(frame[:, i]) for i in range(frame.shape[1])]
    else:
        X = X.toarray() if issparse(X) else np.asarray(with_types(X))
        table = pd.DataFrame(X.reshape(len(X), -1)).infer_objects()
        columns = [table.iloc[:, i] for i in range(table.shape[1])]
    # 0.0 makes -0.0 the same as 0.0.
    return {
        i: column.astype(float) + 0.0 if pd.api.types.is_numeric_dtype(column) else _text(column)
        for i, column in enumerate(columns)
    }


def _values(series: nw.Series) -> pd.Series:
    is_native = series.dtype.is_numeric() and series.dtype not in WIDE_INTEGERS
    return pd.Series(series.to_numpy() if is_native else series.to_list())


def _text(column: pd.Series) -> pd.Series:
    return column.astype(str).astype(object)
