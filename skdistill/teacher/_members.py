"""One teacher of a pool: how it is fitted, what its columns mean, how it labels rows."""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
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
from sklearn.utils import gen_batches
from sklearn.utils.validation import has_fit_parameter

from skdistill._stored.parts import member_state
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.named import parts_of, unfrozen_parts_of
from skdistill._utils.process import safe_threads
from skdistill._utils.seeding import seeded
from skdistill.table import is_shuffled, names_of, read_probabilities, without_counts
from skdistill.targets import floor_probabilities
from skdistill.teacher._adapters import adapt
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._hints import hint_for

# Rows labelled at a time: a forest's scratch memory grows with the rows of one call.
CHUNK_ROWS = 10_000
# Lowest probability of a teacher about whose resolution nothing is known.
UNKNOWN_FLOOR = 1e-6
_NOT_ONE = (
    "logits need softmax; where each class is told by itself (LightGBM's 'multiclassova', a "
    "multilabel model), give objective='multiclass', or wrap it in CalibratedClassifierCV"
)


class Member:
    """A fitted teacher.

    Parameters
    ----------
    name : str
    held : object with ``get``
        Gives the fitted teacher, from the cache perhaps.
    columns : ndarray of int
        The position in ``classes_`` of each of its output columns.
    n_votes : int or None
        How many votes a probability of it is an average of.
    key : str or None, default=None
        What the cache knows it by.
    labels : ndarray of shape (n_columns,), default=None
        What its columns mean, in its own labels, where it has no ``classes_``. None: 0, 1, ...
    """

    def __init__(self, name, held, columns, n_votes, key=None, labels=None):
        self.name = name
        self.columns = columns
        self.n_votes = n_votes
        self.key = key
        self.labels = labels
        self._held = held

    @property
    def estimator(self):
        if not isinstance(self._held, Held):
            self._held = Held(self._held.get())
        return self._held.value

    def floor(self, n_classes, unknown):
        """Lowest probability: half a vote, shared by the classes; `unknown` without votes."""
        return 1.0 / (2 * self.n_votes * n_classes) if self.n_votes else unknown

    def probabilities(self, X):
        """Its own probabilities, in chunks of bounded scratch memory.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        return np.concatenate([self._chunk(safe_indexing(X, rows)) for rows in chunks(X)])

    def __getstate__(self):
        state = self.__dict__.copy()
        try:
            return {**state, "estimator": self.estimator, "_held": None}  # the cache may go
        except RuntimeError:
            return state  # it has gone: only what uses the teacher need fail

    def __setstate__(self, state):
        state = member_state(state)
        if "estimator" in state:
            state["_held"] = Held(state.pop("estimator"))
        self.__dict__.update(state)

    def _chunk(self, X):
        answer = ask(self.name, self.estimator, X)
        classes = own_classes(self.name, self.estimator)
        what = f"`predict_proba` of teacher `{self.name}`"
        if classes is None:
            labels = np.arange(len(self.columns)) if self.labels is None else self.labels
        else:
            labels, answer = classes, without_counts(answer, classes, what)
        n_rows = num_samples(X)
        return read_probabilities(answer, labels, n_rows, what, complete=True, remedy=_NOT_ONE)


def ask(name, estimator, X):
    """What a teacher answers, as it comes; an error names the teacher."""
    try:
        with torch_guard(estimator, seed=0):
            return adapt(estimator).predict_proba(X)
    except Exception as error:
        raise ValueError(
            f"teacher `{name}` could not label the rows: {error}{hint_for(error)}"
        ) from error


def own_classes(name, estimator):
    """The labels that a teacher has in its ``classes_``, None without."""
    try:
        classes = getattr(adapt(estimator), "classes_", None)
    except ValueError as error:
        raise ValueError(f"teacher `{name}`: {error}") from error
    if classes is None:
        return None
    is_flat = not any(isinstance(one, (list, np.ndarray)) for one in classes)
    if not is_flat or len(set(np.asarray(classes).tolist())) < len(classes):
        raise ValueError(
            f"teacher `{name}` must have one label for each class in its `classes_`, got "
            f"{list(classes)[:10]}: a multilabel or multi-output model is no teacher."
        )
    labels = np.asarray(classes)
    if labels.dtype.kind != "O":
        return labels
    plain = np.asarray(labels.tolist())
    return plain if plain.dtype.kind in "iufb" else labels  # objects may be numbers


def check_parts(name, estimator, row):
    """Raise a ValueError for a vote that takes the columns of frames by their places.

    Parameters
    ----------
    name : str
    estimator : object
        A fitted teacher.
    row : array-like or DataFrame of shape (1, n_features)
    """
    if isinstance(estimator, FrozenEstimator):
        check_parts(name, estimator.estimator, row)
    elif isinstance(estimator, Pipeline) and isinstance(estimator[-1], VotingClassifier):
        check_parts(name, estimator[-1], estimator[:-1].transform(row))
    elif isinstance(estimator, VotingClassifier):
        for part in estimator.estimators_:
            answer, known = ask(name, part, row), own_classes(name, part)
            if known is not None and is_shuffled(answer, known):
                raise ValueError(
                    f"teacher `{name}` takes the columns of {type(part).__name__} by their places, "
                    f"but they are named {names_of(answer)[:10]}, in another order than its "
                    "classes: give the parts themselves as a list of teachers."
                )


def align(probabilities, columns, n_classes, floor=0.0):
    """Floor a teacher's probabilities and bring them into the order of ``classes_``.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_columns)
    columns : ndarray of int of shape (n_columns,)
    n_classes : int
    floor : float, default=0.0

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        0 in the columns of classes the teacher does not know.
    """
    aligned = np.zeros((len(probabilities), n_classes))
    aligned[:, columns] = floor_probabilities(probabilities, floor)
    return aligned


def align_all(answers, columns, n_classes, floors):
    """Do as :func:`align` does for several teachers.

    Parameters
    ----------
    answers : iterable of ndarray of shape (n_samples, n_columns)
    columns : list of ndarray of int
    n_classes : int
    floors : list of float

    Returns
    -------
    aligned : list of ndarray of shape (n_samples, n_classes)
    known : ndarray of bool of shape (n_teachers, n_classes)
        Which classes each teacher knows.
    """
    aligned = [
        align(p, own, n_classes, floor)
        for p, own, floor in zip(answers, columns, floors, strict=True)
    ]
    return aligned, np.array([np.isin(np.arange(n_classes), own) for own in columns])


@dataclass
class Held:
    """What is at hand, with the interface of a :class:`~skdistill._utils.cache.Reference`."""

    value: object

    def get(self):
        """The value."""
        return self.value


def chunks(X):
    """Slices of the rows to label at a time."""
    return gen_batches(num_samples(X), CHUNK_ROWS)


def teach_unknown(soft, codes, columns, rows=slice(None)):
    """Give rows of a class that no teacher knows their label as soft target, in place.

    Parameters
    ----------
    soft : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
        Position of each label in ``classes_``.
    columns : list of ndarray of int
        The classes each teacher knows.
    rows : ndarray of int or slice, default=slice(None)
        The rows these teachers labelled.

    Returns
    -------
    ndarray of int
        The classes no teacher knows, of those in the rows.
    """
    unknown = np.setdiff1d(codes[rows], np.concatenate(columns))
    for code in unknown:
        of_class = np.arange(len(codes))[rows][codes[rows] == code]
        soft[of_class] = 0.0
        soft[of_class, code] = 1.0
    return unknown


def warn_of_unknown(classes, where=""):
    """Warn of classes that no teacher knows."""
    warnings.warn(
        f"DistilledClassifier: {where}no teacher knows the classes {classes.tolist()}; their "
        "training rows are taught by their labels, and transfer rows cannot teach them."
    )


def n_votes_of(estimator):
    """How many votes a probability is an average of; None where that is not known."""
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


def _is_tree(estimator):
    return isinstance(estimator, DecisionTreeClassifier)


def has_part_of(parts, *libraries):
    """Whether one of the parts is of a class of these libraries, or of one derived from it."""
    kinds = {kind for part in parts for kind in type(part).__mro__}
    return any(kind.__module__.split(".")[0] in libraries for kind in kinds)


def takes_only_codes(estimator):
    """Whether a teacher wants labels 0..K-1; the others get the labels as they are."""
    return has_part_of(unfrozen_parts_of(estimator), "xgboost", "skorch")


@contextmanager
def torch_guard(estimator, seed):
    """Seed a skorch teacher and keep it from torch's global generator, and from lost threads."""
    with safe_threads():
        if has_part_of(parts_of(estimator), "skorch"):
            with seeded(seed):
                yield
        else:
            yield


