"""A fit of a ladder, from its recipes to what it leaves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skdistill._base import BaseDistiller
from skdistill._fit.warm_start import settled_by
from skdistill._ladder.choice import Budget, add_gaps, in_order, not_met
from skdistill._ladder.decision import decision_of, words_of_size
from skdistill._ladder.files import File, export, export_all, measure
from skdistill._ladder.halving import Halving
from skdistill._ladder.rows import Judges, judges_of, split_rows
from skdistill._ladder.rungs import (
    Data,
    Rungs,
    fit_rungs,
    held_apart,
    n_steps_of,
    shared_memory,
    train_rungs,
    who_chose_alpha,
)
from skdistill._ladder.sizes import size_of
from skdistill._utils.auto import alpha_chosen_by
from skdistill._utils.types import FloatArray, Split
from skdistill._utils.warn import columns_once, give


@dataclass(frozen=True)
class Ladder:
    """The files of all rungs, judged; the smallest first.

    Attributes
    ----------
    files : list of File
    table : DataFrame
        What `ladder_` shows.
    best : int
        Place of the file with the lowest loss of those small and fast enough.
    judges : Judges
    rungs : Rungs
    n_left_out : int
        int8 files that are no smaller.
    split : (ndarray, ndarray) or None
        Rows trained on, and rows that judge; None where `X_val` was given.
    """

    files: list[File]
    table: pd.DataFrame
    best: int
    judges: Judges
    rungs: Rungs
    n_left_out: int
    split: Split | None


@dataclass(frozen=True)
class Climb:
    """One fit.

    Attributes
    ----------
    estimator : DistilledClassifier or DistilledRegressor
    candidates : list of dict of str to object
        Parameters of each rung.
    budget : Budget
    quantize : bool or "auto"
    halves : bool
        Whether only the better half of the sizes goes on, round by round.
    """

    estimator: BaseDistiller
    candidates: list[dict[str, Any]]
    budget: Budget
    quantize: bool | str
    halves: bool

    def run(self, data: Data) -> dict[str, Any]:
        """Train, export, measure, choose.

        Parameters
        ----------
        data : Data

        Returns
        -------
        dict of str to object
            What a fitted ladder shows, by the name of the attribute.
        """
        with shared_memory(self.estimator) as shared, columns_once():
            ladder = self._judged(data, shared)
            place, kept, costs = self._kept(ladder, data, shared)
        self._restore(kept.rung)
        is_refitted = kept is not ladder.files[place]
        remark = kept.rung.__dict__.pop("_remark", None)
        if remark is not None:
            give(remark)
        return {
            "best_estimator_": kept.rung,
            "best_file_": kept.data,
            "best_costs_": costs,
            "best_params_": ladder.table["params"][place],
            "best_quantize_": kept.quantize,
            "best_index_": place,
            "best_loss_": float(ladder.table["loss"][place]),
            "ladder_": ladder.table,
            "teacher_loss_": _teacher_loss(kept.rung, ladder.judges),
            "n_judges_": len(ladder.judges),
            "decision_": decision_of(ladder, place, costs, self.budget, is_refitted),
            **({"rounds_": ladder.rungs.rounds} if self.halves else {}),
        }

    def _judged(self, data: Data, shared: BaseDistiller) -> Ladder:
        """Train all sizes without the rows that judge, and judge their files."""
        split = split_rows(shared, data.X, data.truth, data.fit_params)
        apart = held_apart(shared, split)
        rungs = self._trained(apart, data, split)
        for rung in rungs.fitted:
            rung.decision_ += self._words_of_size(rung)
        judges = judges_of(rungs.fitted[0], data.X, data.truth, split, data.fit_params)
        files, n_left_out = export_all(dict(enumerate(rungs.fitted)), self.quantize, judges.X)
        costs = measure(files, judges.X)
        order = sorted(range(len(files)), key=lambda i: (costs[i]["bytes"], costs[i]["us_one_row"]))
        files, costs = [files[i] for i in order], [costs[i] for i in order]
        table, losses = self._table(files, costs, judges, rungs)
        hard_row = judges.hard_row(rungs.fitted[0], losses[int(table["loss"].argmin())])
        best = add_gaps(table, losses, judges.weight, judges.groups, self.budget, hard_row)
        return Ladder(files, table, best, judges, rungs, n_left_out, split)

    def _trained(self, apart: BaseDistiller, data: Data, split: Split | None) -> Rungs:
        if not self.halves:
            return train_rungs(apart, self.candidates, data)
        return Halving(apart, self.candidates, self.budget, self.quantize, data, split).run()

    def _table(
        self, files: list[File], costs: list[dict[str, float]], judges: Judges, rungs: Rungs
    ) -> tuple[pd.DataFrame, list[FloatArray]]:
        """The table of the files, and the losses of their rows."""
        losses, rows = [], []
        for file, cost in zip(files, costs, strict=True):
            params = rungs.params[file.place]
            answers = file.answers(judges.X)
            losses.append(judges.row_losses(file.rung, answers))
            mean = float(np.average(losses[-1], weights=judges.weight))
            row: dict[str, Any] = {"size": size_of(file.rung), "quantize": file.quantize}
            row |= {"encoder": repr(params["encoder"])} if "encoder" in self.candidates[0] else {}
            row |= {"loss": mean, "loss_gap": np.nan, "loss_gap_se": np.nan}
            row |= judges.scores(file.rung, answers) | cost | {"meets": False}
            row |= {"n_steps": n_steps_of(file.rung), "round": rungs.last_round[file.place]}
            rows.append(row | {"params": params})
        table = pd.DataFrame(rows)
        # None would become NaN beside "int8".
        table["quantize"] = pd.Series([file.quantize for file in files], dtype=object)
        return table, losses

    def _kept(
        self, ladder: Ladder, data: Data, shared: BaseDistiller
    ) -> tuple[int, File, dict[str, float]]:
        """The file that is kept, its place in the ladder and its costs."""
        costs: dict[str, float]
        for place in in_order(ladder.table):
            file, row = ladder.files[place], ladder.table.loc[place]
            if ladder.split is None or not self.estimator.refit:
                return place, file, {name: row[name] for name in row.index if _is_cost(name)}
            params = row["params"] | {"validation_fraction": [ladder.split]}
            with alpha_chosen_by(who_chose_alpha(ladder.rungs.settled)):
                (rung,) = fit_rungs(shared, [params], data)
            rung.decision_ += self._words_of_size(rung)
            file = export(rung, file.place, file.quantize, data.X)
            (costs,) = measure([file], ladder.judges.X)
            if self.budget.affords(costs):
                return place, file, costs
        raise not_met(ladder.table, self.budget)

    def _words_of_size(self, rung: BaseDistiller) -> str:
        return words_of_size(rung, len(self.candidates), self.budget)

    def _restore(self, rung: BaseDistiller) -> None:
        """Give a student the parameters that were replaced while it was trained."""
        names = ("memory", "validation_fraction", "refit")
        rung.set_params(**{name: getattr(self.estimator, name) for name in names})
        rung._settled = settled_by(rung)  # for a fit, or a refresh, that goes on from it


def _is_cost(name: str) -> bool:
    return name == "bytes" or name.startswith("us_")


def _teacher_loss(rung: BaseDistiller, judges: Judges) -> float:
    """Loss of the teacher on the rows that judge; NaN where it has told nothing."""
    if judges.told is None:
        return np.nan
    losses = judges.row_losses(rung, judges.told)
    return float(np.average(losses, weights=judges.weight))
