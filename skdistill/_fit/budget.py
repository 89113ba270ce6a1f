"""Which rows the teachers of a fit are asked for, where `max_queries` limits them."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from skdistill._fit.blocks import Block
from skdistill._fit.labelling import training_rows
from skdistill._fit.training import is_fitted_again
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.auto import is_auto
from skdistill._utils.named import named_parts
from skdistill._utils.types import IntArray, Table
from skdistill._utils.warn import warn
from skdistill.teacher import Queries
from skdistill.transfer import Disagreement, FromNet, Munge, Rounds, chain_of

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs
    from skdistill._fit.plan import Plan
    from skdistill._fit.run import Run

# Of transfer="auto" within a budget.
N_ROUNDS = 8


def check_budget(plan: "Plan") -> None:
    """Raise a ValueError for parameters whose queries cannot be counted or limited."""
    if plan.queries is None:
        return
    parameters, name = plan.parameters, f"`max_queries={plan.queries.most}`"
    if not plan.teachers:
        raise ValueError(f"{name} limits what a teacher is asked, but there is no `teacher`.")
    if plan.cv is not None:
        what = "label_tolerance" if is_auto(parameters.cv) else "cv"
        raise ValueError(
            f"{name} counts what one teacher is asked, but `{what}` fits and asks another in each "
            "fold: use `cv=None`. Rows that a teacher was fitted on are then taught by label."
        )
    if getattr(parameters, "head", "mean") != "mean":
        raise ValueError(
            f"{name} goes with `head='mean'` alone: quantiles take answers out of fold as well."
        )
    for one, objective in plan.objectives:
        if objective.asks_teacher(plan.teachers):
            raise ValueError(
                f"{name} cannot count what the objective `{one}` ({type(objective).__name__}) "
                "takes from the teacher by `teacher_view`: leave one of them out."
            )
    given = parameters.transfer
    _check_samplers(plan, [] if is_auto(given) else named_parts(given, "transfer"), name)


def _check_samplers(plan: "Plan", samplers: list[tuple[str, Any]], name: str) -> None:
    if plan.chooses_temperature and any(sampler.n_rounds > 1 for _, sampler in samplers):
        raise ValueError(
            f"{name} does for one training in rounds, but `temperature='auto'` begins three: give "
            "a number, or a sampler that draws once."
        )
    for one, sampler in samplers:
        if any(getattr(part, "class_prior", None) is not None for part in chain_of(sampler)):
            raise ValueError(
                f"the sampler `{one}` asks the teacher of many rows to meet its `class_prior`, "
                f"which {name} is to spare: leave `class_prior` of the sampler out."
            )
        if any(isinstance(part, FromNet) for part in chain_of(sampler)):
            raise ValueError(
                f"{name} cannot count how often the sampler `{one}` (FromNet) runs the net of the "
                "teacher: leave one of them out."
            )
        inner = [part for part in chain_of(sampler) if isinstance(part, Disagreement)]
        if any(part.by == "teacher" for part in inner):
            raise ValueError(
                f"the sampler `{one}` scores all of its candidates by the teacher, which {name} "
                "is to spare: give Disagreement(by='student')."
            )
        if inner and not plan.kind.has_classes:
            raise ValueError(
                f"the sampler `{one}` is to ask the student how unsure it is, as {name} spares the "
                "teacher, but a student of numbers cannot tell: give Munge() or another sampler."
            )


def training_rows_within(given: "Inputs", queries: Queries, run: "Run") -> Block:
    """The rows of X: those within the budget are asked for, the others learned from their labels.

    Rows that the teachers were fitted on are not asked: they would answer with the labels. Without
    labels, rows that are not asked are left out.

    Parameters
    ----------
    given : Inputs
    queries : Queries
    run : Run

    Returns
    -------
    Block
    """
    if given.soft is not None:
        return training_rows(given, run.progress)
    rows = _rows_to_ask(given, queries, run)
    n_used = given.n_used
    if len(rows) < n_used and not _knows_rows(given, run):
        rest = "are left out" if given.y is None else "are taught by their labels"
        warn(
            f"`max_queries={queries.most}` does for {len(rows)} of {n_used} training rows: the "
            f"others {rest}, and no new rows are drawn. Raise it."
        )
    part = given.take(rows)
    if given.y is None or len(rows) == len(given.labels):
        return training_rows(part, run.progress)
    soft = given.labeller.by_label(given.labels)
    if len(rows):
        soft[rows] = training_rows(part, run.progress).soft
    return replace(given.block, soft=soft)


def _rows_to_ask(given: "Inputs", queries: Queries, run: "Run") -> IntArray:
    """The training rows to ask the teachers for: known answers first, then at random."""
    used = np.flatnonzero(given.weights)
    if _knows_rows(given, run):
        return used[:0]
    known = used[_places_known(given, safe_indexing(given.X, used), queries)]
    others = check_random_state(run.plan.seeds["split"]).permutation(np.setdiff1d(used, known))
    return np.sort(np.concatenate([known, others[: queries.left]]))


def _knows_rows(given: "Inputs", run: "Run") -> bool:
    """Whether a teacher was fitted on the rows of X: their labels then tell as much."""
    fits = run.plan.has_unfitted_teachers and not run.plan.refreshes
    return fits and given.y is not None


def _places_known(given: "Inputs", X: Table, queries: Queries) -> IntArray:
    return queries.knows(given.labeller.pool.select(X))


def ask_rows_held_out(given: "Inputs", rows: Block | None, queries: Queries, run: "Run") -> None:
    """Label the held-out rows, within the budget, for the training on all rows.

    Parameters
    ----------
    given : Inputs
    rows : Block or None
        The held-out rows, with their labels only: labels judge students.
    queries : Queries
    run : Run
    """
    is_of_use = rows is not None and rows.is_labelled and is_fitted_again(run, given.holds_out)
    if not is_of_use or _knows_rows(given, run):
        return
    assert rows is not None
    assert rows.soft is not None
    some = np.arange(min(len(rows), queries.left))
    if len(some):
        part = rows.take(some)
        rows.soft[some] = given.labeller.label_known(part.X, part.labels, warns=False)


def rows_given_within(given: "Inputs", queries: Queries, run: "Run") -> Table:
    """Random rows of `X_transfer`, within the budget."""
    n_rows = num_samples(given.X_transfer)
    if n_rows <= queries.left:
        return given.X_transfer
    rows = check_random_state(run.plan.seeds["transfer"]).permutation(n_rows)
    warn(
        f"`max_queries={queries.most}` does for {queries.left} of the {n_rows} rows of "
        "`X_transfer`: the others are left out. Raise it."
    )
    return safe_indexing(given.X_transfer, np.sort(rows[: queries.left]))


def left_for_samplers(
    given: "Inputs", queries: Queries, validation: Block | None, run: "Run"
) -> int:
    """The budget that is left after the user's own rows."""
    own = []
    if given.soft is None and not _knows_rows(given, run):
        own.append(safe_indexing(given.X, np.flatnonzero(given.weights)))
        if validation is not None and is_fitted_again(run, given.holds_out):
            own.append(validation.X)
    if given.X_transfer is not None and given.soft_transfer is None:
        own.append(given.X_transfer)
    n_new = sum(num_samples(X) - len(_places_known(given, X, queries)) for X in own)
    return max(0, queries.left - n_new)


def spare_rounds(size: float) -> Rounds:
    """The samplers of transfer="auto": few rows, on which the current student is unsure."""
    return Rounds(Disagreement(Munge(size=size)), n_rounds=N_ROUNDS, replace=False)


def words_of_budget(n_new: int, run: "Run") -> str:
    """The use of `max_queries`, for the line of the decision."""
    queries = run.plan.queries
    if queries is None:
        return ""
    n_kept = queries.n_known - queries.n_asked
    kept = f" ({n_kept} more were in `memory`)" if n_kept else ""
    return (
        f"; of `max_queries={queries.most}`, {queries.n_asked} rows were asked for{kept}, and "
        f"{n_new} new rows learned"
    )
