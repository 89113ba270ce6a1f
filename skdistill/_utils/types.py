"""Types that annotations share."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rows: an array, a sparse matrix or a DataFrame of any library.
Table: TypeAlias = Any
# Any object with `fit`, `predict_proba` or `transform`: no class of their own tells.
Estimator: TypeAlias = Any
FloatArray: TypeAlias = NDArray[np.floating]
IntArray: TypeAlias = NDArray[np.integer]
BoolArray: TypeAlias = NDArray[np.bool_]
ObjectArray: TypeAlias = NDArray[np.object_]
# Rows to train on, and rows to test on or to hold out.
Split: TypeAlias = tuple[IntArray, IntArray]
RandomState: TypeAlias = int | np.random.RandomState | None

__all__ = [
    "ArrayLike",
    "BoolArray",
    "Estimator",
    "FloatArray",
    "IntArray",
    "NDArray",
    "ObjectArray",
    "RandomState",
    "Split",
    "Table",
]
