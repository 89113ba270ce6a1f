"""The plan of a fit: the parameters of an estimator, resolved."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sklearn.utils import check_random_state, get_tags

from skdistill._fit.checkpoints import Checkpoint
from skdistill._fit.holdout import is_splitter
from skdistill._fit.parameters import check_parameters
from skdistill._fit.shared import Shared
from skdistill._utils.auto import is_auto
from skdistill._utils.cache import Cache
from skdistill._utils.named import named_parts
from skdistill._utils.types import Estimator, Table
from skdistill.objectives import Response
from skdistill.student import (
    CohortStudent,
    FittedStudent,
    HydraStudent,
    MLPStudent,
    PrunedStudent,
    QuantizedStudent,
)
from skdistill.table import ColumnSelection
from skdistill.task import Task
from skdistill.teacher import Queries, TeacherPool, unfrozen

if TYPE_CHECKING:
    from skdistill._fit.kinds import Kind

Value = TypeVar("Value")
# The first temperature of "auto", and the other ones that it tries.
TEMPERATURE = 1.0
OTHER_TEMPERATURES = (2.0, 4.0)
# Of cv="auto".
N_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Previous:
    """The results of a fit, for one that continues from it.

    Attributes
    ----------
    student : FittedStudent
    teacher : TeacherPool or None
    task : Task
    alpha, temperature : float
    settled : dict of str to str or None
        Identifiers of the parameters that must not change; None from an older version.
    rows : str or None
        Identifier of the rows that it was fitted on; None from an older version.
    split_seed : int or None
    columns : ColumnSelection or None
        Those that the student sees; None if it sees all.
    by : {"warm_start", "refresh"}, default="warm_start"
        The caller that continues from it.
    spread : Spread or None, default=None
        The distribution of labels around the teacher's numbers, if quantiles were learned from it.
    """

    student: FittedStudent
    teacher: TeacherPool | None
    task: Task
    alpha: float
    temperature: float
    settled: dict | None
    rows: str | None
    split_seed: int | None
    columns: ColumnSelection | None
    by: str = "warm_start"
    spread: Any = None


@dataclass(frozen=True, eq=False)
class Plan:
    """The parameters of an estimator, resolved and checked.

    Attributes
    ----------
    parameters : estimator
        Holds the parameters as they were given, under their names.
    kind : Kind
        Of the target.
    teachers, objectives : list of (str, object)
    response : Response
    cv : int, splitter or None
        None if it is left to "auto".
    tries_folds, chooses_alpha, chooses_temperature : bool
        Whether these choices are left to "auto".
    cache : Cache
        The cache of `memory`, else of the checkpoint.
    seeds : dict of str to int or None
        Of the steps "teacher", "split", "transfer" and "student".
    deadline : float or None
        On the clock of :func:`time.monotonic`.
    allows_nan : bool
        Whether the estimator takes missing numbers, as far as its tags tell.
    check_rows : callable
        Checks the container and the columns of more rows; returns them.
    columns, teacher_columns : ColumnSelection
        Those that the student and the teachers see.
    previous : Previous or None
        The results that this fit continues from.
    shared : Shared or None, default=None
        Parts that it shares with other fits on the same rows.
    checkpoint : Checkpoint or None, default=None
        Stores its steps, so that another fit can continue.
    queries : Queries or None, default=None
        The budget of queries, if `max_queries` limits it.
    """

    parameters: Estimator
    kind: "Kind"
    teachers: list[tuple[str, Any]]
    objectives: list[tuple[str, Any]]
    response: Response
    cv: Any
    tries_folds: bool
    chooses_alpha: bool
    chooses_temperature: bool
    cache: Cache
    seeds: dict[str, int | None]
    deadline: float | None
    allows_nan: bool
    check_rows: Callable[[Table], Table]
    columns: ColumnSelection
    teacher_columns: ColumnSelection
    previous: Previous | None
    shared: Shared | None = None
    checkpoint: Checkpoint | None = None
    queries: Queries | None = None

    @property
    def memory(self) -> Any:
        """The folder of teachers and labels."""
        return memory_of(self.parameters, self.checkpoint)

    def once(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The result of `make`, called once if several fits share it."""
        return make() if self.shared is None else self.shared.once(key, make)

    def for_task(self, task: Task) -> "Plan":
        """The plan once the task is known: the response is that for so many classes."""
        if not self.kind.has_classes:
            return self
        return replace(self, response=self.response.for_classes(task.n_outputs))

    @property
    def teacher_features(self) -> Any:
        """The selector of the teachers' columns; for a callable, its result.

        A second call, with only some of the rows, might select other columns.
        """
        given, found = self.parameters.teacher_features, self.teacher_columns.indices
        return found.tolist() if callable(given) and found is not None else given

    def new_pool(self, **params: Any) -> TeacherPool:
        """The teachers, not fitted, on their columns."""
        return self.kind.new_pool(self.parameters.teacher, features=self.teacher_features, **params)

    @property
    def continues(self) -> bool:
        """Whether it continues from a fitted student."""
        return self.previous is not None

    @property
    def refreshes(self) -> bool:
        """Whether no teacher will be fitted, not even in folds."""
        return self.previous is not None and self.previous.by == "refresh"

    @property
    def first_alpha(self) -> float:
        if not self.chooses_alpha:
            return float(self.parameters.alpha)
        usual = self.kind.alpha
        return usual if self.previous is None else self.previous.alpha or usual

    @property
    def first_temperature(self) -> float:
        if not self.chooses_temperature:
            return float(self.parameters.temperature)
        return TEMPERATURE if self.previous is None else self.previous.temperature

    @property
    def temperatures(self) -> tuple[float, ...]:
        """All temperatures at which a student may be trained."""
        others = OTHER_TEMPERATURES if self.chooses_temperature else ()
        return self.first_temperature, *others

    @property
    def is_student_ours(self) -> bool:
        """Whether the recipe is ours: then training a student twice has no side effects."""
        student = self.parameters.student
        ours = (MLPStudent, HydraStudent, CohortStudent, PrunedStudent, QuantizedStudent)
        return student is None or type(student) in ours or isinstance(student, type)

    @property
    def draws_once(self) -> bool:
        """Whether no sampler of the user draws again during a training."""
        given = self.parameters.transfer
        samplers = [] if isinstance(given, str) else named_parts(given, "transfer")
        return all(sampler.n_rounds == 1 for _, sampler in samplers)

    @property
    def has_unfitted_teachers(self) -> bool:
        return bool(unfrozen(self.teachers))

    def stops_early(self, n_rows: int) -> bool:
        """Whether a student of this many rows is the best epoch on held-out rows."""
        wanted = self.parameters.early_stopping
        if isinstance(wanted, str):
            fewest = self.kind.fewest_to_hold_out(self.parameters)
            return n_rows >= fewest or is_splitter(self.parameters.validation_fraction)
        return bool(wanted)


