"""The transfer set of a fit: the rows given and those drawn, labelled by the teacher."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from skdistill._fit.blocks import Block
from skdistill._fit.checks import check_drawn
from skdistill._fit.labelling import out_of_fold_rows, training_rows
from skdistill._utils._compat import num_samples
from skdistill._utils.named import named_parts
from skdistill.table import is_frame, read_table
from skdistill.teacher import chunks
from skdistill.transfer import GivenRows, Munge, draw_rows

# Synthetic rows that "auto" draws at most.
MOST_NEW_ROWS = 100_000


def choose_samplers(transfer, given):
    """The samplers of a fit, which "auto" leaves to the numbers of rows.

    Parameters
    ----------
    transfer : None, "auto", TransferSampler or list
        The parameter of the estimator.
    given : Inputs

    Returns
    -------
    list of (str, TransferSampler)
    """
    if not isinstance(transfer, str):
        return named_parts(transfer, "transfer")
    used = given.labels[given.weights > 0]
    n_rows = len(used)
    n_given = 0 if given.X_transfer is None else num_samples(given.X_transfer)
    n_new = min(8 * n_rows, MOST_NEW_ROWS) - n_given
    if n_new <= 0 or not given.labeller.knows_all(used) or not _is_table(given.X):
        return []
    return [("munge", Munge(size=n_new / n_rows))]


def _is_table(X):
    """Whether samplers can read X: other things a user's own encoder may take."""
    if not is_frame(X) and (issparse(X) or np.ndim(X) != 2):
        return False
    try:
        read_table(X, exact=True)
    except (TypeError, ValueError):
        return False
    return True


def rows_to_learn(given, samplers, learns_more, cache, seed, progress):
    """All rows that the student is to learn from, labelled.

    With folds, rows are drawn among those of each fold, and labelled by the teachers that have not
    seen it: what a teacher has learned by heart, it tells of the rows nearby as well.

    Parameters
    ----------
    given : Inputs
    samplers : list of (str, TransferSampler)
    learns_more : bool
        Whether rows of `X_transfer` are of use.
    cache : Cache
        Of the rows drawn.
    seed : int or None
    progress : Progress

    Returns
    -------
    rows : Block
        Those of X.
    transfer : list of Block
        The rows given as `X_transfer`, and those drawn.
    """
    if given.folds is None:
        rows = training_rows(given, progress)
        drawn = [
            Block.unlabelled(table, weight, _label(given, table, progress))
            for table, weight in _draw_from(rows.weighty(), samplers, seed, cache, progress)
        ]
    else:
        rows, drawn = _fold_by_fold(given, samplers, cache, seed, progress)
    unit = rows.weighty().weight.mean()
    blocks = _given_rows(given, samplers, unit, progress) if learns_more else []
    return rows, [block for block in blocks + drawn if block.weight.any()]


def _fold_by_fold(given, samplers, cache, seed, progress):
    """The training rows as a block, and those drawn as a block a fold and sampler."""
    everything = Block(given.X, given.labels, given.weights, None)
    rng, drawn = check_random_state(seed), []
    for _, test in given.folds:
        near = everything.take(np.sort(test)).weighty()
        own_seed = None if seed is None else rng.randint(np.iinfo(np.int32).max)
        drawn.append(list(_draw_from(near, samplers, own_seed, cache, progress)))
    tables = [[table for table, _ in fold] for fold in drawn]
    rows, soft = out_of_fold_rows(given, tables, progress)
    return rows, [
        Block.unlabelled(table, weight, p)
        for fold, labels in zip(drawn, soft, strict=True)
        for (table, weight), p in zip(fold, labels, strict=True)
    ]


def _given_rows(given, samplers, unit, progress):
    """The rows of `X_transfer`, as a list of at most one block."""
    if given.X_transfer is None:
        return []
    weights = [part.weight for _, part in samplers if isinstance(part, GivenRows)]
    soft = given.soft_transfer
    if soft is None:
        soft = _label(given, given.X_transfer, progress)
    return [Block.unlabelled(given.X_transfer, unit * (weights or [1.0])[0], soft)]


def _draw_from(rows, samplers, seed, cache, progress):
    """Yield what each sampler draws from the rows, and its weights."""
    if not len(rows.weight):  # a fold of rows that weigh nothing
        return
    rng, X, unit = check_random_state(seed), rows.X, rows.weight.mean()
    # The same for all, or none, is the same to the bit.
    relative = None if np.ptp(rows.weight) == 0 else rows.weight / unit
    for name, sampler in samplers:
        own_seed = None if seed is None else rng.randint(np.iinfo(np.int32).max)
        n_new = round(sampler.size * num_samples(X)) if sampler.weight else 0
        if n_new:
            with progress.task("sample-transfer-rows", f"drawing {n_new} rows by {sampler}"):
                # Without a seed, two of a kind differ by their names alone.
                which = name if own_seed is None else own_seed
                key = cache.key(f"sampler `{name}`", sampler, X, n_new, which, relative)
                drawn, weight = cache.call(_draw, key, sampler, X, n_new, own_seed, relative)
                check_drawn(name, drawn, n_new)
            yield drawn, sampler.weight * unit * weight


def _draw(key, sampler, X, n, seed, weight):
    return draw_rows(sampler, X, n, check_random_state(seed), weight)


def _label(given, X, progress):
    text, n_steps = f"labelling {num_samples(X)} transfer rows", len(list(chunks(X)))
    with progress.task("label-transfer-rows", text, n_steps=n_steps) as step:
        return given.labeller.label(X, step)