def weight_fit_params(name, estimator, sample_weight):
    """The ``fit`` arguments that carry `sample_weight` to a teacher, without metadata routing."""
    if sample_weight is None:
        return {}
    if _takes_weight(estimator):
        return {"sample_weight": sample_weight}
    is_pipeline = isinstance(estimator, Pipeline) and not resamples(estimator)
    if is_pipeline and _takes_weight(estimator[-1]):
        return {f"{estimator.steps[-1][0]}__sample_weight": sample_weight}
    warnings.warn(
        f"DistilledClassifier: teacher `{name}` ({type(estimator).__name__}) takes no "
        "sample_weight and is fitted without it."
    )
    return {}


def resamples(estimator):
    """Whether it is a Pipeline that draws other rows, as those of imbalanced-learn may."""
    steps = estimator.steps if isinstance(estimator, Pipeline) else []
    return any(hasattr(step, "fit_resample") or resamples(step) for _, step in steps)


def check_row_wise(name, estimator, fit_params):
    """Raise a ValueError for weights whose rows a teacher will draw anew."""
    if resamples(estimator) and any(key.endswith("sample_weight") for key in fit_params):
        raise ValueError(
            f"teacher `{name}` draws other rows than it is given, which `sample_weight` cannot "
            "follow: do not request it, as in set_fit_request(sample_weight=False)."
        )


def _takes_weight(estimator):
    if isinstance(estimator, (VotingClassifier, StackingClassifier)):
        return all(_takes_weight(part) for _, part in estimator.estimators if part != "drop")
    return has_fit_parameter(estimator, "sample_weight")
