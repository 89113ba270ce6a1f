"""The torch module of a fitted teacher, with the way from its inputs back to the columns of X."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skdistill._utils.named import parts_of
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.teacher._fitted_pool import FittedPool
from skdistill.teacher._models import has_part_of
from skdistill.teacher._torch import TorchTeacher
from skdistill.teacher._tree_columns import SplitColumn, trace_columns

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NetStructure:
    """A net, and the meaning of its inputs in X.

    Attributes
    ----------
    module : torch.nn.Module
        A copy in evaluation mode.
    transform : callable
        From rows of X to inputs of the net.
    columns : list of SplitColumn
        The column of X of each input.
    """

    module: torch.nn.Module
    transform: Callable[[Table], FloatArray]
    columns: list[SplitColumn]

    def raw(self, inputs: FloatArray) -> FloatArray:
        """Rows of X from inputs of the net: columns of numbers that it does not see are NaN."""
        n_columns = 1 + max(column.position for column in self.columns)
        rows = np.full((len(inputs), n_columns), np.nan)
        for i, column in enumerate(self.columns):
            rows[:, column.position] = column.raw_all(inputs[:, i].astype(float))
        return rows


def may_have_net(estimator: Estimator) -> bool:
    """Whether some part of an estimator, fitted or not, is a net of skorch or a torch module."""
    parts = parts_of(estimator)
    return has_part_of(parts, "skorch") or any(isinstance(one, TorchTeacher) for one in parts)


def net_structure(teacher: Estimator, n_columns: int, asked_by: str) -> NetStructure:
    """Find the net of a fitted teacher.

    Parameters
    ----------
    teacher : estimator or TeacherPool
        A :class:`TorchTeacher` without `preprocess`, or a skorch net; in a Pipeline of scalers too.
    n_columns : int
        Columns of X.
    asked_by : str
        The name of the caller, for messages.

    Returns
    -------
    NetStructure

    Raises
    ------
    ValueError
        If there is none, or if it has inputs other than numbers of X.
    """
    columns: list[SplitColumn] = [SplitColumn(position) for position in range(n_columns)]
    for one in teacher.estimators_ if isinstance(teacher, FittedPool) else [teacher]:
        bare = one.estimator if isinstance(one, FrozenEstimator) else one
        steps = bare[:-1] if isinstance(bare, Pipeline) else None
        last = bare[-1] if isinstance(bare, Pipeline) else bare
        module = _module_of(last)
        if module is None:
            continue
        for _, step in [] if steps is None else steps.steps:
            columns = trace_columns(step, columns, asked_by)
        if any(column.levels is not None for column in columns):
            raise ValueError(
                f"`{asked_by}` follows gradients, which categories do not have: the net must see "
                "columns of numbers only."
            )
        transform = _as_array if steps is None else steps.transform
        return NetStructure(copy.deepcopy(module).eval(), transform, columns)
    told = getattr(teacher, "estimators_", [teacher])
    names = ", ".join(type(getattr(one, "estimator", one)).__name__ for one in told)
    raise ValueError(
        f"`{asked_by}` needs a teacher that is a skorch net or a TorchTeacher without "
        f"`preprocess`, alone or behind scalers; got {names}."
    )


def _module_of(model: Any) -> torch.nn.Module | None:
    if isinstance(model, TorchTeacher):
        return model.module if model.preprocess is None else None
    return getattr(model, "module_", None) if has_part_of([model], "skorch") else None


def _as_array(X: Table) -> FloatArray:
    return np.asarray(X, dtype=float)
