"""Teachers that predict numbers: their answers and fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from skdistill._utils._compat import num_samples
from skdistill._utils.cache import Cache
from skdistill._utils.named import unfrozen_parts_of
from skdistill._utils.types import Estimator, FloatArray, IntArray, NDArray, Table
from skdistill.table import is_frame
from skdistill.teacher._hints import hint_for
from skdistill.teacher._jobs import FitJob, TrainingRows
from skdistill.teacher._members import InMemory, Member, Source
from skdistill.teacher._models import has_part_of, torch_guard
from skdistill.teacher._number_adapters import adapt_numbers
from skdistill.teacher._quantiles import ask_quantiles
from skdistill.teacher._queries import answer_once


class NumberMember(Member):
    """A fitted teacher that predicts a number for each target, or quantiles of one."""

    # Levels of the quantiles that it is asked for; None asks for numbers.
    levels: tuple[float, ...] | None = None

    def _chunk(self, X: Table) -> FloatArray:
        if self.levels is not None:
            return ask_quantiles(self.name, self.estimator, X, np.array(self.levels))
        answer = ask_number(self.name, self.estimator, X)
        return read_numbers(self.name, answer, num_samples(X), len(self.columns))


class NumberJob(FitJob):
    """All that a fitted teacher of numbers depends on: `codes` are the numbers themselves."""

    # As of the member that comes of it.
    levels: tuple[float, ...] | None = None

    def key(self, cache: Cache) -> str | None:
        """What `cache` knows the fitted teacher by, and the levels that it is asked for."""
        key = super().key(cache)
        return key if self.levels is None or key is None else cache.key("levels", key, self.levels)

    def asked_for(self, levels: tuple[float, ...] | None) -> NumberJob:
        """The same, of which the fitted teacher tells quantiles."""
        self.levels = levels
        return self

    def on(self, rows: IntArray, where: str) -> FitJob:
        """The same on some of the rows; see :meth:`FitJob.on`."""
        part = super().on(rows, where)
        assert isinstance(part, NumberJob)
        return part.asked_for(self.levels)

    @property
    def labels(self) -> NDArray[Any]:
        """The places of its columns."""
        return self._places

    def columns_of(self, estimator: Estimator) -> IntArray:
        """The places of its columns."""
        return self._places

    def member(
        self, source: Source, columns: IntArray, n_votes: int | None, key: str | None = None
    ) -> Member:
        """The fitted teacher as a member; see :meth:`FitJob.member`."""
        found = NumberMember(self.name, source, columns, None, key)
        found.levels = self.levels
        return found

    @property
    def _places(self) -> IntArray:
        return np.arange(1 if self.codes.ndim == 1 else self.codes.shape[1])

    def _taught(self) -> tuple[NDArray[Any], dict[str, Any]]:
        y = self.codes
        if has_part_of(unfrozen_parts_of(self.estimator), "skorch"):  # its losses take no others
            y = y.reshape(len(y), -1).astype(np.float32)
        return y, self.fit_params

    def _check_fitted(self) -> None:
        pass


@dataclass(frozen=True)
class NumberRows(TrainingRows):
    """What teachers of numbers are fitted on, and the levels that they are asked for."""

    levels: tuple[float, ...] | None = None

    def job(self, *parts: Any) -> NumberJob:
        """How one of them is fitted; see :meth:`TrainingRows.job`."""
        return NumberJob(*parts).asked_for(self.levels)

    @property
    def table(self) -> tuple[Table, NDArray[Any], NDArray[Any]]:
        """X, the numbers, and no classes."""
        return self.X, np.asarray(self.y), np.empty(0)


def ask_number(name: str, estimator: Estimator, X: Table) -> Any:
    """The raw prediction of a teacher; an error names the teacher."""
    return answer_once(estimator, X, partial(_ask, name, estimator))


def _ask(name: str, estimator: Estimator, X: Table) -> Any:
    try:
        with torch_guard(estimator, seed=0):
            return adapt_numbers(estimator).predict(X)
    except Exception as error:
        raise ValueError(
            f"teacher `{name}` could not label the rows: {error}{hint_for(error)}"
        ) from error


def read_numbers(name: str, answer: Any, n_rows: int, n_targets: int | None) -> FloatArray:
    """A teacher's answer as an array of shape (n_rows, n_targets), checked.

    Raises
    ------
    ValueError
        If it has another shape, or numbers that are not finite.
    """
    what = f"`predict` of teacher `{name}`"
    try:
        values = np.asarray(answer.to_numpy() if is_frame(answer) else answer, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must give numbers: {error}. Give a regressor.") from error
    values = values[:, None] if values.ndim == 1 else values
    shape = (n_rows, values.shape[-1] if n_targets is None else n_targets)
    if len(values) != n_rows or values.ndim != 2:
        raise ValueError(f"{what} must have shape {shape}, got {np.shape(answer)}.")
    if values.shape != shape:
        raise ValueError(
            f"teacher `{name}` predicts {values.shape[1]} target(s), but there are {shape[1]}: "
            "give a y, or a teacher, of as many."
        )
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).any(axis=1).argmax())
        raise ValueError(f"{what} is not finite on row {row}: {values[row].tolist()}.")
    return values


def adopt_number(name: str, part: Estimator, first_row: Table, n_targets: int) -> Member:
    """A teacher of numbers that is used as it is; one call tests that it can label rows."""
    member = NumberMember(name, InMemory(part), np.arange(n_targets), None)
    member.answers(first_row)
    return member


def rows_to_fit(
    X: Table,
    y: Any,
    fit_params: Mapping[str, dict[str, Any]],
    levels: tuple[float, ...] | None = None,
) -> NumberRows:
    """What teachers of numbers are fitted on."""
    return NumberRows(X, y, np.empty(0), fit_params, levels)
