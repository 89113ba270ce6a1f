"""A trained student as plain arrays, and back."""

from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor

from skdistill._utils.process import on_cpu, usual_torch
from skdistill._utils.seeding import seeded
from skdistill._utils.types import Estimator


def pack_net(net: Estimator) -> dict[str, Any]:
    """Describe a trained net by its module's class, parameters and weights.

    Parameters
    ----------
    net : skorch.NeuralNet
        Trimmed for prediction.

    Returns
    -------
    dict
        Holds only plain values, arrays and the class; or the module itself where the net was
        given an instance, which nothing else can rebuild.
    """
    state = {"device": str(net.device), "nonlinearity": net.predict_nonlinearity}
    if isinstance(net, NeuralNetRegressor):
        state["regressor"] = True
    if not isinstance(net.module, type):
        return {**state, "module": net.module_}
    weights = {name: _as_array(value) for name, value in net.module_.state_dict().items()}
    return {
        **state,
        "module": net.module,
        "params": net.get_params_for("module"),
        "weights": weights,
    }


def _as_array(tensor: torch.Tensor) -> np.ndarray:
    if tensor.dtype is torch.bfloat16:  # which NumPy lacks; float32 holds the same
        tensor = tensor.float()
    return tensor.cpu().numpy()


@usual_torch()
def unpack_net(state: dict[str, Any]) -> NeuralNetClassifier | NeuralNetRegressor:
    """Rebuild what :func:`pack_net` described.

    Parameters
    ----------
    state : dict

    Returns
    -------
    skorch.NeuralNetClassifier or skorch.NeuralNetRegressor
        Trimmed for prediction; on the CPU where the device it was trained on is not there.
    """
    device = state["device"]
    if device.startswith("cuda") and not torch.cuda.is_available():
        device = "cpu"
    net_class = NeuralNetRegressor if state.get("regressor") else NeuralNetClassifier
    net = net_class(
        state["module"],
        **{f"module__{name}": value for name, value in state.get("params", {}).items()},
        predict_nonlinearity=state["nonlinearity"],
        train_split=None,
        callbacks="disable",
        device=device,
    )
    with seeded(0), on_cpu():
        net.initialize()
    if "weights" in state:
        weights = {
            name: torch.tensor(value, device="cpu") for name, value in state["weights"].items()
        }
        net.module_.load_state_dict(weights)
    net.callbacks = None
    net.trim_for_prediction()
    net.module_.eval().requires_grad_(False)
    return net
