"""Labels for more and more of a folder, until more of them bring no more."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from skdistill._utils.counts import check_counts
from skdistill.scale._label import SHARD_ROWS, label_parquet, wanted_shards
from skdistill.scale._shards import Shard, find_shards
from skdistill.scale._source import LabelledFolder, RowSource

# Rows of the first shard that the students are judged by, at most.
JUDGE_ROWS = 50_000
# Probabilities of students are never 0; those of a teacher may be.
LEAST = 1e-12


@dataclass(frozen=True)
class GrowthReport:
    """How the loss of a student fell with the rows that were labelled for it.

    Attributes
    ----------
    n_rows : list of int
        Rows that a student was trained on, from few to many.
    losses : list of float
        Of each student, on rows that none was trained on: the divergence of its probabilities from
        the teacher's, or the squared error of its numbers, as a share of their variance.
    n_enough : int or None
        The number of rows from which on the next step brought less than `tolerance`. None: the
        loss still fell when all rows were labelled.
    student : estimator
        The last one.
    """

    n_rows: list[int]
    losses: list[float]
    n_enough: int | None
    student: Any

    def __str__(self) -> str:
        steps = zip(self.n_rows, self.losses, strict=True)
        lines = [f"{n_rows:>12,} rows: loss {loss:.5f}" for n_rows, loss in steps]
        end = "the loss still fell when all rows were labelled"
        if self.n_enough is not None:
            end = f"{self.n_enough:,} rows were enough"
        return "\n".join([*lines, end])


def label_until_flat(
    teacher: Any,
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    estimator: Any,
    *,
    first_rows: int = 100_000,
    growth: float = 2.0,
    tolerance: float = 0.05,
    target: str | None = None,
    random_state: int = 0,
    verbose: int = 0,
    **options: Any,
) -> GrowthReport:
    """Label a growing part of a folder, until the loss of a student is flat.

    The shards are labelled in a random order. The first one judges: no student is trained on it. A
    student is trained on `first_rows` more, and then on `growth` times as many each time, until
    that lowers its loss by less than `tolerance`. A call with the same `out` asks for no label
    again.

    Parameters
    ----------
    teacher : estimator, list of estimators, TeacherPool or RegressorPool
        As in :func:`label_parquet`.
    folder, out : str or path-like
        As in :func:`label_parquet`.
    estimator : DistilledClassifier or DistilledRegressor
        Cloned and fitted at each step, without a teacher of its own. A small one, as with
        ``student=MLPStudent.fast()``, tells the same sooner.
    first_rows : int, default=100_000
    growth : float, default=2.0
        Above 1.
    tolerance : float, default=0.05
        Share of the loss, in (0, 1).
    target : str, default=None
        As in :class:`RowSource`. It is not shown to the teacher.
    random_state : int, default=0
        Order of the shards.
    verbose : int, default=0
        1 prints a line a step.
    **options : dict
        Other arguments of :func:`label_parquet`, such as `drop`, `shard_rows` and `n_jobs`. Shards
        must be smaller than `first_rows`.

    Returns
    -------
    GrowthReport

    Raises
    ------
    ValueError
        If a parameter is not valid, or there is but one shard.
    """
    _check(first_rows, growth, tolerance, options)
    if target is not None:
        options["drop"] = [*np.atleast_1d(options.get("drop", [])).tolist(), target]
    options |= {"random_state": random_state}
    shard_rows = options.get("shard_rows", SHARD_ROWS)
    shards = wanted_shards(find_shards(Path(folder), shard_rows), None, random_state)
    judge, *others = shards
    sizes: list[int] = []
    losses: list[float] = []
    student = None
    for taken in _growing(others, first_rows, growth):
        sizes.append(sum(shard.n_rows for shard in taken))
        label_parquet(teacher, folder, out, **options, max_rows=judge.n_rows + sizes[-1])
        kept = {shard.file for shard in taken}
        left = tuple(sorted(shard.file for shard in shards if shard.file not in kept))
        source = RowSource(folder, out, target=target, without=left)
        student = clone(estimator).fit(source)
        losses.append(_loss(student, replace(source, without=()).open(), judge, random_state))
        if verbose:
            print(f"[label_until_flat] {sizes[-1]} rows: loss {losses[-1]:.5f}", flush=True)
        if len(losses) > 1 and losses[-1] > (1 - tolerance) * losses[-2]:
            return GrowthReport(sizes, losses, sizes[-2], student)
    if not sizes:
        raise ValueError("`folder` is one shard, which judges: give a smaller `shard_rows`.")
    return GrowthReport(sizes, losses, None, student)


def _growing(shards: list[Shard], first_rows: int, growth: float) -> Iterator[list[Shard]]:
    """The first shards, more each time."""
    wanted, taken, n_rows = float(first_rows), 0, 0
    while taken < len(shards):
        while taken < len(shards) and n_rows < wanted:
            n_rows += shards[taken].n_rows
            taken += 1
        yield shards[:taken]
        wanted = growth * n_rows


def _loss(student: Any, folder: LabelledFolder, judge: Shard, seed: int) -> float:
    """How far the answers of a student are from the teacher's on the shard that judges."""
    rows = folder.sample(folder.groups_of(judge.file), JUDGE_ROWS, seed)
    if folder.manifest.classes is None:
        error = student.predict(rows.X).reshape(rows.soft.shape) - rows.soft
        return float(np.mean(error**2) / max(np.var(rows.soft, axis=0).mean(), LEAST))
    told = np.clip(rows.soft, LEAST, None)
    own = np.clip(student.predict_proba(rows.X).astype(float), LEAST, None)
    return float((told * np.log(told / own)).sum(axis=1).mean())


def _check(first_rows: int, growth: float, tolerance: float, options: dict[str, Any]) -> None:
    check_counts(first_rows=first_rows)
    if growth <= 1:
        raise ValueError(f"`growth` must be above 1, got {growth}.")
    if not 0 < tolerance < 1:
        raise ValueError(f"`tolerance` must be between 0 and 1, got {tolerance}.")
    if "max_rows" in options:
        raise ValueError("`max_rows` is found here: leave it out.")
