"""The teachers of a fit."""

from typing import Any

from sklearn.base import clone

from skdistill._fit.inputs import Inputs
from skdistill._fit.labelling import choose_weights
from skdistill._fit.outcome import may_have_seen
from skdistill._fit.run import Run
from skdistill._utils.auto import is_auto
from skdistill._utils.warn import warn
from skdistill.table import with_missing_numbers
from skdistill.teacher import RowWeights, TeacherPool, unfrozen

SEEN = (
    "`RowWeights` learns where each teacher is good on rows that a frozen teacher may have seen, "
    "and such a teacher gets too much: give `X_val` and `y_val`."
)


def fit_teacher(given: Inputs, run: Run, weights: Any = None) -> TeacherPool | None:
    """Fit the teachers that are not frozen, and pool all.

    Parameters
    ----------
    given : Inputs
    run : Run
    weights : array-like or RowWeights, default=None
        Of the pool, chosen before; None takes the parameter `teacher_weights`.

    Returns
    -------
    TeacherPool or None
        None if soft targets replace it.
    """
    parameters = run.plan.parameters
    if parameters.teacher is None:
        return None
    given_weights, chooses = parameters.teacher_weights, False
    if weights is None:
        chooses = is_auto(given_weights) or isinstance(given_weights, RowWeights)
        weights = None if is_auto(given_weights) else given_weights
        weights = clone(weights, safe=False)
    pool = run.plan.new_pool(
        weights=weights,
        n_jobs=parameters.n_jobs,
        memory=run.plan.memory,
        random_state=run.plan.seeds["teacher"],
        **run.plan.kind.pool_params(parameters, run.plan.response),
    )
    n_steps = len(unfrozen(run.plan.teachers))
    text = "fitting the teacher" if n_steps else "taking the frozen teacher as it is"
    with run.progress.task("fit-teacher", text, n_steps=n_steps) as step:
        pool.fit(given.X, given.y, fit_params=given.fit_params, step=step)
    _refuse_what_it_refuses(given, pool, run)
    if chooses:
        if isinstance(weights, RowWeights) and may_have_seen(run.plan, given.holds_out):
            warn(SEEN)
        choose_weights(pool, given)
    return pool


def _refuse_what_it_refuses(given: Inputs, pool: TeacherPool, run: Run) -> None:
    """Refuse missing numbers if X had none and the teacher does not accept them."""
    encoder = run.plan.parameters.encoder
    if not isinstance(encoder, str) or encoder == "passthrough":
        return
    row = with_missing_numbers(given.X, run.plan.columns)
    if row is None or run.plan.allows_nan:
        return
    if not pool.accepts(row):  # tags cannot tell: a Pipeline may impute
        given.encoder.set_params(unseen_missing="error")
