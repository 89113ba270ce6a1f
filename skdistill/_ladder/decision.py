"""What a ladder kept, and why, in one line."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from skdistill._ladder.choice import Budget
from skdistill._ladder.sizes import size_of

if TYPE_CHECKING:
    from skdistill._base import BaseDistiller
    from skdistill._ladder.climb import Ladder


def decision_of(
    ladder: "Ladder", place: int, costs: dict[str, float], budget: Budget, is_refitted: bool
) -> str:
    """Say in one line what is kept, why, and what "auto" decided.

    Parameters
    ----------
    ladder : Ladder
    place : int
        Of the file that is kept.
    costs : dict of str to float
        Of the file that is kept.
    budget : Budget
    is_refitted : bool
        Whether the student was trained again on all rows.

    Returns
    -------
    str
    """
    row, judges = ladder.table.loc[place], ladder.judges
    loss = judges.loss_name(ladder.files[place].rung)
    parts = [
        f"kept: {_name(row, ladder)}, {costs['bytes']:,.0f} bytes, {costs['us_one_row']:.3g} us "
        f"for one row (quartiles {costs['us_one_row_q25']:.3g} and {costs['us_one_row_q75']:.3g})",
        f"{loss} {row['loss']:.4f} on {len(judges)} rows held out",
        f"why: {_why(ladder, row, budget)}",
        f'"auto" chose {_settled(ladder.rungs.settled, ladder.n_left_out)}',
    ]
    if ladder.rungs.rounds is not None:
        parts.insert(3, _race(ladder.rungs.rounds))
    return "; ".join([*parts, "trained again on all rows"] if is_refitted else parts)


def words_of_size(rung: "BaseDistiller", n_candidates: int, budget: Budget) -> str:
    """Say who chose the size, for the decision of the student itself.

    It is said before the file is written, so that the file says it as well.

    Parameters
    ----------
    rung : DistilledClassifier or DistilledRegressor
    n_candidates : int
    budget : Budget

    Returns
    -------
    str
    """
    told = f"; size {size_of(rung)} was chosen by StudentLadder, of {n_candidates} the smallest"
    if budget.max_loss is None:
        told += " that is not clearly worse than the best"
    return f"{told} within {budget}" if str(budget) else told


def _name(row: pd.Series, ladder: "Ladder") -> str:
    by = f" by {row['encoder']}" if "encoder" in row else ""
    return f"{row['size']}{by} in {ladder.files[row.name].weights}"


def _race(rounds: pd.DataFrame) -> str:
    """How many sizes each round of halving had, and for how many steps in all."""
    left_out = int(((rounds["round"] == 0) & ~rounds["goes_on"]).sum())
    sizes = rounds.loc[rounds["round"] > 0, "round"].value_counts(sort=False)
    told = f"halving: rounds of {', '.join(map(str, sizes))} sizes"
    if left_out:
        told += f", {left_out} over the budget did not begin"
    return f"{told}, {rounds['n_steps'].sum():,} steps in all"


def _why(ladder: "Ladder", row: pd.Series, budget: Budget) -> str:
    best = ladder.table.loc[ladder.best]
    n_files = int((ladder.table["round"] == ladder.table["round"].max()).sum())
    which = f"of {n_files} files the smallest"
    if str(budget):
        which += f" that meets {budget}"
    if budget.max_loss is not None:
        return which
    if row.name == best.name:
        return f"{which}; all smaller ones are clearly worse"
    return (
        f"{which} with a loss not clearly above the lowest ({_name(best, ladder)}: "
        f"{best['loss']:.4f}; gap {row['loss_gap']:.4f}, standard error {row['loss_gap_se']:.4f})"
    )


def _settled(settled: dict[str, Any], n_left_out: int) -> str:
    """What "auto" decided for all rungs."""
    told = [
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in settled.items()
        if name in ("alpha", "cv", "temperature", "target_transform")
    ]
    if getattr(settled.get("encoder"), "nominal", None) is not None:
        told.append("numbers taken as codes")
    if told:
        told = [", ".join(told) + " by the largest size, for all"]
    if n_left_out:
        told.append(f"no int8 files where they are no smaller ({n_left_out} left out)")
    return ", ".join(told) or "nothing that the largest size had to settle"
