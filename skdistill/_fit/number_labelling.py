"""Soft targets where numbers are predicted."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import KFold

from skdistill._fit.blocks import Block
from skdistill._fit.holdout import find_folds
from skdistill._fit.labelling import Labeller
from skdistill._fit.plan import N_FOLDS
from skdistill._fit.spread import Spread
from skdistill._utils._compat import num_samples
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import BoolArray, FloatArray, Split, Table
from skdistill._utils.warn import warn
from skdistill.objectives import Response
from skdistill.table import is_frame
from skdistill.task import Regression
from skdistill.teacher import unfrozen

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs
    from skdistill._fit.run import Run

NEEDS_LABELS = (
    "`head='quantiles'` needs labels to learn how far they lie from the teacher's numbers: give y, "
    "or a teacher with `predict_quantiles`, or `soft_targets` with a column a level and "
    "`transfer=None`."
)


class NumberLabeller(Labeller):
    """Labels rows by the teacher's numbers, or quantiles of them, on the scale of the student.

    Parameters
    ----------
    task : Regression
    response : Response
    temperatures : tuple of float
    teacher : RegressorPool or None, default=None
        Fitted.
    spread : Spread or None, default=None
        The distribution of labels around the numbers of a teacher that predicts no quantiles.
    own : (table, ndarray of shape (n_samples, n_levels)) or None, default=None
        The rows on which the spread was learned, and their quantiles by a spread without them.
    """

    def __init__(
        self,
        task: Regression,
        response: Response,
        temperatures: tuple[float, ...],
        teacher: Any = None,
        spread: Spread | None = None,
        own: tuple[Table, FloatArray] | None = None,
    ):
        super().__init__(task, response, temperatures, teacher)
        self.spread = spread
        self.own = own

    @property
    def attributes(self) -> dict[str, Any]:
        """The teacher, and with quantiles their spread around its numbers; see the base."""
        found = super().attributes
        return found if self.task.levels is None else found | {"teacher_spread_": self.spread}

    def by(self, teacher: Any) -> "NumberLabeller":
        """The same by a teacher, once it is fitted."""
        return NumberLabeller(self.task, self.response, self.temperatures, teacher)

    def learn(self, given: "Inputs", run: "Run") -> "NumberLabeller":
        """Learn how labels lie around the teacher's numbers, if it does not predict quantiles."""
        if self.task.levels is None or self.pool.tells_quantiles:
            return self
        one = self.task, self.response, self.temperatures, self.teacher
        previous = run.plan.previous
        if previous is not None and run.plan.refreshes:
            return NumberLabeller(*one, previous.spread)
        unseen = self._unseen(given, run)
        if unseen is None:
            return self
        rows, means = unseen
        spread = Spread(given.encoder, run.plan.columns, self.task.levels)
        apart, seed = (rows.labels - means)[:, 0], run.plan.seeds["split"]
        own = spread.fit_quantiles(rows.X, means, apart, rows.weight, seed, rows.groups)
        return NumberLabeller(*one, spread, (rows.X, own))

    def given(self, soft_targets: Any, X: Table, name: str) -> FloatArray | None:
        """Numbers that the user gave, checked; None stays None."""
        if soft_targets is None:
            return None
        return self.task.soft_of(check_soft_numbers(soft_targets, self.task, X, name))

    def lift_given(self, soft: FloatArray | None) -> FloatArray | None:
        """The same: numbers have no logarithm."""
        return soft

    def label(self, X: Table, step: Step = no_step) -> FloatArray:
        """The teacher's numbers, or quantiles."""
        levels = self.task.levels
        if self.own is not None and X is self.own[0]:
            return self.own[1]
        if levels is not None and self.spread is None:
            if not self.pool.tells_quantiles:
                raise ValueError(NEEDS_LABELS)
            return self.task.soft_of(self.pool.label_quantiles(X, levels))
        means = self.task.soft_of(self.pool.label(X, step=step))
        return means if self.spread is None else self.spread.quantiles(X, means)

    def label_known(
        self, X: Table, labels: np.ndarray, step: Step = no_step, warns: bool = True
    ) -> FloatArray:
        """The same: there is no number that a teacher does not know."""
        return self.label(X, step)

    def by_label(self, labels: np.ndarray) -> FloatArray:
        """The labels: they are numbers on the scale of the student."""
        return labels.copy()

    def knows(self, labels: np.ndarray) -> BoolArray:
        """True for all."""
        return np.ones(len(labels), dtype=bool)

    def outputs(self, X: Table) -> FloatArray:
        """Outputs of a net that answers like the teacher."""
        return self.label(X)

    def label_out_of_fold(
        self, given: "Inputs", others: list[list[Table]], step: Step
    ) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
        """The numbers of teachers that have not seen the row; see the base."""
        levels = self.task.levels if self.spread is None else None
        own, of_others, is_answer = self._ask_folds(given, given.folds, others, step, levels)
        if self.spread is None:
            soft = [[self.task.soft_of(one) for one in tables] for tables in of_others]
            return self.task.soft_of(own), soft, is_answer
        spread, scale = self.spread, self.task.soft_of
        pairs = [list(zip(*both, strict=True)) for both in zip(others, of_others, strict=True)]
        soft = [[spread.quantiles(X, scale(means)) for X, means in fold] for fold in pairs]
        return spread.quantiles(given.X, scale(own)), soft, is_answer

    def _unseen(self, given: "Inputs", run: "Run") -> tuple[Block, FloatArray] | None:
        """Rows with labels that the teacher has not seen, and its numbers; None without labels."""
        scale = self.task.soft_of
        if not run.plan.has_unfitted_teachers:
            rows = given.validation if given.validation is not None else given.block
            if not rows.is_labelled:
                return None
            if given.validation is None or given.holds_out:
                warn(
                    "the quantiles are learned on rows that the frozen teacher may have seen, and "
                    "may be too narrow: give `X_val` and `y_val`."
                )
            return rows, scale(self.pool.label(rows.X))
        folds = given.folds or self._folds(given, run)
        text = f"labelling {len(given.labels)} rows out of fold, for the quantiles"
        n_steps = len(folds) * len(unfrozen(run.plan.teachers))
        with run.progress.task("label-training-rows", text, n_steps=n_steps) as step:
            means, _, _ = self._ask_folds(given, folds, [[] for _ in folds], step)
        return given.block, scale(means)

    def _folds(self, given: "Inputs", run: "Run") -> list[Split]:
        seed, groups = run.plan.seeds["split"], given.groups
        n_units = given.n_used if groups is None else len(np.unique(groups))
        n_folds = min(N_FOLDS, n_units)
        if n_folds < 2:
            raise ValueError(
                "`head='quantiles'` learns the errors of teachers in folds, which takes two rows "
                f"or `groups` at least, got {n_units}: give more, or head='mean'."
            )
        cv = KFold(n_folds, shuffle=True, random_state=seed) if groups is None else n_folds
        return find_folds(cv, given.X, given.y, groups, has_classes=False)


def soft_numbers(soft_targets: Any, n_rows: int, name: str) -> FloatArray:
    """Soft targets as finite numbers, of shape (n_rows, n_columns).

    Raises
    ------
    ValueError
        If they are something else.
    """
    given = soft_targets.to_numpy() if is_frame(soft_targets) else soft_targets
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must hold numbers: {error}.") from error
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != n_rows:
        raise ValueError(f"`{name}` must have a row for each of {n_rows}, got {np.shape(given)}.")
    if not np.isfinite(values).all():
        raise ValueError(f"`{name}` contains NaN or infinity: leave those rows out.")
    return values


def check_soft_numbers(soft_targets: Any, task: Regression, X: Table, name: str) -> FloatArray:
    """Soft targets as an array of shape (n_samples, n_targets), on the scale of y.

    Raises
    ------
    ValueError
        If they are not finite numbers, or not one for each row and target.
    """
    values = soft_numbers(soft_targets, num_samples(X), name)
    if values.shape[1] != task.n_outputs:
        shape = num_samples(X), task.n_outputs
        raise ValueError(f"`{name}` must have shape {shape}, got {np.shape(soft_targets)}.")
    return values
