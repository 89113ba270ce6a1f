"""A trained net with outputs for more classes."""

from typing import Any

import numpy as np

from skdistill._utils.types import Estimator, IntArray
from skdistill.modules import MLP
from skdistill.student import QuantizedMLP, pack_net, unpack_net


def wider_net(net: Estimator, places: IntArray, n_classes: int) -> tuple[Estimator, bool]:
    """A copy of a trained net for more classes, where it can be made.

    Parameters
    ----------
    net : skorch.NeuralNet
        Trimmed for prediction.
    places : ndarray of int of shape (n_old_classes,)
        Where its classes are among all.
    n_classes : int

    Returns
    -------
    net : skorch.NeuralNet
        The outputs of new classes begin at 0. A module that is not ours begins anew.
    keeps : bool
        Whether it keeps its weights.
    """
    state = pack_net(net)
    if n_classes == len(places):
        return unpack_net(state), True
    if "n_outputs" not in state.get("params", {}):
        raise ValueError(
            f"y has new classes, but the module of `student`, {type(net.module_).__name__}, takes "
            "no `n_outputs`: give an `MLPStudent`, or a module class whose constructor takes it."
        )
    state["params"] = {**state["params"], "n_outputs": n_classes}
    keeps = net.module in (MLP, QuantizedMLP)
    if keeps:
        last = f"layers.{len(net.module_.layers) - 1}"
        names = [f"{last}.weight", f"{last}.bias"]
        wide = {name: _spread(state["weights"][name], places, n_classes) for name in names}
        if net.module is QuantizedMLP:  # an output of zeros has any scale
            scale = f"{last}.scale"
            wide[scale] = _spread(state["weights"][scale], places, n_classes, 1.0)
        state["weights"] = {**state["weights"], **wide}
    else:
        del state["weights"]
    return unpack_net(state), keeps


def _spread(
    values: np.ndarray, places: IntArray, n_classes: int, between: float = 0.0
) -> np.ndarray:
    """The rows of an array at other places, with one value between them."""
    wide: Any = np.full((n_classes, *values.shape[1:]), between, values.dtype)
    wide[places] = values
    return wide
