"""FromSchema: rows that cover ranges, levels and pairs of bins."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import qmc

from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.table import read_table
from skdistill.transfer._data_free import DataFreeSampler
from skdistill.transfer._domain import Domain

if TYPE_CHECKING:
    from skdistill.teacher import TreeStructure


class FromSchema(DataFreeSampler):
    """Rows without data, spread over ranges and levels so that pairs of columns are covered.

    The rows are Latin hypercubes of strength 2 [1]_: with p strata in each column, each pair of
    strata of any two columns is in one row of p * p. If the teacher has trees, the thresholds of a
    column are the edges of its bins [2]_, and all bins get equally many rows: most rows are then
    where the teacher splits most. Any other teacher is a black box, and a column of numbers has
    one bin.

    Columns are drawn independently, so many rows are unrealistic.

    Parameters
    ----------
    schema : TableSchema, default=None
        Ranges, levels and shares of missing values. None takes them from X, or without any, from
        the trees of the teacher.
    class_prior : "balanced", dict, array-like of shape (n_classes,) or None, default=None
        Shares of the classes, as predicted by the teacher, in the drawn rows: rows of
        too frequent classes are dropped. None drops no rows.
    size : float, default=8.0
        New rows for each training row, in a fit.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.

    See Also
    --------
    FromTrees : Rows that fill the leaves of a teacher of trees.
    TableSchema : Ranges and levels.

    References
    ----------
    .. [1] Tang (1993). Orthogonal Array-Based Latin Hypercubes.
       https://doi.org/10.1080/01621459.1993.10476423
    .. [2] Pereira, Khadka and Lei (2026). TabKD: Tabular Knowledge Distillation through Interaction
       Diversity of Learned Feature Bins. https://doi.org/10.48550/arXiv.2603.15481

    Examples
    --------
    >>> from skdistill import FromSchema, TableSchema
    >>> schema = TableSchema({"age": (18, 90), "city": ["Bern", "Oslo"]})
    >>> FromSchema(schema).rows(lambda X: X, 4, random_state=0).columns.tolist()
    ['age', 'city']
    """

    def coverage(self, X: Table, teacher: Estimator = None) -> float:
        """Share of the pairs of bins, over all pairs of columns, that contain a row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        teacher : estimator, default=None
            Fitted; if it has trees, their thresholds are the edges of the bins.

        Returns
        -------
        float
            From 0 to 1.
        """
        structure = None if teacher is None else self._structure(teacher)
        domain = Domain.of(X, {} if structure is None else structure.levels)
        if self.schema is not None:
            domain.narrow(self.schema)
        if structure is not None:
            domain.cut(structure)
        bins, n_bins = domain.bins_of(domain.place_of(read_table(X, exact=True))), domain.n_bins()
        covered = total = 0
        for i, j in combinations(range(len(n_bins)), 2):
            covered += len(np.unique(bins[:, i] * n_bins[j] + bins[:, j]))
            total += int(n_bins[i] * n_bins[j])
        return covered / total if total else 1.0

    def _draw(
        self,
        teacher: Estimator,
        structure: TreeStructure | None,
        domain: Domain,
        n: int,
        rng: np.random.RandomState,
    ) -> FloatArray:
        return domain.at(_covering(n, len(domain.levels), rng))


def _covering(n: int, n_columns: int, rng: np.random.RandomState) -> FloatArray:
    """Points in the unit cube: hypercubes of strength 2, then one of strength 1 for the rest."""
    parts: list[FloatArray] = [np.empty((0, n_columns))]
    left = n
    if n_columns > 1:
        size = _largest_prime(int(np.sqrt(n)))
        if size > 1 and size + 1 >= n_columns:
            for _ in range(left // size**2):
                parts.append(_hypercube(size**2, n_columns, 2, rng))
            left %= size**2
    if left:
        parts.append(_hypercube(left, n_columns, 1, rng))
    return rng.permutation(np.concatenate(parts))


def _hypercube(n: int, n_columns: int, strength: int, rng: np.random.RandomState) -> FloatArray:
    generator = np.random.default_rng(rng.randint(np.iinfo(np.int32).max))
    return qmc.LatinHypercube(n_columns, strength=strength, rng=generator).random(n)


def _largest_prime(most: int) -> int:
    """The largest prime up to a number; 1 if there is none."""
    for size in range(most, 1, -1):
        if all(size % divisor for divisor in range(2, int(np.sqrt(size)) + 1)):
            return size
    return 1
