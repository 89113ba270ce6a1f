"""Identifiers of the inputs of a fit, by name: fits with equal ones have the same inputs."""

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
import skorch
import torch

import skdistill
from skdistill._utils.identity import identify
from skdistill._utils.named import named_parts
from skdistill._utils.types import Estimator
from skdistill.teacher import clone_of, is_frozen, known_by

if TYPE_CHECKING:
    from skdistill._fit.inputs import Arguments
    from skdistill._fit.plan import Previous

# They say where and how a fit runs, and may differ when it continues.
FREE = ("checkpoint_dir", "memory", "n_jobs", "verbose", "max_time")


def identities_of(
    estimator: Estimator, arguments: "Arguments", previous: "Previous | None"
) -> dict[str, str]:
    """Identify each parameter and each argument of a fit.

    Parameters
    ----------
    estimator : BaseDistiller
    arguments : Arguments
    previous : Previous or None
        The state that `warm_start` continues from.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ValueError
        If an object cannot be identified.
    """
    values = {
        name: value for name, value in estimator.get_params(deep=False).items() if name not in FREE
    }
    values |= vars(arguments)
    if previous is not None:
        weights = list(previous.student.module.state_dict().values())
        settled = previous.alpha, previous.temperature, previous.rows, previous.split_seed
        values["the fitted student"] = weights, settled
    return {name: _identity_of(name, value) for name, value in values.items()}


def versions() -> dict[str, str]:
    """The versions that a fit may depend on, by name."""
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        "skdistill": skdistill.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": str(torch.__version__),
        "skorch": skorch.__version__,
        "NumPy": np.__version__,
    }


def _identity_of(name: str, value: Any) -> str:
    try:
        return identify(_known_by(value) if name == "teacher" else value)
    except TypeError as error:
        raise ValueError(
            f"`checkpoint_dir` cannot tell `{name}` from another: {error}. Take out what cannot be "
            "pickled (a lock, an open file, a connection), or use `checkpoint_dir=None`."
        ) from error


def _known_by(teacher: Any) -> list[tuple[str, Any]]:
    """The teachers as they will be fitted; for fitted ones, their keys in `memory`."""
    parts = named_parts(teacher, "teacher")
    return [(name, known_by(part) if is_frozen(part) else clone_of(part)) for name, part in parts]
