"""The metric of the samplers, for rows with numbers, categories and missing values."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from skdistill._utils.types import FloatArray, IntArray
from skdistill.table import Columns, codes_of

# Most dimensions of a category column in the space where neighbours are sought.
MOST_DIMENSIONS = 64
# Up to this many dimensions, a tree is faster than computing all distances (measured).
TREE_DIMENSIONS = 8
# Width of the random dimension that breaks ties among equally near rows.
TIE_BREAK = 1e-4
# Two distances are equal below this relative difference: above rounding, below real gaps.
EQUAL = 1e-6


class MetricSpace:
    """Points whose squared Euclidean distance is that of MUNGE's mixed metric.

    It is the squared distance of the numbers, scaled to [0, 1], plus 1 for each category that
    differs.

    Parameters
    ----------
    table : Columns
        The rows that scale the numbers and know the categories.
    rng : RandomState

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_categories)
        Of the categories of the table.
    column : ndarray of shape (n_dimensions,)
        The column that a dimension comes from: the numbers are 0, 1, ..., the categories follow.
    """

    def __init__(self, table: Columns, rng: np.random.RandomState) -> None:
        missing = np.isnan(table.numbers)
        filled = np.where(missing.all(axis=0), 0.0, table.numbers)
        low, high = np.nanmin(filled, axis=0), np.nanmax(filled, axis=0)
        # Around the median, most numbers are small, and so are their rounding errors.
        self._center, self._span = np.nanmedian(filled, axis=0), np.where(high > low, high - low, 1)
        # A missing value is in the middle; its indicator puts it 1 to 1.25 away from any other.
        self._middle = (low - self._center) / self._span + 0.5
        self._gaps = missing.any(axis=0)
        found = [codes_of(values) for values in table.categories]
        self._known = [known for _, known in found]
        self._vectors = [_category_points(len(known) + 2, rng) for known in self._known]
        self.codes = np.column_stack([codes for codes, _ in found]) if found else _no_codes(table)
        n_numbers = len(low)
        of_categories = [v.shape[1] for v in self._vectors]
        self.column = np.concatenate(
            [
                np.arange(n_numbers),
                np.flatnonzero(self._gaps),
                np.repeat(n_numbers + np.arange(len(of_categories)), of_categories),
            ]
        ).astype(int)

    def points_of(self, table: Columns) -> FloatArray:
        """The points of the rows of another table with the same columns."""
        codes = [
            codes_of(values, known)[0]
            for values, known in zip(table.categories, self._known, strict=True)
        ]
        return self.points(table.numbers, np.column_stack(codes) if codes else _no_codes(table))

    def points(self, numbers: FloatArray, codes: IntArray) -> FloatArray:
        """The points of rows.

        Parameters
        ----------
        numbers : ndarray of shape (n_rows, n_numbers)
        codes : ndarray of shape (n_rows, n_categories)

        Returns
        -------
        ndarray of shape (n_rows, n_dimensions)
        """
        missing = np.isnan(numbers)
        scaled = np.where(missing, self._middle, (numbers - self._center) / self._span)
        blocks = [scaled, missing[:, self._gaps]]
        blocks += [vectors[codes[:, i]] for i, vectors in enumerate(self._vectors)]
        return np.column_stack(blocks)


def index_of(points: FloatArray, most_for_tree: int = TREE_DIMENSIONS) -> NearestNeighbors:
    """An index of the points in which many neighbours are found fast."""
    algorithm = "kd_tree" if points.shape[1] <= most_for_tree else "brute"
    return NearestNeighbors(n_neighbors=1, algorithm=algorithm).fit(points)


def nearest_others(
    at: FloatArray, origins: IntArray, points: FloatArray, k: int, rng: np.random.RandomState
) -> IntArray:
    """Find the nearest points; ties are broken at random.

    Parameters
    ----------
    at : ndarray of shape (n_rows, n_dimensions)
    origins : ndarray of shape (n_rows,)
        For each row, the index of a point that is not to be found; -1 for none.
    points : ndarray of shape (n_points, n_dimensions)
    k : int
    rng : RandomState

    Returns
    -------
    ndarray of shape (n_rows, min(k, n_points - 1))
        Indices of points.
    """
    if not points.shape[1]:  # all are equally near
        return _spread_nearest(at, origins, points, k, rng)
    # One more for the origin, and one to see whether others are as near as the last.
    distance, found = index_of(points).kneighbors(at, min(k + 2, len(points)))
    distance, found = _without_origins(distance, found, origins)
    if found.shape[1] > k:
        limit = distance[:, :k] * (1 + EQUAL)
        tied = np.flatnonzero(distance[:, k] <= limit[:, -1])
        found = found[:, :k]
        if len(tied):
            other = _spread_nearest(at[tied], origins[tied], points, k, rng)
            gaps = [np.linalg.norm(at[tied] - points[one], axis=1) for one in other.T]
            is_as_near = (np.sort(np.column_stack(gaps), axis=1) <= limit[tied]).all(axis=1)
            found[tied[is_as_near]] = other[is_as_near]
    return found


def _spread_nearest(
    at: FloatArray, origins: IntArray, points: FloatArray, k: int, rng: np.random.RandomState
) -> IntArray:
    """The nearest points, with one more dimension of random values.

    Without it, one of many equally near points would always be chosen, and the choice would
    depend on the number of threads.
    """
    points, at = (
        np.column_stack([rows, TIE_BREAK * rng.random_sample(len(rows))]) for rows in (points, at)
    )
    index = index_of(points, TREE_DIMENSIONS + 1)
    distance, found = index.kneighbors(at, min(k + 1, len(points)))
    return _without_origins(distance, found, origins)[1]


def _without_origins(
    distance: FloatArray, found: IntArray, origins: IntArray
) -> tuple[FloatArray, IntArray]:
    """Drop the origin of each row, or the farthest point if the origin was not found."""
    order = np.argsort(found == origins[:, None], axis=1, kind="stable")[:, :-1]
    return np.take_along_axis(distance, order, axis=1), np.take_along_axis(found, order, axis=1)


def _no_codes(table: Columns) -> IntArray:
    return np.empty((len(table.numbers), 0), dtype=int)


def _category_points(n_codes: int, rng: np.random.RandomState) -> FloatArray:
    """A point for each code of a category, any two at squared distance 1.

    Beyond MOST_DIMENSIONS codes the distance is about 1, by random directions, which are nearly
    orthogonal: a column of identifiers must not take one dimension for each value.
    """
    if n_codes <= MOST_DIMENSIONS:
        return np.eye(n_codes, dtype=np.float32) / np.sqrt(2)
    points = rng.standard_normal((n_codes, MOST_DIMENSIONS)).astype(np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True) / np.sqrt(2)
