"""How much weighted rows tell."""

import numpy as np

from skdistill._utils.types import FloatArray, IntArray


def n_effective(weight: FloatArray | IntArray) -> float:
    """How many rows of equal weight tell as much as rows of these weights [1]_.

    References
    ----------
    .. [1] Kish (1965). Survey Sampling. Wiley.
    """
    return weight.sum() ** 2 / np.square(weight).sum()
