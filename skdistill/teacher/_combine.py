"""The combination of several teachers' answers into one array."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from skdistill._utils.types import BoolArray, FloatArray, IntArray, NDArray, Table
from skdistill._utils.warn import warn
from skdistill.targets import floor_probabilities, pool_probabilities
from skdistill.teacher._row_weights import RowWeights

# Lowest probability of a teacher whose resolution is not known.
UNKNOWN_FLOOR = 1e-6


@dataclass(frozen=True)
class Combination:
    """The rule that combines answers, and the substitute for answers that no teacher can give.

    Attributes
    ----------
    weights : ndarray of shape (n_teachers,) or (n_samples, n_teachers), or RowWeights
        :class:`RowWeights` predicts the weights of each row, see :meth:`at`.
    """

    weights: FloatArray | RowWeights

    def at(self, X: Table) -> Self:
        """The same for some rows, on which the weights may depend.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Of the columns that the teachers see.

        Returns
        -------
        Combination
        """
        if not isinstance(self.weights, RowWeights):
            return self
        return replace(self, weights=self.weights.predict(X))

    @property
    def n_columns(self) -> int:
        """Columns of the result."""
        raise NotImplementedError

    def pool(self, answers: Iterable[FloatArray], columns: Iterable[IntArray]) -> FloatArray:
        """The mean over the teachers that answer a column.

        Parameters
        ----------
        answers : iterable of ndarray of shape (n_samples, n_own_columns)
        columns : iterable of ndarray of int of shape (n_own_columns,)
            The position in the result of each column.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        raise NotImplementedError

    def teach(
        self, soft: FloatArray, y: NDArray[Any], columns: Iterable[IntArray], rows: IntArray
    ) -> BoolArray:
        """Give rows that no teacher can answer their label as soft target, in place.

        Parameters
        ----------
        soft : ndarray of shape (n_samples, n_columns)
        y : ndarray of shape (n_samples, ...)
        columns : iterable of ndarray of int
            Those of each teacher.
        rows : ndarray of int
            The rows these teachers labelled.

        Returns
        -------
        ndarray of bool of shape (n_rows,)
            Whether each of these rows was answered.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class MeanProbability(Combination):
    """A weighted mean of probabilities.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Those of the columns of the result.
    floors : list of float
        Lowest probability of each teacher.
    pooling : {"arithmetic", "geometric"}
    """

    classes: NDArray[Any]
    floors: list[float]
    pooling: str

    @property
    def n_columns(self) -> int:
        """One for each class."""
        return len(self.classes)

    def align(
        self, answers: Iterable[FloatArray], columns: Iterable[IntArray]
    ) -> tuple[list[FloatArray], BoolArray]:
        """Floor the answers and bring each into the order of ``classes_``.

        Parameters
        ----------
        answers : iterable of ndarray of shape (n_samples, n_columns)
        columns : iterable of ndarray of int of shape (n_columns,)
            The position in ``classes_`` of each column.

        Returns
        -------
        aligned : list of ndarray of shape (n_samples, n_classes)
            0 in the columns of classes the teacher does not know.
        known : ndarray of bool of shape (n_teachers, n_classes)
            Which classes each teacher knows.
        """
        aligned: list[FloatArray] = []
        known = np.zeros((len(self.floors), len(self.classes)), dtype=bool)
        for teacher, (p, own) in enumerate(zip(answers, columns, strict=True)):
            wide = np.zeros((len(p), len(self.classes)))
            wide[:, own] = floor_probabilities(p, self.floors[teacher])
            aligned.append(wide)
            known[teacher, own] = True
        return aligned, known

    def pool(self, answers: Iterable[FloatArray], columns: Iterable[IntArray]) -> FloatArray:
        """The mean over the teachers that know a class; see :meth:`Combination.pool`."""
        aligned, known = self.align(answers, columns)
        by_teacher = np.asarray(self.weights).T[..., None]
        known = known if by_teacher.ndim == 2 else known[:, None]
        return pool_probabilities(aligned, by_teacher * known, self.pooling)

    def teach(
        self, soft: FloatArray, y: NDArray[Any], columns: Iterable[IntArray], rows: IntArray
    ) -> BoolArray:
        """Rows of a class that no teacher knows; see :meth:`Combination.teach`."""
        codes = np.searchsorted(self.classes, y)
        unknown = teach_unknown(soft, codes, columns, rows)
        return ~np.isin(codes[rows], unknown)


@dataclass(frozen=True)
class MeanNumber(Combination):
    """A weighted mean of numbers.

    Attributes
    ----------
    n_targets : int
    """

    n_targets: int

    @property
    def n_columns(self) -> int:
        """One for each target."""
        return self.n_targets

    def pool(self, answers: Iterable[FloatArray], columns: Iterable[IntArray]) -> FloatArray:
        """The mean over all teachers; see :meth:`Combination.pool`."""
        stacked, by_teacher = np.stack(list(answers)), np.asarray(self.weights).T
        if by_teacher.ndim == 2:
            by_teacher = np.broadcast_to(by_teacher[..., None], stacked.shape)
        return np.average(stacked, axis=0, weights=by_teacher)

    def teach(
        self, soft: FloatArray, y: NDArray[Any], columns: Iterable[IntArray], rows: IntArray
    ) -> BoolArray:
        """Nothing: there is always a number; see :meth:`Combination.teach`."""
        return np.ones(len(rows), dtype=bool)


def teach_unknown(
    soft: FloatArray,
    codes: IntArray,
    columns: Iterable[IntArray],
    rows: IntArray | slice = slice(None),
) -> IntArray:
    """Give rows of a class that no teacher knows their label as soft target, in place.

    Parameters
    ----------
    soft : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
        Position of each label in ``classes_``.
    columns : list of ndarray of int
        The classes each teacher knows.
    rows : ndarray of int or slice, default=slice(None)
        The rows these teachers labelled.

    Returns
    -------
    ndarray of int
        The classes no teacher knows, of those in the rows.
    """
    unknown = np.setdiff1d(codes[rows], np.concatenate(list(columns)))
    for code in unknown:
        of_class = np.arange(len(codes))[rows][codes[rows] == code]
        soft[of_class] = 0.0
        soft[of_class, code] = 1.0
    return unknown


def warn_of_unknown(classes: NDArray[Any], where: str = "") -> None:
    """Warn of classes that no teacher knows."""
    warn(
        f"{where}no teacher knows the classes {classes.tolist()}; their "
        "training rows are taught by their labels, and transfer rows cannot teach them."
    )
