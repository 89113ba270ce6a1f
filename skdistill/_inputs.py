"""What a fit is given, checked."""

from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import _num_samples

from skdistill._blocks import NO_LABEL, Block
from skdistill._labelling import Labeller
from skdistill._named import named_parts
from skdistill._target import check_labels, check_target
from skdistill._validation import (
    check_combination,
    check_known,
    check_parameters,
    check_prior,
    check_weights,
    class_weights,
    classes_of_soft_targets,
    combine_weights,
    find_folds,
    is_auto,
    untuple,
)
from skdistill._warm_start import check_settled
from skdistill.teacher import (
    check_teachers,
    take_rows,
    unfrozen,
    union_of_classes,
    weight_fit_params,
)

# What alpha="auto" and temperature="auto" begin with, and the temperatures tried besides.
ALPHA, TEMPERATURE = 0.3, 1.0
OTHER_TEMPERATURES = (2.0, 4.0)


@dataclass
class Inputs:
    """The checked inputs of a fit.

    Attributes
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or None
    weight : ndarray of shape (n_samples,) or None
        `sample_weight` times the weight of each row's class.
    soft : ndarray of shape (n_samples, n_classes) or None
        Soft targets that the user gave.
    X_transfer : array-like or DataFrame of shape (n_transfer, n_features) or None
    soft_transfer : ndarray of shape (n_transfer, n_classes) or None
    validation : Block or None
        Validation rows that the user gave, or that were held out of X.
    holds_out : bool
        Whether they were held out of X.
    folds : list of (ndarray, ndarray) or None
    labeller : Labeller
    fit_params : dict of str to dict
        The arguments of each teacher's ``fit``.
    """

    X: object
    y: np.ndarray | None
    weight: np.ndarray | None
    soft: np.ndarray | None
    X_transfer: object
    soft_transfer: np.ndarray | None
    validation: Block | None
    folds: list | None
    labeller: Labeller
    fit_params: dict
    holds_out: bool = False

    @property
    def labels(self):
        """Code of the label of each row of X, NO_LABEL where there is none."""
        if self.y is None:
            return np.full(_num_samples(self.X), NO_LABEL)
        return np.searchsorted(self.labeller.classes, self.y)

    @property
    def weights(self):
        """Weight of each row of X."""
        return np.ones(_num_samples(self.X)) if self.weight is None else self.weight

    def in_folds(self, cv):
        """The same, to be labelled out of fold.

        Parameters
        ----------
        cv : int or splitter

        Returns
        -------
        Inputs
        """
        return replace(self, folds=find_folds(cv, self.X, self.y))

    def hold_out(self, rows):
        """The same with some rows of X for validation, that neither teachers nor student see.

        Parameters
        ----------
        rows : ndarray of int

        Returns
        -------
        Inputs
        """
        n_rows = len(self.labels)
        kept = np.setdiff1d(np.arange(n_rows), rows)
        soft = None if self.soft is None else self.soft[rows]
        X = _safe_indexing(self.X, rows)
        return replace(
            self,
            X=_safe_indexing(self.X, kept),
            y=None if self.y is None else self.y[kept],
            weight=None if self.weight is None else self.weight[kept],
            soft=None if self.soft is None else self.soft[kept],
            validation=Block(X, self.labels[rows], self.weights[rows], soft),
            holds_out=True,
            folds=None if self.folds is None else _within(self.folds, kept),
            fit_params={
                name: take_rows(params, kept, n_rows) for name, params in self.fit_params.items()
            },
        )


def _within(folds, kept):
    """The folds of the rows kept, by their places there; a fold without test rows is none."""
    folds = [[np.flatnonzero(np.isin(kept, part)) for part in fold] for fold in folds]
    return [(train, test) for train, test in folds if len(test)]


