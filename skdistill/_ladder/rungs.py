"""The students of a ladder: what they share, and their training."""

from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skdistill._base import BaseDistiller
from skdistill._fit.inputs import Arguments
from skdistill._fit.several import fit_several
from skdistill._fit.shared import Shared
from skdistill._ladder.sizes import largest
from skdistill._utils.auto import alpha_chosen_by, is_auto
from skdistill._utils.types import Split, Table

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Data:
    """The arguments of a fit.

    Attributes
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like or None
    truth : ndarray or None
        y, checked.
    fit_params : dict of str to object
    """

    X: Table
    y: Any
    truth: np.ndarray | None
    fit_params: dict[str, Any]


@dataclass(frozen=True)
class Rungs:
    """The students of a ladder.

    Attributes
    ----------
    fitted : list of estimators
    params : list of dict
        To set on the `estimator` for each.
    settled : dict of str to object
        Parameters that were "auto", as the largest has them.
    last_round : list of int
        Of each, the round of halving in which it was trained last; all are 1 without halving.
    rounds : DataFrame or None, default=None
        What `rounds_` shows.
    """

    fitted: list[BaseDistiller]
    params: list[dict[str, Any]]
    settled: dict[str, Any]
    last_round: list[int]
    rounds: pd.DataFrame | None = None


def fit_rungs(
    estimator: BaseDistiller,
    params: list[dict[str, Any]],
    data: Data,
    shared: Shared | None = None,
) -> list[BaseDistiller]:
    """Fit a clone for each set of parameters; teachers come from its `memory`."""
    rungs = [clone(estimator).set_params(**one) for one in params]
    arguments = Arguments.of(data.X, data.y, data.fit_params)
    for error in fit_several(rungs, arguments, shared=shared):
        if error is not None:
            raise error
    return rungs


def n_steps_of(rung: BaseDistiller) -> int:
    """Steps of the training that was kept."""
    return sum(epoch["train_batch_count"] for epoch in rung.history_)


@contextmanager
def shared_memory(estimator: BaseDistiller) -> "Iterator[BaseDistiller]":
    """A clone whose fits share teachers and labels, in its own `memory` or a folder for a while."""
    shared = clone(estimator)
    if shared.memory is not None:
        yield shared
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield shared.set_params(memory=folder)


def held_apart(estimator: BaseDistiller, split: Split | None) -> BaseDistiller:
    """A clone that is trained without the rows that judge."""
    apart = clone(estimator).set_params(refit=False)
    return apart if split is None else apart.set_params(validation_fraction=[split])


def train_rungs(estimator: BaseDistiller, candidates: list[dict[str, Any]], data: Data) -> Rungs:
    """Train a student of each size.

    The largest comes first: what it chooses where a parameter is "auto" holds for all.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
        That is trained without the rows that judge.
    candidates : list of dict
    data : Data

    Returns
    -------
    Rungs
        In the order of the candidates.
    """
    place = largest(candidates)
    (first,) = fit_rungs(estimator, [candidates[place]], data)
    settled = settled_by(first)
    params = [settled | one for one in candidates]
    with alpha_chosen_by(who_chose_alpha(settled)):
        others = fit_rungs(estimator, [one for i, one in enumerate(params) if i != place], data)
    fitted = [*others[:place], first, *others[place:]]
    return Rungs(fitted, params, settled, [1] * len(fitted))


def who_chose_alpha(settled: dict[str, Any]) -> str | None:
    """Who has chosen the `alpha` of the rungs; None is the user."""
    return "the largest size of the ladder" if "alpha" in settled else None


def settled_by(rung: BaseDistiller) -> dict[str, Any]:
    """The parameters that were "auto" and that a fit has settled, with what it chose."""
    has_classes = rung._kind.has_classes
    found: dict[str, Any] = {}
    if is_auto(rung.alpha):
        found["alpha"] = float(rung.alpha_)
        if rung.alpha_ == 1:  # it learns from the labels alone
            unused = {"label_tolerance", "response", "objectives"}
            found |= dict.fromkeys(sorted(unused & set(rung.get_params(deep=False))))
    if is_auto(rung.cv):
        found["cv"] = rung.cv_
    if is_auto(rung.encoder) and (has_classes or not rung.encoder_.nominal_):
        found["encoder"] = clone(rung.encoder_)
    if has_classes and is_auto(rung.temperature):
        found["temperature"] = float(rung.temperature_)
    if not has_classes and is_auto(rung.target_transform):
        found["target_transform"] = rung.target_scaler_.kind
    return found
