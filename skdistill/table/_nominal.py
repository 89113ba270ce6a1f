"""Numbers that may be codes: a month, a weekday, a district."""

import numpy as np
from scipy.stats import f as f_distribution

from skdistill._utils.types import FloatArray, IntArray

# A month has 31 days. From 5 values on a cubic cannot meet them all.
FEWEST_VALUES, MOST_VALUES = 5, 32
ROWS_PER_VALUE = 20
# float32, which some exported graphs take, holds whole numbers up to here.
LARGEST = 2.0**24
MOST_COLUMNS = 256
SIGNIFICANCE = 1e-3
DEGREE = 3


def find_nominal(numbers: FloatArray, labels: IntArray) -> dict[int, FloatArray]:
    """Find the number columns whose values tell the classes apart as codes would.

    Those are columns of 5 to 32 whole numbers, with 20 rows a value on average, that tell more of
    the classes than a cubic of the value does, by an F test at the level 0.001. Of many, those with
    the largest statistic are taken, up to 256 values in all.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_numbers)
        Missing values as NaN.
    labels : ndarray of shape (n_samples,)
        Codes of the classes, >= 0.

    Returns
    -------
    dict of int to ndarray
        The values in ascending order of each column found, by its place.
    """
    found = {place: _few_values(numbers[:, place]) for place in range(numbers.shape[1])}
    values = {place: some for place, some in found.items() if some is not None}
    excess = {p: _excess(numbers[:, p], some, labels) for p, some in values.items()}
    chosen: list[int] = []
    n_columns = 0
    for place in sorted((p for p in excess if excess[p] > 1), key=lambda p: -excess[p]):
        if n_columns + len(values[place]) <= MOST_COLUMNS:
            chosen.append(place)
            n_columns += len(values[place])
    return {place: values[place] for place in sorted(chosen)}


def _few_values(column: FloatArray) -> FloatArray | None:
    """The values of a column that may hold codes, None of another."""
    start = np.unique(column[: 50 * MOST_VALUES])  # most columns show at once that they do not
    if len(start) > MOST_VALUES + 1:
        return None
    known = column[~np.isnan(column)]
    values = np.unique(known)
    is_few = FEWEST_VALUES <= len(values) <= min(MOST_VALUES, len(known) / ROWS_PER_VALUE)
    if not is_few or (values != np.round(values)).any() or np.abs(values).max() > LARGEST:
        return None
    return values


def _excess(column: FloatArray, values: FloatArray, labels: IntArray) -> float:
    """What the values tell beyond a cubic, over what chance would let them tell: F / its bound."""
    table = _count(column, values, labels)
    counts, shares = table.sum(axis=1), table / table.sum(axis=1, keepdims=True)
    within = (counts @ (shares * (1 - shares))).sum()
    z = 2 * (values - values[0]) / (values[-1] - values[0]) - 1
    root = np.sqrt(counts)[:, None]
    cubic = np.polynomial.legendre.legvander(z, DEGREE) * root
    fitted = cubic @ np.linalg.lstsq(cubic, shares * root, rcond=None)[0]
    beyond = np.square(shares * root - fitted).sum()
    if not within:  # each value has one class
        return np.inf if beyond > 1e-9 else 0.0
    n_classes = _effective_classes(table.sum(axis=0) / table.sum())
    df = n_classes * (len(values) - DEGREE - 1), n_classes * (counts.sum() - len(values))
    statistic = (beyond / df[0]) / (within / df[1])
    return statistic / f_distribution.isf(SIGNIFICANCE, *df)


def _count(column: FloatArray, values: FloatArray, labels: IntArray) -> IntArray:
    """Rows of each value and class, the classes being those that there are."""
    is_known = ~np.isnan(column)
    codes = np.searchsorted(values, column[is_known])
    found, labels = np.unique(labels[is_known], return_inverse=True)
    cells = np.bincount(codes * len(found) + labels, minlength=len(values) * len(found))
    return cells.reshape(len(values), len(found))


def _effective_classes(p: FloatArray) -> float:
    """Degrees of freedom of one row's class [1]_: (tr S)^2 / tr(S^2), S its covariance.

    It is K - 1 for K classes of equal share, and 1 for two.

    .. [1] Satterthwaite (1946). An Approximate Distribution of Estimates of Variance Components.
       https://doi.org/10.2307/3002019
    """
    trace = 1 - np.sum(p**2)
    trace_of_square = np.sum(p**2) - 2 * np.sum(p**3) + np.sum(p**2) ** 2
    return max(1.0, float(trace**2 / trace_of_square)) if trace else 1.0
