"""The candidates of a search."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from sklearn.base import clone

from skdistill._utils.types import Estimator
from skdistill.student import MLPStudent

# The grids of a search, and the parameter of the estimator that each is of, where its student is
# MLPStudent, and where it is a skorch net.
NAMES: dict[str, tuple[str, str]] = {
    "temperatures": ("temperature", "temperature"),
    "alphas": ("alpha", "alpha"),
    "learning_rates": ("student__learning_rate", "student__lr"),
    "weight_decays": ("student__weight_decay", "student__optimizer__weight_decay"),
    "seeds": ("student__random_state", ""),  # a net has none, see `check_student`
}


@dataclass(frozen=True)
class Grid:
    """All combinations of some parameters.

    Attributes
    ----------
    estimator : BaseDistiller
        To set them on a clone of.
    candidates : list of dict
    """

    estimator: Estimator
    candidates: list[dict[str, Any]]

    @classmethod
    def of(cls, search: Any) -> "Grid":
        """The grid of a search.

        Raises
        ------
        ValueError
            If a grid is empty, or there is none.
        """
        estimator = clone(search.estimator)
        if estimator.student is None:  # of None no parameter can be set
            estimator.set_params(student=MLPStudent())
        place = 0 if isinstance(estimator.student, MLPStudent) else 1
        given = {name: getattr(search, name) for name in NAMES}
        grids = {
            NAMES[name][place]: _values(values, name)
            for name, values in given.items()
            if values is not None
        }
        if not grids:
            raise ValueError(f"there is nothing to search: give one of {[*NAMES]}.")
        combinations = product(*grids.values())
        candidates = [dict(zip(grids, values, strict=True)) for values in combinations]
        return cls(estimator, candidates)

    @property
    def names(self) -> list[str]:
        """The parameters."""
        return list(self.candidates[0])

    def make(self, params: dict[str, Any]) -> Estimator:
        """A candidate, not fitted."""
        return clone(self.estimator).set_params(**params)


def check_shared(estimator: Estimator) -> None:
    """Raise a ValueError for an estimator whose candidates cannot share their steps."""
    if estimator.max_time is not None:
        raise ValueError(
            f"`max_time={estimator.max_time!r}` of `estimator` is that of one fit, and candidates "
            "are trained beside each other: leave it out, or try fewer."
        )
    if getattr(estimator, "_skl_callbacks", None):
        raise ValueError(
            "`estimator` has callbacks, which watch one fit: take them off by "
            "`estimator.set_callbacks()`, and ask for lines by `verbose`."
        )
    if estimator.checkpoint_dir is not None:
        raise ValueError(
            f"`checkpoint_dir={estimator.checkpoint_dir!r}` of `estimator` holds one fit, and a "
            "search has many: leave it out. `memory` keeps teachers and labels for a search that "
            "is begun again."
        )


def check_student(student: Any, rates: Any, decays: Any, seeds: Any) -> None:
    """Raise a ValueError for grids that the student does not have."""
    named = {"learning_rates": rates, "weight_decays": decays, "seeds": seeds}
    given = [name for name, values in named.items() if values is not None]
    if student is None or isinstance(student, MLPStudent) or not given:
        return
    if isinstance(student, type):
        raise ValueError(
            f"`{given[0]}` cannot be set on `student={student.__name__}`, a class: give a "
            "skorch net over it, or MLPStudent()."
        )
    if "seeds" in given:
        raise ValueError(
            "`seeds` are those of MLPStudent, and `student` is a net of your own: leave them out, "
            "or search over `random_state` by GridSearchCV."
        )


def _values(values: Any, name: str) -> list[Any]:
    """The values of a grid as Python's own, in their order."""
    if np.ndim(values) != 1 or not len(values):
        raise ValueError(f"`{name}` must be a list of values, got {values!r}: give one at least.")
    found = [value.item() if isinstance(value, np.generic) else value for value in values]
    if len(set(found)) < len(found):
        raise ValueError(f"`{name}` must hold each value once, got {values!r}.")
    return found
