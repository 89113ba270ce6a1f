"""Quantiles between the levels that are known: NumPy alone."""

from numbers import Real

import numpy as np

from skdistill._utils.types import ArrayLike, FloatArray


def levels_of(quantiles: ArrayLike | None, known: FloatArray) -> FloatArray:
    """The levels asked for, checked; None stands for all that are known.

    Raises
    ------
    ValueError
        If one is outside the levels that are known.
    """
    if quantiles is None:
        return known
    wanted = np.atleast_1d(np.asarray(quantiles, dtype=np.float64))
    _check_inside(wanted, known, f"`quantiles={quantiles!r}`")
    return wanted


def tails_of(coverage: float, known: FloatArray) -> FloatArray:
    """The two levels between which the share `coverage` lies.

    Raises
    ------
    ValueError
        If it is no share, or more than what lies between the outermost levels known.
    """
    if not isinstance(coverage, Real) or not 0 < coverage < 1:
        raise ValueError(f"`coverage` must be between 0 and 1, got {coverage!r}.")
    wanted = np.array([0.5 - coverage / 2, 0.5 + coverage / 2])
    _check_inside(wanted, known, f"`coverage={coverage:g}`")
    return wanted


def interpolate(values: FloatArray, known: FloatArray, wanted: FloatArray) -> FloatArray:
    """Quantiles at other levels.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_known)
        In ascending order.
    known : ndarray of shape (n_known,)
        Their levels.
    wanted : ndarray of shape (n_wanted,)

    Returns
    -------
    ndarray of shape (n_rows, n_wanted)
    """
    place = np.clip(np.searchsorted(known, wanted, side="right"), 1, len(known) - 1)
    share = (wanted - known[place - 1]) / (known[place] - known[place - 1])
    share = np.clip(share, 0, 1)
    return values[:, place - 1] * (1 - share) + values[:, place] * share


def _check_inside(wanted: FloatArray, known: FloatArray, what: str) -> None:
    low, high = known[0], known[-1]
    if not len(wanted) or not (wanted.min() >= low - 1e-9 and wanted.max() <= high + 1e-9):
        raise ValueError(
            f"{what} asks for levels outside those that were learned, {low:g} to {high:g}: fit "
            "with `quantiles` that reach as far."
        )
