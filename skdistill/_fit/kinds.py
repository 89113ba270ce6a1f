"""The steps of a fit that differ between classes and numbers, before there is a task."""

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._fit.checks import check_known, check_prior, classes_of_soft_targets
from skdistill._fit.labelling import Labeller
from skdistill._fit.number_labelling import NumberLabeller, soft_numbers
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.auto import is_auto
from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.objectives import (
    DIST,
    NKD,
    Brier,
    Hinton,
    LogitMatching,
    Response,
    SquaredError,
    StandardizedLogits,
)
from skdistill.task import (
    Classification,
    Regression,
    TargetScaler,
    Task,
    check_labels,
    check_numbers,
    check_target,
)
from skdistill.teacher import RegressorPool, TeacherPool, check_levels

if TYPE_CHECKING:
    from skdistill._fit.plan import Plan

# With fewer training rows a validation split is too noisy to choose an epoch.
EARLY_STOPPING_ROWS = 500
# With fewer rows, too few are held out to calibrate quantiles.
CALIBRATION_ROWS = 80
# Without y, predictions for this many rows give the scale.
SCALE_ROWS = 10_000


class Kind:
    """A kind of target."""

    has_classes: bool
    # First weight of the labels under "auto", and the other one that it may try.
    alpha: float
    other_alpha: float
    # The default response, and the responses of the other kind.
    response_class: type[Response]
    other_responses: tuple[type[Response], ...]

    def new_pool(self, teacher: Any, **params: Any) -> Any:
        """The teachers as one, not fitted."""
        raise NotImplementedError

    def pool_params(self, parameters: Estimator, response: Response) -> dict[str, Any]:
        """The parameters by which the pool of a fit combines answers."""
        raise NotImplementedError

    def fewest_to_hold_out(self, parameters: Estimator) -> int:
        """Training rows from which on ``early_stopping="auto"`` holds some out."""
        return EARLY_STOPPING_ROWS

    def fits_again(self, parameters: Estimator) -> bool:
        """Whether teachers are fitted in folds even by a fit that continues another."""
        return False

    def check_target(self, y: Any, X: Table) -> np.ndarray | None:
        """The y of a fit, checked; None stays None."""
        raise NotImplementedError

    def check_labels(self, y: Any, X: Table, name: str) -> np.ndarray:
        """Labels of other rows, checked."""
        raise NotImplementedError

    def find_task(
        self, plan: "Plan", X: Table, y: Any, soft_targets: Any, weight: FloatArray | None
    ) -> Task:
        """The task of the fit."""
        raise NotImplementedError

    def go_on(self, task: Any, y: np.ndarray | None, weight: FloatArray | None) -> Task:
        """The task of a fit that continues another with this task."""
        return task

    def check_known(self, task: Any, y: np.ndarray | None, name: str) -> None:
        """Raise a ValueError for labels that the task does not have."""
        raise NotImplementedError

    def check_split(
        self, plan: "Plan", task: Any, X: Table, y: np.ndarray, train: IntArray, name: str
    ) -> None:
        """Raise a ValueError if the rows to train on do not contain all classes."""
        raise NotImplementedError

    def labeller(self, plan: "Plan", task: Any) -> Labeller:
        """The labeller of a fit, without a teacher yet."""
        raise NotImplementedError


class OfClasses(Kind):
    """Classes to tell apart."""

    has_classes = True
    alpha, other_alpha = 0.3, 0.7
    response_class = Hinton
    other_responses = (SquaredError,)

    def new_pool(self, teacher: Any, **params: Any) -> TeacherPool:
        """The teachers as one; see :meth:`Kind.new_pool`."""
        return TeacherPool(teacher, **params)

    def pool_params(self, parameters: Estimator, response: Response) -> dict[str, Any]:
        """The mean of probabilities, and their floor; see :meth:`Kind.pool_params`."""
        return {"pooling": parameters.pooling, "floor": response.floor}

    def check_target(self, y: Any, X: Table) -> np.ndarray | None:
        """Labels, and no quantities; see :meth:`Kind.check_target`."""
        return check_target(y, X)

    def check_labels(self, y: Any, X: Table, name: str) -> np.ndarray:
        """A label a row; see :meth:`Kind.check_labels`."""
        return check_labels(y, X, name)

    def find_task(
        self, plan: "Plan", X: Table, y: Any, soft_targets: Any, weight: FloatArray | None
    ) -> Classification:
        """The classes of y and of frozen teachers; see :meth:`Kind.find_task`."""
        if plan.teachers:
            classes = plan.new_pool().find_classes(X, y)
        else:
            classes = classes_of_soft_targets(soft_targets, y)
        if len(classes) < 2:
            raise ValueError(f"y must have at least 2 classes, got 1 class: {classes[0]!r}.")
        check_prior(plan.parameters.class_prior, classes)
        return Classification(classes)

    def check_known(self, task: Classification, y: np.ndarray | None, name: str) -> None:
        """All labels must be among the classes; see :meth:`Kind.check_known`."""
        check_known(y, task.classes, name)

    def check_split(
        self, plan: "Plan", task: Any, X: Table, y: np.ndarray, train: IntArray, name: str
    ) -> None:
        """Each class must have a row; see :meth:`Kind.check_split`."""
        known = plan.new_pool().find_classes(safe_indexing(X, train), y[train])
        absent = np.setdiff1d(task.classes, known).tolist()
        if absent:
            raise ValueError(
                f"{name} leaves no row of the classes {absent[:10]} to train on: leave rows of "
                "these classes out, or split otherwise."
            )

    def labeller(self, plan: "Plan", task: Classification) -> Labeller:
        """By probabilities; see :meth:`Kind.labeller`."""
        return Labeller(task, plan.response, plan.temperatures)


