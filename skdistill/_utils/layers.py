"""What goes through a torch module, by the names of its layers."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from skdistill._utils.types import FloatArray

# What enters the linear layers called last: hidden activations, whatever comes before them.
PENULTIMATE, ANTEPENULTIMATE = "penultimate", "antepenultimate"
_FROM_THE_END = {PENULTIMATE: 1, ANTEPENULTIMATE: 2}


def unknown_layers(module: torch.nn.Module, names: Collection[str]) -> list[str]:
    """Those of the names that no layer of the module has, sorted."""
    n_linear = sum(isinstance(part, torch.nn.Linear) for part in module.modules())
    known = {name for name, n_needed in _FROM_THE_END.items() if n_linear >= n_needed}
    return sorted(set(names) - known - {name for name, _ in module.named_modules()})


def layers_in_words(module: torch.nn.Module) -> str:
    """What layers there are to name, for an error message."""
    names = sorted(name for name, _ in module.named_modules() if name)
    return (
        f"{names}; 'penultimate' is what enters the torch.nn.Linear that is called last, "
        "'antepenultimate' what enters the one before it"
    )


def watch_layers(
    module: torch.nn.Module,
    names: Collection[str],
    record: Callable[[str, Any], None],
) -> list[Any]:
    """Record what layers give, each time that the module is called.

    Parameters
    ----------
    module : torch.nn.Module
    names : collection of str
        As ``named_modules`` has them: the output of the submodule. "penultimate" is what enters the
        linear layer called last, "antepenultimate" what enters the one before it.
    record : callable
        Called with a name and what the layer gave.

    Returns
    -------
    list of handles
        ``remove()`` of all of them ends it.
    """
    submodules = dict(module.named_modules())
    handles = [
        submodules[name].register_forward_hook(_recorder(name, record))
        for name in names
        if name not in _FROM_THE_END
    ]
    if not set(names) & set(_FROM_THE_END):
        return handles
    entered: deque[torch.Tensor] = deque(maxlen=len(_FROM_THE_END))

    def forget(module: torch.nn.Module, inputs: Any) -> None:
        entered.clear()

    def enter(module: torch.nn.Module, inputs: Any) -> None:
        entered.append(inputs[0])
        for name, place in _FROM_THE_END.items():
            if name in names and place <= len(entered):
                record(name, entered[-place])

    handles.append(module.register_forward_pre_hook(forget))
    linear = [part for part in module.modules() if isinstance(part, torch.nn.Linear)]
    return handles + [part.register_forward_pre_hook(enter) for part in linear]


def read_layer_of(module: torch.nn.Module, name: str, calls: Iterable[Any]) -> FloatArray:
    """What a layer gives while its module is called.

    Parameters
    ----------
    module : torch.nn.Module
    name : str
        As for :func:`watch_layers`.
    calls : iterable
        Calls the module once for each of its elements, when that is asked for.

    Returns
    -------
    ndarray of shape (n_rows, ...)
        Of all calls, one after the other.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    if unknown_layers(module, {name}):
        raise ValueError(f"there is none; it has {layers_in_words(module)}")
    seen: dict[str, Any] = {}
    handles = watch_layers(module, {name}, seen.__setitem__)
    parts = []
    try:
        with torch.inference_mode():
            for _ in calls:
                parts.append(seen.pop(name).float().cpu().numpy())
    finally:
        for handle in handles:
            handle.remove()
    return np.concatenate(parts)


@contextmanager
def in_evaluation(module: torch.nn.Module) -> Iterator[None]:
    """No random numbers and no running means inside: they are for the training."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


def tensor_in(output: Any) -> torch.Tensor:
    """The tensor that a layer gives; of several, the first."""
    while isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor):
        raise ValueError(f"it gives no tensor, but {type(output).__name__}")
    return output


def _recorder(name: str, record: Callable[[str, Any], None]) -> Callable[..., None]:
    def hook(module: torch.nn.Module, inputs: Any, output: Any) -> None:
        record(name, tensor_in(output))

    return hook