class CheckedInputsMixin:
    """What of `DistilledClassifier.fit` comes before the first teacher is fitted."""

    def _check_inputs(self, X, y, sample_weight, soft_targets, **more):
        """Find all that can be wrong, before the first teacher is fitted."""
        check_parameters(self)
        (X,) = indexable(X)
        if not self._continues():
            self._forget()
        elif hasattr(self, "_settled"):
            check_settled(self, self._settled)
        self._check_X(X, reset=not self._continues())
        y = check_target(y, X)
        sample_weight = check_weights(sample_weight, X)
        is_plain = sample_weight is not None and (sample_weight == 1).all()
        if is_plain and self.class_weight is None:
            sample_weight = None  # the same, but not to the bit for every teacher
        more = {name: untuple(value, name, _num_samples(X)) for name, value in more.items()}
        by_class = class_weights(self.class_weight, y, sample_weight)
        weight = combine_weights(sample_weight, by_class, y)
        n_used = _num_samples(X) if weight is None else np.count_nonzero(weight)
        check_combination(self, X, y, soft_targets, n_used, more)
        if not self._continues():
            self.classes_ = self._find_classes(X, y, soft_targets)
        check_known(y, self.classes_, "y")
        check_prior(self.class_prior, self.classes_)
        self._begin_with(has_labels=y is not None)
        others = OTHER_TEMPERATURES if is_auto(self.temperature) else ()
        labeller = Labeller(self.classes_, self.response, (self.temperature_, *others))
        given = Inputs(
            X,
            y,
            weight,
            labeller.given(soft_targets, X, "soft_targets"),
            more["X_transfer"],
            labeller.given(
                more["soft_targets_transfer"], more["X_transfer"], "soft_targets_transfer"
            ),
            self._given_validation(more, by_class),
            None if self._given_cv() is None else find_folds(self.cv, X, y),
            labeller,
            self._route(sample_weight, weight),
        )
        if not self._continues():
            self.encoder_ = self._fit_encoder(X, y, weight)
            has_validation = more["X_val"] is not None or self._stops_early(n_used)
            self._rehearse(labeller.response, X, has_validation)
        self._check_more_rows("X_transfer", more["X_transfer"])
        self._check_more_rows("X_val", more["X_val"])
        return given

    def _begin_with(self, has_labels):
        """Set `alpha_` and `temperature_`: as given, as chosen before, or as "auto" begins."""
        alpha, temperature = ALPHA, TEMPERATURE
        if self._continues():
            alpha, temperature = self.alpha_ or ALPHA, self.temperature_
        self.temperature_ = temperature if is_auto(self.temperature) else float(self.temperature)
        self.alpha_ = alpha if is_auto(self.alpha) else float(self.alpha)
        if not has_labels:
            self.alpha_ = 0.0

    def _find_classes(self, X, y, soft_targets):
        parts = named_parts(self.teacher, "teacher")
        if parts:
            check_teachers(parts, y)
            classes = union_of_classes(parts, y, _safe_indexing(X, slice(0, 1)))
        else:
            classes = classes_of_soft_targets(soft_targets, y)
        if len(classes) < 2:
            raise ValueError(f"y must have at least 2 classes, got 1 class: {classes[0]!r}.")
        return classes

    def _given_validation(self, more, by_class):
        X_val, y_val = more["X_val"], more["y_val"]
        if X_val is None:
            return None
        y_val = check_labels(y_val, X_val, "y_val")
        check_known(y_val, self.classes_, "y_val")
        weight = check_weights(more["sample_weight_val"], X_val, "sample_weight_val")
        weight = combine_weights(weight, by_class, y_val)
        weight = np.ones(len(y_val)) if weight is None else weight
        return Block(X_val, np.searchsorted(self.classes_, y_val), weight, None).weighty()

    def _check_more_rows(self, name, X):
        """What the student cannot take shows before the teachers are fitted."""
        if X is None:
            return
        try:
            self._encode(self._check_X(X, reset=False))
        except (TypeError, ValueError) as error:
            raise type(error)(f"`{name}`: {error}") from error

    def _route(self, sample_weight, all_weight):
        """The arguments of each teacher's ``fit``, by its name."""
        if self._continues() and self._given_cv() is None:
            return {}
        unfitted = dict(unfrozen(named_parts(self.teacher, "teacher")))
        params = {}
        if _routing_enabled():
            given = {} if sample_weight is None else {"sample_weight": all_weight}
            routed = process_routing(self, "fit", **given)
            routers = [n for n, part in unfitted.items() if hasattr(part, "get_metadata_routing")]
            params = {name: dict(routed[name]["fit"]) for name in routers}
        for name, part in unfitted.items():
            if name not in params:
                params[name] = weight_fit_params(name, part, all_weight)
        return params

    @contextmanager
    def _unfitted_if_it_fails(self):
        """Leave no part of a fit that fails; one by `warm_start` leaves the student as it was."""
        before = vars(self).copy() if self._continues() else None
        try:
            yield
        except BaseException:
            self._forget()
            vars(self).update(before or {})
            raise

    def _forget(self):
        """Drop all that a fit has found, the last one or one that failed."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    def _continues(self):
        return self.warm_start and hasattr(self, "student_")
