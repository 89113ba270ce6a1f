"""The base of the samplers, and what all of them share."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from skdistill._frame import mix_rows


class TransferSampler(BaseEstimator):
    """Base of the samplers: gives rows that the teacher labels for the student.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    """

    def __init__(self, size=8.0, weight=1.0):
        self.size = size
        self.weight = weight

    def check_parameters(self):
        """Raise a ValueError for a parameter that is not valid."""
        check_number("size", self.size, 0)
        check_number("weight", self.weight, 0)

    def sample(self, X, n, random_state=None):
        """Draw `n` new rows like those of X.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n : int
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        array or DataFrame of shape (n, n_features)
            Of the container and dtypes of X.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `sample`.")


def draw_passes(X, table, one_pass, n, rng):
    """Numbers and sources of `n` rows, by passes over all rows: each is used as often as another.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    table : Table
        Of X.
    one_pass : callable
        Returns the numbers and sources of as many new rows as `table` has; see
        :func:`skdistill._frame.mix_rows`.
    n : int
    rng : RandomState

    Returns
    -------
    array or DataFrame of shape (n, n_features)
    """
    n_rows = len(table.numbers)
    passes = []
    for start in range(0, n, n_rows):
        numbers, sources = one_pass()
        keep = rng.permutation(n_rows)[: n - start] if n - start < n_rows else slice(None)
        passes.append((numbers[keep], sources[keep]))
    if not passes:
        passes = [(table.numbers[:0], own_sources(table)[:0])]
    numbers, sources = (np.concatenate(part) for part in zip(*passes, strict=True))
    return mix_rows(X, table, numbers, sources)


def own_sources(table):
    """The sources of rows whose categories are their own."""
    return np.repeat(np.arange(len(table.numbers))[:, None], len(table.categories), axis=1)


def tidy(numbers, seen):
    """Keep the range seen, and whole numbers whole."""
    if not seen.shape[1]:
        return numbers
    filled = np.where(np.isnan(seen).all(axis=0), 0.0, seen)
    np.clip(numbers, np.nanmin(filled, axis=0), np.nanmax(filled, axis=0), out=numbers)
    whole = ((seen == np.rint(seen)) | np.isnan(seen)).all(axis=0)
    numbers[:, whole] = np.rint(numbers[:, whole])
    return numbers


def check_number(name, value, low, high=None, above=False):
    """Raise a ValueError for what is not a finite number within the bounds."""
    valid = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(value)
    if valid:
        valid = (value > low if above else value >= low) and (high is None or value <= high)
    if not valid:
        bound = f"{'>' if above else '>='} {low}" + ("" if high is None else f" and <= {high}")
        raise ValueError(f"`{name}` must be a number {bound}, got {value!r}.")


def check_integer(name, value, low):
    """Raise a ValueError for what is not a whole number from `low` on."""
    check_number(name, value, low)
    if value != int(value):
        raise ValueError(f"`{name}` must be an integer, got {value!r}.")
