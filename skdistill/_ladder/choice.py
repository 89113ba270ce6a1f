"""Which rung is kept: the smallest file that meets the budget."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skdistill._fit.judge import MeanGap
from skdistill._utils.types import BoolArray, FloatArray
from skdistill._utils.weights import n_effective

SHOWN = ("size", "quantize", "loss", "us_one_row", "us_one_row_q75", "us_per_row", "bytes")


class BudgetNotMetError(ValueError):
    """No student of a ladder is as small, as fast and as good as was asked for.

    Parameters
    ----------
    text : str
    ladder : DataFrame
        The files, with columns as in `ladder_`: at least "size", "quantize", "bytes", "us_one_row"
        and "us_per_row" with their quartiles, and "loss", NaN where they were not trained.
    """

    def __init__(self, text: str, ladder: pd.DataFrame | None = None) -> None:
        super().__init__(text)
        self.ladder = ladder


@dataclass(frozen=True)
class Budget:
    """What a file may cost.

    Attributes
    ----------
    max_latency_us : float or None
        Microseconds for one row.
    max_bytes : float or None
    max_loss : float or None
    """

    max_latency_us: float | None = None
    max_bytes: float | None = None
    max_loss: float | None = None

    def affords(self, costs: dict | pd.DataFrame) -> BoolArray:
        """Whether files are small and fast enough; three calls of four have to be fast enough."""
        fast, small = costs["us_one_row_q75"], costs["bytes"]
        affords = np.ones(np.shape(small), dtype=bool)
        if self.max_latency_us is not None:
            affords &= np.asarray(fast <= self.max_latency_us)
        if self.max_bytes is not None:
            affords &= np.asarray(small <= self.max_bytes)
        return affords

    def __str__(self) -> str:
        given = {name: value for name, value in vars(self).items() if value is not None}
        return ", ".join(f"`{name}={value:g}`" for name, value in given.items())


def add_gaps(
    table: pd.DataFrame,
    losses: list[FloatArray],
    weight: FloatArray,
    groups: np.ndarray | None,
    budget: Budget,
    hard_row: float = 0.0,
) -> int:
    """Add "loss_gap" and "loss_gap_se" to a table of rungs, and "meets".

    The gap is that to the best rung, by its loss, of those that are small and fast enough. A rung
    is clearly worse if the gap is larger than its standard error, and if all rows together lose
    more than one hard row may cost: files of one student in float32 and int8 answer so much alike
    that their standard error is next to nothing.

    Parameters
    ----------
    table : DataFrame
        Changed in place. Files of the last "round" alone are chosen from.
    losses : list of ndarray of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    groups : ndarray of shape (n_rows,) or None
    budget : Budget
    hard_row : float, default=0.0
        Loss that one hard row may cost.

    Returns
    -------
    int
        The place of that rung.

    Raises
    ------
    BudgetNotMetError
        If no rung meets the budget; the message shows the table.
    """
    # Those that left a race earlier were trained for less.
    affords = budget.affords(table) & (table["round"] == table["round"].max()).to_numpy()
    if not affords.any():
        raise not_met(table, budget)
    best = int(np.argmin(np.where(affords, table["loss"], np.inf)))
    gaps = [MeanGap.of(one - losses[best], weight, groups) for one in losses]
    table["loss_gap"] = [gap.mean for gap in gaps]
    # Of one row or group none is known: then no rung is clearly worse by less than a hard row.
    table["loss_gap_se"] = np.nan_to_num([gap.standard_error for gap in gaps])
    if budget.max_loss is None:
        is_good = table["loss_gap"] <= np.maximum(
            table["loss_gap_se"], hard_row / n_effective(weight)
        )
    else:
        is_good = table["loss"] <= budget.max_loss
    table["meets"] = affords & is_good.to_numpy()
    if not table["meets"].any():
        raise not_met(table, budget)
    return best


def in_order(table: pd.DataFrame) -> list[int]:
    """The places of the rungs that meet the budget: fewest bytes first, ties by latency."""
    meets = table[table["meets"]].sort_values(["bytes", "us_one_row"], kind="stable")
    return meets.index.tolist()


def not_met(table: pd.DataFrame, budget: Budget) -> BudgetNotMetError:
    """The error of a fit where no rung meets the budget."""
    shown = table[list(SHOWN)].to_string(float_format=lambda value: f"{value:.4g}")
    text = (
        f"no rung of the ladder meets {budget}: allow more, or give other `sizes`.{_hint(budget)} "
        f"The ladder:\n{shown}"
    )
    return BudgetNotMetError(text, table)


def _hint(budget: Budget) -> str:
    """What helps to read the costs that were limited."""
    hint = ""
    if budget.max_latency_us is not None:
        hint += " `max_latency_us` is met if three calls of four with one row do (us_one_row_q75)."
    if budget.max_bytes is not None:
        hint += (
            " Some of the bytes are there at any size: what encodes the columns, their names and "
            "levels, and a few rows to check the file by."
        )
    return hint