class OfNumbers(Kind):
    """Numbers to tell."""

    has_classes = False
    alpha, other_alpha = 0.7, 0.3
    response_class = SquaredError
    other_responses = (Hinton, NKD, DIST, StandardizedLogits, LogitMatching, Brier)

    def new_pool(self, teacher: Any, **params: Any) -> RegressorPool:
        """The teachers as one; see :meth:`Kind.new_pool`."""
        return RegressorPool(teacher, **params)

    def pool_params(self, parameters: Estimator, response: Response) -> dict[str, Any]:
        """None: it is the mean; see :meth:`Kind.pool_params`."""
        return {}

    def fewest_to_hold_out(self, parameters: Estimator) -> int:
        """Quantiles are calibrated by rows held out; see :meth:`Kind.fewest_to_hold_out`."""
        return EARLY_STOPPING_ROWS if parameters.head == "mean" else CALIBRATION_ROWS

    def fits_again(self, parameters: Estimator) -> bool:
        """For quantiles of their errors; see :meth:`Kind.fits_again`."""
        return parameters.head != "mean"

    def check_target(self, y: Any, X: Table) -> np.ndarray | None:
        """Finite numbers; see :meth:`Kind.check_target`."""
        return None if y is None else check_numbers(y, X)

    def check_labels(self, y: Any, X: Table, name: str) -> np.ndarray:
        """Finite numbers; see :meth:`Kind.check_labels`."""
        return check_numbers(y, X, name)

    def find_task(
        self, plan: "Plan", X: Table, y: Any, soft_targets: Any, weight: FloatArray | None
    ) -> Regression:
        """The scale of y, or without y that of the teacher's numbers; see the base."""
        parameters = plan.parameters
        if plan.teachers:  # before an hour of fitting, not after it
            check_levels(plan.teachers, y, parameters._levels)
        kind = parameters.target_transform
        scaler = TargetScaler("identity" if is_auto(kind) else kind)
        if y is not None:
            scaler.fit(y, weight)
        else:  # no y has been seen, so there is no range to stay in
            scaler.fit(self._told(plan, X, soft_targets))
            scaler.low_, scaler.high_ = np.full((2, len(scaler.scale_)), [[-np.inf], [np.inf]])
        task = Regression(scaler, parameters._levels)
        if task.levels is not None and task.n_targets > 1:
            raise ValueError(
                f"`head='quantiles'` predicts one target, got {task.n_targets}: fit one estimator "
                "each, as by sklearn.multioutput.MultiOutputRegressor, or take head='mean'."
            )
        return task

    def check_known(self, task: Regression, y: np.ndarray | None, name: str) -> None:
        """As many numbers a row; see :meth:`Kind.check_known`."""
        n_targets = 1 if y is None or y.ndim == 1 else y.shape[1]
        if y is not None and n_targets != task.n_targets:
            raise ValueError(
                f"`{name}` has {n_targets} targets, but there are {task.n_targets} to predict: "
                "give as many, or `fit` again without `warm_start`."
            )

    def check_split(
        self, plan: "Plan", task: Any, X: Table, y: np.ndarray, train: IntArray, name: str
    ) -> None:
        """Any rows will do; see :meth:`Kind.check_split`."""

    def labeller(self, plan: "Plan", task: Regression) -> NumberLabeller:
        """By numbers; see :meth:`Kind.labeller`."""
        return NumberLabeller(task, plan.response, plan.temperatures)

    def _told(self, plan: "Plan", X: Table, soft_targets: Any) -> FloatArray:
        """Numbers like those to tell: soft targets, or those of frozen teachers for some rows."""
        if soft_targets is not None:
            told = soft_numbers(soft_targets, num_samples(X), "soft_targets")
            return told if plan.parameters._levels is None else told.reshape(-1, 1)
        order = np.random.RandomState(0).permutation(num_samples(X))
        # They are the first training rows that use up the budget.
        n_rows = SCALE_ROWS if plan.queries is None else plan.queries.most // 2
        some = safe_indexing(X, np.sort(order[: min(n_rows, SCALE_ROWS)]))
        return plan.new_pool().fit(some).predict(some)

    def go_on(
        self, task: Regression, y: np.ndarray | None, weight: FloatArray | None
    ) -> Regression:
        """The same scale, and the range of all numbers seen."""
        if y is None:
            return task
        scaler, seen = copy.copy(task.scaler), y.reshape(len(y), -1)
        seen = seen if weight is None else seen[weight > 0]
        scaler.low_ = np.minimum(scaler.low_, seen.min(axis=0))
        scaler.high_ = np.maximum(scaler.high_, seen.max(axis=0))
        return Regression(scaler, task.levels)