def make_plan(
    estimator: Estimator,
    check_rows: Callable[[Table], Table],
    previous: Previous | None,
    shared: Shared | None = None,
    checkpoint: Checkpoint | None = None,
    queries: Queries | None = None,
) -> Plan:
    """Resolve the parameters of an estimator.

    Parameters
    ----------
    estimator : DistilledClassifier
    check_rows : callable
    previous : Previous or None
    shared : Shared or None, default=None
    checkpoint : Checkpoint or None, default=None
    queries : Queries or None, default=None

    Returns
    -------
    Plan

    Raises
    ------
    ValueError, TypeError
        If a parameter is not valid.
    """
    check_parameters(estimator)
    kind = estimator._kind
    seconds = estimator.max_time
    # The teacher of a refresh has not seen the rows: all of its answers are out of fold.
    refreshes = previous is not None and previous.by == "refresh"
    seeds = _find_seeds(estimator, previous, checkpoint)
    return Plan(
        parameters=estimator,
        kind=kind,
        teachers=named_parts(estimator.teacher, "teacher"),
        objectives=named_parts(estimator.objectives, "objectives"),
        response=kind.response_class() if estimator.response is None else estimator.response,
        cv=None if refreshes else find_cv(estimator),
        tries_folds=is_auto(estimator.cv) and estimator.label_tolerance is None and not queries,
        chooses_alpha=is_auto(estimator.alpha),
        chooses_temperature=is_auto(estimator.temperature),
        cache=Cache(memory_of(estimator, checkpoint)),
        seeds=seeds if shared is None else shared.once("seeds", lambda: seeds),
        deadline=None if seconds is None else time.monotonic() + seconds,
        allows_nan=get_tags(estimator).input_tags.allow_nan,
        check_rows=check_rows,
        columns=ColumnSelection(estimator.student_features, "student_features"),
        teacher_columns=ColumnSelection(estimator.teacher_features, "teacher_features"),
        previous=previous,
        shared=shared,
        checkpoint=checkpoint,
        queries=queries,
    )


def memory_of(estimator: Estimator, checkpoint: Checkpoint | None) -> Any:
    """The store of teachers and labels: `memory`, else the checkpoint."""
    if checkpoint is None or estimator.memory is not None:
        return estimator.memory
    return checkpoint.store


def find_cv(estimator: Estimator) -> Any:
    """The folds of out-of-fold labels; None without folds, or if "auto" will try them later.

    Raises
    ------
    ValueError
        If `label_tolerance` has no out-of-fold labels.
    """
    cv, tolerance = estimator.cv, estimator.label_tolerance
    if tolerance is not None and estimator.alpha == 1:
        raise ValueError(
            f"`label_tolerance={tolerance!r}` asks the teacher, but `alpha=1` learns from the "
            "labels alone: give a lower `alpha`, or leave `label_tolerance` out."
        )
    if tolerance is not None and cv is None:
        raise ValueError(
            f"`label_tolerance={tolerance!r}` holds labels against the teacher's answers out of "
            "fold, but `cv` is None: give cv=5, or 'auto', which is 5 then."
        )
    if is_auto(cv):
        return None if tolerance is None else N_FOLDS
    return cv


def _find_seeds(
    estimator: Estimator, previous: Previous | None, checkpoint: Checkpoint | None
) -> dict[str, int | None]:
    """The seeds of the fit that this one continues, else new ones."""
    memory = Cache(estimator.memory)
    draws_all = checkpoint is not None and not memory.is_on
    seeds = draw_seeds(estimator.random_state, memory, previous, draws_all)
    return seeds if checkpoint is None else checkpoint.seeds or seeds


def draw_seeds(
    random_state: Any, cache: Cache, previous: Previous | None = None, draws_all: bool = False
) -> dict[str, int | None]:
    """A seed for each step; None, or one number, so that the cache recognises the step.

    With `draws_all` each is a number: a fit that continues takes them from its checkpoint.
    """
    steps = ("teacher", "split", "transfer", "student")
    numbers = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=4)
    seeds: dict[str, int | None] = dict(zip(steps, numbers.tolist(), strict=True))
    if random_state is None and not draws_all:
        seeds["teacher"] = seeds["transfer"] = None
        if cache.is_on:
            seeds["split"] = 0
    if previous is not None and previous.split_seed is not None:
        seeds["split"] = previous.split_seed  # its teacher has seen all rows but those held out
    return seeds
