"""From the columns that trees split on back to those of X, through the steps in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from skdistill._utils._compat import passes_on
from skdistill._utils.types import BoolArray, Estimator, FloatArray, IntArray
from skdistill._utils.values import is_missing

# Each keeps the order of the numbers in a column, and has an inverse.
_MONOTONE = (
    *(MaxAbsScaler, MinMaxScaler, PowerTransformer, QuantileTransformer),
    *(RobustScaler, StandardScaler),
)
_SUPPORTED = (
    "ColumnTransformer, Pipeline, SimpleImputer, OneHotEncoder, OrdinalEncoder, "
    + ", ".join(one.__name__ for one in _MONOTONE)
)
Inverse = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class SplitColumn:
    """A column as trees see it, and its origin in X.

    Attributes
    ----------
    position : int
        In X.
    levels : list or None, default=None
        For a column of categories: the level of each code.
    inverses : tuple of callable, default=()
        From its numbers to those of X, the last step first.
    indicates : object, default=None
        For a one-hot column: a list of the level for which it is 1.
    filled : object, default=None
        The value that replaces a missing one, in terms of X; None without such a value.
    missing_is : float or None, default=None
        The number that stands for a missing value, as the trees see it.
    """

    position: int
    levels: list[Any] | None = None
    inverses: tuple[Inverse, ...] = ()
    indicates: Any = None
    filled: Any = None
    missing_is: float | None = None

    def with_levels(self, levels: list[Any]) -> SplitColumn:
        """The same for categories whose levels the model itself knows."""
        return self if self.levels is not None else replace(self, levels=list(levels))

    def raw_all(self, values: FloatArray) -> FloatArray:
        """Numbers as X would have them; those that are not finite stay as they are."""
        values = np.array(values, dtype=float)
        finite = np.isfinite(values)
        if finite.any():
            for inverse in self.inverses:
                values[finite] = inverse(values[finite])
        return values

    def raw(self, value: float) -> float:
        """A number as X would have it."""
        return float(self.raw_all(np.array([value], dtype=float))[0])

    def levels_of_codes(self, codes: IntArray) -> tuple[frozenset[Any], bool]:
        """The levels that go left, by their codes."""
        assert self.levels is not None
        known = [self.levels[code] for code in codes.tolist() if code < len(self.levels)]
        return frozenset(known), True

    def levels_up_to(self, threshold: float) -> tuple[frozenset[Any], bool]:
        """Some levels, and whether these go left, where the model splits at a number."""
        assert self.levels is not None
        if self.indicates is not None:
            return frozenset(self.indicates), bool(threshold >= 1)
        codes = self.raw(threshold)
        return frozenset(self.levels[: int(np.floor(codes)) + 1] if codes >= 0 else []), True

    def missing_goes_left(self, goes_left: BoolArray, threshold: FloatArray) -> BoolArray:
        """Whether a missing value goes left at nodes that split on the column."""
        if self.missing_is is None:
            return goes_left
        return np.where(np.isnan(threshold), goes_left, self.missing_is <= threshold)


def trace_columns(step: Estimator, columns: list[SplitColumn], asked_by: str) -> list[SplitColumn]:
    """The output columns of a fitted transformer, each traced to one of X.

    Parameters
    ----------
    step : transformer or "passthrough"
    columns : list of SplitColumn
        Its input columns.
    asked_by : str

    Returns
    -------
    list of SplitColumn

    Raises
    ------
    ValueError
        If it mixes columns, or is not known.
    """
    if passes_on(step):
        return columns
    if isinstance(step, Pipeline):
        for _, one in step.steps:
            columns = trace_columns(one, columns, asked_by)
        return columns
    if isinstance(step, ColumnTransformer):
        return _through_column_transformer(step, columns, asked_by)
    if isinstance(step, SimpleImputer) and not step.add_indicator:
        return _through_imputer(step, columns)
    if isinstance(step, _MONOTONE) and not getattr(step, "with_cov", False):
        return [_through_scaler(step, i, column) for i, column in enumerate(columns)]
    if isinstance(step, OneHotEncoder) and not hasattr(step, "infrequent_categories_"):
        return _through_one_hot(step, columns)
    if isinstance(step, OrdinalEncoder) and not hasattr(step, "infrequent_categories_"):
        return [
            _with_codes(step, column, known)
            for column, known in zip(columns, step.categories_, strict=True)
        ]
    raise ValueError(
        f"`{asked_by}` cannot trace the columns that the trees split on through "
        f"{type(step).__name__} to those of X. It can through {_SUPPORTED}; encoders that merge "
        "infrequent categories and imputers with indicators are not among them."
    )


def _through_column_transformer(
    step: ColumnTransformer, columns: list[SplitColumn], asked_by: str
) -> list[SplitColumn]:
    found: dict[str, list[SplitColumn]] = {}
    names = getattr(step, "feature_names_in_", np.arange(len(columns))).tolist()
    for name, transformer, selected in step.transformers_:
        given = [columns[i] for i in _positions(selected, names)]
        is_dropped = isinstance(transformer, str) and transformer == "drop"
        found[name] = [] if is_dropped or not given else trace_columns(transformer, given, asked_by)
    order = sorted(step.output_indices_.items(), key=lambda item: item[1].start)
    return [column for name, _ in order for column in found.get(name, [])]


def _positions(selected: Any, names: list[Any]) -> list[int]:
    """The positions that a fitted ColumnTransformer has selected by names, numbers or a mask."""
    if isinstance(selected, slice):
        start, stop = (
            names.index(end) + is_last if isinstance(end, str) else end
            for end, is_last in ((selected.start, 0), (selected.stop, 1))
        )
        return list(range(len(names)))[slice(start, stop, selected.step)]
    if isinstance(selected, (str, int, np.integer)):
        selected = [selected]
    selected = list(selected)
    if selected and isinstance(selected[0], (bool, np.bool_)):
        return np.flatnonzero(selected).tolist()
    places = (names.index(one) if isinstance(one, str) else int(one) for one in selected)
    return [place % len(names) for place in places]


def _through_imputer(step: SimpleImputer, columns: list[SplitColumn]) -> list[SplitColumn]:
    kept = []
    for column, value in zip(columns, step.statistics_, strict=True):
        if is_missing(value) and not step.keep_empty_features:
            continue  # a column without any value is dropped
        is_number = column.levels is None and not isinstance(value, str)
        filled = column.raw(float(value)) if is_number else value
        kept.append(replace(column, filled=filled, missing_is=float(value) if is_number else None))
    return kept


def _through_scaler(step: Estimator, place: int, column: SplitColumn) -> SplitColumn:
    """A column after a scaler, whose inverse takes all columns at once."""

    def table(values: FloatArray) -> FloatArray:
        rows = np.zeros((len(values), step.n_features_in_))
        rows[:, place] = values
        return rows

    def inverse(values: FloatArray) -> FloatArray:
        return np.asarray(step.inverse_transform(table(values)))[:, place]

    missing = column.missing_is
    if missing is not None:
        missing = float(np.asarray(step.transform(table(np.array([missing]))))[0, place])
    return replace(column, inverses=(inverse, *column.inverses), missing_is=missing)


def _through_one_hot(step: OneHotEncoder, columns: list[SplitColumn]) -> list[SplitColumn]:
    found = []
    for i, (column, known) in enumerate(zip(columns, step.categories_, strict=True)):
        levels = [level for level in known.tolist() if not is_missing(level)]
        dropped = None if step.drop_idx_ is None else step.drop_idx_[i]
        for code, level in enumerate(known.tolist()):
            if code != dropped:
                is_it = is_missing(level) if column.filled is None else level == column.filled
                found.append(
                    replace(
                        column,
                        levels=levels,
                        inverses=(),
                        indicates=[] if is_missing(level) else [level],
                        missing_is=float(is_it),
                    )
                )
    return found


def _with_codes(step: OrdinalEncoder, column: SplitColumn, known: Any) -> SplitColumn:
    levels = known.tolist()
    missing = None
    if column.filled is not None and column.filled in levels:
        missing = float(levels.index(column.filled))
    elif not np.isnan(step.encoded_missing_value):
        missing = float(step.encoded_missing_value)
    present = [level for level in levels if not is_missing(level)]
    return replace(column, levels=present, inverses=(), missing_is=missing)
