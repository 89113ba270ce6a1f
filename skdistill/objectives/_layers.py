"""Which submodule of a student gives the last hidden layer."""

import torch

from skdistill.modules import MLP


def penultimate_layer(module: torch.nn.Module) -> str:
    """Name of the submodule whose output is the last hidden layer, before its activation.

    Of an :class:`~skdistill.MLP` it is known. Of another module it is the linear layer that was
    registered last before the output layer, the last linear one, and is as wide as its inputs.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    str
        As in ``module.named_modules()``.

    Raises
    ------
    ValueError
        If no submodule gives it.
    """
    linear = {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, torch.nn.Linear) and name
    }
    if isinstance(module, MLP) and len(module.layers) == 1 and module.categories is not None:
        if module.first is None:
            return "categories"
        raise ValueError(
            "`student_layer='penultimate'` is no single layer of a student with one hidden layer "
            "that numbers and categories enter: give it two, as in "
            "MLPStudent(hidden_layer_sizes=(192, 192)), or `student_layer='first'`."
        )
    *names, last = linear or [""]
    wide = [name for name in names if linear[name].out_features == linear[last].in_features]
    if not wide:
        raise ValueError(
            f"`student_layer='penultimate'` cannot be told of {type(module).__name__}, whose "
            f"linear layers are {list(linear)}: give the name of a submodule, as `named_modules` "
            "says it."
        )
    return wide[-1]
