"""Soft targets for the rows of a fit: the teacher's, out of fold, or given."""

from dataclasses import replace

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from skdistill._blocks import Block
from skdistill._frame import is_frame
from skdistill._named import named_parts
from skdistill._validation import check_drawn, check_soft_targets
from skdistill.objectives import Hinton
from skdistill.targets import floor_probabilities, mean_true_probability
from skdistill.teacher import UNKNOWN_FLOOR, teach_unknown, unfrozen, warn_of_unknown
from skdistill.transfer import GivenRows, Munge

# Synthetic rows that "auto" draws at most.
MOST_NEW_ROWS = 100_000


class Labeller:
    """Labels rows at temperature 1, floored where the response will take logarithms.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    response : Response or None
    temperature : float

    Attributes
    ----------
    teacher : TeacherPool or None
        Set once it is fitted.
    """

    def __init__(self, classes, response, temperature):
        self.classes = classes
        self.response = Hinton() if response is None else response
        self.floored = self.response.needs_floor(temperature)
        self.teacher = None

    def given(self, soft_targets, X, name):
        """Probabilities that the user gave, checked; None stays None."""
        if soft_targets is None:
            return None
        p = check_soft_targets(soft_targets, self.classes, _num_samples(X), name)
        floor = UNKNOWN_FLOOR if self.response.floor == "auto" else self.response.floor
        return floor_probabilities(p, floor if self.floored else 0.0)

    def label(self, X):
        """The teacher's probabilities."""
        return self.teacher.label(X, floored=self.floored)

    def label_known(self, X, labels):
        """The teacher's probabilities; rows of a class it does not know are taught by label."""
        soft = self.label(X)
        if (labels >= 0).all():
            unknown = teach_unknown(soft, labels, self.teacher.known_columns)
            if len(unknown):
                warn_of_unknown(self.classes[unknown])
        return soft

    def knows_all(self, labels):
        """Whether there are teachers, who together know all classes of the labels."""
        if self.teacher is None:
            return False
        return bool(np.isin(labels[labels >= 0], np.concatenate(self.teacher.known_columns)).all())

    def label_out_of_fold(self, X, y, folds, fit_params, step):
        """The probabilities of teachers that have not seen the row."""
        return self.teacher.cross_fit_proba(
            X, y, folds, floored=self.floored, fit_params=fit_params, step=step
        )


def training_rows(given, progress):
    """The rows of X with their labels and soft targets.

    Parameters
    ----------
    given : Inputs
    progress : Progress

    Returns
    -------
    Block
    """
    labels = given.labels
    return Block(given.X, labels, given.weights, _soft_targets(given, labels, progress))


def _soft_targets(given, labels, progress):
    if given.soft is not None:
        return given.soft
    text = f"labelling {len(labels)} training rows"
    if given.folds is None:
        with progress.task("label-training-rows", text):
            return given.labeller.label_known(given.X, labels)
    parts = named_parts(given.labeller.teacher.teachers, "teacher")
    n_steps = len(given.folds) * len(unfrozen(parts))
    with progress.task("label-training-rows", f"{text} out of fold", n_steps=n_steps) as step:
        return given.labeller.label_out_of_fold(
            given.X, given.y, given.folds, given.fit_params, step
        )


def validation_rows(given):
    """The rows held out or given for validation; without labels, the teacher labels them.

    Parameters
    ----------
    given : Inputs

    Returns
    -------
    Block or None
    """
    rows = given.validation
    if rows is None or rows.is_labelled or rows.soft is not None:
        return rows
    return replace(rows, soft=given.labeller.label(rows.X))


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
    if n_new <= 0 or not given.labeller.knows_all(rows.labels) or not _is_dense_table(rows.X):
        return []
    return [("munge", Munge(size=n_new / n_rows))]


def _is_dense_table(X):
    return is_frame(X) or (not issparse(X) and np.ndim(X) == 2)


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
    with progress.task("label-transfer-rows", f"labelling {_num_samples(X)} transfer rows"):
        return given.labeller.label(X)


def measure_leak(given, rows):
    """How much more the teacher gives the true class on rows it was fitted on.

    Parameters
    ----------
    given : Inputs
    rows : Block
        The training rows, labelled.

    Returns
    -------
    float or None
        None where there are no rows to measure it on, or no teacher was fitted here.
    """
    labeller = given.labeller
    if given.soft is not None or not rows.is_labelled:
        return None
    if not unfrozen(named_parts(labeller.teacher.teachers, "teacher")):
        return None
    if given.folds is not None:
        return _true(labeller.label(rows.X), rows) - _true(rows.soft, rows)
    if given.validation is not None:
        unseen = _true(labeller.label(given.validation.X), given.validation)
        return _true(rows.soft, rows) - unseen
    return None


def _true(soft, rows):
    """Mean probability of the true class."""
    return mean_true_probability(soft, rows.labels, rows.weight)
