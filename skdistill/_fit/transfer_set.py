"""The transfer set of a fit: the rows given and those drawn, labelled by the teacher."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from skdistill._fit.blocks import Block
from skdistill._fit.budget import (
    ask_rows_held_out,
    left_for_samplers,
    rows_given_within,
    spare_rounds,
    training_rows_within,
)
from skdistill._fit.checks import check_drawn
from skdistill._fit.labelling import measure_leak, out_of_fold_rows, tempered, training_rows
from skdistill._fit.plan import Plan
from skdistill._fit.run import Run
from skdistill._fit.setting import Setting
from skdistill._utils._compat import num_samples
from skdistill._utils.named import named_parts
from skdistill._utils.types import FloatArray, Table
from skdistill.table import CATEGORY, is_frame, n_dimensions, read_table
from skdistill.teacher import Queries, chunks
from skdistill.transfer import (
    Gibbs,
    GivenRows,
    Munge,
    TransferContext,
    TransferSampler,
    asks_context,
    draw_rows,
)

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs

# A sampler, by its name.
Named = tuple[str, TransferSampler]
# Synthetic rows of "auto" for a table of fewer rows than `MANY_ROWS`, and for a larger one;
# most and fewest for each training row; and most in all.
MANY_ROWS, ENOUGH_FOR_FEW, ENOUGH_FOR_MANY = 10_000, 50_000, 25_000
MOST_PER_ROW, FEWEST_PER_ROW, MOST_NEW_ROWS = 16, 2, 100_000


@dataclass
class LabelledRows:
    """The rows a student learns from.

    Attributes
    ----------
    blocks : list of Block
        The training rows, then the transfer set.
    samplers : list of (str, TransferSampler)
    cv : int, splitter or None
    leak_gap : float or None
    n_tempered : int, default=0
        Labels that `label_tolerance` moved.
    """

    blocks: list[Block]
    samplers: list[tuple[str, Any]]
    cv: Any
    leak_gap: float | None
    n_tempered: int = 0


def label_once(
    given: "Inputs", setting: Setting, validation: Block | None, cv: object, run: Run, where: str
) -> LabelledRows:
    """The same rows for all fits that share them; see :func:`label_rows`.

    Parameters
    ----------
    given : Inputs
    setting : Setting
    validation : Block or None
    cv : int, splitter or None
    run : Run
    where : str
        Name of these rows among those of the fit.

    Returns
    -------
    LabelledRows
    """
    by = "its own" if cv is not None and cv is run.plan.cv else cv
    key = "labels", where, by, setting.learns_of_teacher, given.labeller.floored
    return run.plan.once(key, lambda: label_rows(given, setting, validation, cv, run))


def label_rows(
    given: "Inputs", setting: Setting, validation: Block | None, cv: object, run: Run
) -> LabelledRows:
    """The rows that a student is to learn, labelled."""
    learns_more = setting.learns_of_teacher
    queries, transfer = run.plan.queries, run.plan.parameters.transfer
    n_left = None if queries is None else left_for_samplers(given, queries, validation, run)
    samplers = choose_samplers(transfer, given, n_left) if learns_more else []
    if queries is not None and learns_more:
        queries.share = share_of_budget(samplers, given.n_used, n_left)
    rows, blocks = rows_to_learn(given, samplers, learns_more, validation, run)
    leak_gap = None if queries is not None else measure_leak(given, rows, validation)
    rows = rows.with_weight()
    near = tempered(rows, run.plan)
    assert near is not None
    n_tempered = 0 if near is rows else int((near.labels != rows.labels).any(axis=1).sum())
    return LabelledRows([near, *blocks], samplers, cv, leak_gap, n_tempered)


def choose_samplers(transfer: Any, given: "Inputs", n_left: int | None = None) -> list[Named]:
    """The samplers of a fit; "auto" chooses them by the number of rows.

    Parameters
    ----------
    transfer : None, "auto", TransferSampler or list
        The parameter of the estimator.
    given : Inputs
    n_left : int or None, default=None
        Rows that the teachers may be asked for, if `max_queries` limits them.

    Returns
    -------
    list of (str, TransferSampler)
    """
    if not isinstance(transfer, str):
        return named_parts(transfer, "transfer")
    used = given.labels[given.weights > 0]
    n_rows = len(used)
    n_given = 0 if given.X_transfer is None else num_samples(given.X_transfer)
    n_new = n_new_rows(n_rows) - n_given
    n_new = n_new if n_left is None else min(n_new, n_left)
    if n_new <= 0 or not given.labeller.knows_all(used) or not _is_table(given.X):
        return []
    if n_left is not None and given.task.has_classes:
        return [("rounds", spare_rounds(n_new / n_rows))]
    size = n_new / n_rows / 2
    return [("munge", Munge(size=size)), ("gibbs", Gibbs(size=size))]


def n_new_rows(n_rows: int) -> int:
    """The number of synthetic rows for a number of training rows.

    More of them help a small table. In a large table they distract from its own rows.
    """
    enough = ENOUGH_FOR_FEW if n_rows < MANY_ROWS else ENOUGH_FOR_MANY
    return min(max(enough, FEWEST_PER_ROW * n_rows), MOST_PER_ROW * n_rows, MOST_NEW_ROWS)


def n_rows_to_learn(plan: Plan, n_rows: int, n_given: int) -> int:
    """Rows that a student will learn from, as far as this is known before a teacher is fitted.

    Parameters
    ----------
    plan : Plan
    n_rows : int
        Rows of X.
    n_given : int
        Rows of `X_transfer`.

    Returns
    -------
    int
    """
    transfer, objectives = plan.parameters.transfer, plan.objectives
    most = np.inf if plan.queries is None else plan.queries.most
    if plan.parameters.alpha == 1 and not objectives:
        return n_rows
    if isinstance(transfer, str):
        n_new = max(n_new_rows(n_rows), n_given) if plan.teachers else n_given
        return n_rows + int(min(n_new, most))
    samplers = named_parts(transfer, "transfer")
    n_new = n_given + sum(rows_asked(sampler, n_rows) for _, sampler in samplers)
    return n_rows + int(min(n_new, most))


def _is_table(X: Table) -> bool:
    """Whether samplers can make new rows of X; an encoder of the user may take other inputs."""
    if not is_frame(X) and (issparse(X) or n_dimensions(X) != 2):
        return False
    try:
        kinds = read_table(X, exact=True).kinds
    except (TypeError, ValueError):
        return False
    return tuple(kinds) != (CATEGORY,)  # with a single column of texts, all drawn rows are copies


def rows_to_learn(
    given: "Inputs", samplers: list[Named], learns_more: bool, validation: Block | None, run: Run
) -> tuple[Block, list[Block]]:
    """All rows that the student is to learn from, labelled.

    With folds, rows are drawn among those of each fold, and labelled by the teachers that have not
    seen it: the leak of a teacher also reaches rows near its training rows.

    Parameters
    ----------
    given : Inputs
    samplers : list of (str, TransferSampler)
    learns_more : bool
        Whether rows of `X_transfer` are used.
    validation : Block or None
        Rows held out.
    run : Run

    Returns
    -------
    rows : Block
        Those of X.
    transfer : list of Block
        The rows given as `X_transfer`, and those drawn.
    """
    queries = run.plan.queries
    if queries is not None:
        return _rows_within(given, samplers, learns_more, validation, queries, run)
    if given.folds is None:
        rows = training_rows(given, run.progress)
        drawn = draw_blocks(given, rows.with_weight(), samplers, run)
    else:
        rows, drawn = _fold_by_fold(given, samplers, run)
    unit = rows.with_weight().weight.mean()
    blocks = _given_rows(given, samplers, unit, run) if learns_more else []
    return rows, [block for block in blocks + drawn if block.weight.any()]


def _rows_within(
    given: "Inputs",
    samplers: list[Named],
    learns_more: bool,
    validation: Block | None,
    queries: Queries,
    run: Run,
) -> tuple[Block, list[Block]]:
    """The same within a budget: the user's own rows come first."""
    rows = training_rows_within(given, queries, run)
    ask_rows_held_out(given, validation, queries, run)
    own = rows.with_weight()
    blocks = _given_rows(given, samplers, own.weight.mean(), run) if learns_more else []
    blocks += draw_blocks(given, own, samplers, run)
    return rows, [block for block in blocks if block.weight.any()]


