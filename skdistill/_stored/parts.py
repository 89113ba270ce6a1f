"""The states of the parts of a classifier, which are stored without the number of a format.

What was not stored always:

============== ================================ ==================================================
of             since                            what stands for it in an older state
============== ================================ ==================================================
TabularEncoder ``fine_scale_``: format 2        None: a number becomes one column
TabularEncoder ``nominal_``: format 4           none: no number becomes indicator columns
TabularEncoder plain ``categories_``: after 4   those stored, made plain: no dates, no intervals
Member         ``n_votes``, ``key``, ``labels`` None
Member         no ``_held``                     nothing: the teacher is stored as ``estimator``
TeacherPool    ``_selection``: after format 4   all columns
============== ================================ ==================================================
"""

from typing import Any

import numpy as np

from skdistill._utils.types import NDArray, ObjectArray
from skdistill._utils.values import category_value

State = dict[str, Any]


def encoder_state(state: State) -> State:
    """Bring the state of a TabularEncoder to what it is now.

    Parameters
    ----------
    state : dict
        Of any version; left as it is.

    Returns
    -------
    dict
    """
    if "n_outputs_" not in state:  # not fitted
        return state
    if "fine_scale_" not in state:
        state = {**state, "fine_scale_": None}
    if "nominal_" not in state:
        state = {
            **state,
            "nominal_": {},
            "_n_plain": state["n_outputs_"],
            "_places": np.array([], dtype=int),
            "_values": np.array([], dtype=float),
        }
    return {**state, "categories_": [_plain(known) for known in state["categories_"]]}


def member_state(state: State) -> State:
    """Bring the state of a Member to what it is now.

    Parameters
    ----------
    state : dict
        Of any version; left as it is.

    Returns
    -------
    dict
    """
    state = {"n_votes": None, "key": None, "labels": None, **state}
    state.pop("_held", None)
    return state


def pool_state(state: State, all_columns: Any) -> State:
    """Bring the state of a TeacherPool to what it is now.

    Parameters
    ----------
    state : dict
        Of any version; left as it is.
    all_columns : ColumnSelection
        Of all columns, which the teachers of an older pool see.

    Returns
    -------
    dict
    """
    return {"_selection": all_columns, **state} if "_members" in state else state


def _plain(categories: NDArray[Any]) -> ObjectArray:
    return np.fromiter(map(category_value, categories), object, len(categories))
