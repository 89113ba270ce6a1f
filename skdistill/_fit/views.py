"""What the objectives take from the teacher, kept by `memory`."""

from typing import Any

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._utils.cache import Cache
from skdistill._utils.types import Table
from skdistill.objectives import Objective


def teacher_views(
    objectives: list[tuple[str, Any]], teacher: Any, blocks: list[Block], cache: Cache
) -> dict[str, np.ndarray]:
    """Ask each objective for its view of some blocks.

    Parameters
    ----------
    objectives : list of (str, Objective)
    teacher : TeacherPool or None
    blocks : list of Block
    cache : Cache

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
    for name, objective in objectives:
        parts = [_view(name, objective, teacher, block.X, cache) for block in blocks]
        if parts[0] is not None:
            for part, block in zip(parts, blocks, strict=True):
                _check_view(name, part, len(block))
            views[name] = np.concatenate(parts)
    return views


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
