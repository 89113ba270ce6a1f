"""What the trees of a teacher know of a row, as numbers for a layer of the student to hold."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import FloatArray, IntArray, Table
from skdistill.teacher import Trees

# Numbers that are held at a time, of some rows and all trees.
CELLS_AT_ONCE = 20_000_000
# Training rows that the features are fitted on, at most.
FIT_ROWS = 10_000
# Points on the way of a margin, and parts of the trees with an embedding each.
N_POINTS, N_GROUPS = 16, 4
# Of the fit of an embedding.
N_STEPS, BATCH_ROWS, LEARNING_RATE = 200, 256, 0.01


class TreeFeatures:
    """Features of the trees of a teacher.

    Parameters
    ----------
    trees : list of Trees
        Those of each model.
    n_components : int or None
        At most so many features; None keeps all.
    """

    def __init__(self, trees: Sequence[Trees], n_components: int | None) -> None:
        self.trees = trees
        self.n_components = n_components

    def fit(self, X: Table) -> Self:
        """Learn their scale, and components, on training rows: evenly spaced ones of many."""
        n_rows, row = num_samples(X), safe_indexing(X, slice(0, 1))
        self._n_cells = sum(one.n_stages * one.margins(row, [1]).size for one in self.trees)
        n_fit = min(n_rows, FIT_ROWS, max(1, CELLS_AT_ONCE // self._n_cells))
        if n_fit < n_rows:
            X = safe_indexing(X, np.linspace(0, n_rows - 1, n_fit).astype(int))
        self._fit(X)
        return self

    def transform(self, X: Table) -> FloatArray:
        """Features of some rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            float32; on the rows of the fit with a mean of 0, and a mean square of 1 over all.
        """
        parts = [self._transform(rows) for rows in self._some_at_once(X)]
        return np.concatenate(parts).astype(np.float32)

    def _fit(self, X: Table) -> None:
        raise NotImplementedError

    def _transform(self, X: Table) -> FloatArray:
        raise NotImplementedError

    def _some_at_once(self, X: Table) -> Iterator[Table]:
        step = max(1, CELLS_AT_ONCE // self._n_cells)
        for start in range(0, num_samples(X), step):
            yield safe_indexing(X, slice(start, start + step))


class Components(TreeFeatures):
    """Principal components of columns that the trees give.

    They keep their variances, up to a factor: what is shared by few trees weighs little.
    """

    _scaler: StandardScaler | None = None

    def _columns(self, X: Table) -> FloatArray:
        raise NotImplementedError

    def _fit(self, X: Table) -> None:
        columns = self._standardized(self._columns(X), fits=True)
        most = min(columns.shape)
        n = most if self.n_components is None else min(self.n_components, most)
        self._pca = PCA(n, random_state=0).fit(columns)
        self._scale = max(self._pca.explained_variance_.mean() ** 0.5, np.finfo(float).tiny)

    def _transform(self, X: Table) -> FloatArray:
        return self._pca.transform(self._standardized(self._columns(X))) / self._scale

    def _standardized(self, columns: FloatArray, fits: bool = False) -> FloatArray:
        return columns


class MarginPath(Components):
    """Answers of each model after a share of its stages: where it soon knew, and where late."""

    def _columns(self, X: Table) -> FloatArray:
        parts = [one.margins(X, _ends(one.n_stages, N_POINTS)[1:]) for one in self.trees]
        return np.hstack([part.reshape(len(part), -1) for part in parts])

    def _standardized(self, columns: FloatArray, fits: bool = False) -> FloatArray:
        if fits:
            self._scaler = StandardScaler().fit(columns)
        assert self._scaler is not None
        return self._scaler.transform(columns)


class LeafValues(Components):
    """What each tree adds to the answer: the value of the leaf that a row falls into."""

    def _columns(self, X: Table) -> FloatArray:
        parts = [one.leaf_values(X) for one in self.trees]
        return np.hstack([part.reshape(len(part), -1) for part in parts])


class LeafEmbedding(TreeFeatures):
    """Sums of vectors, one a leaf, fitted so that they tell what a group of trees answers."""

    def _fit(self, X: Table) -> None:
        width = max(1, (self.n_components or 20 * N_GROUPS) // (N_GROUPS * len(self.trees)))
        self._parts = [_EmbeddedTrees(one, width).fit(X) for one in self.trees]
        self._scaler = StandardScaler().fit(self._embedded(X))

    def _transform(self, X: Table) -> FloatArray:
        return self._scaler.transform(self._embedded(X))

    def _embedded(self, X: Table) -> FloatArray:
        return np.hstack([part.transform(X) for part in self._parts])


class _EmbeddedTrees:
    """The leaves of one model as vectors.

    Parameters
    ----------
    trees : Trees
    width : int
        Numbers of a group of trees.
    """

    def __init__(self, trees: Trees, width: int) -> None:
        self._trees = trees
        self._width = width
        self._stages = _ends(trees.n_stages, N_GROUPS)

    def fit(self, X: Table) -> Self:
        """Fit the vectors of each group, with a linear head for what its trees add."""
        leaves = _apart(self._trees.leaves(X))
        self._places = self._stages * (leaves.shape[1] // self._trees.n_stages)
        added = np.diff(self._trees.margins(X, self._stages[1:]), axis=1, prepend=0)
        added = (added - added.mean(axis=0)) / max(added.std(), np.finfo(float).tiny)
        self._known = [np.unique(part) for part in self._groups(leaves)]
        parts = zip(self._one_hot(leaves), added.swapaxes(0, 1), strict=True)
        self._vectors = [_fit_vectors(rows, told, self._width) for rows, told in parts]
        return self

    def transform(self, X: Table) -> FloatArray:
        """The vectors of some rows: (n_samples, n_groups * width)."""
        parts = zip(self._one_hot(_apart(self._trees.leaves(X))), self._vectors, strict=True)
        return np.hstack([rows @ vectors for rows, vectors in parts])

    def _groups(self, leaves: IntArray) -> list[IntArray]:
        return [leaves[:, start:end] for start, end in pairwise(self._places)]

    def _one_hot(self, leaves: IntArray) -> Iterator[csr_array]:
        """Of each group: 1 for each leaf that a row falls into; none for one not seen before."""
        for part, known in zip(self._groups(leaves), self._known, strict=True):
            places = np.minimum(np.searchsorted(known, part), len(known) - 1)
            ones = (known[places] == part).astype(np.float32)
            starts = np.arange(len(part) + 1) * part.shape[1]
            yield csr_array((ones.ravel(), places.ravel(), starts), shape=(len(part), len(known)))


def _apart(leaves: IntArray) -> IntArray:
    """The same with numbers that no two trees share."""
    return leaves.astype(np.uint32).astype(np.int64) + (np.arange(leaves.shape[1]) << 32)


def _fit_vectors(rows: csr_array, added: FloatArray, width: int) -> FloatArray:
    """A vector a leaf, so that a linear head of their sum tells what the trees add."""
    draws = np.random.RandomState(0)
    n_rows, n_trees = rows.shape[0], rows.nnz / rows.shape[0]
    vectors = draws.normal(size=(rows.shape[1], width)).astype(np.float32) / n_trees**0.5
    head = draws.normal(size=(width, added.shape[1])).astype(np.float32) / width**0.5
    parameters = [torch.from_numpy(one) for one in (vectors, head)]  # of the same memory
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    for _ in range(N_STEPS):
        batch = draws.randint(n_rows, size=min(n_rows, BATCH_ROWS))
        some = rows[batch]
        sums = some @ vectors
        error = (sums @ head - added[batch].astype(np.float32)) / len(batch)
        parameters[0].grad = torch.from_numpy(some.T @ (error @ head.T))
        parameters[1].grad = torch.from_numpy(sums.T @ error)
        optimizer.step()
    return vectors


def _ends(n_stages: int, n_parts: int) -> Any:
    """Where parts of nearly equal size end, from 0 on."""
    return np.unique(np.linspace(0, n_stages, min(n_parts, n_stages) + 1).round().astype(int))
