"""Checks of the arguments of a fit, and of what goes together; each error names the remedy."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import indexable

from skdistill._fit.holdout import SHARE, is_splitter
from skdistill._fit.parameters import samplers_of
from skdistill._utils._compat import num_samples
from skdistill._utils.types import FloatArray, Table
from skdistill.table import (
    check_container,
    check_names,
    is_frame,
    labels_of_names,
    n_dimensions,
    names_of,
    read_probabilities,
)
from skdistill.transfer import (
    AcrossSplits,
    DataFreeSampler,
    Disagreement,
    Gibbs,
    Marginals,
    Mixup,
    Munge,
    Near,
    TransferSampler,
    chain_of,
)

if TYPE_CHECKING:
    from skdistill._fit.plan import Plan

_READ_TABLES = (
    *(AcrossSplits, DataFreeSampler, Disagreement, Gibbs, Marginals, Mixup, Munge, Near),
)


def check_known(y: np.ndarray | None, classes: np.ndarray, name: str) -> None:
    """Raise a ValueError for labels that are not in `classes`."""
    if y is None:
        return
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"`{name}` has labels {unknown[:10].tolist()} that are not in classes_ "
            f"{classes[:10].tolist()}: leave those rows out, or fit on them."
        )


def check_prior(class_prior: Any, classes: np.ndarray) -> FloatArray | None:
    """Return `class_prior` as an array in the order of the classes; None stays None."""
    if class_prior is None:
        return None
    prior = class_prior.to_dict() if isinstance(class_prior, pd.Series) else class_prior
    if isinstance(prior, dict):
        absent = [label for label in classes.tolist() if label not in prior]
        if absent or len(prior) > len(classes):
            raise ValueError(
                f"`class_prior` must have the classes {classes[:10].tolist()} as its keys, got "
                f"{list(prior)[:10]}."
            )
        prior = [prior[label] for label in classes.tolist()]
    try:
        prior = np.asarray(prior, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`class_prior` must hold numbers, got {class_prior!r}.") from error
    with np.errstate(all="ignore"):
        is_sound = np.isfinite(np.log(prior / prior.sum())).all()
    if prior.shape != (len(classes),) or not is_sound:
        raise ValueError(
            f"`class_prior` must hold a number > 0 for each of the {len(classes)} classes "
            f"{classes[:10].tolist()}, got {class_prior!r}."
        )
    return prior


def check_drawn(name: str, drawn: Table, n_rows: int) -> None:
    """Raise a ValueError unless a sampler drew as many rows as it was asked for."""
    if num_samples(drawn) != n_rows:
        raise ValueError(
            f"the sampler `{name}` of `transfer` drew {num_samples(drawn)} rows, but was asked "
            f"for {n_rows}."
        )


def check_combination(
    plan: "Plan",
    X: Table,
    y: np.ndarray | None,
    soft_targets: Any,
    n_used: int,
    more: dict[str, Any],
) -> None:
    """Raise a ValueError for inputs that cannot be combined.

    Parameters
    ----------
    plan : Plan
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or None
    soft_targets : array-like, DataFrame or None
    n_used : int
        Rows of X that weigh anything.
    more : dict of str to object
        The other arguments of ``fit``, by name.
    """
    X_transfer, soft_targets_transfer = more["X_transfer"], more["soft_targets_transfer"]
    if plan.parameters.teacher is None:
        _check_without_teacher(plan, X_transfer, soft_targets, soft_targets_transfer)
    elif soft_targets is not None and plan.cv is not None:
        raise ValueError("`soft_targets` replace what `cv` would compute: leave one of them out.")
    if soft_targets_transfer is not None and X_transfer is None:
        raise ValueError("`soft_targets_transfer` are given without `X_transfer`.")
    if y is None and plan.parameters.alpha == 1:
        raise ValueError("`alpha=1` trains on labels alone, but y is None: give y, or alpha < 1.")
    if y is None and plan.cv is not None:
        raise ValueError(
            "`cv` requires y to be passed, but the target y is None: use `cv=None`, or give y."
        )
    _check_scale(plan, y)
    _check_samplers(plan, X)
    _check_validation_rows(plan, y, n_used, more)
    _check_same_rows(X, soft_targets, "soft_targets")
    _check_same_rows(X_transfer, soft_targets_transfer, "soft_targets_transfer")


def _check_scale(plan: "Plan", y: np.ndarray | None) -> None:
    """Raise a ValueError if nothing fixes the size of the logits."""
    alpha, is_calibrated = plan.parameters.alpha, plan.parameters.calibrate is True
    if plan.response.fixes_scale or is_calibrated or (y is not None and alpha != 0):
        return
    remedy = "give y" if y is None else "set `alpha` above 0, or `calibrate=True`"
    raise ValueError(
        f"`response={plan.response!r}` does not tell how large a logit is, and no label does, so "
        f"that probabilities would mean nothing: {remedy}."
    )


def _check_samplers(plan: "Plan", X: Table) -> None:
    for _, sampler in samplers_of(plan.parameters):
        sampler.check_teacher(plan.teachers)
    is_sparse = issparse(X)
    if not is_sparse and n_dimensions(X) <= 2:
        return
    what = "is sparse" if is_sparse else f"has {n_dimensions(X)} dimensions"
    remedy = "X.toarray()" if is_sparse else "a sampler that takes such rows, as Munge()"
    for name, sampler in samplers_of(plan.parameters):
        readers = readers_of_tables(sampler, X)
        if sampler.size and readers:
            kind = type(readers[0]).__name__
            raise ValueError(
                f"`transfer` draws rows (`{name}`), but X {what}, and {kind} "
                "reads dense tables only: give rows of your own as `X_transfer` and "
                f"`transfer=None`, or {remedy}."
            )


def readers_of_tables(sampler: TransferSampler, X: Table) -> list[TransferSampler]:
    """Those of a chain of samplers that cannot read X, as it is sparse or has more dimensions."""
    is_sparse = issparse(X)
    if not is_sparse and n_dimensions(X) <= 2:
        return []
    return [
        one
        for one in chain_of(sampler)
        if isinstance(one, _READ_TABLES) and (is_sparse or not one.reads_cells)
    ]


def _check_validation_rows(
    plan: "Plan", y: np.ndarray | None, n_rows: int, more: dict[str, Any]
) -> None:
    if (more["X_val"] is None) != (more["y_val"] is None):
        raise ValueError("`X_val` and `y_val` must be given together.")
    if more["X_val"] is None and more["sample_weight_val"] is not None:
        raise ValueError("`sample_weight_val` is given without `X_val` and `y_val`.")
    always = not isinstance(plan.parameters.calibrate, str) and plan.parameters.calibrate
    is_split = y is not None and plan.stops_early(n_rows)
    fraction = plan.parameters.validation_fraction
    is_fraction = more["X_val"] is None and is_split and not is_splitter(fraction)
    fraction = SHARE if isinstance(fraction, str) else fraction
    if is_fraction and min(fraction, 1 - fraction) * n_rows < 1:
        raise ValueError(
            f"`validation_fraction={fraction}` of {n_rows} sample(s) leaves one side without a row "
            "of any class: change it, give `X_val`, or set `early_stopping=False`."
        )
    if always and more["X_val"] is None and not is_split:
        raise ValueError(
            "`calibrate=True` needs labelled validation rows: give `X_val` and `y_val`, or y "
            "with `early_stopping=True`; `calibrate='auto'` goes without."
        )


def _check_without_teacher(
    plan: "Plan", X_transfer: Table, soft_targets: Any, soft_targets_transfer: Any
) -> None:
    if soft_targets is None:
        raise ValueError(
            "`teacher` is None: give a teacher, or `soft_targets` in its place. Without any other "
            "model, `SelfDistilledClassifier` and `MutualClassifier` make their own."
        )
    if plan.cv is not None:
        raise ValueError(f"`cv` is {plan.cv!r}, but there is no `teacher` to cross-fit.")
    if X_transfer is not None and soft_targets_transfer is None:
        raise ValueError(
            "`X_transfer` has no labels: give `soft_targets_transfer`, or a `teacher`."
        )
    for name, sampler in samplers_of(plan.parameters):
        if sampler.size:
            raise ValueError(
                f"`transfer` draws rows (`{name}`), but there is no `teacher` to label them."
            )


def classes_of_soft_targets(soft_targets: Any, y: np.ndarray | None) -> np.ndarray:
    """The classes if no teacher names them: those of y, of the columns, or 0, 1, ..."""
    names = None
    if is_frame(soft_targets):
        check_names(soft_targets, "`soft_targets`")
        names = names_of(soft_targets)
    labels = None if y is None else np.unique(y)
    if names is None:
        return np.arange(np.shape(soft_targets)[1]) if labels is None else labels
    found = labels_of_names(names, labels, "`soft_targets`")
    absent = [] if labels is None else np.setdiff1d(labels, found).tolist()
    if absent:
        raise ValueError(
            f"`soft_targets` has columns {names}, none of them for the classes {absent} of y."
        )
    return np.unique(found)


def check_soft_targets(
    soft_targets: Any, classes: np.ndarray, n_rows: int, name: str
) -> FloatArray:
    """Return soft targets as an array of shape (n_rows, n_classes) in the order of `classes`."""
    return read_probabilities(soft_targets, classes, n_rows, f"`{name}`")


def _check_same_rows(X: Table, soft_targets: Any, name: str) -> None:
    """Raise a ValueError if pandas would align soft targets with other rows of X than their own."""
    if isinstance(X, pd.DataFrame) and isinstance(soft_targets, pd.DataFrame):
        reordered = not X.index.equals(soft_targets.index)
        if reordered and X.index.sort_values().equals(soft_targets.index.sort_values()):
            raise ValueError(
                f"`{name}` has the index of X in another order, but rows are matched by position: "
                f"give `{name}.loc[X.index]`."
            )


def untuple(value: Any, name: str, n_rows: int) -> Any:
    """Unpack a 1-tuple; warn about a bare array that cross-validation would slice."""
    check_container(value[0] if isinstance(value, tuple) and value else value, name)
    if isinstance(value, tuple):
        if len(value) != 1:
            raise ValueError(
                f"`{name}` must be an array or a tuple of one array, got {len(value)} elements."
            )
        return indexable(value[0])[0]
    (value,) = indexable(value)
    if value is not None and num_samples(value) == n_rows:
        warnings.warn(
            f"`{name}` has as many rows as X ({n_rows}): cross-validation slices such an array "
            f"with X, without a word. Pass `{name}=(rows,)`, a tuple of one, which it never slices."
        )
    return value
