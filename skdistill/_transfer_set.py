"""The transfer set of a fit: the rows given and those drawn, labelled by the teacher."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from skdistill._blocks import Block
from skdistill._frame import is_frame, read_table
from skdistill._named import named_parts
from skdistill._validation import check_drawn
from skdistill.teacher import chunks
from skdistill.transfer import GivenRows, Munge

# Synthetic rows that "auto" draws at most.
MOST_NEW_ROWS = 100_000


def choose_samplers(transfer, given, rows):
    """The samplers of a fit, which "auto" leaves to the numbers of rows.

    Parameters
    ----------
    transfer : None, "auto", TransferSampler or list
        The parameter of the estimator.
    given : Inputs
    rows : Block
        The training rows.

    Returns
    -------
    list of (str, TransferSampler)
    """
    if not isinstance(transfer, str):
        return named_parts(transfer, "transfer")
    n_rows = len(rows.labels)
    n_given = 0 if given.X_transfer is None else _num_samples(given.X_transfer)
    n_new = min(8 * n_rows, MOST_NEW_ROWS) - n_given
    if n_new <= 0 or not given.labeller.knows_all(rows.labels) or not _is_table(rows.X):
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


def transfer_rows(given, rows, samplers, cache, seed, progress):
    """The unlabelled rows given and drawn, labelled by the teacher.

    Parameters
    ----------
    given : Inputs
    rows : Block
        The training rows, from which new ones are drawn.
    samplers : list of (str, TransferSampler)
    cache : Cache
        Of the rows drawn.
    seed : int or None
    progress : Progress

    Returns
    -------
    list of Block
    """
    unit = rows.weight.mean()
    blocks = []
    if given.X_transfer is not None:
        weights = [part.weight for _, part in samplers if isinstance(part, GivenRows)]
        weight = unit * (weights or [1.0])[0]
        soft = given.soft_transfer
        if soft is None:
            soft = _label(given, given.X_transfer, progress)
        blocks.append(Block.unlabelled(given.X_transfer, weight, soft))
    rng = check_random_state(seed)
    for name, sampler in samplers:
        own_seed = None if seed is None else rng.randint(np.iinfo(np.int32).max)
        n_new = round(sampler.size * len(rows.weight)) if sampler.weight else 0
        if n_new:
            with progress.task("sample-transfer-rows", f"drawing {n_new} rows by {sampler}"):
                # Without a seed, two of a kind differ by their names alone.
                which = name if own_seed is None else own_seed
                key = cache.key(f"sampler `{name}`", sampler, rows.X, n_new, which)
                drawn = cache.call(_draw, key, sampler, rows.X, n_new, own_seed)
                check_drawn(name, drawn, n_new)
            soft = _label(given, drawn, progress)
            blocks.append(Block.unlabelled(drawn, sampler.weight * unit, soft))
    return [block for block in blocks if block.weight.any()]


def _draw(key, sampler, X, n, seed):
    return sampler.sample(X, n, random_state=check_random_state(seed))


def _label(given, X, progress):
    text, n_steps = f"labelling {_num_samples(X)} transfer rows", len(list(chunks(X)))
    with progress.task("label-transfer-rows", text, n_steps=n_steps) as step:
        return given.labeller.label(X, step)
