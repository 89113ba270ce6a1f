"""Transfer sets: where the rows that the student learns from come from."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from skdistill._frame import codes_of, mix_rows, read_table

# Dimensions that a category column takes in the space where neighbours are sought.
MOST_DIMENSIONS = 64


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
        _check_number("size", self.size, 0)
        _check_number("weight", self.weight, 0)

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


class GivenRows(TransferSampler):
    """Draw no rows: only say how much the rows of `X_transfer` weigh, beside other samplers too.

    Parameters
    ----------
    weight : float, default=1.0
        Weight of a row of `X_transfer` relative to a training row.
    """

    def __init__(self, weight=1.0):
        super().__init__(size=0.0, weight=weight)

    def sample(self, X, n, random_state=None):
        """Draw nothing: `n` must be 0; see :meth:`TransferSampler.sample`."""
        if n:
            raise ValueError(f"GivenRows draws no rows, but `n` is {n}.")
        table = read_table(X, exact=True)
        no_sources = np.empty((0, len(table.categories)), dtype=int)
        return mix_rows(X, table, table.numbers[:0], no_sources)


class Munge(TransferSampler):
    """MUNGE: exchange or blur the values of a row with those of its nearest neighbour.

    A pass over a copy of the rows takes each row e and its nearest neighbour e' (squared Euclidean
    distance on numbers scaled to [0, 1], plus 1 for each category that differs). With probability
    `p` each attribute is changed in both: a category, or a number that is missing in one of them,
    is swapped; numbers a and a' are drawn anew from ``N(a', |a - a'| / s)`` and
    ``N(a, |a - a'| / s)``.
    Whole numbers stay whole, and no value leaves the range seen. Neighbours are those of the rows
    as given. Above `block_size` rows they are sought within random blocks of that size, so that
    the time grows with the number of rows, not with its square.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row: the passes.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    p : float, default=0.5
        Probability that an attribute of a pair is changed.
    s : float, default=1.0
        Local variance parameter: the larger, the closer the new values stay to those exchanged.
    block_size : int, default=20000
        Rows among which neighbours are sought.

    References
    ----------
    .. [1] Bucila, Caruana and Niculescu-Mizil (2006). Model Compression, Algorithm 1.
       https://doi.org/10.1145/1150402.1150464

    Examples
    --------
    >>> from skdistill import Munge
    >>> Munge().sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    def __init__(self, size=8.0, weight=1.0, p=0.5, s=1.0, block_size=20_000):
        super().__init__(size=size, weight=weight)
        self.p = p
        self.s = s
        self.block_size = block_size

    def check_parameters(self):
        """Raise a ValueError for a parameter that is not valid."""
        super().check_parameters()
        _check_number("p", self.p, 0, 1)
        _check_number("s", self.s, 0, above=True)
        _check_number("block_size", self.block_size, 2)
        if self.block_size != int(self.block_size):
            raise ValueError(f"`block_size` must be an integer, got {self.block_size!r}.")

    def sample(self, X, n, random_state=None):
        """Draw `n` rows; see :meth:`TransferSampler.sample`."""
        self.check_parameters()
        rng = check_random_state(random_state)
        table = read_table(X, exact=True)
        n_rows = len(table.numbers)
        neighbour = self._nearest(table, rng) if n_rows > 1 else np.zeros(n_rows, dtype=int)
        passes = []
        for start in range(0, n, n_rows):
            numbers, sources = self._one_pass(table, neighbour, rng)
            keep = rng.permutation(n_rows)[: n - start] if n - start < n_rows else slice(None)
            passes.append((numbers[keep], sources[keep]))
        if not passes:
            passes = [(table.numbers[:0], np.empty((0, len(table.categories)), dtype=int))]
        numbers, sources = (np.concatenate(part) for part in zip(*passes, strict=True))
        return mix_rows(X, table, numbers, sources)

    def _one_pass(self, table, neighbour, rng):
        numbers = table.numbers.copy()
        sources = np.repeat(np.arange(len(numbers))[:, None], max(len(table.categories), 0), axis=1)
        for row, other in _disjoint_pairs(neighbour, rng):
            self._exchange_sources(sources, row, other, rng)
            self._exchange_numbers(numbers, row, other, rng)
        return _tidy(numbers, table.numbers), sources

    def _exchange_sources(self, sources, row, other, rng):
        chosen = rng.random_sample((len(row), sources.shape[1])) < self.p
        mine, theirs = sources[row], sources[other]
        sources[row] = np.where(chosen, theirs, mine)
        sources[other] = np.where(chosen, mine, theirs)

    def _exchange_numbers(self, numbers, row, other, rng):
        mine, theirs = numbers[row], numbers[other]
        chosen = rng.random_sample(mine.shape) < self.p
        # NaN, the spread where one of the two is missing, swaps without a blur.
        spread = np.nan_to_num(np.abs(mine - theirs) / self.s)
        noise = rng.standard_normal((2, *mine.shape))
        numbers[row] = np.where(chosen, theirs + spread * noise[0], mine)
        numbers[other] = np.where(chosen, mine + spread * noise[1], theirs)

    def _nearest(self, table, rng):
        points = _metric_space(table, rng)
        n_rows = len(points)
        # No block may hold a single row, which would have no neighbour.
        n_blocks = max(1, min(-(-n_rows // int(self.block_size)), n_rows // 2))
        neighbour = np.empty(n_rows, dtype=int)
        for block in np.array_split(rng.permutation(n_rows), n_blocks):
            neighbour[block] = block[_nearest_other(points[block], rng)]
        return neighbour


def _nearest_other(points, rng):
    """Index of each row's nearest other row; equal rows are each other's, in a random cycle.

    Were one of them the neighbour of all, thousands of pairs would share a row.
    """
    unique, group, size = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(points))
    by_group = shuffled[np.argsort(group[shuffled], kind="stable")]
    first = np.cumsum(size) - size
    nearest = np.empty(len(points), dtype=int)
    following = np.arange(len(points)) + 1
    last = first + size - 1
    following[last] = first
    nearest[by_group] = by_group[following]
    if len(unique) > 1:
        lone = size[group] == 1
        index = NearestNeighbors(n_neighbors=1).fit(unique)
        other = index.kneighbors(return_distance=False)[:, 0]  # without X, never the row itself
        target = other[group[lone]]
        drawn = (rng.random_sample(len(target)) * size[target]).astype(int)
        nearest[lone] = by_group[first[target] + drawn]
    return nearest


def _metric_space(table, rng):
    """Rows whose squared Euclidean distance is that of MUNGE's mixed metric."""
    numbers = table.numbers
    blocks = []
    if numbers.shape[1]:
        missing = np.isnan(numbers)
        filled = numbers.copy()
        filled[:, missing.all(axis=0)] = 0.0
        low, high = np.nanmin(filled, axis=0), np.nanmax(filled, axis=0)
        scaled = (filled - low) / np.where(high > low, high - low, 1.0)
        # A missing value is in the middle, and by its indicator at 1 to 1.25 from any other.
        some = missing.any(axis=0)
        blocks += [np.nan_to_num(scaled, nan=0.5), missing[:, some]]
    for values in table.categories:
        codes, known = codes_of(values)
        blocks.append(_category_points(len(known) + 2, rng)[codes])
    return np.column_stack(blocks).astype(np.float32)


def _category_points(n_codes, rng):
    """A point for each code of a category, any two at squared distance 1.

    Beyond MOST_DIMENSIONS codes, at about 1: random directions are nearly at right angles, and a
    column of identifiers must not take a dimension for each.
    """
    if n_codes <= MOST_DIMENSIONS:
        return np.eye(n_codes, dtype=np.float32) / np.sqrt(2)
    points = rng.standard_normal((n_codes, MOST_DIMENSIONS)).astype(np.float32)
    return points / np.linalg.norm(points, axis=1, keepdims=True) / np.sqrt(2)


def _disjoint_pairs(neighbour, rng):
    """Yield the pairs (row, its neighbour) in random order, in groups without a common row.

    Pairs that share no row do not affect one another, so a group can be changed at once with the
    result of one after the other.
    """
    rows = rng.permutation(len(neighbour))
    others = neighbour[rows]
    first = np.full(len(neighbour), len(neighbour))
    while len(rows):
        order = np.arange(len(rows))
        first[rows] = first[others] = len(rows)
        np.minimum.at(first, rows, order)
        np.minimum.at(first, others, order)
        ready = (first[rows] == order) & (first[others] == order)
        yield rows[ready], others[ready]
        rows, others = rows[~ready], others[~ready]


def _tidy(numbers, seen):
    """Keep the range seen, and whole numbers whole."""
    if not seen.shape[1]:
        return numbers
    filled = np.where(np.isnan(seen).all(axis=0), 0.0, seen)
    np.clip(numbers, np.nanmin(filled, axis=0), np.nanmax(filled, axis=0), out=numbers)
    whole = ((seen == np.rint(seen)) | np.isnan(seen)).all(axis=0)
    numbers[:, whole] = np.rint(numbers[:, whole])
    return numbers


def _check_number(name, value, low, high=None, above=False):
    valid = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(value)
    if valid:
        valid = (value > low if above else value >= low) and (high is None or value <= high)
    if not valid:
        bound = f"{'>' if above else '>='} {low}" + ("" if high is None else f" and <= {high}")
        raise ValueError(f"`{name}` must be a number {bound}, got {value!r}.")
