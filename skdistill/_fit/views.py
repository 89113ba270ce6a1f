"""What the objectives take from the teacher, kept by `memory`."""

from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone

from skdistill._fit.blocks import Block
from skdistill._utils.cache import Cache
from skdistill._utils.types import Table
from skdistill.objectives import Objective


def teacher_views(
    objectives: list[tuple[str, Any]],
    teacher: Any,
    blocks: list[Block],
    cache: Cache,
    training: Block | None = None,
) -> dict[str, np.ndarray]:
    """Ask each objective for its view of some blocks.

    Parameters
    ----------
    objectives : list of (str, Objective)
    teacher : TeacherPool or None
    blocks : list of Block
    cache : Cache
    training : Block, default=None
        The rows that views are fitted on; None: the first of `blocks`.

    Returns
    -------
    dict of str to ndarray
        Rows of all blocks, by the name of the objective; without those that need nothing.

    Raises
    ------
    ValueError
        If a view has not a row for each row.
    """
    views = {}
    first = blocks[0] if training is None else training
    for name, objective in objectives:
        if type(objective).teacher_view is Objective.teacher_view:
            continue
        view = _View(name, objective, teacher, first.X, cache)
        parts = [view.of(block.X) for block in blocks]
        if parts[0] is not None:
            for part, block in zip(parts, blocks, strict=True):
                _check_view(name, part, len(block))
            views[name] = np.concatenate(parts)
    return views


class _View:
    """What one objective takes from the teacher.

    Parameters
    ----------
    name : str
    objective : Objective
    teacher : TeacherPool or None
    X : array-like or DataFrame of shape (n_samples, n_features)
        The training rows.
    cache : Cache
    """

    def __init__(self, name: str, objective: Any, teacher: Any, X: Table, cache: Cache) -> None:
        self.objective = objective
        self.teacher = teacher
        self._name, self._cache = name, cache
        self._is_fitted_on_rows = type(objective).fit_view is not Objective.fit_view
        self._X = X

    def of(self, X: Table) -> Any:
        """The view of some rows."""
        known_by = None if self.teacher is None or not self._cache.is_on else self.teacher.identity
        if self.teacher is not None and known_by is None:  # nothing tells it from another
            return _ask(None, self, X)
        seen = self._X if self._is_fitted_on_rows else None
        key = self._cache.key(f"objective `{self._name}`", self.objective, known_by, seen, X)
        return self._cache.call(_ask, key, self, X)

    @cached_property
    def fitted(self) -> Any:
        """The objective, or a clone that has learned of the training rows."""
        if not self._is_fitted_on_rows:
            return self.objective
        fitted = clone(self.objective)
        fitted.fit_view(self.teacher, self._X)
        return fitted


def _ask(key: str | None, view: _View, X: Table) -> Any:
    return view.fitted.teacher_view(view.teacher, X)


def _check_view(name: str, view: Any, n_rows: int) -> None:
    if len(view) != n_rows:
        raise ValueError(
            f"`teacher_view` of the objective `{name}` returned {len(view)} rows for {n_rows} "
            "rows of X."
        )
