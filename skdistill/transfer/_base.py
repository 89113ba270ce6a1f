"""The base of the samplers, and their shared functions."""

import inspect
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval, num_samples, safe_indexing
from skdistill._utils.types import ArrayLike, FloatArray, IntArray, RandomState, Table
from skdistill._utils.weights import check_weights
from skdistill.table import Columns, mix_rows, n_dimensions
from skdistill.transfer._context import TransferContext

# The new rows; with the weights of the rows of X, the weights of the new rows as well.
Drawn: TypeAlias = Table | tuple[Table, FloatArray]

NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
AT_LEAST_TWO = Interval(Integral, 2, None, closed="left")


class TransferSampler(BaseEstimator):
    """Base of the samplers: they draw rows that the teacher labels for the student.

    A row of X of weight k counts like k rows. If weights differ, a `sample` that takes
    `sample_weight` gets them. Any other gets, instead of X, rows of X drawn by weight, some of
    them more than once.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    """

    _parameter_constraints: ClassVar[dict] = {"size": [NOT_NEGATIVE], "weight": [NOT_NEGATIVE]}

    # Draws of a training, and whether those of a round replace the rows before: see `Rounds`.
    n_rounds: int = 1
    replace: bool = True
    # Whether a sampler of the package uses its context: `memory` assumes this of all others.
    asks: bool = False
    # Whether rows of any rank, such as images, are read as tables of their cells.
    reads_cells: bool = False

    def __init__(self, size: float = 8.0, weight: float = 1.0) -> None:
        self.size = size
        self.weight = weight

    def check_parameters(self) -> None:
        """Raise a ValueError for a parameter that is not valid."""
        self._validate_params()

    def check_teacher(self, parts: list[tuple[str, Any]]) -> None:
        """Raise a ValueError if it cannot draw with these teachers, before they are fitted.

        Parameters
        ----------
        parts : list of (str, estimator)
            None if soft targets replace them.
        """

    def sample(
        self,
        X: Table,
        n: int,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        *,
        context: TransferContext | None = None,
    ) -> Drawn:
        """Draw `n` new rows like those of X.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n : int
        random_state : int, RandomState instance or None, default=None
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows of X.
        context : TransferContext, default=None
            The teacher, the student so far and the task, for a sampler that asks them.

        Returns
        -------
        X_new : array or DataFrame of shape (n, n_features)
            Of the container and dtypes of X.
        weight_new : ndarray of shape (n,)
            Weights of the new rows, on the scale of `sample_weight`. Only if that is given.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `sample`.")


def draw_rows(
    sampler: TransferSampler,
    X: Table,
    n: int,
    random_state: RandomState,
    sample_weight: FloatArray | None,
    context: TransferContext | None = None,
) -> tuple[Table, FloatArray]:
    """Draw rows by any sampler; its `sample` need not take weights or a context.

    Parameters
    ----------
    sampler : TransferSampler
    X : array-like or DataFrame of shape (n_samples, n_features)
    n : int
    random_state : int, RandomState instance or None
    sample_weight : ndarray of shape (n_samples,) or None
    context : TransferContext, default=None

    Returns
    -------
    X_new : array or DataFrame of shape (n, n_features)
    weight_new : ndarray of shape (n,)

    Raises
    ------
    ValueError
        If it takes the weights, but returns none.
    """
    if sampler.reads_cells and n_dimensions(X) > 2:
        cells = np.asarray(X)
        flat = cells.reshape(len(cells), -1)
        drawn, weight = draw_rows(sampler, flat, n, random_state, sample_weight, context)
        return drawn.reshape(n, *cells.shape[1:]), weight
    given: dict[str, Any] = {"context": context} if takes(sampler, "context") else {}
    if sample_weight is None:
        return sampler.sample(X, n, random_state=random_state, **given), np.ones(n)
    if takes(sampler, "sample_weight"):
        return _with_weights(
            sampler,
            sampler.sample(X, n, random_state=random_state, sample_weight=sample_weight, **given),
        )
    rng = check_random_state(random_state)
    rows = rows_by_weight(num_samples(X), sample_weight, rng)
    drawn = sampler.sample(safe_indexing(X, rows), n, random_state=rng, **given)
    return drawn, np.full(n, sample_weight.mean())


def _with_weights(sampler: TransferSampler, drawn: Drawn) -> tuple[Table, FloatArray]:
    """The rows that a sampler has drawn; checks that requested weights are there."""
    if not isinstance(drawn, tuple) or len(drawn) != 2:
        raise ValueError(
            f"`sample` of {sampler} is given `sample_weight`, and must return the new rows and an "
            "array of their weights: return both, or do not take `sample_weight`."
        )
    return drawn


def takes(sampler: TransferSampler, argument: str) -> bool:
    """Whether `sample` takes an argument of this name."""
    parameters = inspect.signature(sampler.sample).parameters
    return argument in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def check_source_weights(sample_weight: ArrayLike | None, n_rows: int) -> FloatArray | None:
    """Return the weights of the rows as an array; None stays None."""
    try:
        return check_weights(sample_weight, n_rows)
    except ValueError as error:
        raise ValueError(
            f"`sample_weight` must hold a finite number >= 0 for each of the {n_rows} rows of X, "
            f"not all 0, got {sample_weight!r}."
        ) from error


def rows_by_weight(n: int, sample_weight: FloatArray, rng: np.random.RandomState) -> IntArray:
    """Draw `n` rows, each as often as its weight says, in random order.

    This is systematic sampling in the order of the weights: a row of 2.3 times the mean weight is
    drawn 2 or 3 times. The total of all rows of one weight is right up to one row.
    """
    order = np.lexsort([rng.random_sample(len(sample_weight)), sample_weight])
    ends = np.cumsum(sample_weight[order])
    at = (np.arange(n) + rng.random_sample()) / n * ends[-1]
    return rng.permutation(order[np.searchsorted(ends, at, side="right")])


def draw_passes(
    X: Table,
    table: Columns,
    one_pass: Callable[[], tuple[FloatArray, IntArray]],
    n: int,
    rng: np.random.RandomState,
    sample_weight: FloatArray | None = None,
) -> Drawn:
    """Draw `n` rows by passes over all rows, so that each row is used equally often.

    A new row has the weight of the row that it started from.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    table : Columns
        Of X.
    one_pass : callable
        Returns the numbers and sources of as many new rows as `table` has; see
        :func:`skdistill.table.mix_rows`.
    n : int
    rng : RandomState
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    X_new : array or DataFrame of shape (n, n_features)
    weight_new : ndarray of shape (n,)
        Only with `sample_weight`.
    """
    n_rows = len(table.numbers)
    passes = [(table.numbers[:0], own_sources(table)[:0])]
    weights: list[FloatArray] = [np.empty(0)]
    for start in range(0, n, n_rows):
        numbers, sources = one_pass()
        rows, weight = _rows_to_keep(n - start, n_rows, sample_weight, rng)
        passes.append((numbers[rows], sources[rows]))
        if weight is not None:
            weights.append(weight)
    numbers, sources = (np.concatenate(part) for part in zip(*passes, strict=True))
    drawn = mix_rows(X, table, numbers, sources)
    return drawn if sample_weight is None else (drawn, np.concatenate(weights))


def _rows_to_keep(
    n: int, n_rows: int, sample_weight: FloatArray | None, rng: np.random.RandomState
) -> tuple[IntArray, FloatArray | None]:
    """The rows of a pass that are among the `n` still to draw, and their weights."""
    if n >= n_rows:
        return np.arange(n_rows), sample_weight
    if sample_weight is None:
        return rng.permutation(n_rows)[:n], None
    # By weight: an even draw of few rows might miss a heavy one.
    return rows_by_weight(n, sample_weight, rng), np.full(n, sample_weight.mean())


def own_sources(table: Columns) -> IntArray:
    """The sources of rows whose categories are their own."""
    return np.repeat(np.arange(len(table.numbers))[:, None], len(table.categories), axis=1)


def fit_to_seen(numbers: FloatArray, seen: FloatArray) -> FloatArray:
    """Clip numbers to the range seen, and round them if all seen are whole; in place."""
    if not seen.shape[1]:
        return numbers
    filled = np.where(np.isnan(seen).all(axis=0), 0.0, seen)
    np.clip(numbers, np.nanmin(filled, axis=0), np.nanmax(filled, axis=0), out=numbers)
    whole = ((seen == np.rint(seen)) | np.isnan(seen)).all(axis=0)
    numbers[:, whole] = np.rint(numbers[:, whole])
    return numbers
