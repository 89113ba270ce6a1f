"""InputGradient: how the answers change from a row to one beside it."""

from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from scipy.sparse import issparse

from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.objectives._layer_objective import centred_logs, kinds_of
from skdistill.objectives._objective import Batch, Objective
from skdistill.table import mix_rows, read_table
from skdistill.task import Task
from skdistill.teacher import NETS, is_net


class InputGradient(Objective):
    r"""The student's answers change as the teacher's do, along a random direction at each row.

    .. math:: \frac{1}{K} \sum_k (v^\top \nabla s_k - v^\top \nabla t_k)^2

    with the answers s of the student and t of the teacher. The direction v is drawn once for each
    row, in the numbers of the table as the user gave it, in units of their standard deviations; the
    derivatives are central differences, at the same two rows for both. So teacher and student may
    see the rows in different ways, whole numbers stay whole and missing ones missing. Categories
    stay as they are.

    The student is asked about two more rows a row, by skorch's own steps: a training takes several
    times as long.

    Parameters
    ----------
    step : float, default=0.3
        How far the two rows are from the one between, in standard deviations. In a column of whole
        numbers a step is 1 at least.
    of : {"logits", "probabilities"}, default="logits"
        Of what answers. Logits are centred; the teacher's are the logarithms of its probabilities.
    random_state : int, default=0
        Seed of the directions.
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`.
    decay : bool, default=True
        Whether the factor falls to 0 over the last third of the training.

    Notes
    -----
    Teachers must be nets. The derivative of a tree is 0 or does not exist: for those,
    :class:`Near` draws rows around the data, and :class:`AcrossSplits` pairs of rows across the
    thresholds of trees, which the teacher labels. To first order that is the same knowledge [2]_.

    References
    ----------
    .. [1] Czarnecki, Osindero, Jaderberg, Swirszcz and Pascanu (2017). Sobolev Training for Neural
       Networks. https://doi.org/10.48550/arXiv.1706.04859
    .. [2] Srinivas and Fleuret (2018). Knowledge Transfer with Jacobian Matching.
       https://doi.org/10.48550/arXiv.1803.00443

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skdistill import DistilledClassifier, InputGradient, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((64,), max_iter=500, random_state=0)
    >>> clf = DistilledClassifier(
    ...     net, MLPStudent((8,)), objectives=InputGradient(), transfer=None, random_state=0
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    asks_student = True

    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "step": [Interval(Real, 0, None, closed="neither")],
        "of": [StrOptions({"probabilities", "logits"})],
        "random_state": [Interval(Integral, 0, 2**32 - 1, closed="both")],
    }

    def __init__(
        self,
        step: float = 0.3,
        of: Literal["logits", "probabilities"] = "logits",
        random_state: int = 0,
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(weight=weight, decay=decay)
        self.step = step
        self.of = of
        self.random_state = random_state

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """All teachers must be nets, of classes; see :meth:`Objective.check_fit`."""
        others = [(name, one) for name, one in teachers if not is_net(one)]
        if others or not teachers:
            raise ValueError(
                f"`InputGradient` needs teachers with derivatives ({NETS}); got "
                f"{kinds_of(others)}. Of trees, rows of `transfer=Near(Munge())`, or pairs of rows "
                "across thresholds by `transfer=AcrossSplits()`, tell how the answers change."
            )
        if not task.has_classes:
            raise ValueError(
                "`InputGradient` compares probabilities of classes, but there are numbers to "
                "predict: draw rows by `transfer=Near(Munge())` instead."
            )

    def probe_rows(self, X: Table) -> list[Table]:
        """The rows on both sides of each; see :meth:`Objective.probe_rows`."""
        if issparse(X):
            raise ValueError(
                "`InputGradient` moves the numbers of dense tables, but X is sparse: give "
                "X.toarray(), or leave the objective out."
            )
        table = read_table(X)
        moves = self._moves(table.numbers)
        sources = np.repeat(np.arange(len(moves))[:, None], len(table.categories), axis=1)
        sides = [table.numbers + moves, table.numbers - moves]
        return [mix_rows(X, table, side, sources) for side in sides]

    def teacher_view(self, teacher: Estimator, X: Table) -> FloatArray:
        """The teacher's derivative; see :meth:`Objective.teacher_view`."""
        ahead, behind = (teacher.label(side) for side in self.probe_rows(X))
        if self.of == "logits":
            ahead, behind = centred_logs(ahead), centred_logs(behind)
        return ((ahead - behind) / (2 * self.step)).astype(np.float32)

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value a row; see :meth:`Objective.loss`."""
        assert batch.student is not None  # it is asked for by `asks_student`
        assert batch.probes is not None
        assert batch.view is not None
        ahead, behind = (self._answers(batch.student(side)) for side in batch.probes.unbind(1))
        slope = (ahead - behind) / (2 * self.step)
        return (slope - batch.view.to(slope.dtype)).square().mean(dim=1)

    def _answers(self, logits: torch.Tensor) -> torch.Tensor:
        if self.of == "probabilities":
            return torch.softmax(logits, dim=1)
        return logits - logits.mean(dim=1, keepdim=True)

    def _moves(self, numbers: FloatArray) -> FloatArray:
        """How far each number goes to either side; the same for the same table."""
        with np.errstate(all="ignore"):
            spread = np.nanstd(np.where(np.isfinite(numbers), numbers, np.nan), axis=0)
        whole = ((numbers == np.rint(numbers)) | np.isnan(numbers)).all(axis=0)
        steps: Any = self.step * np.nan_to_num(spread)
        steps = np.where(whole & (spread > 0), np.maximum(steps, 1.0), steps)
        rng = np.random.RandomState(self.random_state)
        moves = steps * rng.standard_normal(numbers.shape)
        return np.where(whole, np.rint(moves), moves)
