"""What stands for the rows that are gone, when a student learns from new ones."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from skdistill._fit.checks import readers_of_tables
from skdistill._utils._compat import Interval, num_samples, safe_indexing
from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.objectives import Batch, Objective
from skdistill.table import n_dimensions, read_table, stack_tables
from skdistill.transfer import Munge, TransferSampler, draw_rows, rows_by_weight


class Replay(BaseEstimator):
    """Base of what stands for the rows that are gone.

    A subclass gives rows by `draw`, or terms of the loss by `objectives`.

    Attributes
    ----------
    n_rows : int
        Rows that it gives at most, of all steps together.
    """

    _parameter_constraints: ClassVar[dict] = {}

    n_rows: int = 0

    def __init__(self) -> None:
        super().__init__()

    def check_parameters(self) -> None:
        """Raise a ValueError for a parameter that is not valid."""
        self._validate_params()

    def check_rows(self, X: Table) -> None:
        """Raise a ValueError for rows that it cannot stand for, before anything is fitted.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        """

    def draw(
        self, X: Table, y: np.ndarray, weight: FloatArray, n: int, rng: np.random.RandomState
    ) -> tuple[Table, np.ndarray | None]:
        """Give rows that stand for those of X.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)
        weight : ndarray of shape (n_samples,)
        n : int
            Rows at most.
        rng : RandomState

        Returns
        -------
        X_new : array or DataFrame of shape (n_new, n_features)
        y_new : ndarray of shape (n_new,) or None
            Their labels; None takes what the student tells of them.
        """
        raise NotImplementedError

    def objectives(
        self, old: Estimator, classes: np.ndarray, pool: Any
    ) -> list[tuple[str, Objective]]:
        """Terms of the loss that hold on to what the old student told.

        Parameters
        ----------
        old : DistilledClassifier
            The student of the step before.
        classes : ndarray of shape (n_classes,)
            All that there are now.
        pool : ReplayPool
            The rows that are replayed, among these classes.

        Returns
        -------
        list of (str, Objective)
        """
        return []


class SyntheticReplay(Replay):
    """Replay rows that a sampler has drawn, with what the student told of them.

    No row of the data is stored. Rows that the sampler left as they were, or that happen to be
    equal to a row of the data, are dropped.

    Parameters
    ----------
    sampler : TransferSampler, default=None
        Draws the rows from those of each step. None is :class:`Munge`. It has to do without a
        teacher.
    n_rows : int, default=20000
        Rows that are kept, of all steps together. With 0 nothing is replayed, and what was learned
        before is forgotten.

    References
    ----------
    .. [1] Bucila, Caruana and Niculescu-Mizil (2006). Model Compression.
       https://doi.org/10.1145/1150402.1150464
    .. [2] Shin, Lee, Kim and Kim (2017). Continual Learning with Deep Generative Replay.
       https://doi.org/10.48550/arXiv.1705.08690

    Examples
    --------
    >>> from skdistill import Gibbs, SyntheticReplay
    >>> SyntheticReplay(Gibbs(), n_rows=5000)
    SyntheticReplay(n_rows=5000, sampler=Gibbs())
    """

    _parameter_constraints: ClassVar[dict] = {
        "sampler": [TransferSampler, None],
        "n_rows": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, sampler: TransferSampler | None = None, n_rows: int = 20_000) -> None:
        self.sampler = sampler
        self.n_rows = n_rows

    @property
    def _sampler(self) -> TransferSampler:
        return Munge() if self.sampler is None else self.sampler

    def check_rows(self, X: Table) -> None:
        """The sampler has to read them; see :meth:`Replay.check_rows`."""
        readers = readers_of_tables(self._sampler, X)
        if self.n_rows and readers:
            what = "is sparse" if issparse(X) else f"has {n_dimensions(X)} dimensions"
            raise ValueError(
                f"`replay={self!r}` draws rows by {type(readers[0]).__name__}, which reads dense "
                f"tables only, and X {what}: give StoredRows(), or another `sampler`."
            )

    def draw(
        self, X: Table, y: np.ndarray, weight: FloatArray, n: int, rng: np.random.RandomState
    ) -> tuple[Table, None]:
        """Rows of the sampler that are no rows of X; see :meth:`Replay.draw`."""
        sampler = self._sampler
        sampler.check_parameters()
        even = None if not np.ptp(weight) else weight
        drawn, worth = draw_rows(sampler, X, n, rng, even)
        is_new = places_among(X, drawn) < 0
        drawn, worth = safe_indexing(drawn, np.flatnonzero(is_new)), worth[is_new]
        if len(worth) and np.ptp(worth):
            drawn = safe_indexing(drawn, rows_by_weight(len(worth), worth, rng))
        return drawn, None


class StoredRows(Replay):
    """Replay some of the rows themselves [1]_, with labels and what the student told of them.

    The old answers are the soft targets of these rows, and `alpha` of the estimator weighs them
    against the labels. Rows of the data stay in the fitted estimator, and in its file.

    Parameters
    ----------
    n_rows : int, default=200
        Rows that are kept, of all steps together.

    See Also
    --------
    DarkExperience : The same rows, and the squared distance from the logits that they had.

    References
    ----------
    .. [1] Rolnick, Ahuja, Schwarz, Lillicrap and Wayne (2019). Experience Replay for Continual
       Learning. https://doi.org/10.48550/arXiv.1811.11682

    Examples
    --------
    >>> from skdistill import StoredRows
    >>> StoredRows(n_rows=500)
    StoredRows(n_rows=500)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_rows": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_rows: int = 200) -> None:
        self.n_rows = n_rows

    def draw(
        self, X: Table, y: np.ndarray, weight: FloatArray, n: int, rng: np.random.RandomState
    ) -> tuple[Table, np.ndarray]:
        """Rows of X and their labels; see :meth:`Replay.draw`."""
        rows = _one_of_each_first(y, weight, rng)[:n]
        return safe_indexing(X, rows), y[rows]


