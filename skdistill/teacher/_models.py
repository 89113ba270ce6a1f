"""The kind of model of a teacher: its votes, its library, the arguments of its ``fit``."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import has_fit_parameter

from skdistill._utils.named import parts_of, unfrozen_parts_of
from skdistill._utils.process import safe_threads
from skdistill._utils.seeding import seeded
from skdistill._utils.types import Estimator
from skdistill.teacher._fitted import FittedTeacher


def n_votes_of(estimator: Estimator) -> int | None:
    """Number of votes in the average of a probability; None if that is not known."""
    if isinstance(estimator, FrozenEstimator):
        return n_votes_of(estimator.estimator)
    if isinstance(estimator, FittedTeacher):
        return n_votes_of(estimator.model)
    if isinstance(estimator, Pipeline):
        return n_votes_of(estimator[-1])
    if isinstance(estimator, (RandomForestClassifier, ExtraTreesClassifier)):
        return len(estimator.estimators_)
    if isinstance(estimator, BaggingClassifier) and _is_tree(estimator.estimator_):
        return len(estimator.estimators_)
    if isinstance(estimator, KNeighborsClassifier) and estimator.weights == "uniform":
        return estimator.n_neighbors
    return None


def _is_tree(estimator: Estimator) -> bool:
    return isinstance(estimator, DecisionTreeClassifier)


def has_part_of(parts: Iterable[object], *libraries: str) -> bool:
    """Whether one of the parts is of a class of these libraries, or of one derived from it."""
    kinds = {kind for part in parts for kind in type(part).__mro__}
    return any(kind.__module__.split(".")[0] in libraries for kind in kinds)


def takes_only_codes(estimator: Estimator) -> bool:
    """Whether a teacher wants labels 0..K-1; the others get the labels as they are."""
    return has_part_of(unfrozen_parts_of(estimator), "xgboost", "skorch")


def takes_weight(estimator: Estimator) -> bool:
    """Whether its ``fit`` takes `sample_weight`."""
    if isinstance(estimator, (VotingClassifier, StackingClassifier)):
        return all(takes_weight(part) for _, part in estimator.estimators if part != "drop")
    return has_fit_parameter(estimator, "sample_weight")


def resamples(estimator: Estimator) -> bool:
    """Whether it is a Pipeline that resamples, as those of imbalanced-learn may."""
    steps = estimator.steps if isinstance(estimator, Pipeline) else []
    return any(hasattr(step, "fit_resample") or resamples(step) for _, step in steps)


@contextmanager
def torch_guard(estimator: Estimator, seed: int | None) -> Iterator[None]:
    """Seed a skorch teacher and keep it from torch's global generator, and from lost threads."""
    with safe_threads():
        if has_part_of(parts_of(estimator), "skorch"):
            with seeded(seed):
                yield
        else:
            yield
