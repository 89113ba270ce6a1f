"""Soft targets for the rows of a fit: the teacher's, out of fold, or given."""

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.checks import check_soft_targets
from skdistill._utils._compat import num_samples
from skdistill._utils.named import named_parts
from skdistill._utils.progress import Progress, Step, no_step
from skdistill._utils.types import BoolArray, FloatArray, IntArray, Split, Table
from skdistill._utils.warn import warn
from skdistill.objectives import Response
from skdistill.targets import floor_probabilities
from skdistill.teacher import (
    UNKNOWN_FLOOR,
    RowWeights,
    TeacherPool,
    chunks,
    teach_unknown,
    unfrozen,
    warn_of_unknown,
)

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs


class Labeller:
    """Labels rows at temperature 1, above 0 if the response takes logarithms.

    Parameters
    ----------
    task : Task
    response : Response
    temperatures : tuple of float
        All temperatures at which the student may be trained.
    teacher : TeacherPool or None, default=None
        Fitted.
    """

    def __init__(
        self,
        task: Any,
        response: Response,
        temperatures: tuple[float, ...],
        teacher: TeacherPool | None = None,
    ):
        self.task = task
        self.response = response
        self.temperatures = temperatures
        self.floored = any(map(response.needs_floor, temperatures))
        self.teacher = teacher

    def by(self, teacher: TeacherPool | None) -> "Labeller":
        """The same by a teacher, once it is fitted."""
        return Labeller(self.task, self.response, self.temperatures, teacher)

    def at(self, temperatures: tuple[float, ...]) -> "Labeller":
        """The same, for a student that may be trained at other temperatures."""
        other = copy.copy(self)
        other.temperatures = temperatures
        other.floored = any(map(self.response.needs_floor, temperatures))
        return other

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the fitted estimator, by name."""
        return {"teacher_": self.teacher}

    def learn(self, given: "Inputs", run: Any) -> "Labeller":
        """Learn what it needs of the teacher beyond its answers: nothing."""
        return self

    def given(self, soft_targets: Any, X: Table, name: str) -> FloatArray | None:
        """Probabilities that the user gave, checked; None stays None."""
        if soft_targets is None:
            return None
        return check_soft_targets(soft_targets, self.task.classes, num_samples(X), name)

    def lift_given(self, soft: FloatArray | None) -> FloatArray | None:
        """Lift the zeros of the given soft targets, if the response takes logarithms."""
        return None if soft is None else floor_probabilities(soft, self._floor)

    @property
    def _floor(self) -> float:
        """Lowest probability if a teacher's own is not known; 0 if none is needed."""
        if not self.floored:
            return 0.0
        floor = self.response.floor
        return UNKNOWN_FLOOR if isinstance(floor, str) else floor

    def outputs(self, X: Table) -> FloatArray:
        """Outputs of a net that answers like the teacher, to judge the teacher."""
        # A vote of 0 of many trees is not certain.
        p = self.pool.label(X, floored=True)
        # A class that no teacher knows still has 0.
        return self.task.outputs_of(p, UNKNOWN_FLOOR)

    @property
    def pool(self) -> Any:
        """The teacher, which must be there."""
        assert self.teacher is not None
        return self.teacher

    def label(self, X: Table, step: Step = no_step) -> FloatArray:
        """The teacher's probabilities."""
        return self._lift(self.pool.label(X, floored=self.floored, step=step))

    def label_known(
        self, X: Table, labels: IntArray, step: Step = no_step, warns: bool = True
    ) -> FloatArray:
        """The teacher's probabilities; rows of a class it does not know are taught by label."""
        soft = self.pool.label(X, floored=self.floored, step=step)
        if self.task.known(labels).all():
            unknown = teach_unknown(soft, labels, self.pool.known_columns)
            if len(unknown) and warns:
                warn_of_unknown(self.task.classes[unknown])
        return self._lift(soft)

    def by_label(self, labels: np.ndarray) -> FloatArray:
        """Soft targets of rows that no teacher is asked for: the same as their labels."""
        return self._lift(np.eye(self.task.n_outputs)[labels])

    def _lift(self, soft: FloatArray) -> FloatArray:
        """Lift the zeros of classes that no teacher knows: they have no logarithm either."""
        return floor_probabilities(soft, self._floor) if (soft == 0).any() else soft

    def knows(self, labels: IntArray) -> BoolArray:
        """Whether some teacher knows the class of each label, as an array of bool."""
        return np.isin(labels, np.concatenate(self.pool.known_columns))

    def knows_all(self, labels: IntArray) -> bool:
        """Whether there are teachers, who together know all classes of the labels."""
        if self.teacher is None:
            return False
        return bool(self.knows(labels[self.task.known(labels)]).all())

    def label_out_of_fold(
        self, given: "Inputs", others: list[list[Table]], step: Step
    ) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
        """The probabilities of teachers that have not seen the row.

        Parameters
        ----------
        given : Inputs
        others : list of list of (array-like or DataFrame)
            For each fold, tables of rows drawn from it.
        step : callable

        Returns
        -------
        soft : ndarray of shape (n_samples, n_classes)
        others : list of list of ndarray of shape (n_rows, n_classes)
        is_answer : ndarray of bool of shape (n_samples,)
            False for rows that were taught by label.
        """
        soft, of_others, is_answer = self._ask_folds(given, given.folds, others, step)
        others = [[self._lift(p) for p in tables] for tables in of_others]
        return self._lift(soft), others, is_answer

    def _ask_folds(
        self,
        given: "Inputs",
        folds: list[Split] | None,
        others: list[list[Table]],
        step: Step,
        levels: tuple[float, ...] | None = None,
    ) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
        """The pool's own answers out of fold; with levels, quantiles."""
        assert given.y is not None
        assert folds is not None
        rows, params = (given.X, given.y), given.fit_params
        return self.pool.label_folds(*rows, folds, others, self.floored, params, step, levels)


