"""AcrossSplits: pairs of rows that differ from a training row by one threshold of the teacher."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval
from skdistill._utils.types import ArrayLike, BoolArray, FloatArray, IntArray, RandomState, Table
from skdistill.transfer._base import Drawn, TransferSampler, check_source_weights, rows_by_weight
from skdistill.transfer._context import TransferContext
from skdistill.transfer._data_free import check_columns, check_trees
from skdistill.transfer._domain import Domain

if TYPE_CHECKING:
    from skdistill.teacher import TreeStructure


class AcrossSplits(TransferSampler):
    """Rows beside a training row, just beyond the next thresholds of the teacher's trees.

    A teacher of trees has no gradient: its answer changes only at thresholds. So two
    rows are made from a training row, along one random column: one above the next higher
    threshold, one below the next lower. Without such a threshold, that side is the row itself.
    Their difference is the smallest that the teacher can distinguish: a finite difference instead
    of a Jacobian. Matching a Jacobian means matching the answers on slightly moved rows [1]_, so
    the student learns the teacher's answers on these rows like on any other.

    Categories and missing numbers have no thresholds: a category is replaced
    by another of its column, a missing number stays.

    Forests have thousands of thresholds in a column, so that one step changes almost nothing:
    raise `n_splits`. In our benchmark, :class:`Munge` in :class:`Near` taught more with a
    forest, and about as much with a booster.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    n_splits : int, default=1
        Thresholds that are crossed at a time. More of them lead further away.

    See Also
    --------
    Near : Rows near the data, for any teacher.

    References
    ----------
    .. [1] Srinivas and Fleuret (2018). Knowledge Transfer with Jacobian Matching.
       https://doi.org/10.48550/arXiv.1803.00443

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import AcrossSplits, TransferContext
    >>> X, y = load_iris(return_X_y=True)
    >>> context = TransferContext(teacher=RandomForestClassifier(20, random_state=0).fit(X, y))
    >>> rows = AcrossSplits().sample(X, 6, random_state=0, context=context)
    >>> (rows[0] != rows[1]).sum()
    np.int64(1)
    """

    asks = True
    _parameter_constraints: ClassVar[dict] = {
        **TransferSampler._parameter_constraints,
        "n_splits": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, size: float = 8.0, weight: float = 1.0, n_splits: int = 1) -> None:
        super().__init__(size=size, weight=weight)
        self.n_splits = n_splits

    def check_teacher(self, parts: list[tuple[str, Any]]) -> None:
        """Raise a ValueError if no teacher has trees; see :meth:`TransferSampler.check_teacher`."""
        check_trees("AcrossSplits", parts)

    def sample(
        self,
        X: Table,
        n: int,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        *,
        context: TransferContext | None = None,
    ) -> Drawn:
        """Draw `n` rows, two of each training row; see :meth:`TransferSampler.sample`."""
        from skdistill.teacher import tree_structure  # it loads torch, and Munge needs none

        self.check_parameters()
        teacher = None if context is None else context.teacher
        if teacher is None:
            raise ValueError(
                "`AcrossSplits` needs the fitted teacher: give "
                "`context=TransferContext(teacher=...)`."
            )
        rng, structure = check_random_state(random_state), tree_structure(teacher, "AcrossSplits")
        domain = Domain.of(X, structure.levels)
        check_columns(structure, domain)
        rows = domain.place_of(domain.table)
        weight = check_source_weights(sample_weight, len(rows))
        n, even = (n, np.ones(len(rows))) if len(rows) else (0, np.ones(0))
        if n:
            source = rows_by_weight((n + 1) // 2, even if weight is None else weight, rng)
            rows = self._pairs(rows[source], domain, structure, rng)
        drawn = domain.write(rows[:n])
        return drawn if weight is None else (drawn, np.full(n, weight.mean()))

    def _pairs(
        self,
        below: FloatArray,
        domain: Domain,
        structure: TreeStructure,
        rng: np.random.RandomState,
    ) -> FloatArray:
        """Two rows for each row, one after the other."""
        above = below.copy()
        column = _columns(below, _can_move(domain, structure), rng)
        for j in np.unique(column[column >= 0]).tolist():
            here = np.flatnonzero(column == j)
            low, high = self._beside(below[here, j], j, domain, structure, rng)
            below[here, j], above[here, j] = low, high
        return np.stack([below, above], axis=1).reshape(-1, below.shape[1])

    def _beside(
        self,
        values: FloatArray,
        j: int,
        domain: Domain,
        structure: TreeStructure,
        rng: np.random.RandomState,
    ) -> tuple[FloatArray, FloatArray]:
        """For values of a column, the ones on either side of them."""
        levels = domain.levels[j]
        if levels is not None:
            shift = rng.randint(1, len(levels), size=(2, len(values)))
            low, high = (values + shift) % len(levels)
            return low, high
        edges = _in_single_precision(structure.thresholds(j))
        # For whole numbers, thresholds 4 and 4.5 are the same.
        edges = np.unique(np.floor(edges) if domain.whole[j] else edges)
        ends = _with_ends(edges, domain.low[j], domain.high[j])
        place = np.searchsorted(edges, values.astype(np.float32))
        down = np.maximum(place - self.n_splits, 0)
        up = np.minimum(place + self.n_splits, len(edges))
        low, high = (_inside(ends, cell, domain.whole[j]) for cell in (down, up))
        # Beyond the outermost threshold, the row itself is that side.
        return np.where(place == 0, values, low), np.where(place == len(edges), values, high)


def _in_single_precision(thresholds: FloatArray) -> FloatArray:
    """The largest numbers that go left, since most trees round their inputs."""
    rounded = thresholds.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > thresholds, below, rounded).astype(float)


def _with_ends(edges: FloatArray, low: float, high: float) -> FloatArray:
    """The thresholds between the ends of the range, where values lie beyond the outermost two."""
    gap = np.diff(edges).mean() if len(edges) > 1 else max(high - low, abs(edges[0]), 1.0) / 100
    first = low if low < edges[0] else edges[0] - gap
    last = high if high > edges[-1] else edges[-1] + gap
    return np.concatenate([[first], edges, [last]])


def _inside(ends: FloatArray, cell: IntArray, whole: bool) -> FloatArray:
    """The middle of each cell; for whole numbers its lowest, or in the lowest cell its highest."""
    first, last = ends[cell], ends[cell + 1]
    if not whole:
        middle = ((first + last) / 2).astype(np.float32)
        return np.where(middle <= first, last, middle)  # nothing lies between neighbours
    return np.where(cell == 0, np.floor(last), np.floor(first) + 1)


def _can_move(domain: Domain, structure: TreeStructure) -> BoolArray:
    """Which columns have a threshold, or two levels."""
    return np.array(
        [
            bool(len(structure.thresholds(j))) if levels is None else len(levels) > 1
            for j, levels in enumerate(domain.levels)
        ]
    )


def _columns(rows: FloatArray, can_move: BoolArray, rng: np.random.RandomState) -> IntArray:
    """A column for each row, of those that are not missing there; -1 where there is none."""
    chance = rng.random_sample(rows.shape) * (can_move & ~np.isnan(rows))
    return np.where(chance.any(axis=1), chance.argmax(axis=1), -1)
