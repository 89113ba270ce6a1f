"""Data that objectives take from the teacher (stored in `memory`), and rows that they probe."""

from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone

from skdistill._fit.blocks import Block
from skdistill._fit.plan import Plan
from skdistill._fit.setting import Setting
from skdistill._utils.cache import Cache
from skdistill._utils.types import Table
from skdistill.objectives import Objective, probes_key, view_key
from skdistill.student import encode


def find_views(
    setting: Setting,
    teacher: Any,
    blocks: list[Block],
    plan: Plan,
    training: Block | None = None,
) -> dict[str, np.ndarray]:
    """Ask each objective for its view of some blocks, and for the rows that it probes.

    Parameters
    ----------
    setting : Setting
    teacher : TeacherPool or None
    blocks : list of Block
    plan : Plan
    training : Block, default=None
        The rows that views are fitted on; None: the first of `blocks`.

    Returns
    -------
    dict of str to ndarray
        Rows of all blocks, by the key in a batch's target; objectives without a view are left out.

    Raises
    ------
    ValueError
        If a view does not have one row for each row.
    """
    views = {}
    first = blocks[0] if training is None else training
    for name, objective in setting.objectives:
        view = _View(name, objective, teacher, first.X, plan.cache)
        parts = [view.of(block.X) for block in blocks]
        if parts[0] is not None:
            for part, block in zip(parts, blocks, strict=True):
                _check_view(name, part, len(block))
            views[view_key(name)] = np.concatenate(parts)
        probes = [_probes(objective, block.X, setting.encoder, plan) for block in blocks]
        if probes[0] is not None:
            views[probes_key(name)] = np.concatenate(probes)
    return views


def _probes(objective: Any, X: Table, encoder: Any, plan: Plan) -> Any:
    """The rows that an objective probes, as the student sees them."""
    tables = objective.probe_rows(X)
    if not tables:
        return None
    return np.stack([encode(encoder, plan.columns.take(table)) for table in tables], axis=1)


class _View:
    """The data that one objective takes from the teacher.

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
        """The view of some rows; None if the objective takes none."""
        if type(self.objective).teacher_view is Objective.teacher_view:
            return None
        known_by = None if self.teacher is None or not self._cache.is_on else self.teacher.identity
        if self.teacher is not None and known_by is None:  # it has no key
            return _ask(None, self, X)
        seen = self._X if self._is_fitted_on_rows else None
        key = self._cache.key(f"objective `{self._name}`", self.objective, known_by, seen, X)
        return self._cache.call(_ask, key, self, X)

    @cached_property
    def fitted(self) -> Any:
        """The objective, or a clone fitted on the training rows."""
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
