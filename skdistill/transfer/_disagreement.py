"""Disagreement: rows on which student and teacher differ, or on which the student is unsure."""

from numbers import Real
from typing import ClassVar

import numpy as np
from scipy.special import rel_entr
from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval, StrOptions, num_samples, safe_indexing
from skdistill._utils.types import ArrayLike, FloatArray, IntArray, RandomState, Table
from skdistill.transfer._base import Drawn, TransferSampler, check_source_weights, draw_rows
from skdistill.transfer._context import TransferContext
from skdistill.transfer._meta import MetaSampler
from skdistill.transfer._near import Support

# Training rows to which distances are measured.
BLOCK_SIZE = 10_000
# Least probability, before its logarithm is taken.
FLOOR = 1e-6


class Disagreement(MetaSampler):
    r"""Choose the rows of a sampler on which student and teacher differ.

    `sampler` draws many candidates. Those outside the support of the data are dropped: they
    are farther from the training rows than these are from one another, see :class:`Near`. From the
    others, those with the highest score are taken, and a share at random. It needs a student, so
    it is for :class:`Rounds`: ``Rounds(Disagreement(Munge()), replace=False)``. In the first
    round there is no student yet: its rows are those of `sampler`, inside the support.

    The score is :math:`\mathrm{KL}(p \| q)` of the teacher's probabilities p and the student's q;
    for numbers it is their squared difference. It asks the teacher for all candidates. If this
    costs too much, the score is the student's own uncertainty: 1 minus the gap between its two
    highest probabilities.

    Parameters
    ----------
    sampler : TransferSampler
        Draws the candidates; its `size` and `weight` hold.
    by : {"auto", "teacher", "student"}, default="auto"
        The score of a row: "teacher" is the difference between teacher and student, "student" the
        student's uncertainty. "auto" is "student" with `max_queries`, else "teacher".
    n_candidates : float, default=8.0
        Candidates for each row that is taken.
    random_share : float, default=0.25
        Share of the rows that are taken at random, so that the student does not forget the rest.
    quantile : float or None, default=0.95
        Quantile of the distances between training rows: candidates that are farther from all of
        them are dropped, as long as enough are left. None keeps all.

    References
    ----------
    .. [1] Lewis and Gale (1994). A Sequential Algorithm for Training Text Classifiers: rows on
       which a classifier is unsure. https://doi.org/10.1007/978-1-4471-2099-5_1
    .. [2] Fang et al. (2019). Data-Free Adversarial Distillation: rows on which student and teacher
       differ. https://doi.org/10.48550/arXiv.1912.11006

    Examples
    --------
    >>> from skdistill import Disagreement, Munge, Rounds
    >>> Rounds(Disagreement(Munge()), replace=False).check_parameters()
    >>> Disagreement(Munge()).sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    asks = True

    _parameter_constraints: ClassVar[dict] = {
        "by": [StrOptions({"auto", "teacher", "student"})],
        "n_candidates": [Interval(Real, 1, None, closed="left")],
        "random_share": [Interval(Real, 0, 1, closed="both")],
        "quantile": [Interval(Real, 0, 1, closed="both"), None],
    }

    def __init__(
        self,
        sampler: TransferSampler,
        by: str = "auto",
        n_candidates: float = 8.0,
        random_share: float = 0.25,
        quantile: float | None = 0.95,
    ) -> None:
        super().__init__(sampler)
        self.by = by
        self.n_candidates = n_candidates
        self.random_share = random_share
        self.quantile = quantile

    def sample(
        self,
        X: Table,
        n: int,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        *,
        context: TransferContext | None = None,
    ) -> Drawn:
        """Draw `n` rows; see :meth:`TransferSampler.sample`."""
        self.check_parameters()
        rng = check_random_state(random_state)
        source_weight = check_source_weights(sample_weight, num_samples(X))
        context = context or TransferContext()
        chooses = n > 0 and context.student is not None and self.random_share < 1
        spares = n > 0 and self.quantile is not None
        n_drawn = round((self.n_candidates if chooses else 2 if spares else 1) * n)
        drawn, weight = draw_rows(self.sampler, X, n_drawn, rng, source_weight, context)
        rows = self._near(X, drawn, n, rng) if spares else np.arange(n_drawn)
        if chooses:
            scores = self._scores(safe_indexing(drawn, rows), context)
            rows = rows[self._choose(scores, n, rng)]
        drawn, weight = safe_indexing(drawn, rows[:n]), weight[rows[:n]]
        return drawn if source_weight is None else (drawn, weight)

    def _near(self, X: Table, drawn: Table, n: int, rng: np.random.RandomState) -> IntArray:
        """The rows inside the support, or the `n` nearest if there are fewer."""
        assert self.quantile is not None
        excess = Support(X, self.quantile, BLOCK_SIZE, rng).excess(drawn)
        near = np.flatnonzero(excess <= 0)
        return near if len(near) >= n else np.argsort(excess, kind="stable")[:n]

    def _choose(self, scores: FloatArray, n: int, rng: np.random.RandomState) -> IntArray:
        """The rows with the highest scores, and others at random."""
        n_top = n - round(self.random_share * n)
        order = rng.permutation(len(scores))  # equal scores in random order
        order = order[np.argsort(-scores[order], kind="stable")]
        return np.concatenate([order[:n_top], rng.permutation(order[n_top:])[: n - n_top]])

    def _scores(self, X: Table, context: TransferContext) -> FloatArray:
        """The score of each row: how much the student can learn from it."""
        by = self.by
        if by == "auto":
            by = "teacher" if context.n_left is None else "student"
        if by == "teacher":
            return self._gaps(X, context)
        if not hasattr(context.student, "predict_proba"):
            raise ValueError(
                "`by='student'` of Disagreement takes the student's probabilities, but a student "
                "of numbers has none: give `by='teacher'`, or another sampler."
            )
        q = np.sort(context.student.predict_proba(X), axis=1)
        return 1 - (q[:, -1] - q[:, -2])

    def _gaps(self, X: Table, context: TransferContext) -> FloatArray:
        """The distance of student and teacher on each row."""
        if context.teacher is None:
            raise ValueError("`by='teacher'` of Disagreement needs a teacher, but there is none.")
        if hasattr(context.student, "predict_proba"):
            p = np.clip(context.teacher.predict_proba(X), FLOOR, 1)
            q = np.clip(context.student.predict_proba(X), FLOOR, 1)
            return rel_entr(p, q).sum(axis=1)
        told, own = context.teacher.predict(X), context.student.predict(X)
        return ((np.asarray(told) - own) ** 2).reshape(len(own), -1).sum(axis=1)
