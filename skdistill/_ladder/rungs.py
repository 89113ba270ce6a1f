"""The students of a ladder: what they share, and their training."""

from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from skdistill._base import BaseDistiller
from skdistill._fit.inputs import Arguments
from skdistill._fit.several import fit_several
from skdistill._ladder.sizes import largest
from skdistill._utils.auto import is_auto
from skdistill._utils.types import Split, Table
from skdistill.student import MLPStudent

if TYPE_CHECKING:
    from collections.abc import Iterator


def _fit_rungs(
    estimator: BaseDistiller,
    candidates: list[dict[str, Any]],
    X: Table,
    y: Any,
    fit_params: dict[str, Any],
) -> list[BaseDistiller]:
    """Fit a clone for each set of parameters; teachers come from its `memory`."""
    rungs = [clone(estimator).set_params(**one) for one in candidates]
    for error in fit_several(rungs, Arguments.of(X, y, fit_params)):
        if error is not None:
            raise error
    return rungs


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


def train_rungs(
    estimator: BaseDistiller,
    recipes: list[MLPStudent],
    X: Table,
    y: Any,
    fit_params: dict[str, Any],
) -> tuple[list[BaseDistiller], dict[str, Any]]:
    """Train a student of each size.

    The largest comes first: what it chooses where a parameter is "auto" holds for all.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
        That is trained without the rows that judge.
    recipes : list of MLPStudent
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like or None
    fit_params : dict of str to object

    Returns
    -------
    rungs : list of estimators
        In the order of the recipes.
    settled : dict of str to object
        Parameters that were "auto", as the largest has them.
    """
    place = largest(recipes)
    (first,) = _fit_rungs(estimator, [{"student": recipes[place]}], X, y, fit_params)
    settled = settled_by(first)
    others = [settled | {"student": one} for i, one in enumerate(recipes) if i != place]
    rungs = _fit_rungs(estimator, others, X, y, fit_params)
    return [*rungs[:place], first, *rungs[place:]], settled


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
