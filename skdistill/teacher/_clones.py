"""Unfitted copies of teachers, with seeds if they have none."""

import copy

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from skdistill._utils.named import unfrozen_parts_of
from skdistill._utils.types import Estimator, RandomState
from skdistill.teacher._models import has_part_of


def clone_of(estimator: Estimator) -> Estimator:
    """An unfitted copy of a teacher."""
    try:
        return clone(estimator, safe=False)
    except RuntimeError:
        if not has_part_of(unfrozen_parts_of(estimator), "catboost"):
            raise
        # CatBoost copies a list of `cat_features`, and clone() refuses this.
        return copy.deepcopy(estimator)


def draw_seeds(random_state: RandomState, names: list[str]) -> dict[str, int | None]:
    """A seed for each teacher; None for each if `random_state` is None."""
    if random_state is None:  # with a random number, the cache would not recognise the fit
        return dict.fromkeys(names)
    rng = check_random_state(random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(names))
    return dict(zip(names, seeds.tolist(), strict=True))


def seeded_clone(given: Estimator, seed: int | None) -> Estimator:
    """A clone in which each `random_state` of None is replaced by its own number."""
    estimator = clone_of(given)
    if seed is not None and hasattr(estimator, "get_params"):
        params, before = estimator.get_params(deep=True), given.get_params(deep=True)
        # A frozen part is its own clone and belongs to the user: it is not changed.
        kept = [
            f"{key}__"
            for key, part in params.items()
            if hasattr(part, "get_params") and part is before.get(key)
        ]
        unset = [
            key
            for key in sorted(params)
            if key.split("__")[-1] == "random_state"
            and params[key] is None
            and not key.startswith(tuple(kept))
        ]
        numbers = check_random_state(seed).randint(np.iinfo(np.int32).max, size=len(unset))
        estimator.set_params(**dict(zip(unset, numbers.tolist(), strict=True)))
    return estimator
