"""How the answers of several teachers become one array."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill._utils.types import BoolArray, FloatArray, IntArray, NDArray
from skdistill._utils.warn import warn
from skdistill.targets import floor_probabilities, pool_probabilities

# Lowest probability of a teacher about whose resolution nothing is known.
UNKNOWN_FLOOR = 1e-6


@dataclass(frozen=True)
class Combination:
    """A weighted mean of probabilities.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Those of the columns of the result.
    floors : list of float
        Lowest probability of each teacher.
    weights : ndarray of shape (n_teachers,)
    pooling : {"arithmetic", "geometric"}
    """

    classes: NDArray[Any]
    floors: list[float]
    weights: FloatArray
    pooling: str

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
        """The mean over the teachers that know a class.

        Parameters
        ----------
        answers : iterable of ndarray of shape (n_samples, n_columns)
        columns : iterable of ndarray of int of shape (n_columns,)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        aligned, known = self.align(answers, columns)
        return pool_probabilities(aligned, self.weights[:, None] * known, self.pooling)


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
