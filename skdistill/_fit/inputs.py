"""What a fit is given, checked."""

from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils import indexable

from skdistill._fit.blocks import NO_LABEL, Block
from skdistill._fit.checks import (
    check_combination,
    check_known,
    check_parameters,
    check_prior,
    check_weights,
    class_weights,
    classes_of_soft_targets,
    combine_weights,
    is_auto,
    untuple,
)
from skdistill._fit.holdout import find_folds, is_splitter, last_split, shown
from skdistill._fit.labelling import Labeller
from skdistill._fit.routing import teacher_fit_params, warn_of_kept_teacher
from skdistill._fit.warm_start import check_settled
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.named import named_parts
from skdistill.table import check_container
from skdistill.task._labels import check_labels, check_target
from skdistill.teacher import (
    check_groups,
    check_routed,
    check_teachers,
    take_rows,
    union_of_classes,
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
    groups : ndarray of shape (n_samples,) or None
        Of rows that belong together.
    validation : Block or None
        Validation rows that the user gave, or that were held out of X.
    holds_out : bool
        Whether they were held out of X.
    folds : list of (ndarray, ndarray) or None
    split : (ndarray, ndarray) or None
        Rows to train on and to hold out, where a splitter says so.
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
    groups: np.ndarray | None
    validation: Block | None
    folds: list | None
    split: tuple | None
    labeller: Labeller
    fit_params: dict
    holds_out: bool = False

    @property
    def labels(self):
        """Code of the label of each row of X, NO_LABEL where there is none."""
        if self.y is None:
            return np.full(num_samples(self.X), NO_LABEL)
        return np.searchsorted(self.labeller.classes, self.y)

    @property
    def weights(self):
        """Weight of each row of X."""
        return np.ones(num_samples(self.X)) if self.weight is None else self.weight

    def in_folds(self, cv):
        """The same, to be labelled out of fold.

        Parameters
        ----------
        cv : int or splitter

        Returns
        -------
        Inputs
        """
        return replace(self, folds=find_folds(cv, self.X, self.y, self.groups))

    def fills_folds(self, n_folds):
        """Whether each class has a row, or a group, for each of so many folds."""
        used = self.weights > 0
        units = np.arange(len(used)) if self.groups is None else self.groups
        units = np.unique(units[used], return_inverse=True)[1]
        pairs = np.unique(np.column_stack([self.labels[used], units]), axis=0)
        return np.unique(pairs[:, 0], return_counts=True)[1].min() >= n_folds

    def hold_out(self, kept, rows):
        """The same with some rows of X for validation, that neither teachers nor student see.

        Parameters
        ----------
        kept, rows : ndarray of int
            The rows to train on and those to hold out; others are left out.

        Returns
        -------
        Inputs
        """
        n_rows = len(self.labels)
        everything = Block(self.X, self.labels, self.weights, self.soft, self.groups)
        return replace(
            self,
            X=safe_indexing(self.X, kept),
            y=None if self.y is None else self.y[kept],
            weight=None if self.weight is None else self.weight[kept],
            soft=None if self.soft is None else self.soft[kept],
            groups=None if self.groups is None else self.groups[kept],
            validation=everything.take(rows),
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

    def _check_inputs(self, X, y, sample_weight, soft_targets, groups, fit_params, **more):
        """Find all that can be wrong, before the first teacher is fitted."""
        check_parameters(self)
        check_routed(fit_params)
        check_container(X)
        check_container(soft_targets, "soft_targets")
        (X,) = indexable(X)
        if not self._continues():
            self._forget()
        elif hasattr(self, "_settled"):
            check_settled(self, self._settled)
        self._check_X(X, reset=not self._continues())
        y = check_target(y, X)
        group_of = check_groups(groups, X)
        sample_weight = check_weights(sample_weight, X)
        is_plain = sample_weight is not None and (sample_weight == 1).all()
        if is_plain and self.class_weight is None:
            sample_weight = None  # the same, but not to the bit for every teacher
        more = {name: untuple(value, name, num_samples(X)) for name, value in more.items()}
        n_used = num_samples(X) if sample_weight is None else np.count_nonzero(sample_weight)
        check_combination(self, X, y, soft_targets, n_used, more)
        if not self._continues():
            self.classes_ = self._find_classes(X, y, soft_targets)
        check_known(y, self.classes_, "y")
        check_prior(self.class_prior, self.classes_)
        self._begin_with(has_labels=y is not None)
        by_class = class_weights(self.class_weight, y, sample_weight)
        weight = combine_weights(sample_weight, by_class, y)
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
            group_of,
            self._given_validation(more, by_class),
            None if self._given_cv() is None else find_folds(self.cv, X, y, group_of),
            self._given_split(X, y, group_of, weight, more["X_val"]),
            labeller,
            self._route(sample_weight, weight, {"groups": groups, **more}, fit_params),
        )
        if not self._continues():
            self.encoder_ = self._fit_encoder(X, y, weight)
            n_used = num_samples(X) if weight is None else np.count_nonzero(weight)
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
            classes = union_of_classes(parts, y, safe_indexing(X, slice(0, 1)))
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
        if not weight.any():
            raise ValueError(
                "`X_val` has no row that weighs anything: `sample_weight_val` times `class_weight` "
                "is 0 in each. Give rows of other classes."
            )
        return Block(X_val, np.searchsorted(self.classes_, y_val), weight, None).weighty()

    def _check_more_rows(self, name, X):
        """What the student cannot take shows before the teachers are fitted."""
        if X is None:
            return
        try:
            self._encode(self._check_X(X, reset=False))
        except (TypeError, ValueError) as error:
            raise type(error)(f"`{name}`: {error}") from error

    def _given_split(self, X, y, groups, weight, X_val):
        """The split by a splitter, None where `validation_fraction` is none or of no use."""
        is_given = X_val is None and is_splitter(self.validation_fraction)
        if not is_given or not self._stops_early(num_samples(X)):
            return None
        train, test = last_split(self.validation_fraction, X, y, groups)
        name = f"`validation_fraction={shown(self.validation_fraction)}`"
        if weight is not None and not (weight[train].any() and weight[test].any()):
            raise ValueError(f"{name}: all rows of one part of its last split have weight 0.")
        parts = named_parts(self.teacher, "teacher")
        if y is not None and parts:
            known = union_of_classes(parts, y[train], safe_indexing(X, slice(0, 1)))
            absent = np.setdiff1d(self.classes_, known).tolist()
            if absent:
                raise ValueError(
                    f"{name} leaves no row of the classes {absent[:10]} to train on: leave rows of "
                    "these classes out, or split otherwise."
                )
        return train, test

    def _route(self, sample_weight, all_weight, metadata, fit_params):
        """The arguments of each teacher's ``fit``, by its name."""
        if self._continues() and self._given_cv() is None:
            warn_of_kept_teacher(fit_params)
            return {}
        metadata = {name: value for name, value in metadata.items() if value is not None}
        return teacher_fit_params(self, sample_weight, all_weight, metadata, fit_params)

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
