"""The checked inputs of a fit."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from sklearn.utils import indexable

from skdistill._fit.blocks import Block
from skdistill._fit.budget import check_budget
from skdistill._fit.checks import check_combination, untuple
from skdistill._fit.holdout import find_folds, is_splitter, last_split, shown
from skdistill._fit.labelling import Labeller
from skdistill._fit.objective_checks import check_objectives
from skdistill._fit.plan import Plan
from skdistill._fit.routing import teacher_fit_params, warn_of_kept_teacher
from skdistill._fit.training import encoder_key, fit_encoder, rehearse_student, warn_of_unseen
from skdistill._fit.transfer_set import n_rows_to_learn
from skdistill._fit.weights import class_weights, combine_weights, counting_weights
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import Estimator, FloatArray, IntArray, Split, Table
from skdistill.student import encode
from skdistill.table import ColumnSelection, check_container
from skdistill.task import Task
from skdistill.teacher import check_groups, check_routed, take_rows


@dataclass(frozen=True)
class Arguments:
    """The arguments of a ``fit``, as they were given."""

    X: Table
    y: Any
    X_transfer: Any
    soft_targets: Any
    soft_targets_transfer: Any
    sample_weight: Any
    groups: Any
    X_val: Any
    y_val: Any
    sample_weight_val: Any
    fit_params: dict[str, Any]

    @classmethod
    def of(cls, X: Table, y: Any, given: dict[str, Any]) -> "Arguments":
        """Sort the arguments of a ``fit``: those that it names, and others."""
        named: dict[str, Any] = dict.fromkeys(one.name for one in fields(cls))
        known = {name: value for name, value in given.items() if name in named}
        others = {name: value for name, value in given.items() if name not in named}
        return cls(**named | known | {"X": X, "y": y, "fit_params": others})

    @property
    def shown_to_callbacks(self) -> dict[str, Any]:
        """The arguments for callbacks that score."""
        weight = self.sample_weight
        metadata = None if weight is None else {"sample_weight": weight}
        return {"X": self.X, "y": self.y, "metadata": metadata}


@dataclass(frozen=True)
class Inputs:
    """The checked inputs of a fit.

    Attributes
    ----------
    task : Task
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
    folds : list of (ndarray, ndarray) or None
    split : (ndarray, ndarray) or None
        Rows to train on and to hold out, if a splitter chooses them.
    labeller : Labeller
    fit_params : dict of str to dict
        The arguments of each teacher's ``fit``.
    encoder : transformer or None
        The encoder of the student, fitted on X.
    holds_out : bool, default=False
        Whether `validation` was held out of X.
    where : str, default=""
        Name of this part of X, for lines of progress.
    """

    task: Task
    X: Table
    y: np.ndarray | None
    weight: FloatArray | None
    soft: FloatArray | None
    X_transfer: Table
    soft_transfer: FloatArray | None
    groups: np.ndarray | None
    validation: Block | None
    folds: list[Split] | None
    split: Split | None
    labeller: Labeller
    fit_params: dict[str, dict[str, Any]]
    encoder: Estimator = None
    holds_out: bool = False
    where: str = ""

    @property
    def labels(self) -> np.ndarray:
        """The label of each row of X, as the task encodes it."""
        if self.y is None:
            return self.task.unlabelled(num_samples(self.X))
        return self.task.encode(self.y)

    @property
    def strata(self) -> IntArray:
        """The stratum of each row of X: folds and held-out rows have equal shares of each."""
        return self.task.strata(self.labels)

    @property
    def weights(self) -> FloatArray:
        """Weight of each row of X."""
        return np.ones(num_samples(self.X)) if self.weight is None else self.weight

    @property
    def n_used(self) -> int:
        """Number of rows of X with a weight above 0."""
        return int(np.count_nonzero(self.weights))

    @property
    def block(self) -> Block:
        """The rows of X, with their labels alone."""
        return Block(self.task, self.X, self.labels, self.weights, None, self.groups)

    def in_folds(self, cv: Any) -> "Inputs":
        """The same, to be labelled out of fold.

        Parameters
        ----------
        cv : int, splitter or None
            With None, or if there are folds already, nothing changes.

        Returns
        -------
        Inputs
        """
        if cv is None or self.folds is not None:
            return self
        folds = find_folds(cv, self.X, self.y, self.groups, self.task.has_classes)
        return replace(self, folds=folds)

    def fills_folds(self, n_folds: int) -> bool:
        """Whether each class has a row, or a group, for each of so many folds."""
        used = self.weights > 0
        units = np.arange(len(used)) if self.groups is None else self.groups
        units = np.unique(units[used], return_inverse=True)[1]
        return self.task.fewest_units(self.labels[used], units) >= n_folds

    def hold_out(self, kept: IntArray, rows: IntArray) -> "Inputs":
        """The same with some rows of X for validation, that neither teachers nor student see.

        Parameters
        ----------
        kept, rows : ndarray of int
            The rows to train on and those to hold out; others are left out.

        Returns
        -------
        Inputs
        """
        validation = replace(self.block, soft=self.soft).take(rows)
        return replace(self.take(kept), validation=validation, holds_out=True)

    def take(self, kept: IntArray) -> "Inputs":
        """The same with some of the rows of X."""
        n_rows = len(self.labels)
        return replace(
            self,
            X=safe_indexing(self.X, kept),
            y=None if self.y is None else self.y[kept],
            weight=None if self.weight is None else self.weight[kept],
            soft=None if self.soft is None else self.soft[kept],
            groups=None if self.groups is None else self.groups[kept],
            folds=None if self.folds is None else _within(self.folds, kept),
            fit_params={
                name: take_rows(params, kept, n_rows) for name, params in self.fit_params.items()
            },
        )


def _within(folds: list[Split], kept: IntArray) -> list[Split]:
    """The folds of the rows kept, by their positions there; folds without test rows are dropped."""
    placed = [[np.flatnonzero(np.isin(kept, part)) for part in fold] for fold in folds]
    return [(train, test) for train, test in placed if len(test)]


def check_inputs(plan: Plan, arguments: Arguments) -> Inputs:
    """Find all that can be wrong, before the first teacher is fitted.

    Parameters
    ----------
    plan : Plan
        Its `columns` are found.
    arguments : Arguments
        X has been checked.

    Returns
    -------
    Inputs

    Raises
    ------
    ValueError, TypeError
        If an input is not valid, or cannot be combined with others.
    """
    kind, X = plan.kind, arguments.X
    y = kind.check_target(arguments.y, X)
    groups = check_groups(arguments.groups, X)
    sample_weight = _row_weights(plan, counting_weights(arguments.sample_weight, X))
    names = ("X_transfer", "soft_targets_transfer", "X_val", "y_val", "sample_weight_val")
    more = {name: untuple(getattr(arguments, name), name, num_samples(X)) for name in names}
    n_used = num_samples(X) if sample_weight is None else int(np.count_nonzero(sample_weight))
    check_combination(plan, X, y, arguments.soft_targets, n_used, more)
    check_budget(plan)
    task = _find_task(plan, X, y, arguments.soft_targets, sample_weight)
    kind.check_known(task, y, "y")
    check_objectives(plan, X, task)
    by_class = class_weights(plan.parameters.class_weight, y, sample_weight)
    weight = combine_weights(sample_weight, by_class, y)
    plan = plan.for_task(task)
    labeller = kind.labeller(plan, task)
    of_transfer = more["soft_targets_transfer"]
    given = Inputs(
        task,
        X,
        y,
        weight,
        labeller.given(arguments.soft_targets, X, "soft_targets"),
        more["X_transfer"],
        labeller.given(of_transfer, more["X_transfer"], "soft_targets_transfer"),
        groups,
        _given_validation(plan, task, more, by_class),
        None if plan.cv is None else find_folds(plan.cv, X, y, groups, task.has_classes),
        _given_split(plan, task, X, y, groups, weight, more["X_val"]),
        labeller,
        _route(plan, arguments, sample_weight, weight, more),
    )
    return _with_encoder(plan, given, more)


def find_columns(plan: Plan, X: Table) -> Plan:
    """Find the columns that teachers and student see, once for all rows of a fit.

    Parameters
    ----------
    plan : Plan
    X : array-like or DataFrame of shape (n_samples, n_features)
        Checked.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If `student_features` or `teacher_features` do not select columns of X.
    """
    if plan.teachers:  # the pool would call them `features`
        plan.teacher_columns.fit(X)
    if plan.previous is not None:  # a callable might select others now
        before = plan.previous.columns
        return plan if before is None else replace(plan, columns=before)
    columns = plan.columns.fit(X)
    if not columns.selects_all:
        return plan
    # In the order of X: predict could not know which of two orders is meant.
    return replace(plan, columns=ColumnSelection(None, columns.name))


def check_containers(arguments: Arguments) -> Arguments:
    """Check whether the columns of X can be read at all; returns X as a table."""
    check_routed(arguments.fit_params)
    check_container(arguments.X)
    check_container(arguments.soft_targets, "soft_targets")
    return replace(arguments, X=indexable(arguments.X)[0])


def _row_weights(plan: Plan, weight: FloatArray | None) -> FloatArray | None:
    is_plain = weight is not None and (weight == 1).all()
    if is_plain and plan.parameters.class_weight is None:
        return None  # the same, but not to the bit for every teacher
    return weight


def _with_encoder(plan: Plan, given: Inputs, more: dict[str, Any]) -> Inputs:
    """Fit the encoder, and try a few rows, to fail before the teachers are fitted."""
    if plan.previous is not None:
        given = replace(given, encoder=plan.previous.student.encoder)
        warn_of_unseen(given.encoder, plan, given.X)
    else:
        n_given = 0 if given.X_transfer is None else num_samples(given.X_transfer)
        n_rows = n_rows_to_learn(plan, given.n_used, n_given)
        own = "encoder", *encoder_key(plan, n_rows)
        rows = given.X, given.y, given.weight
        encoder = plan.once(own, lambda: fit_encoder(plan, *rows, n_rows))
        given = replace(given, encoder=encoder)
        holds_out = more["X_val"] is not None or plan.stops_early(given.n_used)
        alpha = 0.0 if given.y is None else plan.first_alpha
        rehearse_student(plan, given.task, encoder, alpha, given.X, n_rows, holds_out)
    for name in ("X_transfer", "X_val"):
        if more[name] is not None:
            _check_more_rows(plan, given.encoder, name, more[name])
    return given


def _find_task(plan: Plan, X: Table, y: Any, soft_targets: Any, weight: FloatArray | None) -> Task:
    if plan.previous is not None:
        task = plan.previous.task
        plan.kind.check_known(task, y, "y")
        return plan.kind.go_on(task, y, weight)
    return plan.kind.find_task(plan, X, y, soft_targets, weight)


def _given_validation(
    plan: Plan, task: Task, more: dict[str, Any], by_class: dict[Any, float] | None
) -> Block | None:
    X_val, y_val = more["X_val"], more["y_val"]
    if X_val is None:
        return None
    y_val = plan.kind.check_labels(y_val, X_val, "y_val")
    plan.kind.check_known(task, y_val, "y_val")
    weight = counting_weights(more["sample_weight_val"], X_val, "sample_weight_val")
    weight = combine_weights(weight, by_class, y_val)
    weight = np.ones(len(y_val)) if weight is None else weight
    if not weight.any():
        raise ValueError(
            "`X_val` has no row that weighs anything: `sample_weight_val` times `class_weight` "
            "is 0 in each. Give rows of other classes."
        )
    return Block(task, X_val, task.encode(y_val), weight, None).with_weight()


def _check_more_rows(plan: Plan, encoder: Estimator, name: str, X: Table) -> None:
    """Fail before the teachers are fitted if the student cannot take its inputs."""
    try:
        encode(encoder, plan.columns.take(plan.check_rows(X)))
    except (TypeError, ValueError) as error:
        raise type(error)(f"`{name}`: {error}") from error


def _given_split(
    plan: Plan,
    task: Task,
    X: Table,
    y: Any,
    groups: Any,
    weight: FloatArray | None,
    X_val: Table,
) -> Split | None:
    """The split by a splitter; None if `validation_fraction` is not a splitter, or is not used."""
    splitter = plan.parameters.validation_fraction
    is_given = X_val is None and is_splitter(splitter)
    if not is_given or not plan.stops_early(num_samples(X)):
        return None
    train, test = last_split(splitter, X, y, groups)
    name = f"`validation_fraction={shown(splitter)}`"
    if weight is not None and not (weight[train].any() and weight[test].any()):
        raise ValueError(f"{name}: all rows of one part of its last split have weight 0.")
    if y is not None and plan.teachers:
        plan.kind.check_split(plan, task, X, y, train, name)
    return train, test


def _route(
    plan: Plan,
    arguments: Arguments,
    sample_weight: FloatArray | None,
    all_weight: FloatArray | None,
    more: dict[str, Any],
) -> dict[str, dict[str, Any]]:
    """The arguments of each teacher's ``fit``, by its name."""
    fit_params = arguments.fit_params
    fits_again = plan.cv is not None or plan.kind.fits_again(plan.parameters)
    if plan.refreshes or (plan.continues and not fits_again):
        warn_of_kept_teacher(fit_params)
        return {}
    metadata = {"groups": arguments.groups, **more}
    metadata = {name: value for name, value in metadata.items() if value is not None}
    return teacher_fit_params(
        plan.parameters, plan.teachers, sample_weight, all_weight, metadata, fit_params
    )
