"""From a raw table to what the student's first layer takes."""

import copy
import math
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, gen_batches
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from skdistill._stored.parameters import OlderParametersMixin
from skdistill._stored.parts import encoder_state
from skdistill._utils._compat import (
    StrOptions,
    check_feature_names_in,
    num_samples,
    safe_indexing,
)
from skdistill._utils.types import (
    ArrayLike,
    BoolArray,
    FloatArray,
    IntArray,
    ObjectArray,
    Table,
)
from skdistill._utils.warn import note_column
from skdistill.table._containers import check_frame, is_frame
from skdistill.table._frame import NUMBER, Columns, as_array, codes_of, is_matrix, read_table
from skdistill.table._nominal import find_nominal
from skdistill.table._notes import notes_on, unseen_columns
from skdistill.table._output_names import output_names
from skdistill.table._scale import robust_scale

# Rows encoded at a time: the float64 copies on the way would be several times the result.
ROWS_AT_ONCE = 20_000
# Bound of the column that is like a logarithm.
LARGEST_LOG = 10.0


class TabularEncoder(OlderParametersMixin, TransformerMixin, BaseEstimator):
    r"""Encode numbers and categories of a table as one float32 matrix.

    A number becomes two columns, computed in float64 from its distance d to the median. One is
    :math:`z / \sqrt{1 + (z / 3)^2}` with :math:`z = d / \text{IQR}`: robust to scale, heavy tails
    and large offsets, and in (-3, 3) whatever comes. The other is :math:`\text{asinh}(2 d / s)`,
    with the median s of the distances that are not 0, at most 10 in size: like a logarithm, it
    tells small values apart beside large ones. A missing number becomes 0 in both, and a column
    that had missing values when fitted gets an indicator column. A category (a bool, string or
    categorical column) becomes a code: 0 for a value not seen when fitted, 1 for a missing one,
    then the categories.

    A number may be a code as well: a day, a district. With ``nominal="auto"``, columns of 5 to 32
    whole numbers that tell more of the classes than a cubic of the value would, by an F test at the
    level 0.001, become indicator columns besides, one a value, 256 in all at most.

    Parameters
    ----------
    categories : {"onehot", "codes"}, default="onehot"
        Whether a category column becomes indicator columns (all 0 for an unseen value), or one
        column that holds the code, for a module with embeddings. Code columns come last.
    unseen_missing : {"encode", "error"}, default="encode"
        Whether a missing number, in a table that had none when fitted, is encoded as the median
        or an error.
    nominal : "auto" or None, default=None
        Whether numbers that may be codes become indicator columns as well. Needs class labels as y.

    Attributes
    ----------
    cardinalities_ : tuple of int
        With ``categories="codes"``, the number of codes of each category column; else empty.
    categories_ : list of ndarray
        The categories of each category column; the first has code 2.
    center_, scale_, fine_scale_ : ndarray of shape (n_numbers,)
        Median of each number column, 1 / IQR (1 / 2s where the IQR is 0) and 2 / s. `fine_scale_`
        is None, and a number is the first of its two columns, where an early version fitted it.
    nominal_ : dict of int to ndarray
        The values of each number column that became indicator columns, by its place in X.
    n_outputs_ : int
        Number of columns of the result.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only where X had column names that are all strings.

    Notes
    -----
    A value that is of another type than its column was when fitted means the category that reads
    the same: 11 and 11.0 are "11", "True" and 1 are True. Where no category reads so, and the
    column held no such values, there is an error.

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
    array([[-0.95, -1.44,  3.  ],
           [ 0.  ,  0.  ,  2.  ],
           [ 0.95,  1.44,  1.  ]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict] = {
        "categories": [StrOptions({"onehot", "codes"})],
        "unseen_missing": [StrOptions({"encode", "error"})],
        "nominal": [StrOptions({"auto"}), None],
    }

    def __init__(
        self,
        categories: str = "onehot",
        unseen_missing: str = "encode",
        nominal: str | None = None,
    ) -> None:
        self.categories = categories
        self.unseen_missing = unseen_missing
        self.nominal = nominal

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Learn medians, ranges and categories.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
            Labels of classes, for ``nominal="auto"``; ignored otherwise.

        Returns
        -------
        self : TabularEncoder

        Warns
        -----
        UserWarning
            Of a column that holds numbers as text, free text, an identifier or nothing at all.
        """
        return self._fit(X, y)

    def _fit(
        self,
        X: Table,
        y: ArrayLike | None,
        who: str = "TabularEncoder",
        width: int | None = None,
        weight: FloatArray | None = None,
    ) -> Self:
        """Fit, with warnings in the name of `who` and costs for a first layer of `width` units.

        Medians and ranges are those of rows repeated by their `weight`, each > 0.
        """
        self._validate_params()
        X = _checked(X)
        table = read_table(X)
        validate_data(self, X, reset=True, skip_check_array=True)
        self._kinds = table.kinds
        self.center_, self.scale_, self.fine_scale_ = robust_scale(table.numbers, weight)
        self._indicated = np.flatnonzero(np.isnan(table.numbers).any(axis=0))
        self.categories_ = [codes_of(values)[1] for values in table.categories]
        sizes = tuple(len(known) + 2 for known in self.categories_)
        self.cardinalities_ = sizes if self.categories == "codes" else ()
        width_of_categories = sum(sizes) - len(sizes) if self.categories == "onehot" else len(sizes)
        self._n_plain = 2 * len(self.center_) + len(self._indicated) + width_of_categories
        self._set_nominal({})
        if self.nominal == "auto":
            labels = _class_codes(y)
            check_consistent_length(table.numbers, labels)
            self._set_nominal(find_nominal(table.numbers, labels))
        for column, note in notes_on(table, self.categories_, width).items():
            note_column(column, note, who)
        return self

    def _set_nominal(self, nominal: dict[int, FloatArray]) -> None:
        """Set the values, by the place of the number column, that have an indicator column."""
        columns = np.flatnonzero([kind == NUMBER for kind in self._kinds])
        self.nominal_ = {int(columns[place]): values for place, values in nominal.items()}
        pairs = [(place, value) for place, values in nominal.items() for value in values]
        self._places = np.array([place for place, _ in pairs], dtype=int)
        self._values = np.array([value for _, value in pairs], dtype=float)
        self.n_outputs_ = self._n_plain + len(self._values)

    def transform(self, X: Table) -> Table:
        """Encode rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, `n_outputs_`)
            float32; a frame where ``set_output`` asks for one.

        Raises
        ------
        ValueError
            If the columns are not those of `fit` in their order, a column has changed its type so
            that its values cannot be told, or a number is infinite.
        """
        if not self.__sklearn_is_fitted__():  # the full check costs as much as encoding a row
            check_is_fitted(self)
        X = _checked(X)
        if hasattr(self, "feature_names_in_") or is_frame(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        return self._transform(X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> ObjectArray:
        """Names of the columns that ``transform`` returns.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the columns of X. None takes those it was fitted with, else x0, x1, ...

        Returns
        -------
        ndarray of str of shape (`n_outputs_`,)
            For a number "age": age_squashed and age_log, age_missing where it has an indicator, and
            with `nominal` age_3 for the value 3. For a category "pet": pet_missing and pet_cat,
            pet_dog, ..., or with ``categories="codes"`` pet. Of names that are the same, all but
            the first end in an underscore.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        return np.array(output_names(self, names), dtype=object)

    def _unseen_columns(self, X: Table) -> list[str]:
        """Number columns of later rows whose values it does not tell apart."""
        return unseen_columns(read_table(_checked(X)), self.scale_)

    def _takes_missing(self) -> bool:
        """Whether a missing number is encoded, and no error."""
        return self.unseen_missing == "encode" or len(self._indicated) > 0

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_outputs_")

    def _transform(self, X: Table) -> FloatArray:
        """Transform without a check of names, and without scikit-learn's wrapper around it."""
        n_rows = X.shape[0] if hasattr(X, "shape") else num_samples(X)
        if n_rows <= ROWS_AT_ONCE:
            return self._encode(X)
        encoded = np.empty((n_rows, self.n_outputs_), dtype=np.float32)
        for rows in gen_batches(n_rows, ROWS_AT_ONCE):
            encoded[rows] = self._encode(safe_indexing(X, rows))
        return encoded

    def _encode(self, X: Table) -> FloatArray:
        table = read_table(X, self._kinds)
        if not self._takes_missing():
            _refuse_missing(table)
        encoded = np.empty((len(table.numbers), self.n_outputs_), dtype=np.float32)
        end = self._encode_numbers(table.numbers, encoded)
        if len(self._indicated):
            missing = np.isnan(table.numbers[:, self._indicated])
            encoded[:, end : end + missing.shape[1]] = missing
            end += missing.shape[1]
        if self.nominal_:
            encoded[:, end : end + len(self._values)] = (
                table.numbers[:, self._places] == self._values
            )
            end += len(self._values)
        names = table.category_names if self.categories_ else []
        for name, values, known in zip(names, table.categories, self.categories_, strict=True):
            codes, _ = codes_of(values, known, name)
            block = self._encode_category(codes, len(known) + 2)
            encoded[:, end : end + block.shape[1]] = block
            end += block.shape[1]
        return encoded

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.required = self.nominal is not None
        return tags

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(encoder_state(state))

    def _encode_numbers(self, numbers: FloatArray, encoded: FloatArray) -> int:
        """Write the columns of the numbers; returns how many they are."""
        n_numbers = len(self.center_)
        with np.errstate(over="ignore", invalid="ignore"):
            distance = numbers - self.center_
            z = distance * self.scale_
            if not math.isfinite(z.sum()):  # missing, or far beyond the range of floats
                np.nan_to_num(distance, copy=False)
                z = np.nan_to_num(distance * self.scale_)
            encoded[:, :n_numbers] = z / np.hypot(1.0, z / 3.0)
            if self.fine_scale_ is None:
                return n_numbers
            fine = np.arcsinh(distance * self.fine_scale_)
        fine = np.minimum(np.maximum(fine, -LARGEST_LOG, out=fine), LARGEST_LOG, out=fine)
        encoded[:, n_numbers : 2 * n_numbers] = fine
        return 2 * n_numbers

    def _encode_category(self, codes: IntArray, size: int) -> IntArray | BoolArray:
        """The columns of a category that has `size` codes."""
        if self.categories == "codes":
            return codes[:, None]
        return codes[:, None] == np.arange(1, size)


def _checked(X: Table) -> Table:
    """A frame that has rows, columns and each name once, or else an array."""
    if is_frame(X):
        check_frame(X)
        return X
    return X if is_matrix(X) else as_array(X)


def with_nominal(encoder: TabularEncoder, X: Table, labels: IntArray) -> TabularEncoder:
    """Copy a fitted encoder, with the indicator columns that ``nominal="auto"`` finds in some rows.

    Parameters
    ----------
    encoder : TabularEncoder
    X : array-like or DataFrame of shape (n_samples, n_features)
    labels : ndarray of shape (n_samples,)
        Codes of the classes, >= 0.

    Returns
    -------
    TabularEncoder
    """
    other = copy.copy(encoder).set_params(nominal="auto")
    other._set_nominal(find_nominal(read_table(X, encoder._kinds).numbers, labels))
    return other


def _class_codes(y: ArrayLike | None) -> IntArray:
    if y is None:
        raise ValueError(
            "`nominal='auto'` requires y to be passed, but the target y is None: it looks for "
            "numbers that tell classes apart. Give y, or use `nominal=None`."
        )
    y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    return np.unique(y, return_inverse=True)[1]


def _refuse_missing(table: Columns) -> None:
    missing = np.isnan(table.numbers).any(axis=0)
    bad = [table.number_names[i] for i in np.flatnonzero(missing)]
    if bad:
        raise ValueError(
            f"Input X contains NaN in column(s) {bad}, but there was none when the model was "
            "fitted, and the teacher takes none: impute it first."
        )
