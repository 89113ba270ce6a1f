"""Names of the columns that an encoder makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from skdistill._utils.levels import as_text
from skdistill.table._columns import CATEGORY, NUMBER

if TYPE_CHECKING:
    from skdistill.table._encoder import TabularEncoder


def output_names(encoder: TabularEncoder, names: Sequence[str]) -> list[str]:
    """Names of the columns that an encoder makes, in their order.

    Parameters
    ----------
    encoder : TabularEncoder
        Fitted.
    names : array-like of str of shape (n_features,)
        Names of the columns of X.

    Returns
    -------
    list of str
        All different.
    """
    kinds = np.array(encoder._kinds, dtype=object)
    numbers = np.asarray(names, dtype=object)[kinds == NUMBER]
    found = [f"{name}_squashed" for name in numbers]
    if hasattr(encoder, "fine_scale_"):  # encoders of format 1 have none
        found += [f"{name}_log" for name in numbers]
    found += [f"{name}_missing" for name in numbers[encoder._indicated]]
    found += [f"{names[i]}_{as_text(v)}" for i, values in encoder.nominal_.items() for v in values]
    categories = np.asarray(names, dtype=object)[kinds == CATEGORY]
    for name, known in zip(categories, encoder.categories_, strict=True):
        if encoder.categories == "codes":
            found.append(name)
        else:
            found += [f"{name}_missing", *(f"{name}_{as_text(one)}" for one in known)]
    return _distinct(found)


def _distinct(names: list[str]) -> list[str]:
    """The names, with underscores after those that were there before."""
    taken = set()
    for i, name in enumerate(names):
        while name in taken:
            name += "_"
        taken.add(name)
        names[i] = name
    return names
