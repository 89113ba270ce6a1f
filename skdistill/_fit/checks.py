"""Checks of what the user gives to DistilledClassifier; each error names value and remedy."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import compute_class_weight, indexable

from skdistill._fit.holdout import SHARE, check_splitter, is_splitter
from skdistill._utils._compat import num_samples
from skdistill._utils.auto import is_auto
from skdistill._utils.named import is_list, named_parts
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill._utils.weights import check_weights, without_negligible
from skdistill.objectives import Objective, Response
from skdistill.student import check_student
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

_EXAMPLES = {Objective: "Hint()", Response: "Hinton()", TransferSampler: "Munge()"}
_READ_TABLES = (
    *(AcrossSplits, DataFreeSampler, Disagreement, Gibbs, Marginals, Mixup, Munge, Near),
)


def check_parameters(estimator: Estimator) -> None:
    """Raise a ValueError or TypeError for a constructor parameter that is not valid."""
    for name in estimator._named_lists:
        if is_list(getattr(estimator, name)) and not getattr(estimator, name):
            raise ValueError(f"`{name}` is an empty list: give at least one part, or None.")
    estimator._validate_params()
    check_splitter(estimator.validation_fraction)
    if estimator.response is not None:
        _check_kind("response", estimator.response, Response)
        _check_response(estimator)
        estimator.response.check_parameters()
    _check_parts("objectives", named_parts(estimator.objectives, "objectives"), Objective)
    _check_parts("transfer", _samplers_of(estimator), TransferSampler)
    _check_encoder(estimator.encoder)
    check_student(estimator.student, estimator._kind.has_classes)


def _samplers_of(estimator: Estimator) -> list[tuple[str, Any]]:
    """The samplers of `transfer`; none yet if "auto" will choose them."""
    return [] if is_auto(estimator.transfer) else named_parts(estimator.transfer, "transfer")


def _check_parts(name: str, parts: list[tuple[str, Any]], kind: type) -> None:
    for _, part in parts:
        _check_kind(name, part, kind)
        part.check_parameters()


def _check_kind(name: str, value: Any, kind: type) -> None:
    if isinstance(value, type):
        raise TypeError(
            f"`{name}` holds the class {value.__name__}: give an instance, {value.__name__}(...)."
        )
    if isinstance(value, Response) and kind is Objective:
        raise TypeError(
            f"`{name}` got {value!r}, which is a response: give it as `response={value!r}`."
        )
    if not isinstance(value, kind):
        raise TypeError(
            f"`{name}` must hold instances of {kind.__name__}, got {value!r}: give "
            f"an object, as in `{name}={_EXAMPLES[kind]}`. A class of your own is derived from "
            f"skdistill.{kind.__name__}."
        )


def _check_response(estimator: Estimator) -> None:
    response, kind = estimator.response, estimator._kind
    if isinstance(response, kind.other_responses):
        usual = kind.response_class.__name__
        raise ValueError(
            f"`response={response!r}` is none for {type(estimator).__name__}: give {usual}(), or "
            "one derived from it."
        )
    if not response.uses_temperature and estimator.temperature != 1:
        raise ValueError(
            f"`temperature={estimator.temperature!r}` has no meaning for `response={response!r}`: "
            "leave it at 1."
        )


def _check_encoder(encoder: Any) -> None:
    is_name = isinstance(encoder, str) and encoder in ("auto", "passthrough")
    if isinstance(encoder, type):
        raise ValueError(
            f"`encoder` is the class {encoder.__name__}: give an instance, {encoder.__name__}(...)."
        )
    if not is_name and not hasattr(encoder, "transform"):
        raise ValueError(
            f"`encoder` must be 'auto', 'passthrough' or a transformer, got {encoder!r}."
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


def class_weights(
    class_weight: dict | str | None, y: np.ndarray | None, sample_weight: FloatArray | None
) -> dict[Any, float] | None:
    """Return the weight of each class of y as a dict; None if there is none."""
    if class_weight is None:
        return None
    if y is None:
        raise ValueError(
            f"`class_weight={class_weight!r}` requires y to be passed, but the target y is None: "
            "leave `class_weight` out."
        )
    if isinstance(class_weight, str) and sample_weight is not None:
        used = sample_weight > 0  # a class without a row has no share to balance
        y, sample_weight = y[used], sample_weight[used]
    classes = np.unique(y)
    weights = compute_class_weight(class_weight, classes=classes, y=y, sample_weight=sample_weight)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"`class_weight` must give finite weights >= 0, got {class_weight!r}.")
    by_class = dict(zip(classes, weights, strict=True))
    if not _times_class(sample_weight, by_class, y).any():
        raise ValueError(
            "`class_weight` must not be 0 for every class whose rows have a weight, got "
            f"{class_weight!r}."
        )
    return by_class


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


def combine_weights(
    sample_weight: FloatArray | None, by_class: dict[Any, float] | None, y: np.ndarray | None
) -> FloatArray | None:
    """Return `sample_weight` times the weight of each row's class; None if there is neither."""
    if by_class is None:
        return sample_weight
    assert y is not None  # `class_weight` has asked for it
    return _times_class(sample_weight, by_class, y)


def _times_class(
    sample_weight: FloatArray | None, by_class: dict[Any, float], y: np.ndarray
) -> FloatArray:
    weight = np.array([by_class.get(label, 1.0) for label in y])
    return without_negligible(weight if sample_weight is None else sample_weight * weight)


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
    for _, sampler in _samplers_of(plan.parameters):
        sampler.check_teacher(plan.teachers)
    is_sparse = issparse(X)
    if not is_sparse and n_dimensions(X) <= 2:
        return
    what = "is sparse" if is_sparse else f"has {n_dimensions(X)} dimensions"
    remedy = "X.toarray()" if is_sparse else "a sampler that takes such rows, as Munge()"
    for name, sampler in _samplers_of(plan.parameters):
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
    for name, sampler in _samplers_of(plan.parameters):
        if sampler.size:
            raise ValueError(
                f"`transfer` draws rows (`{name}`), but there is no `teacher` to label them."
            )


def counting_weights(
    sample_weight: ArrayLike | None, X: Table, name: str = "sample_weight"
) -> FloatArray | None:
    """Return checked weights of the rows, 0 for rows that do not count; None stays None."""
    weights = check_weights(sample_weight, num_samples(X), name)
    return None if weights is None else without_negligible(weights)


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
