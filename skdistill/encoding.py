"""From a raw table to what the student's first layer takes."""

import math

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import _safe_indexing, gen_batches
from sklearn.utils.validation import _num_samples, check_is_fitted

from skdistill._frame import codes_of, read_table

# Rows encoded at a time: the float64 copies on the way would be several times the result.
ROWS_AT_ONCE = 20_000


class TabularEncoder(TransformerMixin, BaseEstimator):
    r"""Encode numbers and categories of a table as one float32 matrix.

    A number x becomes :math:`z / \sqrt{1 + (z / 3)^2}` with
    :math:`z = (x - \text{median}) / \text{IQR}` computed in float64: robust to scale, heavy tails
    and large offsets, and in (-3, 3) whatever comes. A missing number becomes 0, and a column that
    had missing values when fitted gets an indicator column. A category (a bool, string or
    categorical column) becomes a code: 0 for a value not seen when fitted, 1 for a missing one,
    then the categories.

    Parameters
    ----------
    categories : {"onehot", "codes"}, default="onehot"
        Whether a category column becomes indicator columns (all 0 for an unseen value), or one
        column that holds the code, for a module with embeddings. Code columns come last.
    unseen_missing : {"encode", "error"}, default="encode"
        Whether a missing number, in a table that had none when fitted, is encoded as the median
        or an error.

    Attributes
    ----------
    cardinalities_ : tuple of int
        With ``categories="codes"``, the number of codes of each category column; else empty.
    categories_ : list of ndarray
        The categories of each category column; the first has code 2.
    center_, scale_ : ndarray of shape (n_numbers,)
        Median and inverse interquartile range of each number column.
    n_outputs_ : int
        Number of columns of the result.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024). Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data (robust scaling with smooth clipping).
       https://doi.org/10.48550/arXiv.2407.04491

    Examples
    --------
    >>> import pandas as pd
    >>> from skdistill import TabularEncoder
    >>> X = pd.DataFrame({"size": [1.0, 2.0, 3.0], "colour": ["red", "blue", None]})
    >>> TabularEncoder(categories="codes").fit_transform(X).round(2)
    array([[-0.95,  3.  ],
           [ 0.  ,  2.  ],
           [ 0.95,  1.  ]], dtype=float32)
    """

    def __init__(self, categories="onehot", unseen_missing="encode"):
        self.categories = categories
        self.unseen_missing = unseen_missing

    def fit(self, X, y=None):
        """Learn medians, ranges and categories.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : TabularEncoder
        """
        if self.categories not in ("onehot", "codes"):
            raise ValueError(f"`categories` must be 'onehot' or 'codes', got {self.categories!r}.")
        if self.unseen_missing not in ("encode", "error"):
            raise ValueError(
                f"`unseen_missing` must be 'encode' or 'error', got {self.unseen_missing!r}."
            )
        table = read_table(X)
        self._kinds = table.kinds
        self.n_features_in_ = len(table.kinds)
        self.center_, self.scale_ = _robust_scale(table.numbers)
        self._indicated = np.flatnonzero(np.isnan(table.numbers).any(axis=0))
        self.categories_ = [codes_of(values)[1] for values in table.categories]
        sizes = tuple(len(known) + 2 for known in self.categories_)
        self.cardinalities_ = sizes if self.categories == "codes" else ()
        width = len(sizes) if self.categories == "codes" else sum(size - 1 for size in sizes)
        self.n_outputs_ = len(self.center_) + len(self._indicated) + width
        return self

    def transform(self, X):
        """Encode rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, `n_outputs_`)
            float32.
        """
        if not hasattr(self, "n_outputs_"):  # the full check costs as much as encoding a row
            check_is_fitted(self)
        n_rows = _num_samples(X)
        if n_rows <= ROWS_AT_ONCE:
            return self._transform(X)
        encoded = np.empty((n_rows, self.n_outputs_), dtype=np.float32)
        for rows in gen_batches(n_rows, ROWS_AT_ONCE):
            encoded[rows] = self._transform(_safe_indexing(X, rows))
        return encoded

    def _transform(self, X):
        table = read_table(X, self._kinds)
        if self.unseen_missing == "error" and not len(self._indicated):
            _refuse_missing(table)
        numbers = self._squash(table.numbers)
        n_numbers = len(self.center_)
        if n_numbers == self.n_outputs_:
            return numbers.astype(np.float32)
        encoded = np.empty((len(numbers), self.n_outputs_), dtype=np.float32)
        encoded[:, :n_numbers] = numbers
        end = n_numbers + len(self._indicated)
        if len(self._indicated):
            encoded[:, n_numbers:end] = np.isnan(table.numbers[:, self._indicated])
        names = table.category_names
        for name, values, known in zip(names, table.categories, self.categories_, strict=True):
            _refuse_numbers(name, values, known)
            block = self._encode_category(codes_of(values, known)[0], len(known) + 2)
            encoded[:, end : end + block.shape[1]] = block
            end += block.shape[1]
        return encoded

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _squash(self, numbers):
        with np.errstate(over="ignore"):
            z = (numbers - self.center_) * self.scale_
        np.minimum(np.maximum(z, -1e6, out=z), 1e6, out=z)  # the square below stays finite
        z /= np.sqrt(1.0 + z * z / 9.0)
        if math.isnan(z.sum()):
            np.nan_to_num(z, copy=False)
        return z

    def _encode_category(self, codes, size):
        if self.categories == "codes":
            return codes[:, None]
        return codes[:, None] == np.arange(1, size)


def _refuse_numbers(name, values, known):
    """Categories that were text and are numbers now, as a CSV makes of them, are all unknown."""
    present = values[~pd.isna(values)]
    was_text = len(known) and all(isinstance(one, str) for one in known)
    are_numbers = len(present) and not any(isinstance(v, (str, bool, np.bool_)) for v in present)
    if was_text and are_numbers:
        raise ValueError(
            f"column '{name}' held text when the model was fitted, as {known[0]!r}, but now "
            f"numbers, as {present[0]!r}: convert it to strings."
        )


def _refuse_missing(table):
    missing = np.isnan(table.numbers).any(axis=0)
    if missing.any():
        bad = [name for name, one in zip(table.number_names, missing, strict=True) if one]
        raise ValueError(
            f"Input X contains NaN in column(s) {bad}, but there was none when the model was "
            "fitted, and the teacher takes none: impute it first."
        )


def _robust_scale(numbers):
    """Median and 1 / IQR; where the IQR is 0, 2 / range; where that is 0, 0."""
    if not numbers.shape[1] or not len(numbers):
        return np.zeros(numbers.shape[1]), np.zeros(numbers.shape[1])
    present = numbers.copy()
    present[:, np.isnan(numbers).all(axis=0)] = 0.0
    low, q25, center, q75, high = np.nanquantile(present, [0, 0.25, 0.5, 0.75, 1], axis=0)
    iqr, spread = q75 - q25, high - low
    # A spread of rounding errors only is no spread.
    flat = spread <= 1e-12 * np.maximum(np.abs(low), np.abs(high))
    with np.errstate(divide="ignore", over="ignore"):
        scale = np.where(iqr > 0, 1 / iqr, 2 / spread)
    return center, np.where(flat | ~np.isfinite(scale), 0.0, scale)
