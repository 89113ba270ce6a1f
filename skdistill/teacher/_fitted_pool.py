"""The answers of a fitted pool of teachers."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from skdistill._utils.cache import Cache
from skdistill._utils.named import named_parts
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.table import ColumnSelection
from skdistill.teacher._cached import renew_keys
from skdistill.teacher._combine import Combination
from skdistill.teacher._labelling import FittedTeachers
from skdistill.teacher._members import Member
from skdistill.teacher._row_weights import RowWeights


class FittedPool:
    """The state of a fitted pool: it is written here and read here."""

    # Parameters of the pool that may be changed after its fit.
    teachers: Any
    memory: Any
    n_jobs: int | None
    _selection: ColumnSelection
    _members: list[Member]
    _weights: FloatArray | RowWeights

    def _forget(self) -> None:
        """Become unfitted, so that a failed fit leaves no teachers."""
        self.__dict__.pop("_members", None)

    def _keep(
        self, selection: ColumnSelection, members: list[Member], weights: FloatArray | RowWeights
    ) -> None:
        """Set the results of a fit."""
        self._selection = selection
        self._members = members
        self._weights = weights

    def select(self, X: Table) -> Table:
        """The columns of X that the teachers see.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        array-like or DataFrame of shape (n_samples, n_selected)
            In the container of X; X itself where `features` is None.
        """
        check_is_fitted(self)
        return self._selection.take(X)

    @property
    def estimators_(self) -> list[Estimator]:
        check_is_fitted(self)
        return [member.estimator for member in self._members]

    @property
    def named_estimators_(self) -> dict[str, Estimator]:
        check_is_fitted(self)
        return {member.name: member.estimator for member in self._members}

    @property
    def weights_(self) -> FloatArray:
        check_is_fitted(self)
        weights = self._weights
        if isinstance(weights, RowWeights):
            return weights.weights_
        return weights / weights.sum()

    @property
    def weighing_(self) -> FloatArray | RowWeights:
        """The weights in use: one for each teacher, or the model of weights for each row."""
        check_is_fitted(self)
        return self._weights if isinstance(self._weights, RowWeights) else self.weights_

    @property
    def _weights_identity(self) -> Any:
        weights = self._weights
        return weights.identity if isinstance(weights, RowWeights) else self.weights_

    @property
    def keys(self) -> list[str | None]:
        """Keys of the members of this fitted pool, for a cache of your own.

        Each key is a hash of everything, except the rows of X, on which a teacher's answer depends:
        the estimator, its training data, its code and its columns. It is None if
        `memory` is None, or was None when the teacher was fitted.
        """
        check_is_fitted(self)
        self._renew_keys()
        own = [member.key for member in self._members]
        places = self._selection.indices
        if places is None:
            return own
        return [None if key is None else self._cache.key("columns", key, places) for key in own]

    @property
    def known_columns(self) -> list[IntArray]:
        """The columns of the classes that each teacher knows."""
        return [member.columns for member in self._members]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_members")

    def label(self, X: Table, *, floored: bool = False, step: Step = no_step) -> FloatArray:
        """Pooled answers of rows, kept in `memory`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        floored : bool, default=False
            Whether answers of 0 are lifted, where they are probabilities.
        step : callable, default=no_step
            Called with the first and last row of each of the :func:`chunks` labelled.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        seen = self.select(X)
        self._renew_keys()
        return self._teachers(floored).label(seen, step)

    def hold_in_memory(self) -> None:
        """Read all teachers, and stop using `memory`: its contents are about to be deleted."""
        for member in self._members:
            _ = member.estimator  # read once, it stays
            member.key = None
        self.memory = None

    def accepts(self, X: Table) -> bool:
        """Whether all teachers can label some rows; `memory` keeps the result.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        bool
        """
        seen = self.select(X)
        self._renew_keys()
        return self._teachers().accepts(seen)

    @property
    def _cache(self) -> Cache:
        return Cache(self.memory)

    def _combination(self, floored: bool) -> Combination:
        """The rule that combines the answers, with floors if logarithms are taken."""
        raise NotImplementedError

    def _teachers(
        self, floored: bool = False, levels: tuple[float, ...] | None = None
    ) -> FittedTeachers:
        """The fitted teachers, asked together; with levels, regressors for quantiles of them."""
        combination = self._combination(floored)
        return FittedTeachers(self._members, combination, self._cache, self.n_jobs)

    def _renew_keys(self) -> None:
        renew_keys(self._cache, self._members, named_parts(self.teachers, "teacher"))