def draw_blocks(
    given: "Inputs",
    rows: Block,
    samplers: list[Named],
    run: Run,
    context: TransferContext | None = None,
) -> list[Block]:
    """Rows that samplers draw from some rows, labelled by the teacher: a block a sampler."""
    seed = run.plan.seeds["transfer"]
    if seed is not None and context is not None and context.round:
        seed = int(np.random.SeedSequence([seed, context.round]).generate_state(1)[0])
    return [
        Block.unlabelled(given.task, table, weight, _label(given, table, run), name)
        for name, table, weight in _draw_from(given, rows, samplers, seed, run, context)
    ]


def _fold_by_fold(given: "Inputs", samplers: list[Named], run: Run) -> tuple[Block, list[Block]]:
    """The training rows as a block, and those drawn as a block a fold and sampler."""
    seed = run.plan.seeds["transfer"]
    everything = given.block
    rng, drawn = check_random_state(seed), []
    assert given.folds is not None
    for _, test in given.folds:
        near = everything.take(np.sort(test)).with_weight()
        own_seed = None if seed is None else rng.randint(np.iinfo(np.int32).max)
        drawn.append(list(_draw_from(given, near, samplers, own_seed, run, draws_once=True)))
    tables = [[table for _, table, _ in fold] for fold in drawn]
    rows, soft = out_of_fold_rows(given, tables, run.progress)
    return rows, [
        Block.unlabelled(given.task, table, weight, p, name)
        for fold, labels in zip(drawn, soft, strict=True)
        for (name, table, weight), p in zip(fold, labels, strict=True)
    ]


