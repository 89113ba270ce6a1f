"""Rows are moved between the leaves of a tree until each holds its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skdistill._utils.types import BoolArray, FloatArray, IntArray
from skdistill.transfer._domain import Domain, between

if TYPE_CHECKING:
    from skdistill.teacher import Tree


class RakedTree:
    """A tree, ready for rows of a domain.

    Parameters
    ----------
    tree : Tree
    domain : Domain
    """

    def __init__(self, tree: Tree, domain: Domain) -> None:
        self.tree = tree
        self.domain = domain
        n_nodes = len(tree.feature)
        is_leaf = tree.left < 0
        inner = np.flatnonzero(~is_leaf)
        self.parent = np.full(n_nodes, -1)
        self.parent[tree.left[inner]] = self.parent[tree.right[inner]] = inner
        mass = np.where(is_leaf, tree.mass, 0.0)
        self.ends = np.cumsum(mass / mass.sum())
        # Which levels go left at the nodes that split by levels, and the row of each node.
        self._row = np.full(n_nodes, -1)
        by_level = [
            node for node in inner.tolist() if domain.levels[tree.feature[node]] is not None
        ]
        self._row[by_level] = np.arange(len(by_level))
        self._goes_left = [self._levels_left(node) for node in by_level]

    def leaves(self, rows: FloatArray) -> IntArray:
        """The leaf of each row.

        Parameters
        ----------
        rows : ndarray of shape (n, n_columns)

        Returns
        -------
        ndarray of int of shape (n,)
        """
        tree, node, active = self.tree, np.zeros(len(rows), dtype=int), np.arange(len(rows))
        while len(active):
            at = node[active]
            is_inner = tree.feature[at] >= 0
            active, at = active[is_inner], at[is_inner]
            goes_left = self._left(rows[active, tree.feature[at]], at)
            node[active] = np.where(goes_left, tree.left[at], tree.right[at])
        return node

    def rake(self, rows: FloatArray, rng: np.random.RandomState) -> float:
        """Move rows from leaves that hold too many to those that hold too few, in place.

        A row that is moved gets the columns on the path to its new leaf from a row in that leaf,
        or, if there is none, random values between the thresholds. Its other columns stay.

        Parameters
        ----------
        rows : ndarray of shape (n, n_columns)
        rng : RandomState

        Returns
        -------
        float
            Share of the rows that were moved.
        """
        n, leaf = len(rows), self.leaves(rows)
        ends = np.floor(self.ends * n + rng.random_sample()).astype(int)
        wanted, held = np.diff(ends, prepend=0), np.bincount(leaf, minlength=len(self.ends))
        order = rng.permutation(n)
        order = order[np.argsort(leaf[order], kind="stable")]
        start = np.cumsum(held) - held
        spare = order[np.arange(n) - start[leaf[order]] >= wanted[leaf[order]]]
        targets = np.repeat(np.arange(len(held)), np.maximum(wanted - held, 0))
        n_moved = min(len(spare), len(targets))
        spare, targets = (rng.permutation(one)[:n_moved] for one in (spare, targets))
        place = (rng.random_sample(n_moved) * held[targets]).astype(int)
        there = rows[order[np.minimum(start[targets] + place, n - 1)]]
        kinds, which = np.unique(targets, return_inverse=True)
        boxes = _Boxes(self, kinds)
        is_empty = held[targets] == 0
        there[is_empty] = boxes.draw(which[is_empty], rng)
        rows[spare] = np.where(boxes.on_path[which], there, rows[spare])
        return n_moved / max(n, 1)

    def _left(self, values: FloatArray, at: IntArray) -> BoolArray:
        """Whether values go left at their nodes."""
        goes_left = values <= self.tree.threshold[at]
        row = self._row[at]
        for one in np.unique(row[row >= 0]).tolist():
            here = np.flatnonzero((row == one) & ~np.isnan(values))
            goes_left[here] = self._goes_left[one][values[here].astype(int)]
        missing = np.isnan(values)
        goes_left[missing] = self.tree.missing_left[at[missing]]
        return goes_left

    def _levels_left(self, node: int) -> BoolArray:
        """Which levels of the column go left at a node."""
        levels = self.domain.levels[self.tree.feature[node]] or []
        if node in self.tree.levels:
            some, go_left = self.tree.levels[node]
            return np.array([(level in some) == go_left for level in levels], dtype=bool)
        return np.array([float(level) <= self.tree.threshold[node] for level in levels], dtype=bool)


class _Boxes:
    """The values that cells of rows in some leaves may have.

    Attributes
    ----------
    on_path : ndarray of bool of shape (n_leaves, n_columns)
        Columns that are split on above a leaf.
    """

    def __init__(self, raked: RakedTree, leaves: IntArray) -> None:
        tree, domain = raked.tree, raked.domain
        shape, self.domain = (len(leaves), len(domain.levels)), domain
        self.on_path, self.may_miss = np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)
        self.low = np.tile(domain.low - domain.whole, (len(leaves), 1))
        self.high = np.tile(domain.high, (len(leaves), 1))
        self.allowed = {
            j: np.ones((len(leaves), len(levels)), dtype=bool)
            for j, levels in enumerate(domain.levels)
            if levels is not None
        }
        node: IntArray = leaves
        row: IntArray = np.arange(len(leaves))
        while len(row):
            above = raked.parent[node]
            row, node, above = (one[above >= 0] for one in (row, node, above))
            is_left, column = tree.left[above] == node, tree.feature[above]
            self.on_path[row, column] = True
            self.may_miss[row, column] &= tree.missing_left[above] == is_left
            edge = tree.threshold[above]
            left, right = is_left & ~np.isnan(edge), ~is_left & ~np.isnan(edge)
            for bound, side, nearer in (
                (self.high, left, np.minimum),
                (self.low, right, np.maximum),
            ):
                cells = row[side], column[side]
                bound[cells] = nearer(bound[cells], edge[side])
            for i in np.flatnonzero(raked._row[above] >= 0).tolist():
                goes_left = raked._goes_left[raked._row[above[i]]]
                self.allowed[column[i]][row[i]] &= goes_left == is_left[i]
            node = above

    def draw(self, which: IntArray, rng: np.random.RandomState) -> FloatArray:
        """Random rows inside: one for each of some leaves, by their positions here."""
        domain, shape = self.domain, (len(which), len(self.domain.levels))
        low, high = np.minimum(self.low, self.high)[which], self.high[which]
        rows = between(low, high, domain.whole, rng.random_sample(shape))
        for j, allowed in self.allowed.items():
            weight = rng.random_sample((len(which), allowed.shape[1])) * allowed[which]
            if weight.shape[1]:
                rows[:, j] = weight.argmax(axis=1)
        misses = self.may_miss[which] & (rng.random_sample(shape) < domain.missing)
        rows[misses] = np.nan
        return rows
