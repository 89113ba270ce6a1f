"""The rows that choose a student: one part with held-out rows, or one part for each fold."""

from dataclasses import replace

import numpy as np

from skdistill._fit.candidates import N_FOLDS
from skdistill._fit.holdout import SHARE, rows_apart
from skdistill._fit.inputs import Inputs
from skdistill._fit.run import Run
from skdistill._fit.training import is_fitted_again
from skdistill._utils.auto import is_auto
from skdistill.teacher import find_partition

# Between these numbers of rows students are judged in folds: a tenth would tell too little.
FEWEST_ROWS, MOST_ROWS = 250, 2_000
# Limits of the rows that validation_fraction="auto" holds out.
LARGEST_SHARE = 0.25
ENOUGH_JUDGES = 1_000


def find_parts(given: Inputs, run: Run) -> list[Inputs]:
    """Hold rows out for validation before a teacher sees them.

    If a teacher has seen them, their labels leak into its labels of nearby rows, and so into the
    student. Its loss on them would be too low, and all choices by this loss wrong.

    Parameters
    ----------
    given : Inputs
    run : Run

    Returns
    -------
    list of Inputs
        One, or one a fold.
    """
    plan = run.plan
    if given.validation is not None:
        return [given]
    if judges_by_folds(given, run):
        return _folds(given, run)
    if not plan.stops_early(given.n_used):
        return [given]
    kept, rows = rows_apart(given, _fraction(given, run), plan.seeds["split"])
    return [given.hold_out(kept, rows) if len(rows) else given]


def rows_of(given: Inputs) -> Inputs:
    """All rows that are in some part: a splitter may leave others out."""
    if given.split is None:
        return given
    train, test = given.split
    return given.take(np.union1d(train, test))


def judges_by_folds(given: Inputs, run: Run) -> bool:
    """Whether to judge in folds: only if this is cheap, and if there is something to choose."""
    plan, parameters = run.plan, run.plan.parameters
    if not FEWEST_ROWS <= given.n_used <= MOST_ROWS or given.y is None:
        return False
    if not isinstance(parameters.early_stopping, str) or not plan.chooses_alpha:
        return False
    if not is_auto(parameters.validation_fraction) or given.groups is not None:
        return False
    if given.X_transfer is not None or parameters.class_prior is not None:
        return False
    is_free = plan.deadline is None and not plan.continues and not parameters.warm_start
    is_free = is_free and plan.queries is None
    is_plain = plan.is_student_ours and bool(parameters.refit) and given.folds is None
    # The task may divide the rows of each part again.
    is_plain = is_plain and not run.task.needs_folds
    return is_free and is_plain and plan.draws_once and given.fills_folds(2 * N_FOLDS)


def _fraction(given: Inputs, run: Run) -> float:
    """The share of the rows that is held out.

    If the last training uses all rows, a larger share of few rows can be held out: the choices
    are then better.
    """
    plan, fraction = run.plan, run.plan.parameters.validation_fraction
    if not isinstance(fraction, str):
        return fraction
    may = plan.draws_once and plan.deadline is None and given.groups is None
    if not may or not is_fitted_again(run, holds_out=True):
        return SHARE
    return float(np.clip(ENOUGH_JUDGES / given.n_used, SHARE, LARGEST_SHARE))


def _folds(given: Inputs, run: Run) -> list[Inputs]:
    """A part for each fold, with the rows of the fold held out."""
    used = np.flatnonzero(given.weights)
    strata = given.strata[used]
    seed = run.plan.seeds["split"]
    order = np.random.RandomState(seed).permutation(len(used))
    folds = find_partition(N_FOLDS, order, strata[order], None)
    everything = np.arange(len(given.labels))
    held_out = [np.sort(used[order[test]]) for _, test in folds]
    return [
        replace(
            given.hold_out(np.setdiff1d(everything, rows), rows), where=f"fold {i} of {N_FOLDS}"
        )
        for i, rows in enumerate(held_out, 1)
    ]
