"""One teacher of a pool: how it is fitted, what its columns mean, how it labels rows."""

import warnings
from contextlib import nullcontext
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
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, has_fit_parameter

from skdistill._seeding import seeded
from skdistill.targets import floor_probabilities

# Rows labelled at a time: a forest's scratch memory grows with the rows of one call.
CHUNK_ROWS = 10_000
# Lowest probability of a teacher about whose resolution nothing is known.
UNKNOWN_FLOOR = 1e-6


@dataclass
class Member:
    """A fitted teacher.

    Attributes
    ----------
    name : str
    estimator : object
    columns : ndarray of int
        The position in ``classes_`` of each of its output columns.
    """

    name: str
    estimator: object
    columns: np.ndarray

    def label(self, X, n_classes, floor=0.0):
        """Probabilities, floored and aligned, in chunks of bounded scratch memory.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n_classes : int
        floor : float, default=0.0

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            0 in the columns of classes the teacher does not know.
        """
        aligned = np.zeros((_num_samples(X), n_classes))
        for start in range(0, len(aligned), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            p = self._probabilities(_safe_indexing(X, rows))
            aligned[rows, self.columns] = floor_probabilities(p, floor)
        return aligned

    def _probabilities(self, X):
        try:
            with _torch_guard(self.estimator, seed=0):
                p = np.asarray(self.estimator.predict_proba(X), dtype=float)
        except Exception as error:
            raise ValueError(f"teacher `{self.name}` could not label the rows: {error}") from error
        expected = (_num_samples(X), len(self.columns))
        if p.shape != expected:
            raise ValueError(
                f"teacher `{self.name}` gave probabilities of shape {p.shape} for {expected[0]} "
                f"rows and {expected[1]} classes."
            )
        if not np.isfinite(p).all() or (p < 0).any() or not p.sum(axis=1).all():
            raise ValueError(
                f"teacher `{self.name}` gave probabilities that are NaN, infinite, negative or all "
                "0 in a row."
            )
        return p


def fit_member(estimator, name, X, codes, classes, fit_params, seed, where="on all rows"):
    """Fit one teacher.

    Parameters
    ----------
    estimator : object
        Fitted in place.
    name : str
    X : array-like or DataFrame of shape (n_samples, n_features)
    codes : ndarray of shape (n_samples,)
        Position of each label in `classes`: unlike strings, the cache knows them again.
    classes : ndarray of shape (n_classes,)
    fit_params : dict
    seed : int or None
        For a torch teacher, which has no `random_state` of its own.
    where : str, default="on all rows"
        For the error message.

    Returns
    -------
    Member

    Raises
    ------
    ValueError
        If the fit fails, with the teacher's own error as its cause.
    """
    seen, local_codes = np.unique(codes, return_inverse=True)
    takes_codes = _takes_only_codes(estimator)
    try:
        with _torch_guard(estimator, seed):
            estimator.fit(X, local_codes if takes_codes else classes[codes], **fit_params)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"teacher `{name}` could not be fitted {where}: {error}") from error
    labels = getattr(estimator, "classes_", None)
    if labels is None:
        labels = classes[seen]
    elif takes_codes:
        labels = classes[seen[np.asarray(labels, dtype=int)]]
    if not np.isin(labels, classes).all():
        raise ValueError(
            f"teacher `{name}` has the classes {list(labels[:5])}, which are not those of y, "
            f"{list(classes[:5])}: freeze the whole teacher if a part of it is fitted."
        )
    return Member(name, estimator, np.searchsorted(classes, labels))


def fit_and_label(estimator, name, X, codes, classes, fit_params, seed, fold, number, floor):
    """Fit one teacher on a fold's training rows; label its test rows.

    Returns
    -------
    columns : ndarray of int
    probabilities : ndarray of shape (n_test, n_classes)
    """
    train, test = fold
    subset = {
        key: _safe_indexing(value, train) if _is_row_wise(value, len(codes)) else value
        for key, value in fit_params.items()
    }
    member = fit_member(
        estimator,
        name,
        _safe_indexing(X, train),
        codes[train],
        classes,
        subset,
        seed,
        where=f"in fold {number} of `cv`",
    )
    return member.columns, member.label(_safe_indexing(X, test), len(classes), floor)


def _is_row_wise(value, n_rows):
    return hasattr(value, "__len__") and not isinstance(value, str) and len(value) == n_rows


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


def floor_of(estimator, n_classes, unknown):
    """Lowest probability of a teacher: half a vote of its n, shared by the classes.

    Parameters
    ----------
    estimator : object
        Fitted.
    n_classes : int
    unknown : float
        The floor where n is not known.

    Returns
    -------
    float
    """
    n_votes = _n_votes(estimator)
    return 1.0 / (2 * n_votes * n_classes) if n_votes else unknown


def _n_votes(estimator):
    """How many votes a probability is an average of; None where that is not known."""
    if isinstance(estimator, FrozenEstimator):
        return _n_votes(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return _n_votes(estimator[-1])
    if isinstance(estimator, (RandomForestClassifier, ExtraTreesClassifier)):
        return len(estimator.estimators_)
    if isinstance(estimator, BaggingClassifier) and _is_tree(estimator.estimator_):
        return len(estimator.estimators_)
    if isinstance(estimator, KNeighborsClassifier) and estimator.weights == "uniform":
        return estimator.n_neighbors
    return None


def _is_tree(estimator):
    return isinstance(estimator, DecisionTreeClassifier)


def _parts_of(estimator):
    """The estimator and all that its parameters hold."""
    if isinstance(estimator, FrozenEstimator):
        return _parts_of(estimator.estimator)
    nested = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else []
    return [estimator, *nested]


def _has_part_of(estimator, *libraries):
    return any(type(part).__module__.split(".")[0] in libraries for part in _parts_of(estimator))


def _takes_only_codes(estimator):
    """Whether a teacher wants labels 0..K-1; the others get the labels as they are."""
    return _has_part_of(estimator, "xgboost", "skorch")


def _torch_guard(estimator, seed):
    """Seed a skorch teacher and keep it from torch's global generator."""
    return seeded(seed) if _has_part_of(estimator, "skorch") else nullcontext()


def weight_fit_params(name, estimator, sample_weight):
    """The ``fit`` arguments that carry `sample_weight` to a teacher, without metadata routing."""
    if sample_weight is None:
        return {}
    if _takes_weight(estimator):
        return {"sample_weight": sample_weight}
    if isinstance(estimator, Pipeline) and _takes_weight(estimator[-1]):
        return {f"{estimator.steps[-1][0]}__sample_weight": sample_weight}
    warnings.warn(
        f"DistilledClassifier: teacher `{name}` ({type(estimator).__name__}) takes no "
        "sample_weight and is fitted without; the student uses it."
    )
    return {}


def _takes_weight(estimator):
    if isinstance(estimator, (VotingClassifier, StackingClassifier)):
        return all(_takes_weight(part) for _, part in estimator.estimators if part != "drop")
    return has_fit_parameter(estimator, "sample_weight")
