"""The state of a stored DistilledClassifier, brought from an older format to a newer one.

What a format stores that the one before it did not:

====== ================= =============================================== =============
format in the classifier what stands for it in an older state            in a part
====== ================= =============================================== =============
2      ``transfer_``     the samplers given: none was chosen             fine_scale_
3      ``class_offset_`` None: there was no `class_prior`
3      ``cv_``           what `cv` says, which could not be "auto"
4      ``trials_``       nothing: what a fit has told is not made up     nominal_
====== ================= =============================================== =============

A part may be stored alone, so it reads its own older state: see :mod:`skdistill._stored.parts` and,
for parameters, :mod:`skdistill._stored.parameters`.
"""

from collections.abc import Callable
from typing import Any

from skdistill._utils.named import named_parts

State = dict[str, Any]

# Raised when what is stored changes its meaning.
FORMAT = 4


def migrate(state: State, from_format: int, to_format: int = FORMAT) -> State:
    """Bring the state of a fitted classifier to a newer format, one format at a time.

    Parameters
    ----------
    state : dict
        Left as it is.
    from_format : int
        The format it was stored in.
    to_format : int, default=FORMAT
        The format wanted.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If it was stored in a newer format than the one wanted.
    """
    if from_format > to_format:
        raise ValueError(
            f"this DistilledClassifier was stored in format {from_format}, by a newer skdistill; "
            f"this one reads formats up to {to_format}: upgrade it."
        )
    for version in range(from_format, to_format):
        state = _STEPS[version](state)
    return state


def _to_2(state: State) -> State:
    given = state["transfer"]  # what "auto" chose is not told
    samplers = [] if isinstance(given, str) else named_parts(given, "transfer")
    return {**state, "transfer_": samplers}


def _to_3(state: State) -> State:
    return {**state, "class_offset_": None, "cv_": state["cv"]}


def _to_4(state: State) -> State:
    return state


# By the format that each starts from.
_STEPS: dict[int, Callable[[State], State]] = {1: _to_2, 2: _to_3, 3: _to_4}
