"""Rows of a source on their way to the student: encoded, shuffled by buffers, cut into epochs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from skdistill._fit.labelling import Labeller
from skdistill._fit.plan import Plan
from skdistill._fit.setting import Setting
from skdistill._fit.spread import Spread
from skdistill._utils.types import FloatArray, Table
from skdistill._utils.weights import check_weights
from skdistill.objectives import prepare
from skdistill.scale import LabelledFolder, RowGroup, SourceRows
from skdistill.student import Rows, encode
from skdistill.task import Task

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class SourceEncoder:
    """What a student is told of rows of a source.

    Attributes
    ----------
    plan : Plan
    task : Task
    setting : Setting
    labeller : Labeller
        Without a teacher.
    classes : list or None
        What the columns of the soft targets stand for.
    spread : Spread or None, default=None
        The distribution of labels around the teacher's numbers, if the student tells quantiles.
    """

    plan: Plan
    task: Task
    setting: Setting
    labeller: Labeller
    classes: list[Any] | None
    spread: Spread | None = None

    @property
    def levels(self) -> tuple[float, ...] | None:
        """Those of the student's quantiles, if it tells some."""
        levels: tuple[float, ...] | None = getattr(self.task, "levels", None)
        return levels

    def arrays(self, rows: SourceRows) -> Arrays:
        """Inputs, labels, weights and soft targets of rows."""
        X, kind = self.plan.check_rows(rows.X), self.plan.kind
        labels = self.task.unlabelled(len(rows.X))
        if rows.y is not None:
            y = kind.check_labels(rows.y, X, "target")
            kind.check_known(self.task, y, "target")
            labels = self.task.encode(y)
        weight = check_weights(rows.weight, len(labels), "weight", allow_zero=True)
        return {
            "inputs": encode(self.setting.encoder, self.plan.columns.take(X)),
            "label": labels,
            "weight": np.ones(len(labels)) if weight is None else weight,
            "soft": self._answers(rows.soft, X),
        }

    def _answers(self, soft: FloatArray, X: Table) -> FloatArray:
        """What the teacher answered, or quantiles around it, on the scale of the student."""
        if self.levels is not None:
            means: FloatArray = self.labeller.task.soft_of(soft)
            return means if self.spread is None else self.spread.quantiles(X, means)
        given = self.labeller.given(soft_table(soft, self.classes), X, "soft targets")
        lifted = self.labeller.lift_given(given)
        assert lifted is not None  # a source has them
        return lifted

    def training(self, arrays: Arrays, is_labelled: bool) -> Rows:
        """What a student learns of rows."""
        target = {name: arrays[name] for name in ("label", "weight")}
        if self.setting.learns_of_teacher:
            target["soft"] = self._soft(arrays)
        return Rows.from_arrays(arrays["inputs"], target, is_labelled)

    def judging(self, arrays: Arrays, is_labelled: bool) -> Rows:
        """What an epoch is chosen by: labels, or soft targets where there are none."""
        target = {name: arrays[name] for name in ("label", "weight")}
        if not is_labelled:
            target["soft"] = self._soft(arrays)
        return Rows.from_arrays(arrays["inputs"], target, is_labelled)

    def _soft(self, arrays: Arrays) -> FloatArray:
        of_rows = arrays["weight"], arrays["label"]
        return prepare(self.plan.response, arrays["soft"], self.setting.temperature, *of_rows)


def soft_table(soft: FloatArray, classes: list[Any] | None) -> Any:
    """Soft targets of a source as ``fit`` takes them."""
    return soft if classes is None else pd.DataFrame(soft, columns=classes)


@dataclass(frozen=True)
class Kept:
    """Rows of a buffer that no epoch has had yet.

    Attributes
    ----------
    n_rows : int
    read : callable
        Returns their arrays.
    """

    n_rows: int
    read: Callable[[], Arrays]

    @classmethod
    def of(cls, arrays: Arrays) -> "Kept":
        """Rows that are in memory."""
        return cls(len(arrays["inputs"]), lambda: arrays)


@dataclass(frozen=True)
class SourceBuffers:
    """The rows of a source in random order, pass after pass, an epoch at a time.

    Attributes
    ----------
    source : LabelledFolder
    groups : list of RowGroup
        To train on.
    encoder : SourceEncoder
    n_rows : int
        Of an epoch.
    seed : int
    """

    source: LabelledFolder
    groups: list[RowGroup]
    encoder: SourceEncoder
    n_rows: int
    seed: int

    @property
    def is_labelled(self) -> bool:
        return self.source.given.target is not None

    @cached_property
    def _sizes(self) -> dict[RowGroup, int]:
        """Rows of each group that weigh anything."""
        weight = self.source.given.weight
        if weight is None:
            return {group: group.n_rows for group in self.groups}
        counts = map(np.count_nonzero, self.source.values(weight, self.groups))
        return dict(zip(self.groups, map(int, counts), strict=True))

    def epochs(self, n_done: int = 0) -> Iterator[Rows]:
        """The rows of one epoch after the other, without an end.

        Parameters
        ----------
        n_done : int, default=0
            Epochs to leave out. A buffer of which they have all rows is not read.
        """
        rng = np.random.default_rng(self.seed)
        kept: list[Kept] = []  # what no epoch has had yet comes first
        place = 0
        while True:
            for groups in self._buffers(rng):
                n_kept = sum(one.n_rows for one in kept)
                new = rng.permutation(sum(self._sizes[group] for group in groups))
                order = np.concatenate([np.arange(n_kept), n_kept + new])
                n_whole = len(order) // self.n_rows * self.n_rows
                whole: Arrays | None = None
                for start in range(0, n_whole, self.n_rows):
                    rows = rng.permutation(order[start : start + self.n_rows])
                    place += 1
                    if place <= n_done:
                        continue
                    whole = self._whole(kept, groups) if whole is None else whole
                    yield self.encoder.training(_taken(whole, rows), self.is_labelled)
                if whole is not None:
                    kept = [Kept.of(_taken(whole, order[n_whole:]))]
                    continue
                rest = new[max(0, n_whole - n_kept) :]
                unread = Kept(len(rest), partial(self._read, groups, rest))
                kept = [unread] if n_whole else [*kept, unread]

    def _whole(self, kept: "list[Kept]", groups: list[RowGroup]) -> Arrays:
        return _joined([*(one.read() for one in kept), *map(self._arrays, groups)])

    def _read(self, groups: list[RowGroup], rows: np.ndarray) -> Arrays:
        return _taken(_joined(list(map(self._arrays, groups))), rows)

    def _arrays(self, group: RowGroup) -> Arrays:
        """The rows of a group that weigh anything."""
        arrays = self.encoder.arrays(self.source.read(group))
        return _taken(arrays, np.flatnonzero(arrays["weight"]))

    def _buffers(self, rng: np.random.Generator) -> Iterator[list[RowGroup]]:
        """The row groups of a pass in random order, as many together as fill a buffer."""
        buffer: list[RowGroup] = []
        for place in rng.permutation(len(self.groups)):
            buffer.append(self.groups[place])
            if sum(group.n_rows for group in buffer) >= self.source.given.buffer_rows:
                yield buffer
                buffer = []
        if buffer:
            yield buffer


def _joined(parts: list[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _taken(whole: Arrays, rows: np.ndarray) -> Arrays:
    return {name: values[rows] for name, values in whole.items()}
