"""The metric of the samplers: where rows with numbers, categories and missing values are near."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from skdistill._frame import codes_of

# Dimensions that a category column takes in the space where neighbours are sought.
MOST_DIMENSIONS = 64
# Up to so many dimensions a tree finds neighbours faster than all distances do (measured).
TREE_DIMENSIONS = 6
# Far below any distance that tells, so that it only decides between rows equally near.
TIE_BREAK = 1e-4


class MetricSpace:
    """Points whose squared Euclidean distance is that of MUNGE's mixed metric.

    It is the squared distance of the numbers, scaled to [0, 1], plus 1 for each category that
    differs.

    Parameters
    ----------
    table : Table
        The rows that scale the numbers and know the categories.
    rng : RandomState

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_categories)
        Of the categories of the table.
    column : ndarray of shape (n_dimensions,)
        The column that a dimension comes from: the numbers are 0, 1, ..., the categories follow.
    """

    def __init__(self, table, rng):
        missing = np.isnan(table.numbers)
        filled = np.where(missing.all(axis=0), 0.0, table.numbers)
        low, high = np.nanmin(filled, axis=0), np.nanmax(filled, axis=0)
        self._low, self._span = low, np.where(high > low, high - low, 1.0)
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

    def points_of(self, table):
        """The points of the rows of another table with the same columns."""
        codes = [
            codes_of(values, known)[0]
            for values, known in zip(table.categories, self._known, strict=True)
        ]
        return self.points(table.numbers, np.column_stack(codes) if codes else _no_codes(table))

    def points(self, numbers, codes):
        """The points of rows.

        Parameters
        ----------
        numbers : ndarray of shape (n_rows, n_numbers)
        codes : ndarray of shape (n_rows, n_categories)

        Returns
        -------
        ndarray of shape (n_rows, n_dimensions)
        """
        scaled = (numbers - self._low) / self._span
        # A missing value is in the middle, and by its indicator at 1 to 1.25 from any other.
        blocks = [np.nan_to_num(scaled, nan=0.5), np.isnan(numbers[:, self._gaps])]
        blocks += [vectors[codes[:, i]] for i, vectors in enumerate(self._vectors)]
        return np.column_stack(blocks).astype(np.float32)


def index_of(points):
    """An index of the points in which many neighbours are found fast."""
    algorithm = "kd_tree" if points.shape[1] <= TREE_DIMENSIONS else "brute"
    return NearestNeighbors(n_neighbors=1, algorithm=algorithm).fit(points)


def with_tie_break(points, rng):
    """Points with one more dimension, by which rows equally near are neighbours at random.

    Otherwise their order, and so a draw, would depend on the number of threads.
    """
    return np.column_stack([points, TIE_BREAK * rng.random_sample(len(points))]).astype(np.float32)


def _no_codes(table):
    return np.empty((len(table.numbers), 0), dtype=int)


def _category_points(n_codes, rng):
    """A point for each code of a category, any two at squared distance 1.

    Beyond MOST_DIMENSIONS codes, at about 1: random directions are nearly at right angles, and a
    column of identifiers must not take a dimension for each.
    """
    if n_codes <= MOST_DIMENSIONS:
        return np.eye(n_codes, dtype=np.float32) / np.sqrt(2)
    points = rng.standard_normal((n_codes, MOST_DIMENSIONS)).astype(np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True) / np.sqrt(2)
