"""The teachers of a fit."""

from typing import Any

from skdistill._fit.inputs import Inputs
from skdistill._fit.labelling import choose_weights
from skdistill._fit.run import Run
from skdistill.table import with_missing_numbers
from skdistill.teacher import TeacherPool, unfrozen


def fit_teacher(given: Inputs, run: Run, weights: Any = None) -> TeacherPool | None:
    """Fit the teachers that are not frozen, and pool all.

    Parameters
    ----------
    given : Inputs
    run : Run
    weights : array-like, default=None
        Of the pool; None takes the parameter `teacher_weights`.

    Returns
    -------
    TeacherPool or None
        None where soft targets take its place.
    """
    parameters = run.plan.parameters
    if parameters.teacher is None:
        return None
    weights = parameters.teacher_weights if weights is None else weights
    chooses = isinstance(weights, str) and weights == "auto"
    pool = run.plan.new_pool(
        weights=None if chooses else weights,
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
        choose_weights(pool, given)
    return pool


def _refuse_what_it_refuses(given: Inputs, pool: TeacherPool, run: Run) -> None:
    """Missing numbers, where there were none in X and the teacher does not take them."""
    encoder = run.plan.parameters.encoder
    if not isinstance(encoder, str) or encoder == "passthrough":
        return
    row = with_missing_numbers(given.X, run.plan.columns)
    if row is None or run.plan.allows_nan:
        return
    if not pool.accepts(row):  # tags cannot tell: a Pipeline may impute
        given.encoder.set_params(unseen_missing="error")