class LearningWithoutForgetting(Replay):
    r"""Replay nothing, but keep what the old student tells of the *new* rows.

    A term :math:`\mathrm{KL}(p_T \| q_T)` is added to the loss, with the probabilities of the old
    student and of the new one among the old classes, both at the temperature T [1]_. It is known to
    fail where new classes come without any row of the old ones.

    Parameters
    ----------
    weight : float, default=1.0
        Of the term.
    temperature : float, default=2.0
        T > 0.

    References
    ----------
    .. [1] Li and Hoiem (2016). Learning without Forgetting.
       https://doi.org/10.48550/arXiv.1606.09282

    Examples
    --------
    >>> from skdistill import LearningWithoutForgetting
    >>> LearningWithoutForgetting(weight=2.0)
    LearningWithoutForgetting(weight=2.0)
    """

    _parameter_constraints: ClassVar[dict] = {
        "weight": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, weight: float = 1.0, temperature: float = 2.0) -> None:
        self.weight = weight
        self.temperature = temperature

    def objectives(
        self, old: Estimator, classes: np.ndarray, pool: Any
    ) -> list[tuple[str, Objective]]:
        """The term, among the old classes; see :meth:`Replay.objectives`."""
        places = tuple(np.searchsorted(classes, old.classes_).tolist())
        term = OldAnswers(FrozenEstimator(old), places, self.temperature, self.weight)
        return [("old_answers", term)]


class OldAnswers(Objective):
    """Divergence from the old student, among its classes."""

    def __init__(
        self, old: Any, places: tuple[int, ...], temperature: float, weight: float = 1.0
    ) -> None:
        super().__init__(weight)
        self.old = old
        self.places = places
        self.temperature = temperature

    def teacher_view(self, teacher: Estimator, X: Table) -> np.ndarray:
        """Log-probabilities of the old student."""
        return self.old.predict_log_proba(X).astype(np.float32)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Divergence of each row."""
        assert batch.view is not None  # `teacher_view` always gives one
        told = torch.log_softmax(batch.view / self.temperature, dim=1)
        own = torch.log_softmax(batch.logits[:, list(self.places)] / self.temperature, dim=1)
        return (told.exp() * (told - own)).sum(dim=1)


def places_among(X: Table, rows: Table) -> IntArray:
    """Where X has a row that is equal to each of the rows; -1 where it has none."""
    row = _codes_of_rows(stack_tables([X, rows]))
    n_rows = num_samples(X)
    places = np.full(row.max() + 1, -1)
    places[row[:n_rows]] = np.arange(n_rows)
    return places[row[n_rows:]]


def _codes_of_rows(X: Table) -> IntArray:
    """A number for each row, the same for equal rows."""
    if issparse(X):
        whole = X.tocsr()
        whole.sum_duplicates()
        whole.eliminate_zeros()
        parts = [np.split(one, whole.indptr[1:-1]) for one in (whole.indices, whole.data)]
        told = [a.tobytes() + b.tobytes() for a, b in zip(*parts, strict=True)]
        return pd.factorize(np.array(told, dtype=object))[0]
    table = read_table(X if n_dimensions(X) <= 2 else X.reshape(len(X), -1))
    columns = [*table.numbers.T, *table.categories]
    codes = np.column_stack([pd.factorize(one, use_na_sentinel=False)[0] for one in columns])
    return np.unique(codes, axis=0, return_inverse=True)[1].ravel()


def _one_of_each_first(y: np.ndarray, weight: FloatArray, rng: np.random.RandomState) -> IntArray:
    """All rows in an order drawn by weight, but a row of each class before the second of any."""
    # The largest of these keys first: draws without replacement, each by weight.
    order = np.argsort(-(rng.uniform(size=len(y)) ** (1 / weight)), kind="stable")
    _, first = np.unique(y[order], return_index=True)
    return np.concatenate([order[np.sort(first)], np.delete(order, first)])