def _given_rows(given: "Inputs", samplers: list[Named], unit: float, run: Run) -> list[Block]:
    """The rows of `X_transfer`, as a list of at most one block."""
    if given.X_transfer is None:
        return []
    weights = [part.weight for _, part in samplers if isinstance(part, GivenRows)]
    X, soft = given.X_transfer, given.soft_transfer
    if soft is None:
        if run.plan.queries is not None:
            X = rows_given_within(given, run.plan.queries, run)
            if not num_samples(X):
                return []
        soft = _label(given, X, run)
    weight = unit * (weights or [1.0])[0]
    return [Block.unlabelled(given.task, X, weight, soft)]


def rows_asked(
    sampler: TransferSampler,
    n_rows: int,
    draws_once: bool = False,
    queries: Queries | None = None,
) -> int:
    """The number of rows that a sampler draws at a time from this many rows of X."""
    if not sampler.weight:
        return 0
    is_sum = sampler.n_rounds > 1 and not sampler.replace and not draws_once
    n_asked = round(sampler.size * n_rows / (sampler.n_rounds if is_sum else 1))
    if queries is None or queries.share == 1:
        return n_asked
    return int(np.ceil(queries.share * n_asked))


def share_of_budget(samplers: list[Named], n_rows: int, n_left: int | None) -> float:
    """The share within the budget, of the rows that samplers would draw in all their rounds."""
    n_wanted = sum(sampler.n_rounds * rows_asked(sampler, n_rows) for _, sampler in samplers)
    return 1.0 if n_left is None or n_wanted <= n_left else n_left / n_wanted


def _draw_from(
    given: "Inputs",
    rows: Block,
    samplers: list[Named],
    seed: int | None,
    run: Run,
    context: TransferContext | None = None,
    draws_once: bool = False,
) -> Iterator[tuple[str, Table, FloatArray]]:
    """Yield the name of each sampler, what it draws from the rows, and its weights."""
    if not len(rows.weight):  # a fold of rows of weight 0
        return
    queries = run.plan.queries
    if context is None:
        n_left = None if queries is None else queries.left
        context = TransferContext(given.labeller.teacher, task=given.task, n_left=n_left)
    rng, X, unit = check_random_state(seed), rows.X, rows.weight.mean()
    # Equal weights and no weights give exactly the same rows.
    relative = None if np.ptp(rows.weight) == 0 else rows.weight / unit
    for name, sampler in samplers:
        own_seed = None if seed is None else rng.randint(np.iinfo(np.int32).max)
        n_new = rows_asked(sampler, num_samples(X), draws_once, queries)
        n_new = n_new if queries is None else min(n_new, queries.left)
        if n_new:
            text = f"drawing {n_new} rows by {_in_short(sampler)}"
            if context.round:
                text += f", round {context.round + 1} of {sampler.n_rounds}"
            with run.progress.task("sample-transfer-rows", text):
                # Without a seed, two samplers of one kind differ only by their names.
                which = name if own_seed is None else own_seed
                key = _key(name, sampler, context, run, X, n_new, which, relative)
                drawn, weight = run.plan.cache.call(
                    _draw, key, sampler, X, n_new, own_seed, relative, context
                )
                check_drawn(name, drawn, n_new)
            yield name, drawn, sampler.weight * unit * weight


def _in_short(sampler: TransferSampler) -> str:
    """The sampler's repr; long fractions, such as a size that "auto" chose, have four digits."""
    return re.sub(r"\d+\.\d{4,}", lambda number: f"{float(number[0]):.4g}", str(sampler))


def _key(
    name: str, sampler: TransferSampler, context: TransferContext, run: Run, *parts: Any
) -> str | None:
    """The key of the drawn rows; None with `memory`, or if there is no key."""
    cache, round_ = run.plan.cache, (context.round,) if context.round else ()
    if not cache.is_on or not asks_context(sampler):
        return cache.key(f"sampler `{name}`", sampler, *parts, *round_)
    teacher, student = context.teacher, context.student
    if teacher is not None and teacher.identity is None:
        return None
    known_by = None if teacher is None else teacher.identity
    weights = None if student is None else list(student.module.state_dict().values())
    task = run.task.identity
    given = known_by, weights, task, context.n_left
    return cache.key(f"sampler `{name}`", sampler, *parts, *given, *round_)


def _draw(
    key: str | None,
    sampler: TransferSampler,
    X: Table,
    n: int,
    seed: int | None,
    weight: FloatArray | None,
    context: TransferContext,
) -> tuple[Table, FloatArray]:
    return draw_rows(sampler, X, n, check_random_state(seed), weight, context)


def _label(given: "Inputs", X: Table, run: Run) -> FloatArray:
    text, n_steps = f"labelling {num_samples(X)} transfer rows", len(list(chunks(X)))
    with run.progress.task("label-transfer-rows", text, n_steps=n_steps) as step:
        return given.labeller.label(X, step)
