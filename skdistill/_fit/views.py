"""What the objectives take from the teacher, kept by `memory`, and the rows that they probe."""

from typing import Any

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.plan import Plan
from skdistill._fit.setting import Setting
from skdistill._utils.cache import Cache
from skdistill._utils.types import Table
from skdistill.objectives import Objective, probes_key, view_key
from skdistill.student import encode


def find_views(
    setting: Setting, teacher: Any, blocks: list[Block], plan: Plan
) -> dict[str, np.ndarray]:
    """Ask each objective for its view of some blocks, and for the rows that it probes.

    Parameters
    ----------
    setting : Setting
    teacher : TeacherPool or None
    blocks : list of Block
    plan : Plan

    Returns
    -------
    dict of str to ndarray
        Rows of all blocks, by the key in a batch's target; without those that need nothing.

    Raises
    ------
    ValueError
        If a view has not a row for each row.
    """
    views = {}
    for name, objective in setting.objectives:
        parts = [_view(name, objective, teacher, block.X, plan.cache) for block in blocks]
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


def _view(name: str, objective: Any, teacher: Any, X: Table, cache: Cache) -> Any:
    if type(objective).teacher_view is Objective.teacher_view:
        return None
    known_by = None if teacher is None or not cache.is_on else teacher.identity
    if teacher is not None and known_by is None:  # nothing tells it from another
        return objective.teacher_view(teacher, X)
    key = cache.key(f"objective `{name}`", objective, known_by, X)
    return cache.call(_ask, key, objective, teacher, X)


def _ask(key: str | None, objective: Any, teacher: Any, X: Table) -> Any:
    return objective.teacher_view(teacher, X)


def _check_view(name: str, view: Any, n_rows: int) -> None:
    if len(view) != n_rows:
        raise ValueError(
            f"`teacher_view` of the objective `{name}` returned {len(view)} rows for {n_rows} "
            "rows of X."
        )
