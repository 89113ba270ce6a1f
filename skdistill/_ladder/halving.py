"""Successive halving: all sizes are trained a little, and the better half goes on."""

from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skdistill._base import BaseDistiller
from skdistill._fit.shared import Shared
from skdistill._ladder.choice import Budget, not_met
from skdistill._ladder.files import export_all, measure
from skdistill._ladder.rows import Judges, judges_of
from skdistill._ladder.rungs import (
    Data,
    Rungs,
    fit_rungs,
    n_steps_of,
    settled_by,
    who_chose_alpha,
)
from skdistill._ladder.sizes import largest, size_of
from skdistill._utils.auto import alpha_chosen_by, is_auto
from skdistill._utils.types import Split
from skdistill.inspection._ask import ask
from skdistill.inspection._models import STUDENT, find_models
from skdistill.student import MLPStudent

# Of the sizes of a round, one in so many goes on, with so many times the steps.
FACTOR = 2
# Parameters that the largest size settles.
OPEN = ("alpha", "cv", "encoder", "temperature", "target_transform")


def shares_of(n_candidates: int) -> list[float]:
    """The share of a whole training that each candidate gets, by round; the last is whole.

    There are as many rounds as in :class:`~sklearn.model_selection.HalvingGridSearchCV`.

    >>> shares_of(8)
    [0.125, 0.25, 0.5, 1.0]
    """
    n_rounds = 1
    while FACTOR**n_rounds <= n_candidates:
        n_rounds += 1
    return [float(FACTOR) ** (number - n_rounds) for number in range(1, n_rounds + 1)]


def shortened(recipe: MLPStudent, share: float) -> MLPStudent:
    """The recipe of a share of its steps."""
    steps = recipe.n_steps
    if isinstance(steps, Integral):
        return clone(recipe).set_params(n_steps=max(1, round(int(steps) * share)))
    whole = 1.0 if is_auto(steps) else float(steps)
    return clone(recipe).set_params(n_steps=whole * share)


@dataclass
class Halving:
    """The race of the sizes of one fit.

    Attributes
    ----------
    estimator : DistilledClassifier or DistilledRegressor
        That is trained without the rows that judge.
    candidates : list of dict of str to object
    budget : Budget
    quantize : bool or "auto"
    data : Data
    split : (ndarray, ndarray) or None
        Rows trained on, and rows that judge.
    """

    estimator: BaseDistiller
    candidates: list[dict[str, Any]]
    budget: Budget
    quantize: bool | str
    data: Data
    split: Split | None
    _params: list[dict[str, Any]] = field(default_factory=list)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _whole: dict[int, BaseDistiller] = field(default_factory=dict)
    _judges: Judges | None = None
    _shared: Shared = field(default_factory=Shared)

    def run(self) -> Rungs:
        """Train until one size, or two, are left.

        Returns
        -------
        Rungs
            Those that began, in the order of the candidates.

        Raises
        ------
        ValueError
            If no size is small and fast enough.
        """
        settled = self._settle()
        with alpha_chosen_by(who_chose_alpha(settled)):
            return self._race(settled)

    def _race(self, settled: dict[str, Any]) -> Rungs:
        """Train those that go on, round by round."""
        self._params = [settled | one for one in self.candidates]
        going = self._affordable()
        last: dict[int, tuple[BaseDistiller, int]] = {}
        for number, share in enumerate(shares_of(len(going)), start=1):
            rungs = self._train(going, share)
            last |= {place: (rung, number) for place, rung in rungs.items()}
            losses = {place: self._loss(rung) for place, rung in rungs.items()}
            kept = going
            if share < 1:
                n_kept = -(-len(going) // FACTOR)
                kept = sorted(sorted(going, key=lambda place: losses[place])[:n_kept])
            for place, rung in rungs.items():
                is_new = share < 1 or place not in self._whole
                self._note(number, place, rung, share, is_new, losses[place], place in kept)
            going = kept
        places = sorted(last)
        return Rungs(
            [last[place][0] for place in places],
            [self._params[place] for place in places],
            settled,
            [last[place][1] for place in places],
            pd.DataFrame(self._rows),
        )

    def _settle(self) -> dict[str, Any]:
        """What the largest size chooses where a parameter is "auto"; it is trained in full."""
        place = largest(self.candidates)
        begun = clone(self.estimator).set_params(**self.candidates[place])
        if not any(is_auto(getattr(begun, name, None)) for name in OPEN):
            return {}
        (rung,) = fit_rungs(self.estimator, [self.candidates[place]], self.data)
        self._whole[place] = rung
        self._note(0, place, rung, 1.0)
        return settled_by(rung)

    def _affordable(self) -> list[int]:
        """Those of which a file is small and fast enough: an epoch of training makes one."""
        places = list(range(len(self.candidates)))
        if self.budget.max_bytes is None and self.budget.max_latency_us is None:
            return places
        rungs = self._fit(places, [self._one_epoch(place) for place in places])
        rows = self._judges_by(rungs[0]).X
        files, _ = export_all(rungs, self.quantize, rows)
        table = pd.DataFrame(measure(files, rows))
        table.insert(0, "size", [size_of(file.rung) for file in files])
        table.insert(1, "quantize", pd.Series([file.quantize for file in files], dtype=object))
        table.insert(2, "loss", np.nan)
        affords = self.budget.affords(table)
        going = sorted({file.place for file, one in zip(files, affords, strict=True) if one})
        if not going:
            raise not_met(table, self.budget)
        for place, rung in rungs.items():
            self._note(0, place, rung, 0.0, goes_on=place in going)
        return going

    def _train(self, places: list[int], share: float) -> dict[int, BaseDistiller]:
        """Students of a share of the steps; what was trained in full already is taken."""
        if share < 1:
            return self._fit(places, [self._shortened(place, share) for place in places])
        new = [place for place in places if place not in self._whole]
        rungs = self._whole | self._fit(new, [self._params[place] for place in new])
        return {place: rungs[place] for place in places}

    def _fit(self, places: list[int], params: list[dict[str, Any]]) -> dict[int, BaseDistiller]:
        rungs = fit_rungs(self.estimator, params, self.data, self._shared)
        return dict(zip(places, rungs, strict=True))

    def _shortened(self, place: int, share: float) -> dict[str, Any]:
        params = self._params[place]
        return params | {"student": shortened(params["student"], share)}

    def _one_epoch(self, place: int) -> dict[str, Any]:
        params = self._params[place]
        return params | {"student": clone(params["student"]).set_params(n_steps=1)}

    def _judges_by(self, rung: BaseDistiller) -> Judges:
        if self._judges is None:
            data = self.data
            self._judges = judges_of(rung, data.X, data.truth, self.split, data.fit_params)
        return self._judges

    def _loss(self, rung: BaseDistiller) -> float:
        """The loss on the rows held out, or without labels the distance from the teacher."""
        judges = self._judges_by(rung)
        answers = ask(find_models(rung, None, judges.X, None)[STUDENT], rung)
        return float(np.average(judges.row_losses(rung, answers), weights=judges.weight))

    def _note(
        self,
        number: int,
        place: int,
        rung: BaseDistiller,
        share: float,
        is_new: bool = True,
        loss: float = np.nan,
        goes_on: bool = True,
    ) -> None:
        """Add a row to `rounds_`."""
        row = {"round": number, "size": size_of(rung), "share": share}
        row |= {"n_steps": n_steps_of(rung) if is_new else 0, "loss": loss, "goes_on": goes_on}
        self._rows.append(row | {"params": self.candidates[place]})
