"""Checks of the objectives of a fit, before a teacher is fitted for them."""

from typing import Any

from skdistill._fit.plan import Plan
from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import Table
from skdistill._utils.warn import warn
from skdistill.objectives import Heads, Objective
from skdistill.student import HydraStudent
from skdistill.task import Task


def check_objectives(plan: Plan, X: Table, task: Task) -> None:
    """Raise a ValueError if an objective lacks something it needs; warn of inputs it ignores.

    Parameters
    ----------
    plan : Plan
        Its columns are found.
    X : array-like or DataFrame of shape (n_samples, n_features)
    task : Task
    """
    for name, objective in plan.objectives:
        objective.check_fit(plan.teachers, task)
        if type(objective).probe_rows is not Objective.probe_rows:
            _check_probes(plan, name, objective, X)
    _warn_of_answers_in_sample(plan)
    heads = any(isinstance(one, Heads) for _, one in plan.objectives)
    if isinstance(plan.parameters.student, HydraStudent) and not heads:
        warn(
            "the heads of `student=HydraStudent()` learn nothing of their own without "
            "`objectives=Heads()`: how far they are apart will tell nothing."
        )


def _check_probes(plan: Plan, name: str, objective: Any, X: Table) -> None:
    """Probed rows are moved in all columns, so teacher and student must see the same."""
    if not _is_same(plan):
        raise ValueError(
            f"the objective `{name}` ({type(objective).__name__}) moves rows in all columns, but "
            "`teacher_features` and `student_features` differ: leave it out, or give both the same."
        )
    objective.probe_rows(safe_indexing(X, slice(0, 2)))  # it may refuse the container


def _is_same(plan: Plan) -> bool:
    of_student = plan.columns.indices
    of_teachers = plan.teacher_columns.indices
    if of_student is None or of_teachers is None:
        return of_student is of_teachers
    return set(of_student.tolist()) == set(of_teachers.tolist())


def _warn_of_answers_in_sample(plan: Plan) -> None:
    """Say which objectives do not follow `cv`."""
    if plan.cv is None or not plan.has_unfitted_teachers:
        return
    asking = [name for name, one in plan.objectives if one.asks_teacher(plan.teachers)]
    if asking:
        warn(
            f"`cv` labels the training rows out of fold, but the objectives {asking} take what "
            "they need from teachers that were fitted on these rows."
        )