def with_teacher(given: "Inputs", teacher: Any, run: Any) -> "Inputs":
    """The rows with a teacher that was fitted on them."""
    labeller = given.labeller.by(teacher)
    return replace(given, labeller=labeller if teacher is None else labeller.learn(given, run))


def choose_weights(pool: TeacherPool, given: "Inputs") -> None:
    """Weigh the teachers on the labelled validation rows; warn if there are none.

    Parameters
    ----------
    pool : TeacherPool
        Fitted; its weights are set.
    given : Inputs
    """
    rows = given.validation
    if len(pool.known_columns) == 1:
        return
    if rows is not None and rows.is_labelled:
        truth = given.task.decode(rows.labels)
        pool.fit_weights(rows.X, truth, rows.weight, groups=rows.groups)
        return
    shown = pool.weights if isinstance(pool.weights, RowWeights) else "'auto'"
    warn(
        f"`teacher_weights={shown}` found no labelled validation rows, so all "
        "teachers weigh alike: give `X_val` and `y_val`, or y with `early_stopping=True`."
    )


def training_rows(given: "Inputs", progress: Progress) -> Block:
    """The rows of X with their labels, and soft targets of teachers that were fitted on them.

    Parameters
    ----------
    given : Inputs
    progress : Progress

    Returns
    -------
    Block
    """
    labels, soft = given.labels, given.soft
    if soft is None:
        text, n_steps = f"labelling {len(labels)} training rows", len(list(chunks(given.X)))
        with progress.task("label-training-rows", text, n_steps=n_steps) as step:
            soft = given.labeller.label_known(given.X, labels, step)
    return replace(given.block, soft=soft)


def out_of_fold_rows(
    given: "Inputs", drawn: list[list[Table]], progress: Progress
) -> tuple[Block, list[list[FloatArray]]]:
    """The rows of X, and rows drawn from each fold, labelled by teachers without the fold.

    Parameters
    ----------
    given : Inputs
    drawn : list of list of (array-like or DataFrame)
        Tables, by fold.
    progress : Progress

    Returns
    -------
    rows : Block
    soft : list of list of ndarray of shape (n_rows, n_classes)
        Soft targets of `drawn`.
    """
    assert given.folds is not None
    n_teachers = len(unfrozen(named_parts(given.labeller.pool.teachers, "teacher")))
    n_rows = len(given.labels) + sum(num_samples(table) for fold in drawn for table in fold)
    text = f"labelling {n_rows} rows out of fold"
    n_steps = len(given.folds) * n_teachers
    with progress.task("label-training-rows", text, n_steps=n_steps) as step:
        own, soft, is_answer = given.labeller.label_out_of_fold(given, drawn, step)
    return replace(given.block, soft=own, is_answer=is_answer), soft


def validation_rows(given: "Inputs", plan: Any) -> Block | None:
    """The validation rows, held out or given, labelled by the teacher if there is one.

    Rows of a class that it does not know get their label, like the training rows. With
    `max_queries`, labels are enough to judge students.

    Parameters
    ----------
    given : Inputs
    plan : Plan

    Returns
    -------
    Block or None
    """
    rows, labeller = given.validation, given.labeller
    if rows is None or rows.soft is not None or labeller.teacher is None:
        return rows
    if plan.queries is not None and rows.is_labelled:
        return replace(rows, soft=labeller.by_label(rows.labels))
    return replace(rows, soft=labeller.label_known(rows.X, rows.labels, warns=False))


def tempered(rows: Block | None, plan: Any) -> Block | None:
    """The same rows, with labels moved towards the teacher's out-of-fold answers."""
    tolerance = plan.parameters.label_tolerance
    if rows is None or tolerance is None or rows.soft is None or not rows.is_labelled:
        return rows
    return replace(rows, labels=rows.task.tempered(rows.labels, rows.soft, rows.weight, tolerance))


def measure_leak(given: "Inputs", rows: Block, validation: Block | None) -> float | None:
    """How much nearer to the labels the teacher is on rows that it was fitted on.

    Rows of a class that no teacher knows have their label, not an answer: they are left out.

    Parameters
    ----------
    given : Inputs
    rows, validation : Block
        The training rows and, if there are, those for validation, labelled by the teacher.

    Returns
    -------
    float or None
        None if there are no rows to measure it on, or if no teacher was fitted here.
    """
    labeller = given.labeller
    if given.soft is not None or not rows.is_labelled:
        return None
    if not unfrozen(named_parts(labeller.pool.teachers, "teacher")):
        return None
    if given.folds is not None:
        assert rows.is_answer is not None  # they were labelled out of fold
        unseen = rows.take(rows.is_answer)
        if not len(unseen.labels):
            return None
        seen = replace(unseen, soft=labeller.label(unseen.X))
    elif validation is not None:
        seen, unseen = (one.take(labeller.knows(one.labels)) for one in (rows, validation))
    else:
        return None
    if not seen.weight.any() or not unseen.weight.any():
        return None
    return _true(seen) - _true(unseen)


def _true(rows: Block) -> float:
    """How near the soft targets are to the labels."""
    assert rows.soft is not None
    return rows.task.truth_of(rows.soft, rows.labels, rows.weight)
